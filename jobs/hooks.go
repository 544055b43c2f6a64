package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"github.com/cairnhq/cairn"
)

// Told is what the webhooks of a source have told that no run has come after. Times are
// those of the database's clock; zero: nothing.
type Told struct {
	Source cairn.SourceID
	Name   string
	Kind   string
	// Changed and Members are when it was first told, since the last sync has begun, of
	// documents, and of who may read them. Permissions is the latter since a run has begun
	// that brought all permissions, or tried to bring them alone.
	Changed, Members, Permissions time.Time

	Sync  Rest // of syncs
	Alone Rest // of runs of permissions alone
	Busy  bool // it has an unfinished run
	Now   time.Time
}

// Rest is since when a source has had its rest of runs of a kind.
type Rest struct {
	Since    time.Time     // the end of the last
	Took     time.Duration // the last that has not failed
	Failures int           // how many, one after the other, have failed
}

const (
	// Settling is how long a place may take until what its webhook has told of is seen by
	// who asks it: a run that began sooner may have missed it.
	Settling  = 3 * time.Second
	heedEvery = time.Second
	// A source whose webhooks never rest is read for half of the time: as long as its last
	// sync took nothing is begun, at least shortRest and at most longRest.
	shortRest = 5 * time.Second
	longRest  = 5 * time.Minute
	// Of a source that fails the webhooks are heeded less and less often.
	failureRest = time.Minute
	mostRest    = 24 * time.Hour
)

// heed queues a run of every source whose webhooks have told of something. What is told
// while a run goes on is in one run after it. Every replica does it: whoever comes second
// finds the run.
func (r *Runner) heed(ctx context.Context) {
	all, err := r.cfg.Runs.Told(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.Error("what webhooks have told could not be found", "error", err)
		}
		return
	}
	for _, told := range all {
		if err := r.heedOne(ctx, told); err != nil && !errors.Is(err, cairn.ErrNotFound) && ctx.Err() == nil {
			r.cfg.Log.Error("a source whose webhook has told of something could not be queued", "source", told.Name, "error", err)
		}
	}
}

// heedOne queues a run of a source that is due: of permissions alone when its connector can
// tell these and nothing else is due, so that who may read no longer need not wait for the
// rest that is taken of syncs.
func (r *Runner) heedOne(ctx context.Context, told Told) error {
	alone := false
	if !told.Members.IsZero() || !told.Permissions.IsZero() {
		source, err := r.cfg.Runs.SourceByID(ctx, told.Source)
		if err != nil {
			return err
		}
		alone = r.tellsPermissions(source)
	}
	due := func(t Told) bool {
		first := t.Changed
		if !alone {
			first = earliest(t.Changed, t.Members)
		}
		return due(first, t.Sync, t.Now)
	}
	switch {
	case due(told):
		return r.cfg.Runs.QueueTold(ctx, told.Source, due, r.enqueue(ctx, river.InsertOpts{Priority: scheduled}))
	case alone && !told.Busy && dueAlone(told):
		_, err := r.queue(ctx, told.Source, cairn.SyncOptions{PermissionsOnly: true})
		return err
	}
	return nil
}

// dueAlone reports whether a run of permissions alone is to begin now.
func dueAlone(t Told) bool { return due(t.Permissions, t.Alone, t.Now) }

// due reports whether a run is to begin now for what was first told at a time.
func due(first time.Time, last Rest, now time.Time) bool {
	rest := min(max(last.Took, shortRest), longRest)
	if last.Failures > 0 {
		rest = max(rest, min(failureRest<<min(last.Failures, 20), mostRest))
	}
	return !first.IsZero() && !now.Before(first.Add(Settling)) && !now.Before(last.Since.Add(rest))
}

// earliest returns the earlier of two times; zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
