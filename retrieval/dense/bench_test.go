package dense

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomParts returns parts of 65,536 chunks with random codes and random
// classes 1 … 1000: the worst case for a branch on what is visible.
func randomParts(random *rand.Rand, chunks, words int) []Part {
	var parts []Part
	for chunks > 0 {
		n := min(chunks, 1<<16)
		p := Part{Codes: MakeCodes(n, words), Classes: make([]uint32, n), Chunks: make([]int64, n)}
		for i := range p.Codes.signs {
			p.Codes.signs[i] = random.Uint64()
		}
		for i := range p.Codes.finer {
			p.Codes.finer[i] = random.Uint64()
		}
		for i := range p.Classes {
			p.Classes[i] = 1 + random.Uint32N(1000)
		}
		parts = append(parts, p)
		chunks -= n
	}
	return parts
}

// seeing returns the table of a viewer who sees a share of 1,000 classes, in
// thousandths.
func seeing(thousandths int) []uint8 {
	visible := make([]uint8, 1001)
	for class := 1; class <= thousandths; class++ {
		visible[class] = 1
	}
	return visible
}

func randomVector(random *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	return v
}

func BenchmarkNearest(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct{ chunks, words int }{
		{300_000, 6}, {1_000_000, 6}, {3_000_000, 6}, {300_000, 12}, {300_000, 24}, {300_000, 48},
	} {
		parts := randomParts(random, size.chunks, size.words)
		q := NewCoder(64*size.words, Frame{}, 1).Query(randomVector(random, 64*size.words))
		for _, thousandths := range []int{1000, 400, 100, 20, 1} {
			visible := seeing(thousandths)
			b.Run(fmt.Sprintf("chunks=%d/words=%d/sees=%g%%", size.chunks, size.words, float64(thousandths)/10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					q.Nearest(parts, visible, Limits{Least: 4_000, Most: 40_000, Sure: 20, Best: 250})
				}
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, dim := range []int{384, 1536} {
		b.Run(fmt.Sprintf("dim=%d", dim), func(b *testing.B) {
			c := NewCoder(dim, Frame{}, 1)
			v := randomVector(rand.New(rand.NewPCG(1, 2)), dim)
			code := make([]uint64, 0, c.Words())
			for b.Loop() {
				code = c.Append(code[:0], v)
			}
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	c := NewCoder(384, Frame{}, 1)
	v := randomVector(rand.New(rand.NewPCG(1, 2)), 384)
	for b.Loop() {
		c.Query(v)
	}
}
