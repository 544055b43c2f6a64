package lexical

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
)

// Entry is a chunk to pack into a segment.
type Entry struct {
	Chunk    int64
	Length   int    // as Terms returned it
	Language string // ISO 639-1 code; empty when unknown
	Terms    []byte // from EncodeTerms
}

// Builder is a segment in the making: take all of Rows, then Segment. It is not
// for several goroutines.
type Builder struct {
	segment    *Segment
	partitions uint // postings are gathered in 1<<partitions parts by the leading bits of their hashes
	// gather adds the postings of the terms from first to last. It is called for
	// one part after the other, in ascending order.
	gather      func(g *gathering, first, last uint64) error
	begun, done bool
}

const (
	// bucketTarget is the average size of bucket rows that is aimed at, in bytes.
	bucketTarget = 1400
	// Segments above partChunks chunks are packed in 1<<partBits parts.
	partChunks = 4096
	partBits   = 4
)

// Build packs entries, at most MaxSegment in strictly ascending order of chunk
// id, into a segment. The error is ErrMalformed when the terms of an entry cannot
// be decoded. The terms are read while the rows are.
func Build(entries []Entry) (*Builder, error) {
	if len(entries) > MaxSegment {
		return nil, fmt.Errorf("%d chunks for one segment, which holds %d", len(entries), MaxSegment)
	}
	b := newBuilder(len(entries))
	cursors := make([]decoder, len(entries))
	for i, e := range entries {
		if i > 0 && e.Chunk <= entries[i-1].Chunk {
			return nil, fmt.Errorf("chunk %d after chunk %d", e.Chunk, entries[i-1].Chunk)
		}
		if err := CheckTerms(e.Terms); err != nil {
			return nil, fmt.Errorf("chunk %d: %w", e.Chunk, err)
		}
		cursors[i].data = e.Terms
		b.add(e.Chunk, ClampLength(e.Length), e.Language)
	}
	b.gather = func(g *gathering, _, last uint64) error {
		for ord := range cursors {
			if err := g.addTerms(&cursors[ord], uint32(ord), last); err != nil {
				return err
			}
		}
		return nil
	}
	return b, nil
}

func newBuilder(chunks int) *Builder {
	b := &Builder{segment: &Segment{
		nonce:     rand.Uint64N(math.MaxUint64) + 1, // never 0
		Chunks:    make([]int64, 0, chunks),
		Lengths:   make([]uint16, 0, chunks),
		Languages: make([]uint8, 0, chunks),
		Names:     []string{""},
	}}
	if chunks > partChunks {
		b.partitions = partBits
	}
	return b
}

// add appends a chunk without its postings.
func (b *Builder) add(chunk int64, length uint16, language string) {
	s := b.segment
	s.Chunks = append(s.Chunks, chunk)
	s.Lengths = append(s.Lengths, length)
	var i uint8
	i, s.Names = languageIndex(s.Names, language)
	s.Languages = append(s.Languages, i)
}

// Rows yields every row of the segment once, for each part of the hashes first
// its buckets and then its big terms, each in ascending order of key. It ends
// after an error. It can be ranged over once; rows may be kept.
func (b *Builder) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if b.begun {
			yield(Row{}, errors.New("the rows of a segment in the making were taken before"))
			return
		}
		b.begun = true
		var g gathering
		shift := 63 - b.partitions
		for part := range uint64(1) << b.partitions {
			first := part << shift
			last := first + (1<<shift - 1)
			g.reset()
			if err := b.gather(&g, first, last); err != nil {
				yield(Row{}, err)
				return
			}
			terms := g.join()
			if part == 0 { // hashes are spread evenly: the other parts are like it
				b.segment.bits = uint8(max(bucketBits(terms, b.partitions), b.partitions))
			}
			if !b.emit(terms, g.joined, first, last, yield) {
				return
			}
		}
		b.done = true
	}
}

// Segment returns the segment once Rows has yielded all of its rows without an
// error, nil before.
func (b *Builder) Segment() *Segment {
	if !b.done {
		return nil
	}
	return b.segment
}

// emit yields the rows of the terms from first to last.
func (b *Builder) emit(terms []postingList, postings []uint32, first, last uint64, yield func(Row, error) bool) bool {
	s := b.segment
	shift := 63 - s.bits
	rest := terms
	for bucket := first >> shift; bucket <= last>>shift; bucket++ {
		n := 0
		for n < len(rest) && rest[n].hash>>shift == bucket {
			n++
		}
		if !yield(s.bucketRow(s.bucketKey(bucket<<shift), rest[:n], postings), nil) {
			return false
		}
		rest = rest[n:]
	}
	for _, t := range terms {
		if t.big() {
			s.big = append(s.big, t.hash)
			if !yield(s.bigRow(t, postings), nil) {
				return false
			}
		}
	}
	return true
}

// bucketBits returns how many bits of the hash name a bucket when terms are one
// of 1<<partitions parts.
func bucketBits(terms []postingList, partitions uint) uint {
	size := 0
	for _, t := range terms {
		if !t.big() {
			size += entrySize + postingSize*int(t.n)
		}
	}
	buckets := float64(size) / bucketTarget * float64(uint64(1)<<partitions)
	return uint(min(math.Round(math.Log2(max(buckets, 1))), maxBits))
}

// languageIndex returns the index of a language in names, which begin with "",
// and the names, with that of the language when it is new. Beyond 255 languages,
// and with a tag of more than 255 bytes, a language counts as unknown.
func languageIndex(names []string, tag string) (uint8, []string) {
	tag = PrimaryLanguage(tag)
	i := slices.Index(names, tag)
	switch {
	case i >= 0:
		return uint8(i), names
	case len(names) > math.MaxUint8 || len(tag) > math.MaxUint8:
		return 0, names
	}
	return uint8(len(names)), append(names, tag)
}
