// Package retrieval finds the passages that answer a question among those that
// the asker may read: two legs (words and vectors), fused, hydrated, merged.
package retrieval

import (
	"context"

	"github.com/cairnhq/cairn"
)

// Hit is a chunk that a leg found.
type Hit struct {
	Chunk int64
	Score float64 // of the leg's own scale; higher is better
}

// Words is what the lexical leg found.
type Words struct {
	Hits   []Hit  // best first
	Terms  []Term // of the query
	Chunks int    // that the viewer may read
}

// Term is a term of the query with its frequency among the chunks that the
// viewer may read. Terms of one group stand for the same word.
type Term struct {
	Text      string // as it is indexed: folded, perhaps stemmed
	Group     int    // from 0, ascending without gaps
	Weight    float32
	Frequency int // chunks that hold it
}

// Index finds chunks. Implementations may be used by several goroutines at once.
type Index interface {
	// Begin begins a search: what it returns sees every document whose transaction
	// was committed before the call.
	Begin(ctx context.Context) (Legs, error)
}

// Legs are the ways to find chunks in one search. Viewer and filters are inside the
// query and are applied before ranking: no result, score or statistic depends on a
// chunk that the viewer may not read. They may be used by several goroutines at once.
type Legs interface {
	// Lexical returns the best limit chunks by BM25 for the words of the query,
	// and what was counted for it. With limit 0 it only counts.
	Lexical(ctx context.Context, q cairn.Query, limit int) (Words, error)
	// Nearest returns the limit chunks whose vectors have the largest inner
	// product with the vector, best first.
	Nearest(ctx context.Context, q cairn.Query, vector []float32, limit int) ([]Hit, error)
	// Count returns how many of the chunks, which these legs have found, are of which
	// source, by name, and of which kind.
	Count(ctx context.Context, chunks []int64) (sources, kinds map[string]int, err error)
}

// Chunks reads what the index found. Permissions are checked here again, in
// the database.
type Chunks interface {
	// Hydrate returns the chunks among ids that the viewer may read, in the
	// order of ids; others are left out. At most 50 ids are asked for at once.
	Hydrate(ctx context.Context, v cairn.Viewer, ids []int64) ([]Chunk, error)
	// Documents returns which documents the chunks among ids are of, of however many.
	// Nobody is shown them for it: permissions are not checked.
	Documents(ctx context.Context, ids []int64) (map[int64]cairn.DocumentID, error)
	// Texts returns what is compared with phrases, of the chunks among ids that
	// the viewer may read, in no order. At most 200 ids are asked for at once.
	Texts(ctx context.Context, v cairn.Viewer, ids []int64) ([]ChunkText, error)
	// Bodies returns ranges of bodies, one for each, in order; that of a version which
	// is not the current one, or which the viewer may not read, has no text.
	Bodies(ctx context.Context, v cairn.Viewer, ranges []Range) ([]RangeText, error)
}

// Range is a byte range of one version of a document.
type Range struct {
	Document    cairn.DocumentID
	Version     cairn.Version
	Start, End  int
	First, Last int // ordinals of the chunks whose sections are wanted
}

// RangeText is what a range holds.
type RangeText struct {
	Text     []byte          // nil: there is none
	Sections []cairn.Section // that its chunks touch, in order, each once
}

// Chunk is a chunk with its document, as the database has them now.
type Chunk struct {
	ID       int64
	Ordinal  int
	Passage  cairn.Passage   // Text is the chunk's own range
	Sections []cairn.Section // that it touches, in order
	URL      string          // of the document, without an anchor
	BodySize int             // bytes of the whole body
	// Authority says how far the source is trusted before others, 0..1.
	Authority float64
}

// ChunkText is the text of a chunk by its fields.
type ChunkText struct {
	ID      int64
	Title   string
	Heading []string // outermost first
	Body    string   // the chunk's own range
}
