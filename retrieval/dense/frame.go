package dense

import (
	_ "embed" // the texts
	"fmt"
	"math"
	"strings"
)

// Frame is what the codes of a vector space are relative to; without either of
// both it is the origin. It belongs to the model alone: the mean of a corpus would
// make every score depend on documents that the viewer may not see.
type Frame struct {
	// Centre is about the mean of the space's vectors where they all point to much
	// the same side. Codes are of what a vector differs from it by.
	Centre []float32
	// Axis is of length 1 and points to where the model puts texts of which it knows
	// no word, such as part numbers or a language that it was not trained with. Of
	// vectors that lie to that side nearly all components have the same sign, which
	// tells them badly apart; what they have along the axis is kept as a number, and
	// their codes are of the rest.
	Axis []float32
}

// Fits reports whether this is a frame of a space of so many dimensions. One with
// both a centre and an axis is of none.
func (f Frame) Fits(dim int) bool {
	if f.Centre != nil {
		return f.Axis == nil && len(f.Centre) == dim
	}
	return f.Axis == nil || len(f.Axis) == dim
}

// texts holds some 200 short texts of many kinds, a line each. They may change
// only together with the name of every vector space whose frame they made.
//
//go:embed centre.txt
var texts string

// frameBatch is the number of texts of one call: models behind an API take some
// dozens at once.
const frameBatch = 32

// oneSided is the share of the vectors' squared length that their mean must have
// for centring to pay. A code keeps directions from the centre, not distances to
// it: of vectors of equal length, centring loses something that codes around the
// origin keep. Measured by adding a constant to the built-in model's vectors,
// the origin is better up to .68 and the mean from .81.
const oneSided = 0.75

// asideFrom is the cosine with the axis from which a vector lies aside.
const asideFrom = 0.6

// FrameOf returns the frame of a vector space, by the vectors of fixed public texts:
// their mean as the centre if they point to one side, otherwise the axis along which
// texts of made-up words lie, if they do. Embed returns a vector for each text, all
// of one length; its errors are returned, wrapped.
func FrameOf(embed func(texts []string) ([][]float32, error)) (Frame, error) {
	mean, square, err := meanOf(embed, strings.Split(strings.TrimSpace(texts), "\n"))
	if err != nil {
		return Frame{}, err
	}
	if product(mean, mean) >= oneSided*square {
		return Frame{Centre: mean}, nil
	}
	axis, square, err := meanOf(embed, madeUp())
	if err != nil {
		return Frame{}, err
	}
	length := product(axis, axis)
	if length == 0 || length < asideFrom*asideFrom*square {
		return Frame{}, nil
	}
	for i := range axis {
		axis[i] = float32(float64(axis[i]) / math.Sqrt(length))
	}
	return Frame{Axis: axis}, nil
}

// meanOf returns the mean of the vectors of texts, and of their squared lengths.
func meanOf(embed func(texts []string) ([][]float32, error), texts []string) (mean []float32, square float64, err error) {
	var sums []float64
	squares := 0.0
	for rest := texts; len(rest) > 0; {
		batch := rest[:min(frameBatch, len(rest))]
		rest = rest[len(batch):]
		vectors, err := embed(batch)
		if err != nil {
			return nil, 0, fmt.Errorf("embed the texts of the frame: %w", err)
		}
		if len(vectors) != len(batch) {
			return nil, 0, fmt.Errorf("embed the texts of the frame: %d vectors for %d texts", len(vectors), len(batch))
		}
		if sums == nil {
			sums = make([]float64, len(vectors[0]))
		}
		square, err := addAll(sums, vectors)
		if err != nil {
			return nil, 0, err
		}
		squares += square
	}
	mean = make([]float32, len(sums))
	for i, sum := range sums {
		mean[i] = float32(sum / float64(len(texts)))
	}
	return mean, squares / float64(len(texts)), nil
}

// addAll adds vectors to sums and returns the sum of their squared lengths.
func addAll(sums []float64, vectors [][]float32) (squares float64, err error) {
	for _, v := range vectors {
		if len(v) != len(sums) || len(v) == 0 {
			return 0, fmt.Errorf("embed the texts of the frame: vectors of %d and of %d dimensions", len(sums), len(v))
		}
		for i, x := range v {
			if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
				return 0, fmt.Errorf("embed the texts of the frame: a component is %v", f)
			}
			sums[i] += float64(x)
			squares += float64(x) * float64(x)
		}
	}
	return squares, nil
}

// madeUp returns texts of words of random letters, the same ones always.
func madeUp() []string {
	random := splitMix(1)
	out := make([]string, 64)
	for i := range out {
		var b strings.Builder
		for range 25 {
			for range 3 + random.below(7) {
				b.WriteByte(byte('a' + random.below(26)))
			}
			b.WriteByte(' ')
		}
		out[i] = strings.TrimSpace(b.String())
	}
	return out
}

// shift returns what a score needs beside the code of x, which is relative to the
// centre. With a centre it is the inner product with it: that of two vectors is, but
// for what depends on only one of them, which is the query's, the one of what both
// differ from the centre by and this. With an axis it is what x has along it if x
// lies aside, otherwise 0.
func (f Frame) shift(x []float32) float32 {
	if f.Axis == nil {
		return float32(product(x, f.Centre))
	}
	along := product(x, f.Axis)
	if along < asideFrom*math.Sqrt(product(x, x)) {
		return 0
	}
	return float32(along)
}

// flatten takes from x what it has along the axis.
func (f Frame) flatten(x []float32, along float32) {
	for i, a := range f.Axis {
		x[i] -= float32(along * a)
	}
}

// product returns the inner product of x and y, or 0 if y is nil. The conversions
// keep products from being fused with sums, so that every architecture computes the
// same bits.
func product(x, y []float32) float64 {
	sum := 0.0
	for i, b := range y {
		sum += float64(float64(x[i]) * float64(b))
	}
	return sum
}
