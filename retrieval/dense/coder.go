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
	frame    Frame
	rotation rotation
	scratch  sync.Pool // of *[]float32: two vectors of 64 × words
}

// NewCoder returns the coder of a space of 1 to 4,096 dimensions; it panics at
// other numbers and at a frame that is not of the space. Coders of equal arguments
// make equal codes, today and in later versions.
func NewCoder(dim int, frame Frame, seed uint64) *Coder {
	if dim < 1 || dim > MaxDim {
		panic(fmt.Sprintf("dense: %d dimensions, want 1 to %d", dim, MaxDim))
	}
	if !frame.Fits(dim) {
		panic(fmt.Sprintf("dense: a frame of %d and %d dimensions in a space of %d", len(frame.Centre), len(frame.Axis), dim))
	}
	words := (dim + 63) / 64
	frame = Frame{Centre: slices.Clone(frame.Centre), Axis: slices.Clone(frame.Axis)}
	return &Coder{dim: dim, words: words, frame: frame, rotation: newRotation(64*words, seed)}
}

// Words returns the number of words of a code's signs.
func (c *Coder) Words() int { return c.words }

// Append appends the code of a vector to dst. Its first Words words are the signs:
// bit i%64 of word i/64 is set where component i of the vector in the frame,
// rotated, is negative. It panics if the vector is not of the space's length.
func (c *Coder) Append(dst []uint64, v []float32) []uint64 {
	buffer := c.buffer()
	defer c.scratch.Put(buffer)
	x := c.place(*buffer, v)
	shift := c.frame.shift(x)
	if shift > 0 && c.frame.Axis != nil {
		c.frame.flatten(x, shift)
	}
	x = c.rotate(*buffer)
	return appendFiner(appendSigns(dst, x), x, shift)
}

func (c *Coder) buffer() *[]float32 {
	if buffer, ok := c.scratch.Get().(*[]float32); ok {
		return buffer
	}
	buffer := make([]float32, 2*64*c.words)
	return &buffer
}

// place writes what a vector differs from the centre by to the first part of
// buffer, padded with zeros, and returns its components.
func (c *Coder) place(buffer, v []float32) []float32 {
	if len(v) != c.dim {
		panic(fmt.Sprintf("dense: a vector of %d dimensions in a space of %d", len(v), c.dim))
	}
	copy(buffer, v)
	clear(buffer[c.dim : 64*c.words])
	for i, m := range c.frame.Centre {
		buffer[i] -= m
	}
	return buffer[:c.dim]
}

// rotate rotates the vector in the first part of buffer and returns it.
func (c *Coder) rotate(buffer []float32) []float32 {
	n := 64 * c.words
	c.rotation.apply(buffer[:n], buffer[n:])
	return buffer[:n]
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
