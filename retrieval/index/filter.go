package index

import (
	"math"
	"math/bits"
	"time"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Filter narrows the results of a search; it never changes statistics. The zero
// value narrows nothing.
type Filter struct {
	Sources []string  // ids; nil: all, empty: none
	Kind    string    // empty: all
	After   time.Time // modified after this moment; zero: at any time
	Before  time.Time // modified before this moment
	// Must and Not are words by the hashes of their terms, each with its alternatives:
	// a chunk passes when it holds one term of every word of Must and none of any
	// word of Not.
	Must [][]uint64
	Not  [][]uint64
}

// columnar reports whether f looks at columns.
func (f *Filter) columnar() bool {
	return f.Sources != nil || f.Kind != "" || !f.After.IsZero() || !f.Before.IsZero()
}

// zero reports whether f lets everything through.
func (f *Filter) zero() bool { return !f.columnar() && len(f.Must)+len(f.Not) == 0 }

// terms yields every term that the filter asks for.
func (f *Filter) terms(yield func(hash uint64)) {
	for _, words := range [][][]uint64{f.Must, f.Not} {
		for _, alternatives := range words {
			for _, hash := range alternatives {
				yield(hash)
			}
		}
	}
}

// numbers is a filter by the numbers of one state.
type numbers struct {
	source        []uint8 // 1 for those that pass, by number
	anySource     bool
	kind          uint32
	anyKind       bool
	after, before int64
	anyTime       bool
}

// numbersOf looks up the names of a filter. The caller holds the state's lock.
func (s *State) numbersOf(f *Filter) numbers {
	n := numbers{anySource: f.Sources == nil, anyKind: f.Kind == "", anyTime: f.After.IsZero() && f.Before.IsZero()}
	n.source = s.sources.table(f.Sources)
	n.kind, _ = s.kinds.find(f.Kind)          // 0 is the number of no kind
	n.after, n.before = noTime, math.MaxInt64 // noTime is not after itself
	if !f.After.IsZero() {
		n.after = f.After.UnixMicro()
	}
	if !f.Before.IsZero() {
		n.before = f.Before.UnixMicro()
	}
	return n
}

// columnBitmap returns which chunks pass a filter as far as it looks at columns.
func (c *columns) columnBitmap(n *numbers) []uint64 {
	keep := newBitmap(len(c.chunks))
	for i := range keep {
		keep[i] = ^uint64(0)
	}
	if !n.anySource {
		narrow(keep, c.sources, n.sourceWord)
	}
	if !n.anyKind {
		narrow(keep, c.kinds, n.kindWord)
	}
	if !n.anyTime {
		narrow(keep, c.modified, n.timeWord)
	}
	return keep
}

// narrow clears the bits of what does not pass, told for 64 values at a time.
func narrow[T any](keep []uint64, column []T, pass func([]T) uint64) {
	for i := range keep {
		keep[i] &= pass(column[64*i : min(64*i+64, len(column))])
	}
}

// The following return which of at most 64 values pass, as bits and without a
// branch: values are as good as random.

func (n *numbers) sourceWord(sources []uint32) (word uint64) {
	table := n.source
	for i, source := range sources {
		word |= uint64(table[source]) << (i & 63)
	}
	return word
}

func (n *numbers) kindWord(kinds []uint32) (word uint64) {
	kind := n.kind
	for i, k := range kinds {
		word |= (uint64(k^kind) - 1) >> 63 << (i & 63) // borrows where they are equal
	}
	return word
}

func (n *numbers) timeWord(times []int64) (word uint64) {
	first, span := n.after+1, uint64(0)
	if n.before > first {
		span = uint64(n.before) - uint64(first)
	}
	for i, at := range times {
		_, within := bits.Sub64(uint64(at)-uint64(first), span, 0) // borrows within the span
		word |= within << (i & 63)
	}
	return word
}

// marker sets the bits of the chunks of a part that hold a term.
type marker func(bitmap []uint64, hash uint64) error

// bitmap returns which chunks of a part pass the filter; nil when all do.
func (f *Filter) bitmap(c *columns, n *numbers, mark marker) ([]uint64, error) {
	if f.zero() {
		return nil, nil
	}
	keep := c.columnBitmap(n)
	held := newBitmap(len(c.chunks))
	for _, alternatives := range f.Must {
		clear(held)
		if err := markAll(held, alternatives, mark); err != nil {
			return nil, err
		}
		for i := range keep {
			keep[i] &= held[i]
		}
	}
	clear(held)
	for _, alternatives := range f.Not {
		if err := markAll(held, alternatives, mark); err != nil {
			return nil, err
		}
	}
	for i := range keep {
		keep[i] &^= held[i]
	}
	return keep, nil
}

func markAll(bitmap []uint64, hashes []uint64, mark marker) error {
	for _, hash := range hashes {
		if err := mark(bitmap, hash); err != nil {
			return err
		}
	}
	return nil
}

// segmentMarker returns the marker of a segment whose rows were fetched.
func segmentMarker(s *segment, rows Rows) marker {
	return func(bitmap []uint64, hash uint64) error {
		key := s.lexical.Key(hash)
		ords, _, err := s.lexical.Postings(key, rows(s.id, key), hash)
		if err != nil {
			return &Damage{Segment: s.id, Key: key, Err: err}
		}
		lexical.Mark(bitmap, ords)
		return nil
	}
}
