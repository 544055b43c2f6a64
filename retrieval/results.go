package retrieval

import (
	"time"

	"github.com/cairnhq/cairn"
)

// Results is what a search gives.
type Results struct {
	// Passages are in order of rank. Text is the snippet: exactly body[Start:End].
	// Copies and older versions of a passage are not shown but named in AlsoIn
	// and counted in AlsoInMore.
	Passages []cairn.Passage
	Mode     cairn.Mode // what was used: lexical when there is no embedder
	// Facets counts, by field ("source", "kind") and value, what was found for these
	// results: the results up to the end of them and the candidates behind, of which it
	// is not known yet whether they say the same as others. They are never fewer than
	// what pages up to this one show.
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

// explain says how each of the candidates got its score.
func (rk ranking) explain(shown []candidate) []Explanation {
	var out []Explanation
	for _, c := range shown {
		out = append(out, Explanation{
			LexicalRank: c.lexicalRank, DenseRank: c.denseRank, LexicalScore: c.lexicalScore, DenseScore: c.denseScore,
			Lexical: c.lexical, Dense: c.dense, LexicalShare: rk.lexical, Reasons: rk.reasons, Proximity: c.proximity,
			Title: c.priors.title, Freshness: c.priors.freshness, Authority: c.priors.authority, Reranked: c.reranked,
		})
	}
	return out
}
