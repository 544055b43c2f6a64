package api

import (
	"context"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/audit"
)

// What is shown of documents is noted for the audit log, by their ids: whoever
// sends passages, citations or a text calls one of these before.

// showPassages notes the documents of passages, with those that hold the same.
func showPassages(ctx context.Context, passages []cairn.Passage) {
	e := audit.FromContext(ctx)
	for _, p := range passages {
		e.Shown(p.Document)
		for _, c := range p.AlsoIn {
			e.Shown(c.Document)
		}
	}
}

// showAnswer notes the documents that an answer cites or names as nearest.
func showAnswer(ctx context.Context, a cairn.Answer) {
	e := audit.FromContext(ctx)
	for _, c := range a.Citations {
		if c.State != cairn.CitationGone {
			e.Shown(c.Document)
		}
	}
	showPassages(ctx, a.Nearest)
}

// showMessage notes the documents of a message, unless it is withheld.
func showMessage(ctx context.Context, m cairn.Message) {
	if !m.Withheld {
		showAnswer(ctx, m.Answer)
	}
}

// showEvent notes the documents of a step of an answer.
func showEvent(ctx context.Context, e answer.Event) {
	showPassages(ctx, e.Passages)
	if e.Citation != nil {
		showAnswer(ctx, cairn.Answer{Citations: []cairn.Citation{*e.Citation}})
	}
	if e.Answer != nil {
		showAnswer(ctx, *e.Answer)
	}
}
