package lexical

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// pair is a Fresh and a segment of the same chunks, with the same ordinals.
type pair struct {
	fresh   *Fresh
	segment *Segment
	rows    store
	classes []uint32
	chunks  reference
}

func drawPair(t *rapid.T) pair {
	p := pair{fresh: NewFresh(), chunks: reference{}}
	var entries []Entry
	for id := range int64(rapid.IntRange(0, 100).Draw(t, "chunks")) {
		if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
			continue
		}
		c := drawChunk(t)
		e := Entry{Chunk: id, Length: c.length, Language: c.language, Terms: encoded(c.tf)}
		if _, err := p.fresh.Add(e.Chunk, e.Length, e.Terms); err != nil {
			t.Fatal(err)
		}
		entries, p.classes, p.chunks[id] = append(entries, e), append(p.classes, c.class), c
	}
	b, err := Build(entries)
	p.segment, p.rows = finish(t, b, err)
	return p
}

// A match over a segment is that of a Fresh with the same chunks, and both are
// what the definition says.
func TestSegmentMatchIsFreshMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		visible, terms := drawVisible(t), drawQuery(t)
		fresh := p.fresh.Match(terms, p.classes, visible)
		m, err := p.segment.Match(terms, p.rows.row, p.classes, visible)
		if err != nil {
			t.Fatal(err)
		}
		stats := p.chunks.stats(terms, visible)
		if !slices.Equal(m.Frequencies(), stats.Frequencies) || !slices.Equal(fresh.Frequencies(), stats.Frequencies) {
			t.Fatalf("frequencies %v and, fresh, %v, want %v", m.Frequencies(), fresh.Frequencies(), stats.Frequencies)
		}
		keep, k := drawKeep(t), rapid.IntRange(0, 110).Draw(t, "k")
		bitmap := bitmapOf(p.segment.Chunks, keep)
		got := m.Top(stats, bitmap, k)
		if diff := gocmp.Diff(fresh.Top(stats, bitmap, k), got); diff != "" {
			t.Fatalf("hits (-fresh +segment):\n%s", diff)
		}
		compareRanking(t, got, p.chunks.search(terms, visible, keep, k))
	})
}

// Bitmaps of terms name the chunks that hold them, gone or not.
func TestMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		hashes := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 9), 0, 3, rapid.ID).Draw(t, "hashes")
		want := bitmapOf(p.segment.Chunks, func(id int64) bool {
			return slices.ContainsFunc(hashes, func(h uint64) bool { return p.chunks[id].tf[h] > 0 })
		})
		fresh, packed := make([]uint64, len(want)), make([]uint64, len(want))
		for _, hash := range hashes {
			p.fresh.Mark(fresh, hash)
			key := p.segment.Key(hash)
			ords, _, err := p.segment.Postings(key, p.rows[key], hash)
			if err != nil {
				t.Fatal(err)
			}
			Mark(packed, ords)
		}
		if !slices.Equal(fresh, want) || !slices.Equal(packed, want) {
			t.Fatalf("bitmaps %x, fresh, and %x, packed, want %x", fresh, packed, want)
		}
	})
}

func TestSegmentMatchNeedsItsRows(t *testing.T) {
	b, err := Build([]Entry{{Chunk: 1, Terms: EncodeTerms([]Term{{5, 1}})}})
	s, rows := finish(t, b, err)
	terms := []QueryTerm{{Hash: 5, Weight: 1}}
	if _, err := s.Match(terms, func(int64) []byte { return nil }, []uint32{1}, []uint8{0, 1}); err == nil {
		t.Error("a missing row: no error")
	}
	if _, err := s.Match(terms, rows.row, nil, []uint8{0, 1}); err == nil {
		t.Error("classes are missing: no error")
	}
}

// Memory that matches give back serves others, and no score is left behind in it.
func TestReleasedMemoryIsClean(t *testing.T) {
	s, rows := benchmarkSegment(t, 500)
	classes := slices.Repeat([]uint32{1}, len(s.Chunks))
	var wg sync.WaitGroup
	for worker := range 3 {
		wg.Go(func() {
			for round := range 50 {
				terms := make([]QueryTerm, 1+(worker+round)%4)
				for i := range terms {
					terms[i] = QueryTerm{Hash: Hash(fmt.Sprint(1 + 3*i)), Group: i / 2, Weight: 1}
				}
				m, err := s.Match(terms, rows.row, classes, []uint8{0, 1})
				if err != nil {
					t.Error(err)
					return
				}
				stats := Stats{Chunks: 500, Length: 80_000, Frequencies: m.Frequencies()}
				first := m.Top(stats, nil, 20)
				m.Top(stats, []uint64{3}, 1000)
				if second := m.Top(stats, nil, 20); !slices.Equal(first, second) || len(first) == 0 {
					t.Errorf("hits %v, then %v", first, second)
				}
				m.Release()
			}
		})
	}
	wg.Wait()
}

// Ordinals beyond a bitmap are not kept.
func TestShortBitmap(t *testing.T) {
	f := NewFresh()
	for id := range int64(100) {
		addTo(t, f, Entry{Chunk: id, Terms: EncodeTerms([]Term{{7, 1}}), Length: 1})
	}
	m := f.Match([]QueryTerm{{Hash: 7, Weight: 1}}, ones(f), []uint8{0, 1})
	stats := Stats{Chunks: 100, Length: 100, Frequencies: m.Frequencies()}
	if hits := m.Top(stats, []uint64{1 << 63}, 10); len(hits) != 1 || hits[0].Chunk != 63 {
		t.Errorf("hits %v, want chunk 63", hits)
	}
	if hits := m.Top(stats, nil, 0); len(hits) != 0 {
		t.Errorf("%d hits, want none", len(hits))
	}
}

func TestPostingsDoNotAllocate(t *testing.T) {
	s, rows := benchmarkSegment(t, 200)
	allocations := testing.AllocsPerRun(100, func() {
		for i := range 20 {
			hash := uint64(i) << 58
			if i%2 == 0 && len(s.big) > 0 {
				hash = s.big[0]
			}
			key := s.Key(hash)
			if _, _, err := s.Postings(key, rows[key], hash); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
