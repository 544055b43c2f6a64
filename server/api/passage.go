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
	AlsoIn   []duplicate      `json:"also_in,omitempty"`
	AlsoMore int              `json:"also_in_more,omitempty"`
	Explain  *explanation     `json:"explain,omitempty"`
}

// explanation is a retrieval.Explanation as it is sent.
type explanation struct {
	LexicalRank  int      `json:"lexical_rank"`
	DenseRank    int      `json:"dense_rank"`
	LexicalScore float64  `json:"lexical_score"`
	DenseScore   float64  `json:"dense_score"`
	Lexical      float64  `json:"lexical"`
	Dense        float64  `json:"dense"`
	LexicalShare float64  `json:"lexical_share"`
	Reasons      []string `json:"reasons"`
	Proximity    float64  `json:"proximity"`
	Title        float64  `json:"title"`
	Freshness    float64  `json:"freshness"`
	Authority    float64  `json:"authority"`
	Reranked     *float64 `json:"reranked,omitempty"`
}

// duplicate is another document with the same passage, as it is sent.
type duplicate struct {
	Document cairn.DocumentID `json:"document_id"`
	Title    string           `json:"title"`
	Source   string           `json:"source"`
	URL      string           `json:"url"`
	Updated  *time.Time       `json:"updated_at"`
	Older    bool             `json:"older"`
}

func passagesOf(ps []cairn.Passage, explain []retrieval.Explanation) []passage {
	out := make([]passage, len(ps))
	for i, p := range ps {
		out[i] = passage{
			Document: p.Document, Version: p.Version, Source: p.Source, Kind: p.Kind, Title: p.Title, URL: p.URL,
			Author: p.Author, Heading: list(p.Heading), Snippet: p.Text, Start: p.Start, End: p.End, Score: p.Score,
			Updated: moment(p.Modified), AlsoMore: p.AlsoInMore,
		}
		for _, c := range p.AlsoIn {
			out[i].AlsoIn = append(out[i].AlsoIn, duplicate{c.Document, c.Title, c.Source, c.URL, moment(c.Modified), c.Older})
		}
		if i < len(explain) {
			e := explanation(explain[i])
			e.Reasons = list(e.Reasons)
			out[i].Explain = &e
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
