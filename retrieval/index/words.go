package index

import (
	"iter"
	"sync"

	"github.com/cairnhq/cairn/retrieval/internal/parallel"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// matched is what one part of the index has for a search by words.
type matched struct {
	match *lexical.Match
	keep  []uint64 // by the filter; nil: all
	err   error    // then there is no match
}

// Lexical returns the best limit chunks by BM25 (see package lexical), best
// first, ties by chunk, and the statistics of what is visible. Several goroutines may
// call rows at once.
func (x *Search) Lexical(rows Rows, limit int) ([]lexical.Hit, lexical.Stats, error) {
	parts := x.match(rows)
	defer release(parts)
	stats := x.stats
	stats.Frequencies = make([]int, len(x.Terms))
	for _, p := range parts {
		if p.err != nil {
			return nil, lexical.Stats{}, p.err
		}
		for i, n := range p.match.Frequencies() {
			stats.Frequencies[i] += n
		}
	}
	if limit <= 0 {
		return nil, stats, nil
	}
	return x.best(parts, stats, limit), stats, nil
}

// mostWorkers bounds the goroutines of one search by words: each needs memory for the
// scores of a segment.
const mostWorkers = 4

// workers returns how many goroutines search by words. The caller holds the lock.
func (s *State) workers() int {
	chunks := 0
	for _, g := range s.segments {
		chunks += len(g.chunks)
	}
	if chunks < s.parallelFrom {
		return 1
	}
	return mostWorkers
}

// match looks the terms up in all parts: the fresh chunks, and the segments that are
// not damaged.
func (x *Search) match(rows Rows) []matched {
	segments := make([]*segment, 0, len(x.segments))
	for _, g := range x.segments {
		if !g.damaged {
			segments = append(segments, g)
		}
	}
	parts := make([]matched, 1+len(segments))
	parts[0] = matched{match: x.matched, keep: x.kept}
	parallel.Share(x.workers, len(segments), func(numbers iter.Seq[int]) {
		for i := range numbers {
			parts[1+i] = x.matchIn(segments[i], rows)
		}
	})
	return parts
}

func (x *Search) matchIn(g *segment, rows Rows) (m matched) {
	if m.match, m.err = g.lexical.Match(x.Terms, func(key int64) []byte { return rows(g.id, key) }, g.classes, x.visible); m.err != nil {
		m.err = &Damage{Segment: g.id, Err: m.err}
		return m
	}
	m.keep, m.err = x.filter.bitmap(&g.columns, &x.numbers, segmentMarker(g, rows))
	return m
}

// best scores what matches and returns the best k.
func (x *Search) best(parts []matched, stats lexical.Stats, k int) []lexical.Hit {
	var mu sync.Mutex
	var tops []*lexical.Top
	parallel.Share(x.workers, len(parts), func(numbers iter.Seq[int]) {
		top := lexical.NewTop(k)
		for i := range numbers {
			parts[i].match.Offer(top, stats, parts[i].keep)
		}
		mu.Lock()
		tops = append(tops, top)
		mu.Unlock()
	})
	return lexical.BestOf(tops, k)
}

// release gives scratch memory back.
func release(parts []matched) {
	for _, p := range parts {
		if p.match != nil {
			p.match.Release()
		}
	}
}
