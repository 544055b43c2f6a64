package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestListRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s, other := f.source("a", cairn.ACL{}), f.source("b", cairn.ACL{})
	at := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	insert := `
		INSERT INTO runs (id, source_id, state, "full", dry_run, confirm, permissions_only, reason, created_at, started_at, finished_at,
		                  total, scanned, added, modified, deleted, failed, unchanged)
		VALUES ($1, $2, 'partial', true, true, true, true, 'why', $3, $4, $5, 9, 8, 1, 2, 3, 4, 1)`
	var want []cairn.Run
	for _, id := range numbered("r", 5) { // all in one moment: the id decides
		f.exec(insert, id, s.ID, at, at.Add(time.Second), at.Add(time.Minute))
		want = append([]cairn.Run{{
			ID: id, Source: s.ID, State: cairn.RunPartial, Full: true, DryRun: true, Confirm: true, PermissionsOnly: true, Reason: "why",
			Created: at, Started: at.Add(time.Second), Finished: at.Add(time.Minute), Total: 9,
			Counts: cairn.Counts{Scanned: 8, Added: 1, Modified: 2, Deleted: 3, Failed: 4, Unchanged: 1},
		}}, want...)
	}
	f.exec(insert, "x", other.ID, at, nil, nil)
	got := allPages(t, 2, 3, func(p api.Page) ([]cairn.Run, string, error) { return f.ListRuns(ctx, s.ID, p) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
	run, err := f.RunByID(ctx, "x")
	if err != nil || !run.Started.IsZero() || !run.Finished.IsZero() || run.Source != other.ID {
		t.Errorf("one run: %+v, %v", run, err)
	}
	_, err = f.RunByID(ctx, "none")
	wantError(t, "unknown", err, cairn.ErrNotFound)
}

func TestDocumentErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s, other := f.source("a", cairn.ACL{}), f.source("b", cairn.ACL{})
	at := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	var want []cairn.DocumentError
	for i, external := range numbered("e", 5) {
		e := cairn.DocumentError{
			External: external, URL: "https://acme.test/" + external, Code: "corrupt", Reason: "It is damaged.",
			Attempts: 2, At: at.Add(time.Duration(i/2) * time.Hour),
		}
		for _, source := range []cairn.SourceID{s.ID, other.ID} {
			f.exec(`
				INSERT INTO document_errors (source_id, external_id, url, code, reason, revision, attempts, at)
				VALUES ($1, $2, $3, $4, $5, 'v1', $6, $7)`, source, e.External, e.URL, e.Code, e.Reason, e.Attempts, e.At)
		}
		want = append([]cairn.DocumentError{e}, want...)
	}
	got := allPages(t, 2, 3, func(p api.Page) ([]cairn.DocumentError, string, error) { return f.ListErrors(ctx, s.ID, p) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}

	retry := func(externals []string, want int) {
		t.Helper()
		n, err := f.RetryErrors(ctx, s.ID, externals)
		if err != nil || n != want {
			t.Errorf("retry %q: %d, %v; want %d", externals, n, err, want)
		}
	}
	again := func() int {
		return f.count(`SELECT count(*) FROM document_errors WHERE source_id = $1 AND attempts = 0 AND revision = ''`, s.ID)
	}
	retry([]string{"e1", "none"}, 1)
	if n := again(); n != 1 {
		t.Errorf("%d are read again, want 1", n)
	}
	retry(nil, 5)
	if n := again(); n != 5 {
		t.Errorf("%d are read again, want 5", n)
	}
	if n := f.count(`SELECT count(*) FROM document_errors WHERE source_id = $1 AND attempts = 2`, other.ID); n != 5 {
		t.Errorf("%d of another source are left alone, want 5", n)
	}
	_, err := f.RetryErrors(ctx, s.ID, []string{"n\x00l"})
	wantError(t, "bad text", err, cairn.ErrInvalid)
}
