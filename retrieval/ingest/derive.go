package ingest

import (
	"path"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Derive returns the terms of chunks of a document, which are given by their
// ranges of the body: what Put stores of them. Equal documents give equal terms.
func Derive(d *cairn.Document, chunks []cairn.Chunk) []Chunk {
	derived := make([]Chunk, len(chunks))
	for i, p := range Pieces(d, chunks) {
		derived[i] = derive(d, p)
	}
	return derived
}

// Pieces returns the pieces that chunks of a document were made of, which are given
// by their ranges of the body. A range that Cut would not give any more gets the
// heading of the section in which it begins.
func Pieces(d *cairn.Document, chunks []cairn.Chunk) []Piece {
	headings := make(map[span][]string)
	for _, p := range Cut(d) {
		headings[span{p.Start, p.End}] = p.Heading
	}
	all := make([]Piece, len(chunks))
	for i, c := range chunks {
		heading, known := headings[span{c.Start, c.End}]
		if !known {
			heading = headingAt(d.Sections, c.Start)
		}
		all[i] = Piece{Start: c.Start, End: c.End, Heading: heading}
	}
	return all
}

// derive returns a chunk without a vector.
func derive(d *cairn.Document, p Piece) Chunk {
	terms, length := lexical.Terms(lexical.Fields{
		Title: d.Title, Heading: p.Heading, Body: string(d.Body[p.Start:p.End]), Name: fileName(d.External), Language: d.Language,
		Author: d.Author, Attributes: d.Attributes,
	})
	return Chunk{Start: p.Start, End: p.End, Terms: lexical.EncodeTerms(terms), Length: length}
}

func headingAt(sections []cairn.Section, at int) []string {
	for _, s := range sections {
		if s.Start <= at && at < s.End {
			return s.Heading
		}
	}
	return nil
}

// fileName returns the last part of an external id when that is the name of a
// file: what people look for by "travel-policy.pdf".
func fileName(external string) string {
	name := path.Base(external)
	extension := strings.TrimPrefix(path.Ext(name), ".")
	if extension == "" || len(extension) > 5 || len(name) == len(extension)+1 {
		return ""
	}
	for i := range len(extension) {
		if c := extension[i] | 0x20; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return ""
		}
	}
	if strings.Trim(extension, "0123456789") == "" {
		return "" // a number with a fraction, a version
	}
	return name
}
