package terminal

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Flow breaks text at the width of a screen while the text arrives piece by
// piece. Rows of tables and code between fences keep their lines. Text must have
// been cleaned; styles may be in it.
type Flow struct {
	s      *Screen
	column int
	indent string // of continued lines
	fenced bool
	row    bool   // this line is a row of a table
	start  bool   // nothing but white space in this line so far
	line   string // its beginning, for telling what it is
	blanks string // white space that is printed when a word follows in this line
}

// NewFlow returns a flow to s whose continued lines begin with indent. The first
// line is taken to have begun with as many columns already.
func NewFlow(s *Screen, indent string) *Flow {
	return &Flow{s: s, indent: indent, column: width(indent), start: true}
}

// Write prints text.
func (f *Flow) Write(text string) {
	var out strings.Builder
	for len(text) > 0 {
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end == 0 {
			end = len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
			f.space(&out, text[:end])
		} else {
			if end < 0 {
				end = len(text)
			}
			f.word(&out, text[:end])
		}
		text = text[end:]
	}
	f.s.Printf("%s", out.String())
}

// space prints white space, which may hold line ends.
func (f *Flow) space(out *strings.Builder, blanks string) {
	for _, r := range blanks {
		if r != '\n' {
			f.blanks += string(r)
			continue
		}
		if strings.HasPrefix(f.line, "```") || strings.HasPrefix(f.line, "~~~") {
			f.fenced = !f.fenced
		}
		out.WriteString("\n" + f.indent)
		f.column, f.start, f.row, f.line, f.blanks = width(f.indent), true, false, "", ""
	}
}

func (f *Flow) word(out *strings.Builder, word string) {
	if f.start {
		f.start, f.line, f.row = false, word, strings.HasPrefix(word, "|")
	}
	blanks, w := len(f.blanks), width(word)
	if f.s.Width > 0 && !f.row && !f.fenced && blanks > 0 && f.column > width(f.indent) && f.column+blanks+w > f.s.Width {
		out.WriteString("\n" + f.indent)
		f.column, f.blanks, blanks = width(f.indent), "", 0
	}
	out.WriteString(f.blanks + word)
	f.column, f.blanks = f.column+blanks+w, ""
}

// Wrap returns text as one paragraph in lines of at most width columns, each
// with the indent before it. Words are never broken. A width of 0 makes one line.
func Wrap(text string, columns int, indent string) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		w := width(word)
		switch {
		case column == 0:
			out.WriteString(indent)
			column = width(indent)
		case columns > 0 && column+1+w > columns:
			out.WriteString("\n" + indent)
			column = width(indent)
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += w
	}
	return out.String()
}

// Item returns text as Wrap does, with a label in place of the indent of the first line,
// which is as wide.
func Item(label, text string, columns int) string {
	indent := strings.Repeat(" ", width(label))
	return label + strings.TrimPrefix(Wrap(text, columns, indent), indent)
}

// width returns the columns of s, without those of styles.
func width(s string) int {
	for {
		begin := strings.Index(s, "\x1b[")
		if begin < 0 {
			return uniseg.StringWidth(s)
		}
		end := strings.IndexByte(s[begin:], 'm')
		if end < 0 {
			return uniseg.StringWidth(s)
		}
		s = s[:begin] + s[begin+end+1:]
	}
}

// Cut returns s in at most columns columns, with an ellipsis when it was longer.
func Cut(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	var out strings.Builder
	used := 0
	for rest, state := s, -1; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > columns-1 {
			break
		}
		out.WriteString(cluster)
		used += w
	}
	return out.String() + "…"
}

// Width returns the columns of a line, without those of styles.
func Width(s string) int { return width(s) }
