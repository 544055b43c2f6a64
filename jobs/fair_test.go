package jobs_test

import (
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
)

// TestOneWorkerServesASmallSourceBesideAHugeOne has one worker, a source, and one that is a
// hundred times as large and came first. The connector of the huge one goes on where it
// was: no document is read twice, none is left out.
func TestOneWorkerServesASmallSourceBesideAHugeOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 2000, pause: 2 * time.Millisecond})
	small, err := s.db.CreateSource(t.Context(), cairn.Source{Name: "small", Kind: "small", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(t, err)
	r := s.runner(func(c *jobs.Config) {
		c.SyncsAtOnce, c.Slice = 1, 100*time.Millisecond
		c.Kinds["small"] = connectors.Kind{Name: "small", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) {
			return tap{documents: 20}, nil
		}}
	})
	huge, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	s.wait(huge.ID, "begun", func(r cairn.Run) bool { return r.Added > 0 })
	asked, err := r.Sync(t.Context(), small.ID, cairn.SyncOptions{})
	check(t, err)
	done := s.wait(asked.ID, "finished", final)
	between, err := s.db.RunByID(t.Context(), huge.ID)
	check(t, err)
	if done.State != cairn.RunSucceeded || done.Added != 20 || between.State != cairn.RunRunning {
		t.Errorf("the small one: %+v; the huge one at its end: %+v", done, between)
	}
	if last := s.wait(huge.ID, "finished", final); last.State != cairn.RunSucceeded || last.Added != 2000 || last.Scanned != 2000 {
		t.Errorf("the huge one: %+v", last)
	}
	var attempts int
	check(t, s.db.Worker().QueryRow(t.Context(), `SELECT max(attempt) FROM runs`).Scan(&attempts))
	if attempts != 1 {
		t.Errorf("%d attempts", attempts)
	}
}

// TestWaitingRunIsNotLost lets a run wait for the only worker longer than a queued run may
// wait for a process: it has one job, and its waiting ends when it is cancelled.
func TestWaitingRunIsNotLost(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 1000, pause: time.Second})
	other, err := s.db.CreateSource(t.Context(), cairn.Source{Name: "other", Kind: "tap", ACLMode: cairn.ACLDeclared})
	check(t, err)
	r := s.runner(func(c *jobs.Config) { c.SyncsAtOnce, c.Slice = 1, time.Hour })
	first, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	s.wait(first.ID, "begun", func(r cairn.Run) bool { return r.State == cairn.RunRunning })
	jobsOf := func(run string) (n int) {
		t.Helper()
		check(t, s.db.Worker().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE args->>'run' = $1`, run).Scan(&n))
		return n
	}
	waiting, err := r.Sync(t.Context(), other.ID, cairn.SyncOptions{})
	check(t, err)
	s.exec(`UPDATE runs SET created_at = now() - interval '1 hour' WHERE state = 'queued'`)
	s.wait(waiting.ID, "waited for", func(cairn.Run) bool {
		var kept bool
		check(t, s.db.Worker().QueryRow(t.Context(), `SELECT lease_until > now() FROM runs WHERE id = $1 AND lease_until IS NOT NULL UNION ALL SELECT false LIMIT 1`, waiting.ID).Scan(&kept))
		return kept
	})
	check(t, s.db.Requeue(t.Context(), nil)) // it would call this for a run whose job is lost
	if run, err := s.db.RunByID(t.Context(), waiting.ID); err != nil || run.State != cairn.RunQueued || jobsOf(run.ID) != 1 {
		t.Errorf("%+v, %v, with %d jobs", run, err, jobsOf(waiting.ID))
	}
	check(t, r.Cancel(t.Context(), other.ID))
	check(t, r.Cancel(t.Context(), s.source.ID))
	s.wait(first.ID, "cancelled", final)
	s.wait(waiting.ID, "cancelled", final)
}

// TestRunTellsHowFarItIs looks at a run of which two of every three documents are left.
func TestRunTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 2000, pause: 20 * time.Millisecond})
	r := s.runner()
	run, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	far := s.wait(run.ID, "measured", func(r cairn.Run) bool { return r.Rate > 0 })
	if far.Phase != "reading" || far.Rate > 55 || far.Remaining() != 0 {
		t.Errorf("%+v, %v left", far, far.Remaining())
	}
	s.exec(`UPDATE runs SET total = scanned * 3, rate = 20`)
	far, err = s.db.RunByID(t.Context(), run.ID)
	check(t, err)
	if want := time.Duration(far.Total-far.Scanned) * time.Second / 20; (far.Remaining() - want).Abs() > time.Second {
		t.Errorf("%+v, %v left, want %v", far, far.Remaining(), want)
	}
	check(t, r.Cancel(t.Context(), s.source.ID))
	if done := s.wait(run.ID, "cancelled", final); done.Phase != "" || done.Rate != 0 || done.Remaining() != 0 {
		t.Errorf("at its end: %+v", done)
	}
}
