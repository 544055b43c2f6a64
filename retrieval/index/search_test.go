package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// find begins a search for a word by viewers of class 1.
func find(s *State, n int, f Filter) *Search {
	return s.Begin(Request{Visible: []uint8{0, 1}, Analyse: func([]string) ([]lexical.QueryTerm, Filter) {
		return []lexical.QueryTerm{{Hash: word(n), Weight: 1}}, f
	}})
}

func noRows(int32, int64) []byte { return nil }

// freshChunk returns a fresh chunk of one word.
func freshChunk(id int64, class int32, n int) FreshChunk {
	terms := lexical.EncodeTerms([]lexical.Term{{Hash: word(n), TF: 1}})
	return FreshChunk{Row: Row{Chunk: id, Class: class, Source: "a", Kind: "page"}, Terms: terms, Length: 1, Language: "en"}
}

// packedState returns the index of one segment of the chunks 1, 2 and 3, which hold
// the word 0, and what is stored.
func packedState(t *testing.T) (*State, *packed) {
	t.Helper()
	var entries []lexical.Entry
	var rows []Row
	for id := range int64(3) {
		c := freshChunk(id+1, 1, 0)
		entries = append(entries, lexical.Entry{Chunk: c.Chunk, Length: 1, Language: "en", Terms: c.Terms})
		rows = append(rows, c.Row)
	}
	p := build(t, entries)
	s := New(0)
	s.Apply(Change{Segments: []Segment{{ID: 7, Index: p.index, Rows: rows}}})
	return s, p
}

// mustFind returns the chunks that hold a word, and how many are visible.
func mustFind(t *testing.T, s *State, p *packed, n int) (chunks []int64, visible int) {
	t.Helper()
	hits, stats, err := find(s, n, Filter{}).Lexical(func(_ int32, key int64) []byte { return p.rows[key] }, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		chunks = append(chunks, h.Chunk)
	}
	slices.Sort(chunks)
	return chunks, stats.Chunks
}

// A chunk whose segment cannot be read, so that it is fresh in memory yet, must
// not keep the class that it had.
func TestChunkOfNoSegmentIsNotFound(t *testing.T) {
	s := New(0)
	s.Apply(Change{Fresh: []FreshChunk{freshChunk(1, 1, 0), freshChunk(2, 1, 0)}})
	rejected := s.Apply(Change{Packed: []Row{{Chunk: 1, Class: 2}}})
	if len(rejected) != 1 || rejected[0].Chunk != 1 || !errors.Is(rejected[0].Err, errNowhere) {
		t.Errorf("rejected %v, want chunk 1", rejected)
	}
	if chunks, visible := mustFind(t, s, nil, 0); !slices.Equal(chunks, []int64{2}) || visible != 1 {
		t.Errorf("found %v of %d chunks, want 2 alone", chunks, visible)
	}
}

// A chunk whose new terms cannot be read is not found by the old ones.
func TestMalformedChunkIsRejected(t *testing.T) {
	s := New(0)
	s.Apply(Change{Fresh: []FreshChunk{freshChunk(1, 1, 0)}})
	broken := freshChunk(1, 1, 0)
	broken.Terms = []byte{0x80}
	rejected := s.Apply(Change{Fresh: []FreshChunk{broken, freshChunk(2, 1, 0)}})
	if len(rejected) != 1 || rejected[0].Chunk != 1 || !errors.Is(rejected[0].Err, lexical.ErrMalformed) {
		t.Errorf("rejected %v, want chunk 1", rejected)
	}
	if chunks, visible := mustFind(t, s, nil, 0); !slices.Equal(chunks, []int64{2}) || visible != 1 {
		t.Errorf("found %v of %d chunks, want 2 alone", chunks, visible)
	}
}

// A chunk is counted once even if it is told to be fresh while its segment lives.
func TestChunkIsInOnePlace(t *testing.T) {
	s, p := packedState(t)
	s.Apply(Change{Fresh: []FreshChunk{freshChunk(2, 1, 0)}})
	if chunks, visible := mustFind(t, s, p, 0); !slices.Equal(chunks, []int64{1, 2, 3}) || visible != 3 {
		t.Errorf("found %v of %d chunks", chunks, visible)
	}
	if packed, fresh := s.Len(); packed != 2 || fresh != 1 {
		t.Errorf("%d packed, %d fresh", packed, fresh)
	}
}

// What cannot be a class admits nobody.
func TestClassBelowOne(t *testing.T) {
	s, p := packedState(t)
	s.Apply(Change{
		Fresh:  []FreshChunk{freshChunk(4, 0, 0), freshChunk(5, -1, 0), freshChunk(6, 1, 0)},
		Packed: []Row{{Chunk: 1, Class: 0}, {Chunk: 2, Class: -1}},
	})
	if chunks, visible := mustFind(t, s, p, 0); !slices.Equal(chunks, []int64{3, 6}) || visible != 2 {
		t.Errorf("found %v of %d chunks, want 3 and 6", chunks, visible)
	}
}

// Rows that are missing or damaged are told by segment, for words and for filters.
func TestDamagedRows(t *testing.T) {
	s, p := packedState(t)
	must := Filter{Must: [][]uint64{{word(0)}}}
	for name, x := range map[string]*Search{"words": find(s, 0, Filter{}), "filter": find(s, 0, must)} {
		_, _, err := x.Lexical(noRows, 10)
		var damage *Damage
		if !errors.As(err, &damage) || damage.Segment != 7 || !errors.Is(err, lexical.ErrMalformed) {
			t.Errorf("%s: error = %v, want that of segment 7", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "row 0") {
			t.Errorf("%s: error = %v names a row that is not known", name, err)
		}
	}
	if _, err := find(s, 0, must).Nearest(noRows, nil, 10); !errors.As(err, new(*Damage)) {
		t.Errorf("error = %v, want that of segment 7", err)
	}
	x := find(s, 0, Filter{})
	key := x.Keys(true)[0]
	damaged := bytes.Clone(p.rows[key.Key])
	damaged[len(damaged)-1]++
	for name, err := range map[string]error{
		"damaged": x.Check(key, damaged), "missing": x.Check(key, nil), "foreign": x.Check(Key{8, key.Key}, p.rows[key.Key]),
	} {
		if err == nil {
			t.Errorf("a %s row: no error", name)
		}
	}
	if err := x.Check(key, p.rows[key.Key]); err != nil {
		t.Error(err)
	}
	s.Damaged(7)
	s.Damaged(7)
	s.Damaged(8)
	if chunks, visible := mustFind(t, s, nil, 0); len(chunks) != 0 || visible != 0 {
		t.Errorf("found %v of %d chunks of a damaged segment", chunks, visible)
	}
	if _, _, err := x.Lexical(func(_ int32, key int64) []byte { return p.rows[key] }, 10); err != nil {
		t.Errorf("a search that began before: %v", err)
	}
}

// What viewers cannot read changes none of their scores, and none of their languages.
func TestHiddenChunksDoNotLeak(t *testing.T) {
	s := New(0)
	add := func(id int64, class int32, language, text string) {
		terms, n := lexical.Terms(lexical.Fields{Body: text, Language: language})
		s.Apply(Change{Fresh: []FreshChunk{{Row: Row{Chunk: id, Class: class}, Terms: lexical.EncodeTerms(terms), Length: n, Language: language}}})
	}
	type found struct {
		Hits      []lexical.Hit
		Stats     lexical.Stats
		Languages []string
	}
	search := func() (f found) {
		x := s.Begin(Request{Visible: []uint8{0, 1}, Analyse: func(languages []string) ([]lexical.QueryTerm, Filter) {
			f.Languages = languages
			return lexical.QueryTerms("secret project budget", nil), Filter{}
		}})
		var err error
		if f.Hits, f.Stats, err = x.Lexical(noRows, 10); err != nil {
			t.Fatal(err)
		}
		return f
	}
	add(1, 1, "en", "The budget of the project.")
	add(2, 1, "en", "A project without any costs.")
	want := search()
	if len(want.Hits) != 2 {
		t.Fatalf("found %v", want.Hits)
	}
	for id := int64(10); id < 40; id++ {
		add(id, 2, "fr", strings.Repeat("secret project budget ", int(id)))
	}
	if diff := gocmp.Diff(want, search()); diff != "" {
		t.Errorf("after hidden chunks were added (-before +after):\n%s", diff)
	}
}

// However many languages documents claim to be in, memory is bounded and every
// chunk is counted.
func TestManyLanguages(t *testing.T) {
	s := New(0)
	add := func(id int64, class int32, language string) {
		c := freshChunk(id, class, 0)
		c.Language = language
		s.Apply(Change{Fresh: []FreshChunk{c}})
	}
	for id := range int64(1000) {
		add(id, 2, fmt.Sprint("language", id))
	}
	if n := len(s.census.languages); n > 1 {
		t.Errorf("%d languages are counted", n)
	}
	add(1000, 1, "de") // after all those that the viewer may not read
	add(1001, 1, "x-invented")
	var languages []string
	x := s.Begin(Request{Visible: []uint8{0, 1, 0}, Analyse: func(visible []string) ([]lexical.QueryTerm, Filter) {
		languages = visible
		return nil, Filter{}
	}})
	if _, stats, err := x.Lexical(noRows, 0); err != nil || stats.Chunks != 2 || stats.Length != 2 {
		t.Errorf("statistics %v, error %v", stats, err)
	}
	if !slices.Equal(languages, []string{"de"}) {
		t.Errorf("languages %q, want German alone", languages)
	}
}

// Chunks that are written again and again do not fill the memory.
func TestFreshIsCompacted(t *testing.T) {
	s := New(0)
	for round := range 1000 {
		var all []FreshChunk
		for id := range int64(10) {
			all = append(all, freshChunk(id, 1, round%8))
		}
		s.Apply(Change{Fresh: all})
	}
	if n := len(s.fresh.chunks); n > 2*tolerated {
		t.Errorf("%d entries for 10 chunks", n)
	}
	if chunks, visible := mustFind(t, s, nil, 999%8); len(chunks) != 10 || visible != 10 {
		t.Errorf("found %v of %d chunks", chunks, visible)
	}
}

// The sums of a census are those of plain loops, for every share of classes.
func TestCensusCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var c census
	type cell struct{ chunks, length int64 }
	want := make(map[uint32]cell)
	for range 3000 {
		class, length, n := rng.Uint32N(500), rng.IntN(1<<16), 1+rng.IntN(3)
		if rng.IntN(5) == 0 {
			n = -n
		}
		c.add(class, c.language([]string{"en", "de", ""}[rng.IntN(3)]), uint16(length), n)
		w := want[class]
		want[class] = cell{w.chunks + int64(n), w.length + int64(n)*int64(length)}
	}
	for percent := 0; percent <= 100; percent += 10 {
		visible := make([]uint8, c.table())
		var sum cell
		for class := uint32(1); class < uint32(len(visible)); class++ {
			if rng.IntN(100) < percent {
				visible[class] = 1
				sum = cell{sum.chunks + want[class].chunks, sum.length + want[class].length}
			}
		}
		if got := c.count(visible); int64(got.Chunks) != sum.chunks || got.Length != sum.length {
			t.Errorf("%d %%: %v, want %v", percent, got, sum)
		}
	}
}

// What is granted to one search is seen by no other, and by its own only once; what
// is gone stays gone.
func TestGrantsOpenOneSearch(t *testing.T) {
	s, p := packedState(t)
	hidden := freshChunk(4, 2, 0)
	hidden.Source = "b"
	s.Apply(Change{Fresh: []FreshChunk{hidden, freshChunk(5, 2, 0)}, Packed: []Row{{Chunk: 1, Class: 2, Source: "b", Kind: "page"}}, Gone: []int64{3}})
	search := func(g Granted) *Search {
		return s.Begin(Request{Visible: []uint8{0, 1}, Granted: g, Analyse: func([]string) ([]lexical.QueryTerm, Filter) {
			return []lexical.QueryTerm{{Hash: word(0), Weight: 1}}, Filter{}
		}})
	}
	for _, c := range []struct {
		granted Granted
		want    []int64
	}{
		{Granted{}, []int64{2}},
		{Granted{Sources: []string{"b"}}, []int64{1, 2, 4}},
		{Granted{Chunks: []int64{5, 3, 99}}, []int64{2, 5}},
		{Granted{Sources: []string{"b", "unknown"}, Chunks: []int64{1, 1, 2}}, []int64{1, 2, 4}},
		{Granted{}, []int64{2}},
	} {
		hits, stats, err := search(c.granted).Lexical(func(_ int32, key int64) []byte { return p.rows[key] }, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, h := range hits {
			got = append(got, h.Chunk)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) || stats.Chunks != len(c.want) || stats.Frequencies[0] != len(c.want) || stats.Length != int64(len(c.want)) {
			t.Errorf("%+v: %v with %+v, want %v", c.granted, got, stats, c.want)
		}
	}
}

// What is granted gets a class that no chunk has, one of a damaged segment neither,
// whose classes are not counted.
func TestGrantsOpenNothingOfADamagedSegment(t *testing.T) {
	s, _ := packedState(t)
	granted := freshChunk(4, 1, 0)
	granted.Source = "b"
	s.Damaged(7)
	next := int32(s.census.table()) // the next class would have the counts grow
	s.Apply(Change{Fresh: []FreshChunk{granted}, Packed: []Row{{Chunk: 1, Class: next, Source: "a", Kind: "page"}}})
	for known := range next + 2 { // how many classes the viewer's table has
		x := s.Begin(Request{Visible: make([]uint8, known), Granted: Granted{Sources: []string{"b"}}, Analyse: func([]string) ([]lexical.QueryTerm, Filter) {
			return nil, Filter{}
		}})
		for ord, class := range x.segments[0].classes {
			if int(class) < len(x.visible) && x.visible[class] != 0 {
				t.Errorf("chunk %d of another source is visible", x.segments[0].chunks[ord])
			}
		}
		if x.visible[x.fresh.classes[0]] != 1 {
			t.Error("what is granted is not visible")
		}
	}
}
