package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/exact"
	"github.com/cairnhq/cairn/scripts/bench/rival"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

// nearest is how many results the dense leg is asked for and judged by.
const nearest = 20

// dense measures the dense leg beside pgvector's HNSW on three corpora.
func (b *bench) dense(ctx context.Context) error {
	t := b.report.table("Dense leg, the nearest 20, ms", "vectors", "viewer sees", "exactly, %", "p50", "p95", "recall@20",
		"HNSW p50", "p95", "recall@20", "HNSW / cairn")
	for _, run := range []func(context.Context, *table) error{b.denseArtificial, b.denseInvented, b.denseReal} {
		if err := run(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) denseArtificial(ctx context.Context, t *table) error {
	c, vectors := corpus.NewInvented(b.docs), corpus.Artificial{Seed: 7}
	s, err := b.open(ctx, store.Spec{Name: fmt.Sprintf("artificial-%d", b.docs), Corpus: c, Vectors: vectors})
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	questions := make([][]float32, b.vectors)
	for i, q := range c.Realistic(b.vectors) {
		d := c.Document(q.Doc)
		questions[i] = vectors.Query(i, &d)
	}
	return b.denseStore(ctx, t, "artificial", s, questions)
}

func (b *bench) denseInvented(ctx context.Context, t *table) error {
	s, c, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	var texts []string
	for _, q := range c.Realistic(b.vectors) {
		texts = append(texts, q.Text)
	}
	questions, err := b.embedder.Embed(ctx, llm.RoleQuery, texts)
	if err != nil {
		return err
	}
	return b.denseStore(ctx, t, "built-in, generated text", s, questions)
}

func (b *bench) denseReal(ctx context.Context, t *table) error {
	c, err := corpus.NewReal(ctx, b.realDocs)
	if err != nil {
		return err
	}
	s, err := b.open(ctx, store.Spec{Name: fmt.Sprintf("real-%d", b.realDocs), Corpus: c, Vectors: corpus.Embedded{Embedder: b.embedder}})
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	questions, err := b.embedder.Embed(ctx, llm.RoleQuery, corpus.RealQuestions())
	if err != nil {
		return err
	}
	return b.denseStore(ctx, t, "built-in, Go's sources", s, questions)
}

// denseStore measures one store with the vectors of questions.
func (b *bench) denseStore(ctx context.Context, t *table, name string, s *store.Store, questions [][]float32) error {
	x, _, err := s.Index(ctx)
	if err != nil {
		return err
	}
	chunks, err := s.Exact(true)
	if err != nil {
		return err
	}
	classOf, permissions := s.Corpus.ClassOf(), s.Corpus.Permissions()
	beside := &rival.HNSW{}
	if !b.alone {
		if beside, err = rival.OpenHNSW(ctx, s.Admin, chunks, classOf, s.Space.Dim); err != nil {
			return err
		}
		defer beside.Close(ctx)
	}
	searchBeside := func(ctx context.Context, n int, classes []int32) ([]int, error) {
		if b.alone {
			return nil, nil
		}
		return beside.Search(ctx, questions[n], classes, nearest)
	}
	judges := newJudge(chunks, questions, min(len(questions), 2*b.checked))
	for i, share := range corpus.Shares() {
		viewer := share.Viewer()
		var classes []int32 // everything needs no filter
		if share.Part < 1 {
			classes = permissions.Classes(i)
		}
		own := func(ctx context.Context, n int) error {
			_, err := x.Nearest(ctx, cairn.Query{Viewer: viewer}, questions[n], nearest)
			return err
		}
		other := func(ctx context.Context, n int) error {
			_, err := searchBeside(ctx, n, classes)
			return err
		}
		q, err := measure(ctx, b.rounds, len(questions), own, other)
		if err != nil {
			return err
		}
		visible := chunks.Visible(func(doc int) bool { return permissions.Sees(i, classOf[doc]) })
		ours, err := judges.recall(visible, func(n int) ([]int, error) {
			hits, err := x.Nearest(ctx, cairn.Query{Viewer: viewer}, questions[n], nearest)
			if err != nil {
				return nil, err
			}
			numbers, err := numbersOf(ctx, s, chunks, viewer, hits)
			return slices.Collect(maps.Values(numbers)), err
		})
		if err != nil {
			return err
		}
		theirs, err := judges.recall(visible, func(n int) ([]int, error) { return searchBeside(ctx, n, classes) })
		if err != nil {
			return err
		}
		t.row(name, share.Name, perCent(permissions.Part(i)), q[0].P50, q[0].P95, ours, q[1].P50, q[1].P95, theirs, ratio(q[1].P50, q[0].P50))
	}
	t.note("%s: %d documents, %d chunks, %d questions, %d of them judged; HNSW (m 16, ef_construction 64, ef_search 100, relaxed order) built in %.0f s, %d MB.",
		name, s.Docs, s.Chunks, len(questions), len(judges.scores), beside.Built.Seconds, beside.Built.Bytes>>20)
	return nil
}

// judge knows the inner product of every chunk with some questions.
type judge struct{ scores [][]float32 }

func newJudge(chunks *exact.Chunks, questions [][]float32, n int) *judge {
	j := &judge{}
	for _, v := range questions[:n] {
		j.scores = append(j.scores, chunks.Nearest(v))
	}
	return j
}

// recall returns which part of the exact nearest visible chunks is found, on
// average over the questions. Of chunks that are equally near, any will do.
func (j *judge) recall(visible []bool, find func(n int) ([]int, error)) (float64, error) {
	sum, of := 0.0, 0
	for n, scores := range j.scores {
		best := exact.BestVisible(scores, visible, nearest)
		if len(best) == 0 {
			continue
		}
		found, err := find(n)
		if err != nil {
			return 0, err
		}
		worst, hits := best[len(best)-1].Score-1e-6, 0
		slices.Sort(found)
		for _, f := range slices.Compact(found) {
			if visible[f] && float64(scores[f]) >= worst {
				hits++
			}
		}
		sum += float64(min(hits, len(best))) / float64(len(best))
		of++
	}
	return ratio(sum, float64(of)), nil
}
