package main

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/retrieval/eval"
)

// drafter collects a draft through the API, with the rights of its caller.
type drafter struct {
	client  *client.Client
	draft   eval.Draft
	skipped int
	cited   map[string]client.Document // readable ones, by id
	others  []string                   // ids
}

// readConversations makes queries and the list to review of what the caller rated.
func (d *drafter) readConversations(ctx context.Context) error {
	conversations, err := d.client.Conversations(ctx)
	if err != nil {
		return err
	}
	for _, c := range conversations.Items {
		whole, err := d.client.Conversation(ctx, c.ID)
		if errors.Is(err, cairn.ErrNotFound) { // removed meanwhile
			continue
		}
		if err != nil {
			return err
		}
		byID := make(map[string]client.Message, len(whole.Messages))
		for _, m := range whole.Messages {
			byID[m.ID] = m
		}
		for _, m := range whole.Messages {
			if m.Feedback != nil && !m.Withheld {
				d.add(m, history(m, byID))
			}
		}
	}
	return nil
}

func (d *drafter) add(m client.Message, before []eval.Turn) {
	relevant := make(map[string]int)
	for _, c := range m.Answer.Citations {
		if c.State != string(cairn.CitationGone) {
			relevant[c.DocumentID] = 1
		}
	}
	if m.Feedback.Rating == "up" {
		d.draft.Queries = append(d.draft.Queries, eval.DraftQuery{ID: m.ID, Text: m.Question, Answer: m.Answer.Text, History: before, Relevant: relevant})
		return
	}
	d.draft.Review = append(d.draft.Review, eval.Review{
		ID: m.ID, Text: m.Question, History: before, Reason: m.Feedback.Reason, Comment: m.Feedback.Comment,
		Outcome: string(m.Answer.Outcome), Answer: m.Answer.Text, Cited: slices.Sorted(maps.Keys(relevant)),
	})
}

// history returns what was said before a message, oldest first.
func history(m client.Message, byID map[string]client.Message) []eval.Turn {
	var turns []eval.Turn
	for range byID { // a chain is no longer than the conversation
		parent, ok := byID[m.ParentID]
		if !ok {
			break
		}
		if m = parent; !m.Withheld {
			turns = append([]eval.Turn{{Speaker: "user", Text: m.Question}, {Speaker: "agent", Text: m.Answer.Text}}, turns...)
		}
	}
	return turns
}

// readCited reads the documents that queries cite, and drops those that can no
// longer be read, with the queries that have no other.
func (d *drafter) readCited(ctx context.Context) error {
	d.cited = make(map[string]client.Document)
	var kept []eval.DraftQuery
	for _, q := range d.draft.Queries {
		for _, id := range slices.Sorted(maps.Keys(q.Relevant)) {
			if _, known := d.cited[id]; known {
				continue
			}
			document, err := d.client.Document(ctx, id, "")
			switch {
			case errors.Is(err, cairn.ErrNotFound):
				delete(q.Relevant, id)
			case err != nil:
				return err
			default:
				d.cited[id] = document
			}
		}
		if len(q.Relevant) > 0 {
			kept = append(kept, q)
		} else {
			d.skipped++
		}
	}
	d.draft.Queries = kept
	return nil
}

// findOthers looks for other documents of the sources of the cited ones, until
// there are most in all. The API lists no documents, so searches for the
// questions find them: a page of each question in turn, by words and by meaning.
func (d *drafter) findOthers(ctx context.Context, most int) error {
	known := make(map[string]bool)
	for id := range d.cited {
		known[id] = true
	}
	searches := d.searches()
	for len(searches) > 0 {
		var open []client.SearchRequest
		for _, req := range searches {
			if len(known) >= most {
				return nil
			}
			page, err := d.client.Search(ctx, req)
			if err != nil {
				return err
			}
			for _, p := range page.Results {
				if !known[p.DocumentID] && len(known) < most {
					known[p.DocumentID] = true
					d.others = append(d.others, p.DocumentID)
				}
			}
			if req.Cursor = page.Next; req.Cursor != "" {
				open = append(open, req)
			}
		}
		searches = open
	}
	return nil
}

// maxSearch is how much of a question is searched for, in bytes: less than the
// API takes, as questions may be longer than searches.
const maxSearch = 2000

// searches returns the first searches for other documents: each question once.
func (d *drafter) searches() []client.SearchRequest {
	sources := make(map[string]bool)
	for _, document := range d.cited {
		sources[document.Source] = true
	}
	var texts []string
	for _, q := range d.draft.Queries {
		texts = append(texts, q.Text)
	}
	for _, r := range d.draft.Review {
		texts = append(texts, r.Text)
	}
	var out []client.SearchRequest
	seen := make(map[string]bool)
	for _, text := range texts {
		text = text[:min(len(text), maxSearch)]
		for !utf8.ValidString(text) { // cut within a character
			text = text[:len(text)-1]
		}
		if seen[text] || strings.TrimSpace(text) == "" {
			continue
		}
		seen[text] = true
		for _, mode := range []cairn.Mode{cairn.ModeLexical, cairn.ModeDense} {
			out = append(out, client.SearchRequest{Query: text, Limit: 100, Mode: mode, Sources: slices.Sorted(maps.Keys(sources))})
		}
	}
	return out
}

// documents returns the corpus, the cited documents first, and counts them.
func (d *drafter) documents(ctx context.Context, count *int) iter.Seq2[eval.Document, error] {
	return func(yield func(eval.Document, error) bool) {
		for _, id := range slices.Sorted(maps.Keys(d.cited)) {
			if *count++; !yield(documentOf(d.cited[id]), nil) {
				return
			}
		}
		for _, id := range d.others {
			document, err := d.client.Document(ctx, id, "")
			if errors.Is(err, cairn.ErrNotFound) { // removed, or closed to the caller meanwhile
				continue
			}
			if *count++; !yield(documentOf(document), err) || err != nil {
				return
			}
		}
	}
}

func documentOf(d client.Document) eval.Document {
	return eval.Document{ID: d.ID, Title: d.Title, Text: d.Text}
}
