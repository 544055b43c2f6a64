package retrieval_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// counted is an index that knows one word and notes what it is asked for.
type counted struct {
	*shelf
	limits []int
	vector []float32
}

func (c *counted) Begin(context.Context) (retrieval.Legs, error) { return c, nil }

func (c *counted) Lexical(_ context.Context, _ cairn.Query, limit int) (retrieval.Words, error) {
	c.limits = append(c.limits, limit)
	words := retrieval.Words{Chunks: 100, Terms: []retrieval.Term{{Text: "travel", Weight: 1, Frequency: 2}}}
	if limit > 0 {
		words.Hits = []retrieval.Hit{{Chunk: 1, Score: 7}}
	}
	return words, nil
}

func (c *counted) Nearest(_ context.Context, _ cairn.Query, vector []float32, _ int) ([]retrieval.Hit, error) {
	c.vector = vector
	return []retrieval.Hit{{Chunk: 2, Score: .5}}, nil
}

// weigher is an embedder whose vector is the weights of two words.
type weigher struct{ llm.Embedder }

func (weigher) EmbedQuery(_ context.Context, _ string, weight func(string) (float64, bool)) ([]float32, error) {
	known, ok := weight("travel")
	_, other := weight("unknown")
	if !ok || other {
		return []float32{0}, nil
	}
	return []float32{float32(known)}, nil
}

// The embedder is told what the lexical leg counted, also where that leg only
// counts; where words alone are asked for, it is not asked at all.
func TestEmbedderIsToldOfFrequencies(t *testing.T) {
	for _, tt := range []struct {
		mode     cairn.Mode
		limit    int
		embedded bool
		found    []cairn.DocumentID
	}{
		{cairn.ModeHybrid, 200, true, []cairn.DocumentID{"a", "b"}},
		{cairn.ModeDense, 0, true, []cairn.DocumentID{"b"}},
		{cairn.ModeLexical, 200, false, []cairn.DocumentID{"a"}},
	} {
		x := &counted{shelf: &shelf{documents: []string{"a", "b"}}}
		r := retrieval.New(retrieval.Config{Index: x, Chunks: x, Embedder: weigher{}, Log: slog.New(slog.DiscardHandler)})
		res, err := r.Search(t.Context(), cairn.Query{Text: "travel", Mode: tt.mode, Limit: 10, Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		var found []cairn.DocumentID
		for _, p := range res.Passages {
			found = append(found, p.Document)
		}
		if diff := cmp.Diff(tt.found, found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.mode, diff)
		}
		if !cmp.Equal(x.limits, []int{tt.limit}) || (x.vector != nil) != tt.embedded || tt.embedded && (x.vector[0] < .5 || x.vector[0] >= 1) {
			t.Errorf("%s: limits %v, vector %v", tt.mode, x.limits, x.vector)
		}
		if e := res.Explain[0]; tt.mode == cairn.ModeHybrid && (e.LexicalScore != 7 || e.LexicalShare < .74 || e.LexicalShare > .76 || e.DenseRank != 0) {
			t.Errorf("explanation %+v", e)
		}
	}
}

// mute is an embedding model that never answers.
type mute struct{ llm.Embedder }

func (mute) Embed(ctx context.Context, _ llm.Role, _ []string) ([][]float32, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A hybrid search does not wait for ever for a model, and says that it went without.
func TestModelThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &counted{shelf: &shelf{documents: []string{"a", "b"}}}
		r := retrieval.New(retrieval.Config{Index: x, Chunks: x, Embedder: mute{}, Log: slog.New(slog.DiscardHandler)})
		began := time.Now()
		res, err := r.Search(t.Context(), cairn.Query{Text: "travel", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Passages) != 1 || res.Passages[0].Document != "a" || res.Mode != cairn.ModeLexical || x.vector != nil {
			t.Errorf("%v, mode %s, vector %v", res.Passages, res.Mode, x.vector)
		}
		if len(res.Notices) != 1 || res.Notices[0].Code != "words_only" {
			t.Errorf("notices %v", res.Notices)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Search(ctx, cairn.Query{Text: "travel", Mode: cairn.ModeDense, Limit: 10}); !errors.Is(err, cairn.ErrUnavailable) {
			t.Errorf("by meaning alone: %v", err)
		}
	})
}

// reader is a reranker that notes what it is asked.
type reader struct{ question string }

func (r *reader) Rerank(_ context.Context, question string, passages []string) ([]float64, error) {
	r.question = question
	return make([]float64, len(passages)), nil
}

func TestRerankerReadsNoOperators(t *testing.T) {
	x := &counted{shelf: &shelf{documents: []string{"a", "b"}}}
	judge := &reader{}
	r := retrieval.New(retrieval.Config{Index: x, Chunks: x, Embedder: weigher{}, Reranker: judge, Log: slog.New(slog.DiscardHandler)})
	if _, err := r.Search(t.Context(), cairn.Query{Text: "travel -hotel", Limit: 10}); err != nil {
		t.Fatal(err)
	}
	if judge.question != "travel" {
		t.Errorf("the reranker was asked %q", judge.question)
	}
}
