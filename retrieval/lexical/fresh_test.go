package lexical

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// reference is BM25 by its definition, over a plain list of chunks.
type reference map[int64]refChunk

type refChunk struct {
	class    int32
	language string
	length   int
	tf       map[uint64]uint8
}

func (r reference) search(terms []QueryTerm, visible func(int32) bool, keep func(int64) bool, k int) []Hit {
	n, length := 0, 0
	df := map[uint64]int{}
	for _, c := range r {
		if !visible(c.class) {
			continue
		}
		n++
		length += c.length
		for h := range c.tf {
			df[h]++
		}
	}
	groupDF := map[int]int{}
	for _, t := range terms {
		groupDF[t.Group] = max(groupDF[t.Group], df[t.Hash])
	}
	var hits []Hit
	for id, c := range r {
		if !visible(c.class) || keep != nil && !keep(id) {
			continue
		}
		best := map[int]float64{}
		for _, t := range terms {
			if tf := float64(c.tf[t.Hash]); tf > 0 {
				idf := math.Log(1 + (float64(n-groupDF[t.Group])+.5)/(float64(groupDF[t.Group])+.5))
				s := float64(t.Weight) * idf * tf * 2.2 / (tf + 1.2*(0.25+0.75*float64(c.length)*float64(n)/float64(length)))
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

func (r reference) languages(visible func(int32) bool) map[string]int {
	counts := map[string]int{}
	for _, c := range r {
		if visible(c.class) {
			counts[cmp.Or(c.language, "en")]++
		}
	}
	return counts
}

func drawChunk(t *rapid.T) refChunk {
	c := refChunk{
		class:    rapid.Int32Range(1, 4).Draw(t, "class"),
		language: rapid.SampledFrom([]string{"", "en", "de", "fr"}).Draw(t, "language"),
		tf:       map[uint64]uint8{},
	}
	for range rapid.IntRange(1, 6).Draw(t, "terms") {
		n := uint8(rapid.IntRange(1, 255).Draw(t, "tf"))
		c.tf[rapid.Uint64Range(1, 8).Draw(t, "hash")] = n
		c.length += int(n)
	}
	return c
}

func (c refChunk) doc(id int64) Doc {
	var terms []Term
	for h := uint64(1); h <= 8; h++ {
		if n := c.tf[h]; n > 0 {
			terms = append(terms, Term{h, n})
		}
	}
	return Doc{Chunk: id, Class: c.class, Language: c.language, Terms: EncodeTerms(terms), Length: c.length}
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

// After any edits, scores and languages are those of the definition over the
// visible chunks.
func TestFreshIsBM25(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, want := NewFresh(), reference{}
		for range rapid.IntRange(1, 40).Draw(t, "edits") {
			id := rapid.Int64Range(1, 12).Draw(t, "chunk")
			switch rapid.IntRange(0, 5).Draw(t, "edit") {
			case 0:
				f.Remove(id)
				delete(want, id)
			case 1:
				class := rapid.Int32Range(1, 4).Draw(t, "new class")
				f.SetClass(id, class)
				if c, ok := want[id]; ok {
					c.class = class
					want[id] = c
				}
			case 2:
				f.mu.Lock()
				f.entries = f.entries.compacted()
				f.mu.Unlock()
			default:
				c := drawChunk(t)
				want[id] = c
				if err := f.Upsert(c.doc(id)); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := rapid.SliceOfNDistinct(rapid.Int32Range(1, 4), 0, 4, rapid.ID).Draw(t, "visible")
		visible := func(class int32) bool { return slices.Contains(seen, class) }
		keep := rapid.SampledFrom([]func(int64) bool{nil, func(id int64) bool { return id%3 != 0 }}).Draw(t, "keep")
		terms, k := drawQuery(t), rapid.IntRange(0, 15).Draw(t, "k")
		if f.Len() != len(want) {
			t.Fatalf("Len = %d, want %d", f.Len(), len(want))
		}
		compareRanking(t, f.Search(terms, visible, keep, k), want.search(terms, visible, keep, k))
		counts := want.languages(visible)
		got := f.VisibleLanguages(visible, 10)
		if len(got) != len(counts) || !slices.IsSortedFunc(got, func(a, b string) int { return counts[b] - counts[a] }) {
			t.Fatalf("languages %v, want by frequency %v", got, counts)
		}
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

// What a viewer cannot read changes none of her scores.
func TestHiddenChunksDoNotLeak(t *testing.T) {
	terms := QueryTerms("secret project budget", nil)
	visible := func(class int32) bool { return class == 1 }
	f := NewFresh()
	upsert := func(id int64, class int32, text string) {
		t.Helper()
		d, n := Terms(Fields{Body: text, Language: "en"})
		if err := f.Upsert(Doc{Chunk: id, Class: class, Language: "en", Terms: EncodeTerms(d), Length: n}); err != nil {
			t.Fatal(err)
		}
	}
	upsert(1, 1, "The budget of the project.")
	upsert(2, 1, "A project without any costs.")
	want := f.Search(terms, visible, nil, 10)
	if len(want) != 2 {
		t.Fatalf("found %v", want)
	}
	for id := int64(10); id < 40; id++ {
		upsert(id, 2, strings.Repeat("secret project budget ", int(id)))
	}
	if diff := gocmp.Diff(want, f.Search(terms, visible, nil, 10)); diff != "" {
		t.Errorf("hits after hidden chunks were added (-before +after):\n%s", diff)
	}
}

// Statistics of several parts add up to the scores of one index that holds all.
func TestStatsAddUp(t *testing.T) {
	all, left, right := NewFresh(), NewFresh(), NewFresh()
	rng := rand.New(rand.NewPCG(1, 2))
	for id := range int64(60) {
		d := randomDoc(rng, id, 40)
		part := left
		if id%3 == 0 {
			part = right
		}
		if err := errors.Join(all.Upsert(d), part.Upsert(d)); err != nil {
			t.Fatal(err)
		}
	}
	terms := []QueryTerm{{Hash: 1, Weight: 1}, {Hash: 2, Weight: 1.1}, {Hash: 5, Group: 1, Weight: 1}}
	everything := func(int32) bool { return true }
	a, b := left.Match(terms, everything), right.Match(terms, everything)
	stats := a.Stats()
	stats.Add(b.Stats())
	got := append(a.Top(stats, nil, 60), b.Top(stats, nil, 60)...)
	slices.SortFunc(got, compareHits)
	if diff := gocmp.Diff(all.Search(terms, everything, nil, 60), got); diff != "" {
		t.Errorf("hits (-one index +two parts):\n%s", diff)
	}
}

func TestMatchDoesNotChange(t *testing.T) {
	f := NewFresh()
	rng := rand.New(rand.NewPCG(1, 2))
	for id := range int64(3000) {
		if err := f.Upsert(randomDoc(rng, id, 100)); err != nil {
			t.Fatal(err)
		}
	}
	terms := []QueryTerm{{Hash: 1, Weight: 1}, {Hash: 2, Group: 1, Weight: 1}}
	m := f.Match(terms, func(int32) bool { return true })
	want := m.Top(m.Stats(), nil, 5)
	for id := range int64(2990) {
		f.Remove(id)
	}
	if n := len(f.entries.chunks); n > 2000 {
		t.Errorf("%d entries for %d chunks: not compacted", n, f.Len())
	}
	if diff := gocmp.Diff(want, m.Top(m.Stats(), nil, 5)); diff != "" {
		t.Errorf("hits of an old match (-before +after):\n%s", diff)
	}
}

func TestUnusedClassesAreDropped(t *testing.T) {
	f := NewFresh()
	if err := f.Upsert(Doc{Chunk: 1, Class: 1}); err != nil {
		t.Fatal(err)
	}
	for class := range int32(5000) {
		f.SetClass(1, class)
	}
	if n := len(f.entries.classes); n > 2000 {
		t.Errorf("%d classes for one chunk", n)
	}
}

func TestUpsertRejectsMalformedTerms(t *testing.T) {
	f := NewFresh()
	if err := f.Upsert(Doc{Chunk: 1, Class: 1, Terms: EncodeTerms([]Term{{Hash: 7, TF: 1}}), Length: 1}); err != nil {
		t.Fatal(err)
	}
	if err := f.Upsert(Doc{Chunk: 1, Class: 1, Terms: []byte{0x80}}); !errors.Is(err, ErrMalformed) {
		t.Errorf("error = %v, want ErrMalformed", err)
	}
	if hits := f.Search([]QueryTerm{{Hash: 7, Weight: 1}}, func(int32) bool { return true }, nil, 1); len(hits) != 1 {
		t.Errorf("the chunk of before is gone: %v", hits)
	}
}

func TestConcurrentSearchAndEdits(t *testing.T) {
	f := NewFresh()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			terms := []QueryTerm{{Hash: 1, Weight: 1}, {Hash: 2, Weight: 1}, {Hash: 3, Group: 1, Weight: 1}}
			for range 300 {
				for _, h := range f.Search(terms, func(class int32) bool { return class != 2 }, nil, 10) {
					if math.IsNaN(h.Score) || h.Score <= 0 {
						t.Errorf("score %v", h.Score)
					}
				}
				f.VisibleLanguages(func(int32) bool { return true }, 3)
			}
		})
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range int64(6000) {
		if err := f.Upsert(randomDoc(rng, i%1500, 50)); err != nil {
			t.Error(err)
		}
		f.SetClass(i/2, int32(i%5))
		f.Remove(i / 3)
	}
	wg.Wait()
}

// randomDoc returns a chunk of about 100 distinct terms; a term's rank is its
// hash, and frequencies fall with it as in text.
func randomDoc(rng *rand.Rand, id int64, vocabulary int) Doc {
	seen := map[uint64]uint8{}
	for range 140 {
		rank := math.Pow(float64(vocabulary), rng.Float64())
		seen[uint64(rank)]++
	}
	terms := make([]Term, 0, len(seen))
	for h, n := range seen {
		terms = append(terms, Term{h, n})
	}
	slices.SortFunc(terms, func(a, b Term) int { return int(a.Hash) - int(b.Hash) })
	return Doc{Chunk: id, Class: int32(rng.IntN(1000)), Language: "en", Terms: EncodeTerms(terms), Length: 140}
}

func BenchmarkFreshUpsert(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	docs := make([]Doc, 20_000)
	for i := range docs {
		docs[i] = randomDoc(rng, int64(i), 300_000)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		f := NewFresh()
		for _, d := range docs {
			if err := f.Upsert(d); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(docs)), "µs/chunk")
}

// Questions of eight words over 100,000 chunks, half of them common words.
func BenchmarkFreshSearch(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	f := NewFresh()
	for i := range int64(100_000) {
		if err := f.Upsert(randomDoc(rng, i, 300_000)); err != nil {
			b.Fatal(err)
		}
	}
	for _, percent := range []int32{100, 40, 10, 2} {
		b.Run(fmt.Sprintf("sees=%d%%", percent), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(5, 6))
			postings := 0
			for b.Loop() {
				var terms []QueryTerm
				for g := range 8 {
					low := []float64{3, 300}[g%2]
					terms = append(terms, QueryTerm{Hash: uint64(low * math.Pow(100, rng.Float64())), Group: g, Weight: 1})
				}
				m := f.Match(terms, func(class int32) bool { return class%100 < percent })
				postings += len(m.postings)
				m.Top(m.Stats(), nil, 200)
			}
			b.ReportMetric(float64(postings)/float64(b.N), "postings/op")
		})
	}
}
