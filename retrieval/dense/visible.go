package dense

import "math/bits"

// block is the number of chunks that are looked at together; what is kept of
// them fits the first cache. A multiple of 64.
const block = 1024

// visibleIn lists the ordinals from … to-1, at most a block and from a multiple
// of 64, of the chunks of a side that have a code, pass the filter and are visible.
// Whether a chunk is visible decides where the next ordinal is written, not
// where the program branches: a viewer's share may be anything.
func (p *Part) visibleIn(ordinals *[block]uint32, from, to int, visible []uint8, on side) []uint32 {
	visible = visible[1:] // there is no class 0: 0-1 is out of range
	n := 0
	for ; from < to; from += 64 {
		mask := word(p.Has, from/64) & word(p.Keep, from/64) & on.word(p.Codes.aside, from/64)
		classes := p.Classes[from:min(from+64, to)]
		if len(classes) == 64 && mask == ^uint64(0) {
			for i, class := range classes {
				ordinals[n&(block-1)] = uint32(from + i)
				if c := class - 1; uint64(c) < uint64(len(visible)) {
					n += int(visible[c] & 1)
				}
			}
			continue
		}
		mask &= 1<<len(classes) - 1
		for ; mask != 0; mask &= mask - 1 {
			i := bits.TrailingZeros64(mask)
			ordinals[n&(block-1)] = uint32(from + i)
			if c := classes[i] - 1; uint64(c) < uint64(len(visible)) {
				n += int(visible[c] & 1)
			}
		}
	}
	return ordinals[:n]
}

// word returns a word of a bitmap, of which nil has all bits set.
func word(bitmap []uint64, i int) uint64 {
	switch {
	case bitmap == nil:
		return ^uint64(0)
	case i < len(bitmap):
		return bitmap[i]
	}
	return 0
}
