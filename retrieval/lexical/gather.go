package lexical

import (
	"cmp"
	"slices"
)

// gathering collects the postings of one part of the hashes. A posting is an
// ordinal << 8 | a frequency.
type gathering struct {
	ids   map[uint64]uint32 // hash → index into terms
	terms []postingList     // in the order in which they were met
	runs  []run
	// Postings as they were met, and by term.
	met, joined []uint32
}

// postingList is a part of an array of postings that belongs to one term.
type postingList struct {
	hash     uint64
	start, n uint32
}

// big reports whether the term has a row of its own.
func (t postingList) big() bool { return t.n > maxSmall }

// run says of which term the next n postings are.
type run struct{ term, n uint32 }

func (g *gathering) reset() {
	if g.ids == nil {
		g.ids = map[uint64]uint32{}
	}
	clear(g.ids)
	g.terms, g.runs, g.met = g.terms[:0], g.runs[:0], g.met[:0]
}

// add says that the last n of the postings met are of a term.
func (g *gathering) add(hash uint64, n uint32) {
	id, ok := g.ids[hash]
	if !ok {
		id = uint32(len(g.terms))
		g.ids[hash] = id
		g.terms = append(g.terms, postingList{hash: hash})
	}
	g.terms[id].n += n
	g.runs = append(g.runs, run{id, n})
}

// addTerms adds the terms of a chunk up to the hash last.
func (g *gathering) addTerms(d *decoder, ord uint32, last uint64) error {
	for len(d.data) > 0 {
		ahead := *d
		t, err := ahead.next()
		if err != nil {
			return err
		}
		if t.Hash > last {
			break
		}
		*d = ahead
		g.met = append(g.met, ord<<8|uint32(t.TF))
		g.add(t.Hash, 1)
	}
	return nil
}

// join returns the terms in ascending order of hash; their postings, in ascending
// order of ordinal, are in g.joined.
func (g *gathering) join() []postingList {
	sorted := slices.Clone(g.terms)
	slices.SortFunc(sorted, func(a, b postingList) int { return cmp.Compare(a.hash, b.hash) })
	start := uint32(0)
	for i := range sorted {
		sorted[i].start = start
		g.terms[g.ids[sorted[i].hash]].start = start
		start += sorted[i].n
	}
	g.joined = slices.Grow(g.joined[:0], len(g.met))[:len(g.met)]
	rest := g.met
	for _, r := range g.runs {
		t := &g.terms[r.term]
		if r.n == 1 {
			g.joined[t.start] = rest[0]
		} else {
			copy(g.joined[t.start:], rest[:r.n])
		}
		t.start += r.n
		rest = rest[r.n:]
	}
	for _, t := range sorted { // chunk ids of several sources may interleave
		if list := g.joined[t.start : t.start+t.n]; !slices.IsSorted(list) {
			slices.Sort(list)
		}
	}
	return sorted
}
