package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

var _ retrieval.Chunks = (*DB)(nil)

// Hydrate implements retrieval.Chunks.
func (db *DB) Hydrate(ctx context.Context, v cairn.Viewer, ids []int64) (chunks []retrieval.Chunk, err error) {
	err = db.readChunks(ctx, v, ids, func(tx pgx.Tx) error {
		chunks, err = hydrate(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hydrate: %w", err)
	}
	return chunks, nil
}

// Texts implements retrieval.Chunks.
func (db *DB) Texts(ctx context.Context, v cairn.Viewer, ids []int64) (texts []retrieval.ChunkText, err error) {
	err = db.readChunks(ctx, v, ids, func(tx pgx.Tx) error {
		texts, err = chunkTexts(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("texts of chunks: %w", err)
	}
	return texts, nil
}

// readChunks runs fn in a transaction in which those of the chunks that v may
// read are visible.
func (db *DB) readChunks(ctx context.Context, v cairn.Viewer, ids []int64, fn func(tx pgx.Tx) error) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := db.index.Query(ctx, `SELECT DISTINCT acl_id FROM chunks WHERE id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	classes, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	return db.asViewer(ctx, v, classes, fn)
}

// chunkTexts reads chunks by their ids; OFFSET 0 is as in hydrate. Of the
// sections only that in which a chunk begins is sent.
func chunkTexts(ctx context.Context, tx pgx.Tx, ids []int64) ([]retrieval.ChunkText, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, d.title, coalesce(s.heading, '{}') AS heading,
		       substring(b.body FROM c.start_at + 1 FOR c.end_at - c.start_at) AS body
		FROM unnest($1::bigint[]) AS x (id)
		JOIN LATERAL (SELECT * FROM chunks WHERE chunks.id = x.id OFFSET 0) c ON true
		JOIN LATERAL (SELECT * FROM documents WHERE documents.id = c.document_id OFFSET 0) d ON true
		JOIN LATERAL (SELECT * FROM bodies WHERE bodies.document_id = d.id AND bodies.version = d.version OFFSET 0) b ON true
		LEFT JOIN LATERAL (
			SELECT ARRAY (SELECT jsonb_array_elements_text(e -> 'h')) AS heading
			FROM jsonb_array_elements(b.sections) WITH ORDINALITY AS l (e, n)
			WHERE (e -> 's')::int <= c.start_at AND c.start_at < (e -> 'e')::int ORDER BY n LIMIT 1) s ON true`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t retrieval.ChunkText, err error) {
		var body []byte
		err = row.Scan(&t.ID, &t.Title, &t.Heading, &body)
		t.Body = string(body)
		return t, err
	})
}

// hydratedChunk is a row of hydrate.
type hydratedChunk struct {
	ID         int64
	Ordinal    int
	DocumentID cairn.DocumentID
	Version    cairn.Version
	Source     string
	Kind       cairn.Kind
	Title      string
	URL        string
	Author     string
	Language   string
	Modified   *time.Time
	StartAt    int
	EndAt      int
	Body       []byte
	BodySize   int
	Sections   []section
}

// hydrate reads chunks by their ids. OFFSET 0 keeps the planner from beginning
// elsewhere: it cannot know how few rows a class of permissions has, and has
// been seen to read every readable document.
func hydrate(ctx context.Context, tx pgx.Tx, ids []int64) ([]retrieval.Chunk, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, c.ordinal, d.id AS document_id, d.version, s.name AS source, d.kind, d.title, d.url, d.author, d.language,
		       coalesce(d.modified_at, d.created_at) AS modified, c.start_at, c.end_at,
		       substring(b.body FROM c.start_at + 1 FOR c.end_at - c.start_at) AS body, octet_length(b.body) AS body_size, b.sections
		FROM unnest($1::bigint[]) WITH ORDINALITY AS x (id, n)
		JOIN LATERAL (SELECT * FROM chunks WHERE chunks.id = x.id OFFSET 0) c ON true
		JOIN LATERAL (SELECT * FROM documents WHERE documents.id = c.document_id OFFSET 0) d ON true
		JOIN LATERAL (SELECT * FROM bodies WHERE bodies.document_id = d.id AND bodies.version = d.version OFFSET 0) b ON true
		JOIN LATERAL (SELECT id, name FROM sources WHERE sources.id = d.source_id OFFSET 0) s ON true
		ORDER BY x.n`, ids)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[hydratedChunk])
	if err != nil {
		return nil, err
	}
	chunks := make([]retrieval.Chunk, len(found))
	for i, h := range found {
		chunks[i] = h.chunk()
	}
	return chunks, nil
}

func (h hydratedChunk) chunk() retrieval.Chunk {
	sections := decodeSections(h.Sections)
	heading, anchor := sectionAt(sections, h.StartAt)
	return retrieval.Chunk{
		ID: h.ID, Ordinal: h.Ordinal, Sections: sections, URL: h.URL, BodySize: h.BodySize,
		Passage: cairn.Passage{
			Document: h.DocumentID, Version: h.Version, Source: h.Source, Kind: h.Kind, Title: h.Title,
			URL: withAnchor(h.URL, anchor), Author: h.Author, Language: h.Language, Heading: heading,
			Start: h.StartAt, End: h.EndAt, Text: string(h.Body), Modified: orZero(h.Modified),
		},
	}
}

// sectionAt returns heading path and anchor of the section that a place lies in.
func sectionAt(sections []cairn.Section, at int) (heading []string, anchor string) {
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
func (db *DB) Bodies(ctx context.Context, v cairn.Viewer, ranges []retrieval.Range) ([][]byte, error) {
	documents := make([]cairn.DocumentID, len(ranges))
	versions := make([]cairn.Version, len(ranges))
	starts, lengths := make([]int32, len(ranges)), make([]int32, len(ranges))
	for i, r := range ranges {
		documents[i], versions[i] = r.Document, r.Version
		starts[i], lengths[i] = int32(r.Start), int32(r.End-r.Start)
	}
	classes, err := db.classesOfDocuments(ctx, documents)
	if err != nil {
		return nil, err
	}
	bodies := make([][]byte, len(ranges))
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT x.n, substring(b.body FROM x.start + 1 FOR x.length)
			FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) WITH ORDINALITY AS x (document, version, start, length, n)
			JOIN LATERAL (
				SELECT body FROM bodies WHERE document_id = x.document AND bodies.version = x.version OFFSET 0) b ON true`, documents, versions, starts, lengths)
		if err != nil {
			return err
		}
		var n int
		var body []byte
		_, err = pgx.ForEachRow(rows, []any{&n, &body}, func() error { bodies[n-1] = body; body = nil; return nil })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return bodies, nil
}
