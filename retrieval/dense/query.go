package dense

import "math"

// planes is the number of bits of a component's magnitude in a query.
const planes = 4

// Query is a query's vector, ready to be compared with codes. It is immutable
// and may be used by several goroutines at once.
type Query struct {
	signs []uint64
	// planes holds, for each word of a code, the four bits of the components'
	// magnitudes, lowest first.
	planes []uint64
	total  int     // the sum of the magnitudes
	scale  float32 // turns sums of magnitudes to estimates
}

// Query prepares the vector of a query. It panics if the vector is not of the
// space's length.
func (c *Coder) Query(v []float32) *Query {
	buffer := c.buffer()
	defer c.scratch.Put(buffer)
	x := c.rotate(*buffer, v)

	q := &Query{signs: appendSigns(make([]uint64, 0, c.words), x), planes: make([]uint64, planes*c.words)}
	largest := float32(0)
	for _, f := range x {
		largest = max(largest, abs(f))
	}
	if largest == 0 {
		return q
	}
	const levels = 1<<planes - 1
	for i, f := range x {
		magnitude := int(abs(f)/largest*levels + 0.5)
		q.total += magnitude
		for bit := range planes {
			q.planes[i/64*planes+bit] |= uint64(magnitude>>bit&1) << (i % 64)
		}
	}
	// The estimate divides by the product of the code's length, √n, and of the
	// cosine between a rotated vector and its signs, in expectation √(2/π).
	q.scale = largest / levels / float32(math.Sqrt(float64(len(x))*2/math.Pi))
	return q
}

func abs(f float32) float32 { return math.Float32frombits(math.Float32bits(f) &^ (1 << 31)) }

// score returns the estimate of the inner product of a chunk whose signs differ
// from the query's where the magnitudes add up to differing.
func (q *Query) score(differing uint32) float32 {
	return q.scale * float32(q.total-2*int(differing))
}
