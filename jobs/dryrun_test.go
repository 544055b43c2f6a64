package jobs_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
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

// What webhooks have told of a part, or of permissions, is brought by another run when the
// one that was at it has given way to a sync, and that has failed; and when it has failed
// itself. When somebody has cancelled it, it is not.
func TestToldIsNotForgotten(t *testing.T) {
	t.Parallel()
	for _, of := range []connectors.Tells{connectors.TellsChange, connectors.TellsPermissions} {
		for _, how := range []string{"gave way", "failed", "cancelled"} {
			s := newSite(t, tap{documents: 3})
			w, _ := s.walled()
			place := heeding{rack{shelf{*s.tap, &atomic.Int64{}}, &atomic.Bool{}, make(chan []string, 9)}, w}
			r, err := jobs.New(jobs.Config{
				Pool: s.db.Worker(), Runs: s.db, Log: slog.New(slog.DiscardHandler),
				Kinds: connectors.NewRegistry(connectors.Kind{Name: "tap", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return place, nil }}),
			})
			check(t, err)
			_, err = r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
			check(t, err)
			s.take()
			s.end(cairn.RunSucceeded)
			s.exec(`UPDATE sources SET permissions_synced_at = now()`)
			s.later(time.Hour)
			part := ""
			if of == connectors.TellsChange {
				part = "C1"
			}
			s.tellOf(of, part)
			s.later(jobs.Settling)
			s.count([]*jobs.Runner{r}, 2, "something is told")
			if run := s.runs()[0]; !run.PartsOnly && !run.PermissionsOnly {
				t.Fatalf("%+v", run)
			}
			s.take() // it is at work
			switch how {
			case "gave way":
				_, err = r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
				check(t, err)
				s.take()
				s.end(cairn.RunFailed)
			case "failed":
				s.end(cairn.RunFailed)
			case "cancelled":
				s.end(cairn.RunCancelled)
			}
			before := len(s.runs())
			if of == connectors.TellsPermissions && how != "gave way" { // a failure is followed by a rest
				s.count([]*jobs.Runner{r}, before, "at once")
			}
			s.later(25 * time.Minute)
			jobs.Heed(t.Context(), r)
			if again := len(s.runs()) > before; again == (how == "cancelled") {
				t.Errorf("%s was told of, and the run %s: told to another %v", of, how, again)
			}
		}
	}
}

// heeding is a place that reads parts and tells permissions.
type heeding struct {
	rack
	wall *wall
}

func (h heeding) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return h.wall.Permissions(ctx)
}
