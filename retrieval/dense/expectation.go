package dense

import "math"

// expectation says at which distance to a query the codes of chunks are to be
// expected whose vectors are at a given angle to it. Over random rotations, the
// weights where the signs agree less those where they differ sum to the product
// of the cosine, of the length of the weights along the query, and of the one norm
// of a random unit vector, √(2n/π). What deviates from that is the product of the
// weights and the signs' remainder, 1-2/π of them, in the directions across, and
// all of the weights that are not along the query (Gao and Long, 2024, on signs and
// the vector itself).
type expectation struct {
	total  float64 // sum of the weights
	mean   float64 // of a vector in the query's direction
	along  float64 // variance of the deviation, which falls with the angle
	across float64 // and that which does not
}

func newExpectation(n int, weights, squares, product, length float64) expectation {
	if length == 0 {
		return expectation{total: weights, across: squares}
	}
	part := product * product / (squares * length * length) // of the weights' square that is along the query
	return expectation{
		total: weights, mean: math.Sqrt(2 * float64(n) / math.Pi * squares * part),
		along: squares * part * (1 - 2/math.Pi), across: squares * (1 - part),
	}
}

// deviations is how far from what is expected the distance of a code may lie: of
// 100 codes, 97 are nearer.
const deviations = 2

// reach returns the distance within which nearly all chunks lie whose cosine with
// the query is at least so much.
func (e expectation) reach(cosine float64) int {
	cosine = max(-1, min(1, cosine))
	deviation := math.Sqrt(e.along*(1-cosine*cosine) + e.across)
	return int((e.total - e.mean*cosine + deviations*deviation) / 2)
}
