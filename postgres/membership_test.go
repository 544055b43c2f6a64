package postgres

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// replica returns a second server's view of the same database.
func (f *fixture) replica() *DB {
	f.t.Helper()
	db, err := Open(f.t.Context(), f.made.URL, slog.New(slog.DiscardHandler))
	f.check(err)
	f.t.Cleanup(db.Close)
	return db
}

// token makes a token of an account and returns its hash.
func (f *fixture) token(account cairn.AccountID) auth.Hash {
	f.t.Helper()
	hash := auth.HashOf(auth.NewToken())
	_, err := f.CreateToken(context.Background(), hash, cairn.Token{Account: account, Expires: time.Now().Add(time.Hour)})
	f.check(err)
	return hash
}

// viewerOf resolves who holds a token, as every request does.
func viewerOf(ctx context.Context, db *DB, hash auth.Hash) (cairn.Viewer, error) {
	_, h, err := db.TokenByHash(ctx, hash)
	return auth.ViewerOf(h), err
}

// groupsOf returns the groups that a token's holder is in.
func groupsOf(t testing.TB, db *DB, hash auth.Hash) []cairn.PrincipalKey {
	t.Helper()
	v, err := viewerOf(context.Background(), db, hash)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(v.Keys, func(k cairn.PrincipalKey) bool { return !strings.HasPrefix(string(k), "group:") })
}

// site makes a source tell the members, and fails the test unless that is stored.
func (f *fixture) site(s cairn.Source, members ...connectors.Member) {
	f.t.Helper()
	f.check((&Ingest{db: f.DB}).SetMembers(context.Background(), s, ingest.Lease{}, sequence(members, nil)))
}

// sequence yields members, and then the error if there is one.
func sequence(members []connectors.Member, err error) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		for _, m := range members {
			if !yield(m, nil) {
				return
			}
		}
		if err != nil {
			yield(connectors.Member{}, err)
		}
	}
}

func keysOf(directory string, names ...string) []cairn.PrincipalKey {
	var keys []cairn.PrincipalKey
	for _, n := range names {
		keys = append(keys, cairn.GroupKey(directory, n))
	}
	return keys
}

func TestGroupsPassMembersOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, ben := f.account("ann@acme.test", cairn.RoleMember), f.account("ben@acme.test", cairn.RoleMember)
	annsToken, bensToken := f.token(ann.ID), f.token(ben.ID)
	for _, name := range []string{"team", "division", "firm"} {
		f.check(f.CreateGroup(ctx, name))
	}
	f.check(f.SetGroup(ctx, "firm", nil, keysOf("cairn", "division")))
	f.check(f.SetGroup(ctx, "division", []cairn.AccountID{ben.ID}, keysOf("cairn", "team")))
	f.check(f.SetGroup(ctx, "team", []cairn.AccountID{ann.ID}, nil))
	check := func(what string, hash auth.Hash, want ...cairn.PrincipalKey) {
		t.Helper()
		if d := cmp.Diff(want, groupsOf(t, f.DB, hash)); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	check("ann", annsToken, keysOf("cairn", "division", "firm", "team")...)
	check("ben", bensToken, keysOf("cairn", "division", "firm")...) // not what is in his group
	f.check(f.SetGroup(ctx, "team", []cairn.AccountID{ann.ID}, keysOf("cairn", "firm")))
	check("ben in a circle", bensToken, keysOf("cairn", "division", "firm", "team")...)
	f.check(f.DeleteGroup(ctx, "division"))
	check("ann without the one between", annsToken, keysOf("cairn", "team")...)
	check("ben", bensToken, []cairn.PrincipalKey{}...)
	wantError(t, "unknown group", f.SetGroup(ctx, "team", nil, keysOf("cairn", "division")), cairn.ErrNotFound)
	for _, key := range []cairn.PrincipalKey{"group:", "group:cairn", "user:ann@acme.test", "everyone", "", "group:cairn:\x00"} {
		wantError(t, string(key), f.SetGroup(ctx, "team", nil, []cairn.PrincipalKey{key}), cairn.ErrNotFound)
	}
	check("ann after refused changes", annsToken, keysOf("cairn", "team")...)
}

// TestA12_05_UnknownGroupAdmitsNobody: a document names a group of which nobody
// has heard; when it comes to be, its members read the document.
func TestA12_05_UnknownGroupAdmitsNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	token := f.token(ann.ID)
	for i, key := range []cairn.PrincipalKey{"group:cairn:ghosts", "group:scim:ghosts", "group:okta:ghosts", connectors.SiteGroup("ghosts")} {
		id := f.document(f.source(fmt.Sprint("s", i), cairn.ACL{}), string(key), "Secret", "text", cairn.Allow(key))
		v, err := viewerOf(t.Context(), f.DB, token)
		f.check(err)
		_, err = f.Document(t.Context(), v, id, "")
		wantError(t, string(key), err, cairn.ErrNotFound)
		if key != "group:cairn:ghosts" {
			continue
		}
		f.check(f.CreateGroup(t.Context(), "ghosts"))
		f.check(f.SetGroup(t.Context(), "ghosts", []cairn.AccountID{ann.ID}, nil))
		v, err = viewerOf(t.Context(), f.DB, token)
		f.check(err)
		if _, err = f.Document(t.Context(), v, id, ""); err != nil {
			t.Errorf("a member of the group that now exists: %v", err)
		}
	}
}

// TestA11_33_A12_09_GroupsOfTwoSitesAreIsolated: two sites have a group
// of the same name, which is also one kept here and one of the identity provider.
func TestA11_33_A12_09_GroupsOfTwoSitesAreIsolated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	acme, umbrella := f.source("wiki-acme", cairn.ACL{}), f.source("wiki-umbrella", cairn.ACL{})
	var tokens []auth.Hash
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		tokens = append(tokens, f.token(f.account(name+"@acme.test", cairn.RoleMember).ID))
	}
	f.site(acme, connectors.Member{Group: "eng", Email: "A@acme.test"})
	f.site(umbrella, connectors.Member{Group: "eng", Email: "b@acme.test"}, connectors.Member{Group: "eng", Subgroup: "ops"}, connectors.Member{Group: "ops"})
	f.check(f.CreateGroup(ctx, "eng"))
	c, err := f.AccountByEmail(ctx, "c@acme.test")
	f.check(err)
	f.check(f.SetGroup(ctx, "eng", []cairn.AccountID{c.ID}, nil))
	d, err := f.AccountByEmail(ctx, "d@acme.test")
	f.check(err)
	_, err = NewSCIM(f.DB).CreateGroup(ctx, scim.Group{Display: "eng", Members: []scim.Member{{ID: string(d.ID)}}})
	f.check(err)
	e, err := f.AccountByEmail(ctx, "e@acme.test")
	f.check(err)
	f.check(f.SetAccountGroups(ctx, e.ID, cairn.OIDCDirectory, []string{"eng"}))
	documents := map[cairn.DocumentID]int{}
	for i, directory := range []string{"wiki-acme", "wiki-umbrella", "cairn", "scim", "oidc"} {
		acl := connectors.InDirectory(cairn.Allow(connectors.SiteGroup("eng")), directory)
		documents[f.document(acme, directory, "Plan", "text", acl)] = i
	}
	for reader, hash := range tokens {
		v, err := viewerOf(ctx, f.DB, hash)
		f.check(err)
		for id, owner := range documents {
			if _, err := f.Document(ctx, v, id, ""); (err == nil) != (reader == owner) {
				t.Errorf("reader %d, document of %d: %v", reader, owner, err)
			}
		}
	}
	// What was read at a source goes with it.
	_, err = f.EraseSource(ctx, umbrella.ID, "")
	f.check(err)
	if n := f.count(`SELECT count(*) FROM groups WHERE directory = 'wiki-umbrella'`); n != 0 {
		t.Errorf("%d groups of a source that is gone", n)
	}
	for _, name := range []string{cairn.OwnDirectory, cairn.SCIMDirectory, cairn.OIDCDirectory} {
		_, err := f.CreateSource(ctx, cairn.Source{Name: name, Kind: "push", ACLMode: cairn.ACLDeclared})
		wantError(t, "a new source called "+name, err, cairn.ErrInvalid)
		s := f.source("was-"+name, cairn.ACL{})
		s.Name = name
		err = (&Ingest{db: f.DB}).SetMembers(ctx, s, ingest.Lease{}, sequence([]connectors.Member{{Group: "board", Email: "a@acme.test"}}, nil))
		wantError(t, "a source called "+name, err, cairn.ErrInvalid)
	}
}

// TestA12_10_DeepCyclicAndLargeGroups: a chain of 300 groups that ends where it
// begins, and a group of 10,000 members.
func TestA12_10_DeepCyclicAndLargeGroups(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("wiki", cairn.ACL{})
	var members []connectors.Member
	const deep, many = 300, 10_000
	var want []cairn.PrincipalKey
	for i := range deep {
		name := fmt.Sprintf("g%03d", i)
		members = append(members, connectors.Member{Group: name, Subgroup: fmt.Sprintf("g%03d", (i+1)%deep)})
		want = append(want, cairn.GroupKey("wiki", name))
	}
	for i := range many {
		members = append(members, connectors.Member{Group: "g150", Email: fmt.Sprintf("p%d@acme.test", i)})
	}
	f.site(s, members...)
	last := f.token(f.account(fmt.Sprintf("p%d@acme.test", many-1), cairn.RoleMember).ID) // an account comes after its membership
	stranger := f.token(f.account("x@acme.test", cairn.RoleMember).ID)
	began := time.Now()
	if d := cmp.Diff(want, groupsOf(t, f.DB, last)); d != "" {
		t.Errorf("member (-want +got):\n%s", d)
	}
	if got := groupsOf(t, f.DB, stranger); len(got) != 0 {
		t.Errorf("a stranger is in %v", got)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("resolving took %v", took)
	}
	f.site(s, members...) // the same again
	f.site(s, members[:deep]...)
	if got := groupsOf(t, f.DB, last); len(got) != 0 {
		t.Errorf("after everybody left: %v", got)
	}
}

// TestA12_11_VariantsOfAnAddressAreOthers: case does not matter in an address; all
// else does.
func TestA12_11_VariantsOfAnAddressAreOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("wiki", cairn.ACL{})
	f.site(s, connectors.Member{Group: "eng", Email: " ANN@Acme.Test "}, connectors.Member{Group: "eng", Email: "no address"},
		connectors.Member{Group: "eng", Email: "\u212aim@acme.test"}, connectors.Member{Group: "eng", Email: "k\u0130m@acme.test"}, connectors.Member{Group: "eng", Email: "  "})
	ann := f.account("Ann@acme.test", cairn.RoleMember)
	if got := groupsOf(t, f.DB, f.token(ann.ID)); !slices.Equal(got, keysOf("wiki", "eng")) {
		t.Errorf("ann is in %v", got)
	}
	_, err := f.CreateAccount(t.Context(), cairn.Account{Email: "ANN@ACME.TEST", Role: cairn.RoleMember})
	wantError(t, "the same address", err, cairn.ErrConflict)
	_, err = NewSCIM(f.DB).CreateUser(t.Context(), scim.User{UserName: "x", Address: "ann@acme.test"})
	wantError(t, "the same address by SCIM", err, cairn.ErrConflict)
	for _, email := range []string{
		"ann+x@acme.test", "a.nn@acme.test", "ann@acme.test.evil.test", "ann@acme-test", "аnn@acme.test", "ａnn@acme.test",
		"ann\u200b@acme.test", "ánn@acme.test", "a\u0301nn@acme.test", "ann@ácme.test", "kim@acme.test",
	} {
		a := f.account(email, cairn.RoleMember)
		v, err := viewerOf(t.Context(), f.DB, f.token(a.ID))
		f.check(err)
		if a.ID == ann.ID || slices.Contains(v.Keys, cairn.UserKey("ann@acme.test")) || slices.Contains(v.Keys, cairn.GroupKey("wiki", "eng")) {
			t.Errorf("%q has the keys %v", email, v.Keys)
		}
	}
	// Letters whose small forms are k and i are not those of kim.
	for _, email := range []string{"\u212aim@acme.test", "k\u0130m@acme.test"} {
		_, err := f.CreateAccount(t.Context(), cairn.Account{Email: email, Role: cairn.RoleMember})
		wantError(t, "an account for "+email, err, cairn.ErrInvalid)
		_, err = f.AccountByEmail(t.Context(), email)
		wantError(t, "the account of "+email, err, cairn.ErrNotFound)
		_, _, err = f.PasswordByEmail(t.Context(), email)
		wantError(t, "the password of "+email, err, cairn.ErrNotFound)
	}
}

// TestA11_33_WhatIsKnownStays: a listing that fails changes nothing, and an account
// that gets another address loses what the old one gave.
func TestA11_33_WhatIsKnownStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s := f.source("wiki", cairn.ACL{})
	f.site(s, connectors.Member{Group: "eng", Email: "ann@acme.test"}, connectors.Member{Group: "empty"})
	ann := f.account("ann@acme.test", cairn.RoleMember)
	token := f.token(ann.ID)
	for what, members := range map[string]iter.Seq2[connectors.Member, error]{
		"a failure":            sequence([]connectors.Member{{Group: "ops", Email: "ann@acme.test"}}, cairn.ErrUnavailable),
		"a failure at once":    sequence(nil, cairn.ErrUnavailable),
		"a name of two lines":  sequence([]connectors.Member{{Group: "a\nb", Email: "ann@acme.test"}}, nil),
		"a subgroup without":   sequence([]connectors.Member{{Group: "ops", Subgroup: "\x00"}}, nil),
		"a member of no group": sequence([]connectors.Member{{Email: "ann@acme.test"}}, nil),
	} {
		if err := (&Ingest{db: f.DB}).SetMembers(ctx, s, ingest.Lease{}, members); err == nil {
			t.Errorf("%s is taken", what)
		}
		if got := groupsOf(t, f.DB, token); !slices.Equal(got, keysOf("wiki", "eng")) {
			t.Errorf("after %s: %v", what, got)
		}
	}
	ann.Email = "ann.vo@acme.test"
	f.check(f.update(ann))
	if got := groupsOf(t, f.DB, token); len(got) != 0 {
		t.Errorf("with another address: %v", got)
	}
	wantError(t, "a source that is gone", (&Ingest{db: f.DB}).SetMembers(ctx, cairn.Source{ID: "none", Name: "none"}, ingest.Lease{}, sequence(nil, nil)), cairn.ErrNotFound)
}

// Without the state of the directory nobody is let in, and nothing is changed.
func TestUnknownStateOfTheDirectoryFailsClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	token := f.token(ann.ID)
	f.check(f.CreateGroup(t.Context(), "eng"))
	f.check(f.SetGroup(t.Context(), "eng", []cairn.AccountID{ann.ID}, nil))
	if got := groupsOf(t, f.DB, token); len(got) != 1 {
		t.Fatal(got)
	}
	f.exec(`DELETE FROM directory`)
	if v, err := viewerOf(t.Context(), f.DB, token); err == nil || len(v.Keys) > 0 {
		t.Errorf("resolved to %v, %v", v.Keys, err)
	}
	if err := f.SetGroup(t.Context(), "eng", nil, nil); err == nil {
		t.Error("a change that no server would notice is made")
	}
	f.exec(`INSERT INTO directory DEFAULT VALUES`)
	if got := groupsOf(t, f.DB, token); len(got) != 1 {
		t.Errorf("after the repair: %v", got)
	}
}

// Changes and look-ups by many at once: a change holds for the next request on the
// other replica, nobody deadlocks, and both replicas end at the same.
func TestA12_03_MembershipsChangeAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.replica()
	ctx := t.Context()
	provider := NewSCIM(f.DB)
	f.check(f.CreateGroup(ctx, "outer"))
	s := f.source("wiki", cairn.ACL{})
	var wg sync.WaitGroup
	var tokens []auth.Hash
	groups := make([]scim.Group, 6) // all there before one is put into another
	for i := range groups {
		var err error
		groups[i], err = provider.CreateGroup(ctx, scim.Group{Display: fmt.Sprint("g", i)})
		f.check(err)
	}
	for i, g := range groups {
		a := f.account(fmt.Sprintf("a%d@acme.test", i), cairn.RoleMember)
		token, key := f.token(a.ID), cairn.GroupKey("scim", g.Display)
		tokens = append(tokens, token)
		wg.Go(func() {
			for n := range 15 {
				edit := scim.GroupEdit{Add: []string{string(a.ID)}}
				if n%2 == 1 {
					edit = scim.GroupEdit{Remove: []string{string(a.ID)}}
				}
				if _, err := provider.UpdateGroup(ctx, g.ID, func(scim.Group) ([]scim.GroupEdit, error) { return []scim.GroupEdit{edit}, nil }); err != nil {
					t.Error(err)
					return
				}
				v, err := viewerOf(ctx, other, token)
				if err != nil || slices.Contains(v.Keys, key) != (n%2 == 0) {
					t.Errorf("after change %d: %v, %v", n, v.Keys, err)
				}
				switch i {
				case 0:
					err = f.SetGroup(ctx, "outer", nil, keysOf("scim", "g1", fmt.Sprint("g", 2+n%4)))
				case 1:
					err = (&Ingest{db: f.DB}).SetMembers(ctx, s, ingest.Lease{}, sequence([]connectors.Member{{Group: fmt.Sprint(n % 3), Email: a.Email}}, nil))
				case 2:
					err = f.SetAccountGroups(ctx, a.ID, cairn.OIDCDirectory, numbered("o", 1+n%5))
				case 3:
					err = other.SetAccountGroups(ctx, a.ID, cairn.OIDCDirectory, numbered("o", 5-n%5))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, token := range tokens {
		if d := cmp.Diff(groupsOf(t, f.DB, token), groupsOf(t, other, token)); d != "" {
			t.Errorf("replicas differ on account %d:\n%s", i, d)
		}
	}
}

// BenchmarkViewer resolves the holder of a token, who is in 2,000 nested groups:
// warm as most requests do, cold after a change of any membership.
func BenchmarkViewer(b *testing.B) {
	f := newFixture(b)
	const groups = 2000
	var members []connectors.Member
	for i := 1; i < groups; i++ { // three deep chains that meet, with side entries
		members = append(members, connectors.Member{Group: fmt.Sprintf("department-%04d", max(i-3, 0)), Subgroup: fmt.Sprintf("department-%04d", i)})
	}
	for i := groups - 3; i < groups; i++ {
		members = append(members, connectors.Member{Group: fmt.Sprintf("department-%04d", i), Email: "ann@acme.test"})
	}
	f.site(f.source("wiki", cairn.ACL{}), members...)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	token := f.token(ann.ID)
	if got := groupsOf(b, f.DB, token); len(got) != groups {
		b.Fatalf("%d groups", len(got))
	}
	run := func(b *testing.B) {
		v, err := viewerOf(b.Context(), f.DB, token)
		if err != nil || len(v.Keys) != groups+3 {
			b.Fatalf("%d keys, %v", len(v.Keys), err)
		}
	}
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			run(b)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			f.exec(`UPDATE directory SET epoch = gen_random_uuid()`)
			b.StartTimer()
			run(b)
		}
	})
}

func TestThroughNamesTheChain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	f.site(f.source("wiki", cairn.ACL{}), connectors.Member{Group: "team", Email: "ann@acme.test"}, connectors.Member{Group: "all", Subgroup: "team"},
		connectors.Member{Group: "team", Subgroup: "all"})
	for _, name := range []string{"staff", "other"} {
		f.check(f.CreateGroup(ctx, name))
	}
	f.check(f.SetGroup(ctx, "staff", nil, keysOf("wiki", "all")))
	want := map[cairn.PrincipalKey][]cairn.PrincipalKey{
		"group:wiki:team":   {"group:wiki:team"},
		"group:wiki:all":    {"group:wiki:team", "group:wiki:all"},
		"group:cairn:staff": {"group:wiki:team", "group:wiki:all", "group:cairn:staff"},
	}
	got, err := f.Through(ctx, ann.ID)
	f.check(err)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	_, err = f.Through(ctx, "nobody")
	wantError(t, "unknown account", err, cairn.ErrNotFound)
}
