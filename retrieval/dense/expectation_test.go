package dense

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Of vectors at an angle to a query, the part lies within reach that two
// deviations of a normal distribution leave, whatever the query; of those at small
// angles, all may.
func TestReach(t *testing.T) {
	const dim, n = 384, 4000
	random := rand.New(rand.NewPCG(1, 2))
	sparse := make([]float32, dim)
	sparse[3], sparse[40] = 1, -2
	for name, query := range map[string][]float32{"dense": randomVector(random, dim), "sparse": sparse} {
		normal(query)
		for _, cosine := range []float64{-0.3, 0, 0.2, 0.5, 0.8, 0.95} {
			within, sum := 0, 0
			var q *Query
			for i := range n {
				c := NewCoder(dim, Frame{}, uint64(i/100))
				if i%100 == 0 {
					q = c.Query(query)
				}
				across := randomVector(random, dim)
				along := float32(inner(across, query))
				for d := range across {
					across[d] -= along * query[d]
				}
				normal(across)
				for d := range across {
					across[d] = float32(cosine)*query[d] + float32(math.Sqrt(1-cosine*cosine))*across[d]
				}
				distance, _ := compared(q, c.Append(nil, across))
				sum += distance
				if distance <= q.expects.reach(cosine) {
					within++
				}
			}
			mean := (q.expects.total - q.expects.mean*cosine) / 2
			if got := float64(sum) / n; cosine <= 0.5 && math.Abs(got-mean) > 0.01*q.expects.total {
				t.Errorf("%s query, cosine %v: the mean distance is %.1f, expected %.1f", name, cosine, got, mean)
			}
			if part := float64(within) / n; part < 0.96 || cosine <= 0.5 && part > 0.995 {
				t.Errorf("%s query, cosine %v: %.3f are within reach", name, cosine, part)
			}
		}
	}
}
