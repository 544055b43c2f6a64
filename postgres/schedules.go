package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/jobs/schedule"
)

// lastSyncs joins to sources s what the schedule of each counts from. A run that was
// cancelled has ended, and says nothing of the source; a dry run is none of the schedule's.
// Twelve failures are enough for a minute, doubled, to become a day.
const lastSyncs = `
	LEFT JOIN LATERAL (
		SELECT max(r.finished_at) AS finished, count(*) FILTER (WHERE r.failing AND r.state = 'failed') AS failures
		FROM (SELECT finished_at, state, bool_and(state IN ('failed', 'cancelled')) OVER (ORDER BY created_at DESC, id DESC) AS failing
		      FROM (SELECT * FROM runs
		            WHERE source_id = s.id AND NOT permissions_only AND NOT parts_only AND NOT dry_run AND finished_at IS NOT NULL
		            ORDER BY created_at DESC, id DESC LIMIT 12) newest) r) last ON true`

// atWork is whether a source s has an unfinished run that reads documents.
const atWork = `EXISTS (SELECT FROM runs u WHERE u.source_id = s.id AND u.state IN ('queued', 'running') AND NOT u.permissions_only)`

// dryAtWork is whether that is a dry run.
const dryAtWork = `EXISTS (SELECT FROM runs u WHERE u.source_id = s.id AND u.state IN ('queued', 'running') AND u.dry_run AND NOT u.permissions_only)`

// Idle implements jobs.Runs.
func (db *DB) Idle(ctx context.Context) ([]jobs.Idle, error) {
	return idle(ctx, db.worker, "")
}

// idle returns the sources that the clock may have synchronised: the one named only, or,
// when that is empty, all.
func idle(ctx context.Context, q querier, only cairn.SourceID) ([]jobs.Idle, error) {
	rows, err := q.Query(ctx, `
		SELECT s.id AS source, s.name, s.kind, s.settings ->> $2 AS schedule, s.scheduled_at AS since, last.finished, last.failures, now() AS now
		FROM sources s`+lastSyncs+`
		WHERE ($1 = '' OR s.id = $1) AND NOT s.paused AND s.settings ->> $2 IS DISTINCT FROM $3 AND NOT `+atWork+`
		ORDER BY s.name`, only, connectors.Schedule, schedule.Off)
	if err != nil {
		return nil, fmt.Errorf("sources at rest: %w", err)
	}
	type idleRow struct {
		Source   cairn.SourceID
		Name     string
		Kind     string
		Schedule *string
		Since    time.Time
		Finished *time.Time
		Failures int
		Now      time.Time
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[idleRow])
	if err != nil {
		return nil, fmt.Errorf("sources at rest: %w", err)
	}
	out := make([]jobs.Idle, len(found))
	for i, r := range found {
		out[i] = jobs.Idle{Source: r.Source, Name: r.Name, Kind: r.Kind, Now: r.Now, Last: schedule.Last{Since: r.Since, Finished: orZero(r.Finished), Failures: r.Failures}}
		if r.Schedule != nil {
			out[i].Settings = map[string]string{connectors.Schedule: *r.Schedule}
		}
	}
	return out, nil
}

// QueueScheduled implements jobs.Runs.
func (db *DB) QueueScheduled(ctx context.Context, source cairn.SourceID, due func(jobs.Idle) bool, enqueue func(tx pgx.Tx, run string) error) error {
	return db.queueUnasked(ctx, source, unasked{}, func(tx pgx.Tx) (bool, error) {
		now, err := idle(ctx, tx, source)
		return err == nil && len(now) > 0 && due(now[0]), err
	}, enqueue)
}

// unasked is what is told of a run that nobody has asked for.
type unasked struct {
	told      bool // by webhooks
	partsOnly bool // it reads parts of the source alone
}

// queueUnasked queues a run of a source that nobody has asked for, if it is due. The source
// is held while it is looked at again, so that one of several replicas which all find it
// due queues the run, however fast that ends.
func (db *DB) queueUnasked(ctx context.Context, source cairn.SourceID, kind unasked, due func(tx pgx.Tx) (bool, error), enqueue func(tx pgx.Tx, run string) error) error {
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		// The source first, as by whoever changes it and its run.
		if _, err := tx.Exec(ctx, `SELECT FROM sources WHERE id = $1 FOR NO KEY UPDATE`, source); err != nil {
			return err
		}
		if is, err := due(tx); err != nil || !is {
			return err
		}
		if err := supersede(ctx, tx, source, false); err != nil {
			return err
		}
		id := cairn.NewID()
		tag, err := tx.Exec(ctx, `
			INSERT INTO runs (id, source_id, scheduled, told, parts_only) VALUES ($1, $2, true, $3, $4)
			ON CONFLICT DO NOTHING`, id, source, kind.told, kind.partsOnly)
		if err != nil || tag.RowsAffected() == 0 { // somebody has asked for one meanwhile
			return err
		}
		return enqueue(tx, id)
	})
	if err != nil {
		return fmt.Errorf("queue scheduled run: %w", err)
	}
	return nil
}
