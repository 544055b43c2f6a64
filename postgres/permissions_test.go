package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/server/api"
)

// begin queues a run of a source and takes it.
func (f *fixture) begin(s cairn.Source, o cairn.SyncOptions) jobs.Taken {
	f.t.Helper()
	run, err := f.QueueRun(f.t.Context(), s.ID, o, func(pgx.Tx, string) error { return nil })
	f.check(err)
	taken, ok, err := f.TakeRun(f.t.Context(), run.ID)
	f.check(err)
	if !ok {
		f.t.Fatal("the run cannot be taken")
	}
	return taken
}

func TestFinishedRunsSayHowFreshPermissionsAre(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("s", cairn.Allow(cairn.Everyone))
	status := func() api.SourceStatus {
		t.Helper()
		got, err := f.SourceByName(t.Context(), "s")
		f.check(err)
		return got
	}
	finish := func(o cairn.SyncOptions, e jobs.Ending) api.SourceStatus {
		t.Helper()
		f.check(f.FinishRun(t.Context(), f.begin(s, o).Lease, e))
		return status()
	}
	only := cairn.SyncOptions{PermissionsOnly: true}
	synced := jobs.Ending{State: cairn.RunSucceeded, Permissions: jobs.PermissionsSynced}
	broken := jobs.Ending{State: cairn.RunFailed, Reason: "away", Permissions: jobs.PermissionsDegraded}
	if got := finish(only, jobs.Ending{State: cairn.RunSucceeded}); !got.PermissionsSynced.IsZero() || got.Degraded != nil || got.LastRun != nil {
		t.Errorf("untouched: %+v", got)
	}
	first := finish(only, synced)
	if first.PermissionsSynced.IsZero() || first.Degraded != nil {
		t.Errorf("synced: %+v", first)
	}
	worse := finish(only, broken)
	if worse.Degraded == nil || worse.Degraded.Reason != "away" || !worse.PermissionsSynced.Equal(first.PermissionsSynced) {
		t.Fatalf("degraded: %+v", worse)
	}
	broken.Reason = "still away"
	if got := finish(only, broken); !got.Degraded.Since.Equal(worse.Degraded.Since) || got.Degraded.Reason != "still away" {
		t.Errorf("degraded again: %+v", got.Degraded)
	}
	if got := finish(cairn.SyncOptions{DryRun: true}, synced); got.Degraded == nil {
		t.Error("a dry run counts")
	}
	f.exec(`UPDATE runs SET reason = ''`)
	if got := status(); got.Degraded == nil || got.Degraded.Reason == "" {
		t.Errorf("no run has a reason: %+v", got.Degraded)
	}
	cancelled := f.begin(s, only)
	f.check(f.CancelRun(t.Context(), s.ID))
	f.check(f.FinishRun(t.Context(), cancelled.Lease, synced))
	if got := status(); got.Degraded == nil {
		t.Error("a run that was cancelled counts")
	}
	if got := finish(cairn.SyncOptions{}, synced); got.Degraded != nil || !got.PermissionsSynced.After(first.PermissionsSynced) || got.LastRun == nil {
		t.Errorf("recovered: %+v", got)
	}
}

// Runs that only bring permissions are many: they go after a day, but for the last
// one, which says how it went.
func TestRunsOfPermissionsExpire(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("s", cairn.Allow(cairn.Everyone))
	f.exec(`INSERT INTO runs (id, source_id, state, permissions_only, created_at, finished_at)
		SELECT id, $1, state, id <> 'reads', now() - age::interval, now() - age::interval FROM (VALUES
			('reads', 'succeeded', '9 days'), ('older', 'failed', '8 days'), ('old', 'succeeded', '7 days'), ('last', 'failed', '3 days'),
			('gave way', 'cancelled', '2 days')) r (id, state, age)`, s.ID)
	f.check(f.EraseExpired(t.Context()))
	runs, _, err := f.ListRuns(t.Context(), s.ID, api.Page{Limit: 10})
	f.check(err)
	var left []string
	for _, r := range runs {
		left = append(left, r.ID)
	}
	if len(left) != 3 || left[0] != "gave way" || left[1] != "last" || left[2] != "reads" {
		t.Errorf("left are %q", left)
	}
	f.exec(`INSERT INTO runs (id, source_id, state, permissions_only, created_at, finished_at) VALUES ('new', $1, 'succeeded', true, now(), now())`, s.ID)
	f.check(f.EraseExpired(t.Context()))
	if n := f.count(`SELECT count(*) FROM runs`); n != 2 {
		t.Errorf("%d runs are left, want that which reads documents and the last one", n)
	}
	if due, err := f.DuePermissions(t.Context(), time.Minute); err != nil || len(due) != 0 {
		t.Errorf("a source without documents is due: %+v, %v", due, err)
	}
}
