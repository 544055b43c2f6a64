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
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// shelf is a source in memory: names and contents of documents.
type shelf struct {
	files  map[string]string
	broken map[string]bool
	acls   map[string]cairn.ACL
	opened atomic.Int64
	cut    int   // the changes end with an error after this many; 0: never
	listed error // the listing ends with this
}

func (s *shelf) Externals(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			if !yield(name, nil) {
				return
			}
		}
		if s.listed != nil {
			yield("", s.listed)
		}
	}
}

func (s *shelf) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for i, name := range slices.Sorted(maps.Keys(s.files)) {
			if s.cut > 0 && i >= s.cut {
				yield(connectors.Change{}, errors.New("the source went away"))
				return
			}
			if !yield(s.change(name), nil) {
				return
			}
		}
	}
}

func (s *shelf) change(name string) connectors.Change {
	if s.broken[name] {
		return connectors.Change{External: name, Err: &connectors.DocumentError{Code: "unreadable", Reason: "Nobody may open it."}}
	}
	text := s.files[name]
	c := connectors.Change{External: name, Metadata: connectors.Metadata{
		Filename: name, Revision: string(cairn.VersionOf([]byte(text))), Size: int64(len(text))}}
	if acl, ok := s.acls[name]; ok {
		c.ACL = &acl
	}
	c.Open = func(context.Context) (io.ReadCloser, error) {
		s.opened.Add(1)
		return io.NopCloser(strings.NewReader(text)), nil
	}
	return c
}

// inProcess extracts without child processes.
type inProcess struct{}

func (inProcess) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	return extract.Extract(ctx, in, r, extract.DefaultLimits())
}

// bench is a source in a database of its own.
type bench struct {
	t      testing.TB
	db     *postgres.DB
	syncer *ingest.Syncer
	index  *postgres.Index
	store  *postgres.Ingest
	source cairn.Source

	listLast bool // runs do that
}

func newBench(t testing.TB) *bench {
	t.Helper()
	made := postgrestest.New(t)
	log := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(t.Context(), made.URL, log)
	check(t, err)
	t.Cleanup(db.Close)
	embedder, err := builtin.New()
	check(t, err)
	space, err := db.UseSpace(t.Context(), embedder.Model(), embedder.Dim(), nil)
	check(t, err)
	source, err := db.CreateSource(t.Context(), cairn.Source{Name: "shelf", Kind: "shelf", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(t, err)
	store := postgres.NewIngest(db, space)
	return &bench{t: t, db: db, store: store, source: source, index: postgres.NewIndex(db, space),
		syncer: &ingest.Syncer{Store: store, Prepare: &ingest.Preparer{Extractor: inProcess{}, Embedder: embedder}, Log: log}}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take queues a run and takes it, as a worker does.
func (b *bench) take(o cairn.SyncOptions) jobs.Taken {
	b.t.Helper()
	run, err := b.db.QueueRun(b.t.Context(), b.source.ID, o, func(pgx.Tx, string) error { return nil })
	check(b.t, err)
	taken, ok, err := b.db.TakeRun(b.t.Context(), run.ID)
	check(b.t, err)
	if !ok {
		b.t.Fatal("the run cannot be taken")
	}
	return taken
}

// sync does what a worker does with a run and returns how the run ended.
func (b *bench) sync(s connectors.Connector, o cairn.SyncOptions) (cairn.Run, error) {
	b.t.Helper()
	taken := b.take(o)
	result, err := b.run(s, taken)
	return b.finish(taken, result, err), err
}

// finish ends a run and returns it.
func (b *bench) finish(taken jobs.Taken, result ingest.Result, failed error) cairn.Run {
	b.t.Helper()
	state := cairn.RunSucceeded
	if failed != nil {
		state = cairn.RunFailed
	}
	check(b.t, b.db.FinishRun(context.Background(), taken.Lease, jobs.Ending{State: state, Pruned: result.Pruned, Preview: result.Preview, Warnings: result.Warnings}))
	run, err := b.db.RunByID(context.Background(), taken.Run.ID)
	check(b.t, err)
	return run
}

func (b *bench) run(s connectors.Connector, taken jobs.Taken) (ingest.Result, error) {
	return b.syncer.Run(b.t.Context(), ingest.Sync{Source: b.source, Connector: s, Cursor: taken.Cursor, Lease: taken.Lease, Prune: true,
		ListLast: b.listLast, Full: taken.Run.Full, DryRun: taken.Run.DryRun, Confirm: taken.Run.Confirm})
}

func (b *bench) externals() map[string]cairn.Version {
	b.t.Helper()
	stored, err := b.store.Externals(b.t.Context(), b.source.ID)
	check(b.t, err)
	return stored
}

// finds reports which documents a viewer finds by a word.
func (b *bench) finds(v cairn.Viewer, word string) []string {
	b.t.Helper()
	words, err := b.index.Lexical(b.t.Context(), cairn.Query{Viewer: v, Text: word}, 100)
	check(b.t, err)
	hits := words.Hits
	ids := make([]int64, len(hits))
	for i, h := range hits {
		ids[i] = h.Chunk
	}
	chunks, err := b.db.Hydrate(b.t.Context(), v, ids)
	check(b.t, err)
	titles := []string{}
	for _, c := range chunks {
		if got := c.Passage.Text; !strings.Contains(strings.ToLower(got+c.Passage.Title), strings.ToLower(word)) {
			b.t.Errorf("search for %q found %q", word, got)
		}
		titles = append(titles, c.Passage.Title)
	}
	slices.Sort(titles)
	return slices.Compact(titles)
}

// brokenFile is the beginning of an archive that ends at once.
const brokenFile = "PK\x03\x04\x14\x00\x00\x00"

var everyone = cairn.Viewer{Account: "a", Keys: []cairn.PrincipalKey{cairn.Everyone}}

func counts(scanned, added, modified, deleted, failed, unchanged int) cairn.Counts {
	return cairn.Counts{Scanned: scanned, Added: added, Modified: modified, Deleted: deleted, Failed: failed, Unchanged: unchanged}
}

func TestNewChangedAndUnchanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# Alpha\n\nFalcons nest on the tower.\n", "b.md": "# Beta\n\nOtters live in the river.\n"}}
	run, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if diff := cmp.Diff(counts(2, 2, 0, 0, 0, 0), run.Counts); diff != "" {
		t.Errorf("first sync (-want +got):\n%s", diff)
	}
	opened := s.opened.Load()
	run, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if diff := cmp.Diff(counts(2, 0, 0, 0, 0, 2), run.Counts); diff != "" {
		t.Errorf("second sync (-want +got):\n%s", diff)
	}
	if s.opened.Load() != opened {
		t.Errorf("unchanged documents were opened %d times", s.opened.Load()-opened)
	}
	s.files["b.md"] = "# Beta\n\nBeavers live in the river.\n"
	run, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if diff := cmp.Diff(counts(2, 0, 1, 0, 0, 1), run.Counts); diff != "" {
		t.Errorf("third sync (-want +got):\n%s", diff)
	}
	if got := b.finds(everyone, "beavers"); !slices.Equal(got, []string{"Beta"}) {
		t.Errorf("the new text is found in %q", got)
	}
	if got := b.finds(everyone, "otters"); len(got) != 0 {
		t.Errorf("the old text is still found in %q", got)
	}
}

func TestFullReadsEverythingAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# Alpha\n\nOne."}}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	run, err := b.sync(s, cairn.SyncOptions{Full: true})
	check(t, err)
	if s.opened.Load() != 2 || run.Scanned != 1 {
		t.Errorf("opened %d times, run %+v", s.opened.Load(), run.Counts)
	}
}

func TestVanishedIsHiddenAndComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{}}
	for i := range 10 {
		s.files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
	}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	lost := s.files["3.md"]
	delete(s.files, "3.md")
	run, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if run.Deleted != 1 || slices.Contains(b.finds(everyone, "page"), "Page 3") {
		t.Errorf("deleted %d; still found: %q", run.Deleted, b.finds(everyone, "page"))
	}
	s.files["3.md"] = lost
	run, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if run.Scanned != 10 || !slices.Contains(b.finds(everyone, "page"), "Page 3") {
		t.Errorf("it did not come back: %+v", run.Counts)
	}
}

func TestGuardAsksBeforeMassDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{}}
	for i := range 10 {
		s.files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
	}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	for i := range 4 {
		delete(s.files, fmt.Sprintf("%d.md", i))
	}
	if _, err = b.sync(s, cairn.SyncOptions{}); !ingest.IsWaiting(err) {
		t.Fatalf("40 %% vanished and the run ended with %v", err)
	}
	if got := len(b.externals()); got != 10 {
		t.Errorf("%d documents are left, nothing was to be deleted", got)
	}
	if got := b.finds(everyone, "page"); len(got) != 6 {
		t.Errorf("found are %q, and 4 have vanished", got)
	}
	run, err := b.sync(s, cairn.SyncOptions{Confirm: true})
	check(t, err)
	if got := len(b.externals()); got != 6 || run.Deleted != 4 {
		t.Errorf("after confirmation %d documents are left, %d deleted", got, run.Deleted)
	}
}

// committing counts batches.
type committing struct {
	ingest.Store
	commits int
}

func (c *committing) Commit(ctx context.Context, b ingest.Batch) ([]ingest.Stored, error) {
	c.commits++
	return c.Store.Commit(ctx, b)
}

// A share that was not mounted comes back: nothing is read again, in whichever run.
func TestWithheldUntilTheSourceIsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"m.eml": mailWithAttachment})
	for i := range 5 {
		w.files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
	}
	w.acls["1.md"] = hr
	b.mustSync(&w.shelf)
	const state = `SELECT bit_xor(hashtext(c.id || ' ' || c.acl_id || d.acl_id || d.acl_own)) FROM chunks c JOIN documents d ON d.id = c.document_id`
	const places = `SELECT bit_xor(hashtext(d.id || d.ctid)) FROM documents d`
	counted := &committing{Store: b.store}
	b.syncer.Store = counted
	before, opened, mounted := b.count(state), w.opened.Load(), w.files
	for _, run := range []struct {
		name string
		run  func(o cairn.SyncOptions) error
	}{
		{"a sync", func(o cairn.SyncOptions) error { _, err := b.sync(&w.shelf, o); return err }},
		{"a run of permissions", func(o cairn.SyncOptions) error { _, _, err := b.permit(w, o); return err }},
	} {
		w.files = nil
		if err := run.run(cairn.SyncOptions{DryRun: true}); !ingest.IsWaiting(err) || b.count(state) != before {
			t.Errorf("%s: a dry run ends with %v", run.name, err)
		}
		for range 2 {
			if err := run.run(cairn.SyncOptions{}); !ingest.IsWaiting(err) {
				t.Errorf("%s: all have vanished, and it ends with %v", run.name, err)
			}
			for _, word := range []string{"page", "herons", "flamingos"} {
				if got := b.finds(everyone, word); len(got) != 0 {
					t.Errorf("%s: vanished, and by %q are found %q", run.name, word, got)
				}
			}
		}
		rows := b.count(places)
		counted.commits = 0
		_ = run.run(cairn.SyncOptions{})
		if b.count(places) != rows || run.name != "a sync" && counted.commits > 0 {
			t.Errorf("%s: what is withheld is written again, in %d batches", run.name, counted.commits)
		}
		w.files = mounted
		check(t, run.run(cairn.SyncOptions{}))
		if b.count(state) != before || w.opened.Load() != opened {
			t.Errorf("%s: all is back, with other permissions or chunks, or after %d were opened", run.name, w.opened.Load()-opened)
		}
		b.open(run.name, "flamingos")
	}
}

// A source that tells of deletions instead of listing is guarded in the same way.
func TestGuardOfToldDeletions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{}}
	var gone script
	for i := range 10 {
		name := fmt.Sprintf("%d.md", i)
		s.files[name] = fmt.Sprintf("# Page %d\n\nText number %d.\n", i, i)
		if i < 4 {
			gone = append(gone, connectors.Change{Op: connectors.Delete, External: name})
		}
	}
	b.mustSync(s)
	_, err := b.sync(gone, cairn.SyncOptions{})
	if got := b.finds(everyone, "page"); !ingest.IsWaiting(err) || len(got) != 6 || len(b.externals()) != 10 {
		t.Errorf("%v, found are %q, stored %d", err, got, len(b.externals()))
	}
	if _, err := b.sync(gone, cairn.SyncOptions{Confirm: true}); err != nil || len(b.externals()) != 6 {
		t.Errorf("confirmed: %v, %d left", err, len(b.externals()))
	}
}

func TestIncompleteListingDeletesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# A\n\none", "b.md": "# B\n\ntwo", "c.md": "# C\n\nthree", "d.md": "# D\n\nfour"}}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	delete(s.files, "a.md")
	s.listed = errors.New("page 7 failed")
	_, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if got := len(b.externals()); got != 4 {
		t.Errorf("%d documents are left after an incomplete listing", got)
	}
}

func TestRenameKeepsTheID(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"old.md": "# Title\n\nThe very same text.\n", "x.md": "# X\n\nanother", "y.md": "# Y\n\nthird"}}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	known, err := b.store.Known(t.Context(), b.source.ID, []string{"old.md"})
	check(t, err)
	s.files["new/place.md"] = s.files["old.md"]
	delete(s.files, "old.md")
	run, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	after, err := b.store.Known(t.Context(), b.source.ID, []string{"old.md", "new/place.md"})
	check(t, err)
	if after["new/place.md"].ID != known["old.md"].ID || after["old.md"].ID != "" {
		t.Errorf("before %v, after %v", known, after)
	}
	if run.Modified != 1 || run.Added != 0 || run.Deleted != 0 {
		t.Errorf("a rename counts as %+v", run.Counts)
	}
}

func TestBrokenDocumentsAreRecordedAndRest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"good.md": "# Good\n\nfine", "bad.docx": brokenFile, "shut.md": ""}, broken: map[string]bool{"shut.md": true}}
	for attempt := 1; attempt <= 7; attempt++ {
		run, err := b.sync(s, cairn.SyncOptions{})
		check(t, err)
		if run.Failed != 2 || run.State != cairn.RunPartial {
			t.Fatalf("attempt %d: %s %+v", attempt, run.State, run.Counts)
		}
	}
	known, err := b.store.Known(t.Context(), b.source.ID, []string{"bad.docx", "shut.md"})
	check(t, err)
	if known["bad.docx"].Attempts != 5 {
		t.Errorf("a broken document was tried %d times, want 5", known["bad.docx"].Attempts)
	}
	s.files["bad.docx"] = "now it is plain text about pelicans"
	delete(s.broken, "shut.md")
	s.files["shut.md"] = "# Open\n\nreadable"
	run, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if run.Failed != 0 || run.State != cairn.RunSucceeded {
		t.Errorf("after the repair: %s %+v", run.State, run.Counts)
	}
}

func TestACLChangesWithoutReading(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# Alpha\n\nFalcons nest here."}, acls: map[string]cairn.ACL{"a.md": cairn.Allow(cairn.UserKey("ann@acme.test"))}}
	_, err := b.sync(s, cairn.SyncOptions{})
	check(t, err)
	ann := cairn.Viewer{Account: "ann", Keys: []cairn.PrincipalKey{cairn.UserKey("ann@acme.test"), cairn.Everyone}}
	if got := b.finds(ann, "falcons"); len(got) != 1 {
		t.Errorf("Ann finds %q", got)
	}
	if got := b.finds(everyone, "falcons"); len(got) != 0 {
		t.Errorf("everybody finds %q", got)
	}
	opened := s.opened.Load()
	s.acls["a.md"] = cairn.Allow(cairn.Everyone)
	_, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if got := b.finds(everyone, "falcons"); len(got) != 1 || s.opened.Load() != opened {
		t.Errorf("everybody finds %q, opened %d times more", got, s.opened.Load()-opened)
	}
	s.acls["a.md"] = cairn.ACL{}
	_, err = b.sync(s, cairn.SyncOptions{})
	check(t, err)
	if got := b.finds(ann, "falcons"); len(got) != 0 {
		t.Errorf("after the revocation Ann finds %q", got)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# A\n\none", "b.md": "# B\n\ntwo"}}
	run, err := b.sync(s, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if run.Added != 2 || len(b.externals()) != 0 || s.opened.Load() != 0 {
		t.Errorf("a dry run counts %+v, stores %d, opens %d", run.Counts, len(b.externals()), s.opened.Load())
	}
}

// TestDryRunNamesWhatItWouldDo says by name what would be added, changed and removed, as far
// as the lists go, also when that is withheld; an erasure takes the names away, and a day.
func TestDryRunNamesWhatItWouldDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"gone.md": "# G\n\none", "same.md": "# S\n\ntwo", "other.md": "# O\n\nthree", "d.md": "# D\n\nfour", "e.md": "# E\n\nfive"}}
	run, err := b.sync(s, cairn.SyncOptions{})
	if err != nil || run.Preview != nil {
		t.Fatalf("a sync: %v, %+v", err, run.Preview)
	}
	delete(s.files, "gone.md")
	s.files["other.md"], s.files["new.md"] = "# O\n\nthree times", "# N\n\nsix"
	dry := func(want cairn.RunPreview) string {
		t.Helper()
		run, err := b.sync(s, cairn.SyncOptions{DryRun: true})
		if err != nil && !ingest.IsWaiting(err) {
			t.Error(err)
		}
		want.Access = run.Preview.Access
		if d := cmp.Diff(&want, run.Preview); d != "" {
			t.Errorf("a dry run names (-want +got):\n%s", d)
		}
		return run.ID
	}
	id := dry(cairn.RunPreview{Added: []string{"new.md"}, Modified: []string{"other.md"}, Deleted: []string{"gone.md"}})
	_, err = b.db.Worker().Exec(t.Context(), `UPDATE runs SET finished_at = now() - interval '25 hours'`)
	check(t, err)
	check(t, b.db.EraseExpired(t.Context()))
	if run, err = b.db.RunByID(t.Context(), id); err != nil || run.Preview != nil {
		t.Errorf("after a day: %+v, %v", run.Preview, err)
	}
	s.files = map[string]string{"same.md": "# S\n\ntwo"}
	id = dry(cairn.RunPreview{Deleted: []string{"d.md", "e.md", "gone.md", "other.md"}}) // beyond the guard
	var document cairn.DocumentID
	check(t, b.db.Worker().QueryRow(t.Context(), `SELECT id FROM documents WHERE external_id = 'gone.md'`).Scan(&document))
	_, err = b.db.EraseDocument(t.Context(), document, false, "root")
	check(t, err)
	if run, err = b.db.RunByID(t.Context(), id); err != nil || run.Preview != nil {
		t.Errorf("after an erasure: %+v, %v", run.Preview, err)
	}
	for i := range 250 {
		s.files[fmt.Sprint(i)] = "# F\n\nx"
	}
	run, err = b.sync(s, cairn.SyncOptions{DryRun: true})
	if !ingest.IsWaiting(err) || len(run.Preview.Added) != 100 || run.Added != 250 {
		t.Errorf("%d names of %d, %v", len(run.Preview.Added), run.Added, err)
	}
}

func TestLostLeaseCannotCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# A\n\none"}}
	first := b.take(cairn.SyncOptions{})
	check(t, b.db.EndLeases(t.Context()))
	second, ok, err := b.db.TakeRun(t.Context(), first.Run.ID)
	check(t, err)
	if !ok || second.Lease.Attempt != first.Lease.Attempt+1 {
		t.Fatalf("the run was not taken over: %+v", second.Lease)
	}
	if _, err := b.run(s, first); !errors.Is(err, cairn.ErrConflict) {
		t.Errorf("the worker that lost the run commits: %v", err)
	}
	if _, err := b.run(s, second); err != nil {
		t.Errorf("the worker that took it over: %v", err)
	}
}

// TestResumeEqualsOneRun cuts a run at any place and takes it up again: what is
// stored and counted equals that of an undisturbed run.
func TestResumeEqualsOneRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 6 {
		s := &shelf{files: map[string]string{}}
		for i := range 60 + random.IntN(90) {
			s.files[fmt.Sprintf("%d/%03d.md", round, i)] = fmt.Sprintf("# Page %d of %d\n\nText.\n", i, round)
		}
		taken := b.take(cairn.SyncOptions{Confirm: true})
		s.cut = 1 + random.IntN(len(s.files)-1)
		if _, err := b.run(s, taken); err == nil {
			t.Fatalf("seed %d: a source that went away is no error", seed)
		}
		check(t, b.db.EndLeases(t.Context()))
		again, ok, err := b.db.TakeRun(t.Context(), taken.Run.ID)
		check(t, err)
		if !ok {
			t.Fatalf("seed %d: the run was not taken up", seed)
		}
		s.cut = 0
		_, err = b.run(s, again)
		check(t, err)
		check(t, b.db.FinishRun(t.Context(), again.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: true}))
		run, err := b.db.RunByID(t.Context(), taken.Run.ID)
		check(t, err)
		if got := len(b.externals()); got != len(s.files) {
			t.Fatalf("seed %d: %d documents stored, want %d", seed, got, len(s.files))
		}
		if run.Added != len(s.files) || run.Scanned != len(s.files) || run.Unchanged != 0 {
			t.Fatalf("seed %d: %d documents counted as %+v", seed, len(s.files), run.Counts)
		}
	}
}

// TestPushIsFoundAtOnce pushes, changes and deletes a document.
func TestPushIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pusher := &ingest.Pusher{Store: b.store, Sources: b.db, Prepare: b.syncer.Prepare}
	first, err := pusher.Put(t.Context(), b.source.ID, ingest.Push{External: "x", Title: "Heron", Text: "Herons stand still."})
	check(t, err)
	if got := b.finds(everyone, "herons"); !first.Created || !slices.Equal(got, []string{"Heron"}) {
		t.Errorf("created %v, found %q", first.Created, got)
	}
	private := cairn.Allow(cairn.AccountKey("ann"))
	second, err := pusher.Put(t.Context(), b.source.ID, ingest.Push{External: "x", Title: "Heron", Text: "Herons wait.", ACL: &private})
	check(t, err)
	if second.ID != first.ID || second.Created || second.Version == first.Version {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if got := b.finds(everyone, "herons"); len(got) != 0 {
		t.Errorf("a private document is found: %q", got)
	}
	check(t, pusher.Delete(t.Context(), b.source.ID, "x"))
	if err := pusher.Delete(t.Context(), b.source.ID, "x"); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("deleting twice: %v", err)
	}
	_, err = pusher.Put(t.Context(), b.source.ID, ingest.Push{External: "empty", Title: "Empty", Content: bytes.Repeat([]byte(" "), 10)})
	if !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("an empty document: %v", err)
	}
}
