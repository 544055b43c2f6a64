package jobs

import (
	"context"
	"errors"

	"github.com/riverqueue/river"
)

// choreQueue keeps chores from waiting behind long syncs.
const choreQueue = "chores"

// choreArgs asks for everything that is done by the clock.
type choreArgs struct{}

// Kind implements river.JobArgs.
func (choreArgs) Kind() string { return "chores" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (choreArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: choreQueue, UniqueOpts: river.UniqueOpts{ByPeriod: choreEvery}}
}

// choreWorker does the chores one after the other.
type choreWorker struct {
	river.WorkerDefaults[choreArgs]
	runner *Runner
}

// Work does all chores; one that fails does not keep the others from being done.
func (w *choreWorker) Work(ctx context.Context, _ *river.Job[choreArgs]) error {
	errs := []error{w.runner.queuePermissions(ctx)}
	for _, chore := range w.runner.cfg.Chores {
		errs = append(errs, chore(ctx))
	}
	return errors.Join(errs...)
}
