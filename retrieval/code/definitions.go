package code

import (
	"context"
	"path"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// defined is a definition with the file that it stands in.
type defined struct {
	Definition
	document cairn.DocumentID
	score    float64
}

// mostDefining is how many files that define a name are looked at.
const mostDefining = 400

// symbols searches definitions: of the name, or else such whose names hold it.
func (s *Searcher) symbols(ctx context.Context, f *found) error {
	parts := nameParts(f.query.Text)
	if len(parts) == 0 || !isName(parts[len(parts)-1]) {
		return cairn.Errorf(cairn.ErrInvalid, "symbols are found by a name, such as Decode or Decoder.Decode")
	}
	name := parts[len(parts)-1]
	all, err := s.define(ctx, f, Filter{Language: f.query.Language, Defines: Hash(name)}, Named{Hash: Hash(name)}, mostDefining)
	if err != nil {
		return err
	}
	if len(all) == 0 && len(name) >= 3 {
		plan := planOf(&syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune(name)})
		held, err := s.define(ctx, f, Filter{Language: f.query.Language, Lists: plan}, Named{Contains: strings.ToLower(name)}, firstRound)
		if err != nil {
			return err
		}
		all = held
	}
	return s.presentSymbols(ctx, f, all, name, parts[:len(parts)-1])
}

// define returns definitions in files that a filter admits.
func (s *Searcher) define(ctx context.Context, f *found, filter Filter, named Named, most int) ([]defined, error) {
	candidates, err := s.store.Candidates(ctx, f.query.Viewer, filter, Candidate{Place: -1}, most)
	if err != nil {
		return nil, err
	}
	if len(candidates) == most {
		f.more = true
	}
	f.note(candidates)
	if candidates, err = s.narrow(ctx, f.query, candidates); err != nil || len(candidates) == 0 {
		return nil, err
	}
	byDocument, err := s.store.Definitions(ctx, f.query.Viewer, idsOf(candidates), named)
	if err != nil {
		return nil, err
	}
	var out []defined
	for _, c := range candidates {
		for _, d := range byDocument[c.Document] {
			out = append(out, defined{Definition: d, document: c.Document})
		}
	}
	return out, nil
}

// presentSymbols adds the best definitions with their lines.
func (s *Searcher) presentSymbols(ctx context.Context, f *found, all []defined, name string, scope []string) error {
	for i := range all {
		d := &all[i]
		d.score = rateName(d.Definition, name) + kindScore(d.Kind) - penalty(int(f.places[d.document]>>kindShift))
	}
	slices.SortStableFunc(all, func(a, b defined) int { return int(b.score - a.score) })
	if most := f.query.Limit + 100; len(all) > most && len(scope) == 0 {
		all, f.more = all[:most], true
	}
	paths, err := s.texts(ctx, f.query.Viewer, all, false)
	if err != nil {
		return err
	}
	for i := range all {
		d := &all[i]
		d.score += rateScope(d.Definition, paths[d.document].path(), scope)
	}
	all = slices.DeleteFunc(all, func(d defined) bool { _, there := paths[d.document]; return !there })
	slices.SortStableFunc(all, func(a, b defined) int {
		if a.score != b.score {
			return int(b.score - a.score)
		}
		return strings.Compare(paths[a.document].path(), paths[b.document].path())
	})
	if len(all) > f.query.Limit {
		all, f.more = all[:f.query.Limit], true
	}
	bodies, err := s.texts(ctx, f.query.Viewer, all, true)
	if err != nil {
		return err
	}
	for _, d := range all {
		if t, there := bodies[d.document]; there {
			f.add(definitionIn(t, d))
		}
	}
	return nil
}

// texts returns the files of definitions.
func (s *Searcher) texts(ctx context.Context, v cairn.Viewer, all []defined, bodies bool) (map[cairn.DocumentID]Text, error) {
	var ids []cairn.DocumentID
	for _, d := range all {
		ids = append(ids, d.document)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil, nil
	}
	files, err := s.store.Files(ctx, v, ids, bodies)
	out := make(map[cairn.DocumentID]Text, len(files))
	for _, t := range files {
		out[t.Document] = t
	}
	return out, err
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

// definitionIn returns a definition as a result.
func definitionIn(t Text, d defined) Result {
	m, there := lineAt(t.Body, d.Line)
	var r Result
	if there {
		if i := strings.Index(string(t.Body[m.start:m.end]), d.Name); i >= 0 {
			m.from, m.to = i, i+len(d.Name)
		}
		r = passage(t, []lineMatch{m})
	} else { // it was changed just now
		r = passage(t, nil)
	}
	r.Symbol, r.SymbolKind, r.Score = d.FullName(), d.Kind, d.score
	return r
}

// lineAt returns the bytes of a line.
func lineAt(body []byte, line int) (lineMatch, bool) {
	at := 0
	for n := 1; ; n++ {
		end := len(body)
		if i := slices.Index(body[at:], '\n'); i >= 0 {
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
