package eval

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
)

// Comparison sets run B against run A. Differences are B minus A.
type Comparison struct {
	Set       SetInfo      `json:"set"`
	A         RunInfo      `json:"a"`
	B         RunInfo      `json:"b"`
	Queries   int          `json:"queries"`
	Method    string       `json:"method"`
	Resamples int          `json:"resamples"`
	Seed      int          `json:"seed"`
	Metrics   []Difference `json:"metrics"`
	// Better, Worse and Same count queries by their nDCG@10.
	Better  int      `json:"better"`
	Worse   int      `json:"worse"`
	Same    int      `json:"same"`
	Changes []Change `json:"changes"` // every query, the greatest loss first
}

// RunInfo describes a run that was compared.
type RunInfo struct {
	Name    string     `json:"name"` // as the caller calls it
	Mode    cairn.Mode `json:"mode"`
	Version string     `json:"version"`
	At      time.Time  `json:"at"`
	Took    Quantiles  `json:"took_ms"`
}

// Difference is how the mean of a metric differs.
type Difference struct {
	Metric string  `json:"metric"`
	A      float64 `json:"a"`
	B      float64 `json:"b"`
	Bootstrap
	Significant bool `json:"significant"` // P is below Alpha
}

// Change is how one query's nDCG@10 differs.
type Change struct {
	ID         string  `json:"id"`
	Text       string  `json:"text"`
	A          float64 `json:"a"`
	B          float64 `json:"b"`
	Difference float64 `json:"difference"`
	// FirstA and FirstB are ranks of the first relevant document; 0: not found.
	FirstA int `json:"first_a"`
	FirstB int `json:"first_b"`
}

const method = "paired bootstrap test, studentised (Sakai, SIGIR 2006); percentile interval (Efron)"

// Compare sets run b against run a; the names are for people. Runs over
// different documents, queries or judgements are cairn.ErrInvalid.
func Compare(a, b Run, nameA, nameB string) (Comparison, error) {
	if err := sameQuestions(a, b); err != nil {
		return Comparison{}, err
	}
	c := Comparison{
		Set: a.Set, A: a.info(nameA), B: b.info(nameB), Queries: len(a.Results),
		Method: method, Resamples: Resamples, Seed: Seed,
	}
	for _, m := range measures() {
		differences := make([]float64, len(a.Results))
		for i := range differences {
			differences[i] = m.of(b.Results[i].Metrics) - m.of(a.Results[i].Metrics)
		}
		d := Difference{Metric: m.name, A: m.of(a.Report.Metrics), B: m.of(b.Report.Metrics), Bootstrap: PairedBootstrap(differences)}
		d.Significant = d.P < Alpha
		c.Metrics = append(c.Metrics, d)
	}
	for i, qa := range a.Results {
		c.add(qa, b.Results[i])
	}
	slices.SortStableFunc(c.Changes, func(x, y Change) int { return cmp.Compare(x.Difference, y.Difference) })
	return c, nil
}

// NDCG10 returns the difference in nDCG@10, by which a comparison is decided.
func (c Comparison) NDCG10() Difference { return c.Metrics[0] }

// SignificantlyWorse reports whether b is below a in nDCG@10, by more than
// chance explains.
func (c Comparison) SignificantlyWorse() bool {
	d := c.NDCG10()
	return d.Significant && d.Mean < 0
}

func (c *Comparison) add(a, b QueryResult) {
	d := Change{ID: a.ID, Text: a.Text, A: a.Metrics.NDCG10, B: b.Metrics.NDCG10, FirstA: a.FirstRank(), FirstB: b.FirstRank()}
	switch d.Difference = d.B - d.A; {
	case d.Difference > tiny:
		c.Better++
	case d.Difference < -tiny:
		c.Worse++
	default:
		d.Difference = 0
		c.Same++
	}
	c.Changes = append(c.Changes, d)
}

// measure is one of Metrics by name.
type measure struct {
	name string
	of   func(Metrics) float64
}

func measures() []measure {
	return []measure{
		{"ndcg@10", func(m Metrics) float64 { return m.NDCG10 }},
		{"recall@5", func(m Metrics) float64 { return m.Recall5 }},
		{"recall@20", func(m Metrics) float64 { return m.Recall20 }},
		{"mrr@10", func(m Metrics) float64 { return m.MRR10 }},
	}
}

func (r Run) info(name string) RunInfo {
	return RunInfo{Name: name, Mode: r.Mode, Version: r.Version, At: r.At, Took: r.Report.Took}
}

// sameQuestions refuses runs that did not answer the same questions about the same
// documents.
func sameQuestions(a, b Run) error {
	if a.Set.Digest != b.Set.Digest {
		return cairn.Errorf(cairn.ErrInvalid, "the runs are over different sets (%s %s and %s %s): documents, queries or judgements differ; run both on the same folder",
			a.Set.Name, a.Set.Digest, b.Set.Name, b.Set.Digest)
	}
	same := slices.EqualFunc(a.Results, b.Results, func(x, y QueryResult) bool { return x.ID == y.ID && maps.Equal(x.Relevant, y.Relevant) })
	if !same {
		return cairn.Errorf(cairn.ErrInvalid, "the runs have different queries (%d and %d): run both with the same --limit", len(a.Results), len(b.Results))
	}
	return nil
}
