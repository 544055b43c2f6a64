package lexical

import "math/rand/v2"

// postings holds the posting lists of a Fresh without pointers: lists in a hash
// table, their postings in linked blocks in pages. A list costs no allocation of
// its own, and the garbage collector has nothing to look at. A posting is an
// ordinal << 8 | a frequency.
type postings struct {
	slots []list // open addressing with linear probing; n == 0 is free
	used  int
	// The table is indexed by the leading bits of hash × factor: random, because
	// whoever writes documents could choose terms whose hashes collide.
	factor uint64
	shift  uint
	pages  [][]uint32
	free   uint32 // first unused word: page << pageBits | offset
}

// list is a posting list. Its blocks hold a reference to the next block, then
// postings; how many follows from the number of postings before, see blockSize.
type list struct {
	hash uint64
	n    uint32 // postings
	head uint32 // first block
	tail uint32 // last block
	end  uint32 // where the next posting goes
	room uint32 // postings that the last block can still take
}

const (
	pageBits = 16
	pageSize = 1 << pageBits
	maxBlock = 255 // words, the reference included
)

func newPostings() *postings {
	p := &postings{factor: rand.Uint64() | 1}
	p.resize(10)
	return p
}

// resize makes room for 2^bits slots.
func (p *postings) resize(bits uint) {
	old := p.slots
	p.slots, p.shift = make([]list, 1<<bits), 64-bits
	for _, l := range old {
		if l.n > 0 {
			*p.slot(l.hash) = l
		}
	}
}

// slot returns the list of a term, or the free slot that it belongs into.
func (p *postings) slot(hash uint64) *list {
	mask := uint64(len(p.slots) - 1)
	for i := hash * p.factor >> p.shift; ; i = (i + 1) & mask {
		if l := &p.slots[i]; l.n == 0 || l.hash == hash {
			return l
		}
	}
}

// blockSize returns the room of the block that follows after n postings.
func blockSize(n uint32) uint32 { return min(max(n, 1), maxBlock-1) }

// add appends a posting to the list of a term.
func (p *postings) add(hash uint64, posting uint32) {
	l := p.slot(hash)
	if l.n == 0 {
		if p.used++; 4*p.used > 3*len(p.slots) {
			p.resize(64 - p.shift + 1)
			l = p.slot(hash)
		}
		l.hash = hash
	}
	if l.room == 0 {
		size := blockSize(l.n)
		block := p.allocate(size + 1)
		if l.n == 0 {
			l.head = block
		} else {
			*p.word(l.tail) = block
		}
		l.tail, l.end, l.room = block, block+1, size
	}
	*p.word(l.end) = posting
	l.n++
	l.end++
	l.room--
}

// allocate returns a reference to unused words of one page.
func (p *postings) allocate(words uint32) uint32 {
	if len(p.pages) == 0 || p.free%pageSize+words > pageSize || p.free>>pageBits == uint32(len(p.pages)) {
		p.free = uint32(len(p.pages)) << pageBits
		p.pages = append(p.pages, make([]uint32, pageSize))
	}
	block := p.free
	p.free += words
	return block
}

func (p *postings) word(ref uint32) *uint32 { return &p.pages[ref>>pageBits][ref%pageSize] }

// blocks yields the postings of a term block by block, in the order in which they
// were added.
func (p *postings) blocks(hash uint64) func(yield func([]uint32) bool) {
	return func(yield func([]uint32) bool) {
		l := *p.slot(hash)
		for ref, done := l.head, uint32(0); done < l.n; {
			size := min(blockSize(done), l.n-done)
			page, at := p.pages[ref>>pageBits], ref%pageSize
			if !yield(page[at+1 : at+1+size]) {
				return
			}
			done += size
			ref = page[at]
		}
	}
}

// count returns the number of postings of a term.
func (p *postings) count(hash uint64) int { return int(p.slot(hash).n) }
