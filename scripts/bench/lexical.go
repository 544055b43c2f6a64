package main

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/blevesearch/bleve/v2/search/query"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/exact"
	"github.com/cairnhq/cairn/scripts/bench/rival"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

// depth is how many chunks retrieval asks of each leg.
const depth = 200

// lexical measures the lexical leg beside bleve, warm and with an empty cache,
// and compares its results with brute force.
func (b *bench) lexical(ctx context.Context) error {
	s, c, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	x, loading, err := s.Index(ctx)
	if err != nil {
		return err
	}
	chunks, err := s.Exact(false)
	if err != nil {
		return err
	}
	heavy, err := c.Heavy(b.queries, s.Chunks, frequencies(ctx, x))
	if err != nil {
		return err
	}
	t := b.report.table("Lexical leg, the best 200, ms", "questions", "viewer sees", "exactly, %", "p50", "p95", "p99",
		"cache empty p50", "bleve p50", "p95", "p99", "bleve / cairn")
	beside := &rival.Bleve{}
	if !b.alone {
		if beside, err = rival.OpenBleve(s.Dir, chunks, c.ClassOf()); err != nil {
			return err
		}
		defer beside.Close()
	}
	m := legs{b, s, c, x, beside}
	realistic := c.Realistic(b.queries)
	for _, series := range []struct {
		name      string
		questions []corpus.Question
	}{{"heavy", heavy}, {"realistic", realistic}} {
		if err := m.measure(ctx, t, series.name, series.questions); err != nil {
			return err
		}
		if err := m.noteFrequencies(ctx, t, series.name, series.questions); err != nil {
			return err
		}
	}
	size, err := s.Size(ctx)
	if err != nil {
		return err
	}
	t.note("%d documents, %d chunks; written in %.0f s, packed in %.0f s; loaded in %.2f s; the whole database takes %d MB. bleve: built in %.0f s, %d MB.",
		s.Docs, s.Chunks, s.Seconds, s.Maintenance, loading.Seconds(), size>>20, beside.Built.Seconds, beside.Built.Bytes>>20)
	return m.check(ctx, chunks, slices.Concat(heavy[:min(b.checked, len(heavy))], realistic[:min(b.checked, len(realistic))]))
}

// legs is what the lexical part works with.
type legs struct {
	*bench
	store  *store.Store
	corpus *corpus.Invented
	index  retrieval.Legs
	bleve  *rival.Bleve
}

// frequencies returns what tells in how many chunks words stand, all forms of a
// word together.
func frequencies(ctx context.Context, x retrieval.Legs) func([]string) (map[string]int, error) {
	everything := corpus.Shares()[0].Viewer()
	return func(words []string) (map[string]int, error) {
		out := make(map[string]int, len(words))
		for _, w := range words {
			counted, err := x.Lexical(ctx, cairn.Query{Viewer: everything, Text: w}, 0)
			if err != nil {
				return nil, err
			}
			for _, t := range counted.Terms {
				out[w] += t.Frequency
			}
		}
		return out, nil
	}
}

func (m legs) measure(ctx context.Context, t *table, name string, questions []corpus.Question) error {
	terms := make([][]lexical.QueryTerm, len(questions))
	for i, q := range questions {
		terms[i] = lexical.QueryTerms(q.Text, []string{"en"})
	}
	for i, share := range corpus.Shares() {
		viewer := share.Viewer()
		visible := m.visible(i)
		own := func(ctx context.Context, n int) error {
			_, err := m.index.Lexical(ctx, cairn.Query{Viewer: viewer, Text: questions[n].Text}, depth)
			return err
		}
		other := func(ctx context.Context, n int) error {
			_, err := m.beside(ctx, terms[n], visible, depth)
			return err
		}
		q, err := m.measureBeside(ctx, len(questions), own, other)
		if err != nil {
			return err
		}
		cold, err := m.cold(ctx, viewer, questions)
		if err != nil {
			return err
		}
		t.row(name, share.Name, perCent(m.corpus.Permissions().Part(i)), q[0].P50, q[0].P95, q[0].P99, cold.P50,
			q[1].P50, q[1].P95, q[1].P99, ratio(q[1].P50, q[0].P50))
	}
	return nil
}

// visible returns bleve's filter for a share; everything needs none.
func (m legs) visible(share int) query.Query {
	if corpus.Shares()[share].Part == 1 || m.alone {
		return nil
	}
	return m.bleve.Visible(m.corpus.Permissions().Classes(share))
}

// dropper is an index whose cache can be emptied.
type dropper interface{ DropCache() }

// cold measures searches with an empty cache of the process on a warm database:
// where the cache cannot be emptied, the first search of new indexes.
func (m legs) cold(ctx context.Context, v cairn.Viewer, questions []corpus.Question) (eval.Quantiles, error) {
	n := min(len(questions), 50)
	d, drops := m.index.(dropper)
	if !drops {
		n = min(n, 3)
	}
	var took []time.Duration
	for i := range n {
		x := m.index
		if drops {
			d.DropCache()
		} else {
			var err error
			if x, _, err = m.store.Index(ctx); err != nil {
				return eval.Quantiles{}, err
			}
		}
		began := time.Now()
		if _, err := x.Lexical(ctx, cairn.Query{Viewer: v, Text: questions[i].Text}, depth); err != nil {
			return eval.Quantiles{}, err
		}
		took = append(took, time.Since(began))
	}
	return eval.QuantilesOf(took), nil
}

func (m legs) noteFrequencies(ctx context.Context, t *table, name string, questions []corpus.Question) error {
	everything := corpus.Shares()[0].Viewer()
	var sums, counts []int
	for _, q := range questions {
		counted, err := m.index.Lexical(ctx, cairn.Query{Viewer: everything, Text: q.Text}, 0)
		if err != nil {
			return err
		}
		sum := 0
		for _, term := range counted.Terms {
			sum += term.Frequency
		}
		sums, counts = append(sums, sum), append(counts, len(counted.Terms))
	}
	slices.Sort(sums)
	slices.Sort(counts)
	t.note("Questions %s: %d, document frequencies sum to %d at the median, %d at the most; %d terms at the median.",
		name, len(questions), sums[len(sums)/2], sums[len(sums)-1], counts[len(counts)/2])
	return nil
}

// check compares results with brute force over the visible chunks.
func (m legs) check(ctx context.Context, chunks *exact.Chunks, questions []corpus.Question) error {
	var terms [][]lexical.QueryTerm
	for _, q := range questions {
		terms = append(terms, lexical.QueryTerms(q.Text, []string{"en"}))
	}
	words, err := chunks.Words(terms...)
	if err != nil {
		return err
	}
	t := m.report.table("Lexical leg against brute force over the visible chunks, the best 50", "viewer sees", "comparisons", "wrong", "largest relative error of a score",
		"overlap@20 with bleve")
	for i, share := range corpus.Shares() {
		visible := chunks.Visible(func(doc int) bool { return m.corpus.Permissions().Sees(i, m.corpus.ClassOf()[doc]) })
		wrong, worst, shared, of := 0, 0.0, 0, 0
		for n, q := range questions {
			found, err := m.index.Lexical(ctx, cairn.Query{Viewer: share.Viewer(), Text: q.Text}, compared)
			if err != nil {
				return err
			}
			numbers, err := numbersOf(ctx, m.store, chunks, share.Viewer(), found.Hits)
			if err != nil {
				return err
			}
			scores := words.Search(terms[n], visible, nil)
			same, miss := equalRanking(found.Hits, numbers, scores)
			if !same {
				wrong++
			}
			worst = max(worst, miss)
			others, err := m.beside(ctx, terms[n], m.visible(i), nearest)
			if err != nil {
				return err
			}
			best := exact.Best(scores, nearest)
			for _, number := range others {
				if len(best) > 0 && scores[number] >= best[len(best)-1].Score*(1-tolerance) {
					shared++
				}
			}
			of += len(best)
		}
		t.row(share.Name, len(questions), wrong, worst, ratio(float64(shared), float64(of)))
	}
	t.note("bleve scores by BM25 over everything in its index, and adds up the forms of a word of which Cairn takes the best.")
	return nil
}

// compared is how many hits are compared with brute force; as many are hydrated
// at once.
const compared = 50

// numbersOf returns the numbers of hits among the chunks of brute force; those
// that the viewer may not read are missing.
func numbersOf(ctx context.Context, s *store.Store, chunks *exact.Chunks, v cairn.Viewer, hits []retrieval.Hit) (map[int64]int, error) {
	ids := make([]int64, len(hits))
	for i, h := range hits {
		ids[i] = h.Chunk
	}
	numbers := make(map[int64]int, len(hits))
	for part := range slices.Chunk(ids, compared) {
		found, err := s.DB.Hydrate(ctx, v, part)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			doc, err := corpus.Number(f.Passage.Document)
			if err != nil {
				return nil, err
			}
			numbers[f.ID] = chunks.Number(doc, f.Ordinal)
		}
	}
	return numbers, nil
}

// tolerance of scores, relative: those of an index are single precision.
const tolerance = 1e-5

// equalRanking reports whether hits are the best that brute force found, with the
// same scores. Chunks of equal scores may change places. The error is relative.
func equalRanking(hits []retrieval.Hit, numbers map[int64]int, scores map[int]float64) (same bool, worst float64) {
	best := exact.Best(scores, compared)
	if len(hits) != len(best) {
		return false, 1
	}
	for i, h := range hits {
		number, ok := numbers[h.Chunk]
		if !ok {
			return false, 1
		}
		worst = max(worst, math.Abs(h.Score-scores[number])/best[i].Score, math.Abs(scores[number]-best[i].Score)/best[i].Score)
	}
	return worst <= tolerance, worst
}

// beside searches in bleve, unless that is left out.
func (m legs) beside(ctx context.Context, terms []lexical.QueryTerm, visible query.Query, limit int) ([]int, error) {
	if m.alone {
		return nil, nil
	}
	return m.bleve.Search(ctx, terms, visible, limit)
}
