package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// company is a few people in nested groups of several directories, who are hired and
// let go, and sources with documents of all kinds of ACLs.
type company struct {
	*fixture
	people    []cairn.Account
	sources   []cairn.Source
	documents map[cairn.SourceID][]cairn.DocumentID
	keys      []cairn.PrincipalKey
}

func newCompany(t *testing.T) *company {
	f := newFixture(t)
	c := &company{fixture: f, documents: make(map[cairn.SourceID][]cairn.DocumentID)}
	for i := range 7 {
		c.people = append(c.people, f.account(fmt.Sprintf("p%d@acme.test", i), cairn.RoleMember))
	}
	c.keys = []cairn.PrincipalKey{
		cairn.Everyone, "group:cairn:a", "group:cairn:b", "group:cairn:c", "group:oidc:a", "group:cairn:none",
		cairn.AccountKey(c.people[0].ID), cairn.UserKey(c.people[1].Email), "user:nobody@acme.test",
	}
	for _, name := range []string{"a", "b", "c"} {
		f.check(f.CreateGroup(t.Context(), name))
	}
	for _, name := range []string{"s0", "s1"} {
		s := f.source(name, cairn.ACL{})
		c.sources = append(c.sources, s)
	}
	return c
}

// step changes who belongs to what, or what there is.
func (c *company) step(rt *rapid.T) {
	ctx := context.Background()
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "group")
	person := rapid.SampledFrom(c.people).Draw(rt, "person")
	switch rapid.SampledFrom([]string{"group", "oidc", "person", "document", "document", "hide", "withhold"}).Draw(rt, "step") {
	case "group":
		members := rapid.SliceOfNDistinct(rapid.SampledFrom(c.people), 0, 3, func(a cairn.Account) cairn.AccountID { return a.ID }).Draw(rt, "members")
		var ids []cairn.AccountID
		for _, a := range members {
			ids = append(ids, a.ID)
		}
		sub := rapid.SliceOfDistinct(rapid.SampledFrom([]cairn.PrincipalKey{"group:cairn:a", "group:cairn:b", "group:cairn:c"}), rapid.ID).Draw(rt, "nested")
		c.check(c.SetGroup(ctx, name, ids, sub))
	case "oidc":
		c.check(c.SetAccountGroups(ctx, person.ID, cairn.OIDCDirectory, rapid.SliceOfN(rapid.Just("a"), 0, 1).Draw(rt, "claims")))
	case "person":
		c.exec(`UPDATE accounts SET disabled_at = CASE WHEN disabled_at IS NULL THEN now() END WHERE id = $1`, person.ID)
	case "document":
		s := rapid.SampledFrom(c.sources).Draw(rt, "source")
		id := c.document(s, cairn.NewID(), "t", "text", c.acl(rt))
		own := rapid.Bool().Draw(rt, "own")
		c.exec(`UPDATE documents SET acl_own = $2 WHERE id = $1`, id, own)
		if !own { // as the source's others
			c.exec(`UPDATE documents SET acl_id = (SELECT acl_id FROM sources WHERE id = source_id) WHERE id = $1`, id)
			c.exec(`UPDATE chunks SET acl_id = (SELECT acl_id FROM documents WHERE id = document_id) WHERE document_id = $1`, id)
		}
		c.documents[s.ID] = append(c.documents[s.ID], id)
	case "withhold":
		for _, s := range c.sources {
			if ids := c.documents[s.ID]; len(ids) > 0 {
				c.withhold(rapid.SampledFrom(ids).Draw(rt, "withheld"))
			}
		}
	case "hide":
		c.exec(`UPDATE documents SET hidden_at = CASE WHEN hidden_at IS NULL THEN now() END WHERE id IN (SELECT id FROM documents ORDER BY md5(id || $1) LIMIT 1)`, person.ID)
	}
}

func (c *company) acl(rt *rapid.T) cairn.ACL {
	keys := rapid.SliceOfN(rapid.SampledFrom(c.keys), 1, 4)
	return cairn.ACL{Allow: rapid.SliceOfN(keys, 0, 2).Draw(rt, "allow"), Deny: rapid.SliceOfN(rapid.SampledFrom(c.keys), 0, 1).Draw(rt, "deny")}
}

// read says of every account which documents of a source it reads: by its viewer's
// keys and (cairn.ACL).Admits alone.
func (c *company) read(s cairn.Source) map[cairn.AccountID]map[cairn.DocumentID]bool {
	c.t.Helper()
	ctx := context.Background()
	viewers, out := make(map[cairn.AccountID]cairn.Viewer), make(map[cairn.AccountID]map[cairn.DocumentID]bool)
	for _, a := range c.people {
		h, err := c.Holder(ctx, a.ID)
		c.check(err)
		viewers[a.ID], out[a.ID] = auth.ViewerOf(h), make(map[cairn.DocumentID]bool)
	}
	for _, id := range c.documents[s.ID] {
		d, err := c.DocumentAccess(ctx, id)
		c.check(err)
		for account, v := range viewers {
			out[account][id] = !d.Hidden && !d.Withheld && d.ACL.Admits(v)
		}
	}
	return out
}

// changes compares what was read before with what is read after.
func (c *company) changes(before, after map[cairn.AccountID]map[cairn.DocumentID]bool) (lose, gain map[cairn.AccountID]int) {
	lose, gain = make(map[cairn.AccountID]int), make(map[cairn.AccountID]int)
	for account, documents := range before {
		for id, was := range documents {
			switch is := after[account][id]; {
			case was && !is:
				lose[account]++
			case is && !was:
				gain[account]++
			}
		}
	}
	return lose, gain
}

func byAccount(list []api.AccountChange) map[cairn.AccountID]int {
	out := make(map[cairn.AccountID]int)
	for _, c := range list {
		out[c.Account.ID] = c.Documents
	}
	return out
}

// TestPreviewEqualsWhatThenHappens compares every preview with what the change then
// does, account by account and document by document.
func TestPreviewEqualsWhatThenHappens(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx := context.Background()
	lost, gained := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 4 {
			c.step(rt)
		}
		i := rapid.IntRange(0, len(c.sources)-1).Draw(rt, "source")
		s := c.sources[i]
		edited := s
		edited.ACLMode, edited.ACL = rapid.SampledFrom([]cairn.ACLMode{cairn.ACLDeclared, cairn.ACLDeclared, cairn.ACLFromSource}).Draw(rt, "mode"), c.acl(rt)
		got, err := c.PreviewAccess(ctx, edited, nil)
		if err != nil {
			rt.Fatal(err)
		}
		before, classes := c.read(s), c.classes(s)
		if stored, err := c.SourceByID(ctx, s.ID); err != nil || stored.ACLMode != s.ACLMode || stored.ACL.Hash() != s.ACL.Hash() {
			rt.Fatalf("the preview has changed the source to %+v, %v", stored, err)
		}
		if c.sources[i], err = c.UpdateSource(ctx, s.ID, func(stored *cairn.Source) error { *stored = edited; return nil }); err != nil {
			rt.Fatal(err)
		}
		lose, gain := c.changes(before, c.read(s))
		if d := cmp.Diff(lose, byAccount(got.Lose)) + cmp.Diff(gain, byAccount(got.Gain)); d != "" {
			rt.Fatalf("who loses and who gains (-happened +previewed):\n%s", d)
		}
		changed := 0
		for id, class := range c.classes(s) {
			if class != classes[id] {
				changed++
			}
		}
		if changed != got.Documents {
			rt.Fatalf("%d documents have other permissions; %d were told", changed, got.Documents)
		}
		lost, gained = lost+len(lose), gained+len(gain)
	})
	t.Logf("%d losses and %d gains", lost, gained)
	if lost < 10 || gained < 10 {
		t.Error("this test says little")
	}
}

// classes returns the classes of the documents of a source that can be found.
func (c *company) classes(s cairn.Source) map[cairn.DocumentID]int32 {
	c.t.Helper()
	out := make(map[cairn.DocumentID]int32)
	for _, id := range c.documents[s.ID] {
		var class int32
		var hidden bool
		c.check(c.worker.QueryRow(context.Background(), `SELECT acl_id, hidden_at IS NOT NULL FROM documents WHERE id = $1`, id).Scan(&class, &hidden))
		if !hidden {
			out[id] = class
		}
	}
	return out
}

// Rules say of each document, and of what is attached to it, who may read it then.
func TestPreviewOfRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann"), f.member("bob")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("office", anns)
	f.document(s, "a", "A", "text", s.ACL)
	mail := f.document(s, "hr/b.eml", "B", "text", s.ACL)
	attached := f.document(s, "hr/b.eml!/1/c.pdf", "C", "text", s.ACL)
	f.exec(`UPDATE documents SET parent_id = $2, attached = true WHERE id = $1`, attached, mail)
	formerly := f.document(s, "d", "D", "text", cairn.Allow(cairn.AccountKey(bob.Account)))
	f.exec(`UPDATE documents SET acl_own = true WHERE id = $1`, formerly)
	f.withhold(f.document(s, "hr/e", "E", "text", s.ACL)) // nobody reads it before and after
	own := func(external string) *cairn.ACL {
		if !strings.HasPrefix(external, "hr/") {
			return nil
		}
		acl := cairn.Allow(cairn.AccountKey(bob.Account))
		return &acl
	}
	got, err := f.PreviewAccess(t.Context(), s, own)
	f.check(err)
	// The mail with its attachment goes from Ann to Bob; what had a rule goes back.
	lose, gain := map[cairn.AccountID]int{ann.Account: 2, bob.Account: 1}, map[cairn.AccountID]int{ann.Account: 1, bob.Account: 2}
	if d := cmp.Diff(lose, byAccount(got.Lose)) + cmp.Diff(gain, byAccount(got.Gain)); d != "" || got.Documents != 3 {
		t.Errorf("%d documents (-want +got):\n%s", got.Documents, d)
	}
	s.ACLMode = "open"
	_, err = f.PreviewAccess(t.Context(), s, nil)
	wantError(t, "a mode that there is not", err, cairn.ErrInvalid)
	_, err = f.PreviewAccess(t.Context(), cairn.Source{ID: "none", ACLMode: cairn.ACLDeclared}, nil)
	wantError(t, "no source", err, cairn.ErrNotFound)
}
