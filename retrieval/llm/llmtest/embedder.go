package llmtest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"sync"
	"unicode"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Words is an embedder of a few lines: every word of a text (letters and
// digits, in lower case) counts at one coordinate that its hash picks. Texts
// that share words are near, others are not, and nothing else matters. It may
// be used by several goroutines at once.
type Words struct {
	dim int

	mu    sync.Mutex
	err   error
	calls int
	texts int
}

// NewWords returns an embedder of dim coordinates. Few coordinates make
// different words collide; 256 is enough for tests of some dozen texts.
func NewWords(dim int) *Words { return &Words{dim: dim} }

// Model implements llm.Embedder.
func (w *Words) Model() string { return fmt.Sprintf("words-%d", w.dim) }

// Dim implements llm.Embedder.
func (w *Words) Dim() int { return w.dim }

// Fail makes every call from now on return err; nil ends that.
func (w *Words) Fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// Calls returns how often Embed was called, and for how many texts in all.
func (w *Words) Calls() (calls, texts int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls, w.texts
}

// Embed implements llm.Embedder; roles make no difference.
func (w *Words) Embed(ctx context.Context, _ llm.Role, texts []string) ([][]float32, error) {
	w.mu.Lock()
	w.calls++
	w.texts += len(texts)
	err := w.err
	w.mu.Unlock()
	if err == nil && ctx.Err() != nil {
		err = &llm.Error{Kind: llm.ErrUnavailable, Err: ctx.Err()}
	}
	if err != nil {
		return nil, err
	}
	vectors := make([][]float32, len(texts))
	for i, t := range texts {
		vectors[i] = w.embed(t)
	}
	return vectors, nil
}

func (w *Words) embed(text string) []float32 {
	v := make([]float32, w.dim)
	split := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, word := range strings.FieldsFunc(strings.ToLower(text), split) {
		h := fnv.New64a()
		h.Write([]byte(word))
		v[h.Sum64()%uint64(w.dim)]++
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return v
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}
