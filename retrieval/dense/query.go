package dense

import "math"

// planes is the number of bits of a component's magnitude in a query.
const planes = 4

// Query is a query's vector, ready to be compared with codes. It is immutable
// and may be used by several goroutines at once.
type Query struct {
	signs []uint64
	heavy []uint64 // bitmap of the components that are large: see heavyFrom
	// planes holds, for each word of the signs, the four bits of the components'
	// magnitudes, lowest first.
	planes  []uint64
	total   int     // the sum of the magnitudes
	scale   float32 // turns products with levels to those with the vector
	cosine  float64 // turns them to cosines
	shift   float32 // turns a code's shift to what is added
	expects expectation
	aside   *Query // for the codes that lie aside, see Frame.Axis; nil where there is no axis
}

// Query prepares the vector of a query. It panics if the vector is not of the
// space's length.
func (c *Coder) Query(v []float32) *Query {
	buffer := c.buffer()
	defer c.scratch.Put(buffer)
	c.place(*buffer, v)
	q := newQuery(c.rotate(*buffer), 1)
	if c.frame.Axis != nil {
		x := c.place(*buffer, v)
		along := float32(product(x, c.frame.Axis))
		c.frame.flatten(x, along)
		q.aside = newQuery(c.rotate(*buffer), along)
	}
	return q
}

// newQuery prepares a rotated vector of words of 64 components.
func newQuery(x []float32, shift float32) *Query {
	words := len(x) / 64
	q := &Query{
		signs: appendSigns(make([]uint64, 0, words), x), heavy: make([]uint64, words), planes: make([]uint64, planes*words), shift: shift,
	}
	largest, square := float32(0), 0.0
	for _, f := range x {
		largest = max(largest, abs(f))
		square += float64(f) * float64(f)
	}
	q.weigh(x, math.Sqrt(square))
	if largest == 0 {
		return q
	}
	const most = 1<<planes - 1
	for i, f := range x {
		magnitude := int(abs(f)/largest*most + 0.5)
		q.total += magnitude
		for bit := range planes {
			q.planes[i/64*planes+bit] |= uint64(magnitude>>bit&1) << (i % 64)
		}
	}
	q.scale = largest / most
	// A level stands for half a step of the deviation, |v|/√n, and the levels lose
	// a part of v that is in none of its products with them.
	q.cosine = float64(q.scale) * step / 2 / math.Sqrt(float64(len(x))*square) / (1 - distortion)
	return q
}

// weigh finds the heavy components of the rotated vector x.
func (q *Query) weigh(x []float32, length float64) {
	heavy := float32(heavyFrom * length / math.Sqrt(float64(len(x))))
	weights, squares, product := 0.0, 0.0, 0.0
	for i, f := range x {
		weight := 1.0
		if abs(f) >= heavy && heavy > 0 {
			weight = 3
			q.heavy[i/64] |= 1 << (i % 64)
		}
		weights += weight
		squares += weight * weight
		product += weight * float64(abs(f))
	}
	q.expects = newExpectation(len(x), weights, squares, product, length)
}

func abs(f float32) float32 { return math.Float32frombits(math.Float32bits(f) &^ (1 << 31)) }
