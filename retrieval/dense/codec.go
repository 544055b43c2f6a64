package dense

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// ErrMalformed is returned for bytes that Encode cannot have made of the chunks
// that are asked for.
var ErrMalformed = errors.New("malformed codes")

// The encoded form, little endian: version, 1 if a bitmap follows, words of the
// signs (2 bytes), chunks (4 bytes); the bitmap; of the chunks that have a code, in
// order, first the signs and then what is beside them; the CRC-32C of all before.
const (
	codecVersion = 2
	codecHeader  = 8
	codecSum     = crc32.Size
)

func checksum(data []byte) uint32 {
	return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// Encode returns a form to be stored of the codes of n chunks and of the bitmap of
// the chunks that have one, nil for all. Chunks without a code take no room; what
// codes holds for them is lost. It panics if codes or a bitmap is too short.
func Encode(codes Codes, has []uint64, n int) []byte {
	bitmap := []uint64(nil)
	if has != nil {
		bitmap = trimmed(has[:(n+63)/64], n)
	}
	size := codecHeader + 8*(len(bitmap)+codes.Size()*count(bitmap, n)) + codecSum
	data := make([]byte, codecHeader, size)
	data[0] = codecVersion
	if has != nil {
		data[1] = 1
	}
	binary.LittleEndian.PutUint16(data[2:], uint16(codes.words))
	binary.LittleEndian.PutUint32(data[4:], uint32(n))
	data = appendWords(data, bitmap)
	data = appendHad(data, codes.signs, bitmap, n, codes.words)
	data = appendHad(data, codes.finer, bitmap, n, finerWords(codes.words))
	return binary.LittleEndian.AppendUint32(data, checksum(data))
}

// appendHad appends the rows, so many words each, of those of n chunks that a
// bitmap has.
func appendHad(data []byte, rows, bitmap []uint64, n, words int) []byte {
	for i := range n {
		if word(bitmap, i/64)>>(i%64)&1 == 1 {
			data = appendWords(data, rows[i*words:(i+1)*words])
		}
	}
	return data
}

// Decode returns the codes and the bitmap that Encode was given for n chunks whose
// signs have so many words, or ErrMalformed. Codes of chunks that have none are
// zero.
func Decode(data []byte, n, words int) (codes Codes, has []uint64, err error) {
	if len(data) < codecHeader+codecSum || data[0] != codecVersion || data[1] > 1 {
		return Codes{}, nil, fmt.Errorf("%w: no header of version %d", ErrMalformed, codecVersion)
	}
	body, sum := data[:len(data)-codecSum], data[len(data)-codecSum:]
	if checksum(body) != binary.LittleEndian.Uint32(sum) {
		return Codes{}, nil, fmt.Errorf("%w: wrong checksum", ErrMalformed)
	}
	gotWords, gotChunks := int(binary.LittleEndian.Uint16(data[2:])), int(binary.LittleEndian.Uint32(data[4:]))
	if gotWords != words || gotChunks != n {
		return Codes{}, nil, fmt.Errorf("%w: %d chunks of %d words, want %d of %d", ErrMalformed, gotChunks, gotWords, n, words)
	}
	body = body[codecHeader:]
	if data[1] == 1 {
		size := 8 * ((n + 63) / 64)
		if len(body) < size {
			return Codes{}, nil, fmt.Errorf("%w: bitmap cut off", ErrMalformed)
		}
		has = wordsOf(body[:size])
		body = body[size:]
		if n%64 != 0 && has[len(has)-1]>>(n%64) != 0 {
			return Codes{}, nil, fmt.Errorf("%w: bits past the last chunk", ErrMalformed)
		}
	}
	with := count(has, n)
	if len(body) != 8*with*(words+finerWords(words)) {
		return Codes{}, nil, fmt.Errorf("%w: %d bytes of codes, want %d", ErrMalformed, len(body), 8*with*(words+finerWords(words)))
	}
	codes = MakeCodes(n, words)
	scatter(codes.signs, body[:8*with*words], has, n, words)
	scatter(codes.finer, body[8*with*words:], has, n, finerWords(words))
	for i := range codes.Len() {
		codes.note(i)
	}
	return codes, has, nil
}

// scatter fills the rows of n chunks, so many words each, of which body holds those
// that a bitmap has.
func scatter(rows []uint64, body []byte, has []uint64, n, words int) {
	if has == nil {
		copyWords(rows, body)
		return
	}
	for i := range n {
		if has[i/64]>>(i%64)&1 == 1 {
			copyWords(rows[i*words:(i+1)*words], body)
			body = body[8*words:]
		}
	}
}

// trimmed returns a copy of the bitmap without bits past n.
func trimmed(bitmap []uint64, n int) []uint64 {
	out := append(make([]uint64, 0, len(bitmap)), bitmap...)
	if n%64 != 0 {
		out[len(out)-1] &= 1<<(n%64) - 1
	}
	return out
}

// count returns how many of n chunks a bitmap has, nil for all.
func count(bitmap []uint64, n int) int {
	if bitmap == nil {
		return n
	}
	ones := 0
	for _, w := range bitmap {
		ones += bits.OnesCount64(w)
	}
	return ones
}

func appendWords(data []byte, words []uint64) []byte {
	for _, w := range words {
		data = binary.LittleEndian.AppendUint64(data, w)
	}
	return data
}

func wordsOf(data []byte) []uint64 {
	words := make([]uint64, len(data)/8)
	copyWords(words, data)
	return words
}

func copyWords(dst []uint64, data []byte) {
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
}
