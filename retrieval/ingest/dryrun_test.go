package ingest_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/auth"
)

// journal is a site that tells what happened, in order: a document may come again and
// again. Its groups are those of club.
type journal struct {
	club
	entries []connectors.Change // without what is there by now
	n       int
}

func (j *journal) Changes(_ context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		from, _ := strconv.Atoi(string(since))
		for i, c := range j.entries[from:] {
			c.Cursor = connectors.Cursor(strconv.Itoa(from + i + 1))
			if !yield(c, nil) {
				return
			}
		}
	}
}

// step is one thing that happens at the site.
func (j *journal) step(rt *rapid.T, people []cairn.Account) {
	j.n++
	name := fmt.Sprintf("d%d.md", rapid.IntRange(0, 11).Draw(rt, "document"))
	_, there := j.files[name]
	switch rapid.SampledFrom([]string{"put", "put", "permit", "permit", "remove", "members"}).Draw(rt, "step") {
	case "put":
		j.files[name] = fmt.Sprintf("# %s\n\nText number %d.", name, j.n)
		j.permit(rt, name, people)
		j.entries = append(j.entries, j.now(name))
	case "permit":
		if there {
			j.permit(rt, name, people)
			c := j.now(name)
			j.entries = append(j.entries, connectors.Change{Op: connectors.SetACL, External: name, ACL: c.ACL})
		}
	case "remove":
		if there {
			delete(j.files, name)
			j.entries = append(j.entries, connectors.Change{Op: connectors.Delete, External: name})
		}
	case "members":
		j.members = nil
		for _, g := range []string{"a", "b", "c"} {
			for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(people), 0, 2, func(a cairn.Account) cairn.AccountID { return a.ID }).Draw(rt, "members") {
				j.members = append(j.members, connectors.Member{Group: g, Email: p.Email})
			}
			if sub := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "nested"); sub != "" {
				j.members = append(j.members, connectors.Member{Group: g, Subgroup: sub})
			}
		}
	}
}

// now is a change to the document as it is at this moment.
func (j *journal) now(name string) connectors.Change {
	c := j.change(name)
	text := j.files[name]
	c.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	return c
}

// permit gives a document other permissions, or none of its own.
func (j *journal) permit(rt *rapid.T, name string, people []cairn.Account) {
	keys := []cairn.PrincipalKey{cairn.Everyone, "group:cairn:own", "user:nobody@acme.test"}
	for _, g := range []string{"a", "b", "c"} {
		keys = append(keys, connectors.SiteGroup(g), connectors.SiteGroup(g))
	}
	for _, p := range people {
		keys = append(keys, cairn.UserKey(p.Email))
	}
	of := rapid.SliceOfN(rapid.SampledFrom(keys), 1, 3)
	if delete(j.acls, name); rapid.IntRange(0, 3).Draw(rt, "the source's") > 0 {
		j.acls[name] = cairn.ACL{Allow: rapid.SliceOfN(of, 0, 2).Draw(rt, "allow"), Deny: rapid.SliceOfN(rapid.SampledFrom(keys), 0, 1).Draw(rt, "deny")}
	}
}

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

// readers says of every document, by id, who reads it: by the keys of accounts and
// (cairn.ACL).Admits alone.
func (b *bench) readers(people []cairn.Account) map[string]map[cairn.AccountID]bool {
	b.t.Helper()
	ctx := context.Background()
	viewers := make(map[cairn.AccountID]cairn.Viewer)
	for _, a := range people {
		h, err := b.db.Holder(ctx, a.ID)
		check(b.t, err)
		viewers[a.ID] = auth.ViewerOf(h)
	}
	rows, err := b.db.Worker().Query(ctx, `
		SELECT d.id, a.rule FROM documents d JOIN acls a ON a.id = d.acl_id WHERE d.hidden_at IS NULL AND NOT d.attached`)
	check(b.t, err)
	defer rows.Close()
	out := make(map[string]map[cairn.AccountID]bool)
	for rows.Next() {
		var id string
		var acl cairn.ACL
		check(b.t, rows.Scan(&id, &acl))
		out[id] = make(map[cairn.AccountID]bool)
		for account, v := range viewers {
			out[id][account] = acl.Admits(v)
		}
	}
	check(b.t, rows.Err())
	return out
}

// differences counts, of each account, the documents that are lost and gained.
func differences(before, after map[string]map[cairn.AccountID]bool) (lose, gain map[cairn.AccountID]int) {
	lose, gain = make(map[cairn.AccountID]int), make(map[cairn.AccountID]int)
	for id := range before {
		for account, was := range before[id] {
			if was && !after[id][account] {
				lose[account]++
			}
		}
	}
	for id := range after {
		for account, is := range after[id] {
			if is && !before[id][account] {
				gain[account]++
			}
		}
	}
	return lose, gain
}

func byAccount(c cairn.AccountChanges) map[cairn.AccountID]int {
	out := make(map[cairn.AccountID]int)
	for _, a := range c.First {
		out[a.ID] = a.Documents
	}
	return out
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

// TestDryRunEqualsWhatThenHappens compares every dry run with the sync after it, account by
// account and document by document, over a site where everything changes at random, its
// groups too. The dry run writes nothing.
func TestDryRunEqualsWhatThenHappens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	people := b.people()
	j := &journal{club: club{shelf: shelf{files: map[string]string{}, acls: map[string]cairn.ACL{}}}}
	lost, gained, regrouped, elsewhere, waited := 0, 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 24).Draw(rt, "steps") {
			j.step(rt, people)
		}
		if rapid.Bool().Draw(rt, "declare") {
			b.declare(cairn.Allow(rapid.SampledFrom([]cairn.PrincipalKey{cairn.Everyone, "group:cairn:own", "group:shelf:b"}).Draw(rt, "the source's")))
		}
		b.listLast = rapid.IntRange(0, 2).Draw(rt, "list last") == 0
		o := cairn.SyncOptions{Confirm: true, Full: rapid.IntRange(0, 4).Draw(rt, "full") == 0}
		before, tables, named := b.readers(people), b.dump(), b.names()
		o.DryRun = true
		dry, failed := b.follow(j, o)
		if d := cmp.Diff(tables, b.dump()); d != "" {
			rt.Fatalf("the dry run has written:\n%s", d)
		}
		o.DryRun = false
		_, really := b.follow(j, o)
		if ingest.IsWaiting(failed) != ingest.IsWaiting(really) {
			rt.Fatalf("the dry run ended with %v, the run with %v", failed, really)
		}
		after := b.readers(people)
		lose, gain := differences(before, after)
		got := dry.Preview.Access
		if d := cmp.Diff(lose, byAccount(got.Lose)) + cmp.Diff(gain, byAccount(got.Gain)); d != "" {
			rt.Fatalf("who loses and who gains (-happened +previewed):\n%s", d)
		}
		if got.Lose.Accounts != len(lose) || got.Gain.Accounts != len(gain) || got.Uncounted != 0 {
			rt.Fatalf("%+v", got)
		}
		b.sameDocuments(rt, got, named, before, after)
		lost, gained, regrouped = lost+len(lose), gained+len(gain), regrouped+got.Groups.Groups
		if ingest.IsWaiting(really) {
			waited++
		}
		if other := b.document("elsewhere"); cmp.Diff(before[string(other)], after[string(other)]) != "" {
			elsewhere++
		}
	})
	t.Logf("%d losses and %d gains, %d groups, %d times at another source, %d runs waited", lost, gained, regrouped, elsewhere, waited)
	if lost < 20 || gained < 20 || regrouped < 5 || elsewhere < 2 {
		t.Error("this test says little")
	}
}

// sameDocuments compares what a dry run says of single documents with what became of them.
// A name that one document had before and another has after is left out.
func (b *bench) sameDocuments(rt *rapid.T, got *cairn.RunAccess, named map[string]string, before, after map[string]map[cairn.AccountID]bool) {
	names := b.names()
	for _, d := range got.First {
		id := orElse(names[d.External], named[d.External])
		if was := named[d.External]; was != "" && was != id {
			continue
		}
		lose, gain := differences(map[string]map[cairn.AccountID]bool{id: before[id]}, map[string]map[cairn.AccountID]bool{id: after[id]})
		if d.Lose.Accounts != len(lose) || d.Gain.Accounts != len(gain) || len(d.Gain.First) != min(len(gain), 3) {
			rt.Fatalf("%s: %d lose and %d gain; told were %+v", d.External, len(lose), len(gain), d)
		}
		for _, a := range d.Gain.First {
			if gain[a.ID] != 1 || a.Email == "" {
				rt.Fatalf("%s: %+v does not gain it", d.External, a)
			}
		}
	}
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// names returns the ids of the documents that can be found, by their names.
func (b *bench) names() map[string]string {
	b.t.Helper()
	rows, err := b.db.Worker().Query(context.Background(), `SELECT external_id, id FROM documents WHERE hidden_at IS NULL AND source_id = $1`, b.source.ID)
	check(b.t, err)
	defer rows.Close()
	names := make(map[string]string)
	for rows.Next() {
		var name, id string
		check(b.t, rows.Scan(&name, &id))
		names[name] = id
	}
	check(b.t, rows.Err())
	return names
}

// follow does what a worker does, from the stored cursor on.
func (b *bench) follow(c connectors.Connector, o cairn.SyncOptions) (cairn.Run, error) {
	b.t.Helper()
	taken := b.take(o)
	result, err := b.syncer.Run(context.Background(), ingest.Sync{Source: b.source, Connector: c, Cursor: taken.Cursor, Lease: taken.Lease, Prune: true,
		ListLast: b.listLast, Full: taken.Run.Full, DryRun: taken.Run.DryRun, Confirm: taken.Run.Confirm})
	return b.finish(taken, result, err), err
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
	before, tables := b.readers(people), b.dump()
	dry, _, err := b.permit(w, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if d := cmp.Diff(tables, b.dump()); d != "" {
		t.Errorf("the dry run has written:\n%s", d)
	}
	b.mustPermit(w)
	lose, gain := differences(before, b.readers(people))
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
