package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/server/api"
)

// wall is a tap that tells who may read its documents: everybody.
type wall struct {
	tap
	fails *atomic.Bool  // the list ends with an error
	hold  chan struct{} // the list waits for it; nil: not at all
}

func (w wall) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		if w.hold != nil {
			select {
			case <-w.hold:
			case <-ctx.Done():
				yield(connectors.Permission{}, ctx.Err())
				return
			}
		}
		acl := cairn.Allow(cairn.Everyone)
		for i := range w.documents {
			if !yield(connectors.Permission{External: fmt.Sprint(i), ACL: &acl}, nil) {
				return
			}
		}
		if w.fails.Load() {
			yield(connectors.Permission{}, cairn.Errorf(cairn.ErrUnavailable, "The site is away."))
		}
	}
}

// walled makes the source one whose permissions can be told alone; the wall is
// returned to be changed before a runner starts.
func (s *site) walled() (*wall, func(*jobs.Config)) {
	w := &wall{tap: *s.tap, fails: &atomic.Bool{}}
	return w, func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{Name: "tap", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return *w, nil }}
	}
}

func (s *site) status() api.SourceStatus {
	s.t.Helper()
	found, err := s.db.SourceByName(s.t.Context(), s.source.Name)
	check(s.t, err)
	return found
}

// permissionRuns returns the runs that only brought permissions.
func (s *site) permissionRuns(source cairn.SourceID) (found []cairn.Run) {
	s.t.Helper()
	runs, _, err := s.db.ListRuns(s.t.Context(), source, api.Page{Limit: 100})
	check(s.t, err)
	for _, r := range runs {
		if r.PermissionsOnly {
			found = append(found, r)
		}
	}
	return found
}

// asked asks for a run and waits for its end.
func (s *site) asked(r *jobs.Runner, o cairn.SyncOptions) cairn.Run {
	s.t.Helper()
	run, err := r.Sync(s.t.Context(), s.source.ID, o)
	check(s.t, err)
	return s.wait(run.ID, "finished", final)
}

var permissionsOnly = cairn.SyncOptions{PermissionsOnly: true}

// TestPermissionsByTheClock starts two replicas on sources that are due: one run is
// queued for that which can have one, and none for the others.
func TestPermissionsByTheClock(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, walled := s.walled()
	first := s.runner(walled)
	s.asked(first, cairn.SyncOptions{})
	check(t, first.Stop(t.Context()))
	for _, other := range []cairn.Source{
		{Name: "paused", Kind: "tap", Paused: true}, {Name: "plain", Kind: "plain"}, {Name: "pushed", Kind: "push"}, {Name: "empty", Kind: "tap"},
	} {
		other.ACLMode = cairn.ACLDeclared
		made, err := s.db.CreateSource(t.Context(), other)
		check(t, err)
		if other.Name != "empty" {
			s.exec(fmt.Sprintf(`INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, acl_id)
				SELECT '%[1]s', id, 'x', 'v', '', 'page', 'X', acl_id FROM sources WHERE id = '%[2]s'`, other.Name, made.ID))
		}
	}
	s.exec(`DELETE FROM river_job WHERE kind = 'chores'`) // instead of waiting for the next minute
	plain := connectors.Kind{Name: "plain", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return w.tap, nil }}
	for range 2 {
		s.runner(walled, func(c *jobs.Config) { c.PermissionsEvery, c.Kinds["plain"] = 5*time.Minute, plain })
	}
	var runs []cairn.Run
	for deadline := time.Now().Add(40 * time.Second); len(runs) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		runs = s.permissionRuns(s.source.ID)
	}
	if len(runs) != 1 {
		t.Fatalf("queued are %+v", runs)
	}
	done := s.wait(runs[0].ID, "finished", final)
	if done.State != cairn.RunSucceeded || done.Modified != 3 {
		t.Errorf("%+v", done)
	}
	all, _, err := s.db.ListSources(t.Context(), api.Page{Limit: 100})
	check(t, err)
	for _, other := range all {
		if runs := s.permissionRuns(other.ID); other.ID != s.source.ID && len(runs) > 0 {
			t.Errorf("%s: queued are %+v", other.Name, runs)
		}
	}
	due := func(want int) {
		t.Helper()
		found, err := s.db.DuePermissions(t.Context(), 4*time.Minute)
		check(t, err)
		n := 0
		for _, f := range found {
			if f.ID == s.source.ID {
				n++
			}
		}
		if n != want {
			t.Errorf("due are %+v", found)
		}
	}
	due(0)
	s.exec(`UPDATE runs SET created_at = created_at - interval '5 minutes'`)
	due(0)
	s.exec(`UPDATE sources SET permissions_synced_at = permissions_synced_at - interval '5 minutes'`)
	due(1)
	s.exec(`INSERT INTO runs (id, source_id, state) SELECT 'now', id, 'running' FROM sources WHERE name = 'tap'`)
	due(0)
}

func TestDegradedAndRecovered(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, walled := s.walled()
	r := s.runner(walled)
	s.asked(r, cairn.SyncOptions{})
	if got := s.status(); !got.PermissionsSynced.IsZero() || got.Degraded != nil {
		t.Errorf("a sync that compared no list: %+v", got)
	}
	if run := s.asked(r, permissionsOnly); run.State != cairn.RunSucceeded || run.Modified != 3 {
		t.Errorf("%+v", run)
	}
	fresh := s.status()
	if fresh.PermissionsSynced.IsZero() || fresh.Degraded != nil || fresh.LastRun.PermissionsOnly {
		t.Errorf("%+v", fresh)
	}
	w.fails.Store(true)
	if run := s.asked(r, permissionsOnly); run.State != cairn.RunFailed || run.Reason != "The site is away." || run.Deleted != 0 {
		t.Errorf("%+v", run)
	}
	first := s.status()
	if first.Degraded == nil || first.Degraded.Reason != "The site is away." || !first.PermissionsSynced.Equal(fresh.PermissionsSynced) {
		t.Fatalf("%+v", first)
	}
	s.asked(r, permissionsOnly)
	s.asked(r, cairn.SyncOptions{}) // which does not know all permissions
	if again := s.status(); again.Degraded == nil || !again.Degraded.Since.Equal(first.Degraded.Since) || again.Degraded.Reason != "The site is away." {
		t.Errorf("%+v", again.Degraded)
	}
	w.fails.Store(false)
	dry := permissionsOnly
	dry.DryRun = true
	s.asked(r, dry)
	if got := s.status(); got.Degraded == nil {
		t.Error("a dry run counts")
	}
	s.asked(r, permissionsOnly)
	if got := s.status(); got.Degraded != nil || !got.PermissionsSynced.After(fresh.PermissionsSynced) {
		t.Errorf("%+v", got)
	}
}

// A source that cannot be opened at all is degraded, too.
func TestUnreachableIsDegraded(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, _ := s.walled()
	r := s.runner(func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{
			Name: "tap",
			Check: func(connectors.Environment, map[string]string) error {
				return cairn.Errorf(cairn.ErrInvalid, "There is no folder.")
			},
			Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return *w, nil },
		}
	})
	s.asked(r, permissionsOnly)
	if got := s.status(); got.Degraded == nil || got.Degraded.Reason != "There is no folder." {
		t.Errorf("%+v", got.Degraded)
	}
}

func TestAskingForPermissions(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, walled := s.walled()
	w.hold = make(chan struct{})
	r := s.runner(walled)
	if _, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{PermissionsOnly: true, Full: true}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("full and permissions only: %v", err)
	}
	held, err := r.Sync(t.Context(), s.source.ID, permissionsOnly)
	check(t, err)
	s.wait(held.ID, "begun", func(r cairn.Run) bool { return r.State == cairn.RunRunning })
	if again, err := r.Sync(t.Context(), s.source.ID, permissionsOnly); err != nil || again.ID != held.ID {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	whole := s.asked(r, cairn.SyncOptions{})
	if whole.ID == held.ID || whole.Added != 3 {
		t.Errorf("a sync beside a run of permissions: %+v", whole)
	}
	if gone := s.wait(held.ID, "cancelled", final); gone.State != cairn.RunCancelled || gone.Reason == "" {
		t.Errorf("%+v", gone)
	}

	slow := newSite(t, tap{documents: 100, pause: 100 * time.Millisecond})
	_, walled = slow.walled()
	r = slow.runner(walled)
	reading, err := r.Sync(t.Context(), slow.source.ID, cairn.SyncOptions{})
	check(t, err)
	if _, err := r.Sync(t.Context(), slow.source.ID, permissionsOnly); !errors.Is(err, cairn.ErrConflict) {
		t.Errorf("while documents are read: %v", err)
	}
	check(t, r.Cancel(t.Context(), slow.source.ID))
	slow.wait(reading.ID, "cancelled", final)

	plain := newSite(t, tap{documents: 3})
	if _, err := plain.runner().Sync(t.Context(), plain.source.ID, permissionsOnly); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a source that cannot tell: %v", err)
	}
}

// TestStoppedRunOfPermissionsGoesOnElsewhere stops a replica in the middle of a run:
// another one takes it up.
func TestStoppedRunOfPermissionsGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	w, walled := s.walled()
	first := s.runner(walled)
	s.asked(first, cairn.SyncOptions{})
	held := *w
	held.hold = make(chan struct{})
	second := s.runner(func(c *jobs.Config) {
		c.Kinds["tap"] = connectors.Kind{Name: "tap", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return held, nil }}
	})
	check(t, first.Stop(t.Context()))
	run, err := second.Sync(t.Context(), s.source.ID, permissionsOnly)
	check(t, err)
	s.wait(run.ID, "begun", func(r cairn.Run) bool { return r.State == cairn.RunRunning })
	check(t, second.Stop(t.Context()))
	check(t, s.db.EndLeases(t.Context())) // instead of waiting for the lease to run out
	s.runner(walled)
	if done := s.wait(run.ID, "finished", final); done.State != cairn.RunSucceeded || done.Modified != 3 || done.Scanned != 3 {
		t.Errorf("%+v", done)
	}
}
