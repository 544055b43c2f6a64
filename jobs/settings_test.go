package jobs_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
)

// ruled is a tap whose settings say who may read its documents.
type ruled struct {
	tap
	who cairn.PrincipalKey
}

func (r ruled) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for c, err := range r.tap.Changes(ctx, since) {
			acl := cairn.Allow(r.who)
			c.ACL = &acl
			c.Cursor = connectors.Cursor(c.External)
			if !yield(c, err) {
				return
			}
		}
	}
}

// changed starts a run of a source whose settings let everyone read, and changes the
// source while documents are read. It returns how the run ended.
func (s *site) changed(change func(*cairn.Source)) cairn.Run {
	s.t.Helper()
	kind := connectors.Kind{Name: "tap", ReadsACL: true, Settings: []connectors.Setting{{Name: "who"}}}
	kind.Open = func(_ connectors.Environment, settings map[string]string) (connectors.Connector, error) {
		return ruled{*s.tap, cairn.PrincipalKey(settings["who"])}, nil
	}
	r := s.runner(func(c *jobs.Config) { c.Kinds["tap"] = kind })
	edit := func(change func(*cairn.Source)) {
		_, err := s.db.UpdateSource(s.t.Context(), s.source.ID, func(s *cairn.Source) error { change(s); return nil })
		check(s.t, err)
	}
	edit(func(s *cairn.Source) {
		s.ACLMode, s.Settings = cairn.ACLFromSource, map[string]string{"who": string(cairn.Everyone)}
	})
	run, err := r.Sync(s.t.Context(), s.source.ID, cairn.SyncOptions{})
	check(s.t, err)
	s.wait(run.ID, "begun", func(r cairn.Run) bool { return r.Added > 0 })
	edit(change)
	return s.wait(run.ID, "finished", final)
}

// open counts the documents that everyone may read.
func (s *site) open() (n int) {
	s.t.Helper()
	check(s.t, s.db.Worker().QueryRow(s.t.Context(), `
		SELECT count(*) FROM documents d JOIN acls a ON a.id = d.acl_id WHERE a.rule::text LIKE '%everyone%'`).Scan(&n))
	return n
}

// A sync goes by the settings of its source as they are, not as they were when it began.
func TestChangedSettingsHoldForARunningSync(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 60, pause: 20 * time.Millisecond})
	run := s.changed(func(s *cairn.Source) { s.Settings = map[string]string{"who": "group:cairn:hr"} })
	if run.State != cairn.RunSucceeded || run.Added != 60 || s.open() != 0 {
		t.Errorf("%+v, and %d documents have the permissions of before", run, s.open())
	}
}

func TestChangedModeHoldsForARunningSync(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 60, pause: 20 * time.Millisecond})
	run := s.changed(func(s *cairn.Source) { s.ACLMode, s.ACL = cairn.ACLDeclared, cairn.Allow("group:cairn:hr") })
	if run.State != cairn.RunSucceeded || run.Added != 60 || s.open() != 0 {
		t.Errorf("%+v, and %d documents have the permissions of before", run, s.open())
	}
}

// What a sync does not go by does not break it off.
func TestOtherChangesLeaveARunningSync(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 60, pause: 20 * time.Millisecond})
	run := s.changed(func(s *cairn.Source) { s.Settings[connectors.Authority], s.Paused = "0.5", true })
	again, err := s.db.RunByID(t.Context(), run.ID)
	check(t, err)
	var attempts int
	check(t, s.db.Worker().QueryRow(t.Context(), `SELECT attempt FROM runs WHERE id = $1`, run.ID).Scan(&attempts))
	if again.State != cairn.RunSucceeded || attempts != 1 || s.open() != 60 {
		t.Errorf("%+v, in %d attempts; %d documents are open", again, attempts, s.open())
	}
}
