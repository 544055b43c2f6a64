package terminal

import (
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// maxInput bounds what is typed into one line, in characters: as long as a question.
const maxInput = 8000

// Editor is a line that a person types. The zero value is an empty one.
type Editor struct {
	text []rune
	at   int // the cursor, before text[at]
}

// Text returns what was typed.
func (e *Editor) Text() string { return string(e.text) }

// Set replaces the text; the cursor goes to its end.
func (e *Editor) Set(text string) {
	e.text, e.at = nil, 0
	e.Insert(text)
}

// Insert puts text at the cursor, cleaned and in one line.
func (e *Editor) Insert(text string) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, Clean(text))
	more := []rune(text)
	more = more[:min(len(more), maxInput-len(e.text))]
	e.text = slices.Insert(e.text, e.at, more...)
	e.at += len(more)
}

// Key does what a key is for, by its name; other keys insert their text.
func (e *Editor) Key(name, text string) {
	switch name {
	case "left", "ctrl+b":
		e.at = max(0, e.at-1)
	case "right", "ctrl+f":
		e.at = min(len(e.text), e.at+1)
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "backspace", "ctrl+h":
		e.remove(max(0, e.at-1), e.at)
	case "delete":
		e.remove(e.at, min(len(e.text), e.at+1))
	case "ctrl+u":
		e.remove(0, e.at)
	case "ctrl+k":
		e.remove(e.at, len(e.text))
	case "ctrl+w":
		e.remove(e.wordStart(), e.at)
	default:
		e.Insert(text)
	}
}

func (e *Editor) remove(from, to int) {
	e.text = slices.Delete(e.text, from, to)
	e.at = from
}

// wordStart returns where the word before the cursor begins.
func (e *Editor) wordStart() int {
	i := e.at
	for i > 0 && e.text[i-1] == ' ' {
		i--
	}
	for i > 0 && e.text[i-1] != ' ' {
		i--
	}
	return i
}

// View returns the part of the line that is shown in so many columns, and the column of
// the cursor in it.
func (e *Editor) View(columns int) (shown string, cursor int) {
	from := sort.Search(e.at, func(i int) bool { return uniseg.StringWidth(string(e.text[i:e.at])) < columns })
	shown = string(e.text[from:])
	if width(shown) > columns {
		shown = Cut(shown, columns)
	}
	return shown, uniseg.StringWidth(string(e.text[from:e.at]))
}

// Fit returns a line in exactly so many columns: filled with blanks, or cut, and then
// without styles. It must have been cleaned.
func Fit(line string, columns int) string {
	w := width(line)
	if w > columns {
		line = Cut(unstyled(line), columns)
		w = width(line)
	}
	return line + strings.Repeat(" ", max(0, columns-w))
}

// Lines splits a text into its lines. A style that goes over several ends in each and
// begins anew in the next, so that something else can stand beside them.
func Lines(text string) []string {
	lines := strings.Split(text, "\n")
	open := ""
	for i, line := range lines {
		begun := open
		for j := range line {
			switch {
			case strings.HasPrefix(line[j:], passing[0]):
				open = ""
			case strings.HasPrefix(line[j:], passing[1]), strings.HasPrefix(line[j:], passing[2]):
				open = line[j : j+len(passing[1])]
			}
		}
		lines[i] = begun + line
		if open != "" {
			lines[i] += passing[0]
		}
	}
	return lines
}

// unstyled returns a line without styles.
func unstyled(line string) string {
	for _, style := range passing[:3] {
		line = strings.ReplaceAll(line, style, "")
	}
	return line
}

// Pass returns what a Guard lets through of text.
func Pass(text string) string {
	var out strings.Builder
	g := NewGuard(&out)
	_, _ = g.Write([]byte(text)) // a strings.Builder does not fail
	_ = g.Flush()
	return out.String()
}
