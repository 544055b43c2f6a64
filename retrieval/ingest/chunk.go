package ingest

import "github.com/cairnhq/cairn"

// Piece is a byte range of a body that becomes a chunk.
type Piece struct {
	Start, End int
	Heading    []string // path of headings that holds for all of it, outermost first
}

// Cut returns the pieces of a document: in order, without overlap, together
// covering everything but white space of the body, never splitting a rune.
// Equal documents give equal pieces.
func Cut(d *cairn.Document) []Piece {
	return nil
}
