package dense

import (
	"math/bits"
	"slices"
)

// best returns the best candidates of the chunks that keys, by part and ordinal,
// stand for.
func (q *Query) best(parts []Part, keys []uint64, best int) []Candidate {
	scored := q.differing(parts, keys)
	scored = lowest(scored, best, bits.Len(uint(q.total)))
	candidates := make([]Candidate, len(scored))
	for i, s := range scored {
		key := keys[uint32(s)]
		candidates[i] = Candidate{
			Part:    int(key >> ordinalBits % maxParts),
			Ordinal: uint32(key),
			Score:   q.score(uint32(s >> 32)),
		}
	}
	return candidates
}

// differing returns for each key the sum of the query's magnitudes where the
// signs of the chunk and of the query differ, << 32 | the key's index.
func (q *Query) differing(parts []Part, keys []uint64) []uint64 {
	scored := make([]uint64, len(keys))
	words := q.words()
	for i, key := range keys {
		part := &parts[key>>ordinalBits%maxParts]
		at := int(uint32(key)) * words
		scored[i] = uint64(q.sum(part.Codes[at:at+words]))<<32 | uint64(i)
	}
	return scored
}

// sum returns the sum of the magnitudes where the signs differ.
func (q *Query) sum(code []uint64) int {
	s0, s1, s2, s3 := 0, 0, 0, 0
	signs, magnitudes := q.signs[:len(code)], q.planes
	for i, word := range code {
		differ := word ^ signs[i]
		p := (*[planes]uint64)(magnitudes)
		s0 += bits.OnesCount64(differ & p[0])
		s1 += bits.OnesCount64(differ & p[1])
		s2 += bits.OnesCount64(differ & p[2])
		s3 += bits.OnesCount64(differ & p[3])
		magnitudes = magnitudes[planes:]
	}
	return s0 + s1<<1 + s2<<2 + s3<<3
}

// lowest returns the n lowest values in ascending order, whose leading halves
// have at most so many bits. A histogram finds most of those that need no
// sorting.
func lowest(values []uint64, n, width int) []uint64 {
	if n < len(values) {
		const buckets = 1 << 12
		var histogram [buckets]uint32
		shift := 32 + max(width-12, 0)
		for _, v := range values {
			histogram[v>>shift%buckets]++
		}
		last, within := uint64(0), int(histogram[0])
		for within < n {
			last++
			within += int(histogram[last])
		}
		values = slices.DeleteFunc(values, func(v uint64) bool { return v>>shift > last })
	}
	slices.Sort(values)
	return values[:min(n, len(values))]
}
