package lexical

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Lists of every length, in a table that grows many times over, over many pages.
func TestPostingsKeepEveryList(t *testing.T) {
	p, want := newPostings(), map[uint64][]uint32{}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range uint32(300_000) {
		hash := uint64(rng.ExpFloat64() * 3000)
		p.add(hash, i)
		want[hash] = append(want[hash], i)
	}
	for hash, list := range want {
		var got []uint32
		for block := range p.blocks(hash) {
			got = append(got, block...)
		}
		if !slices.Equal(got, list) || p.count(hash) != len(list) {
			t.Fatalf("list of %d has %d postings, counted %d, want %d", hash, len(got), p.count(hash), len(list))
		}
	}
	if n := p.count(1 << 40); n != 0 {
		t.Errorf("an unknown term has %d postings", n)
	}
}

func TestTopIsTheSortedPrefix(t *testing.T) {
	gen := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) Hit {
		return Hit{Chunk: rapid.Int64Range(0, 500).Draw(t, "chunk"), Score: float64(rapid.IntRange(1, 20).Draw(t, "score"))}
	}), func(h Hit) int64 { return h.Chunk })
	rapid.Check(t, func(t *rapid.T) {
		hits, k := gen.Draw(t, "hits"), rapid.IntRange(0, 30).Draw(t, "k")
		top, shared := NewTop(k), []*Top{NewTop(k), NewTop(k), NewTop(k)}
		for _, h := range hits {
			top.Offer(h)
			shared[rapid.IntRange(0, 2).Draw(t, "share")].Offer(h)
		}
		slices.SortFunc(hits, compareHits)
		want := hits[:min(k, len(hits))]
		if !slices.Equal(top.Hits(), want) {
			t.Fatalf("not the best %d of %v", k, hits)
		}
		if got := BestOf(shared, k); !slices.Equal(got, want) {
			t.Fatalf("merged %v, want the best %d of %v", got, k, hits)
		}
	})
}
