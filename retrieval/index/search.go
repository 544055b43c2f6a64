package index

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Request is what a search asks for.
type Request struct {
	// Visible says by number which ACL classes admit the viewer: 1 or 0. What is
	// beyond its end admits nobody.
	Visible []uint8
	// Granted is what the viewer may read beside that, whatever its class.
	Granted Granted
	// Analyse returns the terms to search for and the filter, given the languages
	// of what is visible, most frequent first. It must not call the index.
	Analyse func(languages []string) ([]lexical.QueryTerm, Filter)
}

// Search is a search in one state of the index: later changes do not touch it.
// It may be used by one goroutine at a time.
type Search struct {
	Terms []lexical.QueryTerm

	visible  []uint8
	filter   Filter
	numbers  numbers
	segments []*segment
	workers  int            // that look for words
	fresh    columns        // of the fresh chunks
	matched  *lexical.Match // among them
	kept     []uint64       // of them by the filter; nil: all
	stats    lexical.Stats
}

// Key names a row of postings.
type Key struct {
	Segment int32
	Key     int64
}

// Rows returns a row of postings that Search.Keys named.
type Rows func(segment int32, key int64) []byte

// Damage is the error for a row of postings that is not what was written.
type Damage struct {
	Segment int32
	Key     int64 // 0: not known
	Err     error
}

func (d *Damage) Error() string {
	if d.Key == 0 {
		return fmt.Sprintf("segment %d: %v", d.Segment, d.Err)
	}
	return fmt.Sprintf("segment %d, row %d: %v", d.Segment, d.Key, d.Err)
}

func (d *Damage) Unwrap() error { return d.Err }

// Begin begins a search.
func (s *State) Begin(r Request) *Search {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := &Search{visible: s.table(r.Visible), segments: s.segments, workers: s.workers()}
	x.fresh = s.fresh.columns
	x.fresh.classes = slices.Clone(s.fresh.classes) // the rest does not change
	x.fresh.has = slices.Clone(s.fresh.has)
	x.fresh.codes = s.fresh.codes.Snapshot()
	counted := s.census.count(x.visible)
	s.grant(x, r.Granted, &counted)
	x.stats = counted.Stats
	x.Terms, x.filter = r.Analyse(counted.languages())
	x.numbers = s.numbersOf(&x.filter)
	x.matched = s.fresh.index.Match(x.Terms, x.fresh.classes, x.visible)
	// Cannot fail: the fresh postings are in memory.
	x.kept, _ = x.filter.bitmap(&x.fresh, &x.numbers, func(bitmap []uint64, hash uint64) error {
		s.fresh.index.Mark(bitmap, hash)
		return nil
	})
	return x
}

// table returns the table of visible classes, long enough for every class that
// a chunk has. The class of what is gone is never visible.
func (s *State) table(visible []uint8) []uint8 {
	n := s.census.table()
	if n <= len(visible) && visible[gone] == 0 {
		return visible
	}
	table := make([]uint8, max(n, len(visible)))
	copy(table, visible)
	table[gone] = 0
	return table
}

// Keys returns the rows that the search needs; words says whether it is one by
// words, too, or only its filter is applied.
func (x *Search) Keys(words bool) []Key {
	var keys []Key
	for _, g := range x.segments {
		if g.damaged {
			continue
		}
		first := len(keys)
		add := func(hash uint64) { keys = append(keys, Key{g.id, g.lexical.Key(hash)}) }
		x.filter.terms(add)
		if words {
			for _, t := range x.Terms {
				add(t.Hash)
			}
		}
		own := keys[first:]
		slices.SortFunc(own, func(a, b Key) int { return cmp.Compare(a.Key, b.Key) })
		keys = keys[:first+len(slices.Compact(own))]
	}
	return keys
}

// Check returns an error unless data is the row of a key that Keys named.
func (x *Search) Check(k Key, data []byte) error {
	for _, g := range x.segments {
		if g.id == k.Segment {
			return g.lexical.CheckRow(k.Key, data)
		}
	}
	return fmt.Errorf("segment %d is not part of the search", k.Segment)
}

// limits bound what the dense leg looks at where limit chunks are wanted.
func limits(limit int) dense.Limits {
	best := max(250, limit+limit/4)
	return dense.Limits{Least: max(2_000, best), Most: 16_000, Sure: 20, Best: best}
}

// Nearest returns chunks among which are, nearly always, the limit nearest to
// the vector: those whose codes say so, in no order. Their distances are to be
// computed from the vectors themselves.
func (x *Search) Nearest(rows Rows, q *dense.Query, limit int) ([]int64, error) {
	parts := []dense.Part{part(&x.fresh, x.kept)}
	for _, g := range x.segments {
		if g.damaged && len(x.filter.Must)+len(x.filter.Not) > 0 {
			continue // its postings would have to say what passes
		}
		keep, err := x.filter.bitmap(&g.columns, &x.numbers, segmentMarker(g, rows))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part(&g.columns, keep))
	}
	found := q.Nearest(parts, x.visible, limits(limit))
	chunks := make([]int64, len(found))
	for i, c := range found {
		chunks[i] = c.Chunk
	}
	return chunks, nil
}

func part(c *columns, keep []uint64) dense.Part {
	return dense.Part{Chunks: c.chunks, Codes: c.codes, Has: c.has, Classes: c.classes, Keep: keep}
}
