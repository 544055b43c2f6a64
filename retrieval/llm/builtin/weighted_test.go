package builtin

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// A query whose words are all unknown to the caller is what Embed makes of it.
func TestEmbedQueryWithoutWeights(t *testing.T) {
	e := newEmbedder(t)
	for _, text := range []string{"How do I claim travel expenses?", "getUserById, get get", "Überstunden im Büro", "日本 x²", ""} {
		got, err := e.EmbedQuery(t.Context(), text, func(string) (float64, bool) { return 0, false })
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.Embed(t.Context(), llm.RoleQuery, []string{text})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(float64(got[i]-want[0][i])) > 1e-6 {
				t.Errorf("%q: %v at %d, want %v", text, got[i], i, want[0][i])
				break
			}
		}
	}
}

// The word that weighs more pulls the vector; accents and case do not matter.
func TestEmbedQueryByWeight(t *testing.T) {
	e := newEmbedder(t)
	only := func(heavy string) []float32 {
		v, err := e.EmbedQuery(t.Context(), "Café invoice", func(word string) (float64, bool) {
			if word == heavy {
				return 1, true
			}
			return 0.1, true
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cafe, err := e.Embed(t.Context(), llm.RoleDocument, []string{"cafe"})
	if err != nil {
		t.Fatal(err)
	}
	if near, far := dot(only("cafe"), cafe[0]), dot(only("invoice"), cafe[0]); near < far+0.3 {
		t.Errorf("cafe is %.3f near when it weighs more, %.3f when it weighs less", near, far)
	}
}

func TestEmbedQueryCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := newEmbedder(t).EmbedQuery(ctx, "a", func(string) (float64, bool) { return 1, true }); !errors.Is(err, context.Canceled) || v != nil {
		t.Errorf("EmbedQuery = %v, %v", v, err)
	}
}
