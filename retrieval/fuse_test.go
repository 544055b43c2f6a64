package retrieval

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func hitsOf(t *rapid.T, label string, top float64) []Hit {
	scores := rapid.SliceOfN(rapid.Float64Range(0.01, top), 0, 20).Draw(t, label)
	hits := make([]Hit, len(scores))
	for i, s := range scores {
		hits[i] = Hit{Chunk: int64(i*7%len(scores)) + 1, Score: s}
	}
	sortHits(hits)
	return hits
}

func sortHits(hits []Hit) {
	for i := range hits {
		for j := i; j > 0 && hits[j].Score > hits[j-1].Score; j-- {
			hits[j].Score, hits[j-1].Score = hits[j-1].Score, hits[j].Score
		}
	}
}

// Each chunk of either leg comes once, best first; who is better in both legs is
// never behind.
func TestFuseKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words, vectors := hitsOf(t, "words", 20), hitsOf(t, "vectors", 0.9)
		s := scales{
			ceiling: rapid.Float64Range(0, 50).Draw(t, "ceiling"), spread: rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "spread"),
			lexical: rapid.Float64Range(0, 1).Draw(t, "share"),
		}
		out := fuse(words, vectors, s)
		seen := make(map[int64]bool)
		for _, h := range append(words, vectors...) {
			seen[h.Chunk] = true
		}
		if len(out) != len(seen) {
			t.Fatalf("%d candidates of %d chunks", len(out), len(seen))
		}
		for i, c := range out {
			if math.IsNaN(c.Score) || c.Score < 0 || c.lexical > 1 {
				t.Fatalf("%+v", c)
			}
			for _, after := range out[i+1:] {
				if after.lexical > c.lexical && after.dense > c.dense {
					t.Fatalf("%+v behind %+v", after, c)
				}
			}
		}
	})
}

// Words that are nowhere together say less than words that are: the same gap
// between hits counts for less against the vectors.
func TestFuseMeasuresWordsByTheirCeiling(t *testing.T) {
	words := []Hit{{1, 5}, {2, 3}}
	vectors := []Hit{{2, .5}, {1, .4}, {3, .2}}
	strong := fuse(words, vectors, scales{ceiling: 5, spread: .3, lexical: .5})
	weak := fuse(words, vectors, scales{ceiling: 50, spread: .3, lexical: .5})
	if strong[0].Chunk != 1 || weak[0].Chunk != 2 {
		t.Errorf("first %d where the words say much, %d where they say little; want 1 and 2", strong[0].Chunk, weak[0].Chunk)
	}
}

func TestLexicalShare(t *testing.T) {
	share := func(text string) float64 {
		s, _ := lexicalShare(text, 0.7)
		return s
	}
	usual := share("claim travel costs")
	if math.Abs(usual-0.7) > 1e-9 {
		t.Errorf("share %v of a usual query", usual)
	}
	if got := share("getUserById"); got < usual+0.1 {
		t.Errorf("share %v of a name", got)
	}
	if got, less := share("what does getUserById do with it"), share("getUserById"); got <= usual || got >= less {
		t.Errorf("share %v of a name in a question", got)
	}
	long := share("which rules hold for the costs of a journey that was longer than the contract with the customer had foreseen")
	if long <= usual {
		t.Errorf("share %v of a long query", long)
	}
	if _, reasons := lexicalShare("", 0.7); reasons != nil {
		t.Error(reasons)
	}
}

func TestWordWeight(t *testing.T) {
	e := weigh(Words{Chunks: 1000, Terms: []Term{
		{Text: "trip", Group: 0, Weight: 1, Frequency: 4}, {Text: "trips", Group: 0, Weight: 1.1, Frequency: 1},
		{Text: "the", Group: 1, Weight: .25, Frequency: 1000}, {Text: "zyx", Group: 2, Weight: 1},
	}})
	weight := func(word string) float64 {
		w, ok := e.wordWeight(word)
		if !ok {
			t.Errorf("%s is not known", word)
		}
		return w
	}
	if the, trips, zyx := weight("the"), weight("trips"), weight("zyx"); the < leastWordWeight || the > .3 || trips <= the || zyx <= trips || math.Abs(zyx-1) > 1e-9 {
		t.Errorf("the %v, trips %v, zyx %v", the, trips, zyx)
	}
	if weight("trips") != weight("trip") {
		t.Error("forms of one word weigh differently")
	}
	if _, ok := e.wordWeight("other"); ok {
		t.Error("a word that was not counted has a weight")
	}
}
