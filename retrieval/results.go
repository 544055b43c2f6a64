package retrieval

import (
	"time"

	"github.com/cairnhq/cairn"
)

// Results is what a search gives.
type Results struct {
	// Passages are in order of rank. Text is the snippet: exactly body[Start:End].
	// Copies and older versions of a passage are not shown but named in AlsoIn.
	Passages []cairn.Passage
	Mode     cairn.Mode // what was used: lexical when there is no embedder
	// Facets counts, by field ("source", "kind") and value, the results among the
	// best 30 candidates: whatever the limit and the offset, the counts of a query
	// are the same, and those of a field at most 30 together.
	Facets  map[string]map[string]int
	More    bool          // there are results after these
	Explain []Explanation // one for each passage when the query asked for it, else nil
	Notices []cairn.Notice
	Took    time.Duration
}

// Explanation says how a passage got its score: the legs' normalised scores,
// mixed by LexicalShare, plus the proximity that counts with the words, times
// the sum of 1 and the priors; then, if there is a reranker, half of its judgement.
type Explanation struct {
	LexicalRank  int      // from 1; 0 when the leg did not find it
	DenseRank    int      // from 1; 0 when the leg did not find it
	LexicalScore float64  // BM25
	DenseScore   float64  // inner product of the vectors
	Lexical      float64  // normalised to 0..1: of what the words could reach at most
	Dense        float64  // normalised, about 0..1: above the last candidate, in the embedder's usual spread
	LexicalShare float64  // of the lexical leg for this query, 0..1
	Reasons      []string // why the share is not the usual one: "names", "long"
	Proximity    float64  // how near the query's words stand together, 0..1
	Title        float64  // priors, as shares of the score
	Freshness    float64
	Authority    float64
	Reranked     *float64 // the reranker's judgement, 0..1 among those it read; nil without one
}

func (rk ranking) explain(c candidate) Explanation {
	return Explanation{
		LexicalRank: c.lexicalRank, DenseRank: c.denseRank, LexicalScore: c.lexicalScore, DenseScore: c.denseScore,
		Lexical: c.lexical, Dense: c.dense, LexicalShare: rk.lexical, Reasons: rk.reasons, Proximity: c.proximity,
		Title: c.priors.title, Freshness: c.priors.freshness, Authority: c.priors.authority, Reranked: c.reranked,
	}
}
