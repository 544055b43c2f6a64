package dense

import (
	"runtime"
	"sync"
)

// Part is a set of chunks that are scanned together, such as a segment: codes
// beside classes of permissions. The chunk at an ordinal exists where all of the
// fields reach; what a bitmap does not reach is 0. A bitmap has the chunk of
// ordinal i as bit i%64 of word i/64.
type Part struct {
	Codes   []uint64 // Coder.Words each
	Has     []uint64 // bitmap of the chunks that have a code; nil: all
	Classes []uint32 // class of permissions by ordinal; 0: the chunk is gone
	Keep    []uint64 // bitmap of what a filter lets through; nil: all
}

// Candidate is a chunk that may be among the nearest.
type Candidate struct {
	Part    int // index into the parts that were searched
	Ordinal uint32
	// Score estimates the inner product of the query's vector, centred, and the
	// chunk's direction from the centre.
	Score float32
}

// maxParts is the most parts that one search can cover.
const maxParts = 1 << 19

// Nearest returns at most best candidates, highest score first, equal scores by
// part and ordinal, out of the chunks that are visible: visible[class] is 1, not
// 0, for the classes that the viewer may read; other classes, and class 0, are
// hidden. The Hamming distance chooses the first chunks that are scored, equal
// distances by part and ordinal. With first at least the number of visible
// chunks all of them are scored.
//
// It panics at more than 524,288 parts. Classes and bitmaps must not change
// meanwhile.
func (q *Query) Nearest(parts []Part, visible []uint8, first, best int) []Candidate {
	if len(parts) > maxParts {
		panic("dense: too many parts")
	}
	if first <= 0 || best <= 0 || len(visible) < 2 {
		return nil
	}
	chunks := 0
	for i := range parts {
		chunks += parts[i].len(q.words())
	}
	first = min(first, chunks)
	if chunks < parallelFrom || runtime.GOMAXPROCS(0) == 1 {
		s := newSelection(q.words(), first)
		defer s.release()
		s.scanAll(q, parts, 0, len(parts), visible)
		return q.best(parts, s.nearest(), best)
	}
	return q.nearestByTwo(parts, visible, first, best, q.middle(parts, chunks))
}

// nearestByTwo is Nearest by two goroutines: one scans the parts before half.
func (q *Query) nearestByTwo(parts []Part, visible []uint8, first, best, half int) []Candidate {
	s, o := newSelection(q.words(), first), newSelection(q.words(), first)
	defer s.release()
	defer o.release()
	var wg sync.WaitGroup
	wg.Go(func() { o.scanAll(q, parts, half, len(parts), visible) })
	s.scanAll(q, parts, 0, half, visible)
	wg.Wait()
	s.merge(o)
	return q.best(parts, s.nearest(), best)
}

// parallelFrom is the number of chunks from which two goroutines scan.
const parallelFrom = 100_000

// middle returns the part at which about half of the chunks have come before.
func (q *Query) middle(parts []Part, chunks int) int {
	before := 0
	for i := range parts {
		if before += parts[i].len(q.words()); before >= chunks/2 {
			return i + 1
		}
	}
	return len(parts)
}

func (q *Query) words() int { return len(q.signs) }

// len returns the number of chunks of a part.
func (p *Part) len(words int) int {
	return min(len(p.Classes), len(p.Codes)/words)
}
