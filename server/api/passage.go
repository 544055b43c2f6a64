package api

import (
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// passage is a search result as it is sent.
type passage struct {
	Document cairn.DocumentID `json:"document_id"`
	Version  cairn.Version    `json:"version"`
	Source   string           `json:"source"`
	Kind     cairn.Kind       `json:"kind"`
	Title    string           `json:"title"`
	URL      string           `json:"url"`
	Author   string           `json:"author"`
	Heading  []string         `json:"heading"`
	Snippet  string           `json:"snippet"`
	Start    int              `json:"start"`
	End      int              `json:"end"`
	Score    float64          `json:"score"`
	Updated  *time.Time       `json:"updated_at"`
	Explain  *explanation     `json:"explain,omitempty"`
}

type explanation struct {
	LexicalRank int     `json:"lexical_rank"`
	DenseRank   int     `json:"dense_rank"`
	Lexical     float64 `json:"lexical"`
	Dense       float64 `json:"dense"`
}

func passagesOf(ps []cairn.Passage, explain []retrieval.Explanation) []passage {
	out := make([]passage, len(ps))
	for i, p := range ps {
		out[i] = passage{
			Document: p.Document, Version: p.Version, Source: p.Source, Kind: p.Kind, Title: p.Title, URL: p.URL,
			Author: p.Author, Heading: list(p.Heading), Snippet: p.Text, Start: p.Start, End: p.End, Score: p.Score,
			Updated: moment(p.Modified),
		}
		if i < len(explain) {
			e := explain[i]
			out[i].Explain = &explanation{e.LexicalRank, e.DenseRank, e.Lexical, e.Dense}
		}
	}
	return out
}

// list returns s, or an empty slice for nil, which JSON would show as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// table returns m, or an empty map for nil.
func table[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// moment returns t in UTC, or nil when it is unknown.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// after returns a cursor for JSON: null at the end of a list.
func after(cursor string) *string {
	if cursor == "" {
		return nil
	}
	return &cursor
}
