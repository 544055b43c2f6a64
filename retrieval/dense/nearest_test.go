package dense

import (
	"cmp"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func onesCount(w uint64) int { return bits.OnesCount64(w) }

// reference is Nearest as its documentation says it: sort everything.
func reference(q *Query, parts []Part, visible []uint8, first, best int) []Candidate {
	type chunk struct {
		Candidate
		distance int
	}
	var chunks []chunk
	words := len(q.signs)
	has := func(bitmap []uint64, i int) bool {
		return bitmap == nil || i/64 < len(bitmap) && bitmap[i/64]>>(i%64)&1 == 1
	}
	for part, p := range parts {
		for i, class := range p.Classes {
			if class == 0 || int(class) >= len(visible) || visible[class] == 0 || !has(p.Has, i) || !has(p.Keep, i) || (i+1)*words > len(p.Codes) {
				continue
			}
			distance, sum := 0, 0
			for d := range 64 * words {
				code := p.Codes[i*words+d/64] >> (d % 64) & 1
				magnitude := 0
				for bit := range planes {
					magnitude |= int(q.planes[d/64*planes+bit]>>(d%64)&1) << bit
				}
				if code != q.signs[d/64]>>(d%64)&1 {
					distance++
					sum -= magnitude
				} else {
					sum += magnitude
				}
			}
			chunks = append(chunks, chunk{Candidate{part, uint32(i), q.scale * float32(sum)}, distance})
		}
	}
	slices.SortStableFunc(chunks, func(a, b chunk) int { return cmp.Compare(a.distance, b.distance) })
	chunks = chunks[:min(first, len(chunks))]
	slices.SortFunc(chunks, func(a, b chunk) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Part, b.Part), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	var out []Candidate
	for _, c := range chunks[:min(best, len(chunks))] {
		out = append(out, c.Candidate)
	}
	return out
}

// drawPart draws a part of chunks with few different codes, so that many
// distances are equal. Bitmaps and codes may be too short.
func drawPart(t *rapid.T, words int, seed uint64) Part {
	n := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 5*block)).Draw(t, "chunks")
	random := splitMix(seed)
	distinct := rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "distinct codes")
	few := make([]uint64, distinct*words)
	for i := range few {
		few[i] = random.next()
	}
	bitmap := func(label string) []uint64 {
		switch rapid.IntRange(0, 3).Draw(t, label) {
		case 0:
			return nil
		case 1:
			return []uint64{}
		}
		b := make([]uint64, max(0, (n+63)/64-random.below(2)))
		for i := range b {
			b[i] = random.next()
			if random.below(4) == 0 {
				b[i] = 0
			}
		}
		return b
	}
	p := Part{Has: bitmap("has"), Keep: bitmap("keep")}
	classes := rapid.IntRange(1, 8).Draw(t, "classes")
	for range n {
		at := random.below(distinct) * words
		p.Codes = append(p.Codes, few[at:at+words]...)
		p.Classes = append(p.Classes, uint32(random.below(classes)))
	}
	if n > 0 && random.below(4) == 0 {
		p.Codes = p.Codes[:random.below(len(p.Codes))]
	}
	return p
}

func TestNearestEqualsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]int{1, 3, 4, 6, 7, 8, 12, 16}).Draw(t, "words")
		seed := rapid.Uint64().Draw(t, "seed")
		random := splitMix(seed)
		var parts []Part
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			parts = append(parts, drawPart(t, words, random.next()))
		}
		vector := make([]float32, 64*words)
		for i := range vector {
			vector[i] = float32(random.below(2001)-1000) / 1000
		}
		q := NewCoder(64*words, nil, seed).Query(vector)
		visible := make([]uint8, rapid.IntRange(0, 9).Draw(t, "known classes"))
		for i := range visible {
			visible[i] = uint8(random.below(2))
		}
		first := rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, 10_000)).Draw(t, "first")
		best := rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, 10_000)).Draw(t, "best")

		got, want := q.Nearest(parts, visible, first, best), reference(q, parts, visible, first, best)
		if !slices.Equal(got, want) {
			t.Fatalf("got %d candidates, want %d; first difference at %d", len(got), len(want), difference(got, want))
		}
		if first == 0 || best == 0 || len(visible) < 2 {
			return
		}
		half := rapid.IntRange(0, len(parts)).Draw(t, "half")
		if two := q.nearestByTwo(parts, visible, first, best, half); !slices.Equal(two, want) {
			t.Fatalf("two goroutines get %d candidates, want %d; first difference at %d", len(two), len(want), difference(two, want))
		}
	})
}

func difference(a, b []Candidate) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Distances that fall from chunk to chunk keep the selection from dropping any.
func TestNearestFindsTheLast(t *testing.T) {
	const n = 20_000
	c := NewCoder(4096, nil, 1)
	v := make([]float32, 4096)
	v[0] = 1
	q := c.Query(v)
	var part Part
	for i := range n {
		code := slices.Clone(q.signs)
		for flipped := range (n - 1 - i) / 5 {
			code[flipped/64] ^= 1 << (flipped % 64)
		}
		part.Codes = append(part.Codes, code...)
		part.Classes = append(part.Classes, 1)
	}
	got := q.Nearest([]Part{part}, []uint8{0, 1}, 100, 10)
	if want := reference(q, []Part{part}, []uint8{0, 1}, 100, 10); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(got) == 0 || got[0].Ordinal < n-5 {
		t.Errorf("the nearest chunk is missing: %v", got)
	}
}

// Over many blocks the bound falls: all of the first must be returned, also those
// at the largest distance, when as many are asked for.
func TestNearestKeepsTheBound(t *testing.T) {
	for _, words := range []int{1, 4, 6, 8} {
		random := splitMix(words)
		var parts []Part
		for range 3 {
			p := Part{Classes: make([]uint32, 4000)}
			for i := range p.Classes {
				p.Classes[i] = uint32(random.below(4))
				for range words {
					p.Codes = append(p.Codes, random.next())
				}
			}
			parts = append(parts, p)
		}
		vector := make([]float32, 64*words)
		for i := range vector {
			vector[i] = float32(random.below(2001)-1000) / 1000
		}
		q := NewCoder(64*words, nil, 1).Query(vector)
		for _, first := range []int{1, 20, 500, 3000} {
			got, want := q.Nearest(parts, []uint8{0, 1, 0, 1}, first, first), reference(q, parts, []uint8{0, 1, 0, 1}, first, first)
			if !slices.Equal(got, want) {
				t.Errorf("%d words, first %d: got %d candidates, want %d; first difference at %d",
					words, first, len(got), len(want), difference(got, want))
			}
		}
	}
}

// A vector of zeros, as of a text without any known word, has no direction.
func TestNearestOfZero(t *testing.T) {
	c := NewCoder(70, nil, 1)
	part := Part{Codes: c.Append(c.Append(nil, make([]float32, 70)), make([]float32, 70)), Classes: []uint32{1, 1}}
	got := c.Query(make([]float32, 70)).Nearest([]Part{part}, []uint8{0, 1}, 10, 10)
	if want := []Candidate{{0, 0, 0}, {0, 1, 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
