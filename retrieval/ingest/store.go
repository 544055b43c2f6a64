// Package ingest brings documents from sources into the store: it reads
// changes, extracts, cuts into chunks, analyses, embeds, and commits batches.
package ingest

import (
	"context"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Store keeps what ingestion brings. Every method is one transaction.
type Store interface {
	// Known returns what is stored of the externals of a source; those that
	// are not stored are missing from the map.
	Known(ctx context.Context, source cairn.SourceID, externals []string) (map[string]Known, error)
	// Externals returns every external id that the source has in the store
	// with the version of its body.
	Externals(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error)
	// Commit stores a batch with its cursor and counts. It fails with
	// ErrConflict when the run is no longer this worker's.
	Commit(ctx context.Context, b Batch) error
}

// Known is what the store has of one document.
type Known struct {
	ID          cairn.DocumentID
	Version     cairn.Version
	Revision    string
	Fingerprint string
	ACL         cairn.ACL
	Failed      bool // the last attempt at the stored revision failed
}

// Batch is what one transaction writes.
type Batch struct {
	Source cairn.SourceID
	Run    Lease // zero for documents that a program pushes
	Cursor connectors.Cursor
	Puts   []Put
	Moves  map[string]string // old external id → new: the document keeps its id
	// Deletes are external ids that are hidden at once and erased later.
	Deletes []string
	ACLs    map[string]cairn.ACL // external id → its new ACL
	Errors  []cairn.DocumentError
	Counts  cairn.Counts
}

// Lease names the attempt at a run that a worker holds.
type Lease struct {
	Run     string
	Attempt int
}

// Put is a document with everything that is derived from it.
type Put struct {
	Document    cairn.Document // ID is the stored one, or a new one
	Parent      string         // external id of the parent; may be empty
	Revision    string
	Fingerprint string // of everything that the index depends on
	Chunks      []Chunk
}

// Chunk is a chunk with what the index keeps of it.
type Chunk struct {
	Start, End int       // bytes of the body
	Terms      []byte    // as package lexical encodes them
	Length     int       // weighted number of terms, for the length norm
	Vector     []float32 // of the active space; nil when there is none yet
}
