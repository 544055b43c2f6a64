package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

var _ retrieval.Chunks = (*DB)(nil)

// Hydrate implements retrieval.Chunks.
func (db *DB) Hydrate(ctx context.Context, v cairn.Viewer, ids []int64) ([]retrieval.Chunk, error) {
	chunks, err := readChunks(ctx, db, v, ids, hydrate, hydratedChunk)
	if err != nil {
		return nil, fmt.Errorf("hydrate: %w", err)
	}
	return chunks, nil
}

// Documents implements retrieval.Chunks.
func (db *DB) Documents(ctx context.Context, ids []int64) (map[int64]cairn.DocumentID, error) {
	rows, err := db.lookup.Query(ctx, `SELECT id, document_id FROM chunks WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("documents of chunks: %w", err)
	}
	of := make(map[int64]cairn.DocumentID, len(ids))
	var id int64
	var document cairn.DocumentID
	if _, err = pgx.ForEachRow(rows, []any{&id, &document}, func() error { of[id] = document; return nil }); err != nil {
		return nil, fmt.Errorf("documents of chunks: %w", err)
	}
	return of, nil
}

// Texts implements retrieval.Chunks.
func (db *DB) Texts(ctx context.Context, v cairn.Viewer, ids []int64) ([]retrieval.ChunkText, error) {
	texts, err := readChunks(ctx, db, v, ids, chunkTexts, chunkText)
	if err != nil {
		return nil, fmt.Errorf("texts of chunks: %w", err)
	}
	return texts, nil
}

// readInHalves is the number of chunks from which they are read in two halves.
const readInHalves = 20

// readChunks returns the rows of a statement whose parameter is the ids of chunks;
// those of them that v may read are visible to it.
func readChunks[T any](ctx context.Context, db *DB, v cairn.Viewer, ids []int64, sql string, scan pgx.RowToFunc[T]) ([]T, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return inHalves(ctx, ids, readInHalves, func(ctx context.Context, ids []int64) (found []T, err error) {
		admitted, err := admittingChunks(ctx, db.lookup, v, ids)
		if err != nil {
			return nil, err
		}
		err = db.lookUpAsViewer(ctx, v, admitted, func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scan)
			return err
		}, sql, ids)
		return found, err
	})
}

// chunkTexts reads chunks by their ids; OFFSET 0 is as in hydrate.
const chunkTexts = `
	SELECT c.id, d.title, c.sections, c.start_at, substring(b.body FROM c.start_at + 1 FOR c.end_at - c.start_at) AS body
	FROM unnest($1::bigint[]) AS x (id)
	JOIN LATERAL (SELECT * FROM chunks WHERE chunks.id = x.id OFFSET 0) c ON true
	JOIN LATERAL (SELECT * FROM documents WHERE documents.id = c.document_id OFFSET 0) d ON true
	JOIN LATERAL (SELECT body FROM bodies WHERE bodies.document_id = d.id AND bodies.version = d.version OFFSET 0) b ON true`

func chunkText(row pgx.CollectableRow) (t retrieval.ChunkText, err error) {
	var sections []section
	var start int
	if err := row.Scan(&t.ID, &t.Title, &sections, &start, (*bodyText)(&t.Body)); err != nil {
		return t, err
	}
	t.Heading, _ = sectionAt(sections, start)
	return t, nil
}

// bodyText is a range of a body, which the database has as bytes.
type bodyText string

// ScanBytes implements pgtype.BytesScanner.
func (t *bodyText) ScanBytes(b []byte) error {
	*t = bodyText(b)
	return nil
}

// hydrate reads chunks by their ids. OFFSET 0 keeps the planner from beginning
// elsewhere: it cannot know how few rows a class of permissions has, and has
// been seen to read every readable document.
const hydrate = `
	SELECT c.id, c.ordinal, d.id, d.version, s.name, d.kind, d.title, d.url, d.author, d.language,
	       coalesce(d.modified_at, d.created_at), c.start_at, c.end_at,
	       substring(b.body FROM c.start_at + 1 FOR c.end_at - c.start_at), octet_length(b.body), c.sections, s.authority
	FROM unnest($1::bigint[]) WITH ORDINALITY AS x (id, n)
	JOIN LATERAL (SELECT * FROM chunks WHERE chunks.id = x.id OFFSET 0) c ON true
	JOIN LATERAL (SELECT * FROM documents WHERE documents.id = c.document_id OFFSET 0) d ON true
	JOIN LATERAL (SELECT body FROM bodies WHERE bodies.document_id = d.id AND bodies.version = d.version OFFSET 0) b ON true
	JOIN LATERAL (SELECT id, name, authority FROM sources WHERE sources.id = d.source_id OFFSET 0) s ON true
	ORDER BY x.n`

func hydratedChunk(row pgx.CollectableRow) (retrieval.Chunk, error) {
	var c retrieval.Chunk
	var modified *time.Time
	var sections []section
	p := &c.Passage
	err := row.Scan(&c.ID, &c.Ordinal, &p.Document, &p.Version, &p.Source, &p.Kind, &p.Title, &c.URL, &p.Author, &p.Language,
		&modified, &p.Start, &p.End, (*bodyText)(&p.Text), &c.BodySize, &sections, &c.Authority)
	if err != nil {
		return c, err
	}
	var anchor string
	c.Sections = decodeSections(sections)
	p.Heading, anchor = sectionAt(sections, p.Start)
	p.URL, p.Modified = withAnchor(c.URL, anchor), orZero(modified)
	return c, nil
}

// sectionAt returns heading path and anchor of the section that a place lies in.
func sectionAt(sections []section, at int) (heading []string, anchor string) {
	for _, s := range sections {
		if s.Start <= at && at < s.End {
			return s.Heading, s.Anchor
		}
	}
	return nil, ""
}

// withAnchor returns a link to a place in a document.
func withAnchor(url, anchor string) string { return cairn.Section{Anchor: anchor}.Link(url) }

// Bodies implements retrieval.Chunks.
func (db *DB) Bodies(ctx context.Context, v cairn.Viewer, ranges []retrieval.Range) ([]retrieval.RangeText, error) {
	documents := make([]cairn.DocumentID, len(ranges))
	versions := make([]cairn.Version, len(ranges))
	starts, lengths := make([]int32, len(ranges)), make([]int32, len(ranges))
	firsts, lasts := make([]int32, len(ranges)), make([]int32, len(ranges))
	for i, r := range ranges {
		documents[i], versions[i] = r.Document, r.Version
		starts[i], lengths[i] = int32(r.Start), int32(r.End-r.Start)
		firsts[i], lasts[i] = int32(r.First), int32(min(r.Last, math.MaxInt32))
	}
	classes, err := db.classesOfDocuments(ctx, documents)
	if err != nil {
		return nil, err
	}
	texts := make([]retrieval.RangeText, len(ranges))
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, rangeTexts, documents, versions, starts, lengths, firsts, lasts)
		if err != nil {
			return err
		}
		var n int
		var body []byte
		var sections [][]section
		_, err = pgx.ForEachRow(rows, []any{&n, &body, &sections}, func() error {
			texts[n-1] = retrieval.RangeText{Text: body, Sections: joined(sections)}
			body, sections = nil, nil
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return texts, nil
}

// rangeTexts reads ranges of current versions with the sections of their chunks.
const rangeTexts = `
	SELECT x.n, substring(b.body FROM x.start + 1 FOR x.length), c.sections
	FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[])
		WITH ORDINALITY AS x (document, version, start, length, first, last, n)
	JOIN LATERAL (SELECT id FROM documents WHERE id = x.document AND documents.version = x.version OFFSET 0) d ON true
	JOIN LATERAL (SELECT body FROM bodies WHERE document_id = x.document AND bodies.version = x.version OFFSET 0) b ON true
	CROSS JOIN LATERAL (
		SELECT coalesce(jsonb_agg(sections ORDER BY ordinal), '[]') AS sections
		FROM chunks WHERE document_id = x.document AND ordinal BETWEEN x.first AND x.last) c`

// joined returns the sections of chunks that follow each other, each once.
func joined(chunks [][]section) []cairn.Section {
	var out []cairn.Section
	for _, sections := range chunks {
		for _, s := range sections {
			if n := len(out); n == 0 || s.Start > out[n-1].Start {
				out = append(out, cairn.Section(s))
			}
		}
	}
	return out
}
