package dense

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// gathered is how many codes are brought together before any is looked at: they lie
// far apart, and the processor fetches several at once as long as nothing waits for
// one of them.
const gathered = 32

// gather appends the codes of the chunks that keys stand for.
func gather(dst []uint64, parts []Part, keys []uint64) []uint64 {
	for _, key := range keys {
		codes, ordinal := &parts[key>>ordinalBits%maxParts].Codes, int(uint32(key))
		n, m := codes.words, finerWords(codes.words)
		dst = append(dst, codes.signs[ordinal*n:ordinal*n+n]...)
		dst = append(dst, codes.finer[ordinal*m:ordinal*m+m]...)
	}
	return dst
}

// level returns the inner product of the query's magnitudes, with their signs, and
// the levels of a code. A level is twice its number, of 0 to 7, less 7; where the
// query is negative, 7 less the number is taken instead: all of its bits flip.
func (q *Query) level(code []uint64) int {
	sum := q.total
	finer, magnitudes := code[len(q.signs):], q.planes
	for i, sign := range q.signs {
		p := (*[planes]uint64)(magnitudes)
		sum += 4*weighted(finer[0]^sign, p) + 2*weighted(finer[1]^sign, p) - 8*weighted(code[i]^sign, p)
		magnitudes, finer = magnitudes[planes:], finer[2:]
	}
	return sum
}

// weighted returns the sum of the magnitudes of 64 components at the bits that are set.
func weighted(set uint64, p *[planes]uint64) int {
	return bits.OnesCount64(set&p[0]) + bits.OnesCount64(set&p[1])<<1 + bits.OnesCount64(set&p[2])<<2 + bits.OnesCount64(set&p[3])<<3
}

// score estimates the inner product of the query's vector and that of a chunk by
// its code, but for what is equal for all chunks.
func (q *Query) score(code []uint64) float32 {
	factor, shift := factorAndShift(code[len(code)-1])
	return float32(float32(q.scale*float32(q.level(code)))*factor) + float32(q.shift*shift)
}

// reach returns the distance within which nearly every chunk lies whose angle to
// the query is not larger than those of the chunks given that lie on a side.
func (q *Query) reach(parts []Part, chunks []scored, on side) int {
	least := 1.0
	var code []uint64
	for _, c := range chunks {
		if !on.has(parts[c.key>>ordinalBits].Codes.aside, uint32(c.key)) {
			continue
		}
		code = gather(code[:0], parts, []uint64{c.key})
		least = min(least, q.cosine*float64(q.level(code)))
	}
	return q.expects.reach(least)
}

// scored is a chunk, its key without the distance, and its score.
type scored struct {
	chunk int64
	key   uint64
	score float32
}

func byScore(a, b scored) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.chunk, b.chunk))
}

// top keeps the best of the chunks that it is offered, and those that equal the last.
type top struct {
	limit int
	kept  []scored // some of them are not among the best any more
	full  int      // of so many kept the best are found
	least float32  // what scores less is not wanted
}

func newTop(limit int) *top {
	return &top{limit: limit, full: 2 * limit, least: float32(math.Inf(-1))}
}

// offerAll offers the chunks whose keys are at least low and less than high. The
// order of part and ordinal is that of the memory.
func (t *top) offerAll(q *Query, parts []Part, keys []uint64, low, high uint64) {
	size := q.words() + finerWords(q.words())
	codes := make([]uint64, 0, gathered*size)
	var some [gathered]uint64
	for len(keys) > 0 {
		n := 0
		for ; n < gathered && len(keys) > 0; keys = keys[1:] {
			some[n] = keys[0]
			if low <= keys[0] && keys[0] < high {
				n++
			}
		}
		codes = gather(codes[:0], parts, some[:n])
		for i, key := range some[:n] {
			t.offer(parts, key, q.score(codes[i*size:(i+1)*size]))
		}
	}
}

func (t *top) offer(parts []Part, key uint64, score float32) {
	if score < t.least {
		return
	}
	key %= 1 << distanceAt
	t.kept = append(t.kept, scored{parts[key>>ordinalBits].Chunks[uint32(key)], key, score})
	if len(t.kept) >= t.full {
		t.best()
	}
}

// best returns the best of what was offered, in order.
func (t *top) best() []scored {
	slices.SortFunc(t.kept, byScore)
	t.kept = firstOf(t.kept, t.limit)
	if len(t.kept) >= t.limit {
		t.least = t.kept[t.limit-1].score
	}
	t.full = 2 * max(t.limit, len(t.kept))
	return t.kept
}

// mostEqual bounds the chunks that are kept because they equal the last, as a
// multiple of those that are wanted.
const mostEqual = 4

// firstOf returns the first n of what is in order, and those that score as the last of
// them: an estimate does not tell which is nearer.
func firstOf(ordered []scored, n int) []scored {
	if len(ordered) <= n {
		return ordered
	}
	most := min(len(ordered), mostEqual*n)
	last := ordered[n-1].score
	for n < most && ordered[n].score == last {
		n++
	}
	return ordered[:n]
}
