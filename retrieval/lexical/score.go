package lexical

import "sync"

// Offer offers the matches to a selection, scored under the given statistics,
// those of all parts of the index. Only chunks whose bit in keep is set are
// offered, one bit for each ordinal; nil stands for all.
func (m *Match) Offer(top *Top, s Stats, keep []uint64) {
	if len(m.postings) == 0 {
		return
	}
	b := boards.Get().(*board) // not put back after a panic, which leaves scores in it
	b.resize(len(m.chunks))
	m.score(b, s)
	m.offer(b, top, keep)
	boards.Put(b)
}

// Top returns the best k matches, best first, ties by chunk: see Offer.
func (m *Match) Top(s Stats, keep []uint64, k int) []Hit {
	top := NewTop(k)
	m.Offer(top, s, keep)
	return top.Hits()
}

// offer offers what is on the board and clears it.
func (m *Match) offer(b *board, top *Top, keep []uint64) {
	floor := top.floor()
	if len(m.postings) < len(m.chunks)/2 {
		for _, p := range m.postings {
			ord := p >> 8
			score := b.scores[ord]
			b.scores[ord] = 0 // a chunk that holds several terms is met again
			if score >= floor && (keep == nil || bit(keep, int(ord))) {
				top.Offer(Hit{m.chunks[ord], score})
				floor = top.floor()
			}
		}
		return
	}
	for ord, score := range b.scores {
		if score >= floor && (keep == nil || bit(keep, ord)) {
			top.Offer(Hit{m.chunks[ord], score})
			floor = top.floor()
		}
	}
	clear(b.scores)
}

// bit reports whether a bit is set.
func bit(bitmap []uint64, i int) bool {
	return i>>6 < len(bitmap) && bitmap[i>>6]>>(i&63)&1 != 0
}

// board holds scores by ordinal, zeros between uses.
type board struct {
	scores []float64
	best   []float64 // of the group in hand
}

var boards = sync.Pool{New: func() any { return new(board) }}

func (b *board) resize(n int) {
	if n > cap(b.scores) {
		b.scores, b.best = make([]float64, n), make([]float64, n)
	}
	b.scores, b.best = b.scores[:n], b.best[:n]
}

// score adds up the score of every ordinal; it stays 0 without a match.
func (m *Match) score(b *board, s Stats) {
	weights := s.Weights(m.terms)
	n := lengthNorm{lengths: m.lengths}
	n.base, n.slope = s.Norm()
	rest := m.postings
	for first := 0; first < len(m.terms); {
		end := groupEnd(m.terms, first)
		lists, size := 0, 0
		for _, df := range m.frequencies[first:end] {
			size += df
			lists += min(df, 1)
		}
		group := rest[:size]
		rest = rest[size:]
		target := b.scores
		if lists > 1 {
			target = b.best
		}
		for i, list := first, group; i < end; i++ {
			df := m.frequencies[i]
			if lists > 1 {
				n.best(target, list[:df], weights[i])
			} else {
				n.add(target, list[:df], weights[i])
			}
			list = list[df:]
		}
		if lists > 1 {
			for _, p := range group {
				b.scores[p>>8] += b.best[p>>8]
				b.best[p>>8] = 0
			}
		}
		first = end
	}
}

// lengthNorm is the length norm of a query: see [Stats.Norm].
type lengthNorm struct {
	base, slope float64
	lengths     []uint16
}

// add adds to scores what a term contributes.
func (n lengthNorm) add(scores []float64, list []uint32, weight float64) {
	lengths := n.lengths[:len(scores)]
	for _, p := range list {
		tf, ord := float64(p&0xff), p>>8
		scores[ord] += weight * tf / (tf + n.base + n.slope*float64(lengths[ord]))
	}
}

// best raises scores to what a term contributes where that is more.
func (n lengthNorm) best(scores []float64, list []uint32, weight float64) {
	lengths := n.lengths[:len(scores)]
	for _, p := range list {
		tf, ord := float64(p&0xff), p>>8
		scores[ord] = max(scores[ord], weight*tf/(tf+n.base+n.slope*float64(lengths[ord])))
	}
}
