package lexical

import (
	"cmp"
	"math"
	"slices"
)

// Hit is a chunk that matches at least one term of a query.
type Hit struct {
	Chunk int64
	Score float64
}

// compareHits orders hits best first, equal scores by chunk.
func compareHits(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
}

// better is compareHits(a, b) < 0, faster.
func better(a, b Hit) bool {
	return a.Score > b.Score || a.Score == b.Score && a.Chunk < b.Chunk
}

// Top keeps the best k of the hits that it is offered.
type Top struct {
	k    int
	heap []Hit // the worst of them first
}

// NewTop returns an empty selection of at most k hits.
func NewTop(k int) *Top { return &Top{k: max(k, 0)} }

// Wants reports whether a hit would be kept, were it offered now.
func (t *Top) Wants(h Hit) bool {
	if len(t.heap) < t.k {
		return true
	}
	return t.k > 0 && better(h, t.heap[0])
}

// floor returns the score, above 0, below which no hit is wanted.
func (t *Top) floor() float64 {
	switch {
	case t.k == 0:
		return math.Inf(1)
	case len(t.heap) < t.k:
		return math.SmallestNonzeroFloat64
	}
	return t.heap[0].Score
}

// Offer keeps the hit if it is among the best k so far.
func (t *Top) Offer(h Hit) {
	if !t.Wants(h) {
		return
	}
	if len(t.heap) < t.k {
		t.heap = append(t.heap, h)
		t.up(len(t.heap) - 1)
		return
	}
	t.heap[0] = h
	t.down(0)
}

// Hits returns the hits, best first, equal scores by chunk, and empties t.
func (t *Top) Hits() []Hit {
	hits := t.heap
	t.heap = nil
	slices.SortFunc(hits, compareHits)
	return hits
}

// BestOf returns the best k of what selections of k hold, in the order of [Top.Hits], and
// empties them.
func BestOf(tops []*Top, k int) []Hit {
	var all []Hit
	for _, t := range tops {
		all = append(all, t.heap...)
		t.heap = nil
	}
	slices.SortFunc(all, compareHits)
	return all[:min(k, len(all))]
}

func (t *Top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !better(t.heap[parent], t.heap[i]) {
			return
		}
		t.heap[i], t.heap[parent] = t.heap[parent], t.heap[i]
		i = parent
	}
}

func (t *Top) down(i int) {
	for {
		worst := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(t.heap); c++ {
			if better(t.heap[worst], t.heap[c]) {
				worst = c
			}
		}
		if worst == i {
			return
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}
