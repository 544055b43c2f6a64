package lexical

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// MaxSegment is the largest number of chunks of a segment: an ordinal has 16 bits.
const MaxSegment = 1 << 16

// Segment is what is kept in memory of a segment, an immutable part of the index
// that is stored as rows of postings; its rows are fetched when a query needs
// them. A chunk is known in it by its ordinal, its rank by chunk id.
//
// Each term belongs to one row alone. A term of few postings shares a bucket row
// with those whose hashes begin with the same bits; the others, the big terms,
// have a row of their own. Keys of bucket rows are negative, ascending with the
// hashes; the key of a big term's row is its hash.
//
// A Segment may be used by several goroutines at once. Its fields are not to be
// written to.
type Segment struct {
	Chunks    []int64  // by ordinal, strictly ascending
	Lengths   []uint16 // by ordinal, as Terms returned them
	Languages []uint8  // by ordinal, an index into Names
	Names     []string // of languages: ISO 639-1 codes; the first is "", unknown

	nonce uint64   // random, of this segment alone; 0: of version 1, which had none
	bits  uint8    // there are 1<<bits buckets
	big   []uint64 // hashes of the big terms, strictly ascending
}

// Key returns the key of the one row that can hold a term, a hash of 63 bits.
func (s *Segment) Key(hash uint64) int64 {
	if _, ok := slices.BinarySearch(s.big, hash); ok {
		return int64(hash)
	}
	return s.bucketKey(hash)
}

// Keys yields the key of every row of the segment in ascending order. Buckets
// have a row even when they hold no term: a row that is missing is damaged
// storage or a segment that was merged away, never a term that nothing holds.
func (s *Segment) Keys() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for key := s.bucketKey(0); key < 0; key++ {
			if !yield(key) {
				return
			}
		}
		for _, hash := range s.big {
			if !yield(int64(hash)) {
				return
			}
		}
	}
}

// bucketKey returns the key of the bucket into which a hash falls.
func (s *Segment) bucketKey(hash uint64) int64 {
	return int64(hash>>(63-s.bits)) - 1<<s.bits
}

// Postings returns the postings of a term from the row that Key names, of which
// data is the stored form: ordinals in ascending order, two bytes each (little
// endian), and as many frequencies, one byte each. Both are parts of data and
// empty when no chunk of the segment holds the term. Any data is read without a
// panic, but only after CheckRow are the postings known to be whole and within
// the segment. The error is ErrMalformed.
func (s *Segment) Postings(key int64, data []byte, hash uint64) (ords, tfs []byte, err error) {
	payload, err := payloadOf(key, data)
	if err != nil {
		return nil, nil, err
	}
	if key >= 0 {
		if uint64(key) != hash {
			return nil, nil, nil
		}
		return splitBlob(key, payload)
	}
	d, err := directoryOf(key, payload)
	if err != nil {
		return nil, nil, err
	}
	i, ok := d.find(hash)
	if !ok {
		return nil, nil, nil
	}
	return d.blob(key, i)
}

// Each calls do with every term of a row that CheckRow has passed.
func (s *Segment) Each(key int64, data []byte, do func(hash uint64, ords, tfs []byte)) error {
	payload, err := payloadOf(key, data)
	if err != nil {
		return err
	}
	if key >= 0 {
		ords, tfs, err := splitBlob(key, payload)
		if err == nil {
			do(uint64(key), ords, tfs)
		}
		return err
	}
	d, err := directoryOf(key, payload)
	if err != nil {
		return err
	}
	for i := range d.n {
		ords, tfs, err := d.blob(key, i)
		if err != nil {
			return err
		}
		do(d.hash(i), ords, tfs)
	}
	return nil
}

// checkLast returns ErrMalformed unless the last, so the largest, ordinal of a
// term is that of a chunk.
func (s *Segment) checkLast(key int64, ords []byte) error {
	if n := len(ords); n > 0 && int(le16(ords[n-2:])) >= len(s.Chunks) {
		return fmt.Errorf("%w: row %d names chunks outside the segment", ErrMalformed, key)
	}
	return nil
}

// Mark sets the bits of ordinals as Postings returns them. The bitmap must have a
// bit for each.
func Mark(bitmap []uint64, ords []byte) {
	for ; len(ords) >= 2; ords = ords[2:] {
		ord := le16(ords)
		bitmap[ord>>6] |= 1 << (ord & 63)
	}
}

// le16 reads a little-endian number of two bytes.
func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
