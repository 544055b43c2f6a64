package dense

import "math"

// rotation is a random orthogonal map that takes O(n log n) additions: two
// rounds of a random permutation, random signs and Walsh-Hadamard transforms
// over blocks (Ailon and Chazelle's fast Johnson-Lindenstrauss transform). The
// permutation mixes the blocks.
type rotation struct {
	blocks []int // powers of two, descending
	rounds [2]round
}

type round struct {
	from   []uint16  // component i comes from component from[i]
	factor []float32 // a random sign, divided by the root of the block's length
}

// newRotation returns a rotation of n components, a multiple of 64.
func newRotation(n int, seed uint64) rotation {
	var r rotation
	for rest, size := n, 1<<12; rest > 0; size >>= 1 {
		for ; rest >= size; rest -= size {
			r.blocks = append(r.blocks, size)
		}
	}
	random := splitMix(seed)
	for i := range r.rounds {
		r.rounds[i] = newRound(r.blocks, n, &random)
	}
	return r
}

func newRound(blocks []int, n int, random *splitMix) round {
	r := round{from: make([]uint16, n), factor: make([]float32, 0, n)}
	for i := range r.from { // Fisher-Yates, from the inside
		j := random.below(i + 1)
		r.from[i] = r.from[j]
		r.from[j] = uint16(i)
	}
	for _, size := range blocks {
		scale := float32(1 / math.Sqrt(float64(size)))
		for range size {
			if random.next()>>63 == 0 {
				r.factor = append(r.factor, scale)
			} else {
				r.factor = append(r.factor, -scale)
			}
		}
	}
	return r
}

// apply rotates x in place; y is scratch of the same length. The conversion of
// the product keeps it from being fused with a sum, so that every architecture
// computes the same bits.
func (r *rotation) apply(x, y []float32) {
	for _, round := range r.rounds {
		for i, from := range round.from {
			y[i] = float32(x[from] * round.factor[i])
		}
		copy(x, y)
		for rest, i := x, 0; i < len(r.blocks); i++ {
			hadamard(rest[:r.blocks[i]])
			rest = rest[r.blocks[i]:]
		}
	}
}

// hadamard applies the Walsh-Hadamard transform, not normalised, to a vector
// whose length is a power of two.
func hadamard(x []float32) {
	for half := 1; half < len(x); half *= 2 {
		for rest := x; len(rest) > 0; rest = rest[2*half:] {
			low, high := rest[:half], rest[half:2*half]
			for i, a := range low {
				b := high[i]
				low[i], high[i] = a+b, a-b
			}
		}
	}
}

// splitMix is the generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014),
// written out because codes are kept: the sequence must never change.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number of 0 … n-1, n at most 2^32.
func (s *splitMix) below(n int) int { return int(s.next() >> 32 * uint64(n) >> 32) }
