package ingest

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// Sizes of pieces in bytes. English has about 4.5 bytes a token, so that a usual
// piece has 200 to 300 tokens.
const (
	goalSize   = 1400 // what is longer is cut where its structure allows
	maxSize    = 2400 // longer only if a row or word is
	maxRow     = 4000 // longer never
	tinySize   = 200  // sections up to here may share a piece with their siblings,
	sharedSize = 700  // up to here
)

// Piece is a byte range of a body that becomes a chunk.
type Piece struct {
	Start, End int
	// Heading is the path of headings of the piece, outermost first; where small
	// sections share a piece, what their paths have in common.
	Heading []string
}

// Cut returns the pieces of a document: in order, without overlap, together
// covering everything but white space of the body, never splitting a rune. A
// piece lies in one section, or holds several small sections of one parent. Long
// sections are cut between paragraphs, list items, table rows and sentences; code
// between blank lines and lines; data and spreadsheets between lines. Equal
// documents give equal pieces.
func Cut(d *cairn.Document) []Piece {
	levels := levelsOf(d.Kind)
	var pieces []Piece
	var whole []bool // for each piece, whether it is a whole section
	for _, s := range covering(d.Body, d.Sections) {
		spans := joinRunts(cutSpan(d.Body, span{s.Start, s.End}, levels))
		for _, p := range spans {
			pieces = append(pieces, Piece{Start: p.start, End: p.end, Heading: s.Heading})
			whole = append(whole, len(spans) == 1)
		}
	}
	return mergeSmall(d.Body, pieces, whole)
}

// joinRunts joins pieces of at most tinySize to the next piece of the section,
// which they often introduce, or else to the one before.
func joinRunts(spans []span) []span {
	var out []span
	for i, s := range spans {
		if n := len(out); n > 0 {
			last := &out[n-1]
			runt := last.end-last.start <= tinySize || i == len(spans)-1 && s.end-s.start <= tinySize
			if runt && s.end-last.start <= maxSize {
				last.end = s.end
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// covering returns sections that cover the body in order without overlap, at rune
// boundaries, even if those of the document do not.
func covering(body []byte, sections []cairn.Section) []cairn.Section {
	var out []cairn.Section
	at := 0
	add := func(heading []string, end int) {
		for end > at && end < len(body) && !utf8.RuneStart(body[end]) {
			end++
		}
		if end > at {
			out = append(out, cairn.Section{Heading: heading, Start: at, End: end})
			at = end
		}
	}
	for _, s := range sections {
		add(nil, min(s.Start, len(body)))
		add(s.Heading, min(s.End, len(body)))
	}
	add(nil, len(body))
	return out
}

// mergeSmall joins sections that are too small to stand alone. A heading without
// text joins the first section below it; sections of at most tinySize join their
// neighbours of the same parent.
func mergeSmall(body []byte, pieces []Piece, whole []bool) []Piece {
	var out []Piece
	var open, bare bool // the last of out is tiny; is nothing but headings
	for i, p := range pieces {
		tiny, heading := whole[i] && p.End-p.Start <= tinySize, whole[i] && isBare(body, p)
		if len(out) > 0 {
			last := &out[len(out)-1]
			switch {
			case bare && below(p.Heading, last.Heading) && p.End-last.Start <= maxSize:
				last.End, last.Heading = p.End, p.Heading
				open, bare = tiny, heading
				continue
			case open && tiny && siblings(p.Heading, last.Heading) && p.End-last.Start <= sharedSize:
				last.End, last.Heading = p.End, common(p.Heading, last.Heading)
				bare = false
				continue
			}
		}
		out = append(out, p)
		open, bare = tiny, heading
	}
	return out
}

// isBare reports whether a piece is no more than the line of its own heading.
func isBare(body []byte, p Piece) bool {
	if len(p.Heading) == 0 {
		return false
	}
	line := strings.Trim(string(body[p.Start:p.End]), "#=- \t\n")
	return line == strings.TrimSpace(p.Heading[len(p.Heading)-1])
}

// below reports whether heading is the path of a part of what path names.
func below(heading, path []string) bool {
	return len(heading) > len(path) && slices.Equal(heading[:len(path)], path)
}

// siblings reports whether two sections have the same parent. The path of several
// sections that were merged is that of their parent.
func siblings(heading, path []string) bool {
	if slices.Equal(heading, path) {
		return true
	}
	if len(heading) == 0 {
		return false
	}
	parent := heading[:len(heading)-1]
	return slices.Equal(parent, path) || len(path) == len(heading) && slices.Equal(parent, path[:len(path)-1])
}

// common returns the longest path that both begin with.
func common(a, b []string) []string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// trim leaves out blank lines before a span and white space after it, but keeps
// the indentation of its first line.
func trim(body []byte, s span) span {
	text := bytes.TrimRightFunc(body[s.start:s.end], unicode.IsSpace)
	s.end = s.start + len(text)
	blank := len(text) - len(bytes.TrimLeftFunc(text, unicode.IsSpace))
	if i := bytes.LastIndexByte(text[:blank], '\n'); i >= 0 {
		s.start += i + 1
	}
	return s
}
