package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// A listing that comes last deletes what it lacks, under the same guard, and nothing when
// it is not complete. What is read can be found before it begins.
func TestListingThatComesLast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.listLast = true
	s := &shelf{files: map[string]string{"a.md": "Herons.", "b.md": "Otters.", "c.md": "Gannets.", "d.md": "Terns.", "e.md": "Gulls."}}
	b.mustSync(s)
	delete(s.files, "b.md")
	s.files["f.md"] = "Storks."
	s.listed = errors.New("half of it")
	run := b.mustSync(s)
	if run.Deleted != 0 || run.Added != 1 {
		t.Errorf("an incomplete listing: %+v", run.Counts)
	}
	if len(run.Warnings) != 1 || run.Warnings[0].Code != "incomplete_listing" || run.Warnings[0].Count != 1 {
		t.Errorf("the run warns of %+v", run.Warnings)
	}
	b.open("an incomplete listing", "otters")
	s.listed = nil
	if run = b.mustSync(s); run.Deleted != 1 || len(run.Warnings) != 0 {
		t.Errorf("a complete listing: %+v", run)
	}
	b.closed("a complete listing", "otters")
	s.files = map[string]string{"a.md": "Herons."}
	if _, err := b.sync(s, cairn.SyncOptions{}); !ingest.IsWaiting(err) {
		t.Errorf("most of it is gone, and the run ends with %v", err)
	}
	b.closed("withheld", "gannets")
	if got := len(b.externals()); got != 5 {
		t.Errorf("%d documents are stored", got)
	}
}

// The guard holds for deletions that the source tells, before there is a listing.
func TestGuardBeforeTheListing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Herons.", "b.md": "Otters.", "c.md": "Gannets.", "d.md": "Terns."}}
	b.mustSync(s)
	taken := b.take(cairn.SyncOptions{})
	gone := script{{Op: connectors.Delete, External: "a.md"}, {Op: connectors.Delete, External: "b.md"}}
	_, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: gone, Lease: taken.Lease, Prune: true, ListLast: true})
	if !ingest.IsWaiting(err) || len(b.externals()) != 4 {
		t.Errorf("the run ends with %v, %d documents are stored", err, len(b.externals()))
	}
}

// A run says how many documents it could not read, by cause, and names none of them.
func TestRunWarnsOfFailures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"secret-a.docx": brokenFile, "secret-b.docx": brokenFile + "x", "shut.md": "Shut.", "ok.md": "Herons."}, broken: map[string]bool{"shut.md": true}}
	run := b.mustSync(s)
	codes := map[string]int{}
	for _, w := range run.Warnings {
		if codes[w.Code] = w.Count; strings.Contains(w.Message, "secret") || w.Message == "" {
			t.Errorf("a warning says %q", w.Message)
		}
	}
	if d := cmp.Diff(map[string]int{"corrupt": 2, "unreadable": 1}, codes); d != "" || run.Warnings[0].Count != 2 {
		t.Errorf("(-want +got):\n%s", d)
	}
}
