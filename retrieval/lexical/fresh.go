package lexical

import (
	"cmp"
	"errors"
	"slices"
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

// VisibleLanguages returns the languages of the visible chunks, most frequent
// first, at most limit: what QueryTerms wants to know. Chunks of unknown language
// count as English, because Terms takes them for it.
func (f *Fresh) VisibleLanguages(visible func(class int32) bool, limit int) []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	e := f.entries
	counts := map[string]int{}
	for _, c := range e.classes[1:] {
		if c.chunks > 0 && visible(c.id) {
			for _, l := range c.languages {
				counts[cmp.Or(e.languages[l.language], "en")] += l.chunks
			}
		}
	}
	var found []string
	for language, n := range counts {
		if n > 0 {
			found = append(found, language)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return found[:min(len(found), limit)]
}
