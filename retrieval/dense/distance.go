package dense

import "math/bits"

// heavyFrom is the magnitude, in deviations, from which a component of a query
// counts three times in the distance to a code: with two weights 1 and 3 the best
// for what is normally distributed (Max, 1960). The estimate by one bit of a
// vector's components is as good as that; more weights were not measured to find
// more.
const heavyFrom = 0.996

// appendNearer writes to keys the chunks at ordinals whose codes are at a distance
// less than limit from the query, in order, and returns their number. The distance
// is the number of components whose signs differ, the heavy ones counted three
// times. base is the part, in its place in a key; keys must have room for all
// ordinals.
//
// Every key is written and only the wanted ones stay. Lengths are unrolled
// that common dimensions have: 384 = 6 words, 256 multiples of 4, the rest word by word.
func (q *Query) appendNearer(keys, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	keys = keys[:len(ordinals)]
	switch {
	case len(q.signs) == 4:
		return appendNearer4(keys, (*[4]uint64)(q.signs), (*[4]uint64)(q.heavy), codes, ordinals, base, limit)
	case len(q.signs) == 6:
		return appendNearer6(keys, (*[6]uint64)(q.signs), (*[6]uint64)(q.heavy), codes, ordinals, base, limit)
	case len(q.signs)%4 == 0:
		return appendNearerBy4(keys, q.signs, q.heavy, codes, ordinals, base, limit)
	}
	n := 0
	for _, ordinal := range ordinals {
		at := int(ordinal) * len(q.signs)
		distance := 0
		for i, word := range codes[at : at+len(q.signs)] {
			distance += differing(word^q.signs[i], q.heavy[i])
		}
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

// differing returns the part of a distance that 64 signs make of which some differ.
func differing(signs, heavy uint64) int {
	return bits.OnesCount64(signs) + 2*bits.OnesCount64(signs&heavy)
}

// below returns 1 if a < b, otherwise 0, without a branch.
func below(a, b int) int { return int(uint64(a-b) >> 63) }

func appendNearer4(keys []uint64, s, h *[4]uint64, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	for _, ordinal := range ordinals {
		c := (*[4]uint64)(codes[int(ordinal)*4:])
		distance := differing(c[0]^s[0], h[0]) + differing(c[1]^s[1], h[1]) + differing(c[2]^s[2], h[2]) + differing(c[3]^s[3], h[3])
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

func appendNearer6(keys []uint64, s, h *[6]uint64, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	for _, ordinal := range ordinals {
		c := (*[6]uint64)(codes[int(ordinal)*6:])
		distance := differing(c[0]^s[0], h[0]) + differing(c[1]^s[1], h[1]) + differing(c[2]^s[2], h[2]) +
			differing(c[3]^s[3], h[3]) + differing(c[4]^s[4], h[4]) + differing(c[5]^s[5], h[5])
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

func appendNearerBy4(keys, signs, heavy, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	for _, ordinal := range ordinals {
		at := int(ordinal) * len(signs)
		distance := 0
		for c, s, h := codes[at:at+len(signs)], signs, heavy; len(c) >= 4 && len(s) >= 4 && len(h) >= 4; c, s, h = c[4:], s[4:], h[4:] {
			distance += differing(c[0]^s[0], h[0]) + differing(c[1]^s[1], h[1]) + differing(c[2]^s[2], h[2]) + differing(c[3]^s[3], h[3])
		}
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}
