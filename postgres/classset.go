package postgres

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// ClassSet is a set of ACL classes. It never changes and may be used by several
// goroutines at once.
type ClassSet struct {
	words []uint64 // class c is bit c%64 of words[c/64]
}

// Has reports whether the class is in the set. Numbers beyond the set are not.
func (s *ClassSet) Has(class int32) bool {
	word := int(class) / 64
	return class >= 0 && word < len(s.words) && s.words[word]>>(class%64)&1 == 1
}

// Table returns the set as a table by class number, 1 in the set and 0 not, in
// buffer if that is large enough. The table is a multiple of 64 long; a class
// number beyond it is not in the set.
func (s *ClassSet) Table(buffer []uint8) []uint8 {
	n := 64 * len(s.words)
	if cap(buffer) < n {
		buffer = make([]uint8, n)
	}
	table := buffer[:n]
	for i, w := range s.words {
		row := table[64*i : 64*i+64]
		for j := 0; j < 64; j += 8 {
			binary.LittleEndian.PutUint64(row[j:], spread(uint8(w>>j)))
		}
	}
	return table
}

// spread returns the bits of b as eight bytes of 0 or 1, the lowest first.
func spread(b uint8) uint64 {
	const each = 0x0101010101010101
	one := uint64(b) * each & 0x8040201008040201 // byte k keeps bit k alone
	return (one + 0x7f*each) >> 7 & each         // a byte that is not 0 overflows into its top bit
}

// all yields the classes of the set in ascending order.
func (s *ClassSet) all() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(int32(64*i + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// newClassSet returns the set of classes, in whatever order and however often.
// Its table reaches beyond highest; classes that are higher are left out.
func newClassSet(classes iter.Seq[int32], highest int32) *ClassSet {
	return (&ClassSet{}).union(classes, highest)
}

// with returns the union of s and classes: see newClassSet.
func (s *ClassSet) with(classes []int32, highest int32) *ClassSet {
	return s.union(slices.Values(classes), highest)
}

func (s *ClassSet) union(classes iter.Seq[int32], highest int32) *ClassSet {
	words := make([]uint64, max(len(s.words), int(max(highest, 0))/64+1))
	copy(words, s.words)
	for class := range classes {
		if i := int(class) / 64; class >= 0 && i < len(words) {
			words[i] |= 1 << (class % 64)
		}
	}
	return &ClassSet{words}
}

// size returns the bytes that the set takes.
func (s *ClassSet) size() int { return 8 * len(s.words) }
