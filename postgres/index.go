package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

var _ retrieval.Index = (*Index)(nil)

// Index finds chunks by words and by vectors. The words are an inverted index
// in memory, brought up to date from the change feed at the start of each
// search; the vectors are compared in the database. It may be used by several
// goroutines at once.
type Index struct {
	db    *DB
	space Space

	refreshing sync.Mutex // held while the feed is read
	at         position
	loaded     bool
	leftOut    map[int64]struct{} // chunks that could not be indexed

	state sync.RWMutex // held for writing while what was read is applied
	fresh *lexical.Fresh
}

// NewIndex returns the index over the active vector space. It reads nothing
// yet: call Load, or let the first search do it.
func NewIndex(db *DB, space Space) *Index {
	return &Index{db: db, space: space, leftOut: make(map[int64]struct{}), fresh: lexical.NewFresh()}
}

// Load reads the index into memory. Searches before it has ended wait for it.
func (x *Index) Load(ctx context.Context) error { return x.refresh(ctx) }

// Len returns the number of chunks in memory.
func (x *Index) Len() int {
	x.state.RLock()
	defer x.state.RUnlock()
	return x.fresh.Len()
}

// Lexical implements retrieval.Index.
func (x *Index) Lexical(ctx context.Context, q cairn.Query, limit int) (retrieval.Words, error) {
	visible, err := x.prepare(ctx, q.Viewer)
	if err != nil {
		return retrieval.Words{}, err
	}
	keep, err := x.filter(ctx, q.Viewer, q.Filters)
	if err != nil {
		return retrieval.Words{}, err
	}
	x.state.RLock()
	defer x.state.RUnlock()
	terms := lexical.QueryTerms(q.Text, x.fresh.VisibleLanguages(visible, maxQueryLanguages))
	match := x.fresh.Match(terms, visible)
	stats := match.Stats()
	found := match.Top(stats, match.Bitmap(keep), limit)
	words := retrieval.Words{Hits: make([]retrieval.Hit, len(found)), Terms: make([]retrieval.Term, len(terms)), Chunks: stats.Chunks}
	for i, h := range found {
		words.Hits[i] = retrieval.Hit{Chunk: h.Chunk, Score: h.Score}
	}
	for i, t := range terms {
		words.Terms[i] = retrieval.Term{Text: t.Text, Group: t.Group, Weight: t.Weight, Frequency: stats.Frequencies[i]}
	}
	return words, nil
}

// maxQueryLanguages bounds the languages in which a question is analysed.
const maxQueryLanguages = 4

// Nearest implements retrieval.Index: an exact scan over the chunks that the
// viewer may read. Vectors that a slower embedder has not made yet are missing.
func (x *Index) Nearest(ctx context.Context, q cairn.Query, vector []float32, limit int) ([]retrieval.Hit, error) {
	if len(vector) != x.space.Dim {
		return nil, fmt.Errorf("the query vector has %d dimensions, the space %s has %d", len(vector), x.space.Model, x.space.Dim)
	}
	if _, err := x.prepare(ctx, q.Viewer); err != nil {
		return nil, err
	}
	classes, err := x.db.classes.List(ctx, q.Viewer)
	if err != nil {
		return nil, err
	}
	f := q.Filters
	rows, err := x.db.index.Query(ctx, `
		SELECT c.id AS chunk, -(v.v <#> $1) AS score
		FROM chunks c JOIN vectors v ON v.space = $2 AND v.chunk_id = c.id
		WHERE c.acl_id = ANY ($3)
		  AND ($4 OR EXISTS (
			SELECT FROM documents d JOIN sources s ON s.id = d.source_id
			WHERE d.id = c.document_id
			  AND ($5::text[] IS NULL OR s.name = ANY ($5))
			  AND ($6 = '' OR d.kind = $6)
			  AND ($7 = '' OR lower(d.author) = lower($7))
			  AND ($8::timestamptz IS NULL OR d.modified_at > $8)
			  AND ($9::timestamptz IS NULL OR d.modified_at < $9)
			  AND ($10::jsonb IS NULL OR d.attributes @> $10)))
		ORDER BY v.v <#> $1, c.id LIMIT $11`,
		pgvector.NewHalfVector(vector), x.space.ID, classes, f.Zero(),
		f.Sources, string(f.Kind), f.Author, nilTime(f.UpdatedAfter), nilTime(f.UpdatedBefore), f.Attributes, limit)
	if err != nil {
		return nil, fmt.Errorf("nearest vectors: %w", err)
	}
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByName[retrieval.Hit])
	if err != nil {
		return nil, fmt.Errorf("nearest vectors: %w", err)
	}
	return hits, nil
}

// filter returns a function that reports whether a chunk that v may read passes
// f; nil when all do. What v may not read is not looked at: it would take time
// that tells of it.
func (x *Index) filter(ctx context.Context, v cairn.Viewer, f cairn.Filters) (func(chunk int64) bool, error) {
	if f.Zero() {
		return nil, nil
	}
	classes, err := x.db.classes.List(ctx, v)
	if err != nil {
		return nil, err
	}
	rows, err := x.db.index.Query(ctx, `
		SELECT c.id
		FROM documents d JOIN sources s ON s.id = d.source_id JOIN chunks c ON c.document_id = d.id
		WHERE ($1::text[] IS NULL OR s.name = ANY ($1))
		  AND ($2 = '' OR d.kind = $2)
		  AND ($3 = '' OR lower(d.author) = lower($3))
		  AND ($4::timestamptz IS NULL OR d.modified_at > $4)
		  AND ($5::timestamptz IS NULL OR d.modified_at < $5)
		  AND ($6::jsonb IS NULL OR d.attributes @> $6)
		  AND d.acl_id = ANY ($7) AND c.acl_id = ANY ($7)`,
		f.Sources, string(f.Kind), f.Author, nilTime(f.UpdatedAfter), nilTime(f.UpdatedBefore), f.Attributes, classes)
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	ids := make(map[int64]struct{})
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { ids[id] = struct{}{}; return nil })
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return func(chunk int64) bool { _, ok := ids[chunk]; return ok }, nil
}

// prepare brings the index up to date and returns which classes v may read.
func (x *Index) prepare(ctx context.Context, v cairn.Viewer) (func(class int32) bool, error) {
	if err := x.refresh(ctx); err != nil {
		return nil, err
	}
	return x.db.classes.Of(ctx, v)
}

// refresh applies what was committed before it was called.
func (x *Index) refresh(ctx context.Context) error {
	x.refreshing.Lock()
	defer x.refreshing.Unlock()
	if !x.loaded {
		return x.load(ctx)
	}
	n, err := readFeed(ctx, x.db.index, x.at)
	if err != nil {
		return err
	}
	if n.next.at.Sub(x.at.at) > changeRetention/2 {
		return x.load(ctx)
	}
	x.apply(n)
	x.at = n.next
	return nil
}

func (x *Index) apply(n news) {
	x.db.classes.note(n.classes)
	if len(n.chunks)+len(n.gone) == 0 {
		return
	}
	x.state.Lock()
	defer x.state.Unlock()
	for _, c := range n.chunks {
		x.upsert(x.fresh, c)
	}
	for _, id := range n.gone {
		x.fresh.Remove(id)
		delete(x.leftOut, id)
	}
}

func (x *Index) load(ctx context.Context) error {
	x.db.classes.reset()
	fresh := lexical.NewFresh()
	at, err := x.db.readAll(ctx, func(c freshChunk) error { x.upsert(fresh, c); return nil })
	if err != nil {
		return err
	}
	x.state.Lock()
	defer x.state.Unlock()
	x.fresh, x.at, x.loaded = fresh, at, true
	return nil
}

// upsert puts a chunk into the index. One that cannot be is left out, with what
// was there of it before, and logged the first time: the others can be found.
// The caller holds refreshing.
func (x *Index) upsert(f *lexical.Fresh, c freshChunk) {
	err := f.Upsert(lexical.Doc{Chunk: c.ID, Class: c.Class, Language: c.Language, Terms: c.Terms, Length: int(c.Length)})
	if err == nil {
		delete(x.leftOut, c.ID)
		return
	}
	f.Remove(c.ID) // its class may have been another
	if _, told := x.leftOut[c.ID]; !told {
		x.leftOut[c.ID] = struct{}{}
		x.db.log.Error("a chunk cannot be found by its words until its document is indexed anew", "chunk", c.ID, "error", err)
	}
}
