package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// packCodes puts codes into their segments that lie beside them: those of vectors
// that came after the chunk had been packed. It does all that is to do in one step.
func (p *packer) packCodes(ctx context.Context) (more bool, err error) {
	if p.words == 0 {
		return false, nil
	}
	for _, s := range p.index.segments() {
		var loose int
		err := p.conn.QueryRow(ctx, `
			SELECT count(*) FROM fresh_codes k, segments s
			WHERE s.id = $2 AND k.space = $1 AND k.chunk_id BETWEEN s.low AND s.high
			  AND NOT EXISTS (SELECT FROM fresh f WHERE f.chunk_id = k.chunk_id)`, p.space.ID, s.id).Scan(&loose)
		if err != nil {
			return false, err
		}
		if loose < p.looseCodes {
			continue
		}
		err = p.read(ctx, &s)
		if errors.Is(err, lexical.ErrMalformed) {
			p.index.damagedSegment(s.id, err)
			continue
		}
		if err != nil {
			return false, err
		}
		// What lies between its chunks may be of another segment, even of one that
		// cannot be read, whose codes stay where they are.
		err = p.conn.QueryRow(ctx, `SELECT count(*) FROM fresh_codes WHERE space = $1 AND chunk_id = ANY ($2)`, p.space.ID, s.index.Chunks).Scan(&loose)
		if err != nil {
			return false, err
		}
		if loose < p.looseCodes {
			continue
		}
		err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
			known, err := p.codesOf(ctx, tx, []stored{s})
			if err != nil {
				return err
			}
			if err := p.storeCodes(ctx, tx, s.id, s.index.Chunks, known); err != nil {
				return err
			}
			// Who has not read of these codes yet finds them no longer beside the segment.
			_, err = tx.Exec(ctx, `INSERT INTO changes (kind, ref) VALUES ($1, $2)`, changeSegment, s.id)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// codesAtOnce is how many vectors are coded in one statement.
const codesAtOnce = 5_000

// encodeVectors makes the codes of those vectors of chunks that have none beside
// their segment, or of all. A space without a coder gets its codes when it is used.
func (db *DB) encodeVectors(ctx context.Context, q querier, space Space, chunks []int64, all bool) error {
	for len(chunks) > 0 && space.coder != nil {
		batch := chunks[:min(codesAtOnce, len(chunks))]
		chunks = chunks[len(batch):]
		ids, codes, err := readAndEncode(ctx, q, space.ID, space.coder, `
			SELECT v.chunk_id, v.v FROM vectors v
			WHERE v.space = $1 AND v.chunk_id = ANY ($2)
			  AND ($3 OR NOT EXISTS (SELECT FROM fresh_codes k WHERE k.space = v.space AND k.chunk_id = v.chunk_id))`, batch, all)
		if err != nil {
			return err
		}
		if err := putCodes(ctx, q, space.ID, ids, codes, all); err != nil {
			return err
		}
	}
	return nil
}

// encodeSpace makes the codes of every vector of a space.
func encodeSpace(ctx context.Context, q querier, space Space) error {
	for after := int64(-1); ; {
		ids, codes, err := readAndEncode(ctx, q, space.ID, space.coder, `
			SELECT chunk_id, v FROM vectors WHERE space = $1 AND chunk_id > $2 ORDER BY chunk_id LIMIT `+fmt.Sprint(codesAtOnce), after)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := putCodes(ctx, q, space.ID, ids, codes, false); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// readAndEncode returns the chunks that a query finds with the codes of their vectors.
func readAndEncode(ctx context.Context, q querier, space int, coder *dense.Coder, query string, args ...any) (ids []int64, codes [][]byte, err error) {
	rows, err := q.Query(ctx, query, append([]any{space}, args...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("encode vectors: %w", err)
	}
	var id int64
	var v pgvector.HalfVector
	_, err = pgx.ForEachRow(rows, []any{&id, &v}, func() error {
		ids = append(ids, id)
		codes = append(codes, encodeCode(coder.Append(nil, v.Slice())))
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encode vectors: %w", err)
	}
	return ids, codes, nil
}

// putCodes stores the codes of chunks that have none beside their segment, or
// another one that is to be replaced, but for those that somebody is deleting just
// now. The change feed tells of them.
func putCodes(ctx context.Context, q querier, space int, ids []int64, codes [][]byte, replace bool) error {
	rows, err := q.Query(ctx, `
		WITH put AS (
			INSERT INTO fresh_codes (space, chunk_id, code)
			SELECT $1, c.id, x.code FROM unnest($2::bigint[], $3::bytea[]) x (id, code) JOIN chunks c ON c.id = x.id
			FOR KEY SHARE OF c SKIP LOCKED
			ON CONFLICT (space, chunk_id) DO UPDATE SET code = excluded.code WHERE $4 AND fresh_codes.code <> excluded.code
			RETURNING chunk_id)
		INSERT INTO changes (kind, ref) SELECT 1, chunk_id FROM put`, space, ids, codes, replace)
	if err != nil {
		return fmt.Errorf("store codes: %w", err)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store codes: %w", err)
	}
	return nil
}
