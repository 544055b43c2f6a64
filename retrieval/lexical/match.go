package lexical

import (
	"fmt"
	"slices"
	"sync"
)

// Match holds the visible matches of one query in one part of the index.
type Match struct {
	terms       []QueryTerm
	frequencies []int    // visible chunks that hold each term
	postings    []uint32 // of all terms, one list after the other: ordinal << 8 | frequency
	chunks      []int64  // by ordinal
	lengths     []uint16
	scratch     *[]uint32 // what the postings lie in, when it is to be given back
}

// Frequencies returns how many visible chunks of the part hold each term.
// Callers must not change it.
func (m *Match) Frequencies() []int { return m.frequencies }

// Release gives back the memory of the match, which must not be used afterwards.
func (m *Match) Release() {
	if m.scratch != nil {
		filtered.Put(m.scratch)
		m.scratch, m.postings = nil, nil
	}
}

// Match looks up terms among the visible chunks of the segment. rows returns the
// stored form of the row with a key, which CheckRow has passed; it is called once
// for each term with its Key, and its data is not kept. classes holds the class
// of permissions of each ordinal, 0 for chunks that are gone, and visible is 1
// for classes that the viewer may read, 0 for others and for class 0: it must
// have a value for every class in classes. The error is ErrMalformed when a row
// is missing or damaged.
func (s *Segment) Match(terms []QueryTerm, rows func(key int64) []byte, classes []uint32, visible []uint8) (*Match, error) {
	if len(classes) != len(s.Chunks) {
		return nil, fmt.Errorf("%d classes for %d chunks", len(classes), len(s.Chunks))
	}
	m := &Match{terms: terms, chunks: s.Chunks, lengths: s.Lengths, frequencies: make([]int, len(terms)), scratch: filtered.Get().(*[]uint32)}
	scratch := m.scratch
	n := 0
	for i, t := range terms {
		key := s.Key(t.Hash)
		ords, tfs, err := s.Postings(key, rows(key), t.Hash)
		if err != nil {
			return nil, err
		}
		if err := s.checkLast(key, ords); err != nil {
			return nil, err
		}
		*scratch = slices.Grow((*scratch)[:n], len(tfs))
		list := (*scratch)[n : n+len(tfs)]
		m.frequencies[i] = filter(list, ords, tfs, classes, visible)
		n += m.frequencies[i]
	}
	m.postings = (*scratch)[:n]
	return m, nil
}

// filtered keeps the memory into which postings are filtered.
var filtered = sync.Pool{New: func() any { return new([]uint32) }}

// filter writes the visible postings to out, which has room for all of them, and
// returns their number. It has no branch: permissions are as good as random.
func filter(out []uint32, ords, tfs []byte, classes []uint32, visible []uint8) int {
	n := 0
	ords, out = ords[:2*len(tfs)], out[:len(tfs)]
	for i, tf := range tfs {
		ord := uint32(ords[2*i]) | uint32(ords[2*i+1])<<8
		out[n] = ord<<8 | uint32(tf)
		n += int(visible[classes[ord]])
	}
	return n
}
