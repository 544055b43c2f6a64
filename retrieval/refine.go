package retrieval

import (
	"context"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/internal/parallel"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

const (
	proximityDepth = 30 // best candidates whose texts are looked at
	// proximityWeight is what words that stand together add to the lexical score.
	// Chosen with the weights of lexicalShare: nDCG@10 rises by .03 where a name or
	// a phrase is looked for; on the sets of docs/evaluation.md it changes by -.003 to
	// .006.
	proximityWeight = 0.2
)

// measures are what the texts of candidates are measured by.
type measures struct {
	words *lexical.Proximity
	share float64 // of the lexical leg
}

// refine orders the best candidates of a ranking anew by what only their texts
// and documents say: words that stand together, priors, and the reranker if there
// is one. The first two only raise scores, and the reranker leaves them between the
// lowest and the highest, so that the best stay before the rest. It returns what is to
// be said of it.
func (r *Retriever) refine(ctx context.Context, rk ranking, found []hydrated) []cairn.Notice {
	m := measures{lexical.NewProximity(rk.evidence.terms, rk.evidence.stats), rk.lexical}
	parallel.Each(min(proximityDepth, len(found)), func(i int) {
		f := &found[i]
		f.proximity = m.words.Of(f.chunk.Passage.Text, f.chunk.Passage.Language)
		f.Score += m.share * proximityWeight * f.proximity
	})
	applyPriors(found, m)
	sortHydrated(found)
	return r.rerank(ctx, rk.text, found)
}

func sortHydrated(found []hydrated) {
	slices.SortStableFunc(found, func(a, b hydrated) int { return byScore(a.candidate, b.candidate) })
}
