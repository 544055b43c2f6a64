package retrieval

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// order refines chunks 1, 2, … that have the given scores and returns their order.
func order(t *testing.T, cfg Config, query string, passages ...cairn.Passage) []int64 {
	t.Helper()
	words := Words{Chunks: 1000}
	for _, term := range lexical.QueryTerms(query, nil) {
		words.Terms = append(words.Terms, Term{Text: term.Text, Group: term.Group, Weight: term.Weight, Frequency: 5})
	}
	found := make([]hydrated, len(passages))
	for i, p := range passages {
		found[i] = hydrated{candidate: candidate{Hit: Hit{Chunk: int64(i + 1), Score: p.Score}}, chunk: Chunk{Passage: p, Authority: authority(p.Source)}}
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	notices := New(cfg).refine(t.Context(), ranking{text: query, evidence: weigh(words), lexical: 0.7}, found)
	out := make([]int64, len(found))
	for i, f := range found {
		out[i] = f.Chunk
		if cfg.Reranker != nil && (len(notices) == 0) != (f.reranked != nil) {
			t.Errorf("notices %v, and the reranker's judgement is %v", notices, f.reranked)
		}
		if math.IsNaN(f.Score) || math.IsInf(f.Score, 0) {
			t.Errorf("the score of %d is %g", f.Chunk, f.Score)
		}
		if f.priors.factor() > 1.15 {
			t.Errorf("priors of %v", f.priors)
		}
	}
	return out
}

// authority returns more than all for the handbook and less than none for the chat.
func authority(source string) float64 {
	switch source {
	case "handbook":
		return 7
	case "chat":
		return -1
	}
	return 0
}

func TestWordsThatStandTogetherComeFirst(t *testing.T) {
	got := order(t, Config{}, "parking permit", cairn.Passage{Score: .50, Text: "Parking is free. Nobody needs to apply. A permit to build is another thing."},
		cairn.Passage{Score: .48, Text: "The parking permit is at the desk."})
	if diff := cmp.Diff([]int64{2, 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPriorsAreBoundedAndNeedDifferences(t *testing.T) {
	year := 365 * 24 * time.Hour
	for _, tt := range []struct {
		name     string
		cfg      Config
		passages []cairn.Passage
		want     []int64
	}{
		{"newer", Config{}, []cairn.Passage{{Score: .50, Modified: october.Add(-5 * year)}, {Score: .49, Modified: october}}, []int64{2, 1}},
		{"equal dates", Config{}, []cairn.Passage{{Score: .50, Modified: october}, {Score: .49, Modified: october}}, []int64{1, 2}},
		{"one date", Config{}, []cairn.Passage{{Score: .50}, {Score: .49, Modified: october}}, []int64{1, 2}},
		{"newer but far worse", Config{}, []cairn.Passage{{Score: .50, Modified: october.Add(-5 * year)}, {Score: .47, Modified: october}}, []int64{1, 2}},
		{"title", Config{}, []cairn.Passage{{Score: .50, Title: "Parking"}, {Score: .49, Title: "Travel costs"}}, []int64{2, 1}},
		{"authority", Config{}, []cairn.Passage{{Score: .50, Source: "chat"}, {Score: .48, Source: "handbook"}}, []int64{2, 1}},
		{"none is no blame", Config{}, []cairn.Passage{{Score: .50, Source: "chat"}, {Score: .499, Source: "wiki"}}, []int64{1, 2}},
		{"authority but far worse", Config{}, []cairn.Passage{{Score: .50, Source: "wiki"}, {Score: .47, Source: "handbook"}}, []int64{1, 2}},
	} {
		if diff := cmp.Diff(tt.want, order(t, tt.cfg, "travel costs", tt.passages...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// judge is a reranker that says the given scores.
type judge struct {
	scores []float64
	err    error
	asked  int
}

func (j *judge) Rerank(_ context.Context, _ string, passages []string) ([]float64, error) {
	j.asked = len(passages)
	return j.scores, j.err
}

func TestRerankerIsOneVoice(t *testing.T) {
	passages := []cairn.Passage{{Score: .9}, {Score: .8}, {Score: .5}}
	for _, tt := range []struct {
		name   string
		scores []float64
		err    error
		want   []int64
	}{
		{"agrees", []float64{3, 2, 1}, nil, []int64{1, 2, 3}},
		{"prefers the second", []float64{-4, 9, -5}, nil, []int64{2, 1, 3}},
		{"prefers the worst", []float64{0.8, 0, 1}, nil, []int64{1, 3, 2}},
		{"has no opinion", []float64{1, 1, 1}, nil, []int64{1, 2, 3}},
		{"fails", nil, errors.New("down"), []int64{1, 2, 3}},
		{"judges too few", []float64{1}, nil, []int64{1, 2, 3}},
		{"knows no measure", []float64{-1.7e308, 1.7e308, 0}, nil, []int64{2, 1, 3}},
		{"knows no end", []float64{1, math.Inf(1), 2}, nil, []int64{1, 2, 3}},
	} {
		j := &judge{scores: tt.scores, err: tt.err}
		if diff := cmp.Diff(tt.want, order(t, Config{Reranker: j}, "travel", passages...)); diff != "" || j.asked != 3 {
			t.Errorf("%s: asked about %d (-want +got):\n%s", tt.name, j.asked, diff)
		}
	}
}
