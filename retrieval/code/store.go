package code

import (
	"context"

	"github.com/cairnhq/cairn"
)

// Store is where files are kept. It may be used by several goroutines at once.
type Store interface {
	// Candidates returns at most limit files that v may read and that the filter admits,
	// those after a place in the order of Candidate.
	Candidates(ctx context.Context, v cairn.Viewer, f Filter, after Candidate, limit int) ([]Candidate, error)
	// Files returns those of the documents that v may read now, in no order, with their
	// bodies or without.
	Files(ctx context.Context, v cairn.Viewer, ids []cairn.DocumentID, bodies bool) ([]Text, error)
	// Definitions returns what those of the documents that v may read define, in the order
	// of their lines: all, those of a name, or those whose names hold a text.
	Definitions(ctx context.Context, v cairn.Viewer, ids []cairn.DocumentID, n Named) (map[cairn.DocumentID][]Definition, error)
}

// Filter says which files to look at.
type Filter struct {
	Language string // in lower case; empty: all
	// Lists of trigrams: files that have all of one list.
	Lists [][]int32
	// Defines is the Hash of a name that they define, 0 for any; Called that of their own
	// name, with its extension or without. With both, one is enough. Lists do not count then.
	Defines, Called int64
}

// Candidate is a file that may match. Candidates are in the order of Place, then Document.
type Candidate struct {
	Document cairn.DocumentID
	Place    int64
	Size     int // bytes
}

// Named narrows definitions. The zero value is all of them.
type Named struct {
	Hash     int64  // of the name, 0: any
	Contains string // in lower case
}

// Text is a file as it is stored now.
type Text struct {
	Document   cairn.DocumentID
	Version    cairn.Version
	Source     string // name
	External   string
	URL        string
	Attributes map[string]string
	Body       []byte        // nil unless it was asked for
	Section    cairn.Section // the last one: it tells how lines are linked to
}

func (t Text) repo() string {
	if r := t.Attributes["repo"]; r != "" {
		return r
	}
	return t.Source
}

func (t Text) path() string { return PathOf(t.Attributes, t.External) }
