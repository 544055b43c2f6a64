package lexical

import (
	"fmt"
	"slices"
	"sync"
)

// Match holds the visible matches of one query in one part of the index. It may
// be used by several goroutines at once.
type Match struct {
	terms    []QueryTerm
	stats    Stats
	postings []uint32 // of all terms, one list after the other: ordinal << 8 | frequency
	chunks   []int64  // by ordinal
	lengths  []uint16
}

// Release gives the memory of the postings back for other matches to use. It need
// not be called; m must not be used, by anyone, after it.
func (m *Match) Release() {
	if postings := m.postings; cap(postings) > 0 {
		m.postings = nil
		released.Put(&postings)
	}
}

// released keeps the postings of matches that are not used any more.
var released = sync.Pool{New: func() any { return new([]uint32) }}

// Stats returns the statistics of the visible chunks. Those of a segment's match
// have Frequencies only: Chunks and Length do not depend on the terms, and the
// caller, who counts them by class, adds them.
func (m *Match) Stats() Stats {
	s := m.stats
	s.Frequencies = slices.Clone(s.Frequencies)
	return s
}

// Bitmap returns which of the matching chunks keep accepts, a bit for each
// ordinal; nil, which stands for all, when keep is nil.
func (m *Match) Bitmap(keep func(chunk int64) bool) []uint64 {
	if keep == nil {
		return nil
	}
	asked, kept := newBitmap(len(m.chunks)), newBitmap(len(m.chunks))
	for _, p := range m.postings {
		word, bit := p>>14, uint64(1)<<(p>>8&63)
		if asked[word]&bit == 0 && keep(m.chunks[p>>8]) {
			kept[word] |= bit
		}
		asked[word] |= bit
	}
	return kept
}

// Match looks up terms among the visible chunks of the segment. rows returns the
// stored form of the row with a key, which CheckRow has passed; it is called once
// for each term with its Key, and its data is not kept. classes holds the class
// of permissions of each ordinal, 0 for chunks that are gone, and visible is 1
// for classes that the viewer may read, 0 for others and for class 0: it must
// have a value for every class in classes. The error is ErrMalformed when a row
// is missing or damaged.
//
// Chunks and Length of the match's statistics are 0: see [Match.Stats].
func (s *Segment) Match(terms []QueryTerm, rows func(key int64) []byte, classes []uint32, visible []uint8) (*Match, error) {
	if len(classes) != len(s.Chunks) {
		return nil, fmt.Errorf("%d classes for %d chunks", len(classes), len(s.Chunks))
	}
	m := &Match{terms: terms, chunks: s.Chunks, lengths: s.Lengths, stats: Stats{Frequencies: make([]int, len(terms))}}
	postings := *released.Get().(*[]uint32)
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
		postings = slices.Grow(postings[:n], len(tfs))
		m.stats.Frequencies[i] = filter(postings[n:n+len(tfs)], ords, tfs, classes, visible)
		n += m.stats.Frequencies[i]
	}
	m.postings = postings[:n]
	return m, nil
}

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
