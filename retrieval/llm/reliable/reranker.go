package reliable

import (
	"context"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// judge is a reranker: see retrieval.Reranker.
type judge interface {
	Rerank(ctx context.Context, question string, passages []string) ([]float64, error)
}

// Reranker is a reranker with a breaker, so that one that hangs does not cost each
// search its patience. It may be used by several goroutines at once.
type Reranker struct {
	inner   judge
	breaker *Breaker
}

// NewReranker returns inner behind the breaker. Nothing is tried again: a search can
// do without.
func NewReranker(inner judge, breaker *Breaker) *Reranker { return &Reranker{inner, breaker} }

// Rerank implements retrieval.Reranker. All errors are *llm.Error.
func (r *Reranker) Rerank(ctx context.Context, question string, passages []string) ([]float64, error) {
	done, refused := r.breaker.allow()
	if refused != nil {
		return nil, refused
	}
	scores, err := r.inner.Rerank(ctx, question, passages)
	if err != nil {
		failed := &llm.Error{Kind: llm.ErrUnavailable, Err: err}
		done(verdict(ctx, failed))
		return nil, failed
	}
	done(nil)
	return scores, nil
}
