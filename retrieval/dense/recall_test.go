package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// artificial makes vectors like those of texts: topics within which vectors
// vary, along few directions much and along many little.
type artificial struct {
	random   *rand.Rand
	spectrum []float32
	topics   [][]float32
}

func newArtificial(dim, topics int) *artificial {
	a := &artificial{random: rand.New(rand.NewPCG(7, 8)), spectrum: make([]float32, dim)}
	for i := range a.spectrum {
		a.spectrum[i] = float32(math.Pow(1+float64(i)/8, -0.6))
	}
	for range topics {
		a.topics = append(a.topics, a.around(make([]float32, dim), 1))
	}
	return a
}

// around returns a vector of length 1 that varies around v.
func (a *artificial) around(v []float32, spread float32) []float32 {
	out := make([]float32, len(v))
	for i := range out {
		out[i] = spread * a.spectrum[i] * float32(a.random.NormFloat64())
	}
	normal(out)
	for i := range out {
		out[i] = spread*out[i] + v[i]
	}
	return normal(out)
}

// recallOf returns the share of the exact 20 nearest visible chunks that is
// among the candidates. Scores holds the exact inner products.
func recallOf(candidates []Candidate, scores []float32, classes []uint32, visible []uint8) float64 {
	var seen []float32
	for i, class := range classes {
		if visible[class] == 1 {
			seen = append(seen, scores[i])
		}
	}
	slices.Sort(seen)
	k := min(20, len(seen))
	bound, hits := seen[len(seen)-k], 0
	for _, c := range candidates {
		if scores[c.Chunk] >= bound {
			hits++
		}
	}
	return float64(hits) / float64(k)
}

// The exact nearest are among the candidates for viewers who see much or little,
// by topic as people do, also where all or half of the vectors lie to one side that
// is the space's axis.
func TestRecall(t *testing.T) {
	for name, part := range map[string]int{"none aside": 0, "half aside": 2, "all aside": 1} {
		t.Run(name, func(t *testing.T) { testRecall(t, part) })
	}
}

// testRecall moves each nth topic aside, none at 0.
func testRecall(t *testing.T, nth int) {
	const chunks, dim, topics, queries = 15_000, 384, 1000, 16
	a := newArtificial(dim, topics)
	axis := normal(randomVector(a.random, dim))
	coder := NewCoder(dim, Frame{Axis: axis}, 1)
	moved := func(v []float32, topic int) []float32 {
		for i, x := range axis {
			if nth > 0 && topic%nth == 0 {
				v[i] += 3 * x
			}
		}
		return normal(v)
	}
	var asked [][]float32
	for range queries {
		topic := a.random.IntN(topics)
		asked = append(asked, moved(a.around(a.around(a.topics[topic], 1), 0.8), topic))
	}
	part := Part{Codes: MakeCodes(0, coder.Words())}
	scores := make([][]float32, queries)
	for i := range chunks {
		v := moved(a.around(a.topics[i%topics], 1), i%topics)
		part.Codes.Append(coder.Append(nil, v))
		part.Classes, part.Chunks = append(part.Classes, uint32(1+i%topics)), append(part.Chunks, int64(i))
		for j, q := range asked {
			scores[j] = append(scores[j], float32(inner(q, v)))
		}
	}
	limits := Limits{Least: 500, Most: 1500, Sure: 20, Best: 100}
	for _, thousandths := range []int{1000, 400, 100, 20, 1} {
		t.Run(fmt.Sprintf("sees=%g%%", float64(thousandths)/10), func(t *testing.T) {
			visible := seeing(thousandths)
			sum := 0.0
			for j, v := range asked {
				sum += recallOf(coder.Query(v).Nearest([]Part{part}, visible, limits), scores[j], part.Classes, visible)
			}
			if recall := sum / queries; recall < 0.98 {
				t.Errorf("recall@20 is %.3f, want at least .98", recall)
			} else {
				t.Logf("recall@20 %.3f", recall)
			}
		})
	}
}
