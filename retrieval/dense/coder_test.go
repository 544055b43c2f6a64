package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A rotation keeps lengths and angles.
func TestRotationIsOrthogonal(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{64, 128, 192, 384, 768, 1024, 1536, 3072, 4096} {
		r := newRotation(n, 5)
		a, b, scratch := randomVector(random, n), randomVector(random, n), make([]float32, n)
		before := [3]float64{inner(a, a), inner(b, b), inner(a, b)}
		r.apply(a, scratch)
		r.apply(b, scratch)
		for i, after := range [3]float64{inner(a, a), inner(b, b), inner(a, b)} {
			if math.Abs(after-before[i]) > 1e-3*float64(n) {
				t.Errorf("%d components: inner product %d became %v, was %v", n, i, after, before[i])
			}
		}
	}
}

// One component that is not zero is spread over all: without that a code of a
// sparse vector tells little.
func TestRotationSpreads(t *testing.T) {
	const n = 384
	r := newRotation(n, 5)
	for i := range n {
		x := make([]float32, n)
		x[i] = 1
		r.apply(x, make([]float32, n))
		for _, f := range x {
			if f*f > 40.0/n {
				t.Fatalf("component %d: %v of the length is in one component", i, f)
			}
		}
	}
}

func TestBlocks(t *testing.T) {
	for _, tt := range []struct {
		dim    int
		blocks []int
	}{
		{1, []int{64}}, {256, []int{256}}, {384, []int{256, 128}}, {768, []int{512, 256}}, {1000, []int{1024}},
		{1536, []int{1024, 512}}, {3072, []int{2048, 1024}}, {4096, []int{4096}}, {4000, []int{2048, 1024, 512, 256, 128, 64}},
	} {
		c := NewCoder(tt.dim, Frame{}, 1)
		if !slices.Equal(c.rotation.blocks, tt.blocks) {
			t.Errorf("%d dimensions: blocks %v, want %v", tt.dim, c.rotation.blocks, tt.blocks)
		}
		if got, want := len(c.Append(nil, make([]float32, tt.dim))), c.Words()+finerWords(c.Words()); got != want {
			t.Errorf("%d dimensions: a code of %d words, want %d", tt.dim, got, want)
		}
	}
}

// Codes are kept: they must be the same in every version and on every machine.
func TestCodesNeverChange(t *testing.T) {
	const dim = 150
	v, centre := make([]float32, dim), make([]float32, dim)
	for i := range v {
		v[i], centre[i] = float32(i%7)-3, float32(i%3)/4
	}
	got := fmt.Sprintf("%x", NewCoder(dim, Frame{Centre: centre}, 42).Append(nil, v))
	const want = "[247b2ee410bc8ca5 c31cd137fa6d962e a0f05d8e59440edb 67a10f402d8cda0 a0ae8adc18b272a1 c744f1a7887a976e " +
		"d56ad855fe05942a a06019eed90464ea 11d6739e7fa38107 c18500003f09621b]"
	if got != want {
		t.Errorf("code %s, want %s", got, want)
	}
}

func TestCoderIsSafeForConcurrentUse(t *testing.T) {
	c := NewCoder(100, Frame{}, 1)
	v := randomVector(rand.New(rand.NewPCG(1, 2)), 100)
	want := c.Append(nil, v)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				if got := c.Append(nil, v); !slices.Equal(got, want) {
					t.Errorf("code %x, want %x", got, want)
					return
				}
				c.Query(v)
			}
		})
	}
	group.Wait()
}

// Angles to the centre count, not the length from it.
func TestCentre(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	centre, v := randomVector(random, 100), randomVector(random, 100)
	near := make([]float32, 100)
	for i := range v {
		near[i] = centre[i] + 0.5*(v[i]-centre[i])
	}
	c := NewCoder(100, Frame{Centre: centre}, 1)
	differ := 0
	for i, w := range c.Append(nil, v)[:c.Words()] {
		differ += onesCount(w ^ c.Append(nil, near)[i])
	}
	if differ > 1 { // rounding
		t.Errorf("%d bits differ on the ray from the centre", differ)
	}
}

// The estimate is about the inner product of the vectors, whatever their lengths,
// but for what is equal for all chunks, also where some lie aside.
func TestScoreEstimatesInnerProduct(t *testing.T) {
	const dim, n = 512, 200
	random := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{"origin", "centre", "axis"} {
		var frame Frame
		side := normal(randomVector(random, dim))
		switch kind {
		case "centre":
			frame.Centre = side
		case "axis":
			frame.Axis = side
		}
		c := NewCoder(dim, frame, 1)
		query := normal(randomVector(random, dim))
		part := Part{Codes: MakeCodes(0, c.Words())}
		var want []float64
		for i := range n {
			v := randomVector(random, dim)
			for d := range v {
				v[d] += 2 * float32(i) / n * query[d] * float32(math.Sqrt(dim))
			}
			normal(v)
			for d := range v {
				v[d] *= .5 + random.Float32()
				switch {
				case kind == "centre":
					v[d] += side[d]
				case kind == "axis" && i%2 == 0:
					v[d] += 2 * side[d]
				}
			}
			want = append(want, inner(query, v))
			part.Codes.Append(c.Append(nil, v))
			part.Classes, part.Chunks = append(part.Classes, 1), append(part.Chunks, int64(i))
		}
		equal := 0.0
		if kind == "centre" {
			equal = inner(query, side)
		}
		if kind == "axis" {
			if n := onesCount(part.Codes.aside[0]); n != 32 {
				t.Errorf("%d of 64 vectors lie aside, want 32", n)
			}
		}
		square := 0.0
		for _, got := range c.Query(query).Nearest([]Part{part}, []uint8{0, 1}, Limits{Least: n, Most: n, Sure: 1, Best: n}) {
			d := float64(got.Score) + equal - want[got.Chunk]
			square += d * d
		}
		// Three bits leave a deviation of about √(.0374/dim) of what is orthogonal,
		// and the query's five bits add to it.
		if rms := math.Sqrt(square / n); rms > 0.014 {
			t.Errorf("%s: the estimates deviate by %.4f", kind, rms)
		}
	}
}

func inner(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func normal(v []float32) []float32 {
	length := float32(math.Sqrt(inner(v, v)))
	for i := range v {
		v[i] /= length
	}
	return v
}
