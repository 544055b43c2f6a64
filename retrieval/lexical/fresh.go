package lexical

import (
	"errors"
	"sync"
)

// maxOrdinal bounds the entries of a Fresh, dead ones included: a posting is an
// ordinal of 24 bits and a frequency of 8.
const maxOrdinal = 1<<24 - 1

// ErrFull is returned when a Fresh can take no more chunks until some were removed.
var ErrFull = errors.New("too many unpacked chunks: let the packer run, then try again")

// Doc is a chunk to index.
type Doc struct {
	Chunk    int64
	Class    int32  // of permissions
	Language string // ISO 639-1 code; empty when unknown
	Terms    []byte // from EncodeTerms
	Length   int    // as Terms returned it
}

// Fresh is an inverted index in memory of the chunks that are not packed into
// segments yet. It may be used by several goroutines at once; searches do not
// wait for each other, only for the brief moments in which an edit is made.
type Fresh struct {
	mu      sync.RWMutex
	entries *entries // replaced by a compaction
}

// NewFresh returns an empty index.
func NewFresh() *Fresh { return &Fresh{entries: newEntries(0, []string{""})} }

// Len returns the number of chunks.
func (f *Fresh) Len() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.entries.ordinals)
}

// Upsert adds a chunk, or replaces it. It fails with ErrMalformed when the terms
// cannot be decoded and with ErrFull beyond 16 million chunks, changing nothing.
func (f *Fresh) Upsert(d Doc) error {
	if err := checkTerms(d.Terms); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.entries.chunks) > maxOrdinal {
		return ErrFull
	}
	f.entries.remove(d.Chunk)
	f.entries.add(d)
	f.compact()
	return nil
}

// SetClass moves a chunk to another class; an unknown chunk is ignored.
func (f *Fresh) SetClass(chunk int64, class int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries.setClass(chunk, class)
	f.compact()
}

// Remove takes a chunk out; an unknown chunk is ignored.
func (f *Fresh) Remove(chunk int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries.remove(chunk)
	f.compact()
}

// compact drops removed entries and unused classes once they are the majority.
func (f *Fresh) compact() {
	e, live := f.entries, len(f.entries.ordinals)
	if dead := len(e.chunks) - live; dead > max(live, 1024) || len(e.classes) > 2*live+1024 {
		f.entries = e.compacted()
	}
}

// Search returns the best k chunks by BM25, best first, ties by chunk id. Only
// chunks whose class is visible are found or counted in statistics; keep (nil:
// all) narrows the hits but not the statistics. visible is called once for each
// distinct class, keep once for each visible chunk that matches.
func (f *Fresh) Search(terms []QueryTerm, visible func(class int32) bool, keep func(chunk int64) bool, k int) []Hit {
	m := f.Match(terms, visible)
	return m.Top(m.Stats(), m.Bitmap(keep), k)
}

// Match is [View.Match] of the present state. visible must not call the index.
func (f *Fresh) Match(terms []QueryTerm, visible func(class int32) bool) (m *Match) {
	f.View(func(v View) { m = v.Match(terms, visible) })
	return m
}

// VisibleLanguages is [View.VisibleLanguages] of the present state. visible must
// not call the index.
func (f *Fresh) VisibleLanguages(visible func(class int32) bool, limit int) (languages []string) {
	f.View(func(v View) { languages = v.VisibleLanguages(visible, limit) })
	return languages
}
