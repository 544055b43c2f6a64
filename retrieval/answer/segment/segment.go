// Package segment cuts text into the pieces that are checked and shown one by
// one: sentences, list items, table rows, headings and code blocks.
//
// The same rules serve a text that is there as a whole (All) and one that is
// still being written (Next): what Next says of the beginning of a text stays
// true whatever follows, so a stream gives the same pieces however it is cut.
package segment

import (
	"strings"
	"unicode/utf8"
)

// Kind says what a piece is.
type Kind int

// The kinds of pieces.
const (
	Text    Kind = iota // a sentence, or a line without a full stop
	Item                // the first sentence of a list item
	Heading             // a line that begins with #
	Row                 // a table row
	Rule                // a line that only draws: ---, |---|---|
	Code                // a fenced block with its fences
)

// Piece is a byte range of a text. Pieces do not overlap; what lies between
// them is white space.
type Piece struct {
	Kind   Kind
	Start  int // of the piece with its marker ("- ", "3. ", "## ", "> ")
	Body   int // where the words begin, Start <= Body <= End
	End    int
	Indent int // columns of white space before an Item
}

// Options say how to read a text.
type Options struct {
	Language  string // ISO 639-1 code; decides on some abbreviations
	LineStart bool   // the text begins a line
	Final     bool   // nothing follows the text
	Width     int    // where lines were broken, in characters: a break that had to be ends nothing; 0: nowhere
	Cells     bool   // a line with " | " in it is a table row; for whole texts only
}

// maxPiece bounds a sentence, in bytes; longer ones are cut at a space.
const maxPiece = 2000

// Next returns the first piece of text. It reports false when the piece may
// depend on what follows, which never happens when o.Final is set, or when
// there is nothing but white space. Text must be valid UTF-8.
func Next(text string, o Options) (Piece, bool) { return next(text, 0, o) }

// next returns the first piece of text[at:].
func next(text string, at int, o Options) (Piece, bool) {
	r := reader{text: text, o: o}
	start, indent := r.skipSpace(at)
	if start == len(text) {
		return Piece{}, false
	}
	p := Piece{Kind: Text, Start: start, Body: start, Indent: indent}
	if r.lineStart {
		kind, body, known := r.classify(start)
		if !known {
			return Piece{}, false
		}
		p.Kind, p.Body = kind, body
		if o.Cells && kind == Text && r.hasCells(body) {
			p.Kind = Row
		}
	}
	var known bool
	switch p.Kind {
	case Code:
		p.End, known = r.fenceEnd(p.Start)
	case Heading, Row, Rule:
		p.End, known = r.lineEnd(p.Body)
	default:
		p.End, known = r.sentenceEnd(p.Body)
	}
	if !known {
		return Piece{}, false
	}
	p.Body = min(p.Body, p.End)
	if p.Kind == Row && drawsOnly(text[p.Start:p.End]) {
		p.Kind = Rule
	}
	return p, true
}

// All returns the pieces of a whole text that begins a line. Lines that were
// broken at a width are read as running text.
func All(text, language string) []Piece {
	var pieces []Piece
	o := Options{Language: language, LineStart: true, Final: true, Cells: true}
	paragraph := 0 // end of the paragraph that o.Width was found for
	for at := 0; ; {
		if at >= paragraph {
			paragraph, o.Width = nextParagraph(text, at)
		}
		p, ok := next(text, at, o)
		if !ok {
			return pieces
		}
		if p.Start >= paragraph { // the rest was white space: decide anew
			at, o.LineStart = paragraph, true
			continue
		}
		pieces = append(pieces, p)
		at, o.LineStart = p.End, false
	}
}

// Widths at which people and programs break lines, in characters.
const (
	minWidth = 50
	maxWidth = 130
)

// nextParagraph returns where the paragraph that begins at or after from ends
// and the width of its longest line, 0 when that is none at which lines are
// broken.
func nextParagraph(text string, from int) (end, width int) {
	for from < len(text) && (text[from] == '\n' || text[from] == ' ' || text[from] == '\t') {
		from++
	}
	end = len(text)
	if i := strings.Index(text[from:], "\n\n"); i >= 0 {
		end = from + i
	}
	for line := range strings.SplitSeq(text[from:end], "\n") {
		width = max(width, utf8.RuneCountInString(line))
	}
	if width < minWidth || width > maxWidth {
		return end, 0
	}
	return end, width
}

// reader looks at a text of which the end may be missing.
type reader struct {
	text      string
	o         Options
	lineStart bool
}

// skipSpace returns where the first word after at begins, and its column.
func (r *reader) skipSpace(at int) (start, indent int) {
	r.lineStart = r.o.LineStart
	for i := at; i < len(r.text); i++ {
		switch r.text[i] {
		case '\n':
			r.lineStart, indent = true, 0
		case ' ':
			indent++
		case '\t':
			indent += 4
		default:
			return i, indent
		}
	}
	return len(r.text), 0
}

// open reports whether the text may go on at i.
func (r *reader) open(i int) bool { return i >= len(r.text) && !r.o.Final }

// hasCells reports whether the line that holds i is cut by bars.
func (r *reader) hasCells(i int) bool {
	line, _, _ := strings.Cut(r.text[i:], "\n")
	return strings.Contains(line, " | ")
}

// lineEnd returns the end of the line that holds i, without trailing blanks.
func (r *reader) lineEnd(i int) (int, bool) {
	if n := strings.IndexByte(r.text[i:], '\n'); n >= 0 {
		return i + len(strings.TrimRight(r.text[i:i+n], " \t")), true
	}
	return i + len(strings.TrimRight(r.text[i:], " \t")), r.o.Final
}

// fenceEnd returns the end of the closing fence of the block that opens at i,
// or the end of the text where it is never closed.
func (r *reader) fenceEnd(i int) (int, bool) {
	mark := r.text[i]
	width := runLength(r.text, i)
	at := i
	for {
		n := strings.IndexByte(r.text[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
		end, known := r.lineEnd(at)
		line := strings.TrimLeft(r.text[at:end], " \t")
		if known && len(line) >= width && strings.Trim(line, string(mark)) == "" {
			return end, true
		}
	}
	return len(strings.TrimRight(r.text, " \t\n")), r.o.Final
}

// runLength returns how often the byte at i is repeated from there on.
func runLength(text string, i int) int {
	n := 1
	for i+n < len(text) && text[i+n] == text[i] {
		n++
	}
	return n
}

// drawsOnly reports whether a line has no words, as the rule of a table.
func drawsOnly(line string) bool { return strings.Trim(line, "|-:=+_* \t") == "" }
