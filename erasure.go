package cairn

import "time"

// ErasureKind says what an erasure was of.
type ErasureKind string

// The kinds of erasure.
const (
	ErasedDocument  ErasureKind = "document"  // one document, by whoever may
	ErasedPushed    ErasureKind = "pushed"    // documents that a program removed
	ErasedSource    ErasureKind = "source"    // a source with everything that came from it
	ErasedAccount   ErasureKind = "account"   // a person
	ErasedRetention ErasureKind = "retention" // what outlived its retention
	ErasedRestore   ErasureKind = "restore"   // what an older backup had brought back
)

// Erasure is the receipt of an erasure: ids and counts, never anything of what
// was erased.
type Erasure struct {
	ID      string
	Kind    ErasureKind
	Subject string    // id of the document, source or account; empty: several
	By      AccountID // empty: the server itself, or a program
	At      time.Time
	Counts  map[string]int // rows by table
	// Cleaned is when the database had written over, or let go of, what its files
	// still had of the rows; zero: not yet.
	Cleaned time.Time
	// KeptOut says that the source still has the document, and that it does not come
	// back with the next sync.
	KeptOut bool
}
