package dense

import (
	"fmt"
	"slices"
	"sync"
)

// MaxDim is the most dimensions that a vector space may have.
const MaxDim = 4096

// Coder turns the vectors of one space into codes. Codes of one Coder compare
// with its queries only. It is immutable and may be used by several goroutines
// at once.
type Coder struct {
	dim      int
	words    int
	centre   []float32 // nil is the origin
	rotation rotation
	scratch  sync.Pool // of *[]float32: two vectors of 64 × words
}

// NewCoder returns the coder of a space of 1 to 4,096 dimensions; it panics at
// other numbers. The centre, nil for the origin, should be about the mean of the
// space's vectors, see Centre. Coders of equal arguments make equal codes, today
// and in later versions.
func NewCoder(dim int, centre []float32, seed uint64) *Coder {
	if dim < 1 || dim > MaxDim {
		panic(fmt.Sprintf("dense: %d dimensions, want 1 to %d", dim, MaxDim))
	}
	if centre != nil && len(centre) != dim {
		panic(fmt.Sprintf("dense: a centre of %d dimensions in a space of %d", len(centre), dim))
	}
	words := (dim + 63) / 64
	return &Coder{dim: dim, words: words, centre: slices.Clone(centre), rotation: newRotation(64*words, seed)}
}

// Words returns the number of words of a code's signs.
func (c *Coder) Words() int { return c.words }

// Append appends the code of a vector to dst. Its first Words words are the signs:
// bit i%64 of word i/64 is set where component i of the centred, rotated vector is
// negative. It panics if the vector is not of the space's length.
func (c *Coder) Append(dst []uint64, v []float32) []uint64 {
	buffer := c.buffer()
	defer c.scratch.Put(buffer)
	x := c.rotate(*buffer, v)
	return appendFiner(appendSigns(dst, x), x, c.shift(v))
}

// shift returns the inner product of what a vector differs from the centre by with
// the centre: that of two vectors is, but for what depends on only one of them,
// which is the query's, the one of what both differ from the centre by and this.
func (c *Coder) shift(v []float32) float32 {
	sum := 0.0
	for i, m := range c.centre {
		sum += float64(float64(v[i]-m) * float64(m))
	}
	return float32(sum)
}

func (c *Coder) buffer() *[]float32 {
	if buffer, ok := c.scratch.Get().(*[]float32); ok {
		return buffer
	}
	buffer := make([]float32, 2*64*c.words)
	return &buffer
}

// rotate returns the centred, rotated vector, padded with zeros before, in a
// part of buffer.
func (c *Coder) rotate(buffer, v []float32) []float32 {
	if len(v) != c.dim {
		panic(fmt.Sprintf("dense: a vector of %d dimensions in a space of %d", len(v), c.dim))
	}
	n := 64 * c.words
	x, y := buffer[:n], buffer[n:]
	copy(x, v)
	clear(x[c.dim:])
	for i, m := range c.centre {
		x[i] -= m
	}
	c.rotation.apply(x, y)
	return x
}

// appendSigns appends one bit a component, set where it is negative.
func appendSigns(dst []uint64, x []float32) []uint64 {
	for ; len(x) >= 64; x = x[64:] {
		word := uint64(0)
		for i, f := range x[:64] {
			if f < 0 {
				word |= 1 << i
			}
		}
		dst = append(dst, word)
	}
	return dst
}
