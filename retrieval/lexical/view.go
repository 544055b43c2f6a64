package lexical

import (
	"cmp"
	"slices"
)

// View is one state of a Fresh. It is valid only within the call that it was
// given to; bitmaps and matches that were taken from it remain valid and share
// their ordinals.
type View struct{ e *entries }

// View calls read with the present state of the index, which does not change
// meanwhile. read must not call the index.
func (f *Fresh) View(read func(v View)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	read(View{f.entries})
}

// Match looks up terms among the visible chunks. visible is called once for each
// distinct class. The result does not change with the index: take Stats, add
// those of other parts, then ask for Top.
func (v View) Match(terms []QueryTerm, visible func(class int32) bool) *Match {
	e := v.e
	m := &Match{terms: terms, chunks: e.chunks, lengths: e.lengths, stats: Stats{Frequencies: make([]int, len(terms))}}
	seen := make([]uint8, len(e.classes)) // 1: visible
	for i, c := range e.classes[1:] {
		if c.chunks > 0 && visible(c.id) {
			seen[i+1] = 1
			m.stats.Chunks += c.chunks
			m.stats.Length += c.length
		}
	}
	total := 0
	for _, t := range terms {
		total += e.postings.count(t.Hash)
	}
	m.postings = slices.Grow(*released.Get().(*[]uint32), total)[:total]
	n := 0
	for i, t := range terms {
		from := n
		for block := range e.postings.blocks(t.Hash) {
			for _, p := range block { // without a branch: permissions are as good as random
				m.postings[n] = p
				n += int(seen[e.classOf[p>>8]])
			}
		}
		m.stats.Frequencies[i] = n - from
	}
	m.postings = m.postings[:n]
	return m
}

// Holding returns which chunks hold at least one of the terms, one bit for each
// ordinal, for the matches of this view. It may have bits of removed chunks.
func (v View) Holding(hashes ...uint64) []uint64 {
	bitmap := newBitmap(len(v.e.chunks))
	for _, hash := range hashes {
		for block := range v.e.postings.blocks(hash) {
			for _, p := range block {
				bitmap[p>>14] |= 1 << (p >> 8 & 63)
			}
		}
	}
	return bitmap
}

// Bitmap returns which chunks keep accepts, one bit for each ordinal, for the
// matches of this view. keep is called for every chunk, visible or not.
func (v View) Bitmap(keep func(chunk int64) bool) []uint64 {
	bitmap := newBitmap(len(v.e.chunks))
	for ord, chunk := range v.e.chunks {
		if v.e.classOf[ord] != deadClass && keep(chunk) {
			bitmap[ord>>6] |= 1 << (ord & 63)
		}
	}
	return bitmap
}

// VisibleLanguages returns the languages of the visible chunks, most frequent
// first, at most limit: what QueryTerms wants to know. Chunks of unknown language
// count as English, because Terms takes them for it.
func (v View) VisibleLanguages(visible func(class int32) bool, limit int) []string {
	counts := map[string]int{}
	for _, c := range v.e.classes[1:] {
		if c.chunks > 0 && visible(c.id) {
			for _, l := range c.languages {
				counts[cmp.Or(v.e.languages[l.language], "en")] += l.chunks
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
