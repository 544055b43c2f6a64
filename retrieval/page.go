package retrieval

import "github.com/cairnhq/cairn"

// page collects the results of one search that lie between its offset and its limit.
type page struct {
	query   cairn.Query
	ranking ranking
	results Results
	folder  folder
	shown   map[cairn.DocumentID]int
	seen    int // results so far, those before the offset included
}

func newPage(q cairn.Query, rk ranking) *page {
	return &page{
		query: q, ranking: rk, shown: make(map[cairn.DocumentID]int),
		results: Results{Mode: rk.mode, Facets: make(map[string]map[string]int), Notices: rk.notices},
	}
}

// add takes the next candidates, best first. Facets are counted over the first of them.
func (p *page) add(found []hydrated, first bool) {
	for _, f := range p.folder.fold(found) {
		passage := f.chunk.Passage
		if p.shown[passage.Document]++; p.shown[passage.Document] > perDocument {
			continue
		}
		if first {
			count(p.results.Facets, "source", passage.Source)
			count(p.results.Facets, "kind", string(passage.Kind))
		}
		p.seen++
		switch {
		case p.seen <= p.query.Offset:
		case len(p.results.Passages) < max(p.query.Limit, 1):
			p.show(f)
		default:
			p.results.More = true
		}
	}
}

func (p *page) show(f hydrated) {
	passage := f.chunk.Passage
	passage.Number, passage.Score, passage.AlsoIn = len(p.results.Passages)+1, f.Score, f.copies
	p.results.Passages = append(p.results.Passages, passage)
	if p.query.Explain {
		p.results.Explain = append(p.results.Explain, p.ranking.explain(f.candidate))
	}
}

func count(facets map[string]map[string]int, field, value string) {
	if facets[field] == nil {
		facets[field] = make(map[string]int)
	}
	facets[field][value]++
}
