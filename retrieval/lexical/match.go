package lexical

// Search returns the best k chunks by BM25, best first, ties by chunk id. Only
// chunks whose class is visible are found or counted in statistics; keep (nil:
// all) narrows the hits but not the statistics. visible is called once for each
// distinct class, keep for hits that may be among the best.
func (f *Fresh) Search(terms []QueryTerm, visible func(class int32) bool, keep func(chunk int64) bool, k int) []Hit {
	m := f.Match(terms, visible)
	return m.Top(m.Stats(), keep, k)
}

// Match looks up terms among the visible chunks, in one state of the index. The
// result does not change with the index: take Stats, add those of other parts,
// then ask for Top. visible must not call the index.
func (f *Fresh) Match(terms []QueryTerm, visible func(class int32) bool) *Match {
	f.mu.RLock()
	defer f.mu.RUnlock()
	e := f.entries
	m := &Match{terms: terms, chunks: e.chunks, lengths: e.lengths, stats: Stats{Frequencies: make([]int, len(terms))}}
	seen := make([]uint8, len(e.classes)) // 1: visible
	for i, c := range e.classes[1:] {
		if c.chunks > 0 && visible(c.id) {
			seen[i+1] = 1
			m.stats.Chunks += c.chunks
			m.stats.Length += c.length
		}
	}
	total := 0
	for _, t := range terms {
		total += e.postings.count(t.Hash)
	}
	m.postings = make([]uint32, total)
	n := 0
	for i, t := range terms {
		from := n
		for block := range e.postings.blocks(t.Hash) {
			for _, p := range block { // without a branch: permissions are as good as random
				m.postings[n] = p
				n += int(seen[e.classOf[p>>8]])
			}
		}
		m.stats.Frequencies[i] = n - from
	}
	m.postings = m.postings[:n]
	return m
}

// Match holds the visible matches of one query. It may be used by several
// goroutines at once.
type Match struct {
	terms    []QueryTerm
	stats    Stats
	postings []uint32 // of all terms, one list after the other
	chunks   []int64  // by ordinal
	lengths  []uint16
}

// Stats returns the statistics of the visible chunks.
func (m *Match) Stats() Stats {
	s := m.stats
	s.Frequencies = append([]int(nil), s.Frequencies...)
	return s
}

// Top returns the best k hits under the given statistics, best first, ties by
// chunk id. keep (nil: all) says which chunks may be hits.
func (m *Match) Top(s Stats, keep func(chunk int64) bool, k int) []Hit {
	scores := m.scores(s)
	top := NewTop(k)
	for ord, score := range scores {
		if score == 0 {
			continue
		}
		if h := (Hit{m.chunks[ord], score}); top.Wants(h) && (keep == nil || keep(h.Chunk)) {
			top.Offer(h)
		}
	}
	return top.Hits()
}

// scores returns the score of every ordinal; 0 means no match.
func (m *Match) scores(s Stats) []float64 {
	scores := make([]float64, len(m.chunks))
	weights := s.Weights(m.terms)
	base, slope := s.Norm()
	var best []float64 // of the group in hand, by ordinal
	from := 0
	for first := 0; first < len(m.terms); {
		end := groupEnd(m.terms, first)
		begin := from
		if end-first > 1 && best == nil {
			best = make([]float64, len(m.chunks))
		}
		for i := first; i < end; i++ {
			list := m.postings[from : from+m.stats.Frequencies[i]]
			from += len(list)
			if end-first == 1 {
				for _, p := range list {
					tf := float64(p & 0xff)
					scores[p>>8] += weights[i] * tf / (tf + base + slope*float64(m.lengths[p>>8]))
				}
				continue
			}
			for _, p := range list {
				tf := float64(p & 0xff)
				best[p>>8] = max(best[p>>8], weights[i]*tf/(tf+base+slope*float64(m.lengths[p>>8])))
			}
		}
		if end-first > 1 {
			for _, p := range m.postings[begin:from] {
				scores[p>>8] += best[p>>8]
				best[p>>8] = 0
			}
		}
		first = end
	}
	return scores
}
