package retrieval

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
)

const (
	legDepth = 200   // candidates of each leg at first
	deepen   = 4     // times as many when those are used up
	maxDepth = 3_200 // candidates of each leg at last
	maxRead  = 2_000 // candidates that are read with their chunks
)

// supply hands out the candidates of a search, best first, a window at a time. Those
// of the first round are usually enough; the legs are asked for more only when they
// are used up. What was handed out stays before what comes later, so that pages of one
// search go on from each other however deep each of them reaches.
type supply struct {
	ranking
	retriever *Retriever
	rest      []candidate
	aside     []candidate                // of documents that have enough for now; better than the rest
	documents map[int64]cairn.DocumentID // of the rest and of what is aside, where it was asked for
	known     map[int64]bool             // chunks of all rounds, from the second on
	depth     int
	least     float64 // score of the last candidate so far
	read      int     // candidates
}

// supply begins a search.
func (r *Retriever) supply(ctx context.Context, q cairn.Query) (*supply, error) {
	rk, err := r.rank(ctx, q)
	if err != nil {
		return nil, err
	}
	s := &supply{ranking: rk, retriever: r, rest: rk.candidates, depth: legDepth}
	if n := len(rk.candidates); n > 0 {
		s.least = rk.candidates[n-1].Score
	}
	return s, nil
}

// next returns the next candidates with their chunks, but for those that the viewer
// may not read any more; false when there are none. Candidates of documents of which
// there is enough are put aside: to read a chunk of a long document costs much.
func (s *supply) next(ctx context.Context, enough map[cairn.DocumentID]bool) ([]hydrated, bool, error) {
	s.resume(enough)
	if err := s.skip(ctx, enough); err != nil {
		return nil, false, err
	}
	for len(s.rest) == 0 && s.full && s.depth < maxDepth {
		if err := s.deeper(ctx); err != nil {
			return nil, false, err
		}
		if err := s.skip(ctx, enough); err != nil {
			return nil, false, err
		}
	}
	if len(s.rest) == 0 || s.read >= maxRead {
		return nil, false, nil
	}
	first, size := s.read == 0, hydrateMost
	if first {
		size = hydrateAtOnce
	}
	window := s.rest[:min(size, len(s.rest))]
	s.rest = s.rest[len(window):]
	s.read += len(window)
	found, err := s.retriever.hydrate(ctx, s.query.Viewer, window)
	if err == nil && first {
		s.notices = append(s.notices, s.retriever.refine(ctx, s.ranking, found)...)
	}
	return found, true, err
}

// resume takes up what was put aside of documents of which there is not enough any
// more: it goes on where it stood.
func (s *supply) resume(enough map[cairn.DocumentID]bool) {
	var aside, back []candidate
	for _, c := range s.aside {
		if enough[s.documents[c.Chunk]] {
			aside = append(aside, c)
		} else {
			back = append(back, c)
		}
	}
	if len(back) > 0 {
		s.rest, s.aside = append(back, s.rest...), aside
	}
}

// skip puts those of the rest aside that are of documents of which there is enough.
func (s *supply) skip(ctx context.Context, enough map[cairn.DocumentID]bool) error {
	if len(enough) == 0 || len(s.rest) == 0 {
		return nil
	}
	if _, known := s.documents[s.rest[len(s.rest)-1].Chunk]; !known {
		of, err := s.retriever.cfg.Chunks.Documents(ctx, chunksOf(s.rest))
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		if s.documents == nil {
			s.documents = of
		} else {
			maps.Copy(s.documents, of)
		}
	}
	var rest []candidate
	for _, c := range s.rest {
		if enough[s.documents[c.Chunk]] {
			s.aside = append(s.aside, c)
		} else {
			rest = append(rest, c)
		}
	}
	s.rest = rest
	return nil
}

func chunksOf(candidates []candidate) []int64 {
	chunks := make([]int64, len(candidates))
	for i, c := range candidates {
		chunks[i] = c.Chunk
	}
	return chunks
}

// count adds those candidates to the facets that were found and not handed out. What
// was put aside comes after the first results if there are more of them, else never.
func (s *supply) count(ctx context.Context, facets map[string]map[string]int, more bool) error {
	behind := s.rest
	if more {
		behind = slices.Concat(s.aside, s.rest)
	}
	if len(behind) == 0 {
		return nil
	}
	sources, kinds, err := s.index.Count(ctx, chunksOf(behind))
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	for value, n := range sources {
		add(facets, "source", value, n)
	}
	for value, n := range kinds {
		add(facets, "kind", value, n)
	}
	return nil
}

// deeper asks the legs for more. Scores of what they had not found before are lowered
// until the best is where the others end: it may have been found by both.
func (s *supply) deeper(ctx context.Context) (err error) {
	if s.known == nil {
		s.know(s.candidates)
	}
	s.depth *= deepen
	s.rest, s.full, err = s.retriever.deeper(ctx, &s.ranking, s.depth, s.known)
	if err != nil || len(s.rest) == 0 {
		return err
	}
	by := max(0, s.rest[0].Score-s.least)
	for i := range s.rest {
		s.rest[i].Score -= by
	}
	s.least = s.rest[len(s.rest)-1].Score
	s.know(s.rest)
	return nil
}

func (s *supply) know(candidates []candidate) {
	if s.known == nil {
		s.known = make(map[int64]bool, len(candidates))
	}
	for _, c := range candidates {
		s.known[c.Chunk] = true
	}
}
