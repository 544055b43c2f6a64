package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// taskQueue keeps what people wait for from waiting behind syncs.
const taskQueue = "tasks"

const tasksAtOnce = 16

// taskArgs asks for work that is described in a row of whoever has queued it.
type taskArgs struct {
	Name string `json:"name"` // of the kind of work
	ID   string `json:"id"`   // of the row
}

// Kind implements river.JobArgs.
func (taskArgs) Kind() string { return "task" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (taskArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: taskQueue} }

// Handle says what does the tasks of a name, by the id of their row. It is called before
// Start. A task is begun once: what is to be done again is for its row to tell.
func (r *Runner) Handle(name string, do func(ctx context.Context, id string) error) {
	if r.tasks == nil {
		r.tasks = make(map[string]func(ctx context.Context, id string) error)
	}
	r.tasks[name] = do
}

// Enqueue queues a task in a transaction.
func (r *Runner) Enqueue(ctx context.Context, tx pgx.Tx, name, id string) error {
	if _, err := r.river.InsertTx(ctx, tx, taskArgs{Name: name, ID: id}, nil); err != nil {
		return fmt.Errorf("queue a task: %w", err)
	}
	return nil
}

// taskWorker does tasks.
type taskWorker struct {
	river.WorkerDefaults[taskArgs]
	runner *Runner
}

// Work does a task.
func (w *taskWorker) Work(ctx context.Context, job *river.Job[taskArgs]) error {
	do := w.runner.tasks[job.Args.Name]
	if do == nil {
		return nil // a server that is set up to do so takes it up
	}
	if err := do(ctx, job.Args.ID); err != nil {
		w.runner.cfg.Log.Error("a task failed", slog.String("name", job.Args.Name), slog.Any("error", err))
	}
	return nil
}
