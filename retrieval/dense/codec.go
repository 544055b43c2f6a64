package dense

import "errors"

// ErrMalformed is returned for bytes that Encode cannot have made of the chunks
// that are asked for.
var ErrMalformed = errors.New("malformed codes")

// Encode returns a form to be stored of the codes of n chunks, words each, and
// of the bitmap of those that have one, nil for all.
func Encode(codes []uint64, has []uint64, n, words int) []byte { return nil }

// Decode returns what Encode was given, or ErrMalformed.
func Decode(data []byte, n, words int) (codes, has []uint64, err error) { return nil, nil, ErrMalformed }
