package dense

import (
	_ "embed" // the texts
	"fmt"
	"math"
	"strings"
)

// texts holds some 200 short texts of many kinds, a line each. They may change
// only together with the name of every vector space whose centre they made.
//
//go:embed centre.txt
var texts string

// centreBatch is the number of texts of one call: models behind an API take some
// dozens at once.
const centreBatch = 32

// oneSided is the share of the vectors' squared length that their mean must have
// for centring to pay. A code keeps directions from the centre, not distances to
// it: of vectors of equal length, centring loses something that codes around the
// origin keep. Measured by adding a constant to the built-in model's vectors,
// the origin is better up to .68 and the mean from .81.
const oneSided = 0.75

// Centre returns the centre of a vector space for NewCoder: the mean of the
// vectors of fixed public texts, or nil, the origin, unless these vectors all
// point to much the same side. It belongs to the model alone: the mean of a
// corpus would make every score depend on documents that the viewer may not see.
// Embed returns a vector for each text, all of one length; its errors are
// returned, wrapped.
func Centre(embed func(texts []string) ([][]float32, error)) ([]float32, error) {
	lines := strings.Split(strings.TrimSpace(texts), "\n")
	var sums []float64
	squares := 0.0
	for rest := lines; len(rest) > 0; {
		batch := rest[:min(centreBatch, len(rest))]
		rest = rest[len(batch):]
		vectors, err := embed(batch)
		if err != nil {
			return nil, fmt.Errorf("embed the texts of the centre: %w", err)
		}
		if len(vectors) != len(batch) {
			return nil, fmt.Errorf("embed the texts of the centre: %d vectors for %d texts", len(vectors), len(batch))
		}
		if sums == nil {
			sums = make([]float64, len(vectors[0]))
		}
		square, err := addAll(sums, vectors)
		if err != nil {
			return nil, err
		}
		squares += square
	}
	centre := make([]float32, len(sums))
	ofMean := 0.0
	for i, sum := range sums {
		mean := sum / float64(len(lines))
		centre[i] = float32(mean)
		ofMean += mean * mean
	}
	if ofMean < oneSided*squares/float64(len(lines)) {
		return nil, nil
	}
	return centre, nil
}

// addAll adds vectors to sums and returns the sum of their squared lengths.
func addAll(sums []float64, vectors [][]float32) (squares float64, err error) {
	for _, v := range vectors {
		if len(v) != len(sums) || len(v) == 0 {
			return 0, fmt.Errorf("embed the texts of the centre: vectors of %d and of %d dimensions", len(sums), len(v))
		}
		for i, x := range v {
			if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
				return 0, fmt.Errorf("embed the texts of the centre: a component is %v", f)
			}
			sums[i] += float64(x)
			squares += float64(x) * float64(x)
		}
	}
	return squares, nil
}
