package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/audit"
)

// leaseTime is how long work belongs to the process that took it after its last
// sign of life. Times are those of the database, so that clocks do not matter.
const leaseTime = 15 * time.Second

// maxRunAttempts bounds how often a run is taken up again after the process
// that worked on it has died.
const maxRunAttempts = 100

// QueueRun creates a run of a source and calls enqueue in the same transaction.
// When the source has an unfinished run that keeps this one from beginning, that is returned
// and enqueue not called: one of permissions and a dry run keep each other from nothing. But
// one that only brings permissions gives way to one that reads documents, and one that the
// clock began to one that somebody asks to do more. One of the clock that is not yet at
// work becomes theirs, and is enqueued anew.
func (db *DB) QueueRun(ctx context.Context, source cairn.SourceID, o cairn.SyncOptions, enqueue func(tx pgx.Tx, run string) error) (cairn.Run, error) {
	id := cairn.NewID()
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		what := changed{action: audit.SourceSync, kind: audit.KindSource, id: string(source), detail: syncDetail(o)}
		// The source first, as by whoever changes it and its run.
		if _, err := tx.Exec(ctx, `SELECT FROM sources WHERE id = $1 FOR KEY SHARE`, source); err != nil {
			return what, err
		}
		if !o.PermissionsOnly && !o.DryRun {
			if err := supersede(ctx, tx, source, o.Full || o.Confirm); err != nil {
				return what, err
			}
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO runs (id, source_id, "full", dry_run, confirm, permissions_only)
			SELECT $1, id, $3, $4, $5, $6 FROM sources WHERE id = $2
			ON CONFLICT DO NOTHING`,
			id, source, o.Full, o.DryRun, o.Confirm, o.PermissionsOnly)
		if err != nil {
			return what, err
		}
		if tag.RowsAffected() == 0 {
			var hasten bool
			err := tx.QueryRow(ctx, `
				UPDATE runs n SET scheduled = n.scheduled AND NOT $2
				FROM (SELECT * FROM runs
				      WHERE source_id = $1 AND state IN ('queued', 'running')
				        AND (NOT dry_run AND NOT $3 OR (dry_run OR NOT permissions_only) AND ($3 OR NOT $4))
				      ORDER BY dry_run DESC LIMIT 1) r
				WHERE n.id = r.id
				RETURNING n.id, r.scheduled AND $2 AND n.state = 'queued'`, source, o == (cairn.SyncOptions{}), o.DryRun, o.PermissionsOnly).Scan(&id, &hasten)
			if err != nil || !hasten {
				return what, notFound(err)
			}
		}
		return what, enqueue(tx, id)
	})
	if err != nil {
		return cairn.Run{}, fmt.Errorf("queue run: %w", err)
	}
	return db.RunByID(ctx, id)
}

// syncDetail says what was asked of a run.
func syncDetail(o cairn.SyncOptions) string {
	var what []string
	for _, option := range []struct {
		name string
		set  bool
	}{{"full", o.Full}, {"dry_run", o.DryRun}, {"confirm", o.Confirm}, {"permissions_only", o.PermissionsOnly}} {
		if option.set {
			what = append(what, option.name)
		}
	}
	return strings.Join(what, " ")
}

// TakeRun makes a queued or abandoned run this process's; ok is false when it is
// finished or somebody else's. A run that is taken up again counts what the
// attempt before it has committed only once; one that only brings permissions, and a dry
// run, look at every document again, and count from the beginning.
func (db *DB) TakeRun(ctx context.Context, id string) (t jobs.Taken, ok bool, err error) {
	var source cairn.SourceID
	err = db.worker.QueryRow(ctx, `
		UPDATE runs SET state = 'running', attempt = attempt + 1, lease_until = now() + $2::interval,
		       started_at = coalesce(started_at, now()), phase = '', rate = 0, failed = 0, unchanged = 0,
		       scanned = CASE WHEN permissions_only OR dry_run THEN 0 ELSE added + modified END,
		       added = CASE WHEN dry_run THEN 0 ELSE added END,
		       modified = CASE WHEN permissions_only OR dry_run THEN 0 ELSE modified END,
		       deleted = CASE WHEN dry_run THEN 0 ELSE deleted END
		WHERE id = $1 AND NOT cancel AND (state = 'queued' OR (state = 'running' AND lease_until < now())) AND attempt < $3
		RETURNING attempt, source_id, told`, id, leaseTime, maxRunAttempts).Scan(&t.Lease.Attempt, &source, &t.Told)
	if errors.Is(err, pgx.ErrNoRows) {
		return jobs.Taken{}, false, nil
	}
	if err != nil {
		return jobs.Taken{}, false, fmt.Errorf("take run: %w", err)
	}
	t.Lease.Run = id
	if t.Run, err = db.RunByID(ctx, id); err != nil {
		return jobs.Taken{}, false, err
	}
	if t.Source, err = db.SourceByID(ctx, source); err != nil {
		return jobs.Taken{}, false, err
	}
	var pruned *time.Time
	err = db.worker.QueryRow(ctx, `
		SELECT cursor, pruned_at, coalesce(now() - permissions_synced_at, '0') FROM sources WHERE id = $1`, source).Scan(&t.Cursor, &pruned, &t.PermissionsAge)
	if err != nil {
		return jobs.Taken{}, false, fmt.Errorf("take run: %w", notFound(err))
	}
	t.Pruned = orZero(pruned)
	if err := addTold(ctx, db.worker, &t); err != nil {
		return jobs.Taken{}, false, fmt.Errorf("take run: %w", err)
	}
	return t, true, nil
}

// AwaitRun implements jobs.Runs.
func (db *DB) AwaitRun(ctx context.Context, id string) (source cairn.Source, waits bool, err error) {
	var of cairn.SourceID
	err = db.worker.QueryRow(ctx, `
		UPDATE runs SET lease_until = now() + $2::interval WHERE id = $1 AND state = 'queued' RETURNING source_id`,
		id, queuePatience).Scan(&of)
	if errors.Is(err, pgx.ErrNoRows) {
		return cairn.Source{}, false, nil
	}
	if err != nil {
		return cairn.Source{}, false, fmt.Errorf("await run: %w", err)
	}
	source, err = db.SourceByID(ctx, of)
	return source, err == nil, err
}

// KeepRun gives a sign of life and notes how far the run is. It fails with ErrConflict when the run was
// cancelled or taken over.
func (db *DB) KeepRun(ctx context.Context, l ingest.Lease, p jobs.Progress) error {
	tag, err := db.worker.Exec(ctx, `
		UPDATE runs SET lease_until = now() + $3::interval, phase = $4, rate = $5
		WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel`, l.Run, l.Attempt, leaseTime, p.Phase, p.Rate)
	if err != nil {
		return fmt.Errorf("keep run: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return cairn.Errorf(cairn.ErrConflict, "the run was cancelled or taken over")
	}
	return nil
}

// held fails with ErrConflict unless a run is still this worker's, or zero. The source
// must be locked, so that it stays so until the transaction ends.
func held(ctx context.Context, q querier, l ingest.Lease) error {
	if l.Run == "" {
		return nil
	}
	var ours bool
	err := q.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM runs WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel)`, l.Run, l.Attempt).Scan(&ours)
	if err == nil && !ours {
		err = cairn.Errorf(cairn.ErrConflict, "the run was cancelled or taken over")
	}
	return err
}

// SetRunTotal notes how many documents the source lists.
func (db *DB) SetRunTotal(ctx context.Context, l ingest.Lease, total int) error {
	_, err := db.worker.Exec(ctx, `UPDATE runs SET total = $3 WHERE id = $1 AND attempt = $2`, l.Run, l.Attempt, total)
	if err != nil {
		return fmt.Errorf("run total: %w", err)
	}
	return nil
}

// FinishRun ends a run that is still this worker's; one that succeeded but for
// some documents is partial.
func (db *DB) FinishRun(ctx context.Context, l ingest.Lease, e jobs.Ending) error {
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		// The source first, as by whoever changes it and its run.
		_, err := tx.Exec(ctx, `SELECT FROM sources WHERE id = (SELECT source_id FROM runs WHERE id = $1) FOR NO KEY UPDATE`, l.Run)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			WITH done AS (
				UPDATE runs SET state = CASE WHEN cancel THEN 'cancelled' WHEN $3 = 'succeeded' AND failed > 0 THEN 'partial' ELSE $3 END, reason = $4, finished_at = now(), lease_until = NULL,
				       preview = $8, warnings = $9
				WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING source_id, state, dry_run, started_at)
			UPDATE sources s SET
			    pruned_at = CASE WHEN $5 THEN now() ELSE s.pruned_at END,
			    permissions_synced_at = CASE WHEN $6 THEN greatest(done.started_at, s.permissions_synced_at) ELSE s.permissions_synced_at END,
			    degraded_since = CASE WHEN $6 THEN NULL WHEN $7 THEN coalesce(s.degraded_since, now()) ELSE s.degraded_since END
			FROM done
			WHERE ($5 OR $6 OR $7) AND s.id = done.source_id AND NOT done.dry_run AND done.state <> 'cancelled'`,
			l.Run, l.Attempt, e.State, e.Reason, e.Pruned, e.Permissions == jobs.PermissionsSynced, e.Permissions == jobs.PermissionsDegraded, e.Preview, e.Warnings)
		return err
	})
	if err != nil {
		return fmt.Errorf("finish run: %w", err)
	}
	return nil
}

// PermissionsRead notes that a run which goes on was told all permissions, as they
// were some time ago.
func (db *DB) PermissionsRead(ctx context.Context, l ingest.Lease, ago time.Duration) error {
	_, err := db.worker.Exec(ctx, `
		UPDATE sources s SET permissions_synced_at = greatest(now() - $3::interval, s.permissions_synced_at), degraded_since = NULL
		FROM runs r
		WHERE r.id = $1 AND r.attempt = $2 AND r.state = 'running' AND NOT r.cancel AND s.id = r.source_id`, l.Run, l.Attempt, ago)
	if err != nil {
		return fmt.Errorf("permissions of a run: %w", err)
	}
	return nil
}

// settingsChanged is the reason of a run that begins anew.
const settingsChanged = "The settings of the source were changed: the run has begun anew."

// beginAnew takes a running run of a source from its worker, which knows former
// settings and can commit nothing more: it is queued as one whose worker has died, and
// reads the source from the beginning. The source must be locked.
func beginAnew(ctx context.Context, tx pgx.Tx, source cairn.SourceID) error {
	if _, err := tx.Exec(ctx, `UPDATE sources SET cursor = '' WHERE id = $1 AND cursor <> ''`, source); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE runs SET state = 'queued', lease_until = now(), reason = $2
		WHERE source_id = $1 AND state = 'running' AND NOT cancel`, source, settingsChanged)
	return err
}

// CancelRun ends the unfinished run of a source; a worker that is busy with it
// stops at its next sign of life or commit.
func (db *DB) CancelRun(ctx context.Context, source cairn.SourceID) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		tag, err := tx.Exec(ctx, `
			UPDATE runs SET cancel = true,
			       state = CASE WHEN state = 'queued' OR lease_until < now() THEN 'cancelled' ELSE state END,
			       finished_at = CASE WHEN state = 'queued' OR lease_until < now() THEN now() END
			WHERE source_id = $1 AND state IN ('queued', 'running')`, source)
		if err != nil || tag.RowsAffected() == 0 {
			return changed{}, err
		}
		return changed{action: audit.SourceCancel, kind: audit.KindSource, id: string(source)}, nil
	})
	if err != nil {
		return fmt.Errorf("cancel run: %w", err)
	}
	return nil
}

// queuePatience is how long a queued run waits for a process to take it before
// somebody looks whether its job was lost.
const queuePatience = time.Minute

// Requeue queues abandoned runs anew and calls enqueue for each in the same
// transaction. Abandoned are those whose worker has died, and queued ones for
// which no job waits: it was lost between its start and the taking of the run.
// Runs that were cancelled meanwhile or have been tried too often end.
func (db *DB) Requeue(ctx context.Context, enqueue func(tx pgx.Tx, run string, permissionsOnly bool) error) error {
	_, err := db.worker.Exec(ctx, `
		UPDATE runs SET state = CASE WHEN cancel THEN 'cancelled' ELSE 'failed' END, finished_at = now(), lease_until = NULL,
		       reason = CASE WHEN cancel THEN '' ELSE 'The server stopped again and again while it worked on this run.' END
		WHERE (state = 'queued' OR (state = 'running' AND lease_until < now())) AND (cancel OR attempt >= $1)`, maxRunAttempts)
	if err != nil {
		return fmt.Errorf("abandoned runs: %w", err)
	}
	err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		// Several replicas may do this at once: the row is locked and checked
		// again, so that one of them queues a run.
		rows, err := tx.Query(ctx, `
			UPDATE runs SET state = 'queued', lease_until = now() + $1::interval
			WHERE (state = 'running' AND lease_until < now())
			   OR (state = 'queued' AND coalesce(lease_until, created_at + $1::interval) < now()
			       AND NOT EXISTS (SELECT FROM river_job j
			                       WHERE j.kind = $2 AND j.state = 'available' AND j.args->>'run' = runs.id))
			RETURNING id, permissions_only`, queuePatience, jobs.SyncKind)
		if err != nil {
			return err
		}
		type abandoned struct {
			ID              string
			PermissionsOnly bool
		}
		runs, err := pgx.CollectRows(rows, pgx.RowToStructByName[abandoned])
		if err != nil {
			return err
		}
		for _, r := range runs {
			if err := enqueue(tx, r.ID, r.PermissionsOnly); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("abandoned runs: %w", err)
	}
	return nil
}

// EndLeases lets all work be taken over at once. It is for a process that knows
// to be the only one on this database: the one that has just started its own.
func (db *DB) EndLeases(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `UPDATE runs SET lease_until = now() - interval '1 second' WHERE state IN ('queued', 'running')`)
	if err != nil {
		return fmt.Errorf("end leases: %w", err)
	}
	_, err = db.worker.Exec(ctx, `UPDATE messages SET lease_until = now() - interval '1 second' WHERE state = 'running'`)
	if err != nil {
		return fmt.Errorf("end leases: %w", err)
	}
	return nil
}
