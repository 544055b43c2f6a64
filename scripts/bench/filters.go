package main

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/exact"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

// filters measures searches that are narrowed, beside the same that are not, and
// compares what is found with brute force.
func (b *bench) filters(ctx context.Context) error {
	s, c, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	x, _, err := s.Index(ctx)
	if err != nil {
		return err
	}
	chunks, err := s.Exact(true)
	if err != nil {
		return err
	}
	questions := c.Realistic(b.narrowed)
	check, err := b.newFilterCheck(ctx, s, c, x, chunks, questions[:min(b.checked/2, len(questions))])
	if err != nil {
		return err
	}
	r := b.retriever(s, x)
	t := b.report.table("Narrowed searches (hybrid, ten results), p95 in ms", "viewer sees", "field", "keeps", "documents", "p50", "p95",
		"without p95", "p95 ratio", "comparisons", "wrong words", "recall@20 of vectors")
	for i, share := range corpus.Shares() {
		if share.Part != 1 && share.Part != .1 {
			continue
		}
		search := func(f cairn.Filters) candidate {
			return func(ctx context.Context, n int) error {
				_, err := r.Search(ctx, cairn.Query{Viewer: share.Viewer(), Text: questions[n].Text, Filters: f, Limit: results})
				return err
			}
		}
		for _, f := range c.Filters() {
			q, err := measure(ctx, b.rounds, len(questions), search(f.Filters), search(cairn.Filters{}))
			if err != nil {
				return err
			}
			wrong, recall, err := check.run(ctx, i, f)
			if err != nil {
				return err
			}
			t.row(share.Name, f.Field, f.Name, f.Kept, q[0].P50, q[0].P95, q[1].P95, ratio(q[0].P95, q[1].P95), len(check.questions), wrong, recall)
		}
	}
	return nil
}

// filterCheck compares narrowed searches with brute force.
type filterCheck struct {
	store     *store.Store
	corpus    *corpus.Invented
	index     retrieval.Legs
	chunks    *exact.Chunks
	questions []corpus.Question
	vectors   [][]float32
	terms     [][]lexical.QueryTerm
	words     *exact.Words
	judge     *judge
}

func (b *bench) newFilterCheck(ctx context.Context, s *store.Store, c *corpus.Invented, x retrieval.Legs, chunks *exact.Chunks, questions []corpus.Question) (*filterCheck, error) {
	f := &filterCheck{store: s, corpus: c, index: x, chunks: chunks, questions: questions}
	var texts []string
	for _, q := range questions {
		texts = append(texts, q.Text)
		f.terms = append(f.terms, lexical.QueryTerms(q.Text, []string{"en"}))
	}
	var err error
	if f.words, err = chunks.Words(f.terms...); err != nil {
		return nil, err
	}
	if f.vectors, err = b.embedder.Embed(ctx, llm.RoleQuery, texts); err != nil {
		return nil, err
	}
	f.judge = newJudge(chunks, f.vectors, len(f.vectors))
	return f, nil
}

// run returns how many questions found other words than brute force, and the
// recall of the vectors, for the viewer of a share.
func (f *filterCheck) run(ctx context.Context, share int, filter corpus.Filter) (wrong int, recall any, err error) {
	viewer := corpus.Shares()[share].Viewer()
	visible := f.chunks.Visible(func(doc int) bool { return f.corpus.Permissions().Sees(share, f.corpus.ClassOf()[doc]) })
	for n, q := range f.questions {
		found, err := f.index.Lexical(ctx, cairn.Query{Viewer: viewer, Text: q.Text, Filters: filter.Filters}, compared)
		if err != nil {
			return 0, nil, err
		}
		numbers, err := numbersOf(ctx, f.store, f.chunks, viewer, found.Hits)
		if err != nil {
			return 0, nil, err
		}
		if same, _ := equalRanking(found.Hits, numbers, f.words.Search(f.terms[n], visible, filter.Keep)); !same {
			wrong++
		}
	}
	kept := make([]bool, len(visible))
	for i, v := range visible {
		kept[i] = v && filter.Keep(int(f.chunks.Doc[i]))
	}
	if !slices.Contains(kept, true) {
		return wrong, "nothing to find", nil
	}
	recall, err = f.judge.recall(kept, func(n int) ([]int, error) {
		hits, err := f.index.Nearest(ctx, cairn.Query{Viewer: viewer, Filters: filter.Filters}, f.vectors[n], nearest)
		if err != nil {
			return nil, err
		}
		numbers, err := numbersOf(ctx, f.store, f.chunks, viewer, hits)
		return slices.Collect(maps.Values(numbers)), err
	})
	return wrong, recall, err
}
