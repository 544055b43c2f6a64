package lexical

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// store is the table of rows of a segment.
type store map[int64][]byte

func (s store) row(key int64) []byte { return s[key] }

func (s store) rows(from, to int64) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(s)) {
			if from <= key && key <= to && !yield(Row{key, s[key]}, nil) {
				return
			}
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// finish takes the rows of a segment and checks that they are those of its keys.
func finish(t fataler, b *Builder, err error) (*Segment, store) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if b.Segment() != nil {
		t.Fatalf("a segment before its rows")
	}
	rows := store{}
	for row, err := range b.Rows() {
		if err != nil {
			t.Fatalf("rows: %v", err)
		}
		if _, ok := rows[row.Key]; ok {
			t.Fatalf("two rows have the key %d", row.Key)
		}
		rows[row.Key] = row.Data
	}
	s := b.Segment()
	keys := slices.Collect(s.Keys())
	if !slices.Equal(keys, slices.Sorted(maps.Keys(rows))) {
		t.Fatalf("keys %d are not those of the rows in ascending order", keys)
	}
	for key, data := range rows {
		if err := s.CheckRow(key, data); err != nil {
			t.Fatalf("a new row: %v", err)
		}
	}
	return s, rows
}

// contents are what a segment says of each chunk, by chunk id.
type contents map[int64]chunkContents

type chunkContents struct {
	Length   int
	Language string
	Terms    map[uint64]uint8
}

func entryContents(entries []Entry) contents {
	c := contents{}
	for _, e := range entries {
		terms, err := DecodeTerms(e.Terms)
		if err != nil {
			panic(err)
		}
		of := chunkContents{e.Length, e.Language, map[uint64]uint8{}}
		for _, t := range terms {
			of.Terms[t.Hash] = t.TF
		}
		c[e.Chunk] = of
	}
	return c
}

func segmentContents(t fataler, s *Segment, rows store, hashes iter.Seq[uint64]) contents {
	t.Helper()
	c := contents{}
	for ord, chunk := range s.Chunks {
		c[chunk] = chunkContents{int(s.Lengths[ord]), s.Names[s.Languages[ord]], map[uint64]uint8{}}
	}
	for hash := range hashes {
		key := s.Key(hash)
		ords, tfs, err := s.Postings(key, rows[key], hash)
		if err != nil {
			t.Fatalf("postings: %v", err)
		}
		for i, tf := range tfs {
			c[s.Chunks[le16(ords[2*i:])]].Terms[hash] = tf
		}
	}
	return c
}

// drawHash draws from few hashes that are spread over the buckets, so that some
// are frequent and some are held by no chunk.
func drawHash(t *rapid.T) uint64 { return Hash(fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "word"))) }

func allHashes(yield func(uint64) bool) {
	for i := range 100 {
		if !yield(Hash(fmt.Sprint(i))) {
			return
		}
	}
}

// drawEntries draws chunks of which each holds a few terms, some of them many.
func drawEntries(t *rapid.T, most int) []Entry {
	n := rapid.IntRange(0, most).Draw(t, "chunks")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	common := slices.Collect(func(yield func(uint64) bool) {
		for range rapid.IntRange(0, 3).Draw(t, "common") {
			if !yield(drawHash(t)) {
				return
			}
		}
	})
	entries := make([]Entry, n)
	chunk := rapid.Int64Range(math.MinInt64, 1<<40).Draw(t, "first")
	for i := range entries {
		tf := map[uint64]uint8{}
		for _, h := range common {
			if rng.IntN(10) > 0 {
				tf[h] = 1 + uint8(rng.IntN(3))
			}
		}
		for range rng.IntN(6) {
			tf[Hash(fmt.Sprint(rng.IntN(80)))] = 1 + uint8(rng.IntN(255))
		}
		entries[i] = Entry{Chunk: chunk, Length: rng.IntN(65_536), Language: []string{"", "en", "de"}[rng.IntN(3)], Terms: encoded(tf)}
		chunk += 1 + rng.Int64N(1<<(1+rng.IntN(30)))
	}
	return entries
}

func encoded(tf map[uint64]uint8) []byte {
	terms := make([]Term, 0, len(tf))
	for _, h := range slices.Sorted(maps.Keys(tf)) {
		terms = append(terms, Term{h, tf[h]})
	}
	return EncodeTerms(terms)
}

// shrunk lowers what makes a builder work in parts, so that small segments do.
func shrunk(t *rapid.T, b *Builder) *Builder {
	if b != nil {
		b.partitions = uint(rapid.IntRange(0, 4).Draw(t, "partitions"))
	}
	return b
}

func TestBuildKeepsEveryPosting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t, 400)
		b, err := Build(entries)
		s, rows := finish(t, shrunk(t, b), err)
		if diff := gocmp.Diff(entryContents(entries), segmentContents(t, s, rows, allHashes)); diff != "" {
			t.Fatalf("contents (-entries +segment):\n%s", diff)
		}
	})
}

func TestMergeIsBuildOfWhatRemains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t, 600)
		parts := make([][]Entry, rapid.IntRange(1, 4).Draw(t, "parts"))
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "split"), 1))
		dead := rapid.SampledFrom([]int{0, 30, 100}).Draw(t, "percent dead")
		var remaining []Entry
		keep := make([][]bool, len(parts))
		for _, e := range entries {
			p, kept := rng.IntN(len(parts)), rng.IntN(100) >= dead
			parts[p] = append(parts[p], e)
			keep[p] = append(keep[p], kept)
			if kept {
				remaining = append(remaining, e)
			}
		}
		sources := make([]Source, len(parts))
		for i := range parts {
			b, err := Build(parts[i])
			s, rows := finish(t, shrunk(t, b), err)
			sources[i] = Source{Segment: s, Keep: keep[i], Rows: rows.rows}
			if dead == 0 {
				sources[i].Keep = nil
			}
		}
		partitions := uint(rapid.IntRange(0, 4).Draw(t, "partitions"))
		b, err := Merge(sources)
		b.partitions = partitions
		s, rows := finish(t, b, err)
		nonce := b.segment.nonce
		b, err = Build(remaining)
		b.partitions, b.segment.nonce = partitions, nonce
		want, wantRows := finish(t, b, err)
		if diff := gocmp.Diff(entryContents(remaining), segmentContents(t, s, rows, allHashes)); diff != "" {
			t.Fatalf("contents (-entries +segment):\n%s", diff)
		}
		if diff := gocmp.Diff(wantRows, rows); diff != "" || !slices.Equal(want.big, s.big) || want.bits != s.bits {
			t.Fatalf("rows (-built +merged):\n%s", diff)
		}
	})
}

func TestParseSegmentIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := Build(drawEntries(t, 400))
		s, _ := finish(t, b, err)
		data, _ := s.MarshalBinary()
		got, err := ParseSegment(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(s, got, gocmp.AllowUnexported(Segment{}), equateEmpty); diff != "" {
			t.Fatalf("segment (-marshalled +parsed):\n%s", diff)
		}
		flipped := bytes.Clone(data)
		flipped[rapid.IntRange(0, len(data)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := ParseSegment(flipped); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a flipped bit: error = %v, want ErrMalformed", err)
		}
	})
}

var equateEmpty = gocmp.FilterValues(func(x, y []uint64) bool { return len(x)+len(y) == 0 }, gocmp.Ignore())

func TestBuildRejects(t *testing.T) {
	terms := EncodeTerms([]Term{{1, 1}})
	for name, entries := range map[string][]Entry{
		"twice":      {{Chunk: 1, Terms: terms}, {Chunk: 1, Terms: terms}},
		"descending": {{Chunk: 2, Terms: terms}, {Chunk: 1, Terms: terms}},
		"malformed":  {{Chunk: 1, Terms: []byte{0x80}}},
		"too many":   make([]Entry, MaxSegment+1),
	} {
		if _, err := Build(entries); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMergeRejects(t *testing.T) {
	build := func(chunks ...int64) Source {
		var entries []Entry
		for _, c := range chunks {
			entries = append(entries, Entry{Chunk: c, Terms: EncodeTerms([]Term{{1, 1}})})
		}
		b, err := Build(entries)
		s, rows := finish(t, b, err)
		return Source{Segment: s, Rows: rows.rows}
	}
	if _, err := Merge([]Source{build(1, 2), build(2, 3)}); err == nil {
		t.Error("a chunk in two segments: no error")
	}
	short := build(1, 2)
	short.Keep = []bool{true}
	if _, err := Merge([]Source{short}); err == nil {
		t.Error("Keep too short: no error")
	}
	large := Source{Segment: &Segment{Chunks: make([]int64, MaxSegment)}}
	if _, err := Merge([]Source{build(1), large}); err == nil {
		t.Error("too many chunks: no error")
	}
}

// A merge does not take a missing, foreign or damaged row for one without terms.
func TestMergeNeedsEveryRow(t *testing.T) {
	var entries []Entry
	for chunk := range int64(200) {
		entries = append(entries, Entry{Chunk: chunk, Terms: encoded(map[uint64]uint8{5: 1, Hash("a") + uint64(chunk): 1})})
	}
	b, err := Build(entries)
	s, rows := finish(t, b, err)
	if len(s.big) != 1 {
		t.Fatalf("%d big terms, want 1", len(s.big))
	}
	merge := func(rows store) error {
		b, err := Merge([]Source{{Segment: s, Rows: rows.rows}})
		if err != nil {
			return err
		}
		for _, err := range b.Rows() {
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := merge(rows); err != nil {
		t.Fatal(err)
	}
	for key := range rows {
		missing := maps.Clone(rows)
		delete(missing, key)
		damaged := maps.Clone(rows)
		damaged[key] = bytes.Clone(rows[key])
		damaged[key][len(rows[key])-1]++
		for name, rows := range map[string]store{"missing": missing, "damaged": damaged} {
			if err := merge(rows); !errors.Is(err, ErrMalformed) {
				t.Errorf("row %d %s: error = %v, want ErrMalformed", key, name, err)
			}
		}
	}
	foreign := maps.Clone(rows)
	foreign[3] = rows[5]
	foreign[5], foreign[3] = foreign[3], nil
	delete(foreign, 5)
	if err := merge(foreign); !errors.Is(err, ErrMalformed) {
		t.Errorf("a foreign row: error = %v, want ErrMalformed", err)
	}
}

func TestRowsAreYieldedOnce(t *testing.T) {
	b, err := Build([]Entry{{Chunk: 1, Terms: EncodeTerms([]Term{{1, 1}})}})
	finish(t, b, err)
	for _, err := range b.Rows() {
		if err == nil {
			t.Error("rows a second time")
		}
	}
}

// A blob of 512 bytes at most lies in a bucket: 170 postings do, 171 do not.
func TestLargestSmallTerm(t *testing.T) {
	small, big := Hash("small"), Hash("big")
	var entries []Entry
	for chunk := range int64(maxSmall + 1) {
		tf := map[uint64]uint8{big: 255}
		if chunk > 0 {
			tf[small] = 255
		}
		entries = append(entries, Entry{Chunk: chunk, Length: 1 << 20, Terms: encoded(tf)})
	}
	b, err := Build(entries)
	s, rows := finish(t, b, err)
	if !slices.Equal(s.big, []uint64{big}) {
		t.Errorf("big terms %x, want %x alone", s.big, big)
	}
	if s.Lengths[0] != 65_535 {
		t.Errorf("length %d, want 65,535", s.Lengths[0])
	}
	for hash, want := range map[uint64]int{small: maxSmall, big: maxSmall + 1, Hash("none"): 0} {
		_, tfs, err := s.Postings(s.Key(hash), rows[s.Key(hash)], hash)
		if err != nil || len(tfs) != want || want > 0 && tfs[0] != 255 {
			t.Errorf("%d postings, error %v, want %d", len(tfs), err, want)
		}
	}
}

// A full segment: ordinals up to 65,535, several parts, more than 65,535 classes.
func TestFullSegment(t *testing.T) {
	entries := make([]Entry, MaxSegment)
	everywhere, last := Hash("everywhere"), Hash("last")
	classes, visible := make([]uint32, MaxSegment), make([]uint8, 70_001)
	for i := range entries {
		tf := map[uint64]uint8{everywhere: 1, Hash(fmt.Sprint(i % 30_000)): 1}
		if i == MaxSegment-1 {
			tf[last] = 7
		}
		entries[i] = Entry{Chunk: int64(i) * 3, Length: 65_535, Terms: encoded(tf)}
		classes[i] = uint32(i)
	}
	classes[MaxSegment-1], visible[70_000] = 70_000, 1
	b, err := Build(entries)
	s, rows := finish(t, b, err)
	if s.bits < partBits || b.partitions != partBits {
		t.Fatalf("%d bits, %d partitions", s.bits, b.partitions)
	}
	b, err = Merge([]Source{{Segment: s, Rows: rows.rows}})
	s, rows = finish(t, b, err)
	m, err := s.Match([]QueryTerm{{Hash: everywhere, Weight: 1}, {Hash: last, Group: 1, Weight: 1}}, rows.row, classes, visible)
	if err != nil {
		t.Fatal(err)
	}
	stats := Stats{Chunks: 1, Length: 65_535, Frequencies: m.Frequencies()}
	hits := m.Top(stats, nil, 10)
	if len(hits) != 1 || hits[0].Chunk != 3*(MaxSegment-1) || !slices.Equal(stats.Frequencies, []int{1, 1}) {
		t.Errorf("hits %v, frequencies %v", hits, stats.Frequencies)
	}
}

// Bucket rows are of the size that is aimed at, and none is left out when empty.
func TestBucketSizes(t *testing.T) {
	s, rows := benchmarkSegment(t, 5000)
	size := 0
	for key, data := range rows {
		if key < 0 {
			size += len(data)
		}
	}
	if average := size >> s.bits; average < bucketTarget*2/3 || average > bucketTarget*3/2 {
		t.Errorf("buckets have %d bytes on average", average)
	}
	b, err := Build(nil)
	empty, rows := finish(t, b, err)
	if len(rows) != 1 || len(empty.Chunks) != 0 {
		t.Errorf("%d rows of an empty segment, want one bucket", len(rows))
	}
}
