package lexical

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// pair is a Fresh and a segment of the same chunks.
type pair struct {
	fresh   *Fresh
	segment *Segment
	rows    store
	classes []uint32 // 0: gone
	chunks  map[int64]refChunk
}

func drawPair(t *rapid.T) pair {
	p := pair{fresh: NewFresh(), chunks: map[int64]refChunk{}}
	var entries []Entry
	for id := range int64(rapid.IntRange(0, 60).Draw(t, "chunks")) {
		if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
			continue
		}
		c := drawChunk(t)
		d := c.doc(id)
		entries = append(entries, Entry{Chunk: id, Length: d.Length, Language: d.Language, Terms: d.Terms})
		if err := p.fresh.Upsert(d); err != nil {
			t.Fatal(err)
		}
		class := uint32(c.class)
		if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
			p.fresh.Remove(id)
			class = 0
		} else {
			p.chunks[id] = c
		}
		p.classes = append(p.classes, class)
	}
	b, err := Build(entries)
	p.segment, p.rows = finish(t, b, err)
	return p
}

// A match over a segment is that of a Fresh with the same chunks.
func TestSegmentMatchIsFreshMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		seen := rapid.SliceOfNDistinct(rapid.Int32Range(1, 4), 0, 4, rapid.ID).Draw(t, "visible")
		visible := make([]uint8, 5)
		for _, class := range seen {
			visible[class] = 1
		}
		terms := drawQuery(t)
		fresh := p.fresh.Match(terms, func(class int32) bool { return visible[class] == 1 })
		m, err := p.segment.Match(terms, p.rows.row, p.classes, visible)
		if err != nil {
			t.Fatal(err)
		}
		want, stats := fresh.Stats(), m.Stats()
		stats.Add(Stats{Chunks: want.Chunks, Length: want.Length})
		if diff := gocmp.Diff(want, stats); diff != "" {
			t.Fatalf("statistics (-fresh +segment):\n%s", diff)
		}
		keep := rapid.SampledFrom([]func(int64) bool{nil, func(id int64) bool { return id%3 != 0 }}).Draw(t, "keep")
		k := rapid.IntRange(0, 70).Draw(t, "k")
		got, expected := m.Top(stats, m.Bitmap(keep), k), fresh.Top(want, fresh.Bitmap(keep), k)
		compareRanking(t, got, expected)
		for i := range got {
			if got[i].Chunk != expected[i].Chunk {
				t.Fatalf("hit %d is %v, want %v", i, got[i], expected[i])
			}
		}
	})
}

// Bitmaps of terms name the same chunks for a Fresh and a segment.
func TestHolding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		hashes := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 9), 0, 3, rapid.ID).Draw(t, "hashes")
		var want []int64
		for _, id := range slices.Sorted(maps.Keys(p.chunks)) {
			if slices.ContainsFunc(hashes, func(h uint64) bool { return p.chunks[id].tf[h] > 0 }) {
				want = append(want, id)
			}
		}
		bitmap, err := p.segment.Holding(p.rows.row, hashes...)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]QueryTerm, 8)
		for i := range all {
			all[i] = QueryTerm{Hash: uint64(i + 1), Group: i, Weight: 1}
		}
		m, err := p.segment.Match(all, p.rows.row, p.classes, []uint8{0, 1, 1, 1, 1})
		if err != nil {
			t.Fatal(err)
		}
		found := func(m *Match, keep []uint64) (ids []int64) {
			for _, h := range m.Top(Stats{Chunks: 100, Length: 1000, Frequencies: m.Stats().Frequencies}, keep, 100) {
				ids = append(ids, h.Chunk)
			}
			slices.Sort(ids)
			return ids
		}
		if got := found(m, bitmap); !slices.Equal(got, want) {
			t.Fatalf("the segment's bitmap keeps %v, want %v", got, want)
		}
		odd := func(id int64) bool { return id%2 == 1 }
		p.fresh.View(func(v View) {
			m := v.Match(all, func(int32) bool { return true })
			if got := found(m, v.Holding(hashes...)); !slices.Equal(got, want) {
				t.Fatalf("the bitmap of fresh chunks keeps %v, want %v", got, want)
			}
			if diff := gocmp.Diff(found(m, m.Bitmap(odd)), found(m, v.Bitmap(odd))); diff != "" {
				t.Fatalf("kept (-match +view):\n%s", diff)
			}
		})
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
				stats := Stats{Chunks: 500, Length: 80_000, Frequencies: m.Stats().Frequencies}
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
		if err := f.Upsert(Doc{Chunk: id, Class: 1, Terms: EncodeTerms([]Term{{7, 1}}), Length: 1}); err != nil {
			t.Fatal(err)
		}
	}
	m := f.Match([]QueryTerm{{Hash: 7, Weight: 1}}, func(int32) bool { return true })
	if hits := m.Top(m.Stats(), []uint64{1 << 63}, 10); len(hits) != 1 || hits[0].Chunk != 63 {
		t.Errorf("hits %v, want chunk 63", hits)
	}
	if hits := m.Top(m.Stats(), nil, 0); len(hits) != 0 {
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
