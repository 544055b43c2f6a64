package index

import (
	"math"
	"slices"
	"time"

	"github.com/cairnhq/cairn/retrieval/dense"
)

// Row is what is known of a chunk beside its terms.
type Row struct {
	Chunk    int64
	Class    int32  // of permissions, above 0
	Source   string // id
	Kind     string
	Modified time.Time // zero when unknown
	Code     []uint64  // of its vector, from dense.Coder; nil when it has none (yet)
}

// class returns the class as the columns have it. What cannot be one admits nobody.
func (r *Row) class() uint32 { return uint32(max(r.Class, gone)) }

// gone is the class of chunks that are no longer there; it admits nobody.
const gone = 0

// noTime stands for an unknown time: no filter by time lets it through.
const noTime = math.MinInt64

// columns are the rows of a part of the index, an array a property.
type columns struct {
	chunks   []int64
	classes  []uint32
	sources  []uint32 // numbers of State.sources
	kinds    []uint32 // numbers of State.kinds
	modified []int64  // microseconds since 1970
	codes    dense.Codes
	has      []uint64 // bitmap of the chunks that have a code
}

// newColumns returns columns for chunks of which nothing is known yet: gone.
func newColumns(chunks []int64, words int) columns {
	n := len(chunks)
	c := columns{
		chunks: chunks, classes: make([]uint32, n), sources: make([]uint32, n), kinds: make([]uint32, n),
		modified: make([]int64, n), codes: dense.MakeCodes(n, words), has: newBitmap(n),
	}
	return c
}

// depth says how much of a segment is about to be changed, and so is copied. To
// change what lies deeper is rarer and costs more.
type depth int

const (
	copyNothing depth = iota
	copyClasses       // what permissions change
	copyRows          // what filters look at, too
	copyCodes         // and the codes
)

// copyTo replaces what lies deeper than from and not deeper than to by copies,
// which can be changed while searches go on in what it replaces.
func (c *columns) copyTo(from, to depth) {
	if from < copyClasses && copyClasses <= to {
		c.classes = slices.Clone(c.classes)
	}
	if from < copyRows && copyRows <= to {
		c.sources, c.kinds, c.modified = slices.Clone(c.sources), slices.Clone(c.kinds), slices.Clone(c.modified)
	}
	if from < copyCodes && copyCodes <= to {
		c.codes, c.has = c.codes.Clone(), slices.Clone(c.has)
	}
}

// append adds a chunk.
func (c *columns) append(r Row, source, kind uint32) {
	ord := len(c.chunks)
	c.chunks = append(c.chunks, r.Chunk)
	c.classes = append(c.classes, r.class())
	c.sources = append(c.sources, source)
	c.kinds = append(c.kinds, kind)
	c.modified = append(c.modified, microseconds(r.Modified))
	if ord%64 == 0 {
		c.has = append(c.has, 0)
	}
	c.codes.Append(r.Code)
	if c.fits(r.Code) {
		c.has[ord/64] |= 1 << (ord % 64)
	}
}

// fits reports whether there are codes and this is one of them.
func (c *columns) fits(code []uint64) bool { return len(code) > 0 && len(code) == c.codes.Size() }

// deepest returns how deep a row changes what is known of a chunk.
func (c *columns) deepest(ord int, r Row, source, kind uint32) depth {
	switch {
	case c.fits(r.Code) && !isSet(c.has, ord):
		return copyCodes
	case c.sources[ord] != source || c.kinds[ord] != kind || c.modified[ord] != microseconds(r.Modified):
		return copyRows
	case c.classes[ord] != r.class():
		return copyClasses
	}
	return copyNothing
}

// set replaces what is known of a chunk as deep as it differs; its code only if
// there was none.
func (c *columns) set(ord int, r Row, source, kind uint32) {
	switch c.deepest(ord, r, source, kind) {
	case copyCodes:
		c.setCode(ord, r.Code)
		fallthrough
	case copyRows:
		c.sources[ord], c.kinds[ord], c.modified[ord] = source, kind, microseconds(r.Modified)
		fallthrough
	case copyClasses:
		c.classes[ord] = r.class()
	case copyNothing:
	}
}

func (c *columns) setCode(ord int, code []uint64) {
	c.codes.Set(ord, code)
	c.has[ord/64] |= 1 << (ord % 64)
}

// find returns the ordinal of a chunk; the chunks must ascend.
func (c *columns) find(chunk int64) (int, bool) { return slices.BinarySearch(c.chunks, chunk) }

func microseconds(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

func newBitmap(n int) []uint64 { return make([]uint64, (n+63)/64) }

func isSet(bitmap []uint64, i int) bool { return bitmap[i/64]>>(i%64)&1 == 1 }
