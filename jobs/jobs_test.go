package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// tap is a source of endless documents that waits before each.
type tap struct {
	documents int
	pause     time.Duration
	err       error // at the end
}

func (s tap) Changes(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for i := range s.documents {
			select {
			case <-ctx.Done():
				yield(connectors.Change{}, ctx.Err())
				return
			case <-time.After(s.pause):
			}
			c := connectors.Change{External: fmt.Sprint(i), Metadata: connectors.Metadata{Filename: "d.md", Revision: "1"}}
			c.Open = func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(fmt.Sprintf("# Document %d\n\nText.", i))), nil
			}
			if !yield(c, nil) {
				return
			}
		}
		if s.err != nil {
			yield(connectors.Change{}, s.err)
		}
	}
}

// plain extracts in this process.
type plain struct{}

func (plain) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	return extract.Extract(ctx, in, r, extract.DefaultLimits())
}

// site is a database with one source and runners on it.
type site struct {
	t      *testing.T
	db     *postgres.DB
	source cairn.Source
	tap    *tap
}

func newSite(t *testing.T, s tap) *site {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgrestest.New(t).URL, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(db.Close)
	source, err := db.CreateSource(t.Context(), cairn.Source{Name: "tap", Kind: "tap", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(t, err)
	return &site{t: t, db: db, source: source, tap: &s}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runner starts a runner: a replica of the server, as far as jobs go.
func (s *site) runner(change ...func(*jobs.Config)) *jobs.Runner {
	s.t.Helper()
	kind := connectors.Kind{Name: "tap", Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) { return *s.tap, nil }}
	log := slog.New(slog.DiscardHandler)
	cfg := jobs.Config{
		Pool: s.db.Worker(), Runs: s.db, Kinds: connectors.NewRegistry(kind, connectors.Kind{Name: "push", Pushed: true}), Log: log,
		Syncer: &ingest.Syncer{Store: postgres.NewIngest(s.db, postgres.Space{}), Prepare: &ingest.Preparer{Extractor: plain{}}, Log: log},
	}
	for _, c := range change {
		c(&cfg)
	}
	r, err := jobs.New(cfg)
	check(s.t, err)
	check(s.t, r.Start(s.t.Context()))
	s.t.Cleanup(func() { _ = r.Stop(context.Background()) })
	return r
}

// wait waits until the run is in a state.
func (s *site) wait(id string, what string, ok func(cairn.Run) bool) cairn.Run {
	s.t.Helper()
	var run cairn.Run
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var err error
		run, err = s.db.RunByID(s.t.Context(), id)
		check(s.t, err)
		if ok(run) {
			return run
		}
	}
	s.t.Fatalf("the run is not %s: %+v", what, run)
	return run
}

func final(r cairn.Run) bool { return r.State.Final() }

func TestSyncRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 20})
	r := s.runner()
	run, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	done := s.wait(run.ID, "finished", final)
	if done.State != cairn.RunSucceeded || done.Added != 20 || done.Finished.IsZero() {
		t.Errorf("%+v", done)
	}
}

func TestOneUnfinishedRunPerSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 100, pause: 100 * time.Millisecond})
	r := s.runner()
	first, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	second, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	if first.ID != second.ID {
		t.Errorf("two runs at once: %s, %s", first.ID, second.ID)
	}
	if _, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{Full: true}); !errors.Is(err, cairn.ErrConflict) {
		t.Errorf("another kind of run at once: %v", err)
	}
	check(t, r.Cancel(t.Context(), s.source.ID))
	if done := s.wait(first.ID, "cancelled", final); done.State != cairn.RunCancelled {
		t.Errorf("%+v", done)
	}
	check(t, r.Cancel(t.Context(), s.source.ID)) // nothing to cancel is no error
}

// TestStoppedRunGoesOnElsewhere stops a replica in the middle of a run: another
// one takes the run up, and counts nothing twice.
func TestStoppedRunGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 60, pause: 20 * time.Millisecond})
	first := s.runner()
	run, err := first.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	s.wait(run.ID, "begun", func(r cairn.Run) bool { return r.Added > 0 })
	check(t, first.Stop(t.Context()))
	half, err := s.db.RunByID(t.Context(), run.ID)
	check(t, err)
	if half.State != cairn.RunRunning || half.Added >= 60 {
		t.Fatalf("it was to be broken off in the middle: %+v", half)
	}
	check(t, s.db.EndLeases(t.Context())) // instead of waiting for the lease to run out
	s.runner()
	done := s.wait(run.ID, "finished", final)
	if done.State != cairn.RunSucceeded || done.Added != 60 || done.Scanned != 60 {
		t.Errorf("%+v", done)
	}
}

// TestLostJobIsFound queues a run whose job was lost: a runner finds the run,
// and one with a job is not given another.
func TestLostJobIsFound(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	lost, err := s.db.QueueRun(t.Context(), s.source.ID, cairn.SyncOptions{}, func(pgx.Tx, string) error { return nil })
	check(t, err)
	check(t, s.db.EndLeases(t.Context())) // instead of waiting for a minute
	s.runner()
	if done := s.wait(lost.ID, "finished", final); done.State != cairn.RunSucceeded || done.Added != 3 {
		t.Errorf("%+v", done)
	}
}

func TestRequeueInsertsOneJob(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3})
	idle, err := jobs.New(jobs.Config{
		Pool: s.db.Worker(), Runs: s.db, Kinds: connectors.NewRegistry(connectors.Kind{Name: "tap"}), Log: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	run, err := idle.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	requeued := func(want int) {
		t.Helper()
		n := 0
		check(t, s.db.Requeue(t.Context(), func(_ pgx.Tx, id string, _ bool) error {
			if n++; id != run.ID {
				t.Errorf("queued %s", id)
			}
			return nil
		}))
		if n != want {
			t.Errorf("%d jobs, want %d", n, want)
		}
	}
	check(t, s.db.EndLeases(t.Context()))
	requeued(0) // its job waits
	s.exec(`UPDATE river_job SET state = 'running'`)
	requeued(1) // the job was fetched, and its process died before it took the run
	requeued(0) // not again at once
	check(t, s.db.EndLeases(t.Context()))
	requeued(1)
	_, ok, err := s.db.TakeRun(t.Context(), run.ID)
	if err != nil || !ok {
		t.Fatalf("a queued run is taken: %v, %v", ok, err)
	}
	requeued(0)
	check(t, s.db.EndLeases(t.Context()))
	requeued(1) // its process died while it worked
	requeued(0)
	s.exec(`UPDATE runs SET attempt = 100`)
	requeued(0)
	if r, err := s.db.RunByID(t.Context(), run.ID); err != nil || r.State != cairn.RunFailed || r.Reason == "" {
		t.Errorf("after too many attempts: %+v, %v", r, err)
	}
}

func (s *site) exec(sql string) {
	s.t.Helper()
	_, err := s.db.Worker().Exec(s.t.Context(), sql)
	check(s.t, err)
}

func TestFailureIsToldWithoutItsCause(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 3, err: errors.New("password hunter2 was refused")})
	r := s.runner()
	run, err := r.Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	done := s.wait(run.ID, "finished", final)
	if done.State != cairn.RunFailed || done.Reason == "" || strings.Contains(done.Reason, "hunter2") || done.Added != 3 {
		t.Errorf("%+v", done)
	}
}

func TestPushedSourcesHaveNothingToSync(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	push, err := s.db.CreateSource(t.Context(), cairn.Source{Name: "push", Kind: "push", ACLMode: cairn.ACLDeclared})
	check(t, err)
	r := s.runner()
	if _, err := r.Sync(t.Context(), push.ID, cairn.SyncOptions{}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("syncing it: %v", err)
	}
	_, err = r.Test(t.Context(), push.ID)
	check(t, err)
	if _, err := r.Sync(t.Context(), "nothing", cairn.SyncOptions{}); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("an unknown source: %v", err)
	}
}

func TestTestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{err: cairn.Errorf(cairn.ErrInvalid, "the folder does not exist")})
	if _, err := s.runner().Test(t.Context(), s.source.ID); err == nil || err.Error() != "the folder does not exist" {
		t.Errorf("got %v", err)
	}
}
