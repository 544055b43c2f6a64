package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

var (
	_ retrieval.Index = (*Index)(nil)
	_ retrieval.Legs  = (*Index)(nil)
)

// Index finds chunks by words and by vectors. What it searches in lies in memory
// (package index), brought up to date from the change feed at the start of each
// search, be it one by Begin or of one leg; rows of postings are read when they are needed and kept in a cache of
// bounded size; exact distances of vectors are computed in the database. It may be
// used by several goroutines at once.
type Index struct {
	db    *DB
	space Space
	words int // of the signs of a code
	cache *rowCache
	// searching bounds the searches at once, each of which needs memory for its
	// postings.
	searching chan struct{}
	upkeep    upkeep
	feedLimit int       // changes that are read one by one
	tables    sync.Pool // of *[]uint8, tables of visible classes

	begun      atomic.Int64 // refreshes, as they begin
	refreshing sync.Mutex   // held while the feed is read
	succeeded  int64        // the last refresh that did, by its number
	at         position
	loaded     bool
	identity   int64              // of the database server that at belongs to
	leftOut    map[int64]struct{} // chunks that could not be indexed
	damaged    map[int32]struct{} // segments that were told of

	state struct {
		sync.RWMutex
		*index.State
	}
}

// defaultCache is how many bytes of postings are kept, unless SetCache says so.
const defaultCache = 64 << 20

// NewIndex returns the index over a vector space. It reads nothing yet: call
// Load, or let the first search do it.
func NewIndex(db *DB, space Space) *Index {
	x := &Index{
		db: db, space: space, words: space.words(), cache: newRowCache(defaultCache),
		searching: make(chan struct{}, max(4, 2*runtime.GOMAXPROCS(0))), upkeep: defaultUpkeep, feedLimit: defaultFeedLimit,
		tables:  sync.Pool{New: func() any { return new([]uint8) }},
		leftOut: make(map[int64]struct{}), damaged: make(map[int32]struct{}),
	}
	x.state.State = index.New(x.words)
	return x
}

// SetCache bounds the cache of postings to so many bytes.
func (x *Index) SetCache(bytes int) { x.cache.setLimit(bytes) }

// DropCache empties the cache of postings.
func (x *Index) DropCache() { x.cache.drop() }

// Load reads the index into memory. Searches before it has ended wait for it.
func (x *Index) Load(ctx context.Context) error { return x.refresh(ctx) }

// Len returns the number of chunks in memory.
func (x *Index) Len() int {
	packed, fresh := x.current().Len()
	return packed + fresh
}

func (x *Index) current() *index.State {
	x.state.RLock()
	defer x.state.RUnlock()
	return x.state.State
}

// maxQueryLanguages bounds the languages in which a question is analysed.
const maxQueryLanguages = 4

// Begin implements retrieval.Index.
func (x *Index) Begin(ctx context.Context) (retrieval.Legs, error) {
	if err := x.refresh(ctx); err != nil {
		return nil, err
	}
	return begun{x}, nil
}

// begun is an index that was up to date when a search began.
type begun struct{ index *Index }

// Lexical implements retrieval.Legs.
func (b begun) Lexical(ctx context.Context, q cairn.Query, limit int) (retrieval.Words, error) {
	return b.index.lexical(ctx, q, limit, nothing)
}

// Nearest implements retrieval.Legs.
func (b begun) Nearest(ctx context.Context, q cairn.Query, vector []float32, limit int) ([]retrieval.Hit, error) {
	return b.index.nearest(ctx, q, vector, limit, nothing)
}

// Count implements retrieval.Legs.
func (b begun) Count(ctx context.Context, chunks []int64) (sources, kinds map[string]int, err error) {
	return b.index.Count(ctx, chunks)
}

func nothing(context.Context) error { return nil }

// Lexical implements retrieval.Legs for a search of this leg alone.
func (x *Index) Lexical(ctx context.Context, q cairn.Query, limit int) (retrieval.Words, error) {
	return x.lexical(ctx, q, limit, x.refresh)
}

// Nearest implements retrieval.Legs for a search of this leg alone.
func (x *Index) Nearest(ctx context.Context, q cairn.Query, vector []float32, limit int) ([]retrieval.Hit, error) {
	return x.nearest(ctx, q, vector, limit, x.refresh)
}

// Count implements retrieval.Legs. It takes all but the names of sources from memory.
func (x *Index) Count(ctx context.Context, chunks []int64) (sources, kinds map[string]int, err error) {
	byID, kinds := x.current().Count(chunks)
	rows, err := x.db.lookup.Query(ctx, `SELECT id, name FROM sources WHERE id = ANY ($1)`, slices.Collect(maps.Keys(byID)))
	if err != nil {
		return nil, nil, fmt.Errorf("count: %w", err)
	}
	sources = make(map[string]int, len(byID))
	var id, name string
	if _, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { sources[name] = byID[id]; return nil }); err != nil {
		return nil, nil, fmt.Errorf("count: %w", err)
	}
	return sources, kinds, nil
}

func (x *Index) lexical(ctx context.Context, q cairn.Query, limit int, first func(context.Context) error) (retrieval.Words, error) {
	var words retrieval.Words
	err := x.run(ctx, q, first, true, func(s *index.Search, rows index.Rows) error {
		hits, stats, err := s.Lexical(rows, limit)
		if err != nil {
			return err
		}
		words = retrieval.Words{Hits: make([]retrieval.Hit, len(hits)), Terms: make([]retrieval.Term, len(s.Terms)), Chunks: stats.Chunks}
		for i, h := range hits {
			words.Hits[i] = retrieval.Hit{Chunk: h.Chunk, Score: h.Score}
		}
		for i, t := range s.Terms {
			words.Terms[i] = retrieval.Term{Text: t.Text, Group: t.Group, Weight: t.Weight, Frequency: stats.Frequencies[i]}
		}
		return nil
	})
	return words, err
}

// nearest compares those vectors of which the codes of what the viewer may read say
// that they are near. Vectors that a slower embedder has not made yet are missing.
func (x *Index) nearest(ctx context.Context, q cairn.Query, vector []float32, limit int, first func(context.Context) error) ([]retrieval.Hit, error) {
	if len(vector) != x.space.Dim {
		return nil, fmt.Errorf("the query vector has %d dimensions, the space %s has %d", len(vector), x.space.Model, x.space.Dim)
	}
	var chunks []int64
	code := x.space.coder.Query(vector)
	err := x.run(ctx, q, first, false, func(s *index.Search, rows index.Rows) (err error) {
		chunks, err = s.Nearest(rows, code, limit)
		return err
	})
	if err != nil || len(chunks) == 0 {
		return nil, err
	}
	return x.compare(ctx, vector, chunks, limit)
}

// compareInHalves is the number of vectors from which they are compared in two halves.
const compareInHalves = 100

// compare returns the chunks with the largest inner products, best first, ties
// by chunk.
func (x *Index) compare(ctx context.Context, vector []float32, chunks []int64, limit int) ([]retrieval.Hit, error) {
	half := pgvector.NewHalfVector(vector)
	hits, err := inHalves(ctx, chunks, compareInHalves, func(ctx context.Context, chunks []int64) ([]retrieval.Hit, error) {
		rows, err := x.db.lookup.Query(ctx, `
			SELECT chunk_id, -(v <#> $1) FROM vectors WHERE space = $2 AND chunk_id = ANY ($3)`, half, x.space.ID, chunks)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[retrieval.Hit])
	})
	if err != nil {
		return nil, fmt.Errorf("nearest vectors: %w", err)
	}
	slices.SortFunc(hits, func(a, b retrieval.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
	})
	return hits[:min(limit, len(hits))], nil
}

// maxAttempts bounds how often a search begins anew because segments were merged away
// while it went on, or because one that was left out as damaged is met again.
const maxAttempts = 20

// run runs fn on a search for q in a state of the index that first brings up to
// date, with the rows that it needs; words says whether it looks for words. A search
// that meets a damaged segment goes on without it.
func (x *Index) run(ctx context.Context, q cairn.Query, first func(context.Context) error, words bool, fn func(s *index.Search, rows index.Rows) error) error {
	damaged := make(map[int32]bool)
	for attempt := 1; ; attempt++ {
		err := first(ctx)
		if first = x.refresh; err == nil {
			err = x.attempt(ctx, q, words, fn)
		}
		var damage *index.Damage
		if errors.As(err, &damage) && !damaged[damage.Segment] {
			damaged[damage.Segment] = true
			attempt-- // there may be any number of them
		}
		switch {
		case err == nil || attempt == maxAttempts:
			return tooSlow(err)
		case damage != nil:
			x.damagedSegment(damage.Segment, damage)
		case !errors.Is(err, errStale):
			return tooSlow(err)
		}
	}
}

func (x *Index) attempt(ctx context.Context, q cairn.Query, words bool, fn func(s *index.Search, rows index.Rows) error) error {
	filter, err := x.filter(ctx, q.Filters)
	if err != nil {
		return err
	}
	select {
	case x.searching <- struct{}{}:
		defer func() { <-x.searching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	buffer := x.tables.Get().(*[]uint8)
	defer x.tables.Put(buffer)
	s, err := x.begin(ctx, q, filter, buffer)
	if err != nil {
		return err
	}
	rows, err := x.fetch(ctx, s, words)
	if err != nil {
		return err
	}
	return fn(s, func(segment int32, key int64) []byte { return rows[index.Key{Segment: segment, Key: key}] })
}

// begin begins a search with the classes that admit the viewer, whose table it
// makes in buffer, and with what is granted to her. Other searches read the feed, too: it begins anew when one of
// them has read of a class after the viewer's were asked for, because chunks may
// be in that class now.
func (x *Index) begin(ctx context.Context, q cairn.Query, filter index.Filter, buffer *[]uint8) (*index.Search, error) {
	for {
		told := x.db.classes.count()
		classes, err := x.db.classes.Visible(ctx, q.Viewer)
		if err != nil {
			return nil, err
		}
		granted, err := x.db.searchable(ctx, q.Viewer)
		if err != nil {
			return nil, err
		}
		*buffer = classes.Table(*buffer)
		s := x.current().Begin(index.Request{Visible: *buffer, Granted: granted, Analyse: func(languages []string) ([]lexical.QueryTerm, index.Filter) {
			languages = languages[:min(maxQueryLanguages, len(languages))]
			return analyse(q, filter, languages)
		}})
		if x.db.classes.count() == told {
			return s, nil
		}
	}
}

// analyse returns the terms of a query, and the filter with what its operators
// demand.
func analyse(q cairn.Query, f index.Filter, languages []string) ([]lexical.QueryTerm, index.Filter) {
	parsed := lexical.Parse(q.Text, q.Literal)
	constraint := parsed.Constraint(languages)
	f.Must = append(f.Must[:len(f.Must):len(f.Must)], constraint.Must...)
	f.Not = append(f.Not[:len(f.Not):len(f.Not)], constraint.Not...)
	return lexical.QueryTerms(parsed.Text, languages), f
}

// filter translates filters to what the index knows of chunks.
func (x *Index) filter(ctx context.Context, f cairn.Filters) (index.Filter, error) {
	out := index.Filter{Kind: string(f.Kind), After: f.UpdatedAfter, Before: f.UpdatedBefore}
	if f.Author != "" {
		out.Must = append(out.Must, []uint64{lexical.AuthorTerm(f.Author)})
	}
	for key, value := range f.Attributes {
		out.Must = append(out.Must, []uint64{lexical.AttributeTerm(key, value)})
	}
	if len(f.Sources) == 0 {
		return out, nil
	}
	rows, err := x.db.lookup.Query(ctx, `SELECT id FROM sources WHERE name = ANY ($1)`, f.Sources)
	if err != nil {
		return index.Filter{}, fmt.Errorf("filter: %w", err)
	}
	if out.Sources, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return index.Filter{}, fmt.Errorf("filter: %w", err)
	}
	if out.Sources == nil {
		out.Sources = []string{}
	}
	return out, nil
}

// damagedSegment has searches by words go on without a segment.
func (x *Index) damagedSegment(segment int32, err error) {
	x.reportDamage(segment, err)
	x.current().Damaged(segment)
}

// reportDamage tells once that a segment is damaged.
func (x *Index) reportDamage(segment int32, err error) {
	x.state.Lock()
	_, told := x.damaged[segment]
	x.damaged[segment] = struct{}{}
	x.state.Unlock()
	if !told {
		x.db.log.Error("a segment of the index is damaged: its chunks are not found by their words until it is rebuilt; run cairn index rebuild",
			"segment", segment, "error", err)
	}
}
