package index

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// large returns the states of segments of so many chunks, of few terms, and
// their ids ascend. Each chunk has a class of 1 to classes.
func large(b *testing.B, segments, size, classes int) *State {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	s := New(6)
	languages := []string{"en", "de", "fr", ""}
	for id := range segments {
		entries := make([]lexical.Entry, size)
		rows := make([]Row, size)
		for i := range entries {
			chunk := int64(id*size + i)
			entries[i] = lexical.Entry{Chunk: chunk, Length: 200, Language: languages[min(int(rng.ExpFloat64()), 3)], Terms: lexical.EncodeTerms([]lexical.Term{{Hash: word(i % 8), TF: 1}})}
			rows[i] = Row{Chunk: chunk, Class: 1 + rng.Int32N(int32(classes)), Source: fmt.Sprint(rng.IntN(10)), Kind: []string{"page", "code"}[rng.IntN(2)], Modified: day(rng.IntN(1000))}
		}
		s.Apply(Change{Segments: []Segment{{ID: int32(id), Index: build(b, entries).index, Rows: rows}}})
	}
	return s
}

// A viewer of a share of many classes, most of which have one chunk.
func BenchmarkBegin(b *testing.B) {
	s := large(b, 5, 60_000, 300_000)
	for _, percent := range []int{100, 40, 10, 1} {
		rng := rand.New(rand.NewPCG(3, 4))
		visible := make([]uint8, 300_032)
		for class := range visible[1:] {
			if rng.IntN(100) < percent {
				visible[1+class] = 1
			}
		}
		b.Run(fmt.Sprintf("classes=300000/sees=%d%%", percent), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Begin(Request{Visible: visible, Analyse: func([]string) ([]lexical.QueryTerm, Filter) { return nil, Filter{} }})
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	s := large(b, 1, lexical.MaxSegment, 1000)
	for _, bench := range []struct {
		name   string
		filter Filter
	}{
		{"source", Filter{Sources: []string{"3"}}},
		{"sources", Filter{Sources: []string{"3", "4", "7"}}},
		{"kind", Filter{Kind: "page"}},
		{"time", Filter{After: day(300), Before: day(600)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			n := s.numbersOf(&bench.filter)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bench.filter.bitmap(&s.segments[0].columns, &n, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A thousand chunks in twenty segments are moved to other hands.
func BenchmarkApply(b *testing.B) {
	const segments, size = 20, 30_000
	s := large(b, segments, size, 1000)
	rng := rand.New(rand.NewPCG(1, 2))
	sources, kinds := s.sources.texts(), s.kinds.texts()
	b.ReportAllocs()
	for b.Loop() {
		rows := make([]Row, 1000)
		for i := range rows {
			g, ord := s.segments[rng.IntN(segments)], rng.IntN(size)
			rows[i] = Row{
				Chunk: g.chunks[ord], Class: 1 + rng.Int32N(1000), Source: sources[g.sources[ord]], Kind: kinds[g.kinds[ord]],
				Modified: time.UnixMicro(g.modified[ord]),
			}
		}
		if rejected := s.Apply(Change{Packed: rows}); rejected != nil {
			b.Fatal(rejected)
		}
	}
}

// A full segment is made known, and retired again.
func BenchmarkInstall(b *testing.B) {
	s := large(b, 1, lexical.MaxSegment, 1000)
	g := s.segments[0]
	in := Segment{ID: 1, Index: g.lexical}
	for ord, chunk := range g.chunks {
		in.Rows = append(in.Rows, Row{Chunk: chunk, Class: int32(g.classes[ord]), Source: "3", Kind: "page"})
	}
	s.Apply(Change{Retired: []int32{0}})
	b.ReportAllocs()
	for b.Loop() {
		s.Apply(Change{Segments: []Segment{in}})
		s.Apply(Change{Retired: []int32{1}})
	}
}

// texts returns the texts by number.
func (n *names) texts() map[uint32]string {
	texts := make(map[uint32]string)
	for text, number := range n.numbers {
		texts[number] = text
	}
	return texts
}
