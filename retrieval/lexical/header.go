package lexical

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// headerVersion is that of the stored form of a Segment. Version 1, which is still
// read, had no nonce, in the header and in the checksums of rows.
const headerVersion = 2

const nonceSize = 8

// maxBits bounds the buckets of a segment to 16 million.
const maxBits = 24

// MarshalBinary returns the stored form of the segment without its postings:
// a version byte, the CRC-32C of the rest, the nonce (8 bytes, little endian), the
// bits of buckets (1 byte), the number of chunks (varint), their ids as differences (varints), lengths (2
// bytes each, little endian), languages (1 byte each), the names of languages,
// and the hashes of big terms (8 bytes each). The error is always nil.
func (s *Segment) MarshalBinary() ([]byte, error) {
	data := make([]byte, headerStart, headerStart+8*len(s.Chunks)+8*len(s.big)+64)
	data[0] = headerVersion
	data = binary.LittleEndian.AppendUint64(data, s.nonce)
	data = append(data, s.bits)
	data = binary.AppendUvarint(data, uint64(len(s.Chunks)))
	prev := int64(0)
	for i, chunk := range s.Chunks {
		if i == 0 {
			data = binary.AppendVarint(data, chunk)
		} else {
			data = binary.AppendUvarint(data, uint64(chunk)-uint64(prev))
		}
		prev = chunk
	}
	for _, length := range s.Lengths {
		data = binary.LittleEndian.AppendUint16(data, length)
	}
	data = append(data, s.Languages...)
	data = append(data, uint8(len(s.Names)-1)) // the first is always ""
	for _, name := range s.Names[1:] {
		data = append(append(data, uint8(len(name))), name...)
	}
	data = binary.AppendUvarint(data, uint64(len(s.big)))
	for _, hash := range s.big {
		data = binary.LittleEndian.AppendUint64(data, hash)
	}
	binary.LittleEndian.PutUint32(data[1:], headerChecksum(data))
	return data, nil
}

// headerStart is the offset of what the checksum covers.
const headerStart = 1 + checksumSize

func headerChecksum(data []byte) uint32 {
	return crc32.Checksum(data[headerStart:], crc32.MakeTable(crc32.Castagnoli))
}

// ParseSegment returns the segment of which MarshalBinary returned data, or
// ErrMalformed. It does not keep data.
func ParseSegment(data []byte) (*Segment, error) {
	switch {
	case len(data) < headerStart+1:
		return nil, fmt.Errorf("%w: the segment is cut off", ErrMalformed)
	case data[0] == 0 || data[0] > headerVersion:
		return nil, fmt.Errorf("%w: the segment is of version %d, not of 1 to %d", ErrMalformed, data[0], headerVersion)
	case binary.LittleEndian.Uint32(data[1:]) != headerChecksum(data):
		return nil, fmt.Errorf("%w: the segment has a wrong checksum", ErrMalformed)
	}
	r := headerReader{data: data[headerStart:]}
	s := &Segment{}
	if data[0] > 1 {
		s.nonce = binary.LittleEndian.Uint64(r.bytes(nonceSize))
	}
	s.bits = r.bytes(1)[0]
	if s.bits > maxBits {
		r.fail("too many buckets")
	}
	n := r.count(MaxSegment, 1+2+1)
	s.Chunks = r.chunks(n)
	s.Lengths = make([]uint16, n)
	lengths := r.bytes(2 * n)
	s.Languages = append(make([]uint8, 0, n), r.bytes(n)...)
	s.Names = r.names()
	s.big = r.hashes()
	if r.err == nil && len(r.data) > 0 {
		r.fail("too long")
	}
	if r.err != nil {
		return nil, r.err
	}
	for i := range s.Lengths {
		s.Lengths[i] = le16(lengths[2*i:])
		if int(s.Languages[i]) >= len(s.Names) {
			return nil, fmt.Errorf("%w: the segment names no such language", ErrMalformed)
		}
	}
	return s, nil
}

// headerReader reads a header and remembers the first error; after it, it
// returns nothing.
type headerReader struct {
	data []byte
	err  error
}

func (r *headerReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: the segment is %s", ErrMalformed, what)
	}
	r.data = nil
}

// bytes returns the next n bytes; zeros when they are missing.
func (r *headerReader) bytes(n int) []byte {
	if n > len(r.data) {
		r.fail("cut off")
		return make([]byte, min(n, 2*MaxSegment))
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *headerReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail("cut off")
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count returns a number of items of at least size bytes each.
func (r *headerReader) count(limit, size int) int {
	n := r.uvarint()
	if n > uint64(min(limit, len(r.data)/size)) {
		r.fail("cut off or too large")
		return 0
	}
	return int(n)
}

func (r *headerReader) chunks(n int) []int64 {
	chunks := make([]int64, n)
	for i := range chunks {
		if i == 0 {
			v := r.uvarint() // zigzag, as binary.AppendVarint writes it
			chunks[0] = int64(v>>1) ^ -int64(v&1)
			continue
		}
		chunks[i] = int64(uint64(chunks[i-1]) + r.uvarint())
		if chunks[i] <= chunks[i-1] {
			r.fail("out of order")
			return chunks
		}
	}
	return chunks
}

func (r *headerReader) names() []string {
	names := make([]string, 1, 4)
	for range int(r.bytes(1)[0]) {
		names = append(names, string(r.bytes(int(r.bytes(1)[0]))))
	}
	return names
}

func (r *headerReader) hashes() []uint64 {
	n := r.count(math.MaxInt32, 8)
	hashes := make([]uint64, n)
	for i, data := 0, r.bytes(8*n); i < n; i++ {
		hashes[i] = binary.LittleEndian.Uint64(data[8*i:])
		if hashes[i]>>63 != 0 || i > 0 && hashes[i] <= hashes[i-1] {
			r.fail("out of order")
			break
		}
	}
	return hashes
}
