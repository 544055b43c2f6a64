package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Vectors keeps the vectors that follow their chunks: those of an embedder too
// slow to be waited for.
type Vectors interface {
	// Missing returns up to limit chunks without a vector, those of the newest
	// documents first, and none of those in without.
	Missing(ctx context.Context, limit int, without []int64) ([]Unembedded, error)
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
// from rows, so that it can be stopped at any moment. One goroutine may use it.
type Filler struct {
	Vectors  Vectors
	Embedder llm.Embedder
	Log      *slog.Logger

	pace   pace
	aside  []int64   // chunks that the embedder failed on alone
	since  time.Time // when the first of them was
	failed int       // chunks in a row that it failed on alone
}

// The patience of a Filler.
const (
	fillPause = 5 * time.Second  // when there is nothing to do
	fillRetry = 20 * time.Second // when the embedder fails
	fillAgain = time.Hour        // until chunks that it failed on are tried again
	fillAlone = 3                // chunks in a row that it fails on alone before it counts as failing
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
		wait(ctx, pause)
	}
}

// All fills until every chunk has its vector, but for those that the embedder
// fails on alone, which are logged. It returns an error when the embedder fails;
// that it asks to be left alone for a while is none.
func (f *Filler) All(ctx context.Context) error {
	for waited := 0; ; {
		n, err := f.fill(ctx)
		var e *llm.Error
		switch {
		case err == nil && n == 0:
			return nil
		case err == nil:
			waited = 0
		case errors.As(err, &e) && e.RetryAfter > 0 && waited < 3:
			waited++
			wait(ctx, e.RetryAfter)
		default:
			return err
		}
	}
}

// wait returns after a while, or when ctx ends.
func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// fill embeds one batch and returns how many chunks it dealt with. A batch that
// is too much for the embedder is tried again in halves; the size that was
// answered is that of the next. A chunk that is too much alone is put aside.
func (f *Filler) fill(ctx context.Context) (int, error) {
	if len(f.aside) > 0 && time.Since(f.since) > fillAgain {
		f.aside = nil
	}
	missing, err := f.Vectors.Missing(ctx, f.pace.next(), f.aside)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	for {
		err := f.embed(ctx, missing)
		switch {
		case err == nil:
			f.failed = 0
			return len(missing), nil
		case ctx.Err() != nil || !tooMuch(err):
			return 0, err
		case len(missing) == 1:
			return f.putAside(missing[0].Chunk, err)
		}
		f.pace.halve(len(missing))
		missing = missing[:f.pace.next()]
	}
}

// putAside leaves out a chunk for some time. It returns err when it is the last
// of several in a row: it is the embedder then that fails.
func (f *Filler) putAside(chunk int64, err error) (int, error) {
	if len(f.aside) == 0 {
		f.since = time.Now()
	}
	f.aside = append(f.aside, chunk)
	f.Log.Warn("a chunk has no vector: it is found by its words only", "chunk", chunk, "error", err)
	if f.failed++; f.failed >= fillAlone {
		return 0, err
	}
	return 1, nil
}

// embed embeds chunks and stores their vectors.
func (f *Filler) embed(ctx context.Context, chunks []Unembedded) error {
	texts := make([]string, len(chunks))
	for i, c := range chunks {
		texts[i] = Context(c.Title, c.Heading) + "\n" + c.Body
	}
	began := time.Now()
	vectors, err := f.Embedder.Embed(ctx, llm.RoleDocument, texts)
	if err != nil {
		return fmt.Errorf("embed %d chunks: %w", len(texts), err)
	}
	f.pace.answered(len(texts), time.Since(began))
	byChunk := make(map[int64][]float32, len(chunks))
	for i, c := range chunks {
		byChunk[c.Chunk] = vectors[i]
	}
	return f.Vectors.PutVectors(ctx, byChunk)
}
