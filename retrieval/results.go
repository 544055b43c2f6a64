package retrieval

import (
	"time"

	"github.com/cairnhq/cairn"
)

// Results is what a search gives.
type Results struct {
	// Passages are in order of rank. Text is the snippet: exactly body[Start:End].
	Passages []cairn.Passage
	Mode     cairn.Mode // what was used: lexical when there is no embedder
	// Facets counts, by field ("source", "kind") and value, the results among the
	// best 50 candidates: whatever the limit and the offset, the counts of a query
	// are the same, and those of a field at most 50 together.
	Facets  map[string]map[string]int
	More    bool          // there are results after these
	Explain []Explanation // one for each passage when the query asked for it, else nil
	Notices []cairn.Notice
	Took    time.Duration
}

// Explanation says how a passage got its score.
type Explanation struct {
	LexicalRank int     // from 1; 0 when the leg did not find it
	DenseRank   int     // from 1; 0 when the leg did not find it
	Lexical     float64 // normalised to 0..1
	Dense       float64 // normalised to 0..1
}
