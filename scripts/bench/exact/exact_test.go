package exact

import (
	"math"
	"testing"

	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
)

// Two implementations that share nothing but the analysis must agree.
func TestWordsAgreeWithTheIndexInMemory(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, fresh := corpus.NewInvented(120), lexical.NewFresh()
	var classes []uint32
	var seen lexical.Stats // of classes 1 and 3
	chunk := 0
	for d := range c.Documents() {
		pieces, _ := d.Pieces()
		for i, p := range pieces {
			terms, length := lexical.Terms(lexical.Fields{Title: d.Title, Body: string(d.Body[p.Start:p.End]), Language: "en"})
			data := lexical.EncodeTerms(terms)
			if err := w.Add(d.Number, length, data, []float32{float32(chunk), .5, -float32(i)}); err != nil {
				t.Fatal(err)
			}
			if _, err := fresh.Add(int64(chunk), length, data); err != nil {
				t.Fatal(err)
			}
			classes = append(classes, uint32(d.Number%3)+1)
			if d.Number%3 != 1 {
				seen.Chunks++
				seen.Length += int64(length)
			}
			chunk++
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	chunks, err := Open(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	if v := chunks.Vector(7); chunks.Len() != chunk || v[0] != 7 || v[1] != .5 {
		t.Fatalf("%d of %d chunks, vector %v", chunks.Len(), chunk, v)
	}
	visible := chunks.Visible(func(doc int) bool { return doc%3 != 1 })
	for _, q := range c.Realistic(30) {
		terms := lexical.QueryTerms(q.Text, []string{"en"})
		words, err := chunks.Words(terms)
		if err != nil {
			t.Fatal(err)
		}
		keep := func(doc int) bool { return doc%5 != 0 }
		match := fresh.Match(terms, classes, []uint8{0, 1, 0, 1})
		kept := make([]uint64, (chunk+63)/64)
		for i := range chunk {
			if keep(int(chunks.Doc[i])) {
				kept[i/64] |= 1 << (i % 64)
			}
		}
		seen.Frequencies = match.Frequencies()
		want := match.Top(seen, kept, 20)
		got := words.Search(terms, visible, keep)
		for i, b := range Best(got, 20) {
			if math.Abs(b.Score-want[i].Score) > 1e-9*want[i].Score || math.Abs(got[int(want[i].Chunk)]-want[i].Score) > 1e-9 {
				t.Fatalf("%q, place %d: %v, want %v", q.Text, i, b, want[i])
			}
		}
		if len(Best(got, 20)) != len(want) {
			t.Fatalf("%q: %d hits, want %d", q.Text, len(got), len(want))
		}
	}
}

func TestNearest(t *testing.T) {
	c := &Chunks{Doc: []int32{0, 0, 1, 2}, dim: 4, vector: []float32{1, 0, 0, 0, 0, 1, 0, 0, .5, .5, .5, .5, .9, 0, 0, .1}}
	best := BestVisible(c.Nearest([]float32{1, 0, 0, 0}), []bool{false, true, true, true}, 2)
	if len(best) != 2 || best[0].Chunk != 3 || best[1].Chunk != 2 {
		t.Errorf("%v", best)
	}
}
