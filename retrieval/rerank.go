package retrieval

import (
	"context"
	"slices"
	"strings"
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

// rerank mixes the reranker's judgement into the order of the best candidates.
// Their scores keep their range. A reranker that fails costs its judgement, not
// the search.
func (r *Retriever) rerank(ctx context.Context, question string, found []hydrated) {
	found = found[:min(rerankDepth, len(found))]
	if r.cfg.Reranker == nil || len(found) < 2 {
		return
	}
	passages := make([]string, len(found))
	for i, f := range found {
		p := f.chunk.Passage
		passages[i] = strings.Join(append([]string{p.Title}, p.Heading...), " > ") + "\n" + p.Text
	}
	scores, err := r.cfg.Reranker.Rerank(ctx, question, passages)
	if err != nil || len(scores) != len(found) {
		if ctx.Err() == nil {
			r.cfg.Log.Warn("searching without the reranker", "error", err)
		}
		return
	}
	best, worst := found[0].Score, found[len(found)-1].Score
	least, most := slices.Min(scores), slices.Max(scores)
	for i := range found {
		f, judged := &found[i], 1.0
		if most > least {
			judged = (scores[i] - least) / (most - least)
		}
		f.reranked = &judged
		f.Score = (1-rerankWeight)*f.Score + rerankWeight*(worst+judged*(best-worst))
	}
	sortHydrated(found)
}
