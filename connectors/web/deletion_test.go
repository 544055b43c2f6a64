package web_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// endless is a site of which no listing is complete, since others may lie behind a page that
// fails: what is gone is known by the answers of the site alone.
func endless(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	fill(t, b.site, 20)
	b.site.Handle("/docs/links", page(`<a href="broken.html">x</a><a href="p0003.html">y</a>`))
	b.site.Handle("/docs/broken.html", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	b.settings["url"] = b.remote.URL + "/docs/links," + b.settings["url"]
	return b
}

// A page that answers 410 is deleted by the next sync, also behind a dry run that saw it first.
func TestDryRunKeepsADeletion(t *testing.T) {
	for _, dry := range []bool{false, true} {
		b, s := endless(t), newServer(t)
		run := func(o cairn.SyncOptions) {
			r, err := s.db.QueueRun(t.Context(), s.source.ID, o, func(pgx.Tx, string) error { return nil })
			check(t, err)
			taken, ok, err := s.db.TakeRun(t.Context(), r.ID)
			check(t, err)
			if !ok {
				t.Fatal("the run cannot be taken")
			}
			result, _ := s.syncer.Run(t.Context(), ingest.Sync{Source: s.source, Connector: b.connect(t), Cursor: taken.Cursor, Lease: taken.Lease,
				Prune: true, DryRun: o.DryRun}) // its error says that the listing is not complete
			check(t, s.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: result.Pruned}))
		}
		run(cairn.SyncOptions{})
		before := s.found(t, "herons")
		b.site.Remove(t, "p0003")
		if dry {
			run(cairn.SyncOptions{DryRun: true})
		}
		run(cairn.SyncOptions{})
		if after := s.found(t, "herons"); before == 0 || after != before-1 {
			t.Errorf("a dry run before: %v; %d pages were found, and %d after one was removed", dry, before, after)
		}
	}
}

// A deletion that was told and not stored is told again to who reads on from the old
// cursor, and no more once it was stored.
func TestDeletionIsToldUntilStored(t *testing.T) {
	b := endless(t)
	var cursor connectors.Cursor
	read := func(upToDeletion, store bool) (deletions int) {
		at := cursor
		for c, err := range b.connect(t).Changes(t.Context(), at) {
			check(t, err)
			if c.Op == connectors.Delete {
				deletions++
			}
			if store && c.Cursor != "" {
				cursor = c.Cursor
			}
			if upToDeletion && deletions > 0 {
				return deletions // the process ends
			}
		}
		return deletions
	}
	read(false, true)
	b.site.Remove(t, "p0003")
	for i, step := range []struct {
		name                string
		upToDeletion, store bool
		want                int
	}{
		{"lost with the process", true, false, 1},
		{"lost in a whole reading", false, false, 1},
		{"stored with what came before it", true, true, 1},
		{"in the rest of the reading", false, true, 0},
		{"in the next reading", false, true, 0},
	} {
		if got := read(step.upToDeletion, step.store); got != step.want {
			t.Errorf("%d, %s: the deletion was told %d times, want %d", i, step.name, got, step.want)
		}
	}
}

// What a site does not let Cairn see any more is shown to nobody, also where nothing is
// known of the page from before, and is there again, without being read, once the site does.
func TestRefusedPagesAreClosed(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		b, s := newBench(t), newServer(t)
		fill(t, b.site, 6)
		s.sync(t, b)
		for _, lost := range []bool{false, true} {
			if lost {
				check(t, os.RemoveAll(b.remote.Env.WorkDir))
			}
			b.site.Break("p0003", status)
			counts, _ := s.sync(t, b)
			if found := s.found(t, "herons"); found != 5 || counts.Failed != 1 {
				t.Errorf("%d: %d pages are found, %+v", status, found, counts)
			}
			b.site.Break("p0003", 0)
			if _, extracted := s.sync(t, b); s.found(t, "herons") != 6 || extracted != 0 {
				t.Errorf("%d, and back: %d pages are found, %d extracted", status, s.found(t, "herons"), extracted)
			}
		}
	}
}
