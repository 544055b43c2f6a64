package jobs_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/server/hooks"
)

var deliveries atomic.Int64

// tell has the webhook of the source tell of something.
func (s *site) tell(what connectors.Tells) { s.t.Helper(); s.tellOf(what, "") }

// tellOf has it tell of a part.
func (s *site) tellOf(what connectors.Tells, part string) {
	s.t.Helper()
	id := fmt.Sprint(deliveries.Add(1))
	fresh, err := s.db.NoteDelivery(s.t.Context(), s.source.ID, hooks.Delivery{ID: id, Event: "test", Tells: what, Part: part})
	check(s.t, err)
	if !fresh {
		s.t.Fatal("a new delivery is known")
	}
}

// later lets time pass: all that has happened is so much longer ago.
func (s *site) later(d time.Duration) {
	s.t.Helper()
	by := fmt.Sprintf(" - interval '%f seconds'", d.Seconds())
	s.exec(`UPDATE hook_deliveries SET at = at` + by)
	s.exec(`UPDATE runs SET created_at = created_at` + by + `, started_at = started_at` + by + `, finished_at = finished_at` + by)
	s.exec(`UPDATE sources SET permissions_synced_at = permissions_synced_at` + by + `, pruned_at = pruned_at` + by)
}

// take begins the unfinished run.
func (s *site) take() {
	s.t.Helper()
	if _, ok, err := s.db.TakeRun(s.t.Context(), s.runs()[0].ID); err != nil || !ok {
		s.t.Fatalf("%v, %v", ok, err)
	}
}

// end ends the run that was begun.
func (s *site) end(state cairn.RunState) {
	s.t.Helper()
	s.exec(`UPDATE runs SET state = '` + string(state) + `', finished_at = now(), lease_until = NULL WHERE state = 'running'`)
}

// count holds the number of runs to that which is wanted, after some replicas have looked
// at once.
func (s *site) count(replicas []*jobs.Runner, want int, why string) {
	s.t.Helper()
	var all sync.WaitGroup
	for range 3 {
		for _, r := range replicas {
			all.Go(func() { jobs.Heed(s.t.Context(), r) })
		}
	}
	all.Wait()
	if got := len(s.runs()); got != want {
		s.t.Fatalf("%s: there are %d runs, want %d", why, got, want)
	}
}

// TestHooksAreGathered has a webhook tell of many things, of which four replicas hear.
func TestHooksAreGathered(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	replicas := []*jobs.Runner{s.idle(), s.idle(), s.idle(), s.idle()}
	s.count(replicas, 0, "nothing was told")
	s.tell(connectors.TellsNothing)
	s.later(time.Minute)
	s.count(replicas, 0, "nothing was told of the source")
	for range 5 {
		s.tell(connectors.TellsChange)
	}
	s.count(replicas, 0, "the place may not show it yet")
	s.later(jobs.Settling)
	s.count(replicas, 1, "five are told")
	if run := s.runs()[0]; !run.Scheduled || run.Full || run.PermissionsOnly || run.State != cairn.RunQueued {
		t.Errorf("the run is %+v", run)
	}
	s.count(replicas, 1, "the run waits")
	s.take()
	s.count(replicas, 1, "the run is at work")
	s.tell(connectors.TellsChange)
	s.later(time.Minute)
	s.count(replicas, 1, "the run is at work while more is told")
	s.end(cairn.RunSucceeded)
	s.count(replicas, 1, "the source has its rest")
	s.later(55 * time.Second)
	s.count(replicas, 1, "its rest is as long as the run was")
	s.later(6 * time.Second)
	s.count(replicas, 2, "what was told while a run was at work is in the next")
	s.take()
	s.end(cairn.RunSucceeded)
	s.later(time.Hour)
	s.count(replicas, 2, "all is read")
	s.tell(connectors.TellsChange)
	s.later(jobs.Settling - time.Second)
	s.exec(`INSERT INTO runs (id, source_id, state) VALUES ('asked', '` + string(s.source.ID) + `', 'queued')`)
	s.take()
	s.end(cairn.RunSucceeded)
	s.later(time.Minute)
	s.count(replicas, 4, "a run that began before the place surely showed it does not count")
}

// TestHooksOfSourcesThatRest: of a source that is paused nothing is read; one that fails is
// left alone for longer and longer.
func TestHooksOfSourcesThatRest(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	r := []*jobs.Runner{s.idle()}
	paused := func(p bool) {
		t.Helper()
		_, err := s.db.UpdateSource(t.Context(), s.source.ID, func(x *cairn.Source) error { x.Paused = p; return nil })
		check(t, err)
	}
	paused(true)
	s.tell(connectors.TellsChange)
	s.later(time.Hour)
	s.count(r, 0, "it is paused")
	paused(false)
	s.scheduled("off")
	s.count(r, 1, "it goes on, and has no schedule")
	for failures, rest := range []time.Duration{time.Minute * 2, time.Minute * 4, time.Minute * 8} {
		s.take()
		s.end(cairn.RunFailed)
		s.later(rest - time.Second)
		s.count(r, failures+1, fmt.Sprint(failures+1, " have failed"))
		s.later(2 * time.Second)
		s.count(r, failures+2, fmt.Sprint(rest, " after the last"))
	}
	check(t, r[0].Cancel(t.Context(), s.source.ID))
	s.later(time.Hour)
	s.count(r, 4, "one that was cancelled while it waited is not queued again")
	s.tell(connectors.TellsChange)
	s.later(time.Hour)
	s.count(r, 5, "there is more")
	s.take()
	check(t, r[0].Cancel(t.Context(), s.source.ID))
	s.end(cairn.RunCancelled)
	s.later(time.Hour)
	s.count(r, 5, "one that was cancelled at work is not begun again")
}

// shelf is a tap that lists what it has.
type shelf struct {
	tap
	listed *atomic.Int64 // how often
}

func (s shelf) Externals(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s.listed.Add(1)
		for i := range s.documents {
			if !yield(fmt.Sprint(i), nil) {
				return
			}
		}
	}
}

// TestPermissionsNeedNoSync: where they can be told alone no document is read for them.
func TestPermissionsNeedNoSync(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	_, walled := s.walled()
	r := s.runner(walled)
	s.asked(r, cairn.SyncOptions{})
	s.later(time.Hour)
	s.tell(connectors.TellsPermissions)
	s.later(jobs.Settling)
	s.until("a run", func() bool { return len(s.runs()) == 2 })
	s.later(time.Hour)
	time.Sleep(2500 * time.Millisecond)
	if all := s.runs(); len(all) != 2 || !all[0].PermissionsOnly {
		t.Errorf("the runs are %+v", all)
	}
}

// TestPermissionsComeToTheirEnd: a webhook that never rests ends no run of permissions.
func TestPermissionsComeToTheirEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	r := []*jobs.Runner{s.idle()}
	s.exec(`INSERT INTO runs (id, source_id, permissions_only) VALUES ('permissions', '` + string(s.source.ID) + `', true)`)
	s.take()
	s.tell(connectors.TellsChange)
	s.later(time.Hour)
	s.count(r, 1, "permissions are read")
	if run := s.runs()[0]; run.State != cairn.RunRunning {
		t.Errorf("the run of permissions is %+v", run)
	}
	s.end(cairn.RunSucceeded)
	s.count(r, 2, "they were read")
}

// TestRemovalIsLookedFor: a listing that need not be made for an hour is made when the
// place has told that something is gone, and once.
func TestRemovalIsLookedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 10})
	place := shelf{tap: *s.tap, listed: &atomic.Int64{}}
	s.runner(func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{Name: "tap", PruneEvery: time.Hour, Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return place, nil }}
	})
	read := func(what connectors.Tells) cairn.Run {
		t.Helper()
		before := len(s.runs())
		s.later(time.Minute)
		s.tell(what)
		s.later(jobs.Settling)
		for deadline := time.Now().Add(20 * time.Second); len(s.runs()) == before; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no run after the place has told of a %s", what)
			}
		}
		return s.wait(s.runs()[0].ID, "finished", final)
	}
	if run := read(connectors.TellsChange); run.Added != 10 || place.listed.Load() != 1 {
		t.Fatalf("the first run %+v has listed %d times", run, place.listed.Load())
	}
	place.documents = 9
	if run := read(connectors.TellsChange); run.Deleted != 0 || place.listed.Load() != 1 {
		t.Errorf("after a change, %d are deleted and %d lists were made", run.Deleted, place.listed.Load())
	}
	if run := read(connectors.TellsRemoval); run.Deleted != 1 || place.listed.Load() != 2 {
		t.Errorf("after a removal, %d are deleted and %d lists were made", run.Deleted, place.listed.Load())
	}
	if read(connectors.TellsChange); place.listed.Load() != 2 {
		t.Errorf("after another change, %d lists were made", place.listed.Load())
	}
}

// TestPermissionsAreReadAlone: who may read no longer waits for no document.
func TestPermissionsAreReadAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, walled := s.walled()
	first := s.runner(walled)
	s.asked(first, cairn.SyncOptions{})
	check(t, first.Stop(t.Context()))
	s.later(time.Hour)
	s.exec(`UPDATE runs SET started_at = started_at - interval '10 minutes'`) // it took long: the rest of syncs is long, too
	s.later(-time.Hour + time.Minute)
	s.tell(connectors.TellsChange)
	s.tell(connectors.TellsPermissions)
	s.later(jobs.Settling)
	w.hold = make(chan struct{})
	alone := s.runner(walled)
	s.until("a run of permissions", func() bool { return len(s.permissionRuns(s.source.ID)) == 1 })
	close(w.hold)
	s.until("its end", func() bool { return s.permissionRuns(s.source.ID)[0].State == cairn.RunSucceeded })
	time.Sleep(2500 * time.Millisecond)
	if n := len(s.runs()); n != 2 {
		t.Errorf("there are %d runs, want the sync and one of permissions", n)
	}
	check(t, alone.Stop(t.Context()))

	// Where they cannot be told alone a sync brings them.
	plain := newSite(t, tap{documents: 3})
	plain.tell(connectors.TellsPermissions)
	plain.later(jobs.Settling)
	plain.runner()
	plain.until("a sync", func() bool { return len(plain.runs()) == 1 && plain.runs()[0].State == cairn.RunSucceeded })
	if run := plain.runs()[0]; run.PermissionsOnly || run.Added != 3 {
		t.Errorf("the run is %+v", run)
	}
}

// rack is a shelf that can be read in parts, each of which has one document.
type rack struct {
	shelf
	fails *atomic.Bool
	parts chan []string // that were read
}

func (r rack) Reread(_ context.Context, _ connectors.Cursor, parts []string) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		r.parts <- parts
		if r.fails.Load() {
			yield(connectors.Change{}, cairn.Errorf(cairn.ErrUnavailable, "The site is away."))
			return
		}
		for _, name := range parts {
			c := connectors.Change{External: name, Metadata: connectors.Metadata{Filename: "d.md"}, Cursor: "of a part"}
			c.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("# " + name)), nil }
			if !yield(c, nil) {
				return
			}
		}
	}
}

// TestPartsAreReadAlone: what is told of a part is read soon, in a run that moves neither
// the cursor nor the schedule and removes nothing.
func TestPartsAreReadAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	place := rack{shelf{*s.tap, &atomic.Int64{}}, &atomic.Bool{}, make(chan []string, 9)}
	r := s.runner(func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{Name: "tap", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return place, nil }}
	})
	s.asked(r, cairn.SyncOptions{})
	s.exec(`UPDATE sources SET cursor = 'of all'`)
	s.later(time.Hour)
	before := s.status().LastSync
	for _, name := range []string{"b", "a", "b"} {
		s.tellOf(connectors.TellsChange, name)
	}
	s.later(jobs.Settling)
	s.until("a run", func() bool { return len(s.runs()) == 2 })
	run := s.wait(s.runs()[0].ID, "finished", final)
	if parts := <-place.parts; !slices.Equal(parts, []string{"a", "b"}) || !run.PartsOnly || run.Added != 2 || run.Deleted != 0 || place.listed.Load() != 1 {
		t.Errorf("the parts %q were read by %+v, and %d lists were made", parts, run, place.listed.Load())
	}
	var cursor string
	check(t, s.db.Worker().QueryRow(t.Context(), `SELECT cursor FROM sources`).Scan(&cursor))
	status := s.status()
	if cursor != "of all" || !status.LastSync.Finished.Equal(before.Finished.Add(-jobs.Settling)) || status.LastRun.PartsOnly {
		t.Errorf("the cursor is %q, the last sync %+v (before %+v), the last run %+v", cursor, status.LastSync, before, status.LastRun)
	}

	// More of the same is read after a rest, and alone.
	s.later(time.Minute)
	s.tellOf(connectors.TellsChange, "c")
	s.later(jobs.Settling)
	s.until("another run", func() bool { return len(s.runs()) == 3 })
	s.wait(s.runs()[0].ID, "finished", final)
	if parts := <-place.parts; !slices.Equal(parts, []string{"c"}) {
		t.Errorf("the parts %q were read", parts)
	}

	// What cannot be read in parts is read as a whole, which removes what is no longer there.
	place.fails.Store(true)
	s.later(time.Minute)
	s.tellOf(connectors.TellsChange, "d")
	s.later(jobs.Settling)
	s.until("a run of the part and a sync", func() bool { return len(s.runs()) == 5 })
	all := s.runs()
	if whole := s.wait(all[0].ID, "finished", final); all[1].State != cairn.RunFailed || !all[1].PartsOnly || whole.PartsOnly || !whole.State.Final() || whole.State == cairn.RunFailed {
		t.Errorf("%+v is followed by %+v", all[1], whole)
	}
	time.Sleep(2500 * time.Millisecond)
	if n := len(s.runs()); n != 5 {
		t.Errorf("there are %d runs in the end", n)
	}
}

// TestASyncTakesThePlaceOfAPart: who asks for a sync gets one.
func TestASyncTakesThePlaceOfAPart(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	r := s.idle()
	s.exec(`INSERT INTO runs (id, source_id, scheduled, told, parts_only) VALUES ('part', '` + string(s.source.ID) + `', true, true, true)`)
	run, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	part, err := s.db.RunByID(t.Context(), "part")
	check(t, err)
	if run.ID == "part" || run.PartsOnly || part.State != cairn.RunCancelled {
		t.Errorf("%+v, %+v", run, part)
	}
}

// TestHooksListNoMoreThanTheClock: runs that webhooks begin, which may be many, make a list
// of everything as often as those that the clock begins.
func TestHooksListNoMoreThanTheClock(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	place := shelf{tap: *s.tap, listed: &atomic.Int64{}}
	r := s.runner(func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{Name: "tap", SyncEvery: time.Hour, Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return place, nil }}
	})
	s.asked(r, cairn.SyncOptions{})
	for n, want := range []int64{1, 1, 2} {
		if n == 2 {
			s.exec(`UPDATE sources SET pruned_at = pruned_at - interval '1 hour'`)
		}
		s.later(time.Minute)
		s.tell(connectors.TellsChange)
		s.later(jobs.Settling)
		s.until("a run", func() bool { return len(s.runs()) == n+2 })
		s.wait(s.runs()[0].ID, "finished", final)
		if listed := place.listed.Load(); listed != want {
			t.Errorf("run %d: %d lists, want %d", n, listed, want)
		}
	}
}

// until waits until something is so.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not come: %+v", what, s.runs())
		}
	}
}

// TestForgetDeliveries: what no place repeats any more goes.
func TestForgetDeliveries(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	s.tell(connectors.TellsChange)
	s.later(25 * time.Hour)
	s.tell(connectors.TellsChange)
	check(t, s.db.ForgetDeliveries(t.Context()))
	var n int
	check(t, s.db.Worker().QueryRow(t.Context(), `SELECT count(*) FROM hook_deliveries`).Scan(&n))
	if n != 1 {
		t.Errorf("%d deliveries are left, want that of today", n)
	}
}
