package code

import (
	"cmp"
	"context"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
)

// Files are asked for in rounds that grow, and read in batches that are bounded.
const (
	firstRound = 200
	lastRound  = 3200
	batchFiles = 128
	batchBytes = 4 << 20
	// A search that has enough results goes on until it has looked at so many files.
	enoughFiles = 100
)

// content searches the lines of files: those first that define the name or are called so.
func (s *Searcher) content(ctx context.Context, f *found) error {
	q := f.query
	if q.Kind == Reference {
		q.Text = lastName(q.Text)
		if !isName(q.Text) {
			return cairn.Errorf(cairn.ErrInvalid, "references are found by a name: letters, digits and underscores")
		}
		f.query = q
	}
	p, err := q.compile()
	if err != nil {
		return err
	}
	c := contentSearch{Searcher: s, found: f, pattern: p, seen: map[cairn.DocumentID]bool{}}
	if q.Kind != Regex && isFileName(q.Text) {
		h := Hash(q.Text)
		if _, err := c.round(ctx, Filter{Language: q.Language, Defines: h, Called: h}, Candidate{}, firstRound); err != nil {
			return err
		}
	}
	after := Candidate{Place: -1}
	for size := firstRound; ; size = min(2*size, lastRound) {
		last, err := c.round(ctx, Filter{Language: q.Language, Lists: p.plan}, after, size)
		if err != nil || last.Document == "" {
			return err
		}
		if c.enough() {
			f.more = true
			return nil
		}
		after = last
	}
}

// isFileName reports whether a text may be the name of a file or of a symbol.
func isFileName(s string) bool { return !strings.ContainsAny(s, " /\\\"'(){}[]=,;:\t") }

type contentSearch struct {
	*Searcher
	*found
	pattern *pattern
	seen    map[cairn.DocumentID]bool
	looked  int // at files
}

func (c *contentSearch) enough() bool { return len(c.all) >= c.query.Limit && c.looked >= enoughFiles }

// round looks at the next candidates and returns the last of them; the zero Candidate when
// there are no more.
func (c *contentSearch) round(ctx context.Context, f Filter, after Candidate, size int) (last Candidate, err error) {
	candidates, err := c.store.Candidates(ctx, c.query.Viewer, f, after, size)
	if err != nil {
		return Candidate{}, err
	}
	if len(candidates) == size {
		last = candidates[size-1]
	}
	candidates = slices.DeleteFunc(candidates, func(x Candidate) bool { return c.seen[x.Document] })
	for _, x := range candidates {
		c.seen[x.Document] = true
	}
	c.note(candidates)
	if candidates, err = c.narrow(ctx, c.query, candidates); err != nil {
		return Candidate{}, err
	}
	for len(candidates) > 0 {
		n, bytes := 0, 0
		for n < len(candidates) && n < batchFiles && (n == 0 || bytes+candidates[n].Size <= batchBytes) {
			bytes += candidates[n].Size
			n++
		}
		if err := c.look(ctx, candidates[:n]); err != nil {
			return Candidate{}, err
		}
		if candidates = candidates[n:]; len(candidates) > 0 && c.enough() {
			c.more = true
			return last, nil
		}
	}
	return last, nil
}

// hit is a file with lines that match.
type hit struct {
	Text
	lines  []lineMatch
	called bool    // as the query says
	likely float64 // what guess says
}

// look reads files and adds what it finds in them.
func (c *contentSearch) look(ctx context.Context, candidates []Candidate) error {
	files, err := c.store.Files(ctx, c.query.Viewer, idsOf(candidates), true)
	if err != nil {
		return err
	}
	c.looked += len(files)
	hits := make([]hit, len(files))
	left := make([]bool, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range files {
		g.Go(func() error {
			hits[i], left[i] = c.match(gctx, files[i])
			return gctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if slices.Contains(left, true) {
		c.incomplete = true
	}
	hits = slices.DeleteFunc(hits, func(h hit) bool { return len(h.lines) == 0 && !h.called })
	if len(hits) == 0 {
		return nil
	}
	hits = c.likely(hits)
	ids := make([]cairn.DocumentID, len(hits))
	for i, h := range hits {
		ids[i] = h.Document
	}
	defined, err := c.store.Definitions(ctx, c.query.Viewer, ids, Named{})
	if err != nil {
		return err
	}
	for _, h := range hits {
		c.present(h, defined[h.Document])
	}
	return nil
}

// mostRated is how many files of a batch are rated by what they define, where results of a
// file are bounded: definitions cost more to read than texts.
const mostRated = 25

// likely returns the files whose best lines look like the best results.
func (c *contentSearch) likely(hits []hit) []hit {
	most := max(c.query.Limit, mostRated)
	if c.query.PerFile == 0 || len(hits) <= most {
		return hits
	}
	for i := range hits {
		hits[i].likely = guess(hits[i], int(c.places[hits[i].Document]>>kindShift))
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.likely, a.likely), cmp.Compare(c.places[a.Document], c.places[b.Document]), cmp.Compare(a.Document, b.Document))
	})
	c.more = true
	return hits[:most]
}

// maxLines bounds the lines of a file that match, where results of a file are bounded.
const maxLines = 500

func (c *contentSearch) match(ctx context.Context, t Text) (h hit, left bool) {
	h = hit{Text: t, called: c.query.Kind == Literal && calledSo(t.path(), c.query.Text)}
	left = c.pattern.lines(ctx, t.Body, func(m lineMatch) bool {
		h.lines = append(h.lines, m)
		return c.query.PerFile == 0 || len(h.lines) < maxLines
	})
	return h, left
}

// calledSo reports whether a file has a name, with its extension or without.
func calledSo(at, name string) bool {
	base := path.Base(at)
	return strings.EqualFold(base, name) || strings.EqualFold(strings.TrimSuffix(base, path.Ext(base)), name)
}

// present adds the results of a file.
func (c *contentSearch) present(h hit, defined []Definition) {
	if c.query.Kind == Reference {
		h.lines = slices.DeleteFunc(h.lines, func(m lineMatch) bool { return definedOn(defined, m.line, c.query.Text) })
	}
	weight := int(c.places[h.Document] >> kindShift)
	var results []Result
	for _, g := range groups(h.lines) {
		r := passage(h.Text, g)
		r.Symbol, r.SymbolKind, r.Score = rate(h, g, defined, weight)
		results = append(results, r)
	}
	if len(h.lines) == 0 && h.called {
		r := passage(h.Text, []lineMatch{})
		r.Score = scoreOfFileName - penalty(weight)
		results = append(results, r)
	}
	if most := c.query.PerFile; most > 0 && len(results) > most {
		slices.SortStableFunc(results, func(a, b Result) int { return int(b.Score - a.Score) })
		results, c.more = results[:most], true
	}
	c.add(results...)
}

// lastName returns the last part of a name such as Decoder.Decode or fmt::Display.
func lastName(s string) string {
	parts := nameParts(s)
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1]
}

func nameParts(s string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(strings.TrimSpace(s), "->", "."), func(r rune) bool { return r == '.' || r == ':' || r == '#' || r == '/' })
}
