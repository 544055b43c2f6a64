package retrieval

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/cairnhq/cairn"
)

const (
	promptChunks  = 20    // that passages are made of
	wholeSection  = 3_000 // bytes: sections up to this size are taken whole
	wholeBody     = 5_000 // bytes: of the best documents, bodies up to this size are taken whole
	bestDocuments = 3
	mergeGap      = 200 // bytes between two ranges that become one passage
)

// Passages returns what a question is answered from: the best chunks, widened
// to their sections, or for the best documents to short whole bodies, while the
// budget of bytes lasts, with neighbours merged; best first, numbered from 1.
// Scores are from 0 to 1, that of the best.
func (r *Retriever) Passages(ctx context.Context, q cairn.Query, budget int) ([]cairn.Passage, error) {
	q.Literal = true
	s, err := r.supply(ctx, q)
	if err != nil {
		return nil, err
	}
	folder := folder{copiesOnly: true}
	for len(folder.groups) < promptChunks {
		found, ok, err := s.next(ctx, nil)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		folder.add(found)
	}
	found := folder.close()
	stretch(found, s.ranking)
	spans := gather(found[:min(promptChunks, len(found))], budget)
	ranges := make([]Range, len(spans))
	for i, s := range spans {
		ranges[i] = Range{s.passage.Document, s.passage.Version, s.start, s.end, s.first, s.last}
	}
	texts, err := r.cfg.Chunks.Bodies(ctx, q.Viewer, ranges)
	if err != nil {
		return nil, fmt.Errorf("passages: %w", err)
	}
	passages := make([]cairn.Passage, 0, len(spans))
	for i, s := range spans {
		if texts[i].Text == nil {
			continue // changed or withdrawn since it was found
		}
		p := s.passage
		p.Number, p.Start, p.End, p.Text = len(passages)+1, s.start, s.end, string(texts[i].Text)
		p.Places = s.places(texts[i].Sections)
		passages = append(passages, p)
	}
	return passages, nil
}

// stretch maps scores to 0..1 between the last candidate of the ranking and the
// best: who writes the answer compares passages with each other.
func stretch(found []hydrated, rk ranking) {
	if len(found) == 0 {
		return
	}
	best, worst := found[0].Score, rk.candidates[len(rk.candidates)-1].Score
	for i := range found {
		if best > worst {
			found[i].Score = max(0, (found[i].Score-worst)/(best-worst))
		} else {
			found[i].Score = 1
		}
	}
}

// span is a range of a document that becomes a passage.
type span struct {
	passage     cairn.Passage // of the best chunk in it
	start, end  int
	first, last int    // ordinals of the chunks that it is of
	rank        int    // of the best chunk in it
	url         string // of the document
}

// places returns those of the sections that the span touches.
func (s span) places(sections []cairn.Section) []cairn.Place {
	var out []cairn.Place
	for _, section := range sections {
		if section.Start < s.end && s.start < section.End {
			out = append(out, cairn.Place{Start: section.Start, Heading: section.Heading, URL: section.Link(s.url)})
		}
	}
	return out
}

// gather chooses ranges for the chunks, in order of rank, within the budget.
func gather(found []hydrated, budget int) []span {
	byDocument := make(map[cairn.DocumentID][]span)
	var order []cairn.DocumentID
	spent := 0
	for rank, f := range found {
		p := f.chunk.Passage
		p.Score = f.Score
		spans, known := byDocument[p.Document]
		if covers(spans, p.Start, p.End) {
			continue
		}
		alone := span{passage: p, start: p.Start, end: p.End, first: f.chunk.Ordinal, last: f.chunk.Ordinal, rank: rank, url: f.chunk.URL}
		best := len(order) < bestDocuments || known && len(order) == bestDocuments
		s := widen(alone, f.chunk, best)
		merged := insert(spans, s)
		if spent+size(merged)-size(spans) > budget { // no room to widen: the chunk alone, if that fits
			merged = insert(spans, alone)
		}
		if spent+size(merged)-size(spans) > budget {
			continue
		}
		if !known {
			order = append(order, p.Document)
		}
		spent += size(merged) - size(spans)
		byDocument[p.Document] = merged
	}
	var out []span
	for _, d := range order {
		out = append(out, byDocument[d]...)
	}
	slices.SortStableFunc(out, func(a, b span) int { return cmp.Compare(a.rank, b.rank) })
	return out
}

// widen makes of the span of a chunk that of its sections, or of the whole body.
func widen(s span, c Chunk, best bool) span {
	if best && c.BodySize <= wholeBody {
		s.start, s.end, s.first, s.last = 0, c.BodySize, 0, math.MaxInt
		return s
	}
	for _, section := range c.Sections {
		overlaps := section.Start < c.Passage.End && c.Passage.Start < section.End
		if overlaps && section.End-section.Start <= wholeSection {
			s.start, s.end = min(s.start, section.Start), max(s.end, section.End)
		}
	}
	return s
}

func covers(spans []span, start, end int) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.start <= start && end <= s.end })
}

func size(spans []span) int {
	total := 0
	for _, s := range spans {
		total += s.end - s.start
	}
	return total
}

// insert adds a span and merges those that touch; the better ranked one names
// what comes out.
func insert(spans []span, s span) []span {
	spans = append(slices.Clone(spans), s)
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	out := spans[:1]
	for _, next := range spans[1:] {
		last := &out[len(out)-1]
		if next.start > last.end+mergeGap {
			out = append(out, next)
			continue
		}
		last.end = max(last.end, next.end)
		last.first, last.last = min(last.first, next.first), max(last.last, next.last)
		if next.rank < last.rank {
			last.passage, last.rank = next.passage, next.rank
		}
	}
	return out
}
