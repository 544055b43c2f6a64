package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// purgeAtOnce bounds how many erased chunks one step looks for.
const purgeAtOnce = 100_000

// purge writes those segments anew that hold erased chunks, once the first of them
// is due. Whoever holds the packer's lock knows every segment that a chunk can be
// in: what was committed before the chunk was erased, and what it made itself.
func (p *packer) purge(ctx context.Context) (more bool, err error) {
	var due bool
	if err := p.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM erased_chunks WHERE due < now())`).Scan(&due); err != nil || !due {
		return false, err
	}
	rows, err := p.conn.Query(ctx, `SELECT chunk_id FROM erased_chunks ORDER BY chunk_id LIMIT $1`, purgeAtOnce)
	if err != nil {
		return false, err
	}
	erased, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(erased) == 0 {
		return false, err
	}
	if err := p.purgeSegments(ctx, erased); err != nil {
		return false, fmt.Errorf("write segments without what was erased: %w", err)
	}
	_, err = p.conn.Exec(ctx, `DELETE FROM erased_chunks WHERE chunk_id = ANY ($1)`, erased)
	return len(erased) == purgeAtOnce, err
}

// purgeSegments writes those segments anew that hold one of the chunks, which are
// sorted. A damaged one stays: it is written anew when it is rebuilt.
func (p *packer) purgeSegments(ctx context.Context, erased []int64) error {
	rows, err := p.conn.Query(ctx, `
		SELECT id FROM segments WHERE retired_at IS NULL AND low <= $2 AND high >= $1 ORDER BY id`, erased[0], erased[len(erased)-1])
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	for _, id := range ids {
		s := stored{id: id}
		err := p.read(ctx, &s)
		if err == nil && !slices.ContainsFunc(s.index.Chunks, func(chunk int64) bool {
			_, found := slices.BinarySearch(erased, chunk)
			return found
		}) {
			continue
		}
		if err == nil {
			err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error { return p.join(ctx, tx, []stored{s}) })
		}
		if errors.Is(err, lexical.ErrMalformed) {
			p.index.damagedSegment(id, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
