package dense

import (
	"slices"
	"sync"
)

// A key is a chunk with its distance in front, so that keys ascend by
// distance, part and ordinal.
const (
	ordinalBits = 32
	partBits    = 18
	distanceAt  = ordinalBits + partBits
)

// maxDistance is the largest distance of a code: all components differ, and all
// are heavy.
const maxDistance = 3 * MaxDim

// selection keeps the nearest of the chunks that are scanned, in the order of
// part and ordinal. A histogram of the distances gives the bound below which a
// chunk is still wanted; it is lowered after each block.
type selection struct {
	on        side     // of which chunks are wanted
	keys      []uint64 // in the order of the scan; some are past the bound by now
	histogram [maxDistance + 2]uint32
	least     int // so many are kept with all that are as near as the last
	first     int // one more than are wanted, to tell whether there are more
	bound     int // all wanted chunks are nearer
	within    int // how many keys are nearer than bound
	counted   int // keys that the histogram knows
	ordinals  [block]uint32
}

// selections holds released ones: their arrays are what a search would allocate.
var selections = sync.Pool{New: func() any { return new(selection) }}

// newSelection returns an empty selection of the nearest chunks of a side, by codes
// of so many words, at most so many but for those that are as near as the last of
// the least.
func newSelection(words, least, most int, on side) *selection {
	s, _ := selections.Get().(*selection)
	first := most + 1
	s.on, s.least = on, least
	s.first, s.bound, s.within, s.counted = first, 3*64*words+1, 0, 0
	clear(s.histogram[:s.bound+1])
	if size := 2*first + 4*block; cap(s.keys) < size {
		s.keys = make([]uint64, 0, size)
	}
	s.keys = s.keys[:0]
	return s
}

func (s *selection) release() { selections.Put(s) }

// place is a chunk of some parts.
type place struct{ part, ordinal int }

// scanAll offers the visible chunks of the parts between two places. Ordinals of
// places are multiples of 64.
func (s *selection) scanAll(q *Query, parts []Part, from, to place, visible []uint8) {
	for i := from.part; i < len(parts) && i <= to.part; i++ {
		end := parts[i].len()
		if i == to.part {
			end = to.ordinal
		}
		s.scan(q, &parts[i], i, from.ordinal, end, visible)
		from.ordinal = 0
	}
}

// merge adds what a selection of all that follows has kept. Each has as many as are
// wanted within its bound, or everything, so that together they are within the lower.
func (s *selection) merge(o *selection) {
	s.bound = min(s.bound, o.bound)
	o.bound = s.bound
	s.compact()
	o.compact()
	s.within = 0
	for d := range s.histogram[:s.bound] {
		s.histogram[d] += o.histogram[d]
		s.within += int(s.histogram[d])
	}
	s.keys = append(s.keys, o.keys...)
	s.counted = len(s.keys)
	s.lower()
	s.compact()
}

// scan offers the visible chunks of a part from an ordinal to before another; parts
// and ordinals are scanned in order.
func (s *selection) scan(q *Query, p *Part, part, from, to int, visible []uint8) {
	for ; from < to; from += block {
		ordinals := p.visibleIn(&s.ordinals, from, min(from+block, to), visible, s.on)
		if len(ordinals) == 0 {
			continue
		}
		if cap(s.keys)-len(s.keys) < block {
			s.compact()
			s.keys = slices.Grow(s.keys, block)
		}
		kept := q.appendNearer(s.keys[len(s.keys):cap(s.keys)], p.Codes.signs, ordinals, uint64(part)<<ordinalBits, s.limit())
		s.keys = s.keys[:len(s.keys)+kept]
		s.count()
	}
}

// limit returns the distance below which a chunk is wanted that comes after all
// others: with enough of them, those at the largest distance are complete.
func (s *selection) limit() int {
	if s.more() {
		return s.bound - 1
	}
	return s.bound
}

// more reports whether there are more than are wanted, of which the farthest, all
// at one distance, can be left out.
func (s *selection) more() bool {
	return s.within >= s.first && s.within-int(s.histogram[s.bound-1]) >= s.least
}

// count takes new keys into the histogram and lowers the bound.
func (s *selection) count() {
	for _, key := range s.keys[s.counted:] {
		s.histogram[key>>distanceAt]++
	}
	s.within += len(s.keys) - s.counted
	s.counted = len(s.keys)
	s.lower()
}

// lower lowers the bound as far as enough keys stay within.
func (s *selection) lower() {
	for s.bound > 0 && s.within-int(s.histogram[s.bound-1]) >= s.first {
		s.bound--
		s.within -= int(s.histogram[s.bound])
	}
}

// compact drops keys that are not wanted any more.
func (s *selection) compact() {
	end := uint64(s.bound) << distanceAt
	n := 0
	for _, key := range s.keys {
		s.keys[n] = key
		if key < end {
			n++
		}
	}
	s.keys, s.counted = s.keys[:n], n
}

// nearest returns the keys of the nearest chunks by part and ordinal. Of those that are
// as near as the first that is too many it returns none, unless fewer than the least
// would be left, and then all: which of them came first is up to where they are kept,
// which hidden chunks have a part in. The keys are valid until the selection is
// released.
func (s *selection) nearest() []uint64 {
	if s.more() {
		s.bound--
		s.within -= int(s.histogram[s.bound])
	}
	s.compact()
	return s.keys
}

// distance returns the distance of the nth nearest of the keys that nearest
// returned, or of the last.
func (s *selection) distance(n int) int {
	d, within := 0, int(s.histogram[0])
	for within < n && d < s.bound {
		d++
		within += int(s.histogram[d])
	}
	return d
}
