package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairnhq/cairn"
)

// A row that was deleted stays in the files of PostgreSQL until its page is vacuumed,
// and its bytes stay even then, in the free space of the page, until something else
// is written there. Columns that are sampled for statistics are copied into those.
// So the tables of an erasure are vacuumed and analysed; those that are small are
// written anew, which leaves nothing.

// cleanLock is the advisory lock of whoever cleans.
const cleanLock = 0x6361_6972_6e03

// rewriteLimit is the size up to which a table is written anew, with its indexes:
// nobody can read it meanwhile.
const rewriteLimit = 64 << 20

// lockNotAvailable is PostgreSQL's code for a lock that was waited for too long.
const lockNotAvailable = "55P03"

// Clean removes what the files of the database still hold of erased rows: at once
// after an erasure that somebody asked for, else within an hour. Tables up to a size
// are written anew; of larger ones bytes may remain in free space until it is used
// again, or Rewrite is called. It does nothing while another process cleans.
func (db *DB) Clean(ctx context.Context) error {
	var due bool
	err := db.worker.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM erasures WHERE cleaned_at IS NULL AND (urgent OR at < now() - $1::interval))`, cleanWithin).Scan(&due)
	if err == nil && due {
		_, err = db.clean(ctx, rewriteLimit, false)
	}
	if err != nil {
		return fmt.Errorf("clean the database of what was erased: %w", err)
	}
	return nil
}

// Rewrite implements api.Erasures: it does what Clean does, whatever the size of
// the tables, and for erasures that were cleaned before as well.
func (db *DB) Rewrite(ctx context.Context) error {
	done, err := db.clean(ctx, math.MaxInt64, true)
	if err != nil {
		return fmt.Errorf("clean the database of what was erased: %w", err)
	}
	if !done {
		return cairn.Errorf(cairn.ErrConflict, "tables are in use or being cleaned just now; try again in a minute")
	}
	return nil
}

// clean cleans the tables of erasures: those that are not clean yet, or all. done
// is false when some of it is left to another time.
func (db *DB) clean(ctx context.Context, limit int64, all bool) (done bool, err error) {
	err = db.asOwner(ctx, func(conn *pgx.Conn) error {
		var ours bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, cleanLock).Scan(&ours); err != nil || !ours {
			return err
		}
		c := cleaner{conn: conn, limit: limit}
		ids, tables, err := c.due(ctx, all)
		if err != nil || len(ids) == 0 {
			done = err == nil && all
			return err
		}
		for _, table := range tables {
			if err := c.table(ctx, table); err != nil {
				return err
			}
		}
		err = c.alone(ctx, `VACUUM (FULL) pg_catalog.pg_statistic`)
		if err != nil || c.busy {
			return err // what is busy is tried again
		}
		done = true
		_, err = conn.Exec(ctx, `UPDATE erasures SET cleaned_at = now() WHERE id = ANY ($1)`, ids)
		return err
	})
	return done, err
}

// asOwner runs fn on a connection of its own, of the login that owns the tables.
func (db *DB) asOwner(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	config := db.worker.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = "cairn clean"
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["lock_timeout"] = fmt.Sprint(cleanPatience.Milliseconds())
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

// cleanPatience is how long a table is waited for: others wait behind.
const cleanPatience = 500 * time.Millisecond

// cleaner cleans tables, one after the other.
type cleaner struct {
	conn  *pgx.Conn
	limit int64 // bytes of a table that is written anew
	busy  bool  // some table was in use
}

// textTables may hold dead rows with words of a document even where its erasure
// found no row: of an error that was resolved before, say.
var textTables = []string{
	"bodies", "code_files", "code_symbols", "conversations", "document_errors", "documents", "feedback", "grants", "message_events", "messages", "runs",
}

// due returns the erasures whose remains can be cleaned, and the tables. A
// transaction that is older than an erasure still sees its rows: they cannot yet.
func (c *cleaner) due(ctx context.Context, all bool) (ids, tables []string, err error) {
	rows, err := c.conn.Query(ctx, `
		SELECT e.id, ARRAY (SELECT jsonb_object_keys(e.counts)) FROM erasures e
		WHERE ($1 OR e.cleaned_at IS NULL) AND e.at < coalesce((
			SELECT min(a.xact_start) FROM pg_stat_activity a
			WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.backend_xmin IS NOT NULL
			  AND a.pid <> pg_backend_pid()), now())`, all)
	if err != nil {
		return nil, nil, err
	}
	found := make(map[string]struct{})
	for _, t := range textTables {
		found[t] = struct{}{}
	}
	var id string
	var counted []string
	_, err = pgx.ForEachRow(rows, []any{&id, &counted}, func() error {
		ids = append(ids, id)
		for _, t := range counted {
			found[t] = struct{}{}
		}
		return nil
	})
	return ids, slices.Sorted(maps.Keys(found)), err
}

// table cleans a table; one that is there no longer is clean.
func (c *cleaner) table(ctx context.Context, name string) error {
	var size *int64
	err := c.conn.QueryRow(ctx, `SELECT pg_total_relation_size(to_regclass(format('public.%I', $1::text)))`, name).Scan(&size)
	if err != nil || size == nil {
		return err
	}
	if err := c.forgetSamples(ctx, name); err != nil {
		return err
	}
	how := `VACUUM (ANALYZE, INDEX_CLEANUP ON) `
	if *size <= c.limit {
		how = `VACUUM (FULL, ANALYZE) `
	}
	return c.alone(ctx, how+pgx.Identifier{"public", name}.Sanitize())
}

// forgetSamples drops the statistics of the names of documents when there are no
// documents: ANALYZE would leave them. The other columns with text have none.
func (c *cleaner) forgetSamples(ctx context.Context, name string) error {
	if name != "documents" {
		return nil
	}
	var some bool
	if err := c.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM documents)`).Scan(&some); err != nil || some {
		return err
	}
	return c.alone(ctx, `ALTER TABLE documents ALTER COLUMN external_id TYPE text`)
}

// alone runs a statement that needs a table for itself. That the table is in use
// is no error: it is noted.
func (c *cleaner) alone(ctx context.Context, sql string) error {
	_, err := c.conn.Exec(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == lockNotAvailable {
		c.busy = true
		return nil
	}
	return err
}
