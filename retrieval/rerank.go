package retrieval

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// Reranker reads a question together with each passage. It may be used by
// several goroutines at once.
type Reranker interface {
	// Rerank returns one score for each passage, in order: higher is better, on any
	// scale that is the same for all passages of a call.
	Rerank(ctx context.Context, question string, passages []string) ([]float64, error)
}

const (
	rerankDepth = 30 // best candidates that the reranker reads; Text Embeddings Inference takes up to 32 at once
	// rerankWeight is its share in their new order. The fused rank keeps the other:
	// rerankers alone have been seen to lower the quality of good candidates.
	rerankWeight = 0.5
)

// notReranked says that the reranker took no part.
var notReranked = cairn.Notice{
	Code:    "not_reranked",
	Message: "The reranker does not answer, so these results are in the order that words and meaning give them.",
}

// rerank mixes the reranker's judgement into the order of the best candidates.
// Their scores keep their range. A reranker that fails costs its judgement, not
// the search: a notice says so.
func (r *Retriever) rerank(ctx context.Context, question string, found []hydrated) []cairn.Notice {
	found = found[:min(rerankDepth, len(found))]
	if r.cfg.Reranker == nil || len(found) < 2 {
		return nil
	}
	passages := make([]string, len(found))
	for i, f := range found {
		p := f.chunk.Passage
		passages[i] = strings.Join(append([]string{p.Title}, p.Heading...), " > ") + "\n" + p.Text
	}
	scores, err := r.cfg.Reranker.Rerank(ctx, question, passages)
	if err != nil || len(scores) != len(found) || slices.ContainsFunc(scores, func(s float64) bool { return math.IsNaN(s) || math.IsInf(s, 0) }) {
		if ctx.Err() == nil {
			r.cfg.Log.Warn("searching without the reranker", "error", err)
		}
		return []cairn.Notice{notReranked}
	}
	best, worst := found[0].Score, found[len(found)-1].Score
	least, most := slices.Min(scores), slices.Max(scores)
	for i := range found {
		f, judged := &found[i], 1.0
		if most > least {
			judged = (scores[i]/2 - least/2) / (most/2 - least/2) // halves, as the whole may be too much for a number
		}
		f.reranked = &judged
		f.Score = (1-rerankWeight)*f.Score + rerankWeight*(worst+judged*(best-worst))
	}
	sortHydrated(found)
	return nil
}
