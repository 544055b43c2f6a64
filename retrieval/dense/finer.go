package dense

import "math"

// step is the width of the eight levels of a component in standard deviations:
// best for what is normally distributed, as the components of a rotated vector
// nearly are (Max, Quantizing for Minimum Distortion, 1960).
const step = 0.586

// distortion is the part of a vector's squared length that the levels lose.
const distortion = 0.0374

// levels is the number of levels on either side of zero. The component stands in
// the middle of its level: at ±1, ±3, ±5 or ±7 halves of a step.
const levels = 4

// appendFiner appends what a code has beside the signs of x: for each 64
// components a word with the higher and one with the lower bit of the level, so
// that levels ascend with the component; then the factor that turns the inner
// product with a query of the levels, in halves of a step, into that of x, and
// shift, as two float32. The factor makes the estimate exact for x itself.
//
// The conversions keep products from being fused with sums, so that every
// architecture computes the same bits.
func appendFiner(dst []uint64, x []float32, shift float32) []uint64 {
	square := 0.0
	for _, f := range x {
		square += float64(float64(f) * float64(f))
	}
	width := float32(step * math.Sqrt(square/float64(len(x))))
	product := 0.0
	for ; len(x) >= 64; x = x[64:] {
		var high, low uint64
		for i, f := range x[:64] {
			level := levelOf(abs(f), width)
			product += float64(float64(abs(f)) * float64(2*level+1))
			if f < 0 {
				level = levels - 1 - level
			}
			high |= uint64(level>>1) << i
			low |= uint64(level&1) << i
		}
		dst = append(dst, high, low)
	}
	factor := float32(0)
	if product > 0 {
		factor = float32(square / product)
	}
	return append(dst, uint64(math.Float32bits(factor))|uint64(math.Float32bits(shift))<<32)
}

// levelOf returns the level of a component's magnitude, 0 to 3.
func levelOf(magnitude, width float32) int {
	if magnitude >= (levels-1)*width {
		return levels - 1
	}
	return int(magnitude / width)
}

// factorAndShift returns the last word of a code.
func factorAndShift(word uint64) (factor, shift float32) {
	return math.Float32frombits(uint32(word)), math.Float32frombits(uint32(word >> 32))
}
