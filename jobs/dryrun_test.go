package jobs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// A dry run that reads documents holds no permissions up, by the clock, by webhooks or when
// somebody asks, and ends no run that brings them.
func TestDryRunBesidePermissions(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	_, walled := s.walled()
	first := s.runner(walled)
	s.asked(first, cairn.SyncOptions{})
	check(t, first.Stop(t.Context()))
	s.later(time.Hour)
	r := s.idle()
	dry, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{DryRun: true})
	check(t, err)
	s.take()
	s.later(6 * time.Hour)
	s.tell(connectors.TellsPermissions)
	s.later(time.Minute)
	if due, err := s.db.DuePermissions(t.Context(), 5*time.Minute); err != nil || len(due) != 1 {
		t.Errorf("in a dry run %d are due by the clock, %v", len(due), err)
	}
	if told, err := s.db.Told(t.Context()); err != nil || len(told) != 1 || told[0].Permissions.IsZero() || told[0].Busy || !told[0].Dry {
		t.Errorf("in a dry run webhooks have told %+v, %v", told, err)
	}
	permissionsOnly := cairn.SyncOptions{PermissionsOnly: true}
	enqueue := func(pgx.Tx, string) error { return nil }
	p, err := s.db.QueueRun(t.Context(), s.source.ID, permissionsOnly, enqueue)
	check(t, err)
	if !p.PermissionsOnly || p.ID == dry.ID {
		t.Errorf("in a dry run permissions are brought by %+v", p)
	}
	if again, err := s.db.QueueRun(t.Context(), s.source.ID, permissionsOnly, enqueue); err != nil || again.ID != p.ID {
		t.Errorf("asked for twice, permissions are brought by %+v, %v", again, err)
	}
	// Who asks for a sync is told of the dry run, and ends neither.
	for _, o := range []cairn.SyncOptions{{}, {Full: true}} {
		if run, err := r.Sync(t.Context(), s.source.ID, o); !errors.Is(err, cairn.ErrConflict) {
			t.Errorf("%+v in a dry run: %+v, %v", o, run, err)
		}
	}
	if again, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{DryRun: true}); err != nil || again.ID != dry.ID {
		t.Errorf("another dry run: %+v, %v", again, err)
	}
	for id, want := range map[string]cairn.RunState{dry.ID: cairn.RunRunning, p.ID: cairn.RunQueued} {
		if run, err := s.db.RunByID(t.Context(), id); err != nil || run.State != want {
			t.Errorf("%+v, %v", run, err)
		}
	}
	// A dry run that begins later does not end it either.
	s.exec(`UPDATE runs SET state = 'cancelled', finished_at = now(), lease_until = NULL WHERE dry_run`)
	dry, err = r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if run, err := s.db.RunByID(t.Context(), p.ID); err != nil || run.State != cairn.RunQueued || !dry.DryRun {
		t.Errorf("%+v, %+v, %v", run, dry, err)
	}
}
