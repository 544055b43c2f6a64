package index

// Count returns how many of the chunks are of which source, by id, and of which kind.
// Those that are gone are not counted.
func (s *State) Count(chunks []int64) (sources, kinds map[string]int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bySource, byKind := make([]int, len(s.sources.numbers)+1), make([]int, len(s.kinds.numbers)+1)
	for _, chunk := range chunks {
		if c, ord := s.row(chunk); c != nil && c.classes[ord] != gone {
			bySource[c.sources[ord]]++
			byKind[c.kinds[ord]]++
		}
	}
	return s.sources.counted(bySource), s.kinds.counted(byKind)
}

// row returns the columns that hold a chunk, and its ordinal; nil when none do.
func (s *State) row(chunk int64) (*columns, int) {
	if ord, ok := s.fresh.find(chunk); ok {
		return &s.fresh.columns, ord
	}
	for _, g := range s.segments {
		n := len(g.chunks)
		if n == 0 || chunk < g.chunks[0] || g.chunks[n-1] < chunk {
			continue
		}
		if ord, ok := g.find(chunk); ok {
			return &g.columns, ord
		}
	}
	return nil, 0
}

// counted returns counts by name, given those by number.
func (n *names) counted(counts []int) map[string]int {
	out := make(map[string]int)
	for name, i := range n.numbers {
		if counts[i] > 0 {
			out[name] = counts[i]
		}
	}
	return out
}
