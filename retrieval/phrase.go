package retrieval

import (
	"context"
	"fmt"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

const (
	maxVerified  = 1_000 // chunks whose text is compared with the phrases of one query
	verifyAtOnce = 200
)

// phraseTruncated says that not all candidates were compared with the phrases of a query.
func phraseTruncated(p lexical.Parsed) cairn.Notice {
	checked := "the phrase; others may hold it too"
	if len(p.Phrases) == 0 {
		checked = "the excluded phrase; others may be without it too"
	}
	return cairn.Notice{
		Code:    "phrase_truncated",
		Message: "Only the best 1,000 candidates were checked for " + checked + ". Add a word to narrow the search.",
	}
}

// parse takes the operators out of the text of a query, which is ErrInvalid when
// it says nothing to look for, or has too many of them.
func parse(q cairn.Query) (lexical.Parsed, error) {
	p := lexical.Parse(q.Text, q.Literal)
	if n := p.Operators(); n > lexical.MaxOperators {
		return p, cairn.Errorf(cairn.ErrInvalid, "the query has %d phrases and exclusions; at most %d are allowed", n, lexical.MaxOperators)
	}
	if p.OnlyExcludes() {
		return p, cairn.Errorf(cairn.ErrInvalid, "the query only excludes; add a word to look for, as in: report -draft")
	}
	return p, nil
}

// depth returns how many hits of the legs, by words and by vectors, are asked for
// where limit of each are wanted. Where phrases are verified it
// is one more than are, to tell whether there are more. Vectors beside words add
// little to them: what holds a phrase is found by its words.
func depth(a *asked, limit int) (words, vectors int) {
	words, vectors = limit, limit
	if a.parsed.NeedsText() {
		words = maxVerified + 1
	}
	if a.mode == cairn.ModeDense {
		return 0, words
	}
	return words, vectors
}

// verifier compares candidates with the phrases of a query, in all rounds of a search.
type verifier struct {
	chunks    Chunks
	viewer    cairn.Viewer
	phrases   lexical.Checker
	verdicts  map[int64]bool // by chunk
	truncated bool
}

// verified returns those hits of both legs whose text has every phrase of the
// query and none that it excludes, in their order, at most limit of each. The
// text is what the viewer may read now; what she may not is left out.
func (r *Retriever) verified(ctx context.Context, a *asked, limit int, legs ...*[]Hit) ([]cairn.Notice, error) {
	p := a.parsed
	if !p.NeedsText() {
		return nil, nil
	}
	if a.verifier == nil {
		a.verifier = &verifier{chunks: r.cfg.Chunks, viewer: a.query.Viewer, phrases: p.Checker(), verdicts: make(map[int64]bool)}
	}
	c := a.verifier
	for _, leg := range legs {
		kept, err := c.keep(ctx, *leg, limit)
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		*leg = kept
	}
	if c.truncated {
		return []cairn.Notice{phraseTruncated(p)}, nil
	}
	return nil, nil
}

// keep returns the best limit hits that are right, and reads no more texts than that takes.
func (c *verifier) keep(ctx context.Context, hits []Hit, limit int) ([]Hit, error) {
	var kept []Hit
	for len(hits) > 0 && len(kept) < limit {
		window := hits[:min(verifyAtOnce, len(hits))]
		hits = hits[len(window):]
		if err := c.check(ctx, window); err != nil {
			return nil, err
		}
		for _, h := range window {
			if c.verdicts[h.Chunk] {
				kept = append(kept, h)
			}
		}
	}
	return kept[:min(limit, len(kept))], nil
}

// check finds a verdict for each hit that has none, as long as it may.
func (c *verifier) check(ctx context.Context, window []Hit) error {
	var ids []int64
	for _, h := range window {
		if _, known := c.verdicts[h.Chunk]; known {
			continue
		}
		if len(c.verdicts) == maxVerified {
			c.truncated = true
			break
		}
		c.verdicts[h.Chunk] = false
		ids = append(ids, h.Chunk)
	}
	if len(ids) == 0 {
		return nil
	}
	texts, err := c.chunks.Texts(ctx, c.viewer, ids)
	if err != nil {
		return err
	}
	for _, t := range texts {
		c.verdicts[t.ID] = c.phrases.Admits(append(append([]string{t.Title}, t.Heading...), t.Body)...)
	}
	return nil
}
