package index

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// census counts chunks by ACL class and language and adds up their lengths by
// class, so that the statistics of what a viewer may read are a sum over her
// classes. Classes may be as many as documents: they are counted in blocks of 64,
// of which those of which she sees nothing or everything cost next to nothing.
type census struct {
	languages []string
	blocks    []classBlock
}

// otherLanguage stands for all languages that are analysed as nothing in particular.
// Sources name languages as they like: each must not take room here, and which have
// come first must not decide which of a viewer's are known.
const otherLanguage = "und"

type classBlock struct {
	length    blockSums[int64]
	languages []languageBlock // those that occur in the block
}

type languageBlock struct {
	language int
	chunks   blockSums[int32]
}

// blockSums has a value for each class of a block, and their sum, which lies
// apart from them: often it is all that is needed.
type blockSums[T int32 | int64] struct {
	total int64
	held  uint64 // the classes that ever had a value
	of    *[64]T
}

func (s *blockSums[T]) add(class uint32, n T) {
	if s.of == nil {
		s.of = new([64]T)
	}
	s.held |= 1 << (class % 64)
	s.of[class%64] += n
	s.total += int64(n)
}

// sum adds up the values of the classes that are set in mask.
func (s *blockSums[T]) sum(mask uint64) int64 {
	if bits.OnesCount64(mask) > 32 {
		return s.total - s.some(^mask)
	}
	return s.some(mask)
}

func (s *blockSums[T]) some(mask uint64) (sum int64) {
	for mask &= s.held; mask != 0; mask &= mask - 1 {
		sum += int64(s.of[bits.TrailingZeros64(mask)&63])
	}
	return sum
}

// languageOf returns what a language counts as.
func languageOf(tag string) string {
	if tag = lexical.PrimaryLanguage(tag); tag != "" && !lexical.Knows(tag) {
		return otherLanguage
	}
	return tag
}

// language returns the number of a language, which it adds when it is new.
func (c *census) language(tag string) int {
	tag = languageOf(tag)
	if i := slices.Index(c.languages, tag); i >= 0 {
		return i
	}
	c.languages = append(c.languages, tag)
	return len(c.languages) - 1
}

// add counts n times a chunk of some class, language and length.
func (c *census) add(class uint32, language int, length uint16, n int) {
	if class == gone {
		return
	}
	for int(class/64) >= len(c.blocks) {
		c.blocks = append(c.blocks, classBlock{})
	}
	b := &c.blocks[class/64]
	b.length.add(class, int64(n)*int64(length))
	b.of(language).add(class, int32(n))
}

// of returns the numbers of chunks of a language.
func (b *classBlock) of(language int) *blockSums[int32] {
	i := slices.IndexFunc(b.languages, func(l languageBlock) bool { return l.language == language })
	if i < 0 {
		i = len(b.languages)
		b.languages = append(b.languages, languageBlock{language: language})
	}
	return &b.languages[i].chunks
}

// table returns the length of a table that has a value for every class.
func (c *census) table() int { return max(64*len(c.blocks), 1) }

// tally is what was counted of visible chunks.
type tally struct {
	lexical.Stats
	byLanguage map[string]int64
}

// add counts chunks of a language and the sum of their lengths. Chunks without a
// language count as English, because they are analysed as such.
func (t *tally) add(language string, chunks, length int64) {
	t.Chunks += int(chunks)
	t.Length += length
	if chunks > 0 && language != otherLanguage {
		t.byLanguage[cmp.Or(language, "en")] += chunks
	}
}

// languages returns the known languages of the chunks, most frequent first.
func (t *tally) languages() []string {
	return slices.SortedFunc(maps.Keys(t.byLanguage), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.byLanguage[b], t.byLanguage[a]), cmp.Compare(a, b))
	})
}

// count returns what there is of visible chunks. visible is a table of every class.
func (c *census) count(visible []uint8) tally {
	t := tally{byLanguage: make(map[string]int64)}
	chunks := make([]int64, len(c.languages))
	for i := range c.blocks {
		b, mask := &c.blocks[i], maskOf((*[64]uint8)(visible[64*i:]))
		if mask == 0 || len(b.languages) == 0 {
			continue
		}
		t.Length += b.length.sum(mask)
		for j := range b.languages {
			l := &b.languages[j]
			chunks[l.language] += l.chunks.sum(mask)
		}
	}
	for l, n := range chunks {
		t.add(c.languages[l], n, 0)
	}
	return t
}

// maskOf returns 64 values of 0 or 1 as bits.
func maskOf(values *[64]uint8) (mask uint64) {
	for i := 0; i < 64; i += 8 {
		eight := binary.LittleEndian.Uint64(values[i : i+8])
		mask |= eight * 0x0102040810204080 >> 56 << i
	}
	return mask
}
