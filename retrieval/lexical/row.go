package lexical

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
)

// Row is one row of postings as it is stored.
type Row struct {
	Key  int64  // unique within the segment
	Data []byte // CRC-32C of the segment's nonce, key and payload, little endian, then the payload
}

// A blob holds the postings of a term: n ordinals of two bytes, then n
// frequencies of one byte. It is the payload of a big term's row. That of a
// bucket row begins with a directory: the number of terms (4 bytes), their hashes
// (8 bytes each), ascending, and the numbers of their postings (1 byte each);
// then follow their blobs. All numbers are little endian.
const (
	checksumSize = 4
	countSize    = 4
	entrySize    = 8 + 1 // of the directory
	postingSize  = 2 + 1
	maxBlob      = 512 // bytes of a blob in a bucket
	maxSmall     = maxBlob / postingSize
)

// checksum returns the CRC-32C of a row of the segment. The nonce makes a row of
// another segment wrong here, whatever key it has.
func (s *Segment) checksum(key int64, payload []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli) // the library's own table, made once
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], s.nonce)
	binary.LittleEndian.PutUint64(head[8:], uint64(key))
	from := 0
	if s.nonce == 0 { // of version 1
		from = 8
	}
	return crc32.Update(crc32.Checksum(head[from:], castagnoli), castagnoli, payload)
}

// CheckRow returns ErrMalformed unless data is the stored form of the row with
// that key in this segment and no other: the checksum is right, terms and ordinals
// ascend, and the ordinals are those of chunks. To be called once, when a row was read.
func (s *Segment) CheckRow(key int64, data []byte) error {
	payload, err := payloadOf(key, data)
	if err != nil {
		return err
	}
	if s.checksum(key, payload) != binary.LittleEndian.Uint32(data) {
		return fmt.Errorf("%w: row %d has a wrong checksum or is of another segment", ErrMalformed, key)
	}
	if key >= 0 {
		ords, tfs, err := splitBlob(key, payload)
		if err != nil {
			return err
		}
		return s.checkBlob(key, ords, tfs)
	}
	d, err := directoryOf(key, payload)
	if err != nil {
		return err
	}
	return s.checkBucket(key, d)
}

func (s *Segment) checkBucket(key int64, d directory) error {
	rest := d.blobs
	for i := range d.n {
		hash := d.hash(i)
		if hash>>63 != 0 || s.bucketKey(hash) != key || i > 0 && hash <= d.hash(i-1) {
			return fmt.Errorf("%w: hashes of row %d are out of order", ErrMalformed, key)
		}
		size := postingSize * int(d.counts[i])
		if size > len(rest) {
			return fmt.Errorf("%w: row %d is cut off", ErrMalformed, key)
		}
		ords, tfs, err := splitBlob(key, rest[:size])
		if err != nil {
			return err
		}
		if err := s.checkBlob(key, ords, tfs); err != nil {
			return err
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: row %d is too long", ErrMalformed, key)
	}
	return nil
}

// checkBlob checks the postings of one term.
func (s *Segment) checkBlob(key int64, ords, tfs []byte) error {
	prev := -1
	for i, tf := range tfs {
		ord := int(le16(ords[2*i:]))
		if ord <= prev || tf == 0 {
			return fmt.Errorf("%w: postings of row %d are out of order", ErrMalformed, key)
		}
		prev = ord
	}
	if prev < 0 || prev >= len(s.Chunks) {
		return fmt.Errorf("%w: row %d has a term of no chunk of the segment", ErrMalformed, key)
	}
	return nil
}

// payloadOf returns what follows the checksum.
func payloadOf(key int64, data []byte) ([]byte, error) {
	if len(data) < checksumSize {
		return nil, fmt.Errorf("%w: row %d is missing or cut off", ErrMalformed, key)
	}
	return data[checksumSize:], nil
}

// splitBlob returns ordinals and frequencies of a blob.
func splitBlob(key int64, blob []byte) (ords, tfs []byte, err error) {
	if len(blob)%postingSize != 0 {
		return nil, nil, fmt.Errorf("%w: row %d is cut off", ErrMalformed, key)
	}
	n := len(blob) / postingSize
	return blob[: 2*n : 2*n], blob[2*n:], nil
}

// directory is the payload of a bucket row.
type directory struct {
	n      int
	hashes []byte
	counts []byte
	blobs  []byte
}

func directoryOf(key int64, payload []byte) (directory, error) {
	if len(payload) < countSize {
		return directory{}, fmt.Errorf("%w: row %d is cut off", ErrMalformed, key)
	}
	n, rest := int(binary.LittleEndian.Uint32(payload)), payload[countSize:]
	if n > len(rest)/entrySize {
		return directory{}, fmt.Errorf("%w: row %d is cut off", ErrMalformed, key)
	}
	return directory{n: n, hashes: rest[:8*n], counts: rest[8*n : entrySize*n], blobs: rest[entrySize*n:]}, nil
}

func (d directory) hash(i int) uint64 { return binary.LittleEndian.Uint64(d.hashes[8*i:]) }

// find returns the position of a term.
func (d directory) find(hash uint64) (int, bool) {
	i := sort.Search(d.n, func(i int) bool { return d.hash(i) >= hash })
	return i, i < d.n && d.hash(i) == hash
}

// blob returns the postings of the term at a position.
func (d directory) blob(key int64, i int) (ords, tfs []byte, err error) {
	before := 0
	for _, n := range d.counts[:i] {
		before += int(n)
	}
	start, size := postingSize*before, postingSize*int(d.counts[i])
	if start+size > len(d.blobs) {
		return nil, nil, fmt.Errorf("%w: row %d is cut off", ErrMalformed, key)
	}
	return splitBlob(key, d.blobs[start:start+size])
}

// bucketRow returns the row of a bucket from its small terms.
func (s *Segment) bucketRow(key int64, terms []postingList, postings []uint32) Row {
	n, size := 0, countSize
	for _, t := range terms {
		if !t.big() {
			n++
			size += entrySize + postingSize*int(t.n)
		}
	}
	data := binary.LittleEndian.AppendUint32(make([]byte, checksumSize, checksumSize+size), uint32(n))
	for _, t := range terms {
		if !t.big() {
			data = binary.LittleEndian.AppendUint64(data, t.hash)
		}
	}
	for _, t := range terms {
		if !t.big() {
			data = append(data, uint8(t.n))
		}
	}
	for _, t := range terms {
		if !t.big() {
			data = appendBlob(data, postings[t.start:t.start+t.n])
		}
	}
	return s.sealed(key, data)
}

// bigRow returns the row of a big term.
func (s *Segment) bigRow(t postingList, postings []uint32) Row {
	data := make([]byte, checksumSize, checksumSize+postingSize*int(t.n))
	return s.sealed(int64(t.hash), appendBlob(data, postings[t.start:t.start+t.n]))
}

// sealed puts the checksum into its place.
func (s *Segment) sealed(key int64, data []byte) Row {
	binary.LittleEndian.PutUint32(data, s.checksum(key, data[checksumSize:]))
	return Row{Key: key, Data: data}
}

func appendBlob(data []byte, postings []uint32) []byte {
	for _, p := range postings {
		data = append(data, byte(p>>8), byte(p>>16))
	}
	for _, p := range postings {
		data = append(data, byte(p))
	}
	return data
}
