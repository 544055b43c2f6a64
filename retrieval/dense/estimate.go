package dense

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// level returns the inner product of the query's magnitudes, with their signs, and
// the levels of the chunk that a key names.
func (q *Query) level(parts []Part, key uint64) int {
	codes, ordinal := &parts[key>>ordinalBits%maxParts].Codes, int(uint32(key))
	n, m := codes.words, finerWords(codes.words)
	return q.product(codes.signs[ordinal*n:(ordinal+1)*n], codes.finer[ordinal*m:])
}

// product is level of a code. A level is twice its number, of 0 to 7, less 7; where
// the query is negative, 7 less the number is taken instead: all of its bits flip.
func (q *Query) product(code, finer []uint64) int {
	sum := q.total
	signs, magnitudes := q.signs[:len(code)], q.planes
	for i, word := range code {
		p := (*[planes]uint64)(magnitudes)
		sum += 4*weighted(finer[0]^signs[i], p) + 2*weighted(finer[1]^signs[i], p) - 8*weighted(word^signs[i], p)
		magnitudes, finer = magnitudes[planes:], finer[2:]
	}
	return sum
}

// weighted returns the sum of the magnitudes of 64 components at the bits that are set.
func weighted(set uint64, p *[planes]uint64) int {
	return bits.OnesCount64(set&p[0]) + bits.OnesCount64(set&p[1])<<1 + bits.OnesCount64(set&p[2])<<2 + bits.OnesCount64(set&p[3])<<3
}

// score estimates the inner product of the query's vector and that of the chunk
// that a key names, but for what is equal for all chunks.
func (q *Query) score(parts []Part, key uint64) float32 {
	codes := &parts[key>>ordinalBits%maxParts].Codes
	factor, shift := factorAndShift(codes.finer[(int(uint32(key))+1)*finerWords(codes.words)-1])
	return float32(float32(q.scale*float32(q.level(parts, key)))*factor) + shift
}

// reach returns the distance within which nearly every chunk lies whose angle to
// the query is not larger than those of the chunks given.
func (q *Query) reach(parts []Part, chunks []scored) int {
	least := 1.0
	for _, c := range chunks {
		least = min(least, q.cosine*float64(q.level(parts, c.key)))
	}
	return q.expects.reach(least)
}

// scored is a chunk, by its key without the distance, and its score.
type scored struct {
	key   uint64
	score float32
}

func byScore(a, b scored) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.key, b.key))
}

// top keeps the best of the chunks that it is offered.
type top struct {
	limit int
	kept  []scored // some of them are not among the best any more
	least float32  // what scores less is not wanted
}

func newTop(limit int) *top { return &top{limit: limit, least: float32(math.Inf(-1))} }

// offerAll offers the chunks whose keys are at least low and less than high. The
// order of part and ordinal is that of the memory, which is read ahead.
func (t *top) offerAll(q *Query, parts []Part, keys []uint64, low, high uint64) {
	for _, key := range keys {
		if key < low || key >= high {
			continue
		}
		score := q.score(parts, key)
		if score < t.least {
			continue
		}
		t.kept = append(t.kept, scored{key % (1 << distanceAt), score})
		if len(t.kept) >= 2*t.limit {
			t.best()
		}
	}
}

// best returns the best of what was offered, in order.
func (t *top) best() []scored {
	slices.SortFunc(t.kept, byScore)
	if len(t.kept) >= t.limit {
		t.kept = t.kept[:t.limit]
		t.least = t.kept[t.limit-1].score
	}
	return t.kept
}
