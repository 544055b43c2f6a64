package lexical

import (
	"math"
	"slices"
)

// entries are the arrays and posting lists of a Fresh. An entry is known by its
// ordinal; content never changes, a removed entry merely has the class deadClass.
type entries struct {
	ordinals map[int64]uint32 // chunk → ordinal, of the living
	// The next two are only ever appended to. A Match goes on reading what it has
	// seen of them after the lock is released.
	chunks  []int64
	lengths []uint16
	classOf []uint32 // index into classes
	langOf  []uint8  // index into languages

	classes    []class // the first is deadClass
	classIndex map[int32]uint32
	languages  []string // the first is "", unknown
	postings   *postings
}

// deadClass is the class of removed entries; nobody sees it.
const deadClass = 0

// class is a class of permissions with what is counted of its chunks.
type class struct {
	id        int32
	chunks    int
	length    int64
	languages []languageCount
}

type languageCount struct {
	language uint8
	chunks   int
}

func newEntries(size int, languages []string) *entries {
	return &entries{
		ordinals:   make(map[int64]uint32, size),
		chunks:     make([]int64, 0, size),
		lengths:    make([]uint16, 0, size),
		classOf:    make([]uint32, 0, size),
		langOf:     make([]uint8, 0, size),
		classes:    make([]class, 1),
		classIndex: map[int32]uint32{},
		languages:  languages,
		postings:   newPostings(),
	}
}

// add adds a chunk whose terms were checked.
func (e *entries) add(d Doc) {
	length := uint16(min(max(d.Length, 0), maxLength))
	ord := e.addHeader(d.Chunk, d.Class, length, e.language(d.Language))
	for terms := (decoder{data: d.Terms}); len(terms.data) > 0; {
		t, err := terms.next()
		if err != nil {
			return
		}
		e.postings.add(t.Hash, ord<<8|uint32(t.TF))
	}
}

// addHeader adds an entry without postings and returns its ordinal.
func (e *entries) addHeader(chunk int64, class int32, length uint16, language uint8) uint32 {
	ord := uint32(len(e.chunks))
	e.ordinals[chunk] = ord
	e.chunks = append(e.chunks, chunk)
	e.lengths = append(e.lengths, length)
	e.classOf = append(e.classOf, e.class(class))
	e.langOf = append(e.langOf, language)
	e.count(ord, 1)
	return ord
}

func (e *entries) setClass(chunk int64, class int32) {
	if ord, ok := e.ordinals[chunk]; ok {
		e.count(ord, -1)
		e.classOf[ord] = e.class(class)
		e.count(ord, 1)
	}
}

func (e *entries) remove(chunk int64) {
	if ord, ok := e.ordinals[chunk]; ok {
		e.count(ord, -1)
		e.classOf[ord] = deadClass
		delete(e.ordinals, chunk)
	}
}

// class returns the index of a class, which it adds when it is new.
func (e *entries) class(id int32) uint32 {
	i, ok := e.classIndex[id]
	if !ok {
		i = uint32(len(e.classes))
		e.classes = append(e.classes, class{id: id})
		e.classIndex[id] = i
	}
	return i
}

// language returns the index of a language, which it adds when it is new.
func (e *entries) language(tag string) (i uint8) {
	i, e.languages = languageIndex(e.languages, tag)
	return i
}

// languageIndex returns the index of a language in names, which begin with "",
// and the names, with that of the language when it is new. Beyond 255 languages,
// and with a tag of more than 255 bytes, a language counts as unknown.
func languageIndex(names []string, tag string) (uint8, []string) {
	tag = normalLanguage(tag)
	i := slices.Index(names, tag)
	switch {
	case i >= 0:
		return uint8(i), names
	case len(names) > math.MaxUint8 || len(tag) > math.MaxUint8:
		return 0, names
	}
	return uint8(len(names)), append(names, tag)
}

// count adds n times an entry to the counts of its class.
func (e *entries) count(ord uint32, n int) {
	c := &e.classes[e.classOf[ord]]
	c.chunks += n
	c.length += int64(n) * int64(e.lengths[ord])
	i := slices.IndexFunc(c.languages, func(l languageCount) bool { return l.language == e.langOf[ord] })
	if i < 0 {
		i = len(c.languages)
		c.languages = append(c.languages, languageCount{language: e.langOf[ord]})
	}
	c.languages[i].chunks += n
}

// compacted returns a copy without removed entries and unused classes. The old
// arrays stay as they are for those who read them.
func (e *entries) compacted() *entries {
	c := newEntries(len(e.ordinals), e.languages)
	moved := make([]uint32, len(e.chunks))
	for ord, chunk := range e.chunks {
		if e.classOf[ord] != deadClass {
			moved[ord] = c.addHeader(chunk, e.classes[e.classOf[ord]].id, e.lengths[ord], e.langOf[ord])
		}
	}
	for _, l := range e.postings.slots {
		if l.n == 0 {
			continue
		}
		for block := range e.postings.blocks(l.hash) {
			for _, p := range block {
				if e.classOf[p>>8] != deadClass {
					c.postings.add(l.hash, moved[p>>8]<<8|p&0xff)
				}
			}
		}
	}
	return c
}
