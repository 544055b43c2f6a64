package index

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// State is the index in memory. Searches and changes may come from several
// goroutines: a search sees one state from its Begin to its end, and holds no
// lock after Begin.
type State struct {
	words        int // of the signs of a code; 0 when there are no vectors
	parallelFrom int // packed chunks from which several goroutines search by words

	mu       sync.RWMutex
	sources  names
	kinds    names
	census   census
	fresh    *fresh
	segments []*segment // never changed, only replaced; by id
}

// New returns an empty index over codes whose signs have the given number of
// words; 0 when there are no vectors.
func New(words int) *State {
	return &State{words: words, parallelFrom: 100_000, fresh: newFresh(words)}
}

// FreshChunk is a chunk that is in no segment.
type FreshChunk struct {
	Row
	Terms    []byte // from lexical.EncodeTerms
	Length   int
	Language string
}

// Segment is a segment with what the database has of its chunks. Of one that is
// known, only codes are looked at that were not there before.
type Segment struct {
	ID    int32
	Index *lexical.Segment
	Codes dense.Codes // of all its chunks; none of no words
	Has   []uint64    // bitmap of the chunks that have a code
	Rows  []Row       // of the chunks that are still there
}

// Change is how some things are now.
type Change struct {
	Segments []Segment    // new
	Retired  []int32      // segments that are no longer part of the index
	Fresh    []FreshChunk // chunks that are in no segment
	Packed   []Row        // chunks that are in a segment
	Gone     []int64      // chunks that are no longer there
}

// Rejected is a chunk that cannot be searched.
type Rejected struct {
	Chunk int64
	Err   error
}

// Apply makes the index what the change says, all of it at once. Fresh chunks that
// cannot be indexed are left out and returned, as are packed ones of a segment that
// is not here: it was damaged.
func (s *State) Apply(c Change) []Rejected {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := edit{State: s}
	for _, id := range c.Retired {
		e.retire(id)
	}
	for _, segment := range c.Segments {
		e.install(segment)
	}
	for _, row := range c.Packed {
		e.setPacked(row)
	}
	for _, chunk := range c.Fresh {
		e.setFresh(chunk)
	}
	for _, chunk := range c.Gone {
		e.remove(chunk)
	}
	s.fresh = s.fresh.compacted(tolerated)
	return e.rejected
}

// Damaged takes a segment out of the search by words: its rows cannot be relied
// on. Its vectors can.
func (s *State) Damaged(id int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := edit{State: s}
	if i, ok := s.position(id); ok && !s.segments[i].damaged {
		g := e.changing(i, copyNothing)
		s.countSegment(g, -1)
		g.damaged = true
	}
}

// Len returns the number of chunks that are in segments and that are not.
func (s *State) Len() (packed, unpacked int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, g := range s.segments {
		packed += g.live()
	}
	return packed, len(s.fresh.ordinals)
}

// SegmentSize is how much of a segment is still there.
type SegmentSize struct {
	ID    int32
	Size  int // chunks, with those that are gone
	Alive int // chunks that are there
}

// Segments returns the segments, oldest first, without those that are damaged.
func (s *State) Segments() []SegmentSize {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sizes []SegmentSize
	for _, g := range s.segments {
		if !g.damaged {
			sizes = append(sizes, SegmentSize{g.id, len(g.chunks), g.live()})
		}
	}
	return sizes
}

// position returns where a segment is among the segments.
func (s *State) position(id int32) (int, bool) {
	return slices.BinarySearchFunc(s.segments, id, func(g *segment, id int32) int { return int(g.id) - int(id) })
}

// countSegment adds n times the chunks of a segment to the census.
func (s *State) countSegment(g *segment, n int) {
	if g.damaged {
		return
	}
	languages := make([]int, len(g.lexical.Names))
	for i, name := range g.lexical.Names {
		languages[i] = s.census.language(name)
	}
	for ord, class := range g.classes {
		s.census.add(class, languages[g.lexical.Languages[ord]], g.lexical.Lengths[ord], n)
	}
}

// count adds n times a chunk of a segment to the census.
func (s *State) count(g *segment, ord, n int) {
	if !g.damaged {
		language := s.census.language(g.lexical.Names[g.lexical.Languages[ord]])
		s.census.add(g.classes[ord], language, g.lexical.Lengths[ord], n)
	}
}

// segment is a segment with the columns of its chunks. The chunks of one that
// searches know are not changed, except by a copy.
type segment struct {
	id      int32
	lexical *lexical.Segment
	damaged bool // its postings are not to be used
	columns
}

func (g *segment) live() (n int) {
	for _, class := range g.classes {
		if class != gone {
			n++
		}
	}
	return n
}

// edit is a change of a state that is under way.
type edit struct {
	*State
	copied   map[*segment]depth // segments that are copies, so that they can be changed
	rejected []Rejected
}

// changing returns a copy of a segment that replaces it and can be changed to
// the given depth.
func (e *edit) changing(i int, to depth) *segment {
	g := e.segments[i]
	from, copied := e.copied[g]
	if !copied {
		if e.copied == nil {
			e.copied = make(map[*segment]depth)
		}
		replacement := *g
		g = &replacement
		e.segments = slices.Clone(e.segments) // searches have the old list
		e.segments[i] = g
	}
	g.copyTo(from, to)
	e.copied[g] = max(from, to)
	return g
}

func (e *edit) retire(id int32) {
	i, ok := e.position(id)
	if !ok {
		return
	}
	e.countSegment(e.segments[i], -1)
	e.segments = slices.Delete(slices.Clone(e.segments), i, i+1)
}

// install adds a segment. Its chunks leave the fresh ones, if they were there.
func (e *edit) install(in Segment) {
	i, known := e.position(in.ID)
	if known {
		e.recode(i, in)
		return
	}
	g := &segment{id: in.ID, lexical: in.Index, columns: newColumns(in.Index.Chunks, e.words)}
	if in.hasCodes(g) {
		g.codes, g.has = in.Codes, in.Has
	}
	for _, r := range in.Rows {
		if ord, ok := g.find(r.Chunk); ok {
			g.set(ord, r, e.sources.number(r.Source), e.kinds.number(r.Kind))
		}
	}
	for _, chunk := range g.chunks {
		e.removeFresh(chunk)
	}
	e.countSegment(g, 1)
	e.segments = slices.Insert(slices.Clone(e.segments), i, g)
}

// hasCodes reports whether there are codes for the chunks of a segment.
func (in *Segment) hasCodes(g *segment) bool {
	return in.Codes.Size() == g.codes.Size() && in.Codes.Len() == g.codes.Len() && len(in.Has) == len(g.has)
}

// recode adds codes to a segment that is known: those of vectors that came after
// it was packed were put into it.
func (e *edit) recode(i int, in Segment) {
	g := e.segments[i]
	if !in.hasCodes(g) {
		return
	}
	g = e.changing(i, copyCodes)
	for ord := range g.chunks {
		if isSet(in.Has, ord) && !isSet(g.has, ord) {
			g.setCode(ord, in.Codes.At(ord))
		}
	}
}

func (e *edit) setPacked(r Row) {
	i, ord, ok := e.lookUp(r.Chunk)
	if !ok {
		e.removeFresh(r.Chunk) // it was packed, and may have been revoked since
		e.rejected = append(e.rejected, Rejected{r.Chunk, errNowhere})
		return
	}
	source, kind := e.sources.number(r.Source), e.kinds.number(r.Kind)
	changed := e.segments[i].deepest(ord, r, source, kind)
	if changed == copyNothing {
		return
	}
	g := e.changing(i, changed)
	e.count(g, ord, -1)
	g.set(ord, r, source, kind)
	e.count(g, ord, 1)
}

func (e *edit) setFresh(c FreshChunk) {
	source, kind := e.sources.number(c.Source), e.kinds.number(c.Kind)
	e.remove(c.Chunk)
	ord, err := e.fresh.add(c, source, kind, e.census.language(c.Language))
	if err != nil {
		e.rejected = append(e.rejected, Rejected{c.Chunk, fmt.Errorf("chunk %d: %w", c.Chunk, err)})
		return
	}
	e.countFresh(ord, 1)
}

func (e *edit) remove(chunk int64) {
	e.removeFresh(chunk)
	if i, ord, ok := e.lookUp(chunk); ok && e.segments[i].classes[ord] != gone {
		g := e.changing(i, copyClasses)
		e.count(g, ord, -1)
		g.classes[ord] = gone
	}
}

func (e *edit) removeFresh(chunk int64) {
	if ord, ok := e.fresh.ordinals[chunk]; ok {
		e.countFresh(ord, -1)
		e.fresh.remove(chunk, ord)
	}
}

func (e *edit) countFresh(ord uint32, n int) {
	f := e.fresh
	e.census.add(f.classes[ord], f.languages[ord], f.lengths[ord], n)
}

// lookUp returns the segment that holds a chunk.
func (e *edit) lookUp(chunk int64) (i, ord int, ok bool) {
	for i, g := range e.segments {
		if n := len(g.chunks); n > 0 && g.chunks[0] <= chunk && chunk <= g.chunks[n-1] {
			if ord, ok := g.find(chunk); ok {
				return i, ord, true
			}
		}
	}
	return 0, 0, false
}

// errNowhere is why a chunk cannot be searched whose terms are neither fresh nor
// in a segment that could be read.
var errNowhere = errors.New("its terms are in no segment; run cairn index rebuild")

// names numbers texts, from 1.
type names struct{ numbers map[string]uint32 }

func (n *names) number(name string) uint32 {
	i, ok := n.numbers[name]
	if !ok {
		if n.numbers == nil {
			n.numbers = make(map[string]uint32)
		}
		i = uint32(len(n.numbers) + 1)
		n.numbers[name] = i
	}
	return i
}

func (n *names) find(name string) (uint32, bool) {
	i, ok := n.numbers[name]
	return i, ok
}

// table says by number which names are among those that are given: 1 or 0.
func (n *names) table(given []string) []uint8 {
	table := make([]uint8, len(n.numbers)+1)
	for _, name := range given {
		if i, ok := n.find(name); ok {
			table[i] = 1
		}
	}
	return table
}
