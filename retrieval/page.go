package retrieval

import (
	"maps"

	"github.com/cairnhq/cairn"
)

const (
	perDocument = 3  // results of one document among the first
	mixed       = 10 // results that this holds for
	lookAhead   = 90 // candidates that are read at least where versions are found among them: the newest may be behind
)

// page collects the results of one search that lie between its offset and its limit.
//
// Candidates are folded in blocks that a page fits into, so that among the results
// of a page the newest version stands for the others. Which results there are, and in
// which order, is the same for all pages of one size: a page only cuts out its own.
type page struct {
	query   cairn.Query
	results Results
	shown   []candidate // the results, as they were ranked
	folder  folder
	read    int // candidates of the block
	of      map[cairn.DocumentID]int
	held    []hydrated // what would be too many of its document among the first
	seen    int        // results so far, those before the offset included
}

func newPage(q cairn.Query) *page {
	return &page{query: q, of: make(map[cairn.DocumentID]int), results: Results{Facets: make(map[string]map[string]int)}}
}

// add takes the next candidates, best first.
func (p *page) add(found []hydrated) {
	p.folder.add(found)
	p.read += len(found)
	if p.ready() > max(p.query.Limit, mixed) && (p.read >= lookAhead || !p.folder.versions) {
		p.close()
	}
}

// ready returns how many results the block has.
func (p *page) ready() int {
	n, _ := p.first()
	if p.seen+n >= mixed {
		return len(p.folder.groups) + len(p.held)
	}
	return n
}

// enough returns the documents that have their share of the first results while there
// are fewer than those.
func (p *page) enough() map[cairn.DocumentID]bool {
	n, of := p.first()
	if p.seen+n >= mixed {
		return nil
	}
	documents := make(map[cairn.DocumentID]bool)
	for d, n := range of {
		if n >= perDocument {
			documents[d] = true
		}
	}
	return documents
}

// first returns how many results the block has as long as three of a document are
// enough, and how many there are of each document with those before.
func (p *page) first() (int, map[cairn.DocumentID]int) {
	n, of := 0, maps.Clone(p.of)
	for _, g := range p.folder.groups {
		document := g.head.passage.Document
		if of[document]++; of[document] <= perDocument {
			n++
		}
	}
	return n, of
}

// close ends the block, after whose results others come.
func (p *page) close() {
	for _, f := range p.folder.close() {
		document := f.chunk.Passage.Document
		if p.of[document]++; p.seen < mixed && p.of[document] > perDocument {
			p.held = append(p.held, f)
			continue
		}
		p.place(f)
		if p.seen == mixed {
			for _, h := range p.held {
				p.place(h)
			}
			p.held = nil
		}
	}
	p.read = 0
}

// place makes a candidate the next result.
func (p *page) place(f hydrated) {
	p.seen++
	passage := f.chunk.Passage
	add(p.results.Facets, "source", passage.Source, 1)
	add(p.results.Facets, "kind", string(passage.Kind), 1)
	switch {
	case p.seen <= p.query.Offset:
	case len(p.results.Passages) < max(p.query.Limit, 1):
		passage.Number, passage.Score, passage.AlsoIn, passage.AlsoInMore = len(p.results.Passages)+1, f.Score, f.copies, f.more
		p.results.Passages = append(p.results.Passages, passage)
		p.shown = append(p.shown, f.candidate)
	default:
		p.results.More = true
	}
}

func add(facets map[string]map[string]int, field, value string, n int) {
	if facets[field] == nil {
		facets[field] = make(map[string]int)
	}
	facets[field][value] += n
}
