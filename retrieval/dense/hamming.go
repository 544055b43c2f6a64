package dense

import "math/bits"

// appendNearer writes to keys the chunks at ordinals whose codes differ from the
// query's signs in fewer than limit bits, in order, and returns their number.
// base is the part, in its place in a key; keys must have room for all ordinals.
//
// Every key is written and only the wanted ones stay. Lengths are unrolled
// that common dimensions have: 384 = 6 words, 256 multiples of 4, the rest word by word.
func appendNearer(keys, signs, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	keys = keys[:len(ordinals)]
	switch {
	case len(signs) == 4:
		return appendNearer4(keys, (*[4]uint64)(signs), codes, ordinals, base, limit)
	case len(signs) == 6:
		return appendNearer6(keys, (*[6]uint64)(signs), codes, ordinals, base, limit)
	case len(signs)%4 == 0:
		return appendNearerBy4(keys, signs, codes, ordinals, base, limit)
	}
	n := 0
	for _, ordinal := range ordinals {
		at := int(ordinal) * len(signs)
		distance := 0
		for i, word := range codes[at : at+len(signs)] {
			distance += bits.OnesCount64(word ^ signs[i])
		}
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

// below returns 1 if a < b, otherwise 0, without a branch.
func below(a, b int) int { return int(uint64(a-b) >> 63) }

func appendNearer4(keys []uint64, signs *[4]uint64, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	s0, s1, s2, s3 := signs[0], signs[1], signs[2], signs[3]
	for _, ordinal := range ordinals {
		c := (*[4]uint64)(codes[int(ordinal)*4:])
		distance := bits.OnesCount64(c[0]^s0) + bits.OnesCount64(c[1]^s1) +
			bits.OnesCount64(c[2]^s2) + bits.OnesCount64(c[3]^s3)
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

func appendNearer6(keys []uint64, signs *[6]uint64, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	s0, s1, s2, s3, s4, s5 := signs[0], signs[1], signs[2], signs[3], signs[4], signs[5]
	for _, ordinal := range ordinals {
		c := (*[6]uint64)(codes[int(ordinal)*6:])
		distance := bits.OnesCount64(c[0]^s0) + bits.OnesCount64(c[1]^s1) +
			bits.OnesCount64(c[2]^s2) + bits.OnesCount64(c[3]^s3) +
			bits.OnesCount64(c[4]^s4) + bits.OnesCount64(c[5]^s5)
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}

func appendNearerBy4(keys, signs, codes []uint64, ordinals []uint32, base uint64, limit int) int {
	n := 0
	for _, ordinal := range ordinals {
		at := int(ordinal) * len(signs)
		distance := 0
		for c, s := codes[at:at+len(signs)], signs; len(c) >= 4 && len(s) >= 4; c, s = c[4:], s[4:] {
			distance += bits.OnesCount64(c[0]^s[0]) + bits.OnesCount64(c[1]^s[1]) +
				bits.OnesCount64(c[2]^s[2]) + bits.OnesCount64(c[3]^s[3])
		}
		keys[n] = uint64(distance)<<distanceAt | base | uint64(ordinal)
		n += below(distance, limit)
	}
	return n
}
