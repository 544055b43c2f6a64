package lexical

import (
	"slices"
	"unicode/utf8"
)

// maxDistance is how many words further on the neighbour of a word counts as near.
const maxDistance = 8

// Proximity measures how near to each other neighbouring words of a query stand
// in a text, in either order: BM25 does not see it. Each pair of neighbours
// counts the smaller weight of the two over their smallest distance, in words
// (after Rasolofo and Savoy, Term Proximity Scoring for Keyword-Based Retrieval
// Systems, ECIR 2003). It may be used by several goroutines at once.
type Proximity struct {
	groupOf map[uint64]int // of the hash of each term
	first   [256]bool      // first bytes of the terms
	weights []float64      // by group: the least of its terms
	total   float64
}

// NewProximity returns the measure for the terms of a query under the
// statistics of what the viewer may read.
func NewProximity(terms []QueryTerm, s Stats) *Proximity {
	p := &Proximity{groupOf: make(map[uint64]int, len(terms))}
	weights := s.Weights(terms)
	for first := 0; first < len(terms); {
		end := groupEnd(terms, first)
		for _, t := range terms[first:end] {
			p.groupOf[Hash(t.Text)] = len(p.weights)
			if t.Text != "" {
				p.first[t.Text[0]] = true
			}
		}
		p.weights = append(p.weights, slices.Min(weights[first:end]))
		p.total += slices.Max(weights[first:end])
		first = end
	}
	return p
}

// Of returns the nearness of the query's words in a text of some language (ISO
// 639-1, empty when unknown): 0 where no neighbours are near, below 1 where the
// text holds the query word for word.
func (p *Proximity) Of(text, language string) float64 {
	if len(p.weights) < 2 {
		return 0
	}
	a := analyzers.Get().(*analyzer)
	defer analyzers.Put(a)
	a.begin(PrimaryLanguage(language))
	last, best := make([]int, len(p.weights)), make([]float64, len(p.weights)-1)
	position := 0
	scan(text, func(t token) {
		if t.kind != kindWord && t.kind != kindGram {
			return
		}
		position++
		group, ok := p.group(a, t)
		if !ok {
			return
		}
		last[group] = position
		if group > 0 {
			p.near(best, last, group-1, group)
		}
		if group < len(best) {
			p.near(best, last, group, group+1)
		}
	})
	sum := 0.0
	for _, x := range best {
		sum += x
	}
	return sum / p.total
}

// near notes the distance between two neighbouring groups, of which one stands here.
func (p *Proximity) near(best []float64, last []int, left, right int) {
	if last[left] == 0 || last[right] == 0 {
		return
	}
	distance := last[right] - last[left]
	if distance < 0 {
		distance = -distance
	}
	if distance <= maxDistance {
		best[left] = max(best[left], min(p.weights[left], p.weights[right])/float64(distance))
	}
}

func (p *Proximity) group(a *analyzer, t token) (int, bool) {
	if t.kind == kindGram {
		group, ok := p.groupOf[Hash(fold(t.text))]
		return group, ok
	}
	// Stemming leaves the first letter of a word as it is; folding may change others
	// than ASCII's, and Irish sheds what mutation has put before it.
	if c := t.text[0]; c < utf8.RuneSelf && !p.first[c] && a.language != "ga" {
		return 0, false
	}
	w := a.word(t.text)
	group, ok := p.groupOf[w.stem]
	if !ok {
		group, ok = p.groupOf[w.exact]
	}
	return group, ok
}

// Held returns which share of the query's weight a text holds, 0..1.
func (p *Proximity) Held(text, language string) float64 {
	if p.total == 0 {
		return 0
	}
	a := analyzers.Get().(*analyzer)
	defer analyzers.Put(a)
	a.begin(PrimaryLanguage(language))
	held, sum := make([]bool, len(p.weights)), 0.0
	scan(text, func(t token) {
		if t.kind != kindWord && t.kind != kindGram {
			return
		}
		if group, ok := p.group(a, t); ok && !held[group] {
			held[group] = true
			sum += p.weights[group]
		}
	})
	return sum / p.total
}
