package lexical

// Doc is a chunk to index.
type Doc struct {
	Chunk    int64
	Class    int32  // of permissions
	Language string // ISO 639-1 code; empty when unknown
	Terms    []byte // from EncodeTerms
	Length   int    // as Terms returned it
}

// Hit is a chunk that matches at least one term of a query.
type Hit struct {
	Chunk int64
	Score float64
}

// Stats are the statistics of the chunks that a viewer may read. Those of
// several parts of an index add up.
type Stats struct {
	Chunks      int
	Length      int64 // sum over the chunks
	Frequencies []int // chunks that hold each query term, in their order
}

// Add adds the statistics of another part for the same query terms.
func (s *Stats) Add(o Stats) {}

// Fresh is an inverted index in memory of the chunks that are not packed into
// segments yet. It may be used by several goroutines at once.
type Fresh struct{}

// NewFresh returns an empty index.
func NewFresh() *Fresh { return &Fresh{} }

// Upsert adds a chunk, or replaces it. It fails when the terms are malformed.
func (f *Fresh) Upsert(d Doc) error { return nil }

// SetClass moves a chunk to another class; unknown chunks are ignored.
func (f *Fresh) SetClass(chunk int64, class int32) {}

// Remove takes a chunk out; unknown chunks are ignored.
func (f *Fresh) Remove(chunk int64) {}

// Len returns the number of chunks.
func (f *Fresh) Len() int { return 0 }

// Search returns the best k chunks by BM25, best first, ties by chunk id. Only
// chunks whose class is visible are found or counted in statistics; keep (nil:
// all) narrows the hits but not the statistics. visible is called once for each
// distinct class.
func (f *Fresh) Search(terms []QueryTerm, visible func(class int32) bool, keep func(chunk int64) bool, k int) []Hit {
	return nil
}

// Match looks up terms among the visible chunks, in one state of the index. The
// result does not change with the index: take Stats, add those of other parts,
// then ask for Top.
func (f *Fresh) Match(terms []QueryTerm, visible func(class int32) bool) *Match { return nil }

// Match holds the visible matches of one query.
type Match struct{}

// Stats returns the statistics of the visible chunks.
func (m *Match) Stats() Stats { return Stats{} }

// Top returns the best k hits under the given statistics, best first.
func (m *Match) Top(s Stats, keep func(chunk int64) bool, k int) []Hit { return nil }

// VisibleLanguages returns the languages of the visible chunks, most frequent
// first, at most max; chunks of unknown language do not count.
func (f *Fresh) VisibleLanguages(visible func(class int32) bool, max int) []string { return nil }
