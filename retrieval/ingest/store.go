// Package ingest brings documents from sources into the store: it reads
// changes, extracts, cuts into chunks, analyses, embeds, and commits batches.
package ingest

import (
	"context"
	"iter"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/code"
)

// Store keeps what ingestion brings. Every method is one transaction.
type Store interface {
	// Known returns what is stored of the externals of a source; those that
	// are not stored, or hidden, and have no error are missing from the map.
	Known(ctx context.Context, source cairn.SourceID, externals []string) (map[string]Known, error)
	// KeptOut returns those of the externals of a source that were erased and are
	// not to come back with a sync. Commit passes over Puts of a run that are.
	KeptOut(ctx context.Context, source cairn.SourceID, externals []string) (map[string]bool, error)
	// Externals returns the external ids that the source has in the store with
	// the version of each body, without what was found inside other documents;
	// those that could never be read have an empty version.
	Externals(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error)
	// Hidden returns, in the same way, the documents that were hidden since the
	// source's complete listing was last compared by a run that reads documents.
	Hidden(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error)
	// Withheld returns the documents that nobody may read until the source has them again.
	Withheld(ctx context.Context, source cairn.SourceID) ([]string, error)
	// ACLs returns what is stored of who may read each document of a source, without
	// what was found inside other documents or is hidden.
	ACLs(ctx context.Context, source cairn.SourceID) (map[string]StoredACL, error)
	// Commit stores a batch with its cursor and counts and returns what became
	// of each Put, in order; the zero Stored of one that is kept out. It fails with ErrConflict when the run is no longer
	// this worker's or b.Expect does not hold, with ErrNotFound when the source is
	// gone, and with ErrInvalid when a document cannot be stored as it is.
	Commit(ctx context.Context, b Batch) ([]Stored, error)
	// SetMembers replaces the groups of a source, and who is in them, by what the
	// sequence yields. When that ends with an error, which is returned, nothing
	// changes. ErrNotFound when the source is gone, ErrConflict when the run, unless
	// it is zero, is no longer this worker's.
	SetMembers(ctx context.Context, source cairn.Source, run Lease, members iter.Seq2[connectors.Member, error]) error
	// PreviewRun says who would gain and lose documents if a source came to be as
	// planned, and writes nothing. ErrNotFound when the source is gone.
	PreviewRun(ctx context.Context, source cairn.Source, p Plan) (cairn.RunAccess, error)
	// Erase deletes documents at once, with what is attached to them and all that
	// was made from them. It returns those of the externals that were there.
	Erase(ctx context.Context, source cairn.SourceID, externals []string) (erased []string, err error)
}

// Known is what the store has of one document.
type Known struct {
	ID          cairn.DocumentID // empty when the document is not stored
	Version     cairn.Version
	Revision    string
	Fingerprint string
	ACL         [32]byte // hash of its ACL, or of that which it would have if it were not withheld
	OwnACL      bool     // the ACL came with it; else it is the source's
	Withheld    bool     // nobody may read it until the source has it again
	Run         string   // that wrote it last
	Modified    time.Time

	Failed         bool   // an error is recorded
	FailedRevision string // of that error
	Attempts       int    // how often that revision failed
}

// has reports whether a document may be read by those, and nobody else, whom an ACL of
// its own, or of its source, admits.
func (k Known) has(acl cairn.ACL, own bool) bool {
	return !k.Withheld && k.OwnACL == own && k.ACL == acl.Hash()
}

// StoredACL is what the store has of who may read one document.
type StoredACL struct {
	ACL      [32]byte // its hash, or that of the one that it would have if it were not withheld
	Own      bool     // it came with the document; else it is the source's
	Withheld bool     // nobody may read it until the source has it again
	Error    string   // code of the recorded error; empty: none
}

// Batch is what one transaction writes. Of one external id it holds one thing.
type Batch struct {
	Source cairn.SourceID
	Run    Lease             // zero for documents that a program pushes
	Cursor connectors.Cursor // empty: unchanged
	Puts   []Put
	Moves  map[string]string // old external id → new: the document keeps its id; the new one is among Puts
	// Touches are new revisions of documents whose content did not change.
	Touches map[string]Touch
	// Expect are the fingerprints of documents, by external id, on which Touches
	// and ACLs rely, where others may write to the source at the same time.
	Expect map[string]string
	// Deletes are external ids that are hidden at once and erased later, with
	// what is attached to them.
	Deletes []string
	// Withheld are external ids that nobody may read, with what is attached to them,
	// until they come again among Puts or ACLs.
	Withheld []string
	ACLs     map[string]*cairn.ACL // external id → its new ACL; nil: the source's
	Errors   []Failure
	// Resolved are external ids whose recorded errors no longer hold.
	Resolved []string
	// Unknown are documents that the source has and the store does not. When one of
	// them is hidden, it is back: the cursor is dropped, so that the next run reads it.
	Unknown []string
	Counts  cairn.Counts
}

// Lease names the attempt at a run that a worker holds.
type Lease struct {
	Run     string
	Attempt int
}

// Put is a document with everything that is derived from it.
type Put struct {
	Document    cairn.Document // ID is that of the stored document, or a new one
	OwnACL      bool           // Document.ACL came with it; else it gets the source's, as of the commit
	Parent      string         // external id of the parent; may be empty
	Attached    bool           // it was found inside the parent
	Revision    string
	Fingerprint string // of everything that the index depends on
	Chunks      []Chunk
	Code        *code.File // what the index of code keeps; nil when it is none
}

// Chunk is a chunk with what the index keeps of it.
type Chunk struct {
	Start, End int       // bytes of the body
	Terms      []byte    // as package lexical encodes them
	Length     int       // weighted number of terms, for the length norm
	Vector     []float32 // of the active space; nil when there is none yet
}

// Touch is what is known of a document that was read again without a change.
type Touch struct {
	Revision string
	Modified time.Time
}

// Failure is a document that could not be indexed.
type Failure struct {
	cairn.DocumentError
	Revision string
}

// Stored is what became of a Put.
type Stored struct {
	ID      cairn.DocumentID
	Created bool
}
