package ingest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/auth"
)

// attempt is a run and how it ended.
type attempt struct {
	run    cairn.Run
	result ingest.Result
	err    error
}

// attempt does what a worker does, from the stored cursor on.
func (b *bench) attempt(c connectors.Connector, o cairn.SyncOptions, prune bool) attempt {
	b.t.Helper()
	taken := b.take(o)
	job := ingest.Sync{Source: b.source, Connector: c, Cursor: taken.Cursor, Lease: taken.Lease, Prune: prune,
		ListLast: b.listLast, Full: o.Full, DryRun: o.DryRun, Confirm: o.Confirm}
	run := b.syncer.Run
	if o.PermissionsOnly {
		run = b.syncer.RunPermissions
	}
	result, err := run(context.Background(), job)
	ended := result
	if o.PermissionsOnly {
		ended.Pruned = false
	}
	return attempt{b.finish(taken, ended, err), result, err}
}

// tried counts what a test has come across.
type tried struct{ lost, gained, regrouped, elsewhere, waited, moved, added, removed, permissions int }

// TestDryRunEqualsWhatThenHappens compares every dry run with the run after it, account by
// account and document by document, over sites where everything changes at random: texts,
// names, permissions and groups, with and without a listing, and a guard. The dry run
// writes nothing.
func TestDryRunEqualsWhatThenHappens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	people := b.people()
	var n tried
	rapid.Check(t, func(rt *rapid.T) {
		b.empty()
		j := newJournal(people)
		j.replays = rapid.Bool().Draw(rt, "replays")
		for i := range rapid.SampledFrom([]int{12, 8, 5, 2, 0}).Draw(rt, "documents") {
			j.put(rt, fmt.Sprintf("d%d.md", i), fmt.Sprintf("Document %d.", i), "")
		}
		if rapid.Bool().Draw(rt, "read") {
			b.attempt(j, cairn.SyncOptions{}, true)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			for range rapid.IntRange(1, 16).Draw(rt, "steps") {
				j.step(rt)
			}
			if one(rt, 2, "declare") {
				b.declare(cairn.Allow(rapid.SampledFrom([]cairn.PrincipalKey{cairn.Everyone, "group:cairn:own", "group:shelf:b"}).Draw(rt, "the source's")))
			}
			b.compare(rt, j, people, &n)
		}
	})
	t.Logf("%+v", n)
	if n.lost < 20 || n.gained < 20 || n.regrouped < 5 || n.elsewhere < 2 || n.waited < 5 || n.moved < 2 || n.added < 20 || n.removed < 10 || n.permissions < 10 {
		t.Error("this test says little")
	}
}

// one is true once in 2 to the power of n, unlike small numbers that are drawn.
func one(rt *rapid.T, n int, what string) bool {
	for range n {
		if !rapid.Bool().Draw(rt, what) {
			return false
		}
	}
	return true
}

// empty puts a new source in the place of the bench's.
func (b *bench) empty() {
	b.t.Helper()
	_, err := b.db.EraseSource(context.Background(), b.source.ID, "")
	check(b.t, err)
	b.source, err = b.db.CreateSource(context.Background(), cairn.Source{Name: "shelf", Kind: "shelf", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(b.t, err)
}

// compare does a dry run and then what it was for.
func (b *bench) compare(rt *rapid.T, j *journal, people []cairn.Account, n *tried) {
	o := cairn.SyncOptions{Confirm: one(rt, 2, "confirm")}
	var site connectors.Connector = j
	j.breaks = 0
	prune := true
	if o.PermissionsOnly = one(rt, 2, "permissions alone"); o.PermissionsOnly {
		if one(rt, 2, "breaks") {
			j.breaks = 3
		}
		if one(rt, 1, "parts") {
			site = j.inParts(rt)
		}
	} else {
		b.listLast, prune = one(rt, 2, "list last"), !one(rt, 2, "not listed")
		o.Full = one(rt, 2, "full")
	}
	before, looks := b.stands(people), one(rt, 2, "looks at all tables")
	var tables map[string]string
	if looks {
		tables = b.dump()
	}
	o.DryRun = true
	dry := b.attempt(site, o, prune)
	if looks {
		if d := cmp.Diff(tables, b.dump()); d != "" {
			rt.Fatalf("the dry run has written:\n%s", d)
		}
	}
	o.DryRun = false
	really := b.attempt(site, o, prune)
	after := b.stands(people)
	if ended, like := fmt.Sprint(dry.err), fmt.Sprint(really.err); ended != like || dry.result.Waiting != really.result.Waiting || dry.result.Untold != really.result.Untold || dry.result.Pruned != really.result.Pruned {
		rt.Fatalf("the dry run ended with %s, %+v, the run with %s, %+v\n%v", ended, dry.result, like, really.result, j)
	}
	if really.err != nil && !ingest.IsWaiting(really.err) && j.breaks == 0 {
		rt.Fatal(really.err)
	}
	if d := cmp.Diff(really.run.Counts, dry.run.Counts); d != "" {
		rt.Fatalf("counts (-happened +previewed):\n%s%v", d, j)
	}
	b.sameNames(rt, j, dry.run.Preview, before, after, really.run)
	b.sameAccess(rt, dry.run.Preview.Access, before, after)
	n.add(dry.run.Preview, before, after)
	if ingest.IsWaiting(really.err) {
		n.waited++
	}
	if o.PermissionsOnly {
		n.permissions++
	}
}

func (n *tried) add(got *cairn.RunPreview, before, after map[string]stand) {
	n.lost, n.gained, n.regrouped = n.lost+got.Access.Lose.Accounts, n.gained+got.Access.Gain.Accounts, n.regrouped+got.Access.Groups.Groups
	n.added, n.removed = n.added+len(got.Added), n.removed+len(got.Deleted)
	for id, is := range after {
		switch was := before[id]; {
		case is.name == "elsewhere" && cmp.Diff(was.readers, is.readers) != "":
			n.elsewhere++
		case is.found && was.name != "" && was.name != is.name:
			n.moved++
		}
	}
}

// sameNames compares the names that a dry run tells with what became of the documents.
func (b *bench) sameNames(rt *rapid.T, j *journal, got *cairn.RunPreview, before, after map[string]stand, run cairn.Run) {
	var want cairn.RunPreview
	optional := map[string]bool{} // what is not clear from the store
	for id, is := range after {
		was := before[id]
		if !is.own {
			continue
		}
		hidden, withheld := was.found && !is.found, is.withheld && !was.withheld
		changed := is.run == run.ID || is.name != was.name
		if run.PermissionsOnly {
			changed = is.acl != was.acl || is.its != was.its || is.withheld != was.withheld
		}
		switch {
		case hidden, was.found && withheld:
			want.Deleted = append(want.Deleted, was.name)
		case is.withheld: // as before, which may be told once more; or it was new
			optional["-"+was.name] = true
		case is.found && !was.found && was.name != "": // it was hidden
			optional["+"+is.name], optional["~"+is.name] = true, true
		case is.found && !was.found:
			want.Added = append(want.Added, is.name)
		case is.found && changed:
			want.Modified = append(want.Modified, is.name)
		}
	}
	list := func(mark string, names []string) []string {
		return slices.Sorted(func(yield func(string) bool) {
			for _, name := range names {
				if !optional[mark+name] && !yield(mark+name) {
					return
				}
			}
		})
	}
	all := func(p *cairn.RunPreview) []string {
		return slices.Concat(list("+", p.Added), list("~", p.Modified), list("-", p.Deleted))
	}
	if d := cmp.Diff(all(&want), all(got)); d != "" {
		rt.Fatalf("names (-happened +previewed):\n%s%v", d, j)
	}
}

// sameAccess compares what a dry run says of accounts and documents with what became of
// them.
func (b *bench) sameAccess(rt *rapid.T, got *cairn.RunAccess, before, after map[string]stand) {
	lose, gain := differences(before, after)
	if d := cmp.Diff(lose, byAccount(got.Lose)) + cmp.Diff(gain, byAccount(got.Gain)); d != "" {
		rt.Fatalf("who loses and who gains (-happened +previewed):\n%s", d)
	}
	if got.Lose.Accounts != len(lose) || got.Gain.Accounts != len(gain) || got.Uncounted != 0 {
		rt.Fatalf("%+v", got)
	}
	documents := 0
	var want, told []string
	for id, is := range after {
		was := before[id]
		one := func(of stand) map[string]stand { return map[string]stand{id: of} }
		lose, gain := differences(one(was), one(is))
		if is.acl != was.acl || len(lose)+len(gain) > 0 {
			documents++
		}
		name := is.name
		if was.found && (!is.found || is.withheld) {
			name = was.name
		}
		if is.acl != was.acl && is.own {
			want = append(want, fmt.Sprintf("%s: %d lose, %d gain", name, len(lose), len(gain)))
		}
	}
	for _, d := range got.First {
		told = append(told, fmt.Sprintf("%s: %d lose, %d gain", d.External, d.Lose.Accounts, d.Gain.Accounts))
		b.sameGain(rt, d, before, after)
	}
	slices.Sort(want)
	slices.Sort(told)
	if d := cmp.Diff(want, told); d != "" || documents != got.Documents {
		rt.Fatalf("of %d documents (-happened +previewed):\n%s told were %d", documents, d, got.Documents)
	}
}

// sameGain looks whether those who are told to gain a document, by the name that it gets,
// do.
func (b *bench) sameGain(rt *rapid.T, d cairn.DocumentAccess, before, after map[string]stand) {
	if len(d.Gain.First) != min(d.Gain.Accounts, 3) {
		rt.Fatalf("%+v", d)
	}
	for id, is := range after {
		if is.name != d.External || !is.found || !is.own {
			continue
		}
		for _, a := range d.Gain.First {
			if !is.readers[a.ID] || before[id].readers[a.ID] || a.Email == "" {
				rt.Fatalf("%s: %+v does not gain it", d.External, a)
			}
		}
	}
}

// stand is how a document stands.
type stand struct {
	name     string
	own      bool // it is one of the bench's source
	found    bool // it is not hidden
	withheld bool
	run      string
	its      bool     // it has an ACL of its own
	acl      [32]byte // zero: that of nobody, as of one that is not found
	readers  map[cairn.AccountID]bool
}

// stands says of every document, by id, who reads it: by the keys of accounts and
// (cairn.ACL).Admits alone.
func (b *bench) stands(people []cairn.Account) map[string]stand {
	b.t.Helper()
	ctx := context.Background()
	viewers := make(map[cairn.AccountID]cairn.Viewer)
	for _, a := range people {
		h, err := b.db.Holder(ctx, a.ID)
		check(b.t, err)
		viewers[a.ID] = auth.ViewerOf(h)
	}
	rows, err := b.db.Worker().Query(ctx, `
		SELECT d.id, d.external_id, d.source_id = $1, d.hidden_at IS NULL, d.withheld_acl IS NOT NULL, d.run_id, d.acl_own, a.rule
		FROM documents d JOIN acls a ON a.id = d.acl_id WHERE NOT d.attached`, b.source.ID)
	check(b.t, err)
	defer rows.Close()
	out := make(map[string]stand)
	for rows.Next() {
		var id string
		var acl cairn.ACL
		s := stand{readers: make(map[cairn.AccountID]bool)}
		check(b.t, rows.Scan(&id, &s.name, &s.own, &s.found, &s.withheld, &s.run, &s.its, &acl))
		if hash := acl.Hash(); s.found && hash != (cairn.ACL{}).Hash() {
			s.acl = hash
		}
		for account, v := range viewers {
			if s.found && acl.Admits(v) {
				s.readers[account] = true
			}
		}
		out[id] = s
	}
	check(b.t, rows.Err())
	return out
}

// differences counts, of each account, the documents that are lost and gained.
func differences(before, after map[string]stand) (lose, gain map[cairn.AccountID]int) {
	lose, gain = make(map[cairn.AccountID]int), make(map[cairn.AccountID]int)
	for id, is := range after {
		for account := range is.readers {
			if !before[id].readers[account] {
				gain[account]++
			}
		}
	}
	for id, was := range before {
		for account := range was.readers {
			if !after[id].readers[account] {
				lose[account]++
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
