package lexical

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// reference is BM25 by its definition, over a plain list of chunks.
type reference map[int64]refChunk

type refChunk struct {
	class    uint32 // 0: gone
	language string
	length   int
	tf       map[uint64]uint8
}

// stats returns the statistics of the visible chunks.
func (r reference) stats(terms []QueryTerm, visible []uint8) Stats {
	s := Stats{Frequencies: make([]int, len(terms))}
	for _, c := range r {
		if visible[c.class] == 0 {
			continue
		}
		s.Chunks++
		s.Length += int64(c.length)
		for i, t := range terms {
			if c.tf[t.Hash] > 0 {
				s.Frequencies[i]++
			}
		}
	}
	return s
}

func (r reference) search(terms []QueryTerm, visible []uint8, keep func(int64) bool, k int) []Hit {
	stats := r.stats(terms, visible)
	n, length := float64(stats.Chunks), float64(stats.Length)
	groupDF := map[int]int{}
	for i, t := range terms {
		groupDF[t.Group] = max(groupDF[t.Group], stats.Frequencies[i])
	}
	var hits []Hit
	for id, c := range r {
		if visible[c.class] == 0 || !keep(id) {
			continue
		}
		best := map[int]float64{}
		for _, t := range terms {
			if tf := float64(c.tf[t.Hash]); tf > 0 {
				df := float64(groupDF[t.Group])
				idf := math.Log(1 + (n-df+.5)/(df+.5))
				s := float64(t.Weight) * idf * tf * 2.2 / (tf + 1.2*(0.25+0.75*float64(c.length)*n/length))
				best[t.Group] = max(best[t.Group], s)
			}
		}
		score := 0.0
		for _, s := range best {
			score += s
		}
		if score > 0 {
			hits = append(hits, Hit{id, score})
		}
	}
	slices.SortFunc(hits, compareHits)
	return hits[:min(len(hits), k)]
}

func drawChunk(t *rapid.T) refChunk {
	c := refChunk{
		class:    rapid.Uint32Range(0, 4).Draw(t, "class"),
		language: rapid.SampledFrom([]string{"", "en", "de", "fr"}).Draw(t, "language"),
		tf:       map[uint64]uint8{},
	}
	for range rapid.IntRange(1, 6).Draw(t, "terms") {
		hash := rapid.Uint64Range(1, 8).Draw(t, "hash")
		c.length -= int(c.tf[hash])
		c.tf[hash] = uint8(rapid.IntRange(1, 255).Draw(t, "tf"))
		c.length += int(c.tf[hash])
	}
	return c
}

// drawVisible draws a table of the classes 0 to 4; 0 admits nobody.
func drawVisible(t *rapid.T) []uint8 {
	visible := make([]uint8, 5)
	for _, class := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 4, rapid.ID).Draw(t, "visible") {
		visible[class] = 1
	}
	return visible
}

// drawKeep draws a filter.
func drawKeep(t *rapid.T) func(int64) bool {
	divisor := rapid.Int64Range(0, 3).Draw(t, "filtered out")
	return func(id int64) bool { return divisor == 0 || id%divisor != 0 }
}

func drawQuery(t *rapid.T) []QueryTerm {
	hashes := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 9), 1, 5, rapid.ID).Draw(t, "query")
	terms := make([]QueryTerm, len(hashes))
	for i, h := range hashes {
		terms[i] = QueryTerm{Hash: h, Weight: float32(rapid.IntRange(1, 8).Draw(t, "weight")) / 4}
		if i > 0 {
			terms[i].Group = terms[i-1].Group + rapid.IntRange(0, 1).Draw(t, "next group")
		}
	}
	return terms
}

// bitmapOf returns a bit for each of the chunks that is kept.
func bitmapOf(chunks []int64, keep func(int64) bool) []uint64 {
	bitmap := make([]uint64, (len(chunks)+63)/64)
	for ord, chunk := range chunks {
		if keep(chunk) {
			bitmap[ord>>6] |= 1 << (ord & 63)
		}
	}
	return bitmap
}

// Whatever is compacted meanwhile, frequencies and scores are those of the
// definition over the visible chunks.
func TestFreshIsBM25(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, want := NewFresh(), reference{}
		var classes []uint32
		for id := range int64(rapid.IntRange(0, 100).Draw(t, "chunks")) {
			c := drawChunk(t)
			ord, err := f.Add(id, c.length, encoded(c.tf))
			if err != nil || int(ord) != len(classes) {
				t.Fatalf("Add = %d, %v, want %d", ord, err, len(classes))
			}
			classes = append(classes, c.class)
			want[id] = c
			if rapid.IntRange(0, 9).Draw(t, "compact") == 0 {
				keep := make([]bool, len(classes))
				for ord, class := range classes {
					keep[ord] = class != 0
				}
				f = f.Compact(keep)
				classes = slices.DeleteFunc(classes, func(class uint32) bool { return class == 0 })
			}
		}
		visible, keep, terms, k := drawVisible(t), drawKeep(t), drawQuery(t), rapid.IntRange(0, 120).Draw(t, "k")
		m, stats := f.Match(terms, classes, visible), want.stats(terms, visible)
		if !slices.Equal(m.Frequencies(), stats.Frequencies) {
			t.Fatalf("frequencies %v, want %v", m.Frequencies(), stats.Frequencies)
		}
		compareRanking(t, m.Top(stats, bitmapOf(f.chunks, keep), k), want.search(terms, visible, keep, k))
	})
}

// compareRanking allows the scores the rounding of another order of summation.
func compareRanking(t *rapid.T, got, want []Hit) {
	if len(got) != len(want) {
		t.Fatalf("%d hits, want %d\ngot  %v\nwant %v", len(got), len(want), got, want)
	}
	for i := range got {
		if math.Abs(got[i].Score-want[i].Score) > 1e-9*want[i].Score {
			t.Fatalf("hit %d is %v, want %v", i, got[i], want[i])
		}
		if i > 0 && compareHits(got[i-1], got[i]) >= 0 {
			t.Fatalf("hits %v out of order", got)
		}
	}
}

// Matches of several parts give the scores of one index that holds all.
func TestFrequenciesAddUp(t *testing.T) {
	all, left, right := NewFresh(), NewFresh(), NewFresh()
	rng := rand.New(rand.NewPCG(1, 2))
	stats := Stats{Chunks: 60}
	for id := range int64(60) {
		e := randomEntry(rng, id, 40)
		part := left
		if id%3 == 0 {
			part = right
		}
		addTo(t, all, e)
		addTo(t, part, e)
		stats.Length += int64(e.Length)
	}
	terms := []QueryTerm{{Hash: 1, Weight: 1}, {Hash: 2, Weight: 1.1}, {Hash: 5, Group: 1, Weight: 1}}
	visible := []uint8{0, 1}
	whole, a, b := all.Match(terms, ones(all), visible), left.Match(terms, ones(left), visible), right.Match(terms, ones(right), visible)
	for i, n := range a.Frequencies() {
		stats.Frequencies = append(stats.Frequencies, n+b.Frequencies()[i])
	}
	if !slices.Equal(stats.Frequencies, whole.Frequencies()) || stats.Frequencies[0] == 0 {
		t.Fatalf("frequencies %v, want %v", stats.Frequencies, whole.Frequencies())
	}
	top := NewTop(50)
	a.Offer(top, stats, nil)
	b.Offer(top, stats, nil)
	if diff := gocmp.Diff(whole.Top(stats, nil, 50), top.Hits()); diff != "" {
		t.Errorf("hits (-one index +two parts):\n%s", diff)
	}
}

// ones returns class 1 for every chunk.
func ones(f *Fresh) []uint32 { return slices.Repeat([]uint32{1}, len(f.chunks)) }

// What was matched stays what it was when chunks are added and compacted.
func TestMatchDoesNotChange(t *testing.T) {
	f := NewFresh()
	rng := rand.New(rand.NewPCG(1, 2))
	for id := range int64(3000) {
		addTo(t, f, randomEntry(rng, id, 100))
	}
	terms := []QueryTerm{{Hash: 1, Weight: 1}, {Hash: 2, Group: 1, Weight: 1}}
	m := f.Match(terms, ones(f), []uint8{0, 1})
	stats := Stats{Chunks: 3000, Length: 3000 * 140, Frequencies: m.Frequencies()}
	want := m.Top(stats, nil, 5)
	for id := range int64(3000) {
		addTo(t, f, randomEntry(rng, 3000+id, 100))
	}
	keep := make([]bool, 6000)
	for ord := 2990; ord < 6000; ord++ {
		keep[ord] = true
	}
	if c := f.Compact(keep); len(c.chunks) != 3010 || c.postings.used == 0 {
		t.Errorf("%d chunks are left, want 3,010", len(c.chunks))
	}
	if diff := gocmp.Diff(want, m.Top(stats, nil, 5)); diff != "" || len(want) != 5 {
		t.Errorf("hits of an old match (-before +after):\n%s", diff)
	}
}

func TestAddRejects(t *testing.T) {
	f := NewFresh()
	terms := EncodeTerms([]Term{{Hash: 7, TF: 1}})
	addTo(t, f, Entry{Chunk: 1, Terms: terms, Length: 1})
	for _, malformed := range [][]byte{{0x80}, append(slices.Clone(terms), 0)} {
		if _, err := f.Add(2, 1, malformed); !errors.Is(err, ErrMalformed) {
			t.Errorf("error = %v, want ErrMalformed", err)
		}
	}
	addTo(t, f, Entry{Chunk: 3, Terms: terms, Length: 1})
	m := f.Match([]QueryTerm{{Hash: 7, Weight: 1}}, ones(f), []uint8{0, 1})
	hits := m.Top(Stats{Chunks: 2, Length: 2, Frequencies: m.Frequencies()}, nil, 9)
	if len(hits) != 2 || hits[0].Chunk != 1 || hits[1].Chunk != 3 {
		t.Errorf("hits %v, want the chunks 1 and 3", hits)
	}
	full := &Fresh{chunks: make([]int64, maxOrdinal+1), postings: newPostings()}
	if _, err := full.Add(1, 1, nil); !errors.Is(err, ErrFull) {
		t.Errorf("error = %v, want ErrFull", err)
	}
}

func TestClampLength(t *testing.T) {
	for length, want := range map[int]uint16{-1: 0, 0: 0, 7: 7, 65_535: 65_535, 65_536: 65_535, 1 << 40: 65_535} {
		if got := ClampLength(length); got != want {
			t.Errorf("ClampLength(%d) = %d, want %d", length, got, want)
		}
	}
}

func addTo(t testing.TB, f *Fresh, e Entry) {
	t.Helper()
	if _, err := f.Add(e.Chunk, e.Length, e.Terms); err != nil {
		t.Fatal(err)
	}
}

// randomEntry returns a chunk of about 100 distinct terms; a term's rank is its
// hash, and frequencies fall with it as in text.
func randomEntry(rng *rand.Rand, id int64, vocabulary int) Entry {
	tf := map[uint64]uint8{}
	for range 140 {
		rank := math.Pow(float64(vocabulary), rng.Float64())
		tf[uint64(rank)]++
	}
	return Entry{Chunk: id, Language: "en", Terms: encoded(tf), Length: 140}
}

func BenchmarkFreshAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	entries := make([]Entry, 20_000)
	for i := range entries {
		entries[i] = randomEntry(rng, int64(i), 300_000)
	}
	b.ReportAllocs()
	for b.Loop() {
		f := NewFresh()
		for _, e := range entries {
			addTo(b, f, e)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(entries)), "µs/chunk")
}

// Questions of eight words over 100,000 chunks, half of them common words.
func BenchmarkFreshSearch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	f := NewFresh()
	classes := make([]uint32, 100_000)
	for i := range classes {
		addTo(b, f, randomEntry(rng, int64(i), 300_000))
		classes[i] = 1 + rng.Uint32N(1000)
	}
	for _, percent := range []int{100, 40, 10, 2} {
		visible := make([]uint8, 1001)
		for class := 1; class <= 1000; class++ {
			if class%100 < percent {
				visible[class] = 1
			}
		}
		b.Run(fmt.Sprintf("sees=%d%%", percent), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(5, 6))
			postings := 0
			for b.Loop() {
				var terms []QueryTerm
				for g := range 8 {
					low := []float64{3, 300}[g%2]
					terms = append(terms, QueryTerm{Hash: uint64(low * math.Pow(100, rng.Float64())), Group: g, Weight: 1})
				}
				m := f.Match(terms, classes, visible)
				postings += len(m.postings)
				m.Top(Stats{Chunks: 1000 * percent, Length: int64(140_000 * percent), Frequencies: m.Frequencies()}, nil, 200)
			}
			b.ReportMetric(float64(postings)/float64(b.N), "postings/op")
		})
	}
}
