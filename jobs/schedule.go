package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs/schedule"
)

// Idle is a source of which no run reads documents.
type Idle struct {
	Source   cairn.SourceID
	Name     string
	Kind     string
	Settings map[string]string // its schedule alone, when it has one
	Last     schedule.Last
	Now      time.Time // by the clock of the database, as all others
}

// schedule queues a run of every source that is due. Every replica does it: whoever comes
// second finds the run.
func (r *Runner) schedule(ctx context.Context) {
	idle, err := r.cfg.Runs.Idle(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.Error("what is due could not be found", "error", err)
		}
		return
	}
	enqueue := r.enqueue(ctx, river.InsertOpts{Priority: scheduled})
	for _, s := range idle {
		if !r.due(s) {
			continue
		}
		if err := r.cfg.Runs.QueueScheduled(ctx, s.Source, r.due, enqueue); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("a source that is due could not be queued", "source", s.Name, "error", err)
		}
	}
}

// due reports whether a source is to be synchronised now.
func (r *Runner) due(s Idle) bool {
	kind, err := r.cfg.Kinds.Lookup(s.Kind)
	if err != nil || kind.Pushed {
		return false
	}
	plan, err := schedule.Of(kind, s.Settings)
	if err != nil {
		return false // the API says so to whoever looks at the source
	}
	next := plan.Next(s.Last, string(s.Source))
	return !next.IsZero() && !next.After(s.Now)
}
