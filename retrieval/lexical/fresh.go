package lexical

import "errors"

// maxOrdinal bounds the chunks of a Fresh: a posting is an ordinal of 24 bits and
// a frequency of 8.
const maxOrdinal = 1<<24 - 1

// ErrFull is returned when a Fresh can take no more chunks.
var ErrFull = errors.New("too many unpacked chunks: let the packer run, then try again")

// Fresh is an inverted index in memory of chunks that are not packed into a
// segment yet. Chunks are only ever added; those that are gone are told by their
// class to Match and left out by Compact. A Fresh is not for several goroutines,
// but what Match returns does not change with it.
type Fresh struct {
	chunks   []int64
	lengths  []uint16
	postings *postings
}

// NewFresh returns an empty index.
func NewFresh() *Fresh { return &Fresh{postings: newPostings()} }

// Add adds a chunk with its encoded terms and its length as Terms returned them,
// and returns its ordinal: the number of chunks that were added before. It fails
// with ErrMalformed when the terms cannot be decoded and with ErrFull beyond 16
// million chunks, changing nothing.
func (f *Fresh) Add(chunk int64, length int, terms []byte) (ordinal uint32, err error) {
	if err := CheckTerms(terms); err != nil {
		return 0, err
	}
	if len(f.chunks) > maxOrdinal {
		return 0, ErrFull
	}
	ordinal = uint32(len(f.chunks))
	f.chunks = append(f.chunks, chunk)
	f.lengths = append(f.lengths, ClampLength(length))
	for d := (decoder{data: terms}); len(d.data) > 0; {
		t, err := d.next()
		if err != nil {
			return 0, err // cannot be: the terms were checked
		}
		f.postings.add(t.Hash, ordinal<<8|uint32(t.TF))
	}
	return ordinal, nil
}

// Match looks up terms among the visible chunks: see Segment.Match. classes has
// a value for every chunk.
func (f *Fresh) Match(terms []QueryTerm, classes []uint32, visible []uint8) *Match {
	m := &Match{terms: terms, chunks: f.chunks, lengths: f.lengths, frequencies: make([]int, len(terms))}
	total := 0
	for _, t := range terms {
		total += f.postings.count(t.Hash)
	}
	m.postings = make([]uint32, total)
	n := 0
	for i, t := range terms {
		from := n
		for block := range f.postings.blocks(t.Hash) {
			for _, p := range block { // without a branch: permissions are as good as random
				m.postings[n] = p
				n += int(visible[classes[p>>8]])
			}
		}
		m.frequencies[i] = n - from
	}
	m.postings = m.postings[:n]
	return m
}

// Mark sets the bits of the chunks that hold a term. The bitmap must have a bit
// for each chunk.
func (f *Fresh) Mark(bitmap []uint64, hash uint64) {
	for block := range f.postings.blocks(hash) {
		for _, p := range block {
			bitmap[p>>14] |= 1 << (p >> 8 & 63)
		}
	}
}

// Compact returns an index of those chunks that are kept, in the same order.
func (f *Fresh) Compact(keep []bool) *Fresh {
	c := NewFresh()
	moved := make([]uint32, len(f.chunks))
	for ord, chunk := range f.chunks {
		if keep[ord] {
			moved[ord] = uint32(len(c.chunks))
			c.chunks = append(c.chunks, chunk)
			c.lengths = append(c.lengths, f.lengths[ord])
		}
	}
	for _, l := range f.postings.slots {
		if l.n == 0 {
			continue
		}
		for block := range f.postings.blocks(l.hash) {
			for _, p := range block {
				if keep[p>>8] {
					c.postings.add(l.hash, moved[p>>8]<<8|p&0xff)
				}
			}
		}
	}
	return c
}

// ClampLength returns a length as it is stored.
func ClampLength(length int) uint16 { return uint16(min(max(length, 0), maxLength)) }
