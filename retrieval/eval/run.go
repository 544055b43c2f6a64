package eval

import (
	"context"
	"fmt"
	"time"

	"github.com/cairnhq/cairn"
)

// Report is what a run measured. Its JSON form is that of `cairn eval run --json`.
type Report struct {
	Documents int        `json:"documents"`
	Queries   int        `json:"queries"`
	Mode      cairn.Mode `json:"mode"`
	Metrics              // means over the queries
	Took      Quantiles  `json:"took_ms"`
	Ingest    Ingest     `json:"ingest"`
}

// Ingest is how fast the corpus was brought in.
type Ingest struct {
	Seconds            float64 `json:"seconds"`
	DocumentsPerSecond float64 `json:"documents_per_second"`
}

// Run is one measurement: what was found for every query, and how good it was.
type Run struct {
	Format  int           `json:"format"` // of this file: runFormat
	Set     SetInfo       `json:"set"`
	Mode    cairn.Mode    `json:"mode"`
	Version string        `json:"version"` // of Cairn
	At      time.Time     `json:"at"`
	Report  Report        `json:"report"`
	Results []QueryResult `json:"results"` // in the order of the set
	// Titles are those of the documents that people look at: the first ten of
	// each query and the relevant ones.
	Titles map[string]string `json:"titles"`
}

// QueryResult is what a search found for one query.
type QueryResult struct {
	ID       string         `json:"id"`
	Text     string         `json:"text"`
	Relevant map[string]int `json:"relevant"` // grades, positive
	Ranked   []Ranked       `json:"ranked"`   // best first, each document once
	Metrics  Metrics        `json:"metrics"`
	TookMS   float64        `json:"took_ms"`
}

// FirstRank returns the rank of the first relevant document, from 1; 0 when
// none was found.
func (q QueryResult) FirstRank() int {
	for i, r := range q.Ranked {
		if q.Relevant[r.ID] > 0 {
			return i + 1
		}
	}
	return 0
}

// Ranked is a document that was found.
type Ranked struct {
	ID    string  `json:"id"` // external id
	Score float64 `json:"score"`
}

// depth is how many ranked passages are asked for, so that twenty documents
// remain when each counts once.
const depth = 100

// Search returns the documents of the best passages for a text, best first, at
// most limit; a document may occur several times.
type Search func(ctx context.Context, text string, limit int) ([]Ranked, error)

// Measure runs a search on the first limit queries of a set (0: all), one after
// the other. A document scores as its best passage. Mode, Version, At and how
// long the ingestion took are left to the caller.
func Measure(ctx context.Context, s *Set, search Search, limit int) (Run, error) {
	queries := s.Queries
	if limit > 0 && limit < len(queries) {
		queries = queries[:limit]
	}
	run := Run{Format: runFormat, Set: s.Info(), Results: make([]QueryResult, 0, len(queries))}
	took := make([]time.Duration, 0, len(queries))
	for _, q := range queries {
		began := time.Now()
		found, err := search(ctx, q.Text, depth)
		if err != nil {
			return Run{}, fmt.Errorf("query %s: %w", q.ID, err)
		}
		took = append(took, time.Since(began))
		r := QueryResult{ID: q.ID, Text: q.Text, Relevant: q.Relevant, Ranked: firstOfEach(found), TookMS: milliseconds(took[len(took)-1])}
		r.Metrics = MetricsOf(r.Ranked, r.Relevant)
		run.Results = append(run.Results, r)
	}
	run.Titles = s.titles(run.Results)
	run.Report = Report{Documents: len(s.Documents), Queries: len(queries), Metrics: mean(run.Results), Took: QuantilesOf(took)}
	return run, nil
}

func mean(results []QueryResult) Metrics {
	var sum Metrics
	for _, r := range results {
		sum.NDCG10 += r.Metrics.NDCG10
		sum.Recall5 += r.Metrics.Recall5
		sum.Recall20 += r.Metrics.Recall20
		sum.MRR10 += r.Metrics.MRR10
	}
	n := float64(max(len(results), 1))
	return Metrics{NDCG10: sum.NDCG10 / n, Recall5: sum.Recall5 / n, Recall20: sum.Recall20 / n, MRR10: sum.MRR10 / n}
}

func firstOfEach(found []Ranked) []Ranked {
	seen := make(map[string]bool, len(found))
	out := make([]Ranked, 0, len(found))
	for _, r := range found {
		if !seen[r.ID] {
			seen[r.ID] = true
			out = append(out, r)
		}
	}
	return out
}

// titles returns the titles of the documents that a reader of the results looks at.
func (s *Set) titles(results []QueryResult) map[string]string {
	titles := make(map[string]string)
	for _, r := range results {
		for _, found := range r.Ranked[:min(10, len(r.Ranked))] {
			titles[found.ID] = ""
		}
		for id := range r.Relevant {
			titles[id] = ""
		}
	}
	for _, d := range s.Documents {
		if _, shown := titles[d.ID]; shown {
			titles[d.ID] = d.Title
		}
	}
	return titles
}
