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
	if q.Kind == Literal && isFileName(q.Text) {
		if err := c.likeliest(ctx); err != nil {
			return err
		}
		if c.enough() {
			f.more = true
			return nil
		}
	}
	c.sifting = true
	after := Candidate{Place: -1}
	for size := firstRound; ; size = min(2*size, lastRound) {
		candidates, err := s.store.Candidates(ctx, q.Viewer, Filter{Language: q.Language, Lists: p.plan}, after, size)
		if err != nil {
			return err
		}
		if err := c.round(ctx, candidates); err != nil || len(candidates) < size {
			return err
		}
		if c.enough() {
			f.more = true
			return nil
		}
		after = candidates[size-1]
	}
}

// likeliest looks at files that define what the query says, and at those called so.
func (c *contentSearch) likeliest(ctx context.Context) error {
	h := Hash(c.query.Text)
	defined, err := c.store.Defined(ctx, c.query.Viewer, Name{Hash: h, Language: c.query.Language}, Defined{Rank: -1}, enoughFiles)
	if err != nil {
		return err
	}
	candidates, err := c.store.Candidates(ctx, c.query.Viewer, Filter{Language: c.query.Language, Called: h}, Candidate{Place: -1}, enoughFiles)
	if err != nil {
		return err
	}
	all := make([]Candidate, len(defined), len(defined)+len(candidates))
	for i, d := range defined {
		all[i] = d.Candidate
	}
	return c.round(ctx, append(all, candidates...))
}

// isFileName reports whether a text may be the name of a file or of a symbol.
func isFileName(s string) bool { return !strings.ContainsAny(s, " /\\\"'(){}[]=,;:\t") }

type contentSearch struct {
	*Searcher
	*found
	pattern *pattern
	seen    map[cairn.DocumentID]bool
	looked  int  // at files
	sifting bool // files in which nothing matches are no results
}

func (c *contentSearch) enough() bool { return len(c.all) >= c.query.Limit && c.looked >= enoughFiles }

// round looks at candidates, each once, until there are enough results.
func (c *contentSearch) round(ctx context.Context, candidates []Candidate) error {
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(x Candidate) bool {
		seen := c.seen[x.Document]
		c.seen[x.Document] = true
		return seen
	})
	c.note(candidates)
	candidates, err := c.narrow(ctx, c.query, candidates)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for next := c.read(ctx, &candidates); next != nil; {
		b := <-next
		next = nil
		if c.looked >= enoughFiles { // for too few results: there may be far to go
			next = c.read(ctx, &candidates)
		}
		c.looked, c.more = c.looked+b.passed, c.more || b.more
		if b.err == nil {
			b.err = c.look(ctx, b.files)
		}
		if b.err != nil {
			return b.err
		}
		if c.enough() {
			c.more = c.more || next != nil || len(candidates) > 0
			return nil
		}
		if next == nil {
			next = c.read(ctx, &candidates)
		}
	}
	return nil
}

// batch are files that were read together.
type batch struct {
	files  []Text
	passed int  // files that need not be read
	more   bool // some of them match
	err    error
}

// read begins to read the first of the candidates, and takes them away; nil when there are
// none. What is kept of them tells which need not be read.
func (c *contentSearch) read(ctx context.Context, candidates *[]Candidate) <-chan batch {
	all := *candidates
	if len(all) == 0 {
		return nil
	}
	n, bytes := 0, 0
	for n < len(all) && n < batchFiles && (n == 0 || bytes+all[n].Size <= batchBytes) {
		bytes += all[n].Size
		n++
	}
	*candidates = all[n:]
	done := make(chan batch, 1)
	left, sifted := all[:n], c.sifting
	go func() {
		var b batch
		if sifted {
			left, b.more = c.sift(ctx, left)
			b.passed = n - len(left)
		}
		if len(left) > 0 {
			b.files, b.err = c.store.Files(ctx, c.query.Viewer, idsOf(left), true)
		}
		for _, t := range b.files {
			c.kept.put(keptKey{t.Document, t.Version}, t.Body)
		}
		done <- b
	}()
	return done
}

// sift leaves out candidates in whose kept texts nothing matches and, where many match,
// those that do not look like the best. more says that it left out such.
func (c *contentSearch) sift(ctx context.Context, candidates []Candidate) (left []Candidate, more bool) {
	hits := make([]hit, len(candidates))
	unknown := make([]bool, len(candidates))
	inParallel(len(candidates), func(i int) {
		x := candidates[i]
		text, kept := c.kept.get(keptKey{x.Document, x.Version})
		if unknown[i] = !kept; kept {
			hits[i], unknown[i] = c.match(ctx, Text{Document: x.Document, Body: text})
		}
	})
	byDocument := make(map[cairn.DocumentID]Candidate, len(candidates))
	var matched []hit
	for i, x := range candidates {
		switch {
		case unknown[i]:
			left = append(left, x)
		case len(hits[i].lines) > 0:
			matched = append(matched, hits[i])
			byDocument[x.Document] = x
		}
	}
	best, more := c.likely(matched)
	for _, h := range best {
		left = append(left, byDocument[h.Document])
	}
	return left, more
}

// inParallel calls do with the numbers below n, several at once.
func inParallel(n int, do func(i int)) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = g.Wait() // none fails
}

// hit is a file with lines that match.
type hit struct {
	Text
	lines  []lineMatch
	called bool    // as the query says
	likely float64 // what guess says
}

// look adds what it finds in files.
func (c *contentSearch) look(ctx context.Context, files []Text) error {
	c.looked += len(files)
	hits := make([]hit, len(files))
	left := make([]bool, len(files))
	inParallel(len(files), func(i int) { hits[i], left[i] = c.match(ctx, files[i]) })
	if err := ctx.Err(); err != nil {
		return err
	}
	if slices.Contains(left, true) {
		c.incomplete = true
	}
	hits = slices.DeleteFunc(hits, func(h hit) bool { return len(h.lines) == 0 && (c.sifting || !h.called) })
	if len(hits) == 0 {
		return nil
	}
	hits, more := c.likely(hits)
	c.more = c.more || more
	on := make([]Lines, len(hits))
	for i, h := range hits {
		on[i].Document = h.Document
		for _, m := range h.lines {
			on[i].Lines = append(on[i].Lines, m.line)
		}
	}
	defined, err := c.store.Definitions(ctx, c.query.Viewer, on, false)
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

// likely returns the files whose best lines look like the best results; more says that
// there are others.
func (c *contentSearch) likely(hits []hit) (best []hit, more bool) {
	most := max(c.query.Limit, mostRated)
	if c.query.PerFile == 0 || len(hits) <= most {
		return hits, false
	}
	for i := range hits {
		hits[i].likely = guess(hits[i], c.query.Kind, int(c.places[hits[i].Document]>>kindShift))
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.likely, a.likely), cmp.Compare(c.places[a.Document], c.places[b.Document]), cmp.Compare(a.Document, b.Document))
	})
	return hits[:most], true
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
		var d Definition
		r.Score, r.best, d = rate(h, g, defined, weight)
		r.Symbol, r.SymbolKind = d.FullName(), d.Kind
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

// enclose adds the symbols that results stand in.
func (s *Searcher) enclose(ctx context.Context, v cairn.Viewer, results []Result) error {
	var on []Lines
	for _, r := range results {
		if r.Symbol == "" && r.best > 0 {
			on = append(on, Lines{r.Document, []int{r.best}})
		}
	}
	if len(on) == 0 {
		return nil
	}
	around, err := s.store.Definitions(ctx, v, on, true)
	if err != nil {
		return err
	}
	for i := range results {
		r := &results[i]
		if r.Symbol != "" {
			continue
		}
		for _, d := range around[r.Document] {
			if d.Line <= r.best && r.best <= d.Last {
				r.Symbol, r.SymbolKind = d.FullName(), d.Kind // the last is the innermost
			}
		}
	}
	return nil
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
