package postgres

import (
	"errors"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// denying returns permissions that let everybody in but a group.
func denying(group cairn.PrincipalKey) cairn.ACL {
	acl := cairn.Allow(cairn.Everyone)
	acl.Deny = []cairn.PrincipalKey{group}
	return acl
}

// A group that somebody is denied by stays, whoever's directory it is in: else its members
// could read what they must not. So does one through which somebody is.
func TestDeniedGroupsAreNotRemoved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, s := t.Context(), NewSCIM(f.DB)
	source := f.source("plans", cairn.Allow(cairn.Everyone))
	id := f.document(source, "a", "A", "text", cairn.Allow(cairn.Everyone))
	f.check(f.CreateGroup(ctx, "outer"))
	f.check(f.CreateGroup(ctx, "inner"))
	f.check(f.SetGroup(ctx, "outer", nil, keysOf("cairn", "inner")))
	provided, err := s.CreateGroup(ctx, scim.Group{Display: "Externals"})
	f.check(err)
	within, err := s.CreateGroup(ctx, scim.Group{Display: "Agency"})
	f.check(err)
	edit := func(id string, e scim.GroupEdit) error {
		_, err := s.UpdateGroup(ctx, id, func(scim.Group) ([]scim.GroupEdit, error) { return []scim.GroupEdit{e}, nil })
		return err
	}
	f.check(edit(provided.ID, scim.GroupEdit{Add: []string{within.ID}}))
	remove := func(id string) error { return s.DeleteGroup(ctx, id, func(scim.Group) error { return nil }) }
	other, folded := "Freelancers", "externals"

	f.setACL(id, denying("group:cairn:outer"))
	wantError(t, "a document denies it", f.DeleteGroup(ctx, "outer"), cairn.ErrConflict)
	wantError(t, "it is in one that is denied", f.DeleteGroup(ctx, "inner"), cairn.ErrConflict)
	f.setACL(id, denying("group:scim:Externals"))
	wantError(t, "the provider's", remove(provided.ID), cairn.ErrConflict)
	wantError(t, "in the provider's", remove(within.ID), cairn.ErrConflict)
	wantError(t, "another name", edit(provided.ID, scim.GroupEdit{Display: &other}), cairn.ErrConflict)
	wantError(t, "another case", edit(provided.ID, scim.GroupEdit{Display: &folded}), cairn.ErrConflict)
	f.check(edit(within.ID, scim.GroupEdit{Display: &other})) // its members stay denied
	f.check(edit(provided.ID, scim.GroupEdit{Clear: true}))   // nobody is in it any more
	f.setACL(id, cairn.Allow(cairn.Everyone))
	f.check(edit(provided.ID, scim.GroupEdit{Display: &folded}))
	f.check(remove(provided.ID))
	f.check(remove(within.ID))
	f.check(f.DeleteGroup(ctx, "inner"))
	f.check(f.DeleteGroup(ctx, "outer"))
}

// What a site does not tell of its groups lifts no denial, and lets nobody in.
func TestUntoldGroupsStillDeny(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	site, plans := f.source("chat", cairn.ACL{}), f.source("plans", cairn.Allow(cairn.Everyone))
	denied := f.document(plans, "a", "A", "text", denying("group:chat:externals"))
	both := f.document(plans, "b", "B", "text", denying("group:chat:staff"))
	letsIn := f.document(plans, "c", "C", "text", cairn.Allow("group:chat:staff"))
	ann, ben := f.token(f.account("ann@acme.test", cairn.RoleMember).ID), f.token(f.account("ben@acme.test", cairn.RoleMember).ID)
	reads := func(what string, who auth.Hash, id cairn.DocumentID, want bool) {
		t.Helper()
		v, err := viewerOf(t.Context(), f.DB, who)
		f.check(err)
		if _, err := f.Document(t.Context(), v, id, ""); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	externals := []connectors.Member{{Group: "agency", Email: "ann@acme.test"}, {Group: "externals", Subgroup: "agency"}}
	staff := connectors.Member{Group: "staff", Email: "ben@acme.test"}
	f.site(site, append(externals, staff)...)
	reads("ann", ann, denied, false)
	reads("ben", ben, denied, true)
	reads("ben, whom it lets in", ben, letsIn, true)

	err := (&Ingest{db: f.DB}).SetMembers(t.Context(), site, ingest.Lease{}, sequence([]connectors.Member{staff}, errors.New("away")))
	if err == nil {
		t.Error("a broken list is taken for a whole one")
	}
	reads("after a broken list", ann, denied, false)
	f.site(site, staff)
	reads("the site hides the group and the one in it", ann, denied, false)
	f.site(site, staff, connectors.Member{Group: "externals", Untold: true})
	reads("it names it, and cannot tell who is in it", ann, denied, false)
	f.site(site, connectors.Member{Group: "externals"}, connectors.Member{Group: "staff"})
	reads("it tells nobody's address", ann, denied, false)
	reads("ben, whom nothing lets in any more", ben, letsIn, false)
	f.site(site, staff, connectors.Member{Group: "externals"})
	reads("nobody is in it", ann, denied, true)

	// One that is let in as well goes when it is gone, and with what it let in; one of which
	// the site fails to tell stays.
	f.site(site, staff)
	reads("ben, who is denied", ben, both, false)
	f.site(site, connectors.Member{Group: "staff", Untold: true}, externals[0])
	reads("ben, who may still be denied", ben, both, false)
	reads("ben, who may still be let in", ben, letsIn, true)
	f.site(site, externals...)
	reads("ben, of whom the site says nothing", ben, letsIn, false)

	// Without the denial the next reading is all that counts.
	f.site(site, staff)
	f.setACL(denied, cairn.Allow(cairn.Everyone))
	f.site(site, staff)
	if n := f.count(`SELECT count(*) FROM groups WHERE directory = 'chat' AND name = 'externals'`); n != 0 {
		t.Errorf("%d groups that nothing names", n)
	}
}
