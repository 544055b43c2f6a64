package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

var _ ingest.Vectors = (*Ingest)(nil)

// Missing implements ingest.Vectors.
func (s *Ingest) Missing(ctx context.Context, limit int, without []int64) ([]ingest.Unembedded, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT d.kind, d.title, b.body, b.sections, m.ids, m.starts, m.ends
		FROM (SELECT document_id, max(id) AS newest, array_agg(id) AS ids, array_agg(start_at) AS starts, array_agg(end_at) AS ends
		      FROM (SELECT id, document_id, start_at, end_at FROM chunks c
		            WHERE NOT EXISTS (SELECT FROM vectors v WHERE v.space = $1 AND v.chunk_id = c.id) AND id <> ALL (coalesce($3, '{}'::bigint[]))
		            ORDER BY id DESC LIMIT $2) c
		      GROUP BY document_id) m
		JOIN documents d ON d.id = m.document_id
		JOIN bodies b ON b.document_id = d.id AND b.version = d.version
		ORDER BY m.newest DESC`, s.space.ID, limit, without)
	if err != nil {
		return nil, fmt.Errorf("chunks without a vector: %w", err)
	}
	var missing []ingest.Unembedded
	var d cairn.Document
	var sections []section
	var ids []int64
	var starts, ends []int
	_, err = pgx.ForEachRow(rows, []any{&d.Kind, &d.Title, &d.Body, &sections, &ids, &starts, &ends}, func() error {
		d.Sections = decodeSections(sections)
		for i, p := range ingest.Pieces(&d, rangesOf(starts, ends)) {
			missing = append(missing, ingest.Unembedded{Chunk: ids[i], Title: d.Title, Heading: p.Heading, Body: string(d.Body[p.Start:p.End])})
		}
		d, sections = cairn.Document{}, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chunks without a vector: %w", err)
	}
	return missing, nil
}

// rangesOf returns chunks that are no more than their ranges.
func rangesOf(starts, ends []int) []cairn.Chunk {
	chunks := make([]cairn.Chunk, len(starts))
	for i := range starts {
		chunks[i] = cairn.Chunk{Start: starts[i], End: ends[i]}
	}
	return chunks
}

// PutVectors implements ingest.Vectors.
func (s *Ingest) PutVectors(ctx context.Context, vectors map[int64][]float32) error {
	var ids []int64
	var codes [][]byte
	batch := &pgx.Batch{}
	for chunk, v := range vectors {
		if len(v) != s.space.Dim {
			return fmt.Errorf("the model %s gave a vector of %d dimensions, not %d", s.space.Model, len(v), s.space.Dim)
		}
		half := pgvector.NewHalfVector(v)
		ids, codes = append(ids, chunk), append(codes, s.space.code(v))
		batch.Queue(`
			INSERT INTO vectors (space, chunk_id, v) SELECT $1, id, $3 FROM chunks WHERE id = $2 FOR KEY SHARE SKIP LOCKED
			ON CONFLICT (space, chunk_id) DO NOTHING`, s.space.ID, chunk, half)
	}
	err := pgx.BeginFunc(ctx, s.db.worker, func(tx pgx.Tx) error {
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return putCodes(ctx, tx, s.space.ID, ids, codes, false)
	})
	if err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	return nil
}

// SpaceOf returns the space of a model that was used before; ok is false when
// there is none.
func (db *DB) SpaceOf(ctx context.Context, model string) (s Space, ok bool, err error) {
	s.Model = model
	err = db.worker.QueryRow(ctx, `SELECT id, dim FROM vector_spaces WHERE model = $1`, model).Scan(&s.ID, &s.Dim)
	if errors.Is(err, pgx.ErrNoRows) {
		return Space{}, false, nil
	}
	if err != nil {
		return Space{}, false, fmt.Errorf("vector space: %w", err)
	}
	return s, true, nil
}
