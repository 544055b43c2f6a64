package index

import (
	"math"
	"slices"
	"time"
)

// Row is what is known of a chunk beside its terms.
type Row struct {
	Chunk    int64
	Class    int32  // of permissions, above 0
	Source   string // id
	Kind     string
	Modified time.Time // zero when unknown
	Code     []uint64  // sign code of its vector; nil when it has none (yet)
}

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
	words    int      // of a code
	codes    []uint64
	has      []uint64 // bitmap of the chunks that have a code
}

// newColumns returns columns for chunks of which nothing is known yet: gone.
func newColumns(chunks []int64, words int) columns {
	n := len(chunks)
	c := columns{
		chunks: chunks, classes: make([]uint32, n), sources: make([]uint32, n), kinds: make([]uint32, n),
		modified: make([]int64, n), words: words, codes: make([]uint64, n*words), has: newBitmap(n),
	}
	return c
}

// clone returns a copy that can be changed while searches go on in c. Codes are
// many and rarely change: they are copied only if asked for.
func (c columns) clone(codes bool) columns {
	c.classes = slices.Clone(c.classes)
	c.sources = slices.Clone(c.sources)
	c.kinds = slices.Clone(c.kinds)
	c.modified = slices.Clone(c.modified)
	if codes {
		c.codes, c.has = slices.Clone(c.codes), slices.Clone(c.has)
	}
	return c
}

// append adds a chunk.
func (c *columns) append(r Row, source, kind uint32) {
	ord := len(c.chunks)
	c.chunks = append(c.chunks, r.Chunk)
	c.classes = append(c.classes, uint32(r.Class))
	c.sources = append(c.sources, source)
	c.kinds = append(c.kinds, kind)
	c.modified = append(c.modified, microseconds(r.Modified))
	if ord%64 == 0 {
		c.has = append(c.has, 0)
	}
	if len(r.Code) == c.words && c.words > 0 {
		c.codes = append(c.codes, r.Code...)
		c.has[ord/64] |= 1 << (ord % 64)
	} else {
		c.codes = append(c.codes, make([]uint64, c.words)...)
	}
}

// set replaces what is known of a chunk; its code only if there is one.
func (c *columns) set(ord int, r Row, source, kind uint32) {
	c.classes[ord], c.sources[ord], c.kinds[ord] = uint32(r.Class), source, kind
	c.modified[ord] = microseconds(r.Modified)
	if c.lacksCode(ord, r) {
		c.setCode(ord, r.Code)
	}
}

func (c *columns) setCode(ord int, code []uint64) {
	copy(c.codes[ord*c.words:(ord+1)*c.words], code)
	c.has[ord/64] |= 1 << (ord % 64)
}

// lacksCode reports whether a row brings a code that the columns do not have.
func (c *columns) lacksCode(ord int, r Row) bool {
	return c.words > 0 && len(r.Code) == c.words && !isSet(c.has, ord)
}

// same reports whether a row says of a chunk what the columns say, but for its class.
func (c *columns) same(ord int, r Row, source, kind uint32) bool {
	return c.sources[ord] == source && c.kinds[ord] == kind && c.modified[ord] == microseconds(r.Modified) && !c.lacksCode(ord, r)
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
