package index

import (
	"cmp"
	"slices"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// census counts chunks by ACL class and language and adds up their lengths by
// class, so that the statistics of what a viewer may read are a sum over her
// classes.
type census struct {
	languages []string
	chunks    [][]int32 // by language, then class
	length    []int64   // by class
}

// language returns the number of a language, which it adds when it is new.
func (c *census) language(tag string) int {
	i := slices.Index(c.languages, tag)
	if i < 0 {
		i = len(c.languages)
		c.languages = append(c.languages, tag)
		c.chunks = append(c.chunks, nil)
	}
	return i
}

// add counts n times a chunk of some class, language and length.
func (c *census) add(class uint32, language string, length uint16, n int) {
	if class == gone {
		return
	}
	l := c.language(language)
	c.chunks[l] = widened(c.chunks[l], int(class)+1)
	c.length = widened(c.length, int(class)+1)
	c.chunks[l][class] += int32(n)
	c.length[class] += int64(n) * int64(length)
}

// widened returns s with at least n elements, new ones zero.
func widened[T int32 | int64](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	grown := make([]T, n, n+n/4)
	copy(grown, s)
	return grown
}

// statistics returns the number of visible chunks and the sum of their lengths.
func (c *census) statistics(visible []uint8) lexical.Stats {
	var s lexical.Stats
	for class, length := range c.length[:min(len(c.length), len(visible))] {
		s.Length += length * int64(visible[class])
	}
	for _, chunks := range c.chunks {
		for class, n := range chunks[:min(len(chunks), len(visible))] {
			s.Chunks += int(n) * int(visible[class])
		}
	}
	return s
}

// visibleLanguages returns the languages of the visible chunks, most frequent
// first. Chunks of unknown language count as English, because they are analysed
// as such.
func (c *census) visibleLanguages(visible []uint8) []string {
	counts := map[string]int{}
	for l, chunks := range c.chunks {
		n := 0
		for class, k := range chunks[:min(len(chunks), len(visible))] {
			n += int(k) * int(visible[class])
		}
		if n > 0 {
			counts[cmp.Or(c.languages[l], "en")] += n
		}
	}
	found := make([]string, 0, len(counts))
	for language := range counts {
		found = append(found, language)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return found
}
