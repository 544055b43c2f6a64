package index

import "github.com/cairnhq/cairn/retrieval/lexical"

// fresh are the chunks that are in no segment yet. Nothing of a chunk changes
// but its class: what else changes makes the chunk a new one at the end, so that
// searches can go on reading what they have seen.
type fresh struct {
	columns
	ordinals  map[int64]uint32 // of the living
	index     *lexical.Fresh   // with the same ordinals
	lengths   []uint16
	languages []int // numbers of the census
}

func newFresh(words int) *fresh {
	return &fresh{columns: newColumns(nil, words), ordinals: make(map[int64]uint32), index: lexical.NewFresh()}
}

// add appends a chunk that is not there.
func (f *fresh) add(c FreshChunk, source, kind uint32, language int) (uint32, error) {
	ord, err := f.index.Add(c.Chunk, c.Length, c.Terms)
	if err != nil {
		return 0, err
	}
	f.append(c.Row, source, kind)
	f.lengths = append(f.lengths, lexical.ClampLength(c.Length))
	f.languages = append(f.languages, language)
	f.ordinals[c.Chunk] = ord
	return ord, nil
}

// remove takes a chunk out; its place stays until the next compaction.
func (f *fresh) remove(chunk int64, ord uint32) {
	f.classes[ord] = gone
	delete(f.ordinals, chunk)
}

// find returns the ordinal of a chunk that is there; the chunks do not ascend.
func (f *fresh) find(chunk int64) (int, bool) {
	ord, ok := f.ordinals[chunk]
	return int(ord), ok
}

// tolerated is how many removed chunks are not worth a compaction.
const tolerated = 1024

// compacted returns f, or a copy without what was removed once that is the
// majority and more than is tolerated.
func (f *fresh) compacted(tolerated int) *fresh {
	if dead := len(f.chunks) - len(f.ordinals); dead <= max(len(f.ordinals), tolerated) {
		return f
	}
	keep := make([]bool, len(f.chunks))
	for ord, class := range f.classes {
		keep[ord] = class != gone
	}
	c := newFresh(f.codes.Words())
	c.index = f.index.Compact(keep)
	for ord, kept := range keep {
		if !kept {
			continue
		}
		c.ordinals[f.chunks[ord]] = uint32(len(c.chunks))
		c.take(&f.columns, ord)
		c.lengths = append(c.lengths, f.lengths[ord])
		c.languages = append(c.languages, f.languages[ord])
	}
	return c
}

// take appends a chunk of other columns.
func (c *columns) take(from *columns, ord int) {
	n := len(c.chunks)
	c.chunks = append(c.chunks, from.chunks[ord])
	c.classes = append(c.classes, from.classes[ord])
	c.sources = append(c.sources, from.sources[ord])
	c.kinds = append(c.kinds, from.kinds[ord])
	c.modified = append(c.modified, from.modified[ord])
	c.codes.Append(from.codes.At(ord))
	if n%64 == 0 {
		c.has = append(c.has, 0)
	}
	if isSet(from.has, ord) {
		c.has[n/64] |= 1 << (n % 64)
	}
}
