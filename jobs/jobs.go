// Package jobs does the work of sources in the background. River schedules it
// and spreads it over replicas; what there is to do, and who is doing it, is
// derived from rows of our own, so that a process can die at any moment.
package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// Runs keeps the runs of sources.
type Runs interface {
	// QueueRun creates a run that somebody has asked for and calls enqueue in the same
	// transaction; when the source has an unfinished run, that is returned and enqueue not
	// called. An unfinished one that only brings permissions gives way to one that reads
	// documents, and one that the clock began to one that is to do more; one of the clock
	// that is not yet at work becomes theirs, and is enqueued once more.
	QueueRun(ctx context.Context, source cairn.SourceID, o cairn.SyncOptions, enqueue func(tx pgx.Tx, run string) error) (cairn.Run, error)
	// Erased returns when something of a source was last erased, the epoch when nothing was,
	// and whether a run is at work on it. ErrNotFound when there is no such source.
	Erased(ctx context.Context, source cairn.SourceID) (at time.Time, busy bool, err error)
	// TakeRun makes a queued or abandoned run this process's; ok is false when
	// it is finished or somebody else's.
	TakeRun(ctx context.Context, id string) (t Taken, ok bool, err error)
	// AwaitRun says for a minute that somebody waits to take a queued run, and returns its
	// source; waits is false when it is no longer queued.
	AwaitRun(ctx context.Context, id string) (source cairn.Source, waits bool, err error)
	// KeepRun gives a sign of life and notes how far the run is; ErrConflict when it was
	// cancelled or taken over.
	KeepRun(ctx context.Context, l ingest.Lease, p Progress) error
	// SetRunTotal notes how many documents the source lists.
	SetRunTotal(ctx context.Context, l ingest.Lease, total int) error
	// PermissionsRead notes, while a run goes on, that it was told all permissions, as
	// they were some time ago.
	PermissionsRead(ctx context.Context, l ingest.Lease, ago time.Duration) error
	// FinishRun ends a run that is still this worker's; one that succeeded but
	// for some documents is partial.
	FinishRun(ctx context.Context, l ingest.Lease, e Ending) error
	// CancelRun ends the unfinished run of a source, if there is one.
	CancelRun(ctx context.Context, source cairn.SourceID) error
	// Requeue queues abandoned runs anew: those whose process has died, and
	// queued ones whose job was lost. It calls enqueue for each in the same
	// transaction.
	Requeue(ctx context.Context, enqueue func(tx pgx.Tx, run string, permissionsOnly bool) error) error
	// DuePermissions returns the sources with documents that are not paused, have no
	// unfinished run, and whose permissions nothing has brought or tried to bring alone
	// for the time age.
	DuePermissions(ctx context.Context, age time.Duration) ([]cairn.Source, error)
	// Idle returns the sources that are neither paused nor off and have no unfinished run
	// that reads documents.
	Idle(ctx context.Context) ([]Idle, error)
	// QueueScheduled creates a run that nobody has asked for, if due still says so of the
	// source while nobody else can queue one, and calls enqueue in the same transaction.
	QueueScheduled(ctx context.Context, source cairn.SourceID, due func(Idle) bool, enqueue func(tx pgx.Tx, run string) error) error
	// Told returns the sources that are not paused, of which no run reads documents, and whose
	// webhooks have told of something that no run has come after.
	Told(ctx context.Context) ([]Told, error)
	// QueueTold is QueueScheduled for what webhooks have told; partsOnly makes the run one that
	// reads the parts that they told of alone.
	QueueTold(ctx context.Context, source cairn.SourceID, partsOnly bool, due func(Told) bool, enqueue func(tx pgx.Tx, run string) error) error
	// SourceByID returns a source, or ErrNotFound.
	SourceByID(ctx context.Context, id cairn.SourceID) (cairn.Source, error)
}

// Taken is a run with what is needed to work on it.
type Taken struct {
	Run    cairn.Run
	Lease  ingest.Lease
	Source cairn.Source
	Cursor connectors.Cursor
	Pruned time.Time // when the source's complete listing was last compared; zero: never
	// Told says that a webhook began it; Removal, that webhooks have told of something that
	// is gone since the sync before; Parts are those that a run of parts only is to read.
	Told    bool
	Removal bool
	Parts   []string
	// PermissionsAge is how long ago the source's permissions were those that are
	// stored; 0 when nobody knows.
	PermissionsAge time.Duration
}

// Ending is how a run ended.
type Ending struct {
	State       cairn.RunState
	Reason      string
	Pruned      bool // the source's complete listing was compared
	Permissions PermissionsState
	Preview     *cairn.RunPreview // of a dry run
	Warnings    []cairn.RunWarning
}

// PermissionsState is what a run leaves of the permissions that are read at a source.
type PermissionsState int

// The states.
const (
	PermissionsUntouched PermissionsState = iota // as they were before
	PermissionsSynced                            // those of every document are those of the source
	PermissionsDegraded                          // some could not be told, or not all
)

// Config says what a Runner works with.
type Config struct {
	Pool        *pgxpool.Pool // of the application's role
	Runs        Runs
	Syncer      *ingest.Syncer
	Kinds       connectors.Registry
	Environment connectors.Environment // without what belongs to one source
	// Secrets returns the secret settings of a source; nil: none has any.
	Secrets func(source cairn.SourceID) connectors.Secrets
	// WorkDirs is where each source has a folder to work in; empty: none has.
	WorkDirs string
	Log      *slog.Logger
	// Chores are done every minute by one replica: retention, clean-up.
	Chores []func(ctx context.Context) error
	// PermissionsEvery is how often the permissions of each source are brought up to
	// date, where its connector can tell them alone; 0: when somebody asks.
	PermissionsEvery time.Duration
	// SyncsAtOnce is how many runs are worked on at once; 0: 4. Slice is how long each of
	// them may go on while others wait; 0: 15 s.
	SyncsAtOnce int
	Slice       time.Duration
	// Rescues are done every few seconds by every replica: work of processes
	// that have died. Those of runs are built in.
	Rescues []func(ctx context.Context) error
	// Maintain keeps the index in order. Every replica calls it again and again;
	// it does nothing while another one is at it. May be nil.
	Maintain func(ctx context.Context) error
}

// Runner queues and does jobs.
type Runner struct {
	cfg   Config
	turns *turns
	river *river.Client[pgx.Tx]
	stop  context.CancelFunc
	loops sync.WaitGroup
	tasks map[string]func(ctx context.Context, id string) error // by name
}

const (
	syncsAtOnce   = 4
	syncSlice     = 15 * time.Second
	syncsOpen     = 64 // runs that are begun, of which all but some wait for their turn
	permitsAtOnce = 2
	rescueEvery   = 5 * time.Second
	scheduleEvery = 10 * time.Second
	maintainEvery = 2 * time.Second
	choreEvery    = time.Minute
)

// New returns a Runner that does nothing before Start.
func New(cfg Config) (*Runner, error) {
	r := &Runner{cfg: cfg, turns: newTurns(cmp.Or(cfg.SyncsAtOnce, syncsAtOnce), cmp.Or(cfg.Slice, syncSlice))}
	workers := river.NewWorkers()
	river.AddWorker(workers, &syncWorker{runner: r})
	river.AddWorker(workers, &choreWorker{runner: r})
	river.AddWorker(workers, &taskWorker{runner: r})
	chores := river.NewPeriodicJob(river.PeriodicInterval(choreEvery),
		func() (river.JobArgs, *river.InsertOpts) { return choreArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})
	client, err := river.NewClient(riverpgxv5.New(cfg.Pool), &river.Config{
		Queues:       map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: syncsOpen}, permissionQueue: {MaxWorkers: permitsAtOnce}, choreQueue: {MaxWorkers: 1}, taskQueue: {MaxWorkers: tasksAtOnce}},
		Workers:      workers,
		PeriodicJobs: []*river.PeriodicJob{chores},
		Logger:       slog.New(warnings{cfg.Log.Handler()}), // it counts its jobs every few seconds
		JobTimeout:   -1,                                    // a first sync may take days; liveness is the lease
		MaxAttempts:  1,                                     // what failed is told in the run; what died is rescued
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	r.river = client
	return r, nil
}

// warnings is a handler that passes on what is a warning or worse.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// Start begins to work on jobs.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.loops.Go(func() { every(ctx, rescueEvery, r.rescue) })
	r.loops.Go(func() { every(ctx, scheduleEvery, r.schedule) })
	r.loops.Go(func() { every(ctx, heedEvery, r.heed) })
	if r.cfg.WorkDirs != "" {
		r.loops.Go(func() { every(ctx, choreEvery, r.sweep) })
	}
	if r.cfg.Maintain != nil {
		r.loops.Go(func() { every(ctx, maintainEvery, r.maintain) })
	}
	return nil
}

// every calls do now and again after each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func(ctx context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stop breaks off what is running: it goes on in another process or after the
// next start, from the last batch that was stored.
func (r *Runner) Stop(ctx context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.loops.Wait()
	if err := r.river.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

// Sync queues a run of a source and returns it; the unfinished one when there
// is one, unless that was asked for with other options: that is ErrConflict.
func (r *Runner) Sync(ctx context.Context, source cairn.SourceID, o cairn.SyncOptions) (cairn.Run, error) {
	s, err := r.cfg.Runs.SourceByID(ctx, source)
	if err != nil {
		return cairn.Run{}, err
	}
	kind, err := r.cfg.Kinds.Lookup(s.Kind)
	if err != nil {
		return cairn.Run{}, err
	}
	if kind.Pushed {
		return cairn.Run{}, cairn.Errorf(cairn.ErrInvalid, "%s is a source of kind %s: programs bring its documents, there is nothing to synchronise", s.Name, s.Kind)
	}
	if err := r.mayPermit(s, o); err != nil {
		return cairn.Run{}, err
	}
	run, err := r.queue(ctx, source, o)
	if err != nil {
		return cairn.Run{}, err
	}
	had := cairn.SyncOptions{Full: run.Full, DryRun: run.DryRun, Confirm: run.Confirm, PermissionsOnly: run.PermissionsOnly}
	if had != o && run.DryRun {
		return cairn.Run{}, cairn.Errorf(cairn.ErrConflict, "a dry run of %s goes on; wait for its end or cancel it first", s.Name)
	}
	if had != o && o != (cairn.SyncOptions{}) {
		return cairn.Run{}, cairn.Errorf(cairn.ErrConflict, "%s is being synchronised in another way; wait for that run or cancel it first", s.Name)
	}
	return run, nil
}

// queue queues a run that somebody has asked for, and the job that works on it.
func (r *Runner) queue(ctx context.Context, source cairn.SourceID, o cairn.SyncOptions) (cairn.Run, error) {
	where := river.InsertOpts{Priority: asked}
	if o.PermissionsOnly {
		where.Queue = permissionQueue
	}
	return r.cfg.Runs.QueueRun(ctx, source, o, r.enqueue(ctx, where))
}

// The priorities of jobs: River fetches those of the first one first.
const (
	asked     = 1
	scheduled = 2
)

// enqueue returns a function that inserts the job of a run.
func (r *Runner) enqueue(ctx context.Context, where river.InsertOpts) func(tx pgx.Tx, run string) error {
	return func(tx pgx.Tx, run string) error {
		_, err := r.river.InsertTx(ctx, tx, syncArgs{Run: run}, &where)
		return err
	}
}

// Cancel ends the unfinished run of a source; none is no error.
func (r *Runner) Cancel(ctx context.Context, source cairn.SourceID) error {
	return r.cfg.Runs.CancelRun(ctx, source)
}

// testTimeout bounds Test.
const testTimeout = 30 * time.Second

// Test reaches out to a source, as its connector does that or by reading the first
// change, and returns a sentence on what was found; an error says what is wrong.
func (r *Runner) Test(ctx context.Context, source cairn.SourceID) (string, error) {
	s, err := r.cfg.Runs.SourceByID(ctx, source)
	if err != nil {
		return "", err
	}
	connector, err := r.open(s, nil, nil)
	if err != nil || connector == nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	found, err := try(ctx, connector)
	if err != nil {
		r.cfg.Log.Info("a source was tested and failed", "source", s.Name, "error", ingest.Class(err))
		return "", cairn.Errorf(cairn.ErrInvalid, "%s", sourceProblem(err))
	}
	return found, nil
}

// try reaches out to the source of a connector.
func try(ctx context.Context, connector connectors.Connector) (string, error) {
	if t, ok := connector.(connectors.Tester); ok {
		return t.Test(ctx)
	}
	for _, err := range connector.Changes(ctx, "") {
		return "", err
	}
	return "", nil
}

// open returns the connector of a source; nil for one that is pushed to. While it waits
// as the source asks for, it leaves the worker at its place to others. What it warns of is
// collected, unless told is nil.
func (r *Runner) open(s cairn.Source, place *turn, told *collector) (connectors.Connector, error) {
	kind, err := r.cfg.Kinds.Lookup(s.Kind)
	if err != nil {
		return nil, err
	}
	env := r.environment(s)
	env.Warned = told.add
	if err := errors.Join(kind.Validate(env, s.Settings), kind.ValidateSecrets(s.Secrets)); err != nil {
		return nil, err
	}
	if kind.Pushed {
		return nil, nil
	}
	if place != nil {
		doze := env.Sleep
		if doze == nil {
			doze = sleep
		}
		env.Sleep = func(ctx context.Context, d time.Duration) error { return place.sleep(ctx, d, doze) }
	}
	return kind.Open(env, s.Settings)
}

// rescue takes up the work of processes that have died.
func (r *Runner) rescue(ctx context.Context) {
	err := r.cfg.Runs.Requeue(ctx, func(tx pgx.Tx, run string, permissionsOnly bool) error {
		where := river.InsertOpts{}
		if permissionsOnly {
			where.Queue = permissionQueue
		}
		return r.enqueue(ctx, where)(tx, run)
	})
	for _, rescue := range r.cfg.Rescues {
		err = errors.Join(err, rescue(ctx))
	}
	if err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("abandoned work could not be taken up", "error", err)
	}
}

// maintain keeps the index in order. What fails is tried again: searches do
// without it.
func (r *Runner) maintain(ctx context.Context) {
	if err := r.cfg.Maintain(ctx); err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("the index could not be maintained", "error", err)
	}
}
