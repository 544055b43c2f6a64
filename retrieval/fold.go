package retrieval

import (
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/internal/parallel"
)

// When passages of different documents are shown as one.
const (
	copyLikeness    = 0.9 // equal numbers: a copy, whatever it is called
	versionLikeness = 0.8 // the same title and another date: a version
	leastCopy       = 100 // bytes: what is shorter may stand in several documents by chance
)

// mostNamed is how many documents that say the same are named under a result.
const mostNamed = 10

// folder finds among the results of one search those that say the same, in blocks: in
// a block the newest version stands for the others wherever it was found. A viewer
// is told of copies that they may read alone, as they are all among the results.
type folder struct {
	groups []*group  // of the block
	seen   []*member // results of blocks before
	// versions is whether versions were found in the block: a newer one may be behind.
	versions bool
	// copiesOnly keeps versions apart: an answer must see where they differ.
	copiesOnly bool
}

// group is a result with those that say the same. A version newer than the head
// becomes the head, and the others are compared with it only when the block ends.
type group struct {
	head   *member
	place  candidate // of the best of the group
	under  []*member
	former []*member // heads before, since the group was settled
}

// member is a candidate that is compared with others.
type member struct {
	hydrated
	sketch
}

// add adds candidates, in order, to the block. What repeats a result of a block before
// is left out, but for a newer version.
func (f *folder) add(found []hydrated) {
	drawn := make([]sketch, len(found))
	parallel.Each(len(found), func(i int) { drawn[i] = sketchOf(&found[i].chunk.Passage) })
	for i, h := range found {
		m := &member{h, drawn[i]}
		if !slices.ContainsFunc(f.seen, func(o *member) bool { return f.repeats(o, m) }) {
			f.place(m)
		}
	}
}

// repeats reports whether m says what o says, and is not a newer version of it.
func (f *folder) repeats(o, m *member) bool {
	as := f.related(o.sketch, m.sketch)
	return as == isCopy || as == isVersion && !m.passage.Modified.After(o.passage.Modified)
}

// place adds a passage to the first group whose head says the same, or as its own.
func (f *folder) place(m *member) {
	for _, g := range f.groups {
		as := f.related(g.head.sketch, m.sketch)
		if as == unrelated {
			continue
		}
		if f.versions = f.versions || as == isVersion; as == isVersion && m.passage.Modified.After(g.head.passage.Modified) {
			g.former = append(g.former, g.head)
			g.head = m
		} else {
			g.under = append(g.under, m)
		}
		if byScore(m.candidate, g.place) < 0 {
			g.place = m.candidate
		}
		return
	}
	f.groups = append(f.groups, &group{head: m, place: m.candidate})
}

// settle puts out of the groups what does not say what their last heads say. Each
// looks for a place again, the newest first, so that of those few take a place from others.
func (f *folder) settle() {
	for {
		var out []*member
		for _, g := range f.groups {
			if len(g.former) == 0 {
				continue
			}
			slices.Reverse(g.former)
			g.under, g.former = slices.DeleteFunc(append(g.former, g.under...), func(m *member) bool {
				lost := f.related(g.head.sketch, m.sketch) == unrelated
				if lost {
					out = append(out, m)
				}
				return lost
			}), nil
		}
		if len(out) == 0 {
			return
		}
		slices.SortStableFunc(out, func(a, b *member) int { return b.passage.Modified.Compare(a.passage.Modified) })
		for _, m := range out {
			f.place(m)
		}
	}
}

// close ends the block and returns its results, best first, with those that repeat
// them in their copies. Of two versions the newer stands at the place, and with the
// score, of the better.
func (f *folder) close() []hydrated {
	f.settle()
	out := make([]hydrated, len(f.groups))
	before := f.seen
	for i, g := range f.groups {
		for _, o := range before {
			if f.related(g.head.sketch, o.sketch) == isVersion {
				g.under = append(g.under, o)
			}
		}
		out[i] = g.head.hydrated
		out[i].candidate = g.place
		out[i].copies, out[i].more = f.copies(g)
		f.seen = append(f.seen, g.head)
	}
	f.groups, f.versions = nil, false
	sortHydrated(out) // what a newer version did not take along came last
	return out
}

// copies returns the documents that repeat a result, and how many more there are. One
// that does so twice is one, and the result's own is none.
func (f *folder) copies(g *group) (named []cairn.Copy, more int) {
	known := map[cairn.DocumentID]bool{g.head.passage.Document: true}
	for _, m := range g.under {
		if known[m.passage.Document] {
			continue
		}
		known[m.passage.Document] = true
		if len(named) == mostNamed {
			more++
			continue
		}
		p := m.passage
		named = append(named, cairn.Copy{
			Document: p.Document, Title: p.Title, Source: p.Source, URL: p.URL, Modified: p.Modified,
			Older: f.related(g.head.sketch, m.sketch) == isVersion,
		})
	}
	return named, more
}

// relation is what two passages are to each other.
type relation int

const (
	unrelated relation = iota
	isCopy
	isVersion
)

func (f *folder) related(a, b sketch) relation {
	if a.passage.Document == b.passage.Document || len(a.shingles) == 0 || len(b.shingles) == 0 {
		return unrelated
	}
	sameTitle := a.title == b.title
	shorter, longer := len(a.passage.Text), len(b.passage.Text)
	if shorter > longer {
		shorter, longer = longer, shorter
	}
	if !sameTitle && shorter < leastCopy || 5*shorter < 3*longer { // too little of the longer can be in the shorter
		return unrelated
	}
	dated := !a.passage.Modified.IsZero() && !b.passage.Modified.IsZero() && !a.passage.Modified.Equal(b.passage.Modified)
	copies, versions := a.numbers == b.numbers, sameTitle && dated && !f.copiesOnly
	if !copies && !versions {
		return unrelated
	}
	if sameTitle && dated && a.words == b.words && copies {
		return isCopy
	}
	switch likeness := a.likeness(b); {
	case copies && likeness >= copyLikeness && (!sameTitle || !dated): // of these the newer is a version
		return isCopy
	case versions && likeness >= versionLikeness:
		return isVersion
	}
	return unrelated
}
