package api

import (
	"context"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/audit"
)

// What is shown of documents is noted by their ids, for the audit log and for the server,
// which ends a reply when one of them may not be read any more: whoever sends passages,
// citations, an answer or a text calls one of these before.

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

// showAnswer notes the documents that an answer was made from, cites or names as nearest.
func showAnswer(ctx context.Context, a cairn.Answer) {
	e := audit.FromContext(ctx)
	e.Shown(a.Evidence...)
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
	audit.FromContext(ctx).Shown(e.Evidence...)
	showPassages(ctx, e.Passages)
	if e.Citation != nil {
		showAnswer(ctx, cairn.Answer{Citations: []cairn.Citation{*e.Citation}})
	}
	if e.Answer != nil {
		showAnswer(ctx, *e.Answer)
	}
}
