package jobs_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
)

// scheduled gives the source a schedule that holds since some hours ago.
func (s *site) scheduled(text string) {
	s.t.Helper()
	_, err := s.db.UpdateSource(s.t.Context(), s.source.ID, func(x *cairn.Source) error {
		x.Settings = map[string]string{connectors.Schedule: text}
		return nil
	})
	check(s.t, err)
	s.exec(`UPDATE sources SET scheduled_at = now() - interval '30 hours'`)
}

// runs returns the runs of the source, newest first.
func (s *site) runs() (runs []cairn.Run) {
	s.t.Helper()
	rows, err := s.db.Worker().Query(s.t.Context(), `SELECT id FROM runs ORDER BY created_at DESC, id DESC`)
	check(s.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(s.t, err)
	for _, id := range ids {
		run, err := s.db.RunByID(s.t.Context(), id)
		check(s.t, err)
		runs = append(runs, run)
	}
	return runs
}

// idle returns a runner that works on nothing, and whose clock is Tick.
func (s *site) idle() *jobs.Runner {
	s.t.Helper()
	r, err := jobs.New(jobs.Config{
		Pool: s.db.Worker(), Runs: s.db, Log: slog.New(slog.DiscardHandler),
		Kinds: connectors.NewRegistry(connectors.Kind{Name: "tap"}, connectors.Kind{Name: "push", Pushed: true}),
	})
	check(s.t, err)
	return r
}

// finish ends all runs as if they had been worked on.
func (s *site) finish(state cairn.RunState, ago string) {
	s.t.Helper()
	s.exec(`UPDATE runs SET state = '` + string(state) + `', started_at = now() - interval '` + ago + `', finished_at = now() - interval '` + ago +
		`', created_at = created_at - interval '` + ago + `' WHERE state IN ('queued', 'running')`)
}

// TestMissedSyncIsMadeUpOnce leaves a source alone for thirty hours in which thirty syncs
// were due, and then lets replicas find it, all at once and again and again.
func TestMissedSyncIsMadeUpOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	s.scheduled("1h")
	replicas := []*jobs.Runner{s.idle(), s.idle(), s.idle(), s.idle()}
	tick := func() {
		var all sync.WaitGroup
		for range 5 {
			for _, r := range replicas {
				all.Go(func() { jobs.Schedule(t.Context(), r) })
			}
		}
		all.Wait()
	}
	tick()
	if runs := s.runs(); len(runs) != 1 || !runs[0].Scheduled || runs[0].State != cairn.RunQueued {
		t.Fatalf("what was missed is %d runs: %+v", len(runs), runs)
	}
	s.finish(cairn.RunSucceeded, "0")
	tick()
	if runs := s.runs(); len(runs) != 1 {
		t.Fatalf("%d runs after the first has ended", len(runs))
	}
	s.exec(`UPDATE runs SET finished_at = now() - interval '50 minutes'`)
	tick()
	if runs := s.runs(); len(runs) != 1 {
		t.Fatalf("%d runs before the next is due", len(runs))
	}
	s.exec(`UPDATE runs SET finished_at = now() - interval '66 minutes'`)
	tick()
	if runs := s.runs(); len(runs) != 2 {
		t.Errorf("%d runs when the next is due", len(runs))
	}
}

// TestRaceForADueSource ends the run of the first replica before the second, which has
// found the source due as well, comes to queue one.
func TestRaceForADueSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	s.scheduled("1h")
	second := s.idle()
	found, err := s.db.Idle(t.Context())
	if err != nil || len(found) != 1 || !jobs.Due(second, found[0]) {
		t.Fatalf("%+v, %v", found, err)
	}
	jobs.Schedule(t.Context(), s.idle())
	s.finish(cairn.RunSucceeded, "0")
	check(t, s.db.QueueScheduled(t.Context(), s.source.ID, func(i jobs.Idle) bool { return jobs.Due(second, i) },
		func(pgx.Tx, string) error { t.Error("a second run was queued"); return nil }))
}

func TestFailingSourceIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	s.scheduled("1h")
	r := s.idle()
	for range 3 {
		s.exec(`UPDATE runs SET finished_at = finished_at - interval '2 days', created_at = created_at - interval '2 days'`)
		jobs.Schedule(t.Context(), r)
		s.finish(cairn.RunFailed, "0")
	}
	status := func() (failures int) {
		t.Helper()
		found, err := s.db.SourceByName(t.Context(), s.source.Name)
		check(t, err)
		return found.LastSync.Failures
	}
	newest := `UPDATE runs SET finished_at = now() - interval '%' WHERE id = (SELECT id FROM runs ORDER BY created_at DESC LIMIT 1)`
	for _, c := range []struct {
		ago  string
		runs int
	}{{"7 hours", 3}, {"8 hours 6 minutes", 4}} { // 1h doubled three times
		s.exec(strings.ReplaceAll(newest, "%", c.ago))
		jobs.Schedule(t.Context(), r)
		if runs := s.runs(); len(runs) != c.runs || status() != 3 {
			t.Errorf("%s later there are %d runs after %d failures, want %d after 3", c.ago, len(runs), status(), c.runs)
		}
	}
	s.finish(cairn.RunSucceeded, "0")
	if status() != 0 {
		t.Errorf("a sync that succeeded leaves %d failures", status())
	}
}

func TestPausedAndUnscheduledSourcesRest(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	r := s.idle()
	none := func(why string) {
		t.Helper()
		s.exec(`UPDATE sources SET scheduled_at = now() - interval '30 hours'`)
		jobs.Schedule(t.Context(), r)
		if runs := s.runs(); len(runs) != 0 {
			t.Errorf("%s: %+v", why, runs)
		}
	}
	none("its kind has no schedule")
	s.scheduled("off")
	none("it is off")
	s.scheduled("no schedule")
	none("it cannot be read")
	s.scheduled("1h")
	paused := func(p bool) {
		t.Helper()
		_, err := s.db.UpdateSource(t.Context(), s.source.ID, func(x *cairn.Source) error { x.Paused = p; return nil })
		check(t, err)
	}
	paused(true)
	none("it is paused")
	paused(false)
	// A cron expression counts from when it was set, or the source resumed.
	_, err := s.db.UpdateSource(t.Context(), s.source.ID, func(x *cairn.Source) error {
		x.Settings = map[string]string{connectors.Schedule: time.Now().UTC().Add(-2*time.Hour).Format("04 15") + " * * *"}
		return nil
	})
	check(t, err)
	jobs.Schedule(t.Context(), r)
	if runs := s.runs(); len(runs) != 0 {
		t.Errorf("set after its time: %+v", runs)
	}
	paused(true)
	s.exec(`UPDATE sources SET scheduled_at = now() - interval '30 hours'`)
	paused(false)
	jobs.Schedule(t.Context(), r)
	if runs := s.runs(); len(runs) != 0 {
		t.Errorf("resumed after its time: %+v", runs)
	}
}

// TestAskedForComesBeforeTheClock asks for syncs of a source whose scheduled run waits or
// is at work.
func TestAskedForComesBeforeTheClock(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	s.scheduled("1h")
	r := s.idle()
	jobs.Schedule(t.Context(), r)
	clock := s.runs()[0]
	run, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	if run.ID != clock.ID || run.Scheduled {
		t.Errorf("a run that waits becomes that of the person: %+v", run)
	}
	var priorities []int
	rows, err := s.db.Worker().Query(t.Context(), `SELECT priority FROM river_job WHERE args->>'run' = $1 ORDER BY id`, run.ID)
	check(t, err)
	priorities, err = pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(priorities) != 2 || priorities[1] >= priorities[0] {
		t.Errorf("jobs have the priorities %v, %v", priorities, err)
	}
	s.finish(cairn.RunSucceeded, "3 hours")

	jobs.Schedule(t.Context(), r)
	clock = s.runs()[0]
	if _, ok, err := s.db.TakeRun(t.Context(), clock.ID); err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	if run, err = r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{}); err != nil || run.ID != clock.ID {
		t.Errorf("a run that is at work is followed: %+v, %v", run, err)
	}
	s.exec(`UPDATE runs SET scheduled = true WHERE state = 'running'`)
	if run, err = r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{Full: true}); err != nil || run.ID == clock.ID || !run.Full {
		t.Errorf("a full one takes its place: %+v, %v", run, err)
	}
	if clock, err = s.db.RunByID(t.Context(), clock.ID); err != nil || clock.State != cairn.RunCancelled || clock.Reason == "" {
		t.Errorf("the clock's: %+v, %v", clock, err)
	}
}
