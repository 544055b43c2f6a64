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
	// Defined returns at most limit definitions of a name in files that v may read, those
	// after one in the order of Defined.
	Defined(ctx context.Context, v cairn.Viewer, n Name, after Defined, limit int) ([]Defined, error)
	// Definitions returns what is defined on lines of documents that v may read; with around,
	// the innermost definition that each stands in, where there is one.
	Definitions(ctx context.Context, v cairn.Viewer, on []Lines, around bool) (map[cairn.DocumentID][]Definition, error)
}

// Lines are lines of a file, from 1.
type Lines struct {
	Document cairn.DocumentID
	Lines    []int
}

// Filter says which files to look at.
type Filter struct {
	Language string // in lower case; empty: all
	// Lists of trigrams: files that have all of one list.
	Lists [][]int32
	// Called is the Hash of their own name, with its extension or without; 0 for any. Lists
	// do not count then.
	Called int64
}

// Candidate is a file that may match. Candidates are in the order of Place, then Document.
type Candidate struct {
	Document cairn.DocumentID
	Version  cairn.Version // that the index is of
	Place    int64
	Size     int // bytes
}

// Name says which definitions to look for.
type Name struct {
	Hash     int64   // of the name
	Around   []int32 // all of what must stand before it: see Ranked
	Language string  // in lower case; empty: all
	// Holding is a part of the name in lower case, in some documents; the rest does not count
	// then.
	Holding string
	In      []cairn.DocumentID
}

// Defined is a definition with the file that it stands in. They are in the order of Rank,
// then Document.
type Defined struct {
	Candidate
	Definition
	Rank int64
	At   Place
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

func (t Text) place() Place {
	return Place{Repo: t.repo(), Branch: t.Attributes["branch"], Path: t.path()}
}
