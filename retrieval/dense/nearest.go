package dense

import (
	"runtime"
	"slices"
	"sync"
)

// Part is a set of chunks that are scanned together, such as a segment: codes
// beside classes of permissions. The chunk at an ordinal exists where all of the
// fields reach; what a bitmap does not reach is 0. A bitmap has the chunk of
// ordinal i as bit i%64 of word i/64.
type Part struct {
	Chunks  []int64 // ids by ordinal; each chunk is in one part alone
	Codes   Codes
	Has     []uint64 // bitmap of the chunks that have a code; nil: all
	Classes []uint32 // class of permissions by ordinal; 0: the chunk is gone
	Keep    []uint64 // bitmap of what a filter lets through; nil: all
}

// Limits bound what a search looks at; at 0 of any but Sure it finds nothing.
type Limits struct {
	// Least is the number of chunks of each side, nearest by their signs, whose inner
	// products are estimated in any case, with all that are as near as the last.
	Least int
	// Most bounds the chunks of each side whose inner products are estimated. Of chunks that are
	// equally near all are within it or none, so that what is hidden, which moves others
	// to other parts, changes nothing. Least goes before: all that are as near as the
	// last of the least are within it.
	Most int
	// Sure is the number of chunks, best by the estimate among the least, that more
	// are estimated for: all whose signs say that they may be as near.
	Sure int
	// Best is the number of candidates, but for equal ones.
	Best int
}

// Candidate is a chunk that may be among the nearest.
type Candidate struct {
	Chunk int64
	// Score estimates the inner product of the vectors of the query and of the
	// chunk, but for what is equal for all chunks of a search.
	Score float32
}

// maxParts is the most parts that one search can cover.
const maxParts = 1 << 18

// Nearest returns limits.Best candidates, highest score first, equal scores by chunk,
// with those that equal the last, up to four times as many in all, out of the chunks
// that are visible: visible[class] is 1, not 0, for the classes that the viewer may
// read; other classes, and class 0, are hidden. With limits.Least at least the number of visible chunks all of them are
// scored.
//
// It panics at more than 262,144 parts. Classes and bitmaps must not change
// meanwhile.
func (q *Query) Nearest(parts []Part, visible []uint8, limits Limits) []Candidate {
	if len(parts) > maxParts {
		panic("dense: too many parts")
	}
	if limits.Least <= 0 || limits.Most <= 0 || limits.Best <= 0 || len(visible) < 2 {
		return nil
	}
	found := q.bySide(parts)
	for i := range found {
		found[i].scan(parts, visible, limits)
		defer found[i].near.release()
	}
	return candidates(bestOf(found, parts, limits))
}

// bestOf returns the best of the chunks that were selected by their signs on each
// side: of the nearest, and then of all that may be as near as the best of these.
func bestOf(found []sided, parts []Part, limits Limits) []scored {
	t := newTop(max(limits.Best, limits.Sure))
	for i := range found {
		f := &found[i]
		f.keys, f.within = f.near.nearest(), f.near.distance(limits.Least)
		f.query.offer(t, parts, f.keys, 0, f.within+1)
	}
	best := t.best()
	sure := slices.Clone(best[:min(limits.Sure, len(best))])
	for _, f := range found {
		if reach := f.query.reach(parts, sure, f.on); reach > f.within {
			f.query.offer(t, parts, f.keys, f.within+1, reach+1)
		}
	}
	return firstOf(t.best(), limits.Best)
}

// scanByTwo offers all visible chunks; one of two goroutines scans what comes
// before half.
func (s *selection) scanByTwo(q *Query, parts []Part, half place, visible []uint8) {
	o := newSelection(q.words(), s.least, s.first-1, s.on)
	defer o.release()
	var wg sync.WaitGroup
	wg.Go(func() { o.scanAll(q, parts, half, place{part: len(parts)}, visible) })
	s.scanAll(q, parts, place{}, half, visible)
	wg.Wait()
	s.merge(o)
}

// offer offers those of the chunks that keys stand for whose distances are at least
// from and less than to; where they may be many, two goroutines score them.
func (q *Query) offer(t *top, parts []Part, keys []uint64, from, to int) {
	low, high := uint64(from)<<distanceAt, uint64(to)<<distanceAt
	if len(keys) < parallelKeys || runtime.GOMAXPROCS(0) == 1 {
		t.offerAll(q, parts, keys, low, high)
		return
	}
	o := newTop(t.limit)
	o.least = t.least
	var wg sync.WaitGroup
	wg.Go(func() { o.offerAll(q, parts, keys[len(keys)/2:], low, high) })
	t.offerAll(q, parts, keys[:len(keys)/2], low, high)
	wg.Wait()
	t.kept = append(t.kept, o.kept...)
}

func candidates(best []scored) []Candidate {
	out := make([]Candidate, len(best))
	for i, s := range best {
		out[i] = Candidate{Chunk: s.chunk, Score: s.score}
	}
	return out
}

// parallelKeys is the number of chunks from which two goroutines score.
const parallelKeys = 4_000

// parallelFrom is the number of chunks from which two goroutines scan.
const parallelFrom = 100_000

// middle returns the place before which about half of the chunks come.
func middle(parts []Part, half int) place {
	for i := range parts {
		n := parts[i].len()
		if half < n {
			return place{i, half / 64 * 64}
		}
		half -= n
	}
	return place{part: len(parts)}
}

func (q *Query) words() int { return len(q.signs) }

// len returns the number of chunks of a part.
func (p *Part) len() int {
	return min(len(p.Chunks), len(p.Classes), p.Codes.Len())
}
