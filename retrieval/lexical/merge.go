package lexical

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// Source is a segment to merge.
type Source struct {
	Segment *Segment
	Keep    []bool // by ordinal: false for chunks that are gone; nil keeps all
	// Rows yields the stored rows with from <= key <= to in ascending order of key.
	// What it yields is not kept.
	Rows func(from, to int64) iter.Seq2[Row, error]
}

// SourceError says which source of a merge could not be read, and why.
type SourceError struct {
	Source int
	Err    error
}

func (e *SourceError) Error() string { return e.Err.Error() }

func (e *SourceError) Unwrap() error { return e.Err }

// Merge packs the chunks that are kept of several segments, at most MaxSegment,
// into one; chunk ids may interleave but must be distinct. One source alone is
// rewritten without what is gone. Rows of the sources are read while those of the
// new segment are, by ranges of hashes: of a large segment about a sixteenth at a
// time. The rows of a source are checked; a missing or damaged one is ErrMalformed
// in a SourceError.
func Merge(sources []Source) (*Builder, error) {
	kept, err := keptChunks(sources)
	if err != nil {
		return nil, err
	}
	b := newBuilder(len(kept))
	moved := make([][]int32, len(sources)) // old ordinal → new, -1 for what is gone
	for i, s := range sources {
		moved[i] = slices.Repeat([]int32{-1}, len(s.Segment.Chunks))
	}
	for ord, c := range kept {
		s := sources[c.source].Segment
		b.add(c.chunk, s.Lengths[c.ord], s.Names[s.Languages[c.ord]])
		moved[c.source][c.ord] = int32(ord)
	}
	b.gather = func(g *gathering, first, last uint64) error {
		for i, s := range sources {
			if err := g.addSource(s, moved[i], first, last); err != nil {
				return &SourceError{i, err}
			}
		}
		return nil
	}
	return b, nil
}

// keptChunk says where a chunk is found before a merge.
type keptChunk struct {
	chunk       int64
	source, ord int
}

// keptChunks returns the chunks that a merge keeps, in ascending order.
func keptChunks(sources []Source) ([]keptChunk, error) {
	var kept []keptChunk
	for i, s := range sources {
		if s.Keep != nil && len(s.Keep) != len(s.Segment.Chunks) {
			return nil, fmt.Errorf("source %d says of %d chunks whether they are kept, and has %d", i, len(s.Keep), len(s.Segment.Chunks))
		}
		for ord, chunk := range s.Segment.Chunks {
			if s.Keep == nil || s.Keep[ord] {
				kept = append(kept, keptChunk{chunk, i, ord})
			}
		}
	}
	if len(kept) > MaxSegment {
		return nil, fmt.Errorf("%d chunks for one segment, which holds %d", len(kept), MaxSegment)
	}
	slices.SortFunc(kept, func(a, b keptChunk) int { return cmp.Compare(a.chunk, b.chunk) })
	for i := 1; i < len(kept); i++ {
		if kept[i].chunk == kept[i-1].chunk {
			return nil, fmt.Errorf("chunk %d is in two segments", kept[i].chunk)
		}
	}
	return kept, nil
}

// addSource adds the postings of the terms from first to last of one source.
func (g *gathering) addSource(src Source, moved []int32, first, last uint64) error {
	s := src.Segment
	buckets := func(yield func(int64) bool) {
		for key := s.bucketKey(first); key <= s.bucketKey(last) && yield(key); key++ {
		}
	}
	if err := g.addRows(src, moved, buckets, first, last); err != nil {
		return err
	}
	from, _ := slices.BinarySearch(s.big, first)
	to, found := slices.BinarySearch(s.big, last)
	if found {
		to++
	}
	if from == to {
		return nil
	}
	return g.addRows(src, moved, func(yield func(int64) bool) {
		for _, hash := range s.big[from:to] {
			if !yield(int64(hash)) {
				return
			}
		}
	}, first, last)
}

// addRows adds the terms from first to last of the rows with the given keys,
// which ascend and are all that the source has between the first and the last.
func (g *gathering) addRows(src Source, moved []int32, keys iter.Seq[int64], first, last uint64) error {
	expected := slices.Collect(keys)
	n := 0
	for row, err := range src.Rows(expected[0], expected[len(expected)-1]) {
		if err != nil {
			return err
		}
		if n == len(expected) || row.Key != expected[n] {
			return fmt.Errorf("%w: row %d is not the next of the segment", ErrMalformed, row.Key)
		}
		n++
		if err := src.Segment.CheckRow(row.Key, row.Data); err != nil {
			return err
		}
		g.addRow(row, moved, first, last)
	}
	if n < len(expected) {
		return fmt.Errorf("%w: row %d is missing", ErrMalformed, expected[n])
	}
	return nil
}

// addRow adds the terms from first to last of a row that was checked.
func (g *gathering) addRow(row Row, moved []int32, first, last uint64) {
	payload := row.Data[checksumSize:]
	if row.Key >= 0 {
		g.addBlob(uint64(row.Key), payload, moved)
		return
	}
	d, err := directoryOf(row.Key, payload)
	if err != nil {
		return
	}
	blobs := d.blobs
	for i := range d.n {
		size := postingSize * int(d.counts[i])
		if hash := d.hash(i); first <= hash && hash <= last {
			g.addBlob(hash, blobs[:size], moved)
		}
		blobs = blobs[size:]
	}
}

// addBlob adds the postings of a term that remain.
func (g *gathering) addBlob(hash uint64, blob []byte, moved []int32) {
	n := len(blob) / postingSize
	ords, tfs := blob[:2*n], blob[2*n:]
	before := len(g.met)
	for i, tf := range tfs {
		if ord := moved[le16(ords[2*i:])]; ord >= 0 {
			g.met = append(g.met, uint32(ord)<<8|uint32(tf))
		}
	}
	if n := len(g.met) - before; n > 0 {
		g.add(hash, uint32(n))
	}
}
