package dense

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func onesCount(w uint64) int { return bits.OnesCount64(w) }

// reference is Nearest as its documentation says it: sort everything.
func reference(q *Query, parts []Part, visible []uint8, limits Limits) []Candidate {
	type chunk struct {
		Candidate
		distance int
		cosine   float64
		query    *Query
	}
	if limits.Least == 0 || limits.Most == 0 {
		return nil
	}
	if limits.Best == 0 || len(visible) < 2 {
		return nil
	}
	bySide := make(map[*Query][]chunk)
	axis := slices.ContainsFunc(parts, func(p Part) bool {
		for i := range p.Codes.Len() {
			if _, shift := factorAndShift(p.Codes.At(i)[p.Codes.Size()-1]); shift > 0 {
				return q.aside != nil
			}
		}
		return false
	})
	has := func(bitmap []uint64, i int) bool {
		return bitmap == nil || i/64 < len(bitmap) && bitmap[i/64]>>(i%64)&1 == 1
	}
	for _, p := range parts {
		for i, class := range p.Classes {
			if class == 0 || int(class) >= len(visible) || visible[class] == 0 || !has(p.Has, i) || !has(p.Keep, i) || i >= p.Codes.Len() || i >= len(p.Chunks) {
				continue
			}
			factor, shift := factorAndShift(p.Codes.At(i)[p.Codes.Size()-1])
			q := q
			if axis && shift > 0 {
				q = q.aside
			}
			distance, level := compared(q, p.Codes.At(i))
			score := float32(float32(q.scale*float32(level))*factor) + float32(q.shift*shift)
			bySide[q] = append(bySide[q], chunk{Candidate{p.Chunks[i], score}, distance, q.cosine * float64(level), q})
		}
	}
	ordered := func(chunks []chunk) []chunk {
		slices.SortFunc(chunks, func(a, b chunk) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
		})
		return chunks
	}
	reach := make(map[*Query]int)
	within := func() (out []chunk) {
		for q, chunks := range bySide {
			for _, c := range chunks {
				if c.distance <= reach[q] {
					out = append(out, c)
				}
			}
		}
		return ordered(out)
	}
	for q, chunks := range bySide {
		slices.SortStableFunc(chunks, func(a, b chunk) int { return cmp.Compare(a.distance, b.distance) })
		if most := limits.Most; most < len(chunks) {
			last := chunks[most].distance
			nearer := slices.IndexFunc(chunks, func(c chunk) bool { return c.distance == last })
			if nearer < limits.Least {
				last++
			}
			chunks = slices.DeleteFunc(chunks, func(c chunk) bool { return c.distance >= last })
		}
		bySide[q], reach[q] = chunks, chunks[min(limits.Least, len(chunks))-1].distance
	}
	least := map[*Query]float64{q: 1, q.aside: 1}
	best := within()
	for _, c := range best[:min(limits.Sure, len(best))] {
		least[c.query] = min(least[c.query], c.cosine)
	}
	for q := range bySide {
		reach[q] = max(reach[q], q.expects.reach(least[q]))
	}
	chunks := within()
	var out []Candidate
	for i, c := range chunks {
		if i < limits.Best || i < 4*limits.Best && limits.Best > 0 && c.Score == chunks[limits.Best-1].Score {
			out = append(out, c.Candidate)
		}
	}
	return out
}

// compared returns the distance of a code from the query, and the inner
// product of the levels and the query's magnitudes, component by component.
func compared(q *Query, code []uint64) (distance, level int) {
	words := len(q.signs)
	bit := func(word, d int) int { return int(code[word] >> (d % 64) & 1) }
	for d := range 64 * words {
		negative := bit(d/64, d)
		number := 4*(1-negative) + 2*bit(words+2*(d/64), d) + bit(words+2*(d/64)+1, d)
		magnitude := 0
		for plane := range planes {
			magnitude |= int(q.planes[d/64*planes+plane]>>(d%64)&1) << plane
		}
		sign := 1
		if q.signs[d/64]>>(d%64)&1 == 1 {
			sign = -1
		}
		if (sign < 0) != (negative == 1) {
			distance += 1 + 2*int(q.heavy[d/64]>>(d%64)&1)
		}
		level += sign * magnitude * (2*number - 7)
	}
	return distance, level
}

// drawPart draws a part of chunks with few different codes, so that many
// distances are equal. Bitmaps and codes may be too short.
func drawPart(t *rapid.T, words int, seed uint64) Part {
	n := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 5*block)).Draw(t, "chunks")
	random := splitMix(seed)
	distinct := rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "distinct codes")
	few := randomCodes(&random, distinct, words)
	for i := range distinct { // what is no number is no factor
		factor, shift := random.below(3), random.below(3)-1
		few.finer[(i+1)*finerWords(words)-1] = uint64(math.Float32bits(float32(factor))) | uint64(math.Float32bits(float32(shift)))<<32
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
	p := Part{Codes: MakeCodes(0, words), Has: bitmap("has"), Keep: bitmap("keep")}
	classes := rapid.IntRange(1, 8).Draw(t, "classes")
	for range n {
		p.Codes.Append(few.At(random.below(distinct)))
		p.Classes = append(p.Classes, uint32(random.below(classes)))
		p.Chunks = append(p.Chunks, int64(random.next()>>1)) // in no order
	}
	if n > 0 && random.below(4) == 0 {
		p.Codes.signs = p.Codes.signs[:random.below(len(p.Codes.signs))]
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
		var frame Frame
		if rapid.Bool().Draw(t, "an axis") {
			frame.Axis = make([]float32, 64*words)
			frame.Axis[random.below(64*words)] = 1
		}
		q := NewCoder(64*words, frame, seed).Query(vector)
		visible := make([]uint8, rapid.IntRange(0, 9).Draw(t, "known classes"))
		for i := range visible {
			visible[i] = uint8(random.below(2))
		}
		number := rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, 10_000))
		limits := Limits{Least: number.Draw(t, "least"), Most: number.Draw(t, "most"), Sure: number.Draw(t, "sure"), Best: number.Draw(t, "best")}

		got, want := q.Nearest(parts, visible, limits), reference(q, parts, visible, limits)
		if !slices.Equal(got, want) {
			t.Fatalf("got %d candidates, want %d; first difference at %d", len(got), len(want), difference(got, want))
		}
		if limits.Least == 0 || limits.Most == 0 || limits.Best == 0 || len(visible) < 2 {
			return
		}
		chunks := 0
		for _, p := range parts {
			chunks += p.len()
		}
		half := middle(parts, rapid.IntRange(0, chunks).Draw(t, "half"))
		two := q.bySide(parts)
		for i, f := range two {
			two[i].near = newSelection(words, limits.Least, limits.Most, f.on)
			defer two[i].near.release()
			two[i].near.scanByTwo(f.query, parts, half, visible)
		}
		if got := candidates(bestOf(two, parts, limits)); !slices.Equal(got, want) {
			t.Fatalf("two goroutines get %d candidates, want %d; first difference at %d", len(got), len(want), difference(got, want))
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
	c := NewCoder(4096, Frame{}, 1)
	v := make([]float32, 4096)
	v[0] = 1
	q := c.Query(v)
	part := Part{Codes: MakeCodes(0, 64)}
	for i := range n {
		code := append(slices.Clone(q.signs), make([]uint64, finerWords(64))...)
		code[len(code)-1] = uint64(math.Float32bits(1))
		for flipped := range (n - 1 - i) / 5 {
			code[flipped/64] ^= 1 << (flipped % 64)
		}
		part.Codes.Append(code)
		part.Classes, part.Chunks = append(part.Classes, 1), append(part.Chunks, int64(i))
	}
	limits := Limits{Least: 100, Most: 100, Sure: 10, Best: 10}
	got := q.Nearest([]Part{part}, []uint8{0, 1}, limits)
	if want := reference(q, []Part{part}, []uint8{0, 1}, limits); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(got) == 0 || got[0].Chunk < n-5 {
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
			p := Part{Codes: randomCodes(&random, 4000, words), Classes: make([]uint32, 4000), Chunks: make([]int64, 4000)}
			for i := range p.Classes {
				p.Chunks[i] = int64(random.next() >> 1)
				p.Classes[i] = uint32(random.below(4))
				p.Codes.finer[(i+1)*finerWords(words)-1] = uint64(math.Float32bits(1))
			}
			parts = append(parts, p)
		}
		vector := make([]float32, 64*words)
		for i := range vector {
			vector[i] = float32(random.below(2001)-1000) / 1000
		}
		q := NewCoder(64*words, Frame{}, 1).Query(vector)
		for _, first := range []int{1, 20, 500, 3000} {
			limits := Limits{Least: first, Most: 2 * first, Sure: 20, Best: first}
			got, want := q.Nearest(parts, []uint8{0, 1, 0, 1}, limits), reference(q, parts, []uint8{0, 1, 0, 1}, limits)
			if !slices.Equal(got, want) {
				t.Errorf("%d words, first %d: got %d candidates, want %d; first difference at %d",
					words, first, len(got), len(want), difference(got, want))
			}
		}
	}
}

// What is found does not depend on the parts in which chunks lie, nor on what is hidden
// among them, also where many are equally near or all are the same.
func TestPlacesDecideNothing(t *testing.T) {
	const n = 3000
	for _, distinct := range []int{1, 4, n} {
		random := splitMix(3)
		few := randomCodes(&random, distinct, 1)
		for i := range distinct {
			few.finer[(i+1)*finerWords(1)-1] = uint64(math.Float32bits(1))
		}
		vector := make([]float32, 64)
		for i := range vector {
			vector[i] = float32(random.below(2001)-1000) / 1000
		}
		q := NewCoder(64, Frame{}, 1).Query(vector)
		one, others := Part{Codes: MakeCodes(0, 1)}, make([]Part, 3)
		for i := range others {
			others[i].Codes = MakeCodes(0, 1)
		}
		add := func(p *Part, i int, class uint32) {
			p.Codes.Append(few.At(i % distinct))
			p.Classes, p.Chunks = append(p.Classes, class), append(p.Chunks, int64(i))
		}
		for i := range n { // in another order, each after one that is hidden
			add(&one, i, 1)
			add(&others[i%3], n+i, 2)
			add(&others[i%3], n-1-i, 1)
		}
		for _, most := range []int{40, 400, n - 1, n} {
			limits := Limits{Least: most / 2, Most: most, Sure: 10, Best: most / 8}
			a, b := q.Nearest([]Part{one}, []uint8{0, 1, 0}, limits), q.Nearest(others, []uint8{0, 1, 0}, limits)
			if !slices.Equal(a, b) {
				t.Errorf("%d codes, of %d nearest: %d are found in one part and %d others in three", distinct, most, len(a), len(b))
			}
			if len(a) < most/8 {
				t.Errorf("%d codes: %d are found of %d", distinct, len(a), most/8)
			}
		}
	}
}

// A vector of zeros, as of a text without any known word, has no direction.
func TestNearestOfZero(t *testing.T) {
	c := NewCoder(70, Frame{}, 1)
	part := Part{Codes: MakeCodes(0, c.Words()), Classes: []uint32{1, 1}, Chunks: []int64{5, 3}}
	for range 2 {
		part.Codes.Append(c.Append(nil, make([]float32, 70)))
	}
	got := c.Query(make([]float32, 70)).Nearest([]Part{part}, []uint8{0, 1}, Limits{Least: 10, Most: 10, Sure: 1, Best: 10})
	if want := []Candidate{{3, 0}, {5, 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
