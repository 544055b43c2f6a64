package lexical

import (
	"math"
	"slices"
)

// Parameters of BM25 (Robertson and Zaragoza, The Probabilistic Relevance
// Framework, 2009): saturation of frequencies and strength of the length norm.
const (
	K1 = 1.2
	B  = 0.75
)

// Stats are the statistics of the chunks that a viewer may read, those of all
// parts of an index added up.
type Stats struct {
	Chunks      int
	Length      int64 // sum over the chunks
	Frequencies []int // chunks that hold each query term, in the order of the terms
}

// IDF returns the inverse document frequency of BM25 for a term that is held by
// df of n chunks: ln(1 + (n - df + 0.5) / (df + 0.5)), above 0.
func IDF(n, df int) float64 {
	return math.Log1p((float64(n-df) + 0.5) / (float64(df) + 0.5))
}

// Weights returns for each query term what its saturated frequency is multiplied
// by: weight × IDF × (K1 + 1). All terms of a group get the IDF of the most
// frequent one, because they stand for the same word.
func (s Stats) Weights(terms []QueryTerm) []float64 {
	weights := make([]float64, len(terms))
	for first := 0; first < len(terms); {
		end, df := groupEnd(terms, first), 0
		for _, n := range s.Frequencies[first:end] {
			df = max(df, n)
		}
		for i := first; i < end; i++ {
			weights[i] = float64(terms[i].Weight) * IDF(s.Chunks, df) * (K1 + 1)
		}
		first = end
	}
	return weights
}

// Ceiling returns the score that no chunk exceeds: that of one which holds all
// words of the query endlessly often, in the form in which they were asked for.
func (s Stats) Ceiling(terms []QueryTerm) float64 {
	weights, sum := s.Weights(terms), 0.0
	for first := 0; first < len(terms); {
		end := groupEnd(terms, first)
		sum += slices.Max(weights[first:end])
		first = end
	}
	return sum
}

// Norm returns the two parts of the length norm: a term's frequency tf in a chunk
// of some length is saturated to tf / (tf + base + slope × length).
func (s Stats) Norm() (base, slope float64) {
	average := 1.0
	if s.Chunks > 0 && s.Length > 0 {
		average = float64(s.Length) / float64(s.Chunks)
	}
	return K1 * (1 - B), K1 * B / average
}

// groupEnd returns the index after the last term of the group that begins at first.
func groupEnd(terms []QueryTerm, first int) int {
	end := first + 1
	for end < len(terms) && terms[end].Group == terms[first].Group {
		end++
	}
	return end
}
