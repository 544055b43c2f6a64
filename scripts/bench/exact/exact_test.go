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
	chunk := 0
	for d := range c.Documents() {
		pieces, _ := d.Pieces()
		for i, p := range pieces {
			terms, length := lexical.Terms(lexical.Fields{Title: d.Title, Body: string(d.Body[p.Start:p.End]), Language: "en"})
			data := lexical.EncodeTerms(terms)
			if err := w.Add(d.Number, length, data, []float32{float32(chunk), .5, -float32(i)}); err != nil {
				t.Fatal(err)
			}
			doc := lexical.Doc{Chunk: int64(chunk), Class: int32(d.Number % 3), Language: "en", Terms: data, Length: length}
			if err := fresh.Upsert(doc); err != nil {
				t.Fatal(err)
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
		want := fresh.Search(terms, func(class int32) bool { return class != 1 },
			func(chunk int64) bool { return keep(int(chunks.Doc[chunk])) }, 20)
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
