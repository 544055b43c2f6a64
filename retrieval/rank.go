package retrieval

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// ranking is what the legs made of a query.
type ranking struct {
	candidates []candidate // best first
	mode       cairn.Mode  // what was used
	text       string      // of the query, without operators
	evidence   evidence
	lexical    float64 // share of the lexical leg, 0..1
	reasons    []string
	notices    []cairn.Notice
}

// rank runs the legs, leaves out what lacks a phrase of the query, and fuses them.
func (r *Retriever) rank(ctx context.Context, q cairn.Query) (ranking, error) {
	mode, err := r.mode(q)
	if err != nil {
		return ranking{}, err
	}
	parsed, err := parse(q)
	if err != nil {
		return ranking{}, err
	}
	words, vectors, used, err := r.legs(ctx, q, parsed, mode)
	if err != nil {
		return ranking{}, fmt.Errorf("search: %w", err)
	}
	rk := ranking{mode: used, text: parsed.Text, evidence: weigh(words)}
	if rk.notices, err = r.verified(ctx, q.Viewer, parsed, &words.Hits, &vectors); err != nil {
		return ranking{}, err
	}
	if used != mode {
		rk.notices = append(rk.notices, wordsOnly)
	}
	switch {
	case mode == cairn.ModeDense:
	case len(vectors) == 0:
		rk.lexical = 1
	default:
		rk.lexical, rk.reasons = lexicalShare(parsed.Text, r.cfg.LexicalWeight)
	}
	rk.candidates = fuse(words.Hits, vectors, scales{ceiling: rk.evidence.ceiling, spread: r.cfg.Spread, lexical: rk.lexical})
	return rk, nil
}

// mode checks the query and returns which legs take part.
func (r *Retriever) mode(q cairn.Query) (cairn.Mode, error) {
	if strings.TrimSpace(q.Text) == "" {
		return "", cairn.Errorf(cairn.ErrInvalid, "the query is empty; give at least a word")
	}
	mode := q.Mode
	switch mode {
	case "":
		mode = cairn.ModeHybrid
	case cairn.ModeHybrid, cairn.ModeLexical, cairn.ModeDense:
	default:
		return "", cairn.Errorf(cairn.ErrInvalid, "the mode is hybrid, lexical or dense, not %q", mode)
	}
	if r.cfg.Embedder == nil {
		mode = cairn.ModeLexical
	}
	return mode, nil
}

// legs asks the index, and returns which mode it could use. An embedder that can
// use what the lexical leg counted waits for it; any other works at the same time.
func (r *Retriever) legs(ctx context.Context, q cairn.Query, p lexical.Parsed, mode cairn.Mode) (words Words, vectors []Hit, used cairn.Mode, err error) {
	first, second := depth(p, false, false), depth(p, true, mode == cairn.ModeDense)
	if mode == cairn.ModeDense {
		first = 0
	}
	index, err := r.cfg.Index.Begin(ctx)
	if err != nil {
		return words, nil, mode, err
	}
	weighted, inTurn := r.cfg.Embedder.(llm.WeightedEmbedder)
	if mode == cairn.ModeLexical || inTurn {
		if words, err = index.Lexical(ctx, q, first); err != nil || mode == cairn.ModeLexical {
			return words, nil, mode, err
		}
		vector, err := weighted.EmbedQuery(ctx, p.Text, weigh(words).wordWeight)
		if err != nil {
			return words, nil, mode, err
		}
		vectors, err = nearest(ctx, index, q, vector, second)
		return words, vectors, mode, err
	}
	used = mode
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		words, err = index.Lexical(gctx, q, first)
		return err
	})
	g.Go(func() error {
		vector, err := r.embed(gctx, p.Text, mode)
		if err != nil {
			return err
		}
		if vector == nil {
			used = cairn.ModeLexical
			return nil
		}
		vectors, err = nearest(gctx, index, q, vector, second)
		return err
	})
	err = g.Wait()
	return words, vectors, used, err
}

// embedPatience is how long a hybrid search waits for the vector of its query.
const embedPatience = 4 * time.Second

// wordsOnly says that the embedding model took no part.
var wordsOnly = cairn.Notice{
	Code:    "words_only",
	Message: "The embedding model does not answer, so this was found by its words alone; what says the same in other words may be missing.",
}

// embed asks a model for the vector of a query. In hybrid mode a model that fails,
// or takes longer than embedPatience, costs the leg, not the search: the vector is
// nil then.
func (r *Retriever) embed(ctx context.Context, text string, mode cairn.Mode) ([]float32, error) {
	asked := ctx
	if mode == cairn.ModeHybrid {
		var cancel context.CancelFunc
		asked, cancel = context.WithTimeout(ctx, embedPatience)
		defer cancel()
	}
	vectors, err := r.cfg.Embedder.Embed(asked, llm.RoleQuery, []string{text})
	if err == nil {
		return vectors[0], nil
	}
	if mode == cairn.ModeDense || ctx.Err() != nil {
		return nil, cairn.Errorf(cairn.ErrUnavailable, "the embedding model does not answer; search with mode lexical")
	}
	r.cfg.Log.Warn("searching without the embedding model", "error", err)
	return nil, nil
}

// nearest runs the dense leg. A vector of zeros is that of a query without a word
// that the model knows: everything would be equally near.
func nearest(ctx context.Context, index Legs, q cairn.Query, vector []float32, limit int) ([]Hit, error) {
	if zero(vector) {
		return nil, nil
	}
	return index.Nearest(ctx, q, vector, limit)
}
