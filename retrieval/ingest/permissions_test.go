package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// wall is a club that tells who may read what without the documents.
type wall struct {
	club
	untold map[string]error
	breaks int // the permissions end with an error after this many; 0: never
}

func newWall(files map[string]string) *wall {
	return &wall{club: club{shelf: shelf{files: files, acls: map[string]cairn.ACL{}}}, untold: map[string]error{}}
}

func (w *wall) Permissions(context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for i, name := range slices.Sorted(maps.Keys(w.files)) {
			if w.breaks > 0 && i >= w.breaks {
				yield(connectors.Permission{}, errors.New("page 7 of the list failed"))
				return
			}
			p := connectors.Permission{External: name, Err: w.untold[name]}
			if acl, ok := w.acls[name]; ok && p.Err == nil {
				p.ACL = &acl
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// permit does what a worker does with a run that only brings permissions.
func (b *bench) permit(s connectors.Connector, o cairn.SyncOptions) (cairn.Run, ingest.Result, error) {
	b.t.Helper()
	o.PermissionsOnly = true
	taken := b.take(o)
	result, err := b.permitted(s, taken)
	result.Pruned = false
	return b.finish(taken, result, err), result, err
}

func (b *bench) permitted(s connectors.Connector, taken jobs.Taken) (ingest.Result, error) {
	return b.syncer.RunPermissions(b.t.Context(), ingest.Sync{
		Source: b.source, Connector: s, Lease: taken.Lease, DryRun: taken.Run.DryRun, Confirm: taken.Run.Confirm,
		IgnoreACLs: b.source.Kind == "overruled",
	})
}

func (b *bench) mustPermit(s connectors.Connector) cairn.Run {
	b.t.Helper()
	run, _, err := b.permit(s, cairn.SyncOptions{})
	check(b.t, err)
	return run
}

// readsACLs makes the source one whose connector reads the permissions.
func (b *bench) readsACLs() {
	b.t.Helper()
	var err error
	b.source, err = b.db.UpdateSource(b.t.Context(), b.source.ID, func(s *cairn.Source) error { s.ACLMode = cairn.ACLFromSource; return nil })
	check(b.t, err)
}

// near reports which documents a viewer finds by meaning.
func (b *bench) near(v cairn.Viewer, text string) []string {
	b.t.Helper()
	vectors, err := b.syncer.Prepare.Embedder.Embed(b.t.Context(), llm.RoleQuery, []string{text})
	check(b.t, err)
	hits, err := b.index.Nearest(b.t.Context(), cairn.Query{Viewer: v}, vectors[0], 100)
	check(b.t, err)
	return titles(b.t.(*testing.T), b, hits)
}

// count returns the number that a statement finds.
func (b *bench) count(sql string, args ...any) (n int) {
	b.t.Helper()
	check(b.t, b.db.Worker().QueryRow(b.t.Context(), sql, args...).Scan(&n))
	return n
}

func (b *bench) document(external string) (id cairn.DocumentID) {
	b.t.Helper()
	check(b.t, b.db.Worker().QueryRow(b.t.Context(), `SELECT id FROM documents WHERE external_id = $1`, external).Scan(&id))
	return id
}

// work counts what is extracted and embedded.
type work struct {
	llm.Embedder
	extracted, embedded atomic.Int64
}

func (w *work) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	w.extracted.Add(1)
	return inProcess{}.Extract(ctx, in, r)
}

func (w *work) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	w.embedded.Add(1)
	return w.Embedder.Embed(ctx, role, texts)
}

var (
	board  = cairn.Allow("group:cairn:board")
	aBoard = cairn.Viewer{Account: "b", Keys: []cairn.PrincipalKey{"group:cairn:board"}}
)

func TestPermissionsAreReadWithoutText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	counted := &work{Embedder: b.syncer.Prepare.Embedder}
	b.syncer.Prepare = &ingest.Preparer{Extractor: counted, Embedder: counted}
	w := newWall(map[string]string{
		"falcons.md": "# Falcons\n\nFalcons nest on the tower.", "m.eml": mailWithAttachment, "otters.md": "# Otters\n\nOtters swim.", "same.md": "# Same\n\nGannets.",
	})
	w.acls["otters.md"] = board
	b.mustSync(&w.shelf)
	extracted, embedded, opened := counted.extracted.Load(), counted.embedded.Load(), w.opened.Load()
	chunks := `SELECT bit_xor(hashtext(c.id || c.document_id || d.version)) FROM chunks c JOIN documents d ON d.id = c.document_id`
	before := b.count(chunks)
	told := b.count(`SELECT count(*) FROM changes WHERE kind = 1`)

	w.acls["falcons.md"], w.acls["m.eml"] = board, board // narrowed
	delete(w.acls, "otters.md")                          // follows the source again
	w.files["new.md"] = "# New\n\nPelicans."
	w.files["same.md"] = "# Same\n\nCormorants."
	run := b.mustPermit(w)
	if diff := cmp.Diff(counts(4, 0, 3, 0, 0, 1), run.Counts); diff != "" || run.State != cairn.RunSucceeded || !run.PermissionsOnly {
		t.Errorf("%+v (-want +got):\n%s", run, diff)
	}
	for _, word := range []string{"falcons", "herons", "flamingos"} {
		b.closed("narrowed", word)
		if got := b.finds(aBoard, word); len(got) != 1 {
			t.Errorf("the board finds %q by %s", got, word)
		}
	}
	b.open("widened", "otters")
	b.open("not read anew", "gannets")
	b.closed("left to the next sync", "pelicans")
	if got := b.near(everyone, "falcons nest on the tower"); slices.Contains(got, "Falcons") {
		t.Errorf("by meaning everybody finds %q", got)
	}
	if e, m, o := counted.extracted.Load()-extracted, counted.embedded.Load()-embedded-1, w.opened.Load()-opened; e+m+o != 0 {
		t.Errorf("%d extractions, %d embeddings, %d documents opened", e, m, o)
	}
	if b.count(chunks) != before {
		t.Error("chunks or versions are others than before")
	}
	if got := b.count(`SELECT count(*) FROM changes WHERE kind = 1`) - told; got != 4 {
		t.Errorf("%d chunks are told of in the feed, want the 4 with another class", got)
	}
	told += 4
	if run := b.mustPermit(w); run.Modified != 0 || run.Unchanged != 4 || b.count(`SELECT count(*) FROM changes WHERE kind = 1`) != told {
		t.Errorf("nothing has changed, and the run says %+v", run.Counts)
	}
}

func TestVanishedIsHiddenByARunOfPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets dive.", "b.md": "# B\n\nTerns.", "c.md": "# C\n\nGulls.", "m.eml": mailWithAttachment})
	b.mustSync(&w.shelf)
	id, text := b.document("m.eml"), w.files["m.eml"]
	delete(w.files, "m.eml")
	dry, _, err := b.permit(w, cairn.SyncOptions{DryRun: true})
	check(t, err)
	b.open("after a dry run", "herons")
	run := b.mustPermit(w)
	if dry.Deleted != 1 || run.Deleted != 1 {
		t.Errorf("the dry run says %+v, the other %+v", dry.Counts, run.Counts)
	}
	b.closed("vanished", "herons")
	b.closed("what was attached to it", "flamingos")
	if got := b.near(everyone, "the herons are enclosed"); slices.Contains(got, "Offer") {
		t.Errorf("by meaning everybody finds %q", got)
	}
	if _, err := b.db.Document(t.Context(), everyone, id, ""); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("the document itself: %v", err)
	}
	if left := b.count(`SELECT count(*) FROM bodies WHERE document_id = $1`, id); left != 1 {
		t.Errorf("%d bodies are left; it is erased after the retention", left)
	}
	w.files["m.eml"] = text
	if run := b.mustPermit(w); run.Scanned != 3 || run.Deleted != 0 {
		t.Errorf("it is back, and the run says %+v", run.Counts)
	}
	b.closed("until documents are read", "herons")
	b.mustSync(&w.shelf)
	b.open("read again", "flamingos")
	if again := b.document("m.eml"); again != id {
		t.Errorf("it was %s and is %s", id, again)
	}
}

// A run of permissions takes a renamed file for one that has vanished. The next sync
// knows better.
func TestRenameAcrossARunOfPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"old.md": "# Title\n\nThe very same text.\n", "x.md": "# X\n\nanother", "y.md": "# Y\n\nthird"})
	b.mustSync(&w.shelf)
	id := b.document("old.md")
	w.files["new.md"] = w.files["old.md"]
	delete(w.files, "old.md")
	b.mustPermit(w)
	b.closed("hidden", "very")
	if run := b.mustSync(&w.shelf); run.Modified != 1 || run.Added+run.Deleted != 0 {
		t.Errorf("a rename counts as %+v", run.Counts)
	}
	if again := b.document("new.md"); again != id {
		t.Errorf("it was %s and is %s", id, again)
	}
	b.open("renamed", "very")
	// What a sync itself found to have vanished is no candidate any more.
	delete(w.files, "x.md")
	b.mustSync(&w.shelf)
	w.files["z.md"] = "# X\n\nanother"
	if run := b.mustSync(&w.shelf); run.Added != 1 {
		t.Errorf("a copy of what was deleted counts as %+v", run.Counts)
	}
}

// What is back is found by the next sync, even where the source tells only what is new.
func TestReturnedDocumentsAreReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets.", "b.md": "# B\n\nTerns."})
	b.mustSync(&w.shelf)
	cursor := func() (c string) {
		t.Helper()
		check(t, b.db.Worker().QueryRow(t.Context(), `SELECT cursor FROM sources`).Scan(&c))
		return c
	}
	_, err := b.db.Worker().Exec(t.Context(), `UPDATE sources SET cursor = 'c7'`)
	check(t, err)
	text := w.files["b.md"]
	delete(w.files, "b.md")
	w.files["new.md"] = "# New\n\nPuffins."
	b.mustPermit(w)
	if cursor() != "c7" {
		t.Error("a new document drops the cursor")
	}
	w.files["b.md"] = text
	b.mustPermit(w)
	if cursor() != "" {
		t.Error("a document is back, and the cursor is still there")
	}
	_, err = b.db.Worker().Exec(t.Context(), `UPDATE sources SET cursor = 'c8'`)
	check(t, err)
	b.mustSync(&shelf{files: map[string]string{"b.md": ""}, broken: map[string]bool{"b.md": true}, listed: errors.New("not complete")})
	b.mustPermit(w)
	if cursor() != "c8" {
		t.Error("a document that could not be read drops the cursor again")
	}
}

// A list that breaks off near its end says nothing of what did not come, although it is
// less than the guard would ask about.
func TestBrokenListOfPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets.", "b.md": "# B\n\nTerns.", "y.md": "# Y\n\nGulls.", "z.md": "# Z\n\nPuffins."})
	for i := range 7 {
		w.files[fmt.Sprintf("m%d.md", i)] = fmt.Sprintf("# Page %d\n\nText.", i)
	}
	w.acls["z.md"] = hr
	b.mustSync(&w.shelf)
	w.acls["a.md"], w.acls["y.md"], w.acls["z.md"] = board, board, board
	delete(w.files, "b.md")
	w.breaks = 8
	run, result, err := b.permit(w, cairn.SyncOptions{})
	if err == nil || run.State != cairn.RunFailed || result.Counts.Modified != 1 || run.Deleted != 0 {
		t.Errorf("%+v, %v", run, err)
	}
	b.closed("told before the list broke off", "gannets")
	b.open("gone, but the list is not complete", "terns")
	b.open("not told", "gulls")
	if got := b.finds(aBoard, "puffins"); len(got) != 0 {
		t.Errorf("not told, and the board finds %q", got)
	}
}

func TestUntoldPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	w := newWall(map[string]string{"known.md": "# K\n\nGannets.", "never.md": "# N\n\nTerns.", "bad.docx": "Plain puffins."})
	w.acls["known.md"], w.acls["bad.docx"] = cairn.Allow(cairn.Everyone), cairn.Allow(cairn.Everyone)
	b.mustSync(&w.shelf)
	w.files["bad.docx"] = brokenFile
	b.mustSync(&w.shelf)
	b.open("told", "gannets")
	b.closed("never told", "terns")
	for name := range w.files {
		w.untold[name] = &connectors.DocumentError{Code: "http_500", Reason: "The site failed."}
	}
	errorsOf := func() map[string]string {
		rows, err := b.db.Worker().Query(t.Context(), `SELECT external_id, code || ': ' || reason FROM document_errors`)
		check(t, err)
		out := map[string]string{}
		var name, what string
		_, err = pgx.ForEachRow(rows, []any{&name, &what}, func() error { out[name] = what; return nil })
		check(t, err)
		return out
	}
	for range 6 { // more often than a document that fails is tried
		run, result, err := b.permit(w, cairn.SyncOptions{})
		check(t, err)
		if run.State != cairn.RunPartial || run.Failed != 3 || !result.Untold {
			t.Errorf("%+v, %+v", run, result)
		}
	}
	b.open("the former ACL holds", "gannets")
	b.closed("never told", "terns")
	found := errorsOf()
	if found["known.md"] != "permissions_unknown: The site failed." || found["never.md"] != found["known.md"] || found["bad.docx"] == found["known.md"] {
		t.Errorf("recorded are %q", found)
	}
	// A document that changes meanwhile is read all the same, and has no error then.
	w.files["known.md"] = "# K\n\nCormorants."
	b.mustSync(&w.shelf)
	b.open("read", "cormorants")
	clear(w.untold)
	w.acls["never.md"] = cairn.Allow(cairn.Everyone)
	if run, result, err := b.permit(w, cairn.SyncOptions{}); err != nil || run.State != cairn.RunSucceeded || result.Untold {
		t.Errorf("%+v, %+v, %v", run, result, err)
	}
	b.open("told at last", "terns")
	if found := errorsOf(); len(found) != 1 || found["bad.docx"] == "" {
		t.Errorf("recorded are %q", found)
	}
}

// A sync is told in the same way: text and ACL of before stay, and a new document is
// not stored.
func TestUntoldPermissionsInASync(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	upsert := (&shelf{files: map[string]string{"a.md": "# A\n\nGannets dive."}, acls: map[string]cairn.ACL{"a.md": cairn.Allow(cairn.Everyone)}}).change("a.md")
	untold := &connectors.DocumentError{Code: connectors.PermissionsUnknown, Reason: "The site failed."}
	for _, changes := range []script{{upsert}, {{External: "a.md", Err: untold}, {External: "new.md", Err: untold}}} {
		taken := b.take(cairn.SyncOptions{})
		result, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: changes, Lease: taken.Lease})
		check(t, err)
		check(t, b.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
		if result.Untold != (len(changes) > 1) || result.Counts.Failed > 0 != result.Untold {
			t.Errorf("%+v", result)
		}
	}
	b.open("the former ACL holds", "gannets")
	if n := b.count(`SELECT count(*) FROM documents`); n != 1 {
		t.Errorf("%d documents are stored", n)
	}
}

func TestGuardOfPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := map[string]string{}
	for i := range 10 {
		files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
	}
	w := newWall(files)
	b.mustSync(&w.shelf)
	for i := range 4 {
		delete(w.files, fmt.Sprintf("%d.md", i))
	}
	w.acls["9.md"] = hr
	run, result, err := b.permit(w, cairn.SyncOptions{})
	if !ingest.IsWaiting(err) || result.Waiting != 4 || run.Modified != 1 || len(b.externals()) != 10 {
		t.Errorf("40 %% vanished: %+v, %v, %d left", result, err, len(b.externals()))
	}
	if got := b.finds(everyone, "page"); len(got) != 5 {
		t.Errorf("found are %q; 4 have vanished and 1 is of HR", got)
	}
	if _, _, err := b.permit(w, cairn.SyncOptions{Confirm: true}); err != nil || len(b.externals()) != 6 {
		t.Errorf("confirmed: %v, %d left", err, len(b.externals()))
	}
}

// TestKilledRunOfPermissionsGoesOn breaks a run off at every document, as when its
// process dies, and takes it up again: the end is that of one run.
func TestKilledRunOfPermissionsGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{})
	for i := range 6 {
		w.files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
	}
	acls := []cairn.ACL{hr, board, cairn.Allow(cairn.Everyone)}
	b.mustSync(&w.shelf)
	for cut := 1; cut < 5; cut++ {
		for i := range 4 {
			w.acls[fmt.Sprintf("%d.md", i)] = acls[(cut+i)%len(acls)]
		}
		w.files["5.md"] = fmt.Sprintf("# Page 5\n\nOnce more, %d.", cut)
		b.mustSync(&shelf{files: map[string]string{"5.md": w.files["5.md"]}, listed: errors.New("not complete")})
		delete(w.files, "5.md")
		taken := b.take(cairn.SyncOptions{PermissionsOnly: true})
		w.breaks = cut
		if _, err := b.permitted(w, taken); err == nil {
			t.Fatal("a list that broke off is no error")
		}
		check(t, b.db.EndLeases(t.Context()))
		again, ok, err := b.db.TakeRun(t.Context(), taken.Run.ID)
		if err != nil || !ok {
			t.Fatalf("not taken up: %v", err)
		}
		w.breaks = 0
		if _, err := b.permitted(w, taken); !errors.Is(err, cairn.ErrConflict) {
			t.Errorf("the worker that lost the run commits: %v", err)
		}
		_, err = b.permitted(w, again)
		check(t, err)
		check(t, b.db.FinishRun(t.Context(), again.Lease, jobs.Ending{State: cairn.RunSucceeded}))
		run, err := b.db.RunByID(t.Context(), taken.Run.ID)
		check(t, err)
		if run.Scanned != 5 || run.Modified+run.Unchanged != 5 || run.Deleted != 1 {
			t.Errorf("cut at %d: %+v", cut, run.Counts)
		}
		stored, err := b.store.ACLs(t.Context(), b.source.ID)
		check(t, err)
		if len(stored) != 5 {
			t.Errorf("cut at %d: %d documents are left", cut, len(stored))
		}
		for name, acl := range w.acls {
			if got := stored[name]; got.ACL != acl.Hash() || !got.Own {
				t.Errorf("cut at %d: %s has another ACL", cut, name)
			}
		}
	}
}

// A run that reads documents takes the place of one that does not, and not the other
// way round.
func TestRunsOfPermissionsGiveWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets."})
	b.mustSync(&w.shelf)
	permissions := b.take(cairn.SyncOptions{PermissionsOnly: true})
	reading := b.take(cairn.SyncOptions{})
	if permissions.Run.ID == reading.Run.ID {
		t.Fatal("the run that reads documents is the other one")
	}
	w.acls["a.md"] = hr
	if _, err := b.permitted(w, permissions); !errors.Is(err, cairn.ErrConflict) {
		t.Errorf("the run that gave way commits: %v", err)
	}
	b.open("nothing was committed", "gannets")
	if run, err := b.db.RunByID(t.Context(), permissions.Run.ID); err != nil || run.State != cairn.RunCancelled || run.Reason == "" || run.Finished.IsZero() {
		t.Errorf("%+v, %v", run, err)
	}
	queued, err := b.db.QueueRun(t.Context(), b.source.ID, cairn.SyncOptions{PermissionsOnly: true}, func(pgx.Tx, string) error {
		t.Error("a second run is enqueued")
		return nil
	})
	check(t, err)
	if queued.ID != reading.Run.ID {
		t.Errorf("beside a run that reads documents there is %+v", queued)
	}
	_, err = b.run(&w.shelf, reading)
	check(t, err)
	b.closed("read", "gannets")
}

func TestPermissionsBringGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets."})
	b.mustSync(&w.shelf)
	members := `SELECT count(*) FROM groups g JOIN group_members m ON m.group_id = g.id WHERE g.directory = 'shelf'`
	w.members = []connectors.Member{{Group: "readers", Email: "ann@acme.test"}}
	w.acls["a.md"] = cairn.Allow(connectors.SiteGroup("readers"))
	b.mustPermit(w)
	ann := cairn.Viewer{Keys: []cairn.PrincipalKey{"group:shelf:readers"}}
	if b.count(members) != 1 || len(b.finds(ann, "gannets")) != 1 {
		t.Errorf("%d members, and Ann finds %q", b.count(members), b.finds(ann, "gannets"))
	}
	w.members, w.failed = nil, errors.New("the site's directory is away")
	w.acls["a.md"] = hr
	if _, _, err := b.permit(w, cairn.SyncOptions{}); !errors.Is(err, cairn.ErrUnavailable) {
		t.Errorf("the run ends with %v", err)
	}
	if b.count(members) != 1 || len(b.finds(ann, "gannets")) != 0 {
		t.Errorf("after a failure: %d members, and Ann finds %q", b.count(members), b.finds(ann, "gannets"))
	}
}

// Where an administrator has declared who may read a source, nothing that it says of
// its permissions counts; what has vanished has.
func TestDeclaredPermissionsStand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "# A\n\nGannets.", "b.md": "# B\n\nTerns.", "c.md": "# C\n\nGulls."})
	b.mustSync(&w.shelf)
	b.source.Kind = "overruled"
	w.acls["a.md"] = hr
	w.untold["b.md"] = errors.New("forbidden")
	delete(w.files, "c.md")
	run, result, err := b.permit(w, cairn.SyncOptions{})
	check(t, err)
	if diff := cmp.Diff(counts(2, 0, 0, 1, 0, 2), run.Counts); diff != "" || result.Untold {
		t.Errorf("%+v (-want +got):\n%s", result, diff)
	}
	b.open("declared", "gannets")
}

func TestSourcesThatTellNoPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, _, err := b.permit(&shelf{}, cairn.SyncOptions{}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// slow is a wall whose documents come slowly: something happens before each.
type slow struct {
	*wall
	before func(n int)
}

func (s slow) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		n := 0
		for c, err := range s.shelf.Changes(ctx, since) {
			if _, there := s.files[c.External]; !there {
				continue
			}
			s.before(n)
			if n++; !yield(c, err) {
				return
			}
		}
	}
}

// beside opens a connector as a run does beside its own.
func beside(c connectors.Connector) func() (connectors.Connector, error) {
	return func() (connectors.Connector, error) { return c, nil }
}

// readSlowly takes a run that reads documents and brings permissions up to date
// between all batches, of which the first has 8 documents and the second 16.
func (b *bench) readSlowly(w *wall, before func(n int)) (cairn.Run, ingest.Result, error) {
	b.t.Helper()
	taken := b.take(cairn.SyncOptions{})
	result, err := b.syncer.Run(b.t.Context(), ingest.Sync{
		Source: b.source, Connector: slow{w, before}, Lease: taken.Lease, Prune: true, Beside: beside(w), PermissionsEvery: time.Nanosecond,
		Permitted: func(ago time.Duration) { check(b.t, b.db.PermissionsRead(b.t.Context(), taken.Lease, ago)) },
	})
	check(b.t, b.db.FinishRun(b.t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
	run, runErr := b.db.RunByID(b.t.Context(), taken.Run.ID)
	check(b.t, runErr)
	return run, result, err
}

// word returns the word of a page, which is on no other.
func word(n int) string {
	const letters = "bcdfghjklm"
	return "zor" + letters[n/10:n/10+1] + letters[n%10:n%10+1]
}

func pages(n int) *wall {
	w := newWall(map[string]string{})
	for i := range n {
		w.files[fmt.Sprintf("%02d.md", i)] = "# Page\n\n" + word(i)
	}
	return w
}

// A run that reads documents for long keeps nobody's permissions from being brought up
// to date: neither narrowed ones, nor that something has vanished.
func TestPermissionsBetweenBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := pages(30)
	w.members = []connectors.Member{{Group: "readers", Email: "ann@acme.test"}}
	_, err := b.sync(w, cairn.SyncOptions{})
	check(t, err)
	members := `SELECT count(*) FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.directory = 'shelf'`
	synced := `SELECT count(*) FROM sources WHERE permissions_synced_at IS NOT NULL`
	if b.count(members) != 1 || b.count(synced) != 0 {
		t.Fatalf("%d members, permissions noted in %d sources", b.count(members), b.count(synced))
	}
	id := b.document("29.md")
	w.files["05.md"] = "# Page 5\n\nCormorants.\n"
	w.files["zz.md"] = w.files["29.md"] // renamed: the run comes to it at last
	delete(w.files, "29.md")
	run, result, err := b.readSlowly(w, func(n int) {
		switch n {
		case 1: // 00.md has been read, and is in no batch that is stored
			w.acls["00.md"], w.acls["20.md"], w.members = hr, hr, nil
			delete(w.files, "25.md")
		case 8:
			b.closed("narrowed, and read before", word(0))
			b.closed("narrowed, and not read yet", word(20))
			b.closed("vanished", word(25))
			b.closed("not there by its former name", word(29))
			b.open("unchanged", word(1))
			if b.count(members) != 0 || b.count(synced) != 1 {
				t.Errorf("%d members, permissions noted in %d sources", b.count(members), b.count(synced))
			}
			w.files["25.md"] = "# Page\n\n" + word(25)
		}
	})
	check(t, err)
	if diff := cmp.Diff(counts(30, 0, 2, 0, 0, 28), run.Counts); diff != "" || result.Untold {
		t.Errorf("%+v, counts (-want +got):\n%s", result, diff)
	}
	if again := b.document("zz.md"); again != id {
		t.Errorf("what was renamed was %s and is %s", id, again)
	}
	b.open("renamed", word(29))
	b.open("back before the run came to it", word(25))
	b.closed("narrowed", word(20))
}

// What vanishes while documents are read is withheld by the run, and the next hides it.
func TestVanishedBetweenBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := pages(30)
	_, err := b.sync(w, cairn.SyncOptions{})
	check(t, err)
	_, _, err = b.readSlowly(w, func(n int) {
		if n == 1 {
			delete(w.files, "25.md")
		}
	})
	check(t, err)
	b.closed("withheld", word(25))
	if run := b.mustPermit(w); run.Deleted != 1 {
		t.Errorf("%+v", run.Counts)
	}
}

// A list that fails between two batches hides nothing and does not fail the run; that
// permissions are not fresh is known until a later one succeeds.
func TestBrokenListBetweenBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := pages(30)
	_, err := b.sync(w, cairn.SyncOptions{})
	check(t, err)
	w.breaks = 3
	run, result, err := b.readSlowly(w, func(n int) {
		if n == 1 {
			w.acls["02.md"] = hr
		}
	})
	check(t, err)
	if !result.Untold || run.Unchanged != 30 || b.count(`SELECT count(*) FROM sources WHERE permissions_synced_at IS NOT NULL`) != 0 {
		t.Errorf("%+v, %+v", run.Counts, result)
	}
	b.closed("told before the list broke off", word(2))
	b.open("not told", word(20))
	_, result, err = b.readSlowly(w, func(n int) {
		if n == 20 {
			w.breaks = 0
		}
	})
	check(t, err)
	if result.Untold {
		t.Error("the last list was complete")
	}
}

// broken is a slow wall of which the first document cannot be opened, in words that
// nobody foresaw.
type broken struct{ slow }

func (b broken) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for c, err := range b.slow.Changes(ctx, since) {
			if c.External == "00.md" {
				c.Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("open hr/dismissal.md: denied") }
			}
			if !yield(c, err) {
				return
			}
		}
		yield(connectors.Change{}, errors.New("hr/dismissal.md cannot be listed"))
	}
}

// Whatever a source fails at, its words are not logged: they may name documents.
func TestLogHoldsNoWordOfASource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var log bytes.Buffer
	b.syncer.Log = slog.New(slog.NewTextHandler(&log, nil))
	w := pages(20)
	named := errors.New("hr/dismissal.md is a circle")
	w.failed, w.listed, w.breaks, w.untold["01.md"] = named, named, 5, named
	taken := b.take(cairn.SyncOptions{})
	_, err := b.syncer.Run(t.Context(), ingest.Sync{
		Source: b.source, Connector: broken{slow{w, func(int) {}}}, Lease: taken.Lease, Prune: true, Beside: beside(w), PermissionsEvery: time.Nanosecond,
	})
	if err == nil {
		t.Error("a source that broke off is no error")
	}
	if text := log.String(); strings.Count(text, "\n") < 5 || strings.Contains(text, "dismissal") || strings.Contains(text, "page 7") || strings.Contains(text, ".md") {
		t.Errorf("logged is:\n%s", text)
	}
}

// A document whose permissions are no longer understood is nobody's from then on, however
// that is found out, and its readers' again when they are; a dry run says so.
func TestPermissionsNotUnderstood(t *testing.T) {
	t.Parallel()
	puzzled := &connectors.DocumentError{Code: connectors.PermissionsNotUnderstood, Reason: "A new kind of lock."}
	for _, how := range []string{"a sync", "a full sync", "permissions alone"} {
		b := newBench(t)
		b.readsACLs()
		w := newWall(map[string]string{"a.md": "# A\n\nGannets dive."})
		w.acls["a.md"] = cairn.Allow(cairn.Everyone)
		upsert := w.change("a.md")
		b.mustSync(script{upsert})
		b.open("understood", "gannets")
		change := connectors.Change{External: "a.md", Err: puzzled}
		for range 6 { // more often than a document that fails is tried
			switch how {
			case "permissions alone":
				w.untold["a.md"] = puzzled
				run, result, err := b.permit(w, cairn.SyncOptions{})
				check(t, err)
				if run.Failed != 1 || result.Untold {
					t.Errorf("%s: %+v, %+v", how, run.Counts, result)
				}
			default:
				taken := b.take(cairn.SyncOptions{})
				result, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: script{change}, Lease: taken.Lease, Full: how == "a full sync"})
				check(t, err)
				check(t, b.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
				if result.Untold || result.Counts.Failed != 1 {
					t.Errorf("%s: %+v", how, result)
				}
			}
			b.closed(how, "gannets")
		}
		if n := b.count(`SELECT count(*) FROM document_errors WHERE code = 'permissions_not_understood'`); n != 1 {
			t.Errorf("%s: %d errors are recorded", how, n)
		}
		clear(w.untold)
		b.mustPermit(w)
		b.open(how+", understood again", "gannets")
		if n := b.count(`SELECT count(*) FROM document_errors`); n != 0 {
			t.Errorf("%s: %d errors are left", how, n)
		}
	}
}
