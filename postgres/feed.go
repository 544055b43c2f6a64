package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The kinds of rows in the table changes, as the triggers write them.
const (
	changeChunk = 1
	changeClass = 2
)

// changeRetention is how long rows of the change feed are kept. A reader that
// was silent for half as long reads everything anew.
const changeRetention = 24 * time.Hour

// position is where a reader of the change feed is: the snapshot of the last
// read. The next read takes those rows that this snapshot could not see, which
// is exact whatever order transactions commit in.
type position struct {
	xmax string   // transactions from here on had not begun
	xip  []string // transactions before xmax that were still running
	at   time.Time
}

// parsePosition reads the text form of pg_snapshot: "xmin:xmax:xip,xip,…".
func parsePosition(snapshot string, at time.Time) (position, error) {
	parts := strings.Split(snapshot, ":")
	if len(parts) != 3 {
		return position{}, fmt.Errorf("change feed: %q is not a snapshot", snapshot)
	}
	p := position{xmax: parts[1], at: at}
	if parts[2] != "" {
		p.xip = strings.Split(parts[2], ",")
	}
	return p, nil
}

// news is what a read of the change feed gives.
type news struct {
	next    position
	chunks  []freshChunk // as they are now
	gone    []int64      // chunks that are no longer there
	classes []int32      // new ACL classes
}

// freshChunk is a chunk as the index in memory needs it.
type freshChunk struct {
	ID       int64
	Class    int32
	Length   int32
	Terms    []byte
	Language string
}

// readFeed returns what changed since p. It is one statement, so that all of it
// is one state of the database.
func readFeed(ctx context.Context, q querier, p position) (news, error) {
	rows, err := q.Query(ctx, `
		WITH new AS MATERIALIZED (
			SELECT kind, ref FROM changes WHERE xid >= $1::text::xid8
			UNION
			SELECT kind, ref FROM changes WHERE xid = ANY ($2::text[]::xid8[]) AND xid < $1::text::xid8)
		SELECT 0 AS kind, 0 AS ref, pg_current_snapshot()::text AS snapshot, now() AS at,
		       NULL::int AS acl_id, NULL::int AS length, NULL::bytea AS terms, NULL::text AS language
		UNION ALL
		SELECT new.kind, new.ref, NULL, NULL, c.acl_id, c.length, f.terms, f.language
		FROM new
		LEFT JOIN LATERAL (SELECT id, acl_id, length FROM chunks WHERE new.kind = 1 AND id = new.ref OFFSET 0) c ON true
		LEFT JOIN LATERAL (SELECT terms, language FROM fresh WHERE chunk_id = c.id OFFSET 0) f ON true`, p.xmax, p.xip)
	if err != nil {
		return news{}, fmt.Errorf("change feed: %w", err)
	}
	var (
		out                news
		kind               int
		ref                int64
		snapshot, language *string
		at                 *time.Time
		class, length      *int32
		terms              []byte
	)
	_, err = pgx.ForEachRow(rows, []any{&kind, &ref, &snapshot, &at, &class, &length, &terms, &language}, func() error {
		switch {
		case kind == 0:
			var err error
			out.next, err = parsePosition(*snapshot, *at)
			return err
		case kind == changeClass:
			out.classes = append(out.classes, int32(ref))
		case class == nil || language == nil:
			out.gone = append(out.gone, ref)
		default:
			out.chunks = append(out.chunks, freshChunk{ref, *class, *length, terms, *language})
		}
		return nil
	})
	if err != nil {
		return news{}, fmt.Errorf("change feed: %w", err)
	}
	return out, nil
}

// readAll calls add for every chunk and returns the position from which the
// feed goes on.
func (db *DB) readAll(ctx context.Context, add func(freshChunk) error) (position, error) {
	var p position
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.index, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
			return err
		}
		var snapshot string
		var at time.Time
		if err := tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text, now()`).Scan(&snapshot, &at); err != nil {
			return err
		}
		var err error
		if p, err = parsePosition(snapshot, at); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT c.id, c.acl_id, c.length, f.terms, f.language
			FROM chunks c JOIN fresh f ON f.chunk_id = c.id ORDER BY c.id`)
		if err != nil {
			return err
		}
		var c freshChunk
		_, err = pgx.ForEachRow(rows, []any{&c.ID, &c.Class, &c.Length, &c.Terms, &c.Language}, func() error { return add(c) })
		return err
	})
	if err != nil {
		return position{}, fmt.Errorf("load the index: %w", err)
	}
	return p, nil
}

// PruneChanges deletes rows of the change feed that every reader has seen or
// has given up on.
func (db *DB) PruneChanges(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `DELETE FROM changes WHERE at < now() - $1::interval`, changeRetention)
	if err != nil {
		return fmt.Errorf("prune changes: %w", err)
	}
	return nil
}
