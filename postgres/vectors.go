package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn/retrieval/ingest"
)

var _ ingest.Vectors = (*Ingest)(nil)

// Missing implements ingest.Vectors.
func (s *Ingest) Missing(ctx context.Context, limit int, without []int64) ([]ingest.Unembedded, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT c.id, d.title, c.start_at, substring(b.body FROM c.start_at + 1 FOR c.end_at - c.start_at), b.sections
		FROM chunks c
		JOIN documents d ON d.id = c.document_id
		JOIN bodies b ON b.document_id = d.id AND b.version = d.version
		WHERE NOT EXISTS (SELECT FROM vectors v WHERE v.space = $1 AND v.chunk_id = c.id) AND c.id <> ALL (coalesce($3, '{}'::bigint[]))
		ORDER BY c.id DESC LIMIT $2`, s.space.ID, limit, without)
	if err != nil {
		return nil, fmt.Errorf("chunks without a vector: %w", err)
	}
	var missing []ingest.Unembedded
	var u ingest.Unembedded
	var start int
	var body []byte
	var sections []section
	_, err = pgx.ForEachRow(rows, []any{&u.Chunk, &u.Title, &start, &body, &sections}, func() error {
		u.Body = string(body)
		u.Heading, _ = sectionAt(decodeSections(sections), start)
		missing = append(missing, u)
		sections = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chunks without a vector: %w", err)
	}
	return missing, nil
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
		return putCodes(ctx, tx, s.space.ID, ids, codes)
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
