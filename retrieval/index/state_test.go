package index

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// edit makes one random change to the database.
func (d *database) edit(rng *rand.Rand, s *State) {
	all := slices.Concat(d.ids(0))
	for _, id := range d.alive() {
		all = append(all, d.ids(id)...)
	}
	segments := d.alive()
	switch n := rng.IntN(12); {
	case n < 4 || len(all) == 0: // a chunk is written, or its terms are derived anew
		d.lastChunk++
		c := randomChunk(rng, d.lastChunk)
		if fresh := d.ids(0); len(fresh) > 0 && rng.IntN(4) == 0 {
			d.lastChunk--
			c.Chunk = fresh[rng.IntN(len(fresh))]
			c.Code = d.chunks[c.Chunk].Code
		}
		d.put(c)
	case n < 6: // it is moved to other hands, or its document is
		c := d.chunks[all[rng.IntN(len(all))]]
		row := randomRow(rng, c.Chunk)
		if c.Code != nil {
			row.Code = c.Code // of the same text
		}
		c.Row = row
		d.touch(c.Chunk)
	case n < 7:
		d.erase(all[rng.IntN(len(all))])
	case n < 9: // the packer packs
		if ids := slices.DeleteFunc(d.ids(0), func(int64) bool { return rng.IntN(4) == 0 }); len(ids) > 0 {
			d.pack(ids)
			if rng.IntN(3) == 0 {
				d.erase(ids[rng.IntN(len(ids))])
			}
		}
	case len(segments) == 0:
	case n == 9: // it merges, or writes one anew
		rng.Shuffle(len(segments), func(i, j int) { segments[i], segments[j] = segments[j], segments[i] })
		d.merge(segments[:1+rng.IntN(min(len(segments), 3))])
	case n == 10: // a segment is dissolved, or takes up codes
		id := segments[rng.IntN(len(segments))]
		if rng.IntN(2) == 0 {
			d.retire(id)
			return
		}
		for _, chunk := range d.ids(id) {
			if c := d.chunks[chunk]; c.Code != nil {
				d.segments[id].codes[chunk] = c.Code
			}
		}
		d.dirtySegments[id] = struct{}{}
	default: // the rows of one turn out to be damaged
		id := segments[rng.IntN(len(segments))]
		if _, known := s.position(id); known {
			d.segments[id].damaged = true
			s.Damaged(id)
		}
	}
}

// trial is a search with what it should give.
type trial struct {
	search *Search
	want   answer
	table  []uint8
}

// begin begins a random search.
func (d *database) begin(t *rapid.T, rng *rand.Rand, s *State) trial {
	table := make([]uint8, []int{0, 1, 3, 5, 64, highClass, highClass + 1, highClass + 64}[rng.IntN(8)])
	for _, class := range []int{0, 1, 2, 3, 4, highClass} {
		if class < len(table) {
			table[class] = uint8(rng.IntN(2))
		}
	}
	terms := make([]lexical.QueryTerm, rng.IntN(5))
	for i, n := range rng.Perm(9)[:len(terms)] {
		terms[i] = lexical.QueryTerm{Hash: word(n), Weight: float32(1+rng.IntN(4)) / 2}
		if i > 0 {
			terms[i].Group = terms[i-1].Group + rng.IntN(2)
		}
	}
	f := randomFilter(rng)
	given := slices.Clone(table)
	var languages []string
	request := Request{Visible: table, Granted: randomGrants(rng), Analyse: func(visible []string) ([]lexical.QueryTerm, Filter) {
		languages = visible
		return terms, f
	}}
	r := trial{table: table, want: d.search(request, terms, f)}
	r.search = s.Begin(request)
	if !slices.Equal(languages, r.want.languages) {
		t.Fatalf("languages %v, want %v", languages, r.want.languages)
	}
	if !slices.Equal(table, given) {
		t.Fatal("the table of visible classes was written to")
	}
	return r
}

// randomGrants returns, every other time, sources and chunks that are granted.
func randomGrants(rng *rand.Rand) (g Granted) {
	if rng.IntN(2) == 0 {
		return g
	}
	g.Sources = []string{"a", "b", "unknown"}[rng.IntN(3):]
	for range rng.IntN(6) {
		g.Chunks = append(g.Chunks, rng.Int64N(60))
	}
	return g
}

func randomFilter(rng *rand.Rand) (f Filter) {
	if rng.IntN(3) == 0 {
		f.Sources = []string{"a", "b", "unknown"}[rng.IntN(2) : 1+rng.IntN(3)]
	}
	if rng.IntN(4) == 0 {
		f.Kind = []string{"page", "code", "unknown"}[rng.IntN(3)]
	}
	if rng.IntN(4) == 0 {
		f.After = day(rng.IntN(4))
	}
	if rng.IntN(4) == 0 {
		f.Before = day(1 + rng.IntN(4))
	}
	for _, words := range []*[][]uint64{&f.Must, &f.Not} {
		for range max(0, rng.IntN(5)-2) {
			*words = append(*words, []uint64{word(rng.IntN(9)), word(rng.IntN(9))}[:rng.IntN(3)])
		}
	}
	return f
}

// rows returns the rows that a search named, no others.
func (d *database) rows(t *rapid.T, s *Search, words bool) Rows {
	named := make(map[Key]bool)
	for _, k := range s.Keys(words) {
		if named[k] {
			t.Fatalf("%v is named twice", k)
		}
		named[k] = true
		if err := s.Check(k, d.row(k.Segment, k.Key)); err != nil {
			t.Fatal(err)
		}
	}
	return func(segment int32, key int64) []byte {
		if !named[Key{segment, key}] {
			t.Fatalf("row %d of segment %d was not named", key, segment)
		}
		return d.row(segment, key)
	}
}

// check compares what a search gives with what it should.
func (r trial) check(t *rapid.T, d *database, q *dense.Query, limit int) {
	hits, stats, err := r.search.Lexical(d.rows(t, r.search, true), limit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(r.want.stats, stats); diff != "" {
		t.Fatalf("statistics (-want +got):\n%s", diff)
	}
	compareHits(t, hits, r.want.hits[:min(limit, len(r.want.hits))])
	nearest, err := r.search.Nearest(d.rows(t, r.search, false), q, limit)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(nearest); !slices.Equal(nearest, r.want.nearest) {
		t.Fatalf("near are %v, want %v", nearest, r.want.nearest)
	}
}

// compareHits allows the scores the rounding of another order of summation.
func compareHits(t *rapid.T, got, want []lexical.Hit) {
	if len(got) != len(want) {
		t.Fatalf("%d hits, want %d\ngot  %v\nwant %v", len(got), len(want), got, want)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*b }
	for i, g := range got {
		if !near(g.Score, want[i].Score) {
			t.Fatalf("hit %d is %v, want %v", i, g, want[i])
		}
		tied := i > 0 && near(want[i].Score, want[i-1].Score) || i+1 == len(want) || near(want[i].Score, want[i+1].Score)
		if g.Chunk != want[i].Chunk && !tied {
			t.Fatalf("hit %d is %v, want %v", i, g, want[i])
		}
		if i > 0 && (g.Score > got[i-1].Score || g.Score == got[i-1].Score && g.Chunk <= got[i-1].Chunk) {
			t.Fatalf("hits %v out of order", got)
		}
	}
}

// codes returns what is kept of every code.
func (s *State) codes() map[int64][]uint64 {
	codes := make(map[int64][]uint64)
	parts := []*columns{&s.fresh.columns}
	for _, g := range s.segments {
		parts = append(parts, &g.columns)
	}
	for _, c := range parts {
		for ord, chunk := range c.chunks {
			if c.classes[ord] != gone && isSet(c.has, ord) {
				codes[chunk] = c.codes.At(ord)
			}
		}
	}
	return codes
}

// The index answers as the definitions say over what the database holds, whatever
// is written, packed, merged, moved, erased or found damaged, and a search does
// not see what changes after its beginning.
func TestStateIsTheDatabase(t *testing.T) {
	coder := newCoder()
	vector := make([]float32, 64*codeWords)
	vector[3] = 1
	query := coder.Query(vector)
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		d, s := newDatabase(t), New(codeWords)
		if rng.IntN(2) == 0 {
			s.parallelFrom = 0
		}
		for range rapid.IntRange(1, 40).Draw(rt, "changes") {
			before := d.begin(rt, rng, s)
			snapshot := len(d.dirtyChunks)
			if snapshot != 0 {
				rt.Fatal("a search in the midst of a change")
			}
			for range rapid.IntRange(0, 4).Draw(rt, "edits") {
				d.edit(rng, s)
			}
			if rejected := s.Apply(d.news()); len(rejected) > 0 {
				rt.Fatalf("rejected: %v", rejected)
			}
			if rng.IntN(8) == 0 {
				s.fresh = s.fresh.compacted(0)
			}
			limit := rng.IntN(70)
			before.check(rt, d, query, limit)
			d.begin(rt, rng, s).check(rt, d, query, limit)
			d.checkSizes(rt, s)
		}
	})
}

// checkSizes compares what the state says of itself.
func (d *database) checkSizes(t *rapid.T, s *State) {
	n, fresh := 0, len(d.ids(0))
	var sizes []SegmentSize
	for _, id := range d.alive() {
		alive := len(d.ids(id))
		n += alive
		if p := d.segments[id]; !p.damaged {
			sizes = append(sizes, SegmentSize{id, len(p.index.Chunks), alive})
		}
	}
	if gotPacked, gotFresh := s.Len(); gotPacked != n || gotFresh != fresh {
		t.Fatalf("%d packed and %d fresh chunks, want %d and %d", gotPacked, gotFresh, n, fresh)
	}
	if diff := gocmp.Diff(sizes, s.Segments()); diff != "" {
		t.Fatalf("segments (-want +got):\n%s", diff)
	}
	codes := make(map[int64][]uint64)
	for id, c := range d.chunks {
		if c.Code != nil {
			codes[id] = c.Code
		}
	}
	if diff := gocmp.Diff(codes, s.codes()); diff != "" {
		t.Fatalf("codes (-want +got):\n%s", diff)
	}
}

// Whoever searches while chunks are packed, merged and dissolved finds each of
// them once.
func TestSearchesWhileSegmentsChange(t *testing.T) {
	const chunks, rounds = 200, 60
	rng := rand.New(rand.NewPCG(1, 2))
	d, s := newDatabase(t), New(codeWords)
	s.parallelFrom = 0
	for id := range int64(chunks) {
		c := randomChunk(rng, id)
		c.Class, c.Code = 1, randomCode(rng)
		c.tf[word(0)] = 1
		d.put(c)
	}
	s.Apply(d.news())
	query := newCoder().Query(make([]float32, 64*codeWords))
	var mu sync.RWMutex // of d.segments
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				x := s.Begin(Request{Visible: []uint8{1, 1}, Analyse: func([]string) ([]lexical.QueryTerm, Filter) {
					return []lexical.QueryTerm{{Hash: word(0), Weight: 1}}, Filter{Not: [][]uint64{{word(9)}}}
				}})
				rows := func(segment int32, key int64) []byte {
					mu.RLock()
					defer mu.RUnlock()
					return d.row(segment, key)
				}
				hits, stats, err := x.Lexical(rows, 2*chunks)
				if err != nil || len(hits) != chunks || stats.Chunks != chunks || stats.Frequencies[0] != chunks {
					t.Errorf("%d hits, %v, error %v, want %d", len(hits), stats, err, chunks)
					return
				}
				if near, err := x.Nearest(rows, query, 2*chunks); err != nil || len(near) != chunks {
					t.Errorf("%d are near, error %v, want %d", len(near), err, chunks)
					return
				}
				s.Len()
				s.Segments()
			}
		})
	}
	for range rounds {
		mu.Lock()
		switch segments := d.alive(); {
		case len(d.ids(0)) > 0:
			d.pack(slices.DeleteFunc(d.ids(0), func(id int64) bool { return id > 20 && rng.IntN(2) == 0 }))
		case len(segments) > 3:
			d.merge(segments[:3])
		default:
			d.retire(segments[rng.IntN(len(segments))])
		}
		for range 10 {
			id := rng.Int64N(chunks)
			d.chunks[id].Kind = []string{"page", "code"}[rng.IntN(2)]
			d.touch(id)
		}
		change := d.news()
		mu.Unlock()
		s.Apply(change)
	}
	close(stop)
	wg.Wait()
}
