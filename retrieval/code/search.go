package code

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cairnhq/cairn"
)

// Searcher searches code. It may be used by several goroutines at once.
type Searcher struct {
	store  Store
	budget time.Duration
	turns  *semaphore.Weighted // bounds what is read at once
	kept   *keptTexts
}

// budget is how long a search may look for more.
const budget = 3 * time.Second

// New returns a searcher over a store.
func New(store Store) *Searcher { return NewWithin(store, budget) }

// NewWithin returns a searcher whose searches end after some time.
func NewWithin(store Store, budget time.Duration) *Searcher {
	return &Searcher{store: store, budget: budget, turns: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)) + 2), kept: newKeptTexts()}
}

// Search returns the best of what a query finds among the files that its viewer may read.
// What cannot be searched for is ErrInvalid. When the time is over, it returns what it has
// and says so.
func (s *Searcher) Search(ctx context.Context, q Query) (Results, error) {
	if err := q.check(); err != nil {
		return Results{}, err
	}
	if q.Language = language(q.Language); q.Kind == "" {
		q.Kind = Literal
	}
	if err := s.turns.Acquire(ctx, 1); err != nil {
		return Results{}, fmt.Errorf("search code: %w", err)
	}
	defer s.turns.Release(1)
	limited, cancel := context.WithTimeout(ctx, s.budget)
	defer cancel()
	found := &found{query: q}
	var err error
	if q.Kind == Symbol {
		err = s.symbols(limited, found)
	} else {
		err = s.content(limited, found)
	}
	if limited.Err() != nil && ctx.Err() == nil {
		found.incomplete, err = true, nil
	}
	if err != nil {
		return Results{}, fmt.Errorf("search code: %w", err)
	}
	res := found.results()
	if err := s.enclose(ctx, q.Viewer, res.Results); err != nil {
		return Results{}, fmt.Errorf("search code: %w", err)
	}
	return res, nil
}

// found collects results.
type found struct {
	query      Query
	all        []Result
	places     map[cairn.DocumentID]int64
	more       bool
	incomplete bool
}

func (f *found) add(results ...Result) {
	f.all = append(f.all, results...)
	if limit := f.query.Limit; len(f.all) > 4*limit+1000 {
		f.order()
		f.all, f.more = slices.Clip(f.all[:limit]), true
	}
}

// order puts the best first. Results that are equally good are in an order that hangs
// on nothing but themselves.
func (f *found) order() {
	slices.SortStableFunc(f.all, func(a, b Result) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.Symbol, b.Symbol))
	})
}

func (f *found) results() Results {
	f.order()
	if len(f.all) > f.query.Limit {
		f.all, f.more = f.all[:f.query.Limit], true
	}
	return Results{Results: f.all, More: f.more || f.incomplete, Incomplete: f.incomplete}
}

// note remembers the places of candidates.
func (f *found) note(candidates []Candidate) {
	if f.places == nil {
		f.places = make(map[cairn.DocumentID]int64, len(candidates))
	}
	for _, c := range candidates {
		f.places[c.Document] = c.Place
	}
}

// narrow leaves out the files that lie elsewhere than the query says.
func (s *Searcher) narrow(ctx context.Context, q Query, candidates []Candidate) ([]Candidate, error) {
	if !q.narrowed() || len(candidates) == 0 {
		return candidates, nil
	}
	files, err := s.store.Files(ctx, q.Viewer, idsOf(candidates), false)
	if err != nil {
		return nil, err
	}
	in := make(map[cairn.DocumentID]bool, len(files))
	for _, f := range files {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		in[f.Document] = q.admits(f.place())
	}
	return slices.DeleteFunc(candidates, func(c Candidate) bool { return !in[c.Document] }), nil
}

func idsOf(candidates []Candidate) []cairn.DocumentID {
	ids := make([]cairn.DocumentID, len(candidates))
	for i, c := range candidates {
		ids[i] = c.Document
	}
	return ids
}
