package retrieval

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// asked is a query as the legs are asked.
type asked struct {
	query    cairn.Query
	parsed   lexical.Parsed
	mode     cairn.Mode // what is used
	index    Legs
	vector   []float32 // nil: the dense leg takes no part
	verifier *verifier // nil: nothing was compared with phrases yet
}

// ranking is what the legs made of a query.
type ranking struct {
	asked
	candidates []candidate // best first
	full       bool        // a leg may have more
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
	rk := ranking{asked: asked{query: q, parsed: parsed, mode: mode}, text: parsed.Text}
	words, vectors, err := r.legs(ctx, &rk.asked)
	if err != nil {
		return ranking{}, fmt.Errorf("search: %w", err)
	}
	rk.evidence = weigh(words)
	if rk.notices, err = r.verified(ctx, &rk.asked, legDepth, &words.Hits, &vectors); err != nil {
		return ranking{}, err
	}
	if rk.mode != mode {
		rk.notices = append(rk.notices, wordsOnly)
	}
	switch {
	case mode == cairn.ModeDense:
	case len(vectors) == 0:
		rk.lexical = 1
	default:
		rk.lexical, rk.reasons = lexicalShare(parsed.Text, r.cfg.LexicalWeight)
	}
	rk.full = max(len(words.Hits), len(vectors)) >= legDepth
	rk.candidates = r.fuse(rk, words.Hits, vectors)
	return rk, nil
}

func (r *Retriever) fuse(rk ranking, words, vectors []Hit) []candidate {
	return fuse(words, vectors, scales{ceiling: rk.evidence.ceiling, spread: r.cfg.Spread, lexical: rk.lexical})
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

// legs asks the index, and notes in a what it could use. An embedder that can
// use what the lexical leg counted waits for it; any other works at the same time.
func (r *Retriever) legs(ctx context.Context, a *asked) (words Words, vectors []Hit, err error) {
	first, second := depth(a, legDepth)
	if a.index, err = r.cfg.Index.Begin(ctx); err != nil {
		return words, nil, err
	}
	weighted, inTurn := r.cfg.Embedder.(llm.WeightedEmbedder)
	if a.mode == cairn.ModeLexical || inTurn {
		if words, err = a.index.Lexical(ctx, a.query, first); err != nil || a.mode == cairn.ModeLexical {
			return words, nil, err
		}
		if a.vector, err = weighted.EmbedQuery(ctx, a.parsed.Text, weigh(words).wordWeight); err != nil {
			return words, nil, err
		}
		vectors, err = a.nearest(ctx, second)
		return words, vectors, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		words, err = a.index.Lexical(gctx, a.query, first)
		return err
	})
	used := a.mode
	g.Go(func() error {
		vector, err := r.embed(gctx, a.parsed.Text, a.mode)
		if err != nil {
			return err
		}
		if vector == nil {
			used = cairn.ModeLexical
			return nil
		}
		a.vector = vector
		vectors, err = a.nearest(gctx, second)
		return err
	})
	err = g.Wait()
	a.mode = used
	return words, vectors, err
}

// deeper returns the candidates that the legs have behind those that are known, best
// first, when they are asked for the best limit, and whether they may have more.
func (r *Retriever) deeper(ctx context.Context, rk *ranking, limit int, known map[int64]bool) ([]candidate, bool, error) {
	first, second := depth(&rk.asked, limit)
	var words Words
	var vectors []Hit
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if first > 0 {
			words, err = rk.index.Lexical(gctx, rk.query, first)
		}
		return err
	})
	g.Go(func() (err error) {
		vectors, err = rk.nearest(gctx, second)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, false, fmt.Errorf("search: %w", err)
	}
	notices, err := r.verified(ctx, &rk.asked, limit, &words.Hits, &vectors)
	if err != nil {
		return nil, false, err
	}
	if len(notices) > 0 && !slices.Contains(rk.notices, notices[0]) {
		rk.notices = append(rk.notices, notices...)
	}
	full := max(len(words.Hits), len(vectors)) >= limit
	found := r.fuse(*rk, words.Hits, vectors)
	return slices.DeleteFunc(found, func(c candidate) bool { return known[c.Chunk] }), full, nil
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
func (a *asked) nearest(ctx context.Context, limit int) ([]Hit, error) {
	if zero(a.vector) {
		return nil, nil
	}
	return a.index.Nearest(ctx, a.query, a.vector, limit)
}

func zero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}
