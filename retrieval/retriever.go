package retrieval

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Config says what a Retriever works with.
type Config struct {
	Index    Index
	Chunks   Chunks
	Embedder llm.Embedder // nil: search is by words alone
	Log      *slog.Logger
	// LexicalWeight is the share of the lexical leg in a fused score, above 0 and
	// below 1, for a short query without names; the zero value means 0.75, which
	// suits the built-in embedder.
	LexicalWeight float64
	// Spread is how far the best cosine of a query usually lies above that of the
	// last candidate; 0: not known, each query is taken for a usual one.
	Spread   float64
	Reranker Reranker // nil: the fused order stands
}

// Retriever finds passages. It may be used by several goroutines at once.
type Retriever struct {
	cfg Config
}

// New returns a Retriever.
func New(cfg Config) *Retriever {
	if cfg.LexicalWeight == 0 {
		cfg.LexicalWeight = 0.75
	}
	return &Retriever{cfg: cfg}
}

const (
	hydrateAtOnce = 30 // of the best candidates
	hydrateMost   = 50 // of those behind them
)

// Search returns the passages for a query among those that its viewer may read,
// best first, at most three of one document among the first ten. What several
// documents hold is shown once. The text is normalised as those of documents are. A
// query whose text is empty or blank or only excludes, or with an
// unknown mode, is ErrInvalid.
func (r *Retriever) Search(ctx context.Context, q cairn.Query) (Results, error) {
	began := time.Now()
	q.Text = canon.NormaliseString(q.Text)
	s, err := r.supply(ctx, q)
	if err != nil {
		return Results{}, err
	}
	page := newPage(q)
	for !page.results.More {
		found, ok, err := s.next(ctx, page.enough())
		if err != nil {
			return Results{}, err
		}
		if !ok {
			page.close()
			break
		}
		page.add(found)
	}
	if err := s.count(ctx, page.results.Facets, page.results.More); err != nil {
		return Results{}, err
	}
	res := page.results
	res.Mode, res.Notices = s.mode, s.notices
	if q.Explain {
		res.Explain = s.explain(page.shown)
	}
	res.Took = time.Since(began)
	return res, nil
}

// hydrated is a candidate with its chunk.
type hydrated struct {
	candidate
	chunk  Chunk
	copies []cairn.Copy // other documents that hold it, mostNamed at most
	more   int          // how many such documents there are beside those
}

// hydrate reads candidates; those that the viewer may not read any more are
// left out.
func (r *Retriever) hydrate(ctx context.Context, v cairn.Viewer, window []candidate) ([]hydrated, error) {
	ids := make([]int64, len(window))
	places := make(map[int64]int, len(window))
	for i, c := range window {
		ids[i], places[c.Chunk] = c.Chunk, i
	}
	chunks, err := r.cfg.Chunks.Hydrate(ctx, v, ids)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	out := make([]hydrated, len(chunks))
	for i, c := range chunks {
		out[i] = hydrated{candidate: window[places[c.ID]], chunk: c}
	}
	return out, nil
}
