package llmtest

import (
	"context"
	"math"
	"sync"
	"testing"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// TestEmbedder checks that e, an embedder of English at least, keeps the
// contract of llm.Embedder.
func TestEmbedder(t *testing.T, e llm.Embedder) {
	texts := []string{
		"Employees may carry over five days of annual leave.",
		"How many days of vacation leave can employees carry over?",
		"The turbine's bearing is lubricated with synthetic oil.",
		"leave", "",
		"Ein Satz auf Deutsch, mit Umlauten: Übergröße.",
	}
	vectors := mustEmbed(t, e, llm.RoleDocument, texts)
	t.Run("Shape", func(t *testing.T) {
		if e.Model() == "" {
			t.Error("the embedder has no name")
		}
		for i, v := range vectors {
			checkVector(t, e, texts[i], v)
		}
	})
	t.Run("OneByOne", func(t *testing.T) {
		for i, text := range texts {
			one := mustEmbed(t, e, llm.RoleDocument, []string{text})
			if d := distance(one[0], vectors[i]); d > 1e-3 {
				t.Errorf("%q alone and in a batch differ by %g", text, d)
			}
		}
	})
	t.Run("Nearness", func(t *testing.T) {
		q := mustEmbed(t, e, llm.RoleQuery, texts[1:2])[0]
		if near, far := dot(q, vectors[0]), dot(q, vectors[2]); near <= far {
			t.Errorf("the related text scores %g, the unrelated one %g", near, far)
		}
	})
	t.Run("Nothing", func(t *testing.T) {
		if got := mustEmbed(t, e, llm.RoleQuery, nil); len(got) != 0 {
			t.Errorf("no text has %d vectors", len(got))
		}
	})
	t.Run("Cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := e.Embed(ctx, llm.RoleQuery, texts); err == nil || got != nil {
			t.Errorf("after its context ended it returned %d vectors and the error %v", len(got), err)
		}
	})
	t.Run("Concurrent", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				got, err := e.Embed(t.Context(), llm.RoleDocument, texts)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range texts {
					if d := distance(got[i], vectors[i]); d > 1e-3 {
						t.Errorf("%q differs by %g when several embed at once", texts[i], d)
					}
				}
			})
		}
		wg.Wait()
	})
}

func mustEmbed(t *testing.T, e llm.Embedder, role llm.Role, texts []string) [][]float32 {
	t.Helper()
	vectors, err := e.Embed(t.Context(), role, texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors) != len(texts) {
		t.Fatalf("%d texts have %d vectors", len(texts), len(vectors))
	}
	return vectors
}

func checkVector(t *testing.T, e llm.Embedder, text string, v []float32) {
	t.Helper()
	if len(v) != e.Dim() {
		t.Errorf("the vector of %q has %d numbers, Dim says %d", text, len(v), e.Dim())
	}
	length := math.Sqrt(dot(v, v))
	switch {
	case text == "" && length != 0:
		t.Errorf("the vector of the empty text has the length %g, want 0", length)
	case text != "" && length != 0 && math.Abs(length-1) > 1e-3:
		t.Errorf("the vector of %q has the length %g, want 1", text, length)
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func distance(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}
