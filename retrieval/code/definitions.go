package code

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// mostDefining is how many definitions of a name are looked at together, beyond the limit.
const mostDefining = 100

// symbols searches definitions: of the name, or else such whose names hold it.
func (s *Searcher) symbols(ctx context.Context, f *found) error {
	parts := nameParts(f.query.Text)
	if len(parts) == 0 || !isName(parts[len(parts)-1]) {
		return cairn.Errorf(cairn.ErrInvalid, "symbols are found by a name, such as Decode or Decoder.Decode")
	}
	name, scope := parts[len(parts)-1], parts[:len(parts)-1]
	all, err := s.named(ctx, f, name, scope)
	if err == nil && len(all) == 0 && len(name) >= 3 {
		all, err = s.holding(ctx, f, name)
	}
	if err != nil {
		return err
	}
	return s.presentSymbols(ctx, f, all, name, scope)
}

// named returns definitions of a name: in what stands before it, or else anywhere; as the
// name is written, and in any case where these are few.
func (s *Searcher) named(ctx context.Context, f *found, name string, scope []string) ([]Defined, error) {
	n := Name{Hash: Hash(name), Language: f.query.Language}
	if len(scope) > 0 {
		n.Around = []int32{brief(scope[len(scope)-1])}
	}
	exact := n
	exact.Around = append(slices.Clone(n.Around), spelled(name))
	all, err := s.defined(ctx, f, exact)
	if err == nil && len(all) < f.query.Limit {
		var others []Defined
		others, err = s.defined(ctx, f, n)
		all = append(all, slices.DeleteFunc(others, func(d Defined) bool { return slices.Contains(all, d) })...)
	}
	if err == nil && len(all) == 0 && len(scope) > 0 {
		return s.named(ctx, f, name, nil)
	}
	return all, err
}

// defined returns the first definitions where the query looks, enough for it.
func (s *Searcher) defined(ctx context.Context, f *found, n Name) ([]Defined, error) {
	var all []Defined
	for after, most := (Defined{Rank: -1}), f.query.Limit+mostDefining; ; {
		some, err := s.store.Defined(ctx, f.query.Viewer, n, after, most)
		if err != nil {
			return nil, err
		}
		for _, d := range some {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if f.query.admits(d.At) {
				all = append(all, d)
			}
		}
		if len(some) < most {
			return all, nil
		}
		if len(all) >= f.query.Limit {
			f.more = true
			return all, nil
		}
		after, most = some[len(some)-1], min(2*most, lastRound)
	}
}

// holding returns definitions whose names hold a text, of the first files that have any.
func (s *Searcher) holding(ctx context.Context, f *found, text string) ([]Defined, error) {
	filter := Filter{Language: f.query.Language, Lists: planOf(&syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune(text)})}
	for after, size := (Candidate{Place: -1}), firstRound; ; size = min(2*size, lastRound) {
		candidates, err := s.store.Candidates(ctx, f.query.Viewer, filter, after, size)
		if err != nil {
			return nil, err
		}
		last := len(candidates) < size
		if !last {
			after = candidates[size-1]
		}
		if candidates, err = s.narrow(ctx, f.query, candidates); err != nil {
			return nil, err
		}
		held, err := s.store.Defined(ctx, f.query.Viewer, Name{Holding: strings.ToLower(text), In: idsOf(candidates)}, Defined{Rank: -1}, lastRound)
		if err != nil || last || len(held) > 0 {
			f.more = f.more || !last || len(held) == lastRound
			return held, err
		}
	}
}

// presentSymbols adds the best definitions with their lines.
func (s *Searcher) presentSymbols(ctx context.Context, f *found, all []Defined, name string, scope []string) error {
	score := func(d Defined) float64 {
		return rateName(d.Definition, name) + 1000 - scoreOfRank(d.Rank) + rateScope(d.Definition, d.At.Path, scope)
	}
	slices.SortStableFunc(all, func(a, b Defined) int {
		return cmp.Or(cmp.Compare(score(b), score(a)), cmp.Compare(a.At.Repo, b.At.Repo), cmp.Compare(a.At.Path, b.At.Path), cmp.Compare(a.Line, b.Line))
	})
	if len(all) > f.query.Limit {
		all, f.more = all[:f.query.Limit], true
	}
	var ids []cairn.DocumentID
	for _, d := range all {
		ids = append(ids, d.Document)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil
	}
	files, err := s.store.Files(ctx, f.query.Viewer, ids, true)
	if err != nil {
		return err
	}
	texts := make(map[cairn.DocumentID]Text, len(files))
	for _, t := range files {
		texts[t.Document] = t
	}
	for _, d := range all {
		if r, there := definitionIn(texts[d.Document], d.Definition, score(d)); there {
			f.add(r)
		}
	}
	return nil
}

func rateName(d Definition, name string) float64 {
	switch {
	case d.Name == name:
		return scoreOfDefinition
	case strings.EqualFold(d.Name, name):
		return scoreOfDefinition - 1500
	case strings.HasPrefix(strings.ToLower(d.Name), strings.ToLower(name)):
		return scoreInDefinition + scoreOfPartOfWord
	}
	return scoreInDefinition
}

// rateScope rates how much of what stands before a name fits: the type it belongs to, or
// the folder or file that it lies in.
func rateScope(d Definition, at string, scope []string) float64 {
	around := append(strings.FieldsFunc(strings.ToLower(strings.TrimSuffix(at, path.Ext(at))), func(r rune) bool { return r == '/' || r == '.' }), nameParts(strings.ToLower(d.Scope))...)
	score := 0.0
	for i, s := range scope {
		weight := float64(1000 * (i + 1)) // the last says most
		s = strings.ToLower(s)
		switch {
		case strings.EqualFold(d.Scope, s) && i == len(scope)-1:
			score += 3 * weight
		case len(around) > 0 && slices.Contains(around[max(0, len(around)-3):], s):
			score += 2 * weight
		case slices.Contains(around, s):
			score += weight
		}
	}
	return score
}

// definitionIn returns a definition as a result; false when it does not stand there any more.
func definitionIn(t Text, d Definition, score float64) (Result, bool) {
	m, there := lineAt(t.Body, d.Line)
	if there {
		m.from = bytes.Index(t.Body[m.start:m.end], []byte(d.Name))
	}
	if !there || m.from < 0 {
		return Result{}, false
	}
	m.to = m.from + len(d.Name)
	r := passage(t, []lineMatch{m})
	r.Symbol, r.SymbolKind, r.Score = d.FullName(), d.Kind, score
	return r, true
}

// lineAt returns the bytes of a line.
func lineAt(body []byte, line int) (lineMatch, bool) {
	at := 0
	for n := 1; ; n++ {
		end := len(body)
		if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i
		}
		if n == line {
			return lineMatch{line: line, start: at, end: end}, true
		}
		if at = end + 1; at >= len(body) {
			return lineMatch{}, false
		}
	}
}
