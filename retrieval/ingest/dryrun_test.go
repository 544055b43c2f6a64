package ingest_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// people makes accounts, and a document of another source that the site's groups may read.
func (b *bench) people() []cairn.Account {
	b.t.Helper()
	var people []cairn.Account
	for i := range 4 {
		a, err := b.db.CreateAccount(b.t.Context(), cairn.Account{Email: fmt.Sprintf("p%d@acme.test", i), Role: cairn.RoleMember})
		check(b.t, err)
		people = append(people, a)
	}
	check(b.t, b.db.CreateGroup(b.t.Context(), "own"))
	check(b.t, b.db.SetGroup(b.t.Context(), "own", []cairn.AccountID{people[0].ID}, nil))
	other, err := b.db.CreateSource(b.t.Context(), cairn.Source{Name: "other", Kind: "push", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.GroupKey("shelf", "a"))})
	check(b.t, err)
	pusher := &ingest.Pusher{Store: b.store, Sources: b.db, Prepare: b.syncer.Prepare}
	_, err = pusher.Put(b.t.Context(), other.ID, ingest.Push{External: "elsewhere", Title: "E", Content: []byte("Elsewhere."), MediaType: "text/plain"})
	check(b.t, err)
	return people
}

// dump returns a hash of each table but those of runs and of what was asked for.
func (b *bench) dump() map[string]string {
	b.t.Helper()
	ctx := context.Background()
	rows, err := b.db.Worker().Query(ctx, `
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname = 'public' AND has_table_privilege(c.oid, 'SELECT')
		  AND c.relname NOT IN ('runs', 'audit_log') AND c.relname NOT LIKE 'river%'`)
	check(b.t, err)
	var names []string
	for rows.Next() {
		var name string
		check(b.t, rows.Scan(&name))
		names = append(names, name)
	}
	check(b.t, rows.Err())
	out := make(map[string]string)
	for _, name := range names {
		var hash string
		check(b.t, b.db.Worker().QueryRow(ctx, `SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM `+name+` t`).Scan(&hash))
		out[name] = hash
	}
	return out
}

// follow does what a worker does, from the stored cursor on.
func (b *bench) follow(c connectors.Connector, o cairn.SyncOptions) (cairn.Run, error) {
	b.t.Helper()
	taken := b.take(o)
	result, err := b.syncer.Run(context.Background(), ingest.Sync{Source: b.source, Connector: c, Cursor: taken.Cursor, Lease: taken.Lease, Prune: true,
		ListLast: b.listLast, Full: taken.Run.Full, DryRun: taken.Run.DryRun, Confirm: taken.Run.Confirm})
	return b.finish(taken, result, err), err
}

// A document that is known by its text under another name keeps its readers, also in the
// eyes of a dry run, which opens what is new for it.
func TestDryRunOfARename(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	people := b.people()
	s := &shelf{files: map[string]string{"a.md": "Herons.", "b.md": "Otters.", "c.md": "Gannets."}, acls: map[string]cairn.ACL{}}
	for _, name := range []string{"a.md", "b.md", "c.md", "d.md"} {
		s.acls[name] = cairn.Allow(cairn.UserKey(people[0].Email))
	}
	b.mustSync(s)
	delete(s.files, "a.md")
	s.files["d.md"], s.files["b.md"] = "Herons.", "Otters swim."
	opened := s.opened.Load()
	run, err := b.sync(s, cairn.SyncOptions{DryRun: true})
	check(t, err)
	got := run.Preview
	if !slices.Equal(got.Modified, []string{"d.md", "b.md"}) || len(got.Added)+len(got.Deleted)+got.Access.Documents != 0 || run.Modified != 2 {
		t.Errorf("%+v, %+v", got, run.Counts)
	}
	if n := s.opened.Load() - opened; n != 1 {
		t.Errorf("it opens %d documents", n)
	}
}

// Whether a run waits for a confirmation is told for the store as it would be when the
// listing comes last: what is new counts for how much a large part is.
func TestDryRunBeforeTheListing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Herons.", "b.md": "Otters.", "c.md": "Gannets.", "d.md": "Terns."}}
	b.mustSync(s)
	b.listLast = true
	delete(s.files, "a.md")
	delete(s.files, "b.md") // two of four are too many, two of eight are not
	for i := range 4 {
		s.files[fmt.Sprintf("%d.md", i)] = "Storks."
	}
	dry, err := b.sync(s, cairn.SyncOptions{DryRun: true})
	check(t, err)
	run := b.mustSync(s)
	if d := cmp.Diff(run.Counts, dry.Counts); d != "" || run.Deleted != 2 {
		t.Errorf("(-happened +previewed):\n%s", d)
	}
}

// A run of permissions has a dry run, too.
func TestDryRunOfPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	people := b.people()
	w := newWall(map[string]string{"a.md": "Herons.", "b.md": "Otters.", "c.md": "Gannets.", "d.md": "Terns."})
	for name := range w.files {
		w.acls[name] = cairn.Allow(cairn.Everyone)
	}
	b.mustSync(&w.shelf)
	w.acls["a.md"] = cairn.Allow(connectors.SiteGroup("a"))
	w.members = []connectors.Member{{Group: "a", Email: people[1].Email}}
	delete(w.files, "b.md")
	before, tables := b.stands(people), b.dump()
	dry, _, err := b.permit(w, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if d := cmp.Diff(tables, b.dump()); d != "" {
		t.Errorf("the dry run has written:\n%s", d)
	}
	b.mustPermit(w)
	lose, gain := differences(before, b.stands(people))
	got := dry.Preview
	if d := cmp.Diff(lose, byAccount(got.Access.Lose)) + cmp.Diff(gain, byAccount(got.Access.Gain)); d != "" {
		t.Errorf("who loses and who gains (-happened +previewed):\n%s", d)
	}
	if !slices.Equal(got.Modified, []string{"a.md"}) || !slices.Equal(got.Deleted, []string{"b.md"}) || len(got.Access.Groups.First) != 1 || got.Access.Groups.First[0] != (cairn.GroupChange{Name: "a", Joined: 1}) {
		t.Errorf("%+v", got)
	}
}

// A dry run whose process has died begins anew, and says everything once.
func TestDryRunThatIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Herons.", "b.md": "Otters."}}
	b.mustSync(s)
	s.files["a.md"], s.files["c.md"] = "Herons fly.", "Gannets."
	delete(s.files, "b.md")
	taken := b.take(cairn.SyncOptions{DryRun: true})
	_, err := b.run(s, taken)
	check(t, err)
	check(t, b.db.EndLeases(t.Context()))
	again, ok, err := b.db.TakeRun(t.Context(), taken.Run.ID)
	if err != nil || !ok {
		t.Fatalf("it cannot be taken up: %v", err)
	}
	result, err := b.run(s, again)
	run := b.finish(again, result, err)
	if d := cmp.Diff(counts(2, 1, 1, 1, 0, 0), run.Counts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Nothing is left of an account that is erased in what dry runs say.
func TestPreviewForgetsErasedAccounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	people := b.people()
	s := &shelf{files: map[string]string{"a.md": "Herons."}, acls: map[string]cairn.ACL{"a.md": cairn.Allow(cairn.UserKey(people[2].Email))}}
	run, err := b.sync(s, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if gain := run.Preview.Access.Gain; gain.Accounts != 1 || gain.First[0] != (cairn.AccountChange{ID: people[2].ID, Email: people[2].Email, Documents: 1}) {
		t.Errorf("%+v", gain)
	}
	if n := b.count(`SELECT count(*) FROM runs WHERE strpos(preview::text, $1) > 0`, people[2].Email); n != 0 {
		t.Error("the address is stored with the preview")
	}
	_, err = b.db.EraseAccount(t.Context(), people[2].ID, "root")
	check(t, err)
	if run, err = b.db.RunByID(t.Context(), run.ID); err != nil || run.Preview != nil {
		t.Errorf("%+v, %v", run.Preview, err)
	}
}

// crowd is a source of many new documents, each with an ACL of its own.
type crowd int

func (n crowd) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for i := range int(n) {
			acl := cairn.Allow(cairn.UserKey(fmt.Sprintf("p%d@acme.test", i%8)), cairn.UserKey(fmt.Sprintf("somebody-%d@acme.test", i)))
			c := connectors.Change{External: fmt.Sprintf("folder-with-a-name/document-with-a-longer-name-%08d.md", i), ACL: &acl}
			c.Open = func(context.Context) (io.ReadCloser, error) { return nil, fmt.Errorf("nothing is opened") }
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Many documents with permissions of their own are counted within bounds: a hundred
// thousand, which CAIRN_LONG_TESTS asks for, as well as some.
func TestDryRunOfManyDocuments(t *testing.T) {
	b := newBench(t)
	people := b.people()
	n := 8000
	if os.Getenv("CAIRN_LONG_TESTS") != "" {
		n = 100_000
	}
	var start, most runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	run, err := b.follow(crowd(n), cairn.SyncOptions{DryRun: true})
	check(t, err)
	runtime.ReadMemStats(&most)
	got := run.Preview.Access
	if run.Added != n || got.Documents != n || got.Uncounted != 0 || len(run.Preview.Added) != 100 || len(got.First) != 100 {
		t.Errorf("%+v: %+v", run.Counts, got)
	}
	if d := cmp.Diff(map[cairn.AccountID]int{people[0].ID: n / 8, people[1].ID: n / 8, people[2].ID: n / 8, people[3].ID: n / 8}, byAccount(got.Gain)); d != "" {
		t.Error(d)
	}
	if more := (int64(most.HeapAlloc) - int64(start.HeapAlloc)) >> 20; more > 200 {
		t.Errorf("it takes %d MB", more)
	}

	const few = 8000
	b.syncer.PreviewBytes = 1 << 20
	run, err = b.follow(crowd(few), cairn.SyncOptions{DryRun: true})
	check(t, err)
	got = run.Preview.Access
	if got.Uncounted == 0 || got.Documents+got.Uncounted != few || run.Added != few {
		t.Errorf("with little room %d documents are told and %d not: %+v", got.Documents, got.Uncounted, run.Counts)
	}
}
