package lexical

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is returned for bytes that cannot be what this package wrote.
var ErrMalformed = errors.New("malformed index data")

// EncodeTerms returns a compact form of terms, which must ascend strictly by hash.
//
// Each term is the difference to the hash before it, as a varint whose lowest
// bit says whether the frequency is 1; if not, the frequency follows as a byte.
func EncodeTerms(terms []Term) []byte {
	data := make([]byte, 0, 9*len(terms))
	prev := uint64(0)
	for _, t := range terms {
		delta := (t.Hash - prev) << 1
		prev = t.Hash
		if t.TF == 1 {
			data = binary.AppendUvarint(data, delta|1)
			continue
		}
		data = append(binary.AppendUvarint(data, delta), t.TF)
	}
	return data
}

// DecodeTerms returns the terms that EncodeTerms was given, or ErrMalformed.
func DecodeTerms(data []byte) ([]Term, error) {
	terms := make([]Term, 0, len(data)/8)
	for d := (decoder{data: data}); len(d.data) > 0; {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// CheckTerms returns the error that DecodeTerms would return.
func CheckTerms(data []byte) error {
	for d := (decoder{data: data}); len(d.data) > 0; {
		if _, err := d.next(); err != nil {
			return err
		}
	}
	return nil
}

// decoder reads encoded terms one after the other.
type decoder struct {
	data  []byte
	prev  uint64
	begun bool
}

// next returns the next term; data must not be empty.
func (d *decoder) next() (Term, error) {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		return Term{}, fmt.Errorf("%w: varint cut off or too long", ErrMalformed)
	}
	d.data = d.data[n:]
	t := Term{Hash: d.prev + v>>1, TF: 1}
	if t.Hash>>63 != 0 || d.begun && v>>1 == 0 {
		return Term{}, fmt.Errorf("%w: hashes do not ascend within 63 bits", ErrMalformed)
	}
	if v&1 == 0 {
		if len(d.data) == 0 || d.data[0] < 2 {
			return Term{}, fmt.Errorf("%w: frequency missing or below 2", ErrMalformed)
		}
		t.TF = d.data[0]
		d.data = d.data[1:]
	}
	d.prev, d.begun = t.Hash, true
	return t, nil
}
