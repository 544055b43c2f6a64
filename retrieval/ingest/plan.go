package ingest

import "github.com/cairnhq/cairn"

// Plan is what a run would make of who may read the documents of a source.
type Plan struct {
	Fates []Fate // of the documents that it would write, each once
	// ACLs are those that fates name, by their hashes.
	ACLs map[[32]byte]cairn.ACL
	// Members is who would be in which group of the source; nil: who is in it now.
	Members *Members
}

// Fate is what a run would make of one document.
type Fate struct {
	External string   // its name after the run; of one that is gone, the last that it had
	Stored   string   // the name under which it can be found now; empty: it cannot
	Own      bool     // it would have an ACL of its own; else the source's
	ACL      [32]byte // its own
	Gone     bool     // nobody would read it
}
