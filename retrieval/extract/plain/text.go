package plain

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// Text extracts plain text. Lines that are plainly headings (underlined,
// numbered or in capitals, alone between blank lines) begin sections.
func Text(src []byte, limit int) (*canon.Text, error) {
	text, replaced, err := Decode(src, "")
	if err != nil {
		return nil, err
	}
	t := &canon.Text{Kind: cairn.KindText}
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	t.Body = Whole(t, text, limit)
	t.Title = firstLine(t.Body)
	t.Sections = canon.Sections(len(t.Body), headings(t.Body))
	return t, nil
}

// Whole returns text without blank lines at its ends, with one line end last,
// cut at limit; t gets a notice if it was cut.
func Whole(t *canon.Text, text []byte, limit int) []byte {
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 || len(bytes.TrimSpace(text[:end])) > 0 {
			break
		}
		text = text[end+1:]
	}
	text = bytes.TrimRight(text, " \t\n")
	if len(text) == 0 {
		return nil
	}
	if len(text)+1 > limit {
		text = bytes.TrimRight(canon.Cut(text, max(limit-1, 0)), " \t\n")
		t.Notice(canon.NoticeTruncated)
	}
	return append(text[:len(text):len(text)], '\n')
}

// firstLine returns the first line of a text if it can be a title.
func firstLine(body []byte) string {
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	title := canon.Inline(string(line))
	if n := utf8.RuneCountInString(title); n == 0 || n > 80 || strings.HasSuffix(title, ",") {
		return ""
	}
	alone := len(rest) == 0 || rest[0] == '\n'
	if !alone && strings.HasSuffix(title, ".") || !strings.ContainsFunc(title, unicode.IsLetter) {
		return ""
	}
	return title
}

var numbered = regexp.MustCompile(`^(\d{1,2}(\.\d{1,2}){0,3})[.)]?\s+\p{Lu}`)

// headings finds the lines that begin sections. Underlined and unnumbered ones
// are of level 1, numbered ones one below for each part of their number.
func headings(body []byte) []canon.Mark {
	var marks []canon.Mark
	var outline canon.Outline
	var firsts []int
	lines := bytes.SplitAfter(body, []byte("\n"))
	start := 0
	for i, line := range lines {
		text := strings.TrimSpace(string(line))
		if level := headingLevel(lines, i, text); level > 0 {
			marks = append(marks, canon.Mark{Start: start, Heading: outline.Enter(level, text)})
			firsts = append(firsts, i+1)
		}
		start += len(line)
	}
	last := bytes.Count(body, []byte("\n"))
	for i := range marks {
		end := last
		if i+1 < len(marks) {
			end = firsts[i+1] - 1
		}
		marks[i].Anchor = canon.Lines(firsts[i], end)
	}
	return marks
}

// headingLevel returns the level of line i if it is a heading, else 0.
func headingLevel(lines [][]byte, i int, text string) int {
	if n := utf8.RuneCountInString(text); n < 2 || n > 70 || i > 0 && len(bytes.TrimSpace(lines[i-1])) > 0 {
		return 0
	}
	if strings.ContainsRune(".;,:", rune(text[len(text)-1])) || !strings.ContainsFunc(text, unicode.IsLetter) {
		return 0
	}
	next := ""
	if i+1 < len(lines) {
		next = strings.TrimSpace(string(lines[i+1]))
	}
	if underline(next) {
		return 1
	}
	m := numbered.FindStringSubmatch(text)
	// A short line above indented text is a heading, numbered or not.
	over := next != "" && utf8.RuneCountInString(text) <= 50 && indented(lines[i+1]) && !indented(lines[i])
	switch {
	case m != nil && (next == "" || over):
		return 2 + strings.Count(m[1], ".")
	case !strings.ContainsFunc(text, unicode.IsLower) && strings.IndexFunc(text, unicode.IsUpper) >= 0:
		return 1
	case over && unicode.IsUpper(first(text)):
		return 2
	}
	return 0
}

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func indented(line []byte) bool { return bytes.HasPrefix(line, []byte("  ")) }

func underline(line string) bool {
	return len(line) >= 3 && (strings.Trim(line, "=") == "" || strings.Trim(line, "-") == "")
}
