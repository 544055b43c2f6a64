package retrieval

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

// rack is an index of given chunks in order: number i, from 1, is chunks[i-1].
type rack struct {
	Legs
	Chunks
	chunks []hydrated
}

func (s *rack) Begin(context.Context) (Legs, error) { return s, nil }

func (s *rack) Lexical(_ context.Context, _ cairn.Query, limit int) (Words, error) {
	var hits []Hit
	for i := range s.chunks[:min(limit, len(s.chunks))] {
		hits = append(hits, Hit{Chunk: int64(i + 1), Score: float64(len(s.chunks) - i)})
	}
	return Words{Hits: hits}, nil
}

func (s *rack) Count(_ context.Context, chunks []int64) (sources, kinds map[string]int, err error) {
	return nil, map[string]int{"page": len(chunks)}, nil
}

func (s *rack) Documents(_ context.Context, ids []int64) (map[int64]cairn.DocumentID, error) {
	of := make(map[int64]cairn.DocumentID)
	for _, id := range ids {
		of[id] = s.chunks[id-1].chunk.Passage.Document
	}
	return of, nil
}

func (s *rack) Hydrate(_ context.Context, _ cairn.Viewer, ids []int64) (out []Chunk, err error) {
	for _, id := range ids {
		c := s.chunks[id-1].chunk
		c.ID = id
		out = append(out, c)
	}
	return out, nil
}

// different returns a text that says what no other does.
func different(i int) string {
	return fmt.Sprintf("alpha%d beta%d gamma%d delta%d", i*7, i*11, i*13, i*17)
}

// TestAsideComesBack has two documents of which much is put aside, and then a newer
// version of one of the three results of the first: another of its passages follows.
func TestAsideComesBack(t *testing.T) {
	s := &rack{}
	put := func(document, title, text string, at time.Time) {
		s.chunks = append(s.chunks, doc(document, title, text, at))
	}
	for i := range 3 {
		put("z", "Other", different(i), october)
	}
	put("x", "Travel", rule, october)
	put("x", "Travel", different(5), october)
	put("x", "Travel", different(6), october)
	for i := range 24 {
		put("z", "Other", different(100+i), october)
	}
	for i := range 4 { // of the second window
		put("x", "Travel", different(200+i), october)
	}
	for i := range 50 {
		put("z", "Other", different(300+i), october)
	}
	put("y", "Travel", strings.Replace(rule, "30 days", "60 days", 1), october.Add(time.Hour))
	res, err := New(Config{Index: s, Chunks: s, Log: slog.New(slog.DiscardHandler)}).Search(t.Context(), cairn.Query{Text: "word", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[cairn.DocumentID]int)
	for _, p := range res.Passages {
		of[p.Document]++
	}
	if of["x"] != 3 || of["y"] != 1 || of["z"] != 3 || len(res.Passages) != 7 {
		t.Errorf("%v; want three of x and z and one of y", of)
	}
}
