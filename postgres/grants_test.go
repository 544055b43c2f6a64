package postgres

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// grant lets an account read a source or a document for an hour.
func (f *fixture) grant(account cairn.AccountID, source cairn.SourceID, document cairn.DocumentID) cairn.GrantID {
	f.t.Helper()
	g, err := f.CreateGrant(context.Background(), cairn.Grant{
		Account: account, Source: source, Document: document, Reason: "incident", By: "root",
	}, time.Hour)
	f.check(err)
	return g.ID
}

// expire lets the time of a grant run out.
func (f *fixture) expire(id cairn.GrantID) {
	f.t.Helper()
	f.exec(`UPDATE grants SET expires_at = now() WHERE id = $1`, id)
}

// resolve returns the viewer of an account as a request has it.
func resolve(t testing.TB, db *DB, account cairn.AccountID) cairn.Viewer {
	t.Helper()
	h, err := db.Holder(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return auth.ViewerOf(h)
}

// reads reports whether a viewer may open a document.
func reads(t testing.TB, db *DB, v cairn.Viewer, id cairn.DocumentID) bool {
	t.Helper()
	_, err := db.Document(t.Context(), v, id, "")
	if err != nil {
		wantError(t, "document", err, cairn.ErrNotFound)
	}
	return err == nil
}

// Every way in which a grant ends takes back what it gave, from the next request on
// and in the midst of one; nothing brings it back.
func TestGrantsEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f *fixture, ann cairn.Account, s cairn.Source, d cairn.DocumentID, g cairn.GrantID){
		"revoked": func(f *fixture, _ cairn.Account, _ cairn.Source, _ cairn.DocumentID, g cairn.GrantID) {
			f.check(f.RevokeGrant(f.t.Context(), g))
			wantError(f.t, "again", f.RevokeGrant(f.t.Context(), g), cairn.ErrNotFound)
		},
		"expired": func(f *fixture, _ cairn.Account, _ cairn.Source, _ cairn.DocumentID, g cairn.GrantID) { f.expire(g) },
		"account disabled": func(f *fixture, ann cairn.Account, _ cairn.Source, _ cairn.DocumentID, _ cairn.GrantID) {
			ann.Disabled = true
			f.check(f.update(ann))
			ann.Disabled = false
			f.check(f.update(ann))
		},
		"account deactivated by the provider": func(f *fixture, ann cairn.Account, _ cairn.Source, _ cairn.DocumentID, _ cairn.GrantID) {
			for _, active := range []bool{false, true} {
				_, err := NewSCIM(f.DB).UpdateUser(f.t.Context(), ann.ID, func(u *scim.User) error { u.Active = active; return nil })
				f.check(err)
			}
		},
		"account erased": func(f *fixture, ann cairn.Account, _ cairn.Source, _ cairn.DocumentID, _ cairn.GrantID) {
			_, err := f.EraseAccount(f.t.Context(), ann.ID, "root")
			f.check(err)
		},
		"source erased": func(f *fixture, _ cairn.Account, s cairn.Source, _ cairn.DocumentID, _ cairn.GrantID) {
			_, err := f.EraseSource(f.t.Context(), s.ID, "root")
			f.check(err)
		},
		"document erased": func(f *fixture, _ cairn.Account, _ cairn.Source, d cairn.DocumentID, _ cairn.GrantID) {
			_, err := f.EraseDocument(f.t.Context(), d, false, "root")
			f.check(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.account("root@acme.test", cairn.RoleAdmin)
			ann := f.account("ann@acme.test", cairn.RoleMember)
			s := f.source("hr", cairn.Allow("group:cairn:hr"))
			d := f.document(s, "a", "A", "text", cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}, Deny: []cairn.PrincipalKey{cairn.UserKey(ann.Email)}})
			var g cairn.GrantID
			if name == "document erased" {
				g = f.grant(ann.ID, "", d)
			} else {
				g = f.grant(ann.ID, s.ID, "")
			}
			before := resolve(t, f.DB, ann.ID)
			if !slices.Equal(before.Grants, []cairn.GrantID{g}) || !reads(t, f.DB, before, d) {
				t.Fatalf("%+v does not read what is granted", before)
			}
			end(f, ann, s, d, g)
			if reads(t, f.DB, before, d) {
				t.Error("a viewer that was resolved before reads on")
			}
			granted, err := f.searchable(t.Context(), before)
			f.check(err)
			if len(granted.Sources)+len(granted.Chunks) != 0 {
				t.Errorf("a search would still see %+v", granted)
			}
			if h, err := f.Holder(t.Context(), ann.ID); err == nil && len(h.Grants) != 0 {
				t.Errorf("the account still holds %v", h.Grants)
			}
			if _, err := f.GrantOf(t.Context(), ann.ID, d); err == nil {
				t.Error("it is still told to decide")
			}
		})
	}
}

// A grant opens its source alone, not what shares permissions with it, to its holder
// alone, for a search on any replica, and is gone for the next one when it was revoked.
func TestGrantOnASecondReplica(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	other, err := Open(t.Context(), c.made.URL, c.log)
	c.check(err)
	t.Cleanup(other.Close)
	replica := NewIndex(other, c.space)
	c.check(replica.Load(t.Context()))
	hr := cairn.Allow("group:cairn:hr")
	c.put("granted", "falcon", hr, []float32{1, 0, 0, 0, 0, 0, 0, 0})
	shelf := c.src
	c.src = c.source("cellar", hr)
	c.put("sharing", "falcon", hr, []float32{1, 0, 0, 0, 0, 0, 0, 0})
	ann, bob := c.account("ann@acme.test", cairn.RoleAdmin), c.account("bob@acme.test", cairn.RoleAdmin)
	find := func(who cairn.Account) (names []string) {
		t.Helper()
		v := resolve(t, other, who.ID)
		words, err := replica.Lexical(t.Context(), cairn.Query{Viewer: v, Text: "falcon"}, 10)
		c.check(err)
		near, err := replica.Nearest(t.Context(), cairn.Query{Viewer: v}, []float32{1, 0, 0, 0, 0, 0, 0, 0}, 10)
		c.check(err)
		if words.Chunks != len(words.Hits) || len(near) != len(words.Hits) {
			t.Errorf("%d visible, %d found by words, %d by meaning", words.Chunks, len(words.Hits), len(near))
		}
		var ids []int64
		for _, h := range words.Hits {
			ids = append(ids, h.Chunk)
		}
		chunks, err := other.Hydrate(t.Context(), v, ids)
		c.check(err)
		for _, chunk := range chunks {
			names = append(names, chunk.Passage.Title)
		}
		return names
	}
	if got := find(ann); got != nil {
		t.Errorf("without a grant: %v", got)
	}
	g := c.grant(ann.ID, shelf.ID, "")
	if got := find(ann); !slices.Equal(got, []string{"granted"}) {
		t.Errorf("with a grant: %v", got)
	}
	if got := find(bob); got != nil {
		t.Errorf("somebody else: %v", got)
	}
	c.check(c.RevokeGrant(t.Context(), g))
	if got := find(ann); got != nil {
		t.Errorf("after its end: %v", got)
	}
}

// The second lock by itself: the search role sees what those grants cover that the
// viewer holds and that live, and nothing else, whatever shares the class.
func TestSearchRoleSeesGrantedRowsAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann"), f.member("bob")
	nobody := cairn.ACL{}
	hr, ops := f.source("hr", nobody), f.source("ops", nobody)
	f.document(hr, "1", "one", "text", nobody)
	f.document(hr, "2", "two", "text", nobody)
	single := f.document(ops, "3", "three", "text", nobody)
	f.document(ops, "4", "four", "text", nobody)
	f.hide(f.document(hr, "5", "five", "text", nobody))
	whole, one, foreign, over := f.grant(ann.Account, hr.ID, ""), f.grant(ann.Account, "", single), f.grant(bob.Account, ops.ID, ""), f.grant(ann.Account, ops.ID, "")
	f.expire(over)
	for _, c := range []struct {
		name   string
		grants []cairn.GrantID
		want   []string
	}{
		{"none", nil, nil},
		{"of a source", []cairn.GrantID{whole}, []string{"one", "two"}},
		{"of a document", []cairn.GrantID{one}, []string{"three"}},
		{"both", []cairn.GrantID{one, whole}, []string{"one", "three", "two"}},
		{"somebody else's", []cairn.GrantID{foreign}, nil},
		{"one that is over", []cairn.GrantID{over}, nil},
		{"unknown", []cairn.GrantID{"nope", `{","}`}, nil},
	} {
		v := ann
		v.Grants = c.grants
		f.check(f.asViewer(t.Context(), v, nil, func(tx pgx.Tx) error {
			for _, sql := range []string{
				`SELECT title FROM documents`,
				`SELECT d.title FROM bodies b JOIN documents d ON d.id = b.document_id`,
				`SELECT d.title FROM chunks c JOIN documents d ON d.id = c.document_id`,
			} {
				rows, err := tx.Query(t.Context(), sql+` ORDER BY 1`)
				if err != nil {
					return err
				}
				got, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					return err
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: %s gives %v, want %v", c.name, sql, got, c.want)
				}
			}
			return nil
		}))
	}
}

// An open stream gives nothing more once a grant has ended by which its reader read.
func TestStreamEndsWithTheGrant(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	d := f.document(f.source("hr", cairn.ACL{}), "a", "A", "text", cairn.ACL{})
	g := f.grant(ann.ID, "", d)
	v := resolve(t, f.DB, ann.ID)
	m := f.message(asked{conversation: f.conversation(v, "c"), question: "q", answer: "a", documents: []cairn.DocumentID{d}})
	answers := NewAnswers(f.DB)
	if events, _, err := answers.Events(t.Context(), v, m, 0); err != nil || len(events) == 0 {
		t.Fatalf("%v, %v", events, err)
	}
	f.expire(g)
	_, _, err := answers.Events(t.Context(), v, m, 0)
	wantError(t, "events", err, cairn.ErrNotFound)
	if got, err := f.Message(t.Context(), v, m); err != nil || !got.Withheld {
		t.Errorf("the message: %+v, %v", got, err)
	}
}

func TestGrantsAreKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	root := f.account("root@acme.test", cairn.RoleAdmin)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	s := f.source("hr", cairn.ACL{})
	d := f.document(s, "a", "A", "text", cairn.ACL{})
	of := cairn.Grant{Account: ann.ID, Source: s.ID, Reason: "incident 7", By: root.ID}
	made, err := f.CreateGrant(ctx, of, 90*time.Minute)
	f.check(err)
	if made.Expires.Sub(made.Created) != 90*time.Minute || !made.Lives || made.SourceName != "hr" || made.Holder.Email != ann.Email || made.By != root.ID ||
		made.Reason != "incident 7" || made.Document != "" || made.Source != s.ID {
		t.Errorf("%+v", made)
	}
	one := f.grant(ann.ID, "", d)
	f.expire(one)
	for _, ended := range []bool{false, true} {
		want := []cairn.GrantID{made.ID}
		if ended {
			want = []cairn.GrantID{one, made.ID}
		}
		var got []cairn.GrantID
		for _, g := range allPages(t, 1, len(want), func(p api.Page) ([]api.GrantStatus, string, error) { return f.ListGrants(ctx, ended, p) }) {
			got = append(got, g.ID)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("ended %t (-want +got):\n%s", ended, d)
		}
	}
	if g, err := f.GrantOf(ctx, ann.ID, d); err != nil || g.ID != made.ID {
		t.Errorf("the grant that decides: %+v, %v", g, err)
	}
	_, err = f.GrantOf(ctx, root.ID, d)
	wantError(t, "somebody else's", err, cairn.ErrNotFound)

	off := f.account("off@acme.test", cairn.RoleMember)
	off.Disabled = true
	f.check(f.update(off))
	for name, bad := range map[string]cairn.Grant{
		"a disabled account": {Account: off.ID, Source: s.ID, Reason: "r"},
		"no account":         {Account: "nope", Source: s.ID, Reason: "r"},
		"no source":          {Account: ann.ID, Source: "nope", Reason: "r"},
		"no document":        {Account: ann.ID, Document: "nope", Reason: "r"},
		"nothing":            {Account: ann.ID, Reason: "r"},
		"both":               {Account: ann.ID, Source: s.ID, Document: d, Reason: "r"},
		"no reason":          {Account: ann.ID, Source: s.ID},
	} {
		_, err := f.CreateGrant(ctx, bad, time.Hour)
		wantError(t, name, err, cairn.ErrInvalid)
	}
	_, err = f.CreateGrant(ctx, of, 25*time.Hour)
	wantError(t, "too long", err, cairn.ErrInvalid)
	wantError(t, "revoke nothing", f.RevokeGrant(ctx, "n\x00l"), cairn.ErrNotFound)
}

// What is shown to the holder of grants is in the log once more for each of them that
// covers it, also when it has ended meanwhile.
func TestUsesOfGrantsAreInTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	hr, ops := f.source("hr", cairn.ACL{}), f.source("ops", cairn.ACL{})
	a, b, c := f.document(hr, "a", "A", "text", cairn.ACL{}), f.document(hr, "b", "B", "text", cairn.ACL{}), f.document(ops, "c", "C", "text", cairn.ACL{})
	whole, one, unused := f.grant(ann.ID, hr.ID, ""), f.grant(ann.ID, "", b), f.grant(ann.ID, "", a)
	f.expire(whole)
	shown := audit.Event{
		At: time.Now(), Action: audit.Search, Outcome: audit.OK, Account: ann.ID, Request: "R1", Documents: []cairn.DocumentID{c, b, a},
		Grants: []cairn.GrantID{whole, one},
	}
	f.check(f.AppendAudit(t.Context(), []audit.Event{shown, {At: time.Now(), Action: audit.Search, Outcome: audit.OK, Documents: shown.Documents}}))
	got := map[string][]cairn.DocumentID{}
	for _, r := range f.auditLog(api.AuditFilter{Action: string(audit.GrantUse)}) {
		got[r.Object.ID] = r.Documents
		if r.Object.Kind != audit.KindGrant || r.Account != ann.ID || r.Request != "R1" || r.Detail != "action:search" || r.Outcome != audit.OK {
			t.Errorf("%+v", r)
		}
	}
	if d := cmp.Diff(map[string][]cairn.DocumentID{string(whole): {b, a}, string(one): {b}}, got); d != "" {
		t.Errorf("uses (-want +got):\n%s; unused is %s", d, unused)
	}
	if n := len(f.auditLog(api.AuditFilter{Action: string(audit.Search)})); n != 2 || f.verified().Broken != nil {
		t.Errorf("%d searches; %+v", n, f.verified())
	}
}

// A use is in the log also when what was used is erased before it is written.
func TestUsesOfGrantsOutliveErasure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		erase func(f *fixture, ann cairn.Account, hr cairn.Source, a cairn.DocumentID) error
		want  map[string]string // documents by grant
	}{
		"the document": {func(f *fixture, _ cairn.Account, _ cairn.Source, a cairn.DocumentID) error {
			_, err := f.EraseDocument(f.t.Context(), a, false, "root")
			return err
		}, map[string]string{"whole": "a b", "one": "a b other", "elsewhere": "a other"}}, // the grant of a went with it
		"the source": {func(f *fixture, _ cairn.Account, hr cairn.Source, _ cairn.DocumentID) error {
			_, err := f.EraseSource(f.t.Context(), hr.ID, "root")
			return err
		}, map[string]string{"whole": "a b other", "one": "a b other", "elsewhere": "a b other"}},
		"the account": {func(f *fixture, ann cairn.Account, _ cairn.Source, _ cairn.DocumentID) error {
			_, err := f.EraseAccount(f.t.Context(), ann.ID, "root")
			return err
		}, map[string]string{"whole": "a b other", "one": "a b other", "elsewhere": "a b other"}},
		"nothing": {func(*fixture, cairn.Account, cairn.Source, cairn.DocumentID) error { return nil },
			map[string]string{"whole": "a b", "one": "a", "elsewhere": "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			ann := f.account("ann@acme.test", cairn.RoleMember)
			f.account("root@acme.test", cairn.RoleAdmin)
			hr, ops := f.source("hr", cairn.ACL{}), f.source("ops", cairn.ACL{})
			a, b := f.document(hr, "a", "A", "text", cairn.ACL{}), f.document(hr, "b", "B", "text", cairn.ACL{})
			other := f.document(ops, "c", "C", "text", cairn.ACL{})
			names := map[string]string{
				string(f.grant(ann.ID, hr.ID, "")): "whole", string(f.grant(ann.ID, "", a)): "one", string(f.grant(ann.ID, ops.ID, "")): "elsewhere",
				string(a): "a", string(b): "b", string(other): "other",
			}
			shown := audit.Event{
				At: time.Now(), Action: audit.DocumentRead, Outcome: audit.OK, Account: ann.ID, Documents: []cairn.DocumentID{a, b, other},
				Grants: resolve(t, f.DB, ann.ID).Grants,
			}
			f.check(c.erase(f, ann, hr, a))
			f.check(f.AppendAudit(t.Context(), []audit.Event{shown}))
			got := map[string]string{}
			for _, r := range f.auditLog(api.AuditFilter{Action: string(audit.GrantUse)}) {
				var documents []string
				for _, d := range r.Documents {
					documents = append(documents, names[string(d)])
				}
				got[names[r.Object.ID]] = strings.Join(documents, " ")
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("uses (-want +got):\n%s", d)
			}
		})
	}
}

// An ended grant goes with the log of its days, its reason included.
func TestEndedGrantsGoWithTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	hr := f.source("hr", cairn.ACL{})
	lives, ended, old := f.grant(ann.ID, hr.ID, ""), f.grant(ann.ID, hr.ID, ""), f.grant(ann.ID, hr.ID, "")
	f.exec(`UPDATE grants SET created_at = now() - interval '30 days', expires_at = now() - interval '29 days' WHERE id = $1`, ended)
	f.exec(`UPDATE grants SET created_at = now() - interval '32 days', expires_at = now() - interval '31 days' WHERE id = $1`, old)
	f.check(f.ExpireAudit(t.Context(), 30*24*time.Hour))
	all, _, err := f.ListGrants(t.Context(), true, api.Page{Limit: 9})
	f.check(err)
	if len(all) != 2 || all[0].ID != lives || all[1].ID != ended {
		t.Errorf("%+v; want %s and %s, not %s", all, lives, ended, old)
	}
}
