package retrieval

import (
	"math"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// evidence is what the words of a query say before anything is ranked.
type evidence struct {
	terms     []lexical.QueryTerm
	stats     lexical.Stats
	frequency map[string]int // of a word, by each of its forms
	ceiling   float64        // of the lexical scores
}

func weigh(w Words) evidence {
	e := evidence{
		terms:     make([]lexical.QueryTerm, len(w.Terms)),
		stats:     lexical.Stats{Chunks: w.Chunks, Frequencies: make([]int, len(w.Terms))},
		frequency: make(map[string]int, len(w.Terms)),
	}
	most := make(map[int]int) // by group
	for i, t := range w.Terms {
		e.terms[i] = lexical.QueryTerm{Text: t.Text, Group: t.Group, Weight: t.Weight}
		e.stats.Frequencies[i] = t.Frequency
		most[t.Group] = max(most[t.Group], t.Frequency)
	}
	for _, t := range w.Terms {
		e.frequency[t.Text] = most[t.Group]
	}
	e.ceiling = e.stats.Ceiling(e.terms)
	return e
}

// leastWordWeight is that of a word which every chunk holds: with none, a query
// of frequent words alone would have no direction.
const leastWordWeight = 0.2

// wordWeight returns how much a word of the query says among what the viewer may
// read: from leastWordWeight to 1 as the root of its inverse document frequency;
// false for what the lexical leg did not count. The static embedder's nDCG@10
// rises from .579 to .587 with it, the mean of eleven sets.
func (e evidence) wordWeight(word string) (float64, bool) {
	df, ok := e.frequency[word]
	if !ok {
		return 0, false
	}
	share := lexical.IDF(e.stats.Chunks, df) / lexical.IDF(e.stats.Chunks, 0)
	return leastWordWeight + (1-leastWordWeight)*math.Sqrt(share), true
}

// How the share of the lexical leg follows from the query: by a logistic model
// over the share that suits the embedder. The scales of the legs carry most of
// the evidence already (see fuse); of fifteen further features, among them the
// agreement of the legs, gaps of scores, rare and unknown words and the form of a
// question, these two held on sets that they were not fitted on: the mean nDCG@10
// of twelve sets is .688 without them and .692 with them, leaving out in turn
// each corpus from the fit. Others gained nothing or lost. The fit puts the usual
// share at .70; .75 costs .001 and loses less where a phrase is looked up.
const (
	identifierWeight = 1.1  // times the share of the query's tokens that are identifiers: a name is looked up
	lengthWeight     = 0.32 // times ln(words / usualWords): many words make an average vector, and many clues
	usualWords       = 8    // a query of up to so many words is not long
)

// lexicalShare returns the share of the lexical leg, 0..1, and why it is not usual.
func lexicalShare(text string, usual float64) (share float64, reasons []string) {
	logit := math.Log(usual / (1 - usual))
	identifiers, tokens := lexical.Identifiers(text)
	if identifiers > 0 {
		logit += identifierWeight * float64(identifiers) / float64(tokens)
		reasons = append(reasons, "names")
	}
	if tokens > usualWords {
		logit += lengthWeight * math.Log(float64(tokens)/usualWords)
		reasons = append(reasons, "long")
	}
	return 1 / (1 + math.Exp(-logit)), reasons
}
