package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// asking returns the context of a request for an action.
func asking(ctx context.Context, action audit.Action) context.Context {
	e := audit.Begin(nil, audit.Event{Action: action, Address: "192.0.2.1", Request: "R1"})
	e.By("root", "session", "")
	return audit.NewContext(ctx, e)
}

// changes has every change that is made for people: what it needs, what it does,
// and what the log then says of it.
func changes(f *fixture) []struct {
	action audit.Action
	do     func(ctx context.Context) error
	detail string
} {
	t := f.t
	ann := f.account("ann@acme.test", cairn.RoleMember)
	bob := f.account("bob@acme.test", cairn.RoleMember)
	f.account("root@acme.test", cairn.RoleAdmin)
	v := cairn.Viewer{Account: ann.ID, Keys: []cairn.PrincipalKey{cairn.AccountKey(ann.ID)}}
	s := f.source("s", cairn.Allow(cairn.Everyone))
	gone := f.source("gone", cairn.Allow(cairn.Everyone))
	f.document(gone, "a", "A", "text", cairn.Allow(cairn.Everyone))
	f.document(s, "b", "B", "text", cairn.Allow(cairn.Everyone))
	conversation := f.conversation(v, "x")
	f.check(f.CreateGroup(t.Context(), "ops"))
	f.check(f.CreateGroup(t.Context(), "old"))
	token, err := f.CreateToken(t.Context(), auth.HashOf("old"), cairn.Token{Account: ann.ID, Expires: time.Now().Add(time.Hour)})
	f.check(err)
	f.check(f.CreateSession(t.Context(), auth.HashOf("out"), auth.Session{Account: ann.ID, Created: time.Now(), Expires: time.Now().Add(time.Hour)}))
	enqueue := func(pgx.Tx, string) error { return nil }
	queued := f.source("queued", cairn.Allow(cairn.Everyone))
	_, err = f.QueueRun(t.Context(), queued.ID, cairn.SyncOptions{}, enqueue)
	f.check(err)
	store := NewIngest(f.DB, Space{})
	lifted, err := f.EraseDocument(t.Context(), f.document(s, "c", "C", "text", cairn.Allow(cairn.Everyone)), true, "root")
	f.check(err)
	f.account("fay@acme.test", cairn.RoleMember)
	f.account("gil@acme.test", cairn.RoleMember)
	for _, subject := range []string{"gil", "gil-2", "gil-3"} {
		f.comes(somebody(subject, "gil@acme.test"))
	}
	hal := f.account("hal@acme.test", cairn.RoleMember)
	revoked := f.grant(hal.ID, s.ID, "")
	pending := f.pendingBindings()
	f.exec(`INSERT INTO slack_people (workspace, email, account_id, approved_by) VALUES ('T0ACME', 'gone@acme.test', $1, 'root')`, hal.ID)
	confirm, dismiss := pending[0].ID, pending[1].ID
	f.exec(`UPDATE sensitive_scan SET due_at = now() + interval '1 day'`)
	return []struct {
		action audit.Action
		do     func(ctx context.Context) error
		detail string
	}{
		{audit.SignIn, func(ctx context.Context) error {
			return f.CreateSession(ctx, auth.HashOf("in"), auth.Session{Account: ann.ID, Created: time.Now(), Expires: time.Now().Add(time.Hour)})
		}, ""},
		{audit.SignOut, func(ctx context.Context) error { return f.DeleteSession(ctx, auth.HashOf("out")) }, ""},
		{audit.AccountCreate, func(ctx context.Context) error {
			_, err := f.CreateAccount(ctx, cairn.Account{Email: "eve@acme.test", Role: cairn.RoleAuditor})
			return err
		}, "role:auditor"},
		{audit.AccountUpdate, func(ctx context.Context) error {
			_, err := f.UpdateAccount(ctx, ann.ID, func(a *cairn.Account) error { a.Role, a.Disabled = cairn.RoleAdmin, true; return nil })
			return err
		}, "role:admin disabled:true"},
		{audit.AccountCode, func(ctx context.Context) error {
			return f.CreateCode(ctx, auth.HashOf("code"), bob.ID, time.Now().Add(time.Hour))
		}, ""},
		{audit.PasswordSet, func(ctx context.Context) error { return f.SetPassword(ctx, bob.ID, "", "$argon2id$1", auth.Hash{}) }, "first"},
		{audit.PasswordRemove, func(ctx context.Context) error { return f.RemovePassword(ctx, bob.ID) }, ""},
		{audit.SlackApprove, func(ctx context.Context) error {
			_, err := f.SetSlackPerson(ctx, api.SlackPerson{Workspace: "T0ACME", Email: "bob@other.test", Account: cairn.Account{ID: bob.ID}, By: "root"})
			return err
		}, "workspace:T0ACME"},
		{audit.SlackRemove, func(ctx context.Context) error { return f.DeleteSlackPerson(ctx, "T0ACME", "gone@acme.test") }, "workspace:T0ACME"},
		{audit.GroupCreate, func(ctx context.Context) error { return f.CreateGroup(ctx, "new") }, ""},
		{audit.GroupUpdate, func(ctx context.Context) error { return f.SetGroup(ctx, "ops", []cairn.AccountID{ann.ID}, nil) }, "added:1 removed:0"},
		{audit.GroupDelete, func(ctx context.Context) error { return f.DeleteGroup(ctx, "old") }, ""},
		{audit.TokenCreate, func(ctx context.Context) error {
			_, err := f.CreateToken(ctx, auth.HashOf("new"), cairn.Token{Account: bob.ID, Scopes: []cairn.Scope{cairn.ScopeAdmin, cairn.ScopeRead}, Expires: time.Now().Add(time.Hour)})
			return err
		}, "account:" + string(bob.ID) + " scope:admin scope:read"},
		{audit.TokenRevoke, func(ctx context.Context) error { return f.RevokeToken(ctx, "", token.ID, time.Now()) }, "account:" + string(ann.ID)},
		{audit.SourceCreate, func(ctx context.Context) error {
			_, err := f.CreateSource(ctx, cairn.Source{Name: "new", Kind: "push", ACLMode: cairn.ACLDeclared})
			return err
		}, "name:new"},
		{audit.SourceUpdate, func(ctx context.Context) error {
			_, err := f.UpdateSource(ctx, s.ID, func(s *cairn.Source) error { s.ACL, s.Paused = cairn.ACL{}, true; return nil })
			return err
		}, "acl paused:true"},
		{audit.SourceSync, func(ctx context.Context) error {
			_, err := f.QueueRun(ctx, s.ID, cairn.SyncOptions{Full: true}, enqueue)
			return err
		}, "full"},
		{audit.SourceCancel, func(ctx context.Context) error { return f.CancelRun(ctx, queued.ID) }, ""},
		{audit.SourceRetry, func(ctx context.Context) error { _, err := f.RetryErrors(ctx, s.ID, nil); return err }, "documents:0"},
		{audit.SourceDelete, func(ctx context.Context) error { _, err := f.EraseSource(ctx, gone.ID, "root"); return err }, "documents:1 erasure:"},
		{audit.DocumentDelete, func(ctx context.Context) error { _, err := store.Erase(ctx, s.ID, []string{"b"}); return err }, "documents:1 erasure:"},
		{audit.AccountDelete, func(ctx context.Context) error { _, err := f.EraseAccount(ctx, bob.ID, "root"); return err }, "documents:0 erasure:"},
		{audit.ErasureLift, func(ctx context.Context) error { _, err := f.LiftErasure(ctx, lifted.ID); return err }, ""},
		{audit.AccountBind, func(ctx context.Context) error {
			_, err := f.SignInPerson(ctx, somebody("fay", "fay@acme.test"), time.Now())
			return err
		}, ""},
		{audit.BindingConfirm, func(ctx context.Context) error { _, err := f.ConfirmBinding(ctx, confirm); return err }, "binding:" + confirm},
		{audit.BindingDismiss, func(ctx context.Context) error { return f.DismissBinding(ctx, dismiss) }, "binding:" + dismiss},
		{audit.ReportScan, f.RequestScan, ""},
		{audit.GrantCreate, func(ctx context.Context) error {
			_, err := f.CreateGrant(ctx, cairn.Grant{Account: hal.ID, Source: s.ID, Reason: "incident", By: "root"}, time.Hour)
			return err
		}, "account:" + string(hal.ID) + " source:" + string(s.ID) + " until:"},
		{audit.GrantRevoke, func(ctx context.Context) error { return f.RevokeGrant(ctx, revoked) }, "account:" + string(hal.ID)},
		{audit.ConversationDelete, func(ctx context.Context) error { return f.DeleteConversation(ctx, v, conversation) }, ""},
	}
}

func TestChangesAreInTheLogWithThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, c := range changes(f) {
		if err := c.do(asking(t.Context(), c.action)); err != nil {
			t.Errorf("%s: %v", c.action, err)
			continue
		}
		rows := f.auditLog(api.AuditFilter{Action: string(c.action)})
		if len(rows) != 1 {
			t.Errorf("%s: %d rows", c.action, len(rows))
			continue
		}
		r, detail := rows[0], rows[0].Detail
		for _, varies := range []string{"erasure:", "until:"} { // the id of a receipt, a time
			if before, _, found := strings.Cut(detail, varies); found {
				detail = before + varies
			}
		}
		if r.Outcome != audit.OK || r.Account != "root" || r.Via != "session" || r.Address != "192.0.2.1" || r.Request != "R1" ||
			r.Object.Kind == "" || r.Object.ID == "" || detail != c.detail || (len(r.Documents) > 0) != (c.action == audit.DocumentDelete) {
			t.Errorf("%s: %+v; want detail %q", c.action, r, c.detail)
		}
	}
	if v := f.verified(); v.Broken != nil {
		t.Errorf("%+v", v.Broken)
	}
}

// A change of which the log cannot tell is not made.
func TestNoChangeWithoutTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	all := changes(f)
	state := func() (n int) {
		return f.count(`
			SELECT (SELECT count(*) FROM accounts) + 100 * (SELECT count(*) FROM groups) + 10000 * (SELECT count(*) FROM sources)
			     + 7 * (SELECT count(*) FROM sessions) + 11 * (SELECT count(*) FROM sign_in_codes) + 13 * (SELECT count(*) FROM group_members)
			     + 17 * (SELECT count(*) FROM tokens) + 19 * (SELECT count(*) FROM tokens WHERE revoked_at IS NULL)
			     + 23 * (SELECT count(*) FROM documents) + 29 * (SELECT count(*) FROM conversations) + 31 * (SELECT count(*) FROM runs)
			     + 37 * (SELECT count(*) FROM runs WHERE cancel) + 41 * (SELECT count(*) FROM sources WHERE paused)
			     + 61 * (SELECT count(*) FROM sensitive_scan WHERE due_at <= now())
			     + 47 * (SELECT count(*) FROM bindings) + 43 * (SELECT count(*) FROM accounts WHERE role = 'admin')
			     + 67 * (SELECT count(*) FROM slack_people) + 53 * (SELECT count(*) FROM grants) + 59 * (SELECT count(*) FROM grants WHERE revoked_at IS NULL)`)
	}
	before := state()
	f.tamper(`REVOKE INSERT ON audit_log FROM ` + pgx.Identifier{f.roles.Worker}.Sanitize())
	for _, c := range all {
		if err := c.do(asking(t.Context(), c.action)); err == nil {
			t.Errorf("%s: done without the log", c.action)
		}
		if now := state(); now != before {
			t.Fatalf("%s: has changed something without the log", c.action)
		}
	}
	// The server's own work goes on.
	if err := all[0].do(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARefusedChangeIsNotInTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.check(f.CreateGroup(t.Context(), "ops"))
	wantError(t, "taken", f.CreateGroup(asking(t.Context(), audit.GroupCreate), "ops"), cairn.ErrConflict)
	wantError(t, "missing", f.DeleteGroup(asking(t.Context(), audit.GroupDelete), "none"), cairn.ErrNotFound)
	if rows := f.auditLog(api.AuditFilter{}); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
}

func TestDocumentAccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	f.check(f.CreateGroup(t.Context(), "hr"))
	f.check(f.SetGroup(t.Context(), "hr", []cairn.AccountID{ann.ID}, nil))
	h, err := f.Holder(t.Context(), ann.ID)
	f.check(err)
	if v := auth.ViewerOf(h); len(v.Keys) != 4 || h.Account.Email != "ann@acme.test" {
		t.Errorf("%+v", h)
	}
	for _, none := range []cairn.AccountID{"none", "n\x00l"} {
		_, err := f.Holder(t.Context(), none)
		wantError(t, "holder", err, cairn.ErrNotFound)
	}
	acl := cairn.ACL{Allow: [][]cairn.PrincipalKey{{"group:cairn:hr"}, {cairn.Everyone}}, Deny: []cairn.PrincipalKey{"user:bob@acme.test"}}
	s := f.source("s", acl)
	id := f.document(s, "a", "A", "text", acl)
	got, err := f.DocumentAccess(t.Context(), id)
	f.check(err)
	if got.Source != "s" || got.Mode != cairn.ACLDeclared || got.Own || got.Hidden || !got.Synced.IsZero() || got.Degraded != nil || got.ACL.Hash() != acl.Hash() {
		t.Errorf("%+v", got)
	}
	f.hide(id)
	f.exec(`UPDATE sources SET acl_mode = 'source', permissions_synced_at = now() + interval '1 h', degraded_since = now() - interval '1 h'`)
	f.exec(`INSERT INTO runs (id, source_id, state, created_at, finished_at, reason) VALUES ('r1', $1, 'failed', now() - interval '3 h', now() - interval '3 h', 'before'),
		('r2', $1, 'failed', now() - interval '1 h', now() - interval '1 h', 'the listing failed'), ('r3', $1, 'running', now(), NULL, ''),
		('r4', $1, 'cancelled', now(), now(), 'another run')`, s.ID)
	got, err = f.DocumentAccess(t.Context(), id)
	f.check(err)
	if !got.Hidden || got.Mode != cairn.ACLFromSource || time.Until(got.Synced) < 30*time.Minute || got.Degraded == nil ||
		got.Degraded.Reason != "the listing failed" || time.Since(got.Degraded.Since) < 59*time.Minute {
		t.Errorf("%+v, %+v", got, got.Degraded)
	}
	f.exec(`DELETE FROM runs`)
	if got, err = f.DocumentAccess(t.Context(), id); err != nil || got.Degraded == nil || got.Degraded.Reason == "" {
		t.Errorf("%+v, %v", got, err)
	}
	f.exec(`UPDATE sources SET degraded_since = NULL`)
	if got, err = f.DocumentAccess(t.Context(), id); err != nil || got.Degraded != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, none := range []cairn.DocumentID{"none", "n\x00l"} {
		_, err := f.DocumentAccess(t.Context(), none)
		wantError(t, "document", err, cairn.ErrNotFound)
	}
}

// What an identity provider changes is in the log as what people change.
func TestProvisioningIsInTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := NewSCIM(f.DB)
	var u scim.User
	var g scim.Group
	for _, c := range []struct {
		action audit.Action
		do     func(ctx context.Context) error
		detail string
	}{
		{audit.AccountCreate, func(ctx context.Context) (err error) {
			u, err = s.CreateUser(ctx, scim.User{UserName: "ann", Address: "ann@acme.test", Active: true})
			return err
		}, "role:member"},
		{audit.GroupCreate, func(ctx context.Context) (err error) {
			g, err = s.CreateGroup(ctx, scim.Group{Display: "ops", Members: []scim.Member{{ID: string(u.ID)}}})
			return err
		}, "added:1 removed:0"},
		{audit.GroupUpdate, func(ctx context.Context) error {
			_, err := s.UpdateGroup(ctx, g.ID, func(scim.Group) ([]scim.GroupEdit, error) {
				return []scim.GroupEdit{{Remove: []string{string(u.ID)}}}, nil
			})
			return err
		}, "added:0 removed:1"},
		{audit.GroupDelete, func(ctx context.Context) error {
			return s.DeleteGroup(ctx, g.ID, func(scim.Group) error { return nil })
		}, ""},
		{audit.AccountUpdate, func(ctx context.Context) error {
			_, err := s.UpdateUser(ctx, u.ID, func(u *scim.User) error { u.Active = false; return nil })
			return err
		}, "disabled:true"},
		{audit.AccountDelete, func(ctx context.Context) error {
			return s.DeleteUser(ctx, u.ID, "root", func(scim.User) error { return nil })
		}, "documents:0 erasure:"},
	} {
		f.check(c.do(asking(t.Context(), c.action)))
		rows := f.auditLog(api.AuditFilter{Action: string(c.action)})
		if len(rows) != 1 || rows[0].Account != "root" || rows[0].Object.ID == "" || !strings.HasPrefix(rows[0].Detail, c.detail) || c.detail == "" && rows[0].Detail != "" {
			t.Errorf("%s: %+v; want detail %q", c.action, rows, c.detail)
		}
	}
}
