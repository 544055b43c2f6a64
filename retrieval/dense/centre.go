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

// Centre returns the centre of a vector space for NewCoder: the mean of the
// vectors of fixed public texts. It belongs to the model alone. The mean of a
// corpus would make every score depend on documents that the viewer may not see.
// Embed returns a vector for each text, all of one length.
func Centre(embed func(texts []string) ([][]float32, error)) ([]float32, error) {
	lines := strings.Split(strings.TrimSpace(texts), "\n")
	var sums []float64
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
		if err := addAll(sums, vectors); err != nil {
			return nil, err
		}
	}
	centre := make([]float32, len(sums))
	for i, sum := range sums {
		centre[i] = float32(sum / float64(len(lines)))
	}
	return centre, nil
}

func addAll(sums []float64, vectors [][]float32) error {
	for _, v := range vectors {
		if len(v) != len(sums) || len(v) == 0 {
			return fmt.Errorf("embed the texts of the centre: vectors of %d and of %d dimensions", len(sums), len(v))
		}
		for i, x := range v {
			if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("embed the texts of the centre: a component is %v", f)
			}
			sums[i] += float64(x)
		}
	}
	return nil
}
