package retrieval

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Config says what a Retriever works with.
type Config struct {
	Index    Index
	Chunks   Chunks
	Embedder llm.Embedder // nil: search is by words alone
	Log      *slog.Logger
	// LexicalWeight is the share of the lexical leg in a fused score, 0..1; the
	// zero value means 0.7, which suits the built-in embedder.
	LexicalWeight float64
}

// Retriever finds passages. It may be used by several goroutines at once.
type Retriever struct {
	cfg Config
}

// New returns a Retriever.
func New(cfg Config) *Retriever {
	if cfg.LexicalWeight == 0 {
		cfg.LexicalWeight = 0.7
	}
	return &Retriever{cfg: cfg}
}

const (
	legDepth      = 200 // candidates of each leg
	hydrateAtOnce = 50  // facets count among the first so many
	perDocument   = 3   // results of one document
)

// Search returns the passages for a query among those that its viewer may read,
// best first. At most three are of one document. A query whose text is empty or
// blank or only excludes, or with an unknown mode, is ErrInvalid.
func (r *Retriever) Search(ctx context.Context, q cairn.Query) (Results, error) {
	began := time.Now()
	candidates, mode, notices, err := r.candidates(ctx, q)
	if err != nil {
		return Results{}, err
	}
	results := Results{Mode: mode, Facets: make(map[string]map[string]int), Notices: notices}
	limit := max(q.Limit, 1)
	shown := make(map[cairn.DocumentID]int)
	seen := 0
	for first := true; len(candidates) > 0 && !results.More; first = false {
		window := candidates[:min(hydrateAtOnce, len(candidates))]
		candidates = candidates[len(window):]
		found, err := r.hydrate(ctx, q.Viewer, window)
		if err != nil {
			return Results{}, err
		}
		for _, f := range found {
			p := f.chunk.Passage
			if shown[p.Document]++; shown[p.Document] > perDocument {
				continue
			}
			if first {
				count(results.Facets, "source", p.Source)
				count(results.Facets, "kind", string(p.Kind))
			}
			seen++
			switch {
			case seen <= q.Offset:
			case len(results.Passages) < limit:
				p.Number, p.Score = len(results.Passages)+1, f.Score
				results.Passages = append(results.Passages, p)
				if q.Explain {
					results.Explain = append(results.Explain, f.explanation())
				}
			default:
				results.More = true
			}
		}
	}
	results.Took = time.Since(began)
	return results, nil
}

func count(facets map[string]map[string]int, field, value string) {
	if facets[field] == nil {
		facets[field] = make(map[string]int)
	}
	facets[field][value]++
}

// candidates runs the legs, leaves out what lacks a phrase of the query, and fuses
// them.
func (r *Retriever) candidates(ctx context.Context, q cairn.Query) ([]candidate, cairn.Mode, []cairn.Notice, error) {
	if strings.TrimSpace(q.Text) == "" {
		return nil, "", nil, cairn.Errorf(cairn.ErrInvalid, "the query is empty; give at least a word")
	}
	parsed, err := parse(q)
	if err != nil {
		return nil, "", nil, err
	}
	mode := q.Mode
	switch mode {
	case "":
		mode = cairn.ModeHybrid
	case cairn.ModeHybrid, cairn.ModeLexical, cairn.ModeDense:
	default:
		return nil, "", nil, cairn.Errorf(cairn.ErrInvalid, "the mode is hybrid, lexical or dense, not %q", mode)
	}
	if r.cfg.Embedder == nil {
		mode = cairn.ModeLexical
	}
	var words Words
	var vectors []Hit
	g, gctx := errgroup.WithContext(ctx)
	if mode != cairn.ModeDense {
		g.Go(func() (err error) {
			words, err = r.cfg.Index.Lexical(gctx, q, depth(parsed, false, false))
			return err
		})
	}
	if mode != cairn.ModeLexical {
		g.Go(func() (err error) {
			vectors, err = r.nearest(gctx, q, parsed, mode)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", nil, fmt.Errorf("search: %w", err)
	}
	notices, err := r.verified(ctx, q.Viewer, parsed, &words.Hits, &vectors)
	if err != nil {
		return nil, "", nil, err
	}
	weight := r.cfg.LexicalWeight
	switch mode {
	case cairn.ModeLexical:
		weight = 1
	case cairn.ModeDense:
		weight = 0
	}
	return fuse(words.Hits, vectors, weight), mode, notices, nil
}

// nearest runs the dense leg. In hybrid mode an embedder that fails costs the
// leg, not the search.
func (r *Retriever) nearest(ctx context.Context, q cairn.Query, p lexical.Parsed, mode cairn.Mode) ([]Hit, error) {
	vectors, err := r.cfg.Embedder.Embed(ctx, llm.RoleQuery, []string{p.Text})
	if err != nil {
		if mode == cairn.ModeDense || ctx.Err() != nil {
			return nil, cairn.Errorf(cairn.ErrUnavailable, "the embedding model does not answer; search with mode lexical")
		}
		r.cfg.Log.Warn("searching without the embedding model", "error", err)
		return nil, nil
	}
	if zero(vectors[0]) {
		return nil, nil // no word that the model knows: everything would be equally near
	}
	return r.cfg.Index.Nearest(ctx, q, vectors[0], depth(p, true, mode == cairn.ModeDense))
}

func zero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// hydrated is a candidate with its chunk.
type hydrated struct {
	candidate
	chunk Chunk
}

// hydrate reads candidates; those that the viewer may not read any more are
// left out.
func (r *Retriever) hydrate(ctx context.Context, v cairn.Viewer, window []candidate) ([]hydrated, error) {
	ids := make([]int64, len(window))
	byID := make(map[int64]candidate, len(window))
	for i, c := range window {
		ids[i], byID[c.Chunk] = c.Chunk, c
	}
	chunks, err := r.cfg.Chunks.Hydrate(ctx, v, ids)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	out := make([]hydrated, len(chunks))
	for i, c := range chunks {
		out[i] = hydrated{byID[c.ID], c}
	}
	return out, nil
}
