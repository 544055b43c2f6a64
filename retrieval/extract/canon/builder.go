package canon

import (
	"bytes"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// Builder puts a body together from paragraphs and keeps its sections. What
// is written is normalised. It is not safe for use by several goroutines.
type Builder struct {
	limit     int
	buf       []byte
	sections  []cairn.Section
	truncated bool
}

// NewBuilder returns a Builder whose body ends at limit bytes.
func NewBuilder(limit int) *Builder {
	return &Builder{limit: limit, sections: []cairn.Section{{}}}
}

// Section begins a section here. A section in which nothing is written vanishes.
func (b *Builder) Section(heading []string, anchor string) {
	last := &b.sections[len(b.sections)-1]
	if last.Start == len(b.buf) {
		last.Heading, last.Anchor = heading, anchor
		return
	}
	b.endLine()
	b.buf = append(b.buf, '\n')
	b.sections = append(b.sections, cairn.Section{Heading: heading, Anchor: anchor, Start: len(b.buf)})
}

// Paragraph writes s with a blank line between it and what stands before.
func (b *Builder) Paragraph(s string) {
	text := block(s)
	if len(text) == 0 {
		return
	}
	if len(b.buf) > b.sections[len(b.sections)-1].Start {
		b.endLine()
		b.buf = append(b.buf, '\n')
	}
	b.write(text)
}

// Line writes s on a line of its own, directly below what stands before.
func (b *Builder) Line(s string) {
	text := block(s)
	if len(text) == 0 {
		return
	}
	b.endLine()
	b.write(text)
}

// block normalises s and removes the white space around it, but not the
// indentation of its first line.
func block(s string) []byte {
	text := bytes.TrimRight(Normalise([]byte(s)), " \t\n")
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 || len(bytes.TrimSpace(text[:end])) > 0 {
			return text
		}
		text = text[end+1:]
	}
}

func (b *Builder) endLine() {
	if n := len(b.buf); n > 0 && b.buf[n-1] != '\n' {
		b.buf = append(b.buf, '\n')
	}
}

func (b *Builder) write(text []byte) {
	if room := max(b.limit-len(b.buf), 0); len(text) > room {
		b.truncated = true
		text = Cut(text, room)
	}
	b.buf = append(b.buf, text...)
}

// Full reports whether the limit is reached; what is written now is lost.
func (b *Builder) Full() bool { return b.truncated }

// Len returns how many bytes the body has so far.
func (b *Builder) Len() int { return len(b.buf) }

// Into ends the body and stores it in t with its sections. The Builder must
// not be used afterwards.
func (b *Builder) Into(t *Text) {
	b.buf = bytes.TrimRight(b.buf, " \t\n")
	b.endLine()
	marks := make([]Mark, 0, len(b.sections))
	for _, s := range b.sections {
		if s.Start < len(b.buf) {
			marks = append(marks, Mark{Start: s.Start, Heading: s.Heading, Anchor: s.Anchor})
		}
	}
	t.Body, t.Sections = b.buf, Sections(len(b.buf), marks)
	if b.truncated {
		t.Notice(NoticeTruncated)
	}
}

// Cut returns the longest beginning of s of at most n bytes that splits no rune.
func Cut(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Mark is where a section begins.
type Mark struct {
	Start   int // byte of the body
	Heading []string
	Anchor  string
}

// Sections returns the sections that begin at marks, which are in ascending
// order, of a body of size bytes. What stands before the first mark is a
// section without heading. Marks without text behind them vanish.
func Sections(size int, marks []Mark) []cairn.Section {
	if size == 0 {
		return nil
	}
	if len(marks) == 0 || marks[0].Start > 0 {
		marks = append([]Mark{{}}, marks...)
	}
	sections := make([]cairn.Section, 0, len(marks))
	for i, m := range marks {
		end := size
		if i+1 < len(marks) {
			end = marks[i+1].Start
		}
		if m.Start < end {
			sections = append(sections, cairn.Section{Heading: m.Heading, Start: m.Start, End: end, Anchor: m.Anchor})
		}
	}
	return sections
}
