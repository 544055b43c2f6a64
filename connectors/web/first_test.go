package web_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/web"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// take queues a run, unless one waits to be taken up, and takes it.
func (s *server) take(t *testing.T) jobs.Taken {
	t.Helper()
	run, err := s.db.QueueRun(t.Context(), s.source.ID, cairn.SyncOptions{}, func(pgx.Tx, string) error { return nil })
	check(t, err)
	taken, ok, err := s.db.TakeRun(t.Context(), run.ID)
	check(t, err)
	if !ok {
		t.Fatal("the run cannot be taken")
	}
	return taken
}

// work does what a worker does with a run.
func (s *server) work(ctx context.Context, t *testing.T, b *bench, taken jobs.Taken) (ingest.Result, error) {
	t.Helper()
	return s.syncer.Run(ctx, ingest.Sync{Source: s.source, Connector: b.connect(t), Cursor: taken.Cursor, Lease: taken.Lease, Prune: true,
		ListLast: taken.Pruned.IsZero() && web.Kind().ListLast})
}

// found counts the documents that everybody finds by a word.
func (s *server) found(t *testing.T, word string) int {
	t.Helper()
	found, err := s.index.Lexical(t.Context(), cairn.Query{Viewer: cairn.Viewer{Account: "a", Keys: []cairn.PrincipalKey{cairn.Everyone}}, Text: word}, 1000)
	check(t, err)
	return len(found.Hits)
}

// gate serves a page when it is opened, and tells that somebody waits for it.
type gate struct {
	asked, open chan struct{}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case g.asked <- struct{}{}:
	default:
	}
	select {
	case <-g.open:
	case <-r.Context().Done():
	}
	page("<title>Gate</title><p>Herons are behind the gate.</p>")(w, r)
}

// gated is a site with a gate before its last page.
func gated(t *testing.T, n int) (*bench, *gate) {
	t.Helper()
	b := newBench(t)
	b.site.PerPage, b.settings["rate"] = n, "0.5" // what is known of pages is saved every 15 of them
	fill(t, b.site, n)
	g := &gate{asked: make(chan struct{}, 1), open: make(chan struct{})}
	b.site.Handle("/docs/gate.html", g.ServeHTTP)
	b.site.Handle("/docs/zz.html", page(`<title>Herons</title><a href="gate.html">The gate</a>`))
	b.site.Put(t, "zz", "Herons", "Herons.") // the last one of the list
	return b, g
}

// TestFirstCrawlIsFoundWhileItGoesOn: pages can be found long before all of them were
// read.
func TestFirstCrawlIsFoundWhileItGoesOn(t *testing.T) {
	const n = 100
	b, g := gated(t, n)
	s := newServer(t)
	taken := s.take(t)
	ended := make(chan error, 1)
	var result ingest.Result
	go func() {
		var err error
		result, err = s.work(t.Context(), t, b, taken)
		ended <- err
	}()
	<-g.asked
	if found := s.found(t, "herons"); found < n/2 {
		t.Errorf("while the crawl goes on, %d pages are found", found)
	}
	select {
	case err := <-ended:
		t.Fatalf("the run has ended before the gate was opened: %v", err)
	default:
	}
	close(g.open)
	check(t, <-ended)
	if result.Counts.Added != n+2 || !result.Pruned || s.found(t, "herons") != n+2 {
		t.Errorf("%+v", result)
	}
	if c := b.site.Counts(); c.Requests != n {
		t.Errorf("the listing has asked again: %+v", c)
	}
	check(t, s.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: result.Pruned}))
	counts, extracted := s.sync(t, b)
	if counts.Unchanged != n+2 || extracted != 0 {
		t.Errorf("read again: %+v, %d extracted", counts, extracted)
	}
}

// TestFirstCrawlIsKilled: the process dies in the middle of a first crawl, at once. The
// next one reads what is left, and what had not been saved; what was removed since is
// found by the listing.
func TestFirstCrawlIsKilled(t *testing.T) {
	const n = 200
	b, g := gated(t, n)
	s := newServer(t)
	taken := s.take(t)
	ctx, kill := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := s.work(ctx, t, b, taken)
		ended <- err
	}()
	<-g.asked
	saved := t.TempDir() // what a process leaves that cannot say good-bye
	check(t, os.CopyFS(saved, os.DirFS(b.remote.Env.WorkDir)))
	kill()
	if err := <-ended; err == nil {
		t.Fatal("the run has ended")
	}
	check(t, os.RemoveAll(b.remote.Env.WorkDir))
	check(t, os.CopyFS(b.remote.Env.WorkDir, os.DirFS(saved)))
	close(g.open)
	before := s.found(t, "herons")
	if c := b.site.Counts(); before < n/2 || c.Requests < n {
		t.Fatalf("%d pages were found, %+v", before, c)
	}
	b.site.Remove(t, "p0001")
	b.site.Remove(t, "p0050")
	check(t, s.db.EndLeases(t.Context()))
	again, ok, err := s.db.TakeRun(t.Context(), taken.Run.ID)
	if err != nil || !ok {
		t.Fatalf("the run cannot be taken up: %v", err)
	}
	if again.Cursor == "" {
		t.Error("the cursor is not stored")
	}
	result, err := s.work(t.Context(), t, b, again)
	check(t, err)
	if c := b.site.Counts(); c.Requests > n/4 {
		t.Errorf("after the kill %d of %d pages were asked for", c.Requests, n)
	}
	if extracted := s.extractor.n.Load(); extracted > n+n/4 {
		t.Errorf("%d documents were extracted", extracted)
	}
	check(t, s.db.FinishRun(t.Context(), again.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: result.Pruned}))
	counts, _ := s.sync(t, b) // lists first, and finds what is gone
	if found := s.found(t, "herons"); counts.Deleted > 2 || found != n {
		t.Errorf("%d pages are found, %+v", found, counts)
	}
}

// TestFirstCrawlThatIsIncomplete deletes nothing, as long as not all of the site is known.
func TestFirstCrawlThatIsIncomplete(t *testing.T) {
	b, s := newBench(t), newServer(t)
	fill(t, b.site, 20)
	taken := s.take(t)
	result, err := s.work(t.Context(), t, b, taken)
	check(t, err)
	if !result.Pruned || result.Counts.Added != 20 {
		t.Fatalf("%+v", result)
	}
	// It was complete, but nobody has noted that.
	check(t, s.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunFailed}))
	b.settings["max_pages"] = "10"
	taken = s.take(t)
	if result, err = s.work(t.Context(), t, b, taken); err != nil || result.Pruned || result.Counts.Deleted != 0 {
		t.Errorf("with a limit: %+v, %v", result, err)
	}
	if found := s.found(t, "herons"); found != 20 {
		t.Errorf("%d pages are left", found)
	}
}

// BenchmarkFirstPage measures how long it takes until a page of a new site of 500 can be
// found, as it is and when the listing comes first. At zero latency: a real site adds
// what its rate allows, five requests a second, to each page before.
func BenchmarkFirstPage(b *testing.B) {
	for _, mode := range []struct {
		name     string
		listLast bool
	}{{"list_first", false}, {"list_last", true}} {
		b.Run(mode.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				site, s := newBench(b), newServer(b)
				site.site.PerPage = 100
				fill(b, site.site, 500)
				run, err := s.db.QueueRun(b.Context(), s.source.ID, cairn.SyncOptions{}, func(pgx.Tx, string) error { return nil })
				check(b, err)
				taken, _, err := s.db.TakeRun(b.Context(), run.ID)
				check(b, err)
				b.StartTimer()
				begin, first, requests := time.Now(), time.Duration(0), 0
				job := ingest.Sync{Source: s.source, Connector: site.connect(b), Lease: taken.Lease, Prune: true, ListLast: mode.listLast}
				job.Progress = func(_ ingest.Phase, scanned int) {
					if scanned > 0 && first == 0 {
						first, requests = time.Since(begin), site.remote.Faults.Requests()
					}
				}
				_, err = s.syncer.Run(b.Context(), job)
				check(b, err)
				b.ReportMetric(float64(first.Milliseconds()), "ms/first")
				b.ReportMetric(float64(requests), "requests/first")
			}
		})
	}
}
