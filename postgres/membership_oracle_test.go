package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
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

// named says whether permissions name one of the groups where a function looks, and whether
// those of former texts do.
func (f *firm) named(groups []*oracleGroup, where func(cairn.ACL) []cairn.PrincipalKey) (now, before bool) {
	names := func(a cairn.ACL) bool {
		return slices.ContainsFunc(groups, func(g *oracleGroup) bool { return slices.Contains(where(a), g.key()) })
	}
	for _, b := range f.stored {
		now = now || names(f.aclOf(b))
	}
	for _, s := range f.sources {
		now = now || names(s.ACL)
	}
	for _, acl := range f.former {
		before = before || acl != nil && names(*acl)
	}
	return now, before
}

func denials(a cairn.ACL) []cairn.PrincipalKey    { return a.Deny }
func admissions(a cairn.ACL) []cairn.PrincipalKey { return slices.Concat(a.Allow...) }

// above returns a group and all that it is in.
func (o *directoryOracle) above(g *oracleGroup) []*oracleGroup {
	all := []*oracleGroup{g}
	for i := 0; i < len(all); i++ {
		for _, h := range o.groups {
			if h.groups[all[i]] && !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}

// inside returns the addresses of all who are in a group.
func (o *directoryOracle) inside(g *oracleGroup) map[string]bool {
	emails := map[string]bool{}
	all := []*oracleGroup{g}
	for i := 0; i < len(all); i++ {
		maps.Copy(emails, all[i].emails)
		for sub := range all[i].groups {
			if !slices.Contains(all, sub) {
				all = append(all, sub)
			}
		}
	}
	return emails
}

// goes checks that a group goes, or its name, only while permissions do not deny it, and
// reports whether it does.
func (f *firm) goes(err error, groups []*oracleGroup) bool {
	f.rt.Helper()
	if now, before := f.named(groups, denials); errors.Is(err, cairn.ErrConflict) != now && !before {
		f.rt.Fatalf("a group or its name goes with %v; permissions deny it: %t", err, now)
	}
	if !errors.Is(err, cairn.ErrConflict) {
		f.check(err)
	}
	return err == nil
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

func (f *firm) admit(email string) {
	a := f.account(email, cairn.RoleMember)
	f.accounts = append(f.accounts, &oracleAccount{a, f.token(a.ID)})
}

// signIn makes an account's claims name other groups than before.
func (f *firm) signIn() {
	a := rapid.SampledFrom(f.accounts).Draw(f.rt, "account")
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3).Draw(f.rt, "names")
	f.check(f.acting().SetAccountGroups(context.Background(), a.ID, "oidc", names))
	for _, g := range f.groups {
		if g.directory == "oidc" {
			delete(g.accounts, a)
		}
	}
	for _, n := range names {
		f.grow("oidc", n).accounts[a] = true
	}
}

// dropGroup removes a group of an own name, else one of the provider's.
func (f *firm) dropGroup() {
	name := f.drawGroup()
	if g := f.group("cairn", name); g != nil {
		if f.goes(f.acting().DeleteGroup(context.Background(), name), f.above(g)) {
			f.drop(g)
		}
	} else if g := f.group("scim", name); g != nil {
		if f.goes(NewSCIM(f.acting()).DeleteGroup(context.Background(), g.id, func(scim.Group) error { return nil }), f.above(g)) {
			f.drop(g)
		}
	}
}

func (f *firm) drawGroup() string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(f.rt, "name")
}

func (f *firm) setOwn() {
	ctx, db, name := context.Background(), f.acting(), f.drawGroup()
	g := f.group("cairn", name)
	if g == nil {
		f.check(db.CreateGroup(ctx, name))
		g = f.grow("cairn", name)
	}
	g.empty()
	var ids []cairn.AccountID
	var keys []cairn.PrincipalKey
	for _, a := range f.somebody() {
		g.accounts[a] = true
		ids = append(ids, a.ID)
	}
	for range rapid.IntRange(0, 3).Draw(f.rt, "nested") {
		sub := rapid.SampledFrom(f.groups).Draw(f.rt, "subgroup")
		g.groups[sub] = true
		keys = append(keys, sub.key())
	}
	f.check(db.SetGroup(ctx, name, ids, keys))
}

func (f *firm) somebody() []*oracleAccount {
	return rapid.SliceOfN(rapid.SampledFrom(f.accounts), 0, 2).Draw(f.rt, "accounts")
}

func (f *firm) setSCIM() {
	ctx, s, name := context.Background(), NewSCIM(f.acting()), f.drawGroup()
	g := f.group("scim", name)
	if g == nil {
		made, err := s.CreateGroup(ctx, scim.Group{Display: name})
		f.check(err)
		g = f.grow("scim", name)
		g.id = made.ID
	}
	var edit scim.GroupEdit
	if edit.Clear = rapid.IntRange(0, 4).Draw(f.rt, "clear") == 0; edit.Clear {
		g.empty()
	}
	if !edit.Clear {
		for _, a := range f.somebody() {
			edit.Remove = append(edit.Remove, string(a.ID))
			delete(g.accounts, a)
		}
	}
	for _, a := range f.somebody() {
		edit.Add = append(edit.Add, string(a.ID))
		g.accounts[a] = true
	}
	sub := rapid.SampledFrom(f.groups).Draw(f.rt, "subgroup")
	if sub.directory == "scim" {
		edit.Add = append(edit.Add, sub.id)
		g.groups[sub] = true
	}
	if free := name + "'"; rapid.IntRange(0, 5).Draw(f.rt, "rename") == 0 && f.group("scim", free) == nil {
		edit.Display = &free
	}
	update := func() error {
		_, err := s.UpdateGroup(ctx, g.id, func(scim.Group) ([]scim.GroupEdit, error) { return []scim.GroupEdit{edit}, nil })
		return err
	}
	err := update()
	if edit.Display != nil {
		if f.goes(err, []*oracleGroup{g}) {
			g.name = *edit.Display
			return
		}
		edit.Display = nil // nothing of it was done
		err = update()
	}
	f.check(err)
}

// keeping is what may stay of a group of which a site says nothing any more.
type keeping struct {
	must, may bool
	emails    map[string]bool
}

// keeps says whether somebody stays in a group because permissions deny it.
func (f *firm) keeps(g *oracleGroup) keeping {
	above := f.above(g)
	denied, wasDenied := f.named(above, denials)
	admitted, wasAdmitted := f.named(above, admissions)
	return keeping{denied && !admitted && !wasAdmitted, (denied || wasDenied) && !admitted, f.inside(g)}
}

// stays checks what the database has kept, and reports whether that is so.
func (f *firm) stays(k keeping, rows string, args ...any) bool {
	f.rt.Helper()
	there := f.count(rows, args...) > 0
	if there && !k.may || !there && k.must {
		f.rt.Fatalf("%v: kept: %t; must be: %t, may be: %t", args, there, k.must, k.may)
	}
	return there
}

// readSite makes a site tell other groups than before; those that it no longer
// names are gone, also from the groups that they are in, unless denials keep them.
func (f *firm) readSite() {
	site := f.sources[rapid.IntRange(0, 1).Draw(f.rt, "site")]
	name := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	var members []connectors.Member
	named, nobody := map[string]bool{}, true
	for range rapid.IntRange(0, 6).Draw(f.rt, "members") {
		m := connectors.Member{Group: name.Draw(f.rt, "group")}
		switch rapid.IntRange(0, 2).Draw(f.rt, "kind") {
		case 0:
			m.Email = rapid.SampledFrom(f.accounts).Draw(f.rt, "account").Email
		case 1:
			m.Email = fmt.Sprintf("P%d@acme.test", rapid.IntRange(0, 9).Draw(f.rt, "address"))
		default:
			m.Subgroup = name.Draw(f.rt, "subgroup")
			named[m.Subgroup] = true
		}
		named[m.Group], nobody = true, nobody && m.Email == ""
		members = append(members, m)
	}
	kept := map[string]keeping{}
	for _, g := range f.groups {
		if g.directory == site.Name && (nobody || !named[g.name]) {
			kept[g.name] = f.keeps(g)
		}
	}
	f.check(f.store.SetMembers(context.Background(), site, ingest.Lease{}, sequence(members, nil)))
	for _, g := range slices.Clone(f.groups) {
		if g.directory != site.Name || named[g.name] {
			continue
		}
		if !f.stays(kept[g.name], `SELECT count(*) FROM groups WHERE directory = $1 AND name = $2`, site.Name, g.name) {
			f.drop(g)
			continue
		}
		g.empty()
		g.emails = kept[g.name].emails
	}
	for _, n := range slices.Sorted(maps.Keys(named)) {
		g := f.grow(site.Name, n)
		g.empty()
		if k, ok := kept[n]; ok && len(k.emails) > 0 && f.stays(k, `
			SELECT count(*) FROM group_members m JOIN groups g ON g.id = m.group_id
			WHERE g.directory = $1 AND g.name = $2 AND m.email IS NOT NULL`, site.Name, n) {
			g.emails = k.emails
		}
	}
	for _, m := range members {
		g := f.grow(site.Name, m.Group)
		if m.Subgroup != "" {
			g.groups[f.grow(site.Name, m.Subgroup)] = true
		} else {
			g.emails[strings.ToLower(strings.TrimSpace(m.Email))] = true
		}
	}
}

// rename gives somebody another address.
func (f *firm) rename() {
	a := rapid.SampledFrom(f.accounts).Draw(f.rt, "person")
	f.made++
	f.update(a, func(a *cairn.Account) { a.Email = fmt.Sprintf("q%d@acme.test", f.made) })
}

// disable shuts an account out, or lets it in again.
// disable disables somebody, whose tokens and grants end with that, or lets her in again.
func (f *firm) disable() {
	a := rapid.SampledFrom(f.accounts).Draw(f.rt, "person")
	f.update(a, func(a *cairn.Account) { a.Disabled = !a.Disabled })
	maps.DeleteFunc(f.grants, func(_ cairn.GrantID, g given) bool { return g.account == a.ID })
	if !a.Disabled {
		a.token = f.token(a.ID)
	}
}

func (f *firm) update(a *oracleAccount, change func(*cairn.Account)) {
	var err error
	a.Account, err = f.acting().UpdateAccount(context.Background(), a.ID, func(a *cairn.Account) error { change(a); return nil })
	f.check(err)
}

// replace lets somebody go, as the provider does or an administrator, which erases
// all that is hers, and hires somebody to whom the address goes.
func (f *firm) replace() {
	i := rapid.IntRange(0, len(f.accounts)-1).Draw(f.rt, "person")
	a := f.accounts[i]
	if rapid.Bool().Draw(f.rt, "erased") {
		_, err := f.acting().EraseAccount(context.Background(), a.ID, "")
		f.check(err)
	} else {
		f.check(NewSCIM(f.acting()).DeleteUser(context.Background(), a.ID, "", func(scim.User) error { return nil }))
	}
	for _, g := range f.groups {
		delete(g.emails, a.Email)
	}
	f.losePrivate(cairn.AccountKey(a.ID), cairn.UserKey(a.Email))
	f.accounts = slices.Delete(f.accounts, i, i+1)
	f.gone = append(f.gone, a)
	for _, g := range f.groups {
		delete(g.accounts, a)
	}
	f.questions = slices.DeleteFunc(f.questions, func(q question) bool { return q.owner == a })
	f.admit(a.Email)
}
