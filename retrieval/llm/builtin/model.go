package builtin

import (
	_ "embed" // the model
	"fmt"
	"math"
	"strings"
)

const (
	dim    = 384
	tokens = 48_000
)

// The files of the model stay where the binary has them: packed, outside the heap.
var (
	//go:embed model/vectors.i4
	vectors string // a row of dim nibbles a token, low nibble first, value = nibble - 8
	//go:embed model/scales.f16
	scales string // a little-endian float16 a token: what the values of its row are multiplied by
	//go:embed model/query_weights.f16
	queryWeights string // a little-endian float16 a token
	//go:embed model/vocab.txt
	vocabulary string // a token a line
)

// New loads the model. It fails only if the binary was built with damaged files.
func New() (*Embedder, error) {
	words := strings.Split(strings.TrimSuffix(vocabulary, "\n"), "\n")
	if len(words) != tokens || len(vectors) != tokens*dim/2 || len(scales) != 2*tokens || len(queryWeights) != 2*tokens {
		return nil, fmt.Errorf("built-in embedder: %d tokens, %d bytes of vectors, %d of scales, %d of weights; want %d tokens of %d dimensions: rebuild from an intact checkout",
			len(words), len(vectors), len(scales), len(queryWeights), tokens, dim)
	}
	return &Embedder{tokenizer: newTokenizer(words), scales: float16s(scales), weights: float16s(queryWeights)}, nil
}

// row returns the packed vector of a token.
func row(id uint32) string {
	return vectors[int(id)*dim/2 : (int(id)+1)*dim/2]
}

// float16s decodes little-endian IEEE 754 half-precision numbers.
func float16s(data string) []float32 {
	values := make([]float32, len(data)/2)
	for i := range values {
		values[i] = float16(uint16(data[2*i]) | uint16(data[2*i+1])<<8)
	}
	return values
}

func float16(bits uint16) float32 {
	sign := uint32(bits>>15) << 31
	exponent, mantissa := uint32(bits>>10&31), uint32(bits&1023)
	switch exponent {
	case 0: // zero and subnormal numbers: mantissa × 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(mantissa)/(1<<24)))
	case 31: // infinities and not a number
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
}
