package index

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// words of a code in tests.
const codeWords = 2

// database is a model of what the tables hold, in plain maps. It remembers what
// was changed, as the change feed does.
type database struct {
	t        testing.TB
	chunks   map[int64]*chunk // that are there
	segments map[int32]*packed
	// The last numbers that were given.
	lastID    int32
	lastChunk int64
	// What was changed since the last read.
	dirtyChunks   map[int64]struct{}
	dirtySegments map[int32]struct{}
}

// chunk is a chunk with its terms.
type chunk struct {
	Row
	tf       map[uint64]uint8
	language string
	length   int
	segment  int32 // 0: fresh
}

// packed is a segment as it is stored.
type packed struct {
	index   *lexical.Segment
	rows    map[int64][]byte
	codes   map[int64][]uint64
	retired bool
	damaged bool // the index was told
}

func newDatabase(t testing.TB) *database {
	return &database{
		t: t, chunks: make(map[int64]*chunk), segments: make(map[int32]*packed),
		dirtyChunks: make(map[int64]struct{}), dirtySegments: make(map[int32]struct{}),
	}
}

func (c *chunk) terms() []byte {
	terms := make([]lexical.Term, 0, len(c.tf))
	for _, hash := range slices.Sorted(maps.Keys(c.tf)) {
		terms = append(terms, lexical.Term{Hash: hash, TF: c.tf[hash]})
	}
	return lexical.EncodeTerms(terms)
}

// put stores a chunk, fresh.
func (d *database) put(c *chunk) {
	d.chunks[c.Chunk] = c
	d.dirtyChunks[c.Chunk] = struct{}{}
}

// touch says that a chunk was changed or deleted.
func (d *database) touch(id int64) { d.dirtyChunks[id] = struct{}{} }

func (d *database) erase(id int64) {
	delete(d.chunks, id)
	d.touch(id)
}

// ids returns the chunks of a segment, 0 for the fresh ones, in ascending order.
func (d *database) ids(segment int32) []int64 {
	var ids []int64
	for id, c := range d.chunks {
		if c.segment == segment {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// alive returns the segments that are part of the index.
func (d *database) alive() []int32 {
	var ids []int32
	for id, s := range d.segments {
		if !s.retired {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// pack makes a segment of chunks; some may be gone already when it is read.
func (d *database) pack(ids []int64) int32 {
	var entries []lexical.Entry
	codes := make(map[int64][]uint64)
	d.lastID++
	for _, id := range ids {
		c := d.chunks[id]
		entries = append(entries, lexical.Entry{Chunk: id, Length: c.length, Language: c.language, Terms: c.terms()})
		c.segment = d.lastID
		if c.Code != nil {
			codes[id] = c.Code
		}
	}
	s := build(d.t, entries)
	s.codes = codes
	d.segments[d.lastID] = s
	d.dirtySegments[d.lastID] = struct{}{}
	return d.lastID
}

// build packs entries.
func build(t testing.TB, entries []lexical.Entry) *packed {
	b, err := lexical.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	s := &packed{rows: make(map[int64][]byte)}
	for row, err := range b.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		s.rows[row.Key] = row.Data
	}
	s.index = b.Segment()
	return s
}

// retire takes a segment out of the index; its chunks are fresh afterwards, unless
// they are packed anew.
func (d *database) retire(id int32) {
	for _, chunk := range d.ids(id) {
		d.chunks[chunk].segment = 0
		d.touch(chunk)
	}
	d.segments[id].retired = true
	d.dirtySegments[id] = struct{}{}
}

// merge makes one segment of several.
func (d *database) merge(ids []int32) {
	var chunks []int64
	touched := maps.Clone(d.dirtyChunks)
	for _, id := range ids {
		chunks = append(chunks, d.ids(id)...)
		d.retire(id)
	}
	d.dirtyChunks = touched // a merge changes no chunk
	if len(chunks) > 0 {
		slices.Sort(chunks)
		d.pack(chunks)
	}
}

// news returns the change since the last time, as the change feed tells it.
func (d *database) news() Change {
	var c Change
	for _, id := range slices.Sorted(maps.Keys(d.dirtySegments)) {
		if d.segments[id].retired {
			c.Retired = append(c.Retired, id)
			continue
		}
		c.Segments = append(c.Segments, d.segment(id))
	}
	for id := range d.dirtyChunks {
		switch k, ok := d.chunks[id]; {
		case !ok:
			c.Gone = append(c.Gone, id)
		case k.segment == 0:
			c.Fresh = append(c.Fresh, FreshChunk{Row: k.Row, Terms: k.terms(), Length: k.length, Language: k.language})
		default:
			c.Packed = append(c.Packed, d.rowBeside(k))
		}
	}
	clear(d.dirtySegments)
	clear(d.dirtyChunks)
	return c
}

// segment returns a segment with what is known of its chunks now.
func (d *database) segment(id int32) Segment {
	s := d.segments[id]
	out := Segment{ID: id, Index: s.index}
	if len(s.codes) > 0 {
		out.Codes, out.Has = dense.MakeCodes(len(s.index.Chunks), codeWords), newBitmap(len(s.index.Chunks))
	}
	for ord, chunk := range s.index.Chunks {
		if code := s.codes[chunk]; code != nil {
			out.Codes.Set(ord, code)
			out.Has[ord/64] |= 1 << (ord % 64)
		}
		if c, ok := d.chunks[chunk]; ok {
			out.Rows = append(out.Rows, d.rowBeside(c))
		}
	}
	return out
}

// rowBeside returns the row of a packed chunk, without a code that its segment has.
func (d *database) rowBeside(c *chunk) Row {
	row := c.Row
	if d.segments[c.segment].codes[c.Chunk] != nil {
		row.Code = nil
	}
	return row
}

// row is a Rows.
func (d *database) row(segment int32, key int64) []byte { return d.segments[segment].rows[key] }

// answer is what a search should give.
type answer struct {
	hits      []lexical.Hit
	stats     lexical.Stats
	languages []string
	nearest   []int64
}

// visible yields the chunks that a viewer may read and that can be found by words.
func (d *database) visible(r Request, words bool) iter.Seq[*chunk] {
	return func(yield func(*chunk) bool) {
		for _, c := range d.chunks {
			admitted := c.Class > 0 && int(c.Class) < len(r.Visible) && r.Visible[c.Class] == 1 ||
				slices.Contains(r.Granted.Sources, c.Source) || slices.Contains(r.Granted.Chunks, c.Chunk)
			if words && c.segment != 0 && d.segments[c.segment].damaged {
				continue
			}
			if admitted && !yield(c) {
				return
			}
		}
	}
}

// search is what the index should answer, by the definition of BM25.
func (d *database) search(r Request, terms []lexical.QueryTerm, f Filter) answer {
	a := answer{stats: lexical.Stats{Frequencies: make([]int, len(terms))}}
	languages := make(map[string]int)
	for c := range d.visible(r, true) {
		a.stats.Chunks++
		a.stats.Length += int64(c.length)
		languages[cmp.Or(c.language, "en")]++
		for i, t := range terms {
			if c.tf[t.Hash] > 0 {
				a.stats.Frequencies[i]++
			}
		}
	}
	a.languages = slices.SortedFunc(maps.Keys(languages), func(x, y string) int {
		return cmp.Or(languages[y]-languages[x], cmp.Compare(x, y))
	})
	for c := range d.visible(r, true) {
		if score := a.score(c, terms); score > 0 && passes(c, f) {
			a.hits = append(a.hits, lexical.Hit{Chunk: c.Chunk, Score: score})
		}
	}
	slices.SortFunc(a.hits, func(x, y lexical.Hit) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Chunk, y.Chunk))
	})
	for c := range d.visible(r, len(f.Must)+len(f.Not) > 0) {
		if c.Code != nil && passes(c, f) {
			a.nearest = append(a.nearest, c.Chunk)
		}
	}
	slices.Sort(a.nearest)
	return a
}

func (a *answer) score(c *chunk, terms []lexical.QueryTerm) float64 {
	n := float64(a.stats.Chunks)
	df := make(map[int]float64) // by group
	for i, t := range terms {
		df[t.Group] = max(df[t.Group], float64(a.stats.Frequencies[i]))
	}
	best := make(map[int]float64)
	for _, t := range terms {
		if tf := float64(c.tf[t.Hash]); tf > 0 {
			idf := math.Log(1 + (n-df[t.Group]+.5)/(df[t.Group]+.5))
			norm := .25 + .75*float64(c.length)*n/float64(a.stats.Length)
			best[t.Group] = max(best[t.Group], float64(t.Weight)*idf*tf*2.2/(tf+1.2*norm))
		}
	}
	score := 0.0
	for _, s := range best {
		score += s
	}
	return score
}

func passes(c *chunk, f Filter) bool {
	if f.Sources != nil && !slices.Contains(f.Sources, c.Source) || f.Kind != "" && f.Kind != c.Kind {
		return false
	}
	if timed := !f.After.IsZero() || !f.Before.IsZero(); timed && c.Modified.IsZero() {
		return false
	}
	if !f.After.IsZero() && !c.Modified.After(f.After) || !f.Before.IsZero() && !c.Modified.Before(f.Before) {
		return false
	}
	holds := func(word []uint64) bool {
		return slices.ContainsFunc(word, func(hash uint64) bool { return c.tf[hash] > 0 })
	}
	for _, word := range f.Must {
		if !holds(word) {
			return false
		}
	}
	return !slices.ContainsFunc(f.Not, holds)
}

// randomChunk returns a chunk of few words, classes and properties.
func randomChunk(rng *rand.Rand, id int64) *chunk {
	c := &chunk{tf: make(map[uint64]uint8), language: []string{"", "en", "de", "fr"}[rng.IntN(4)]}
	c.Row = randomRow(rng, id)
	for range 1 + rng.IntN(6) {
		c.tf[word(rng.IntN(8))] = 1 + uint8(rng.IntN(255))
	}
	for _, tf := range c.tf {
		c.length += int(tf)
	}
	return c
}

// highClass is a class above 65,535.
const highClass = 70_000

func randomRow(rng *rand.Rand, id int64) Row {
	r := Row{
		Chunk: id, Class: 1 + rng.Int32N(5), Source: string(rune('a' + rng.IntN(3))),
		Kind: []string{"", "page", "code"}[rng.IntN(3)],
	}
	if r.Class == 5 {
		r.Class = highClass
	}
	if rng.IntN(4) > 0 {
		r.Modified = day(rng.IntN(5))
	}
	if rng.IntN(2) > 0 {
		r.Code = randomCode(rng)
	}
	return r
}

// newCoder returns a coder of a space with an axis.
func newCoder() *dense.Coder {
	axis := make([]float32, 64*codeWords)
	axis[5] = 1
	return dense.NewCoder(len(axis), dense.Frame{Axis: axis}, 1)
}

// randomCode returns the code of a random vector; every other lies aside.
func randomCode(rng *rand.Rand) []uint64 {
	v := make([]float32, 64*codeWords)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	if rng.IntN(2) == 0 {
		v[5] += float32(len(v))
	}
	return newCoder().Append(nil, v)
}

func day(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }

// word returns the hash of the n-th word.
func word(n int) uint64 { return lexical.Hash(string(rune('a' + n))) }
