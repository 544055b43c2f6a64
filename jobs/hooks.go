package jobs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/riverqueue/river"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Told is what the webhooks of a source have told that no run has come after. Times are
// those of the database's clock; zero: nothing.
type Told struct {
	Source cairn.SourceID
	Name   string
	Kind   string
	// Changed and Members are when it was first told, since the last sync has begun, of
	// documents, and of who may read them. Parts is when it was first told of parts of the
	// source alone, since these were read; Permissions, of who may read documents, since a run
	// has begun that brought them.
	Changed, Parts, Members, Permissions time.Time

	Sync  Rest // of syncs
	Part  Rest // of runs of parts only
	Alone Rest // of runs of permissions alone
	Busy  bool // it has an unfinished run that changes something
	Dry   bool // a dry run reads its documents: no other that reads them begins
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

// heedOne queues a run of a source that is due: a sync; or, when its connector can do so
// and nothing else is due, one that reads parts or permissions alone, which need not wait
// for the rest that is taken of syncs.
func (r *Runner) heedOne(ctx context.Context, told Told) error {
	source, err := r.cfg.Runs.SourceByID(ctx, told.Source)
	if err != nil {
		return err
	}
	alone := !earliest(told.Members, told.Permissions).IsZero() && r.tellsPermissions(source)
	parts := !told.Parts.IsZero() && r.rereads(source)
	whole := func(t Told) bool {
		first := t.Changed
		if !alone {
			first = earliest(first, t.Members)
		}
		if !parts {
			first = earliest(first, t.Parts)
		}
		return !t.Busy && !t.Dry && due(first, t.Sync, t.Now) // else syncs would let no run of permissions come to its end
	}
	part := func(t Told) bool { return parts && !t.Busy && !t.Dry && due(t.Parts, t.Part, t.Now) }
	enqueue := r.enqueue(ctx, river.InsertOpts{Priority: scheduled})
	switch {
	case whole(told):
		return r.cfg.Runs.QueueTold(ctx, told.Source, false, whole, enqueue)
	case alone && !told.Busy && due(told.Permissions, told.Alone, told.Now):
		_, err := r.queue(ctx, told.Source, cairn.SyncOptions{PermissionsOnly: true})
		return err
	case part(told):
		return r.cfg.Runs.QueueTold(ctx, told.Source, true, part, enqueue)
	}
	return nil
}

// rereads reports whether the connector of a source can read parts of it anew.
func (r *Runner) rereads(s cairn.Source) bool {
	_, ok := r.unopened(s).(connectors.Rereader)
	return ok
}

// partOf returns a connector that reads parts of a source alone: neither its list, nor its
// groups.
func partOf(c connectors.Connector, parts []string) (connectors.Connector, error) {
	whole, ok := c.(connectors.Rereader)
	if !ok {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the source cannot be read in parts: synchronise it as a whole")
	}
	return part{whole, parts}, nil
}

// part is the connector of parts of a source.
type part struct {
	whole connectors.Rereader
	parts []string
}

// Changes implements connectors.Connector. The cursor stays where it is.
func (p part) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for c, err := range p.whole.Reread(ctx, since, p.parts) {
			c.Cursor = ""
			if c.Op != connectors.Checkpoint && !yield(c, err) {
				return
			}
		}
	}
}

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
