package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Runs = (*DB)(nil)

// runRow is a run as the database has it.
type runRow struct {
	ID       string
	SourceID cairn.SourceID
	State    cairn.RunState
	Full     bool
	DryRun   bool
	Confirm  bool
	Reason   string

	PermissionsOnly bool
	PartsOnly       bool
	Scheduled       bool
	CreatedAt       time.Time
	StartedAt       *time.Time
	FinishedAt      *time.Time
	Total           int
	Phase           string
	Rate            float64
	Preview         *cairn.RunPreview
	Warnings        []cairn.RunWarning
	cairn.Counts
}

func (r runRow) run() cairn.Run {
	run := cairn.Run{
		ID: r.ID, Source: r.SourceID, State: r.State, Full: r.Full, DryRun: r.DryRun, Confirm: r.Confirm,
		PermissionsOnly: r.PermissionsOnly, PartsOnly: r.PartsOnly, Scheduled: r.Scheduled, Reason: r.Reason,
		Created: r.CreatedAt, Started: orZero(r.StartedAt), Finished: orZero(r.FinishedAt),
		Total: r.Total, Counts: r.Counts, Preview: r.Preview, Warnings: r.Warnings,
	}
	if r.State == cairn.RunRunning {
		run.Phase, run.Rate = r.Phase, r.Rate
	}
	return run
}

// RunByID returns one run, or ErrNotFound.
func (db *DB) RunByID(ctx context.Context, id string) (cairn.Run, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT id, source_id, state, "full", dry_run, confirm, permissions_only, parts_only, scheduled, reason, created_at, started_at, finished_at,
		       total, phase, rate, preview, warnings, scanned, added, modified, deleted, failed, unchanged
		FROM runs WHERE id = $1`, id)
	if err != nil {
		return cairn.Run{}, fmt.Errorf("run: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[runRow])
	if err != nil {
		return cairn.Run{}, fmt.Errorf("run: %w", missing(err))
	}
	run := r.run()
	if err := db.addAddresses(ctx, []cairn.Run{run}); err != nil {
		return cairn.Run{}, fmt.Errorf("run: %w", err)
	}
	return run, nil
}

// ListRuns implements api.Runs.
func (db *DB) ListRuns(ctx context.Context, source cairn.SourceID, p api.Page) ([]cairn.Run, string, error) {
	from, err := after[timeKey]("runs", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT id, source_id, state, "full", dry_run, confirm, permissions_only, parts_only, scheduled, reason, created_at, started_at, finished_at,
		       total, phase, rate, preview, warnings, scanned, added, modified, deleted, failed, unchanged
		FROM runs
		WHERE source_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
		ORDER BY created_at DESC, id DESC LIMIT $4`, source, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	runs, next, err := pageOf(rows, "runs", p.Limit, func(r runRow) timeKey { return timeKey{r.CreatedAt, r.ID} }, runRow.run)
	if err != nil {
		return nil, "", err
	}
	if err := db.addAddresses(ctx, runs); err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	return runs, next, nil
}

// addAddresses gives the accounts that previews name their addresses, which are not
// stored with them.
func (db *DB) addAddresses(ctx context.Context, runs []cairn.Run) error {
	named := make(map[cairn.AccountID][]*cairn.AccountChange)
	for _, r := range runs {
		if r.Preview == nil || r.Preview.Access == nil {
			continue
		}
		a := r.Preview.Access
		lists := [][]cairn.AccountChange{a.Lose.First, a.Gain.First}
		for _, d := range a.First {
			lists = append(lists, d.Lose.First, d.Gain.First)
		}
		for _, list := range lists {
			for i := range list {
				named[list[i].ID] = append(named[list[i].ID], &list[i])
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	rows, err := db.worker.Query(ctx, `SELECT id, coalesce(email, '') FROM accounts WHERE id = ANY ($1)`, slices.Collect(maps.Keys(named)))
	if err != nil {
		return err
	}
	var id cairn.AccountID
	var email string
	_, err = pgx.ForEachRow(rows, []any{&id, &email}, func() error {
		for _, a := range named[id] {
			a.Email = email
		}
		return nil
	})
	return err
}

// lastRuns returns, of each source that has one, the newest run that reads documents, of whole sources.
func (db *DB) lastRuns(ctx context.Context, sources []cairn.SourceID) (map[cairn.SourceID]*cairn.Run, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT r.id, r.source_id, r.state, r."full", r.dry_run, r.confirm, r.permissions_only, r.parts_only, r.scheduled, r.reason, r.created_at, r.started_at, r.finished_at,
		       r.total, r.phase, r.rate, NULL::jsonb AS preview, r.warnings, r.scanned, r.added, r.modified, r.deleted, r.failed, r.unchanged
		FROM unnest($1::text[]) AS s (id)
		CROSS JOIN LATERAL (SELECT * FROM runs WHERE source_id = s.id AND NOT permissions_only AND NOT parts_only ORDER BY created_at DESC, id DESC LIMIT 1) r`, sources)
	if err != nil {
		return nil, fmt.Errorf("last runs: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[runRow])
	if err != nil {
		return nil, fmt.Errorf("last runs: %w", err)
	}
	last := make(map[cairn.SourceID]*cairn.Run, len(found))
	for _, r := range found {
		run := r.run()
		last[r.SourceID] = &run
	}
	return last, nil
}

// ListErrors implements api.Runs.
func (db *DB) ListErrors(ctx context.Context, source cairn.SourceID, p api.Page) ([]cairn.DocumentError, string, error) {
	from, err := after[timeKey]("errors", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT external_id AS external, url, code, reason, attempts, at
		FROM document_errors
		WHERE source_id = $1 AND ($2::timestamptz IS NULL OR (at, external_id) < ($2, $3))
		ORDER BY at DESC, external_id DESC LIMIT $4`, source, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list errors: %w", err)
	}
	errs, err := pgx.CollectRows(rows, pgx.RowToStructByName[cairn.DocumentError])
	if err != nil {
		return nil, "", fmt.Errorf("list errors: %w", err)
	}
	errs, next := nextPage("errors", errs, p.Limit, func(e cairn.DocumentError) timeKey { return timeKey{e.At, e.External} })
	return errs, next, nil
}

// RetryErrors implements api.Runs: what failed counts as never tried.
func (db *DB) RetryErrors(ctx context.Context, source cairn.SourceID, externals []string) (int, error) {
	retried := 0
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		tag, err := tx.Exec(ctx, `
			UPDATE document_errors SET attempts = 0, revision = ''
			WHERE source_id = $1 AND (coalesce(cardinality($2::text[]), 0) = 0 OR external_id = ANY ($2))`, source, externals)
		retried = int(tag.RowsAffected())
		return changed{action: audit.SourceRetry, kind: audit.KindSource, id: string(source), detail: fmt.Sprintf("documents:%d", retried)},
			refused(err, "")
	})
	if err != nil {
		return 0, fmt.Errorf("retry errors: %w", err)
	}
	return retried, nil
}
