package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Vectors keeps the vectors that follow their chunks: those of an embedder too
// slow to be waited for.
type Vectors interface {
	// Missing returns up to limit chunks without a vector, those of the newest
	// documents first.
	Missing(ctx context.Context, limit int) ([]Unembedded, error)
	// PutVectors stores vectors; those of chunks that are gone are left out.
	PutVectors(ctx context.Context, vectors map[int64][]float32) error
}

// Unembedded is a chunk that has no vector yet.
type Unembedded struct {
	Chunk   int64
	Title   string
	Heading []string
	Body    string
}

// Filler embeds the chunks that have no vector. What there is to do is derived
// from rows, so that it can be stopped at any moment.
type Filler struct {
	Vectors  Vectors
	Embedder llm.Embedder
	Log      *slog.Logger
}

// The pace of a Filler.
const (
	fillBatch = 32
	fillPause = 5 * time.Second  // when there is nothing to do
	fillRetry = 20 * time.Second // when the embedder fails
)

// Run fills until ctx ends. Failures are logged and tried again.
func (f *Filler) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := f.fill(ctx)
		pause := time.Duration(0)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.Log.Warn("vectors are missing: search goes by words for these documents", "error", err)
			pause = fillRetry
		case n == 0:
			pause = fillPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// All fills until every chunk has its vector, or the embedder fails.
func (f *Filler) All(ctx context.Context) error {
	for {
		if n, err := f.fill(ctx); err != nil || n == 0 {
			return err
		}
	}
}

// fill embeds one batch and returns its size.
func (f *Filler) fill(ctx context.Context) (int, error) {
	missing, err := f.Vectors.Missing(ctx, fillBatch)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	texts := make([]string, len(missing))
	for i, m := range missing {
		texts[i] = Context(m.Title, m.Heading) + "\n" + m.Body
	}
	vectors, err := f.Embedder.Embed(ctx, llm.RoleDocument, texts)
	if err != nil {
		return 0, fmt.Errorf("embed %d chunks: %w", len(texts), err)
	}
	byChunk := make(map[int64][]float32, len(missing))
	for i, m := range missing {
		byChunk[m.Chunk] = vectors[i]
	}
	return len(missing), f.Vectors.PutVectors(ctx, byChunk)
}
