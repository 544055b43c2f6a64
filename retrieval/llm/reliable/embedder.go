package reliable

import (
	"context"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Embedder is an embedder with limits, retries and a breaker. It may be used by
// several goroutines at once.
type Embedder struct {
	inner  llm.Embedder
	config Config
}

// NewEmbedder returns inner with the care that config describes.
func NewEmbedder(inner llm.Embedder, config Config) *Embedder {
	return &Embedder{inner: inner, config: config.withDefaults(inner.Model())}
}

// Model implements llm.Embedder.
func (e *Embedder) Model() string { return e.inner.Model() }

// Dim implements llm.Embedder.
func (e *Embedder) Dim() int { return e.inner.Dim() }

// Embed implements llm.Embedder. All errors are *llm.Error.
func (e *Embedder) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.config.Total, ErrTotal)
	defer cancel()
	for n := 1; ; n++ {
		vectors, err := e.attempt(ctx, role, texts)
		if err == nil {
			return vectors, nil
		}
		if !e.config.pause(ctx, n, err) {
			return nil, err
		}
	}
}

func (e *Embedder) attempt(ctx context.Context, role llm.Role, texts []string) ([][]float32, *llm.Error) {
	done, refused := e.config.Breaker.allow()
	if refused != nil {
		return nil, refused
	}
	limited, cancel := context.WithTimeoutCause(ctx, e.config.FirstToken, ErrFirstToken)
	defer cancel()
	vectors, err := e.inner.Embed(limited, role, texts)
	if err != nil {
		failed := failure(limited, err, false)
		done(verdict(ctx, failed))
		return nil, failed
	}
	done(nil)
	return vectors, nil
}
