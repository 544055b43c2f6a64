package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Erasures = (*DB)(nil)

// erasureColumns are those of an erasureRow, where erasures is called e.
const erasureColumns = `e.id, e.kind, e.subject, e.by_account, e.at, e.counts, e.cleaned_at,
	EXISTS (SELECT FROM tombstones t WHERE t.erasure_id = e.id AND t.external_hash IS NOT NULL AND NOT t.lifted) AS kept_out`

// erasureRow is a receipt as the database has it.
type erasureRow struct {
	ID        string
	Kind      cairn.ErasureKind
	Subject   string
	ByAccount cairn.AccountID
	At        time.Time
	Counts    map[string]int
	CleanedAt *time.Time
	KeptOut   bool
}

func (r erasureRow) erasure() cairn.Erasure {
	return cairn.Erasure{
		ID: r.ID, Kind: r.Kind, Subject: r.Subject, By: r.ByAccount, At: r.At, Counts: r.Counts, Cleaned: orZero(r.CleanedAt), KeptOut: r.KeptOut,
	}
}

// ListErasures implements api.Erasures.
func (db *DB) ListErasures(ctx context.Context, p api.Page) ([]cairn.Erasure, string, error) {
	from, err := after[timeKey]("erasures", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT `+erasureColumns+` FROM erasures e
		WHERE $1::timestamptz IS NULL OR (e.at, e.id) < ($1, $2)
		ORDER BY e.at DESC, e.id DESC LIMIT $3`, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list erasures: %w", err)
	}
	return pageOf(rows, "erasures", p.Limit, func(r erasureRow) timeKey { return timeKey{r.At, r.ID} }, erasureRow.erasure)
}

// LiftErasure implements api.Erasures. The time of a tombstone is that of its last
// change, by which servers notice it.
func (db *DB) LiftErasure(ctx context.Context, id string) (cairn.Erasure, error) {
	var r erasureRow
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		_, err := tx.Exec(ctx, `
			UPDATE tombstones SET lifted = true, at = now() WHERE erasure_id = $1 AND external_hash IS NOT NULL AND NOT lifted`, id)
		if err != nil {
			return changed{}, missing(err)
		}
		r, err = exactlyOne[erasureRow](tx.Query(ctx, `SELECT `+erasureColumns+` FROM erasures e WHERE e.id = $1`, id))
		return changed{action: audit.ErasureLift, kind: audit.KindErasure, id: id}, missing(err)
	})
	if err != nil {
		return cairn.Erasure{}, fmt.Errorf("lift erasure: %w", err)
	}
	return r.erasure(), nil
}

// keptOut returns those of the names at a source of which an erasure says that
// they are not to come back.
func keptOut(ctx context.Context, q querier, source cairn.SourceID, externals []string) (map[string]bool, error) {
	rows, err := q.Query(ctx, `
		SELECT d.external_id FROM (SELECT $1::text AS source_id, x AS external_id FROM unnest($2::text[]) x) d
		JOIN tombstones t ON t.source_id = d.source_id AND t.external_hash = `+nameHash+` AND NOT t.lifted`, source, externals)
	if err != nil {
		return nil, fmt.Errorf("erased documents: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("erased documents: %w", err)
	}
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out, nil
}

// Erased implements jobs.Runs.
func (db *DB) Erased(ctx context.Context, source cairn.SourceID) (at time.Time, busy bool, err error) {
	err = db.worker.QueryRow(ctx, `
		SELECT coalesce(erased_at, 'epoch'), EXISTS (SELECT FROM runs WHERE source_id = s.id AND state = 'running')
		FROM sources s WHERE id = $1`, source).Scan(&at, &busy)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("last erasure of a source: %w", notFound(err))
	}
	return at, busy, nil
}
