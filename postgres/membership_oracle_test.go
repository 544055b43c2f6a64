package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// directoryOracle says who is in which group by going through all of them until
// nothing changes any more.
type directoryOracle struct {
	groups   []*oracleGroup
	accounts []*oracleAccount
}

type oracleGroup struct {
	directory, name, id string // id only of SCIM
	accounts            map[*oracleAccount]bool
	groups              map[*oracleGroup]bool
	emails              map[string]bool
}

type oracleAccount struct {
	cairn.Account
	token auth.Hash
}

func (g *oracleGroup) key() cairn.PrincipalKey { return cairn.GroupKey(g.directory, g.name) }

func (o *directoryOracle) group(directory, name string) *oracleGroup {
	for _, g := range o.groups {
		if g.directory == directory && g.name == name {
			return g
		}
	}
	return nil
}

// grow returns the group of a name, made if there is none.
func (o *directoryOracle) grow(directory, name string) *oracleGroup {
	if g := o.group(directory, name); g != nil {
		return g
	}
	g := &oracleGroup{directory: directory, name: name}
	g.empty()
	o.groups = append(o.groups, g)
	return g
}

func (g *oracleGroup) empty() {
	g.accounts, g.groups, g.emails = map[*oracleAccount]bool{}, map[*oracleGroup]bool{}, map[string]bool{}
}

func (o *directoryOracle) drop(gone *oracleGroup) {
	o.groups = slices.DeleteFunc(o.groups, func(g *oracleGroup) bool { return g == gone })
	for _, g := range o.groups {
		delete(g.groups, gone)
	}
}

// of returns the keys of the groups that an account is in.
func (o *directoryOracle) of(a *oracleAccount) []cairn.PrincipalKey {
	held := map[*oracleGroup]bool{}
	for more := true; more; {
		more = false
		for _, g := range o.groups {
			through := false
			for sub := range g.groups {
				through = through || held[sub]
			}
			if !held[g] && (through || g.accounts[a] || g.emails[a.Email]) {
				held[g], more = true, true
			}
		}
	}
	keys := []cairn.PrincipalKey{}
	for g := range held {
		keys = append(keys, g.key())
	}
	slices.Sort(keys)
	return keys
}

// directoryWorld is a directory in the database beside its oracle, seen through
// two servers.
type directoryWorld struct {
	*fixture
	directoryOracle
	other *DB
	sites []cairn.Source
	made  int // accounts, for their addresses
}

// TestA12_14_DirectoryEqualsOracle changes nested and cyclic groups of all directories at
// random, and compares after every change what a request would get, on the server
// that made the change and on another one.
func TestA12_14_DirectoryEqualsOracle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := &directoryWorld{fixture: f, other: f.replica(), sites: []cairn.Source{f.source("site-a", cairn.ACL{}), f.source("site-b", cairn.ACL{})}}
	for range 5 {
		w.hire()
	}
	steps := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 12 {
			w.step(rt)
			steps++
			w.compare(rt, rapid.SampledFrom(w.accounts).Draw(rt, "account"))
		}
		for _, a := range w.accounts {
			w.compare(rt, a)
		}
	})
	t.Logf("%d steps, %d groups at the end", steps, len(w.groups))
}

func (w *directoryWorld) compare(rt *rapid.T, a *oracleAccount) {
	for _, db := range []*DB{w.DB, w.other} {
		v, err := viewerOf(context.Background(), db, a.token)
		if err != nil {
			rt.Fatal(err)
		}
		want := slices.Concat([]cairn.PrincipalKey{cairn.AccountKey(a.ID), cairn.UserKey(a.Email)}, w.of(a), []cairn.PrincipalKey{cairn.Everyone})
		if d := cmp.Diff(want, v.Keys); d != "" {
			rt.Fatalf("%s (-want +got):\n%s", a.Email, d)
		}
	}
}

func (w *directoryWorld) hire() {
	w.made++
	a := w.account(fmt.Sprintf("p%d@acme.test", w.made%8), cairn.RoleMember)
	w.accounts = append(w.accounts, &oracleAccount{a, w.token(a.ID)})
}

func (w *directoryWorld) step(rt *rapid.T) {
	ctx := context.Background()
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(rt, "name")
	must := func(err error) {
		if err != nil {
			rt.Fatal(err)
		}
	}
	// A change may come from either server.
	db := rapid.SampledFrom([]*DB{w.DB, w.other}).Draw(rt, "server")
	switch rapid.SampledFrom([]string{"own", "own", "scim", "scim", "site", "site", "oidc", "drop", "person"}).Draw(rt, "what") {
	case "own":
		w.setOwn(rt, db, name)
	case "scim":
		w.setSCIM(rt, NewSCIM(db), name)
	case "site":
		w.readSite(rt, db)
	case "oidc":
		a := rapid.SampledFrom(w.accounts).Draw(rt, "account")
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3).Draw(rt, "names")
		must(db.SetAccountGroups(ctx, a.ID, "oidc", names))
		for _, g := range w.groups {
			if g.directory == "oidc" {
				delete(g.accounts, a)
			}
		}
		for _, n := range names {
			w.grow("oidc", n).accounts[a] = true
		}
	case "drop":
		if g := w.group("cairn", name); g != nil {
			must(db.DeleteGroup(ctx, name))
			w.drop(g)
		} else if g := w.group("scim", name); g != nil {
			must(NewSCIM(db).DeleteGroup(ctx, g.id, func(scim.Group) error { return nil }))
			w.drop(g)
		}
	case "person":
		w.changePerson(rt, db)
	}
}

func (w *directoryWorld) setOwn(rt *rapid.T, db *DB, name string) {
	ctx := context.Background()
	g := w.group("cairn", name)
	if g == nil {
		if err := db.CreateGroup(ctx, name); err != nil {
			rt.Fatal(err)
		}
		g = w.grow("cairn", name)
	}
	g.empty()
	var ids []cairn.AccountID
	var keys []cairn.PrincipalKey
	for _, a := range w.somebody(rt) {
		g.accounts[a] = true
		ids = append(ids, a.ID)
	}
	for range rapid.IntRange(0, 3).Draw(rt, "nested") {
		sub := rapid.SampledFrom(w.groups).Draw(rt, "subgroup")
		g.groups[sub] = true
		keys = append(keys, sub.key())
	}
	if err := db.SetGroup(ctx, name, ids, keys); err != nil {
		rt.Fatal(err)
	}
}

func (w *directoryWorld) somebody(rt *rapid.T) []*oracleAccount {
	return rapid.SliceOfN(rapid.SampledFrom(w.accounts), 0, 2).Draw(rt, "accounts")
}

func (w *directoryWorld) setSCIM(rt *rapid.T, s *SCIM, name string) {
	ctx := context.Background()
	g := w.group("scim", name)
	if g == nil {
		made, err := s.CreateGroup(ctx, scim.Group{Display: name})
		if err != nil {
			rt.Fatal(err)
		}
		g = w.grow("scim", name)
		g.id = made.ID
	}
	var edit scim.GroupEdit
	if edit.Clear = rapid.IntRange(0, 4).Draw(rt, "clear") == 0; edit.Clear {
		g.empty()
	}
	if !edit.Clear {
		for _, a := range w.somebody(rt) {
			edit.Remove = append(edit.Remove, string(a.ID))
			delete(g.accounts, a)
		}
	}
	for _, a := range w.somebody(rt) {
		edit.Add = append(edit.Add, string(a.ID))
		g.accounts[a] = true
	}
	sub := rapid.SampledFrom(w.groups).Draw(rt, "subgroup")
	if sub.directory == "scim" {
		edit.Add = append(edit.Add, sub.id)
		g.groups[sub] = true
	}
	if free := name + "'"; rapid.IntRange(0, 5).Draw(rt, "rename") == 0 && w.group("scim", free) == nil {
		edit.Display = &free
		g.name = free
	}
	_, err := s.UpdateGroup(ctx, g.id, func(scim.Group) ([]scim.GroupEdit, error) { return []scim.GroupEdit{edit}, nil })
	if err != nil {
		rt.Fatal(err)
	}
}

// readSite makes a site tell other groups than before; those that it no longer
// names are gone, also from the groups that they are in.
func (w *directoryWorld) readSite(rt *rapid.T, db *DB) {
	site := rapid.SampledFrom(w.sites).Draw(rt, "site")
	name := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	var members []connectors.Member
	named := map[string]bool{}
	for range rapid.IntRange(0, 6).Draw(rt, "members") {
		m := connectors.Member{Group: name.Draw(rt, "group")}
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			m.Email = rapid.SampledFrom(w.accounts).Draw(rt, "account").Email
		case 1:
			m.Email = fmt.Sprintf("P%d@acme.test", rapid.IntRange(0, 9).Draw(rt, "address"))
		default:
			m.Subgroup = name.Draw(rt, "subgroup")
			named[m.Subgroup] = true
		}
		named[m.Group] = true
		members = append(members, m)
	}
	if err := (&Ingest{db: db}).SetMembers(context.Background(), site, sequence(members, nil)); err != nil {
		rt.Fatal(err)
	}
	for _, g := range slices.Clone(w.groups) {
		if g.directory == site.Name && !named[g.name] {
			w.drop(g)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(named)) {
		w.grow(site.Name, n).empty()
	}
	for _, m := range members {
		g := w.grow(site.Name, m.Group)
		if m.Subgroup != "" {
			g.groups[w.grow(site.Name, m.Subgroup)] = true
		} else {
			g.emails[normalEmail(m.Email)] = true
		}
	}
}

// changePerson gives somebody another address, or lets somebody go and hires
// somebody, perhaps with the address that became free.
func (w *directoryWorld) changePerson(rt *rapid.T, db *DB) {
	i := rapid.IntRange(0, len(w.accounts)-1).Draw(rt, "person")
	a := w.accounts[i]
	if rapid.Bool().Draw(rt, "moves") {
		w.made++
		changed := a.Account
		changed.Email = fmt.Sprintf("q%d@acme.test", w.made)
		if err := db.UpdateAccount(context.Background(), changed); err != nil {
			rt.Fatal(err)
		}
		a.Account = changed
		return
	}
	if err := NewSCIM(db).DeleteUser(context.Background(), a.ID, func(scim.User) error { return nil }); err != nil {
		rt.Fatal(err)
	}
	w.accounts = slices.Delete(w.accounts, i, i+1)
	for _, g := range w.groups {
		delete(g.accounts, a)
	}
	again, err := db.CreateAccount(context.Background(), cairn.Account{Email: a.Email, Role: cairn.RoleMember})
	if err != nil {
		rt.Fatal(err)
	}
	w.accounts = append(w.accounts, &oracleAccount{again, w.token(again.ID)})
}
