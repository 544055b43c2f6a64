package lexical

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

// Version is that of all that is derived into an index: it changes when the same text
// gives other terms, the same terms another segment, or the same vector another code.
// An index that was made by an older version is derived anew, and searched until then.
const Version = 4

// Weights of one occurrence by field, chosen by hand; docs/evaluation.md, "What is
// fitted, and on what", checks that of the title.
const (
	weightBody    = 1
	weightHeading = 2
	weightTitle   = 3
)

// Bounds that the stored forms impose.
const (
	maxTF     = math.MaxUint8
	maxLength = math.MaxUint16
)

// Term is one term of a chunk.
type Term struct {
	Hash uint64 // of the term's text, 63 bits: see Hash
	TF   uint8  // number of occurrences weighted by field, 1..255
}

// Fields is what is indexed of a chunk.
type Fields struct {
	Title    string
	Name     string   // of the document's file
	Heading  []string // path of headings, outermost first
	Body     string
	Language string // ISO 639-1 code of the document; empty when unknown

	// What questions filter by: one term each, which counts nothing in the length.
	Author     string
	Attributes map[string]string
}

// Terms returns the terms of a chunk in ascending order of hash, each once, and
// its length for the length norm, 0..65,535: the number of its words. Words of
// the title and of headings count several times, in frequencies and in the
// length, as in BM25F (Robertson, Zaragoza and Taylor, CIKM 2004). Equal fields
// give equal terms. Terms may be called by several goroutines at once.
func Terms(f Fields) (terms []Term, length int) {
	a := analyzers.Get().(*analyzer)
	defer analyzers.Put(a)
	a.begin(PrimaryLanguage(f.Language))
	a.add(f.Title, weightTitle)
	for _, h := range f.Heading {
		a.add(h, weightHeading)
	}
	a.add(f.Body, weightBody)
	a.add(f.Name, weightBody)
	if f.Author != "" {
		a.counts[AuthorTerm(f.Author)] = 1
	}
	for key, value := range f.Attributes {
		a.counts[AttributeTerm(key, value)] = 1
	}
	return a.finish()
}

// AuthorTerm returns the hash of the term that the chunks of an author hold. It
// does not depend on case. No word is such a term.
func AuthorTerm(author string) uint64 {
	return Hash("\x00author\x00" + norm.NFC.String(strings.ToLower(norm.NFC.String(author))))
}

// AttributeTerm returns the hash of the term that the chunks of a document with
// this attribute hold. No word is such a term.
func AttributeTerm(key, value string) uint64 {
	return Hash("\x00attribute\x00" + strconv.Itoa(len(key)) + "\x00" + key + value)
}

// Hash returns the 63-bit hash of a term: FNV-1a with a final mix (that of
// MurmurHash3), because segments group terms by the leading bits. It is part of
// the stored format.
func Hash(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(text); i++ {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return (h ^ h>>33) >> 1
}

// analyzers keeps what is costly to make anew for each chunk.
var analyzers = sync.Pool{New: func() any {
	return &analyzer{counts: map[uint64]int{}, words: map[string]wordTerms{}}
}}

// analyzer collects the terms of one chunk at a time.
type analyzer struct {
	counts   map[uint64]int
	length   int
	language string
	words    map[string]wordTerms // of language only
}

// wordTerms are the hashes of a word's stem and of the word itself.
type wordTerms struct{ stem, exact uint64 }

// maxCachedWords bounds the memory of one analyzer to a few megabytes.
const maxCachedWords = 1 << 15

func (a *analyzer) begin(language string) {
	if language != a.language || len(a.words) > maxCachedWords {
		clear(a.words)
	}
	clear(a.counts)
	a.length, a.language = 0, language
}

func (a *analyzer) add(text string, weight int) {
	scan(text, func(t token) {
		switch t.kind {
		case kindWord:
			w := a.word(t.text)
			a.counts[w.stem] += weight
			if w.exact != w.stem {
				a.counts[w.exact] += weight
			}
			a.length += weight
		case kindGram:
			a.counts[Hash(fold(t.text))] += weight
			a.length += weight
		default:
			a.counts[Hash(fold(t.text))] += weight
		}
	})
}

func (a *analyzer) word(s string) wordTerms {
	w, ok := a.words[s]
	if !ok {
		w = wordTerms{stem: Hash(stem(s, a.language)), exact: Hash(fold(s))}
		a.words[s] = w
	}
	return w
}

func (a *analyzer) finish() ([]Term, int) {
	terms := make([]Term, 0, len(a.counts))
	for hash, n := range a.counts {
		terms = append(terms, Term{Hash: hash, TF: uint8(min(n, maxTF))})
	}
	slices.SortFunc(terms, func(x, y Term) int { return cmp.Compare(x.Hash, y.Hash) })
	return terms, min(a.length, maxLength)
}
