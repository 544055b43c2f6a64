package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// SyncKind is the kind of River's jobs that work on a run; their argument "run"
// names it.
const SyncKind = "sync"

// syncArgs names the run to work on.
type syncArgs struct {
	Run string `json:"run"`
}

// Kind implements river.JobArgs.
func (syncArgs) Kind() string { return SyncKind }

// syncWorker works on runs.
type syncWorker struct {
	river.WorkerDefaults[syncArgs]
	runner *Runner
}

// keepEvery is a third of the time after which a run counts as abandoned.
const keepEvery = 5 * time.Second

// Work waits for a worker, takes the run, unless it is finished or somebody else's, and
// brings its source up to date. How it ended is told in the run: the job itself never fails.
func (w *syncWorker) Work(ctx context.Context, job *river.Job[syncArgs]) error {
	r := w.runner
	if job.Queue == permissionQueue { // which has workers of its own
		return w.work(ctx, job.Args.Run, nil)
	}
	place, err := r.wait(ctx, job.Args.Run, job.Priority == asked)
	switch {
	case ctx.Err() != nil:
		return river.JobSnooze(0) // the run is still queued: somebody else takes the job
	case err != nil || place == nil:
		return err
	}
	defer place.release()
	return w.work(ctx, job.Args.Run, place)
}

// waitEvery is a third of the time after which the job of a queued run counts as lost.
const waitEvery = 20 * time.Second

// wait waits for a worker, and tells everybody that the run has somebody who will take it.
// The result is nil when the run is no longer queued.
func (r *Runner) wait(ctx context.Context, run string, asked bool) (*turn, error) {
	source, waits, err := r.cfg.Runs.AwaitRun(ctx, run)
	if err != nil || !waits {
		return nil, err
	}
	place := r.turns.turn(groupOf(r.cfg.Kinds[source.Kind], source), asked)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go every(ctx, waitEvery, func(ctx context.Context) {
		if _, waits, err := r.cfg.Runs.AwaitRun(ctx, run); err == nil && !waits {
			cancel()
		}
	})
	if place.acquire(ctx) != nil {
		return nil, nil
	}
	return place, nil
}

// work does what Work does, once there is a worker; without a place, where none is needed.
func (w *syncWorker) work(ctx context.Context, run string, place *turn) error {
	r := w.runner
	taken, ok, err := r.cfg.Runs.TakeRun(ctx, run)
	if err != nil {
		return err
	}
	if !ok {
		return nil
	}
	log := r.cfg.Log.With("source", taken.Source.Name, "run", taken.Run.ID, "attempt", taken.Lease.Attempt)
	log.Info("sync began", "permissions_only", taken.Run.PermissionsOnly)
	result, err := r.sync(ctx, taken, place)
	if ctx.Err() != nil {
		log.Info("sync broken off, it goes on after the next start")
		return nil // the lease runs out, and somebody takes it up
	}
	end := outcome(taken.Run, result, err)
	end.Preview, end.Warnings = result.Preview, result.Warnings
	end.Pruned, end.Permissions = result.Pruned, r.permissionsState(taken, result, err)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := r.cfg.Runs.FinishRun(last, taken.Lease, end); err != nil {
		return err
	}
	log.Info("sync ended", "state", end.State, "scanned", result.Counts.Scanned, "added", result.Counts.Added,
		"modified", result.Counts.Modified, "deleted", result.Counts.Deleted, "failed", result.Counts.Failed)
	if err != nil && end.State == cairn.RunFailed {
		log.Error("sync failed", "error", ingest.Class(err)) // the run has the reason
	}
	return nil
}

// sync works on a run under a lease.
func (r *Runner) sync(ctx context.Context, t Taken, place *turn) (ingest.Result, error) {
	var told collector
	connector, err := r.open(t.Source, place, &told)
	if err != nil {
		return ingest.Result{}, err
	}
	if connector == nil {
		return ingest.Result{}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	kept := make(chan struct{})
	far := newTracker()
	go func() { defer close(kept); r.keep(ctx, t.Lease, far, cancel) }()
	run := r.cfg.Syncer.Run
	if t.Run.PermissionsOnly {
		run = r.cfg.Syncer.RunPermissions
	}
	if t.Run.PartsOnly {
		if connector, err = partOf(connector, t.Parts); err != nil {
			return ingest.Result{}, err
		}
	}
	job := r.job(ctx, t, connector, place, &told)
	job.Progress = far.reached
	if place != nil {
		job.Turn = func(ctx context.Context) error {
			defer far.wait(false)
			return place.yield(ctx, func() { far.wait(true) })
		}
	}
	result, err := run(ctx, job)
	if cause := context.Cause(ctx); errors.Is(cause, cairn.ErrConflict) {
		err = cause
	}
	cancel(nil)
	<-kept
	result.Warnings = append(told.list(), result.Warnings...)
	return result, err
}

// job says what a run is to do.
func (r *Runner) job(ctx context.Context, t Taken, connector connectors.Connector, place *turn, told *collector) ingest.Sync {
	noted := func(err error) {
		if err != nil {
			r.cfg.Log.Warn("how far a run is could not be noted", "run", t.Run.ID, "error", err)
		}
	}
	job := ingest.Sync{
		Source: t.Source, Connector: connector, Cursor: t.Cursor, Lease: t.Lease,
		Prune: r.mustPrune(t), ListLast: t.Pruned.IsZero() && r.cfg.Kinds[t.Source.Kind].ListLast, Full: t.Run.Full, DryRun: t.Run.DryRun, Confirm: t.Run.Confirm,
		IgnoreACLs: t.Source.ACLMode == cairn.ACLDeclared && r.cfg.Kinds[t.Source.Kind].ReadsACL,
		Listed:     func(total int) { noted(r.cfg.Runs.SetRunTotal(ctx, t.Lease, total)) },

		PermissionsEvery: r.cfg.PermissionsEvery, PermissionsAge: t.PermissionsAge,
		Permitted: func(ago time.Duration) { noted(r.cfg.Runs.PermissionsRead(ctx, t.Lease, ago)) },
	}
	if !t.Source.Paused { // else the clock brings no permissions
		job.Beside = func() (connectors.Connector, error) { return r.open(t.Source, place, told) }
	}
	return job
}

// keep gives signs of life, with how far the run is, and ends the work when it is no
// longer ours.
func (r *Runner) keep(ctx context.Context, l ingest.Lease, far *tracker, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-far.changed:
		}
		if err := r.cfg.Runs.KeepRun(ctx, l, far.now()); errors.Is(err, cairn.ErrConflict) {
			cancel(err)
			return
		}
	}
}

// mustPrune reports whether the complete listing is to be compared.
func (r *Runner) mustPrune(t Taken) bool {
	kind := r.cfg.Kinds[t.Source.Kind]
	every := kind.ListsEvery(t.Source.Settings)
	if t.Told { // which may be every few seconds
		every = max(every, kind.SyncEvery)
	}
	return !t.Run.PartsOnly && (t.Run.Full || t.Run.Confirm || t.Removal || t.Pruned.IsZero() || time.Since(t.Pruned) >= every)
}

// outcome says how a run ended, in state and reason.
func outcome(run cairn.Run, result ingest.Result, err error) Ending {
	switch {
	case ingest.IsWaiting(err):
		hidden := "Nobody can read them until they are back."
		if run.DryRun {
			hidden = "A sync that is no dry run lets nobody read them until they are back."
		}
		return Ending{State: cairn.RunPartial, Reason: fmt.Sprintf("%d documents have vanished from the source, a large part of it. %s "+
			"If they are really gone, synchronise again and confirm the deletions.", result.Waiting, hidden)}
	case errors.Is(err, cairn.ErrConflict):
		return Ending{State: cairn.RunCancelled}
	case err != nil:
		return Ending{State: cairn.RunFailed, Reason: sourceProblem(err)}
	}
	return Ending{State: cairn.RunSucceeded}
}

// sourceProblem says what went wrong in a way that may be shown to administrators.
func sourceProblem(err error) string {
	var source *connectors.Error
	var document *connectors.DocumentError
	var public *cairn.Error
	switch {
	case errors.As(err, &source):
		return source.Message
	case errors.As(err, &public):
		return public.Message
	case errors.As(err, &document):
		return document.Reason
	}
	return fmt.Sprintf("The source could not be read (%s).", ingest.Class(err))
}
