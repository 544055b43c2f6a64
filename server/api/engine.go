package api

import (
	"context"
	"iter"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// Searcher finds passages.
type Searcher interface {
	// Search returns the passages for a query among those that its viewer may read.
	Search(ctx context.Context, q cairn.Query) (retrieval.Results, error)
}

// CodeSearcher finds lines of source code.
type CodeSearcher interface {
	// Search returns what a query finds in the files that its viewer may read, best first.
	// A query that cannot be searched for is ErrInvalid.
	Search(ctx context.Context, q code.Query) (code.Results, error)
}

// Asker answers questions.
type Asker interface {
	// Start stores a question and begins to answer it, independently of ctx's
	// end. A conversation or parent that is not the viewer's is ErrNotFound; a
	// model that does not exist is ErrInvalid; one that was demanded by name and
	// has no budget left is ErrBudget.
	Start(ctx context.Context, a answer.Ask) (answer.Started, error)
	// Events yields the events of a message after the one numbered after, and
	// waits for more until the last, whichever replica makes them. The first of
	// a message is EventStart, the last EventDone or EventFailed. A message that is
	// not the viewer's is ErrNotFound.
	Events(ctx context.Context, v cairn.Viewer, message string, after int) iter.Seq2[answer.Event, error]
	// Stop ends the answering of a message; one that has ended is no error.
	// A message that is not the viewer's is ErrNotFound.
	Stop(ctx context.Context, v cairn.Viewer, message string) error
}

// Pusher takes documents that programs bring.
type Pusher interface {
	// Put stores a document; it can be found when Put returns.
	Put(ctx context.Context, source cairn.SourceID, p ingest.Push) (ingest.Pushed, error)
	// Delete erases a document; ErrNotFound when the source does not have it.
	Delete(ctx context.Context, source cairn.SourceID, external string) error
	// Batch makes edits as if one after the other and yields what became of each,
	// in order, when it is stored. An error ends the sequence.
	Batch(ctx context.Context, source cairn.SourceID, edits []ingest.Edit) iter.Seq2[ingest.Outcome, error]
}

// Jobs runs the work of sources in the background.
type Jobs interface {
	// Sync queues a run and returns it; the one already queued or running when
	// there is one. A source whose documents are pushed is ErrInvalid.
	Sync(ctx context.Context, source cairn.SourceID, o cairn.SyncOptions) (cairn.Run, error)
	// Cancel ends the run that is queued or running; none is no error.
	Cancel(ctx context.Context, source cairn.SourceID) error
	// Test reaches out to the source and reads a little. It returns a sentence on what
	// was found, which may be empty; an error says what is wrong with its settings.
	Test(ctx context.Context, source cairn.SourceID) (string, error)
}

// Index is the index as administrators see it.
type Index interface {
	// Verify compares the index with what it is derived from; deep also with texts
	// and vectors, which takes as long as reading all of them.
	Verify(ctx context.Context, deep bool) (index.Verification, error)
	// Rebuild derives the index anew while searches go on. It may be broken off
	// and begun again at any time. ErrConflict while the index is being maintained.
	Rebuild(ctx context.Context, told func(done, all int)) error
}
