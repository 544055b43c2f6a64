package postgres

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// somebody is a person with a verified address who signs in just now.
func somebody(subject, email string) auth.Person {
	return auth.Person{
		Issuer: "https://id.acme.test", Subject: subject, Email: email, Name: "Some Body",
		Once: auth.HashOf(cairn.NewID()), Until: time.Now().Add(time.Minute),
	}
}

// signIn returns the account of a person, or why there is none.
func (f *fixture) signIn(p auth.Person) (cairn.AccountID, auth.Refused) {
	f.t.Helper()
	id, err := f.SignInPerson(f.t.Context(), p, time.Now())
	var refused auth.Refused
	if err != nil && !errors.As(err, &refused) {
		f.t.Fatal(err)
	}
	return id, refused
}

// comes lets a person try to sign in, whatever comes of it.
func (f *fixture) comes(p auth.Person) {
	f.t.Helper()
	_, _ = f.signIn(p)
}

func (f *fixture) pendingBindings() []auth.PendingBinding {
	f.t.Helper()
	list, _, err := f.ListBindings(f.t.Context(), api.Page{Limit: 10})
	f.check(err)
	return list
}

func TestPersonIsBoundToAnAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	for _, c := range []struct {
		what   string
		person auth.Person
		want   cairn.AccountID
		refuse auth.Refused
	}{
		{"no address", somebody("ann", ""), "", auth.RefusedUnverified},
		{"unknown address", somebody("ann", "other@acme.test"), "", auth.RefusedUnknown},
		{"first subject", somebody("ann", "ann@acme.test"), ann.ID, ""},
		{"again", somebody("ann", "ann@acme.test"), ann.ID, ""},
		{"again, without an address", somebody("ann", ""), ann.ID, ""},
		{"second subject", somebody("ann-2", "ann@acme.test"), "", auth.RefusedPending},
		{"same subject of another issuer", auth.Person{Issuer: "https://evil.test", Subject: "ann", Email: "ann@acme.test", Once: auth.Hash{1}}, "", auth.RefusedPending},
		{"same subject of another issuer, no address", auth.Person{Issuer: "https://evil.test", Subject: "ann", Once: auth.Hash{2}}, "", auth.RefusedUnverified},
		{"used before", auth.Person{Issuer: "https://id.acme.test", Subject: "ann", Once: auth.Hash{2}}, "", auth.RefusedStale},
	} {
		if id, refused := f.signIn(c.person); id != c.want || refused != c.refuse {
			t.Errorf("%s: %q, %q; want %q, %q", c.what, id, refused, c.want, c.refuse)
		}
	}
	if list := f.pendingBindings(); len(list) != 2 || list[0].Subject != "ann-2" || list[0].Account.ID != ann.ID || list[0].Name != "Some Body" {
		t.Errorf("pending: %+v", list)
	}

	p := somebody("new", "new@acme.test")
	p.MayJoin = true
	id, refused := f.signIn(p)
	a, err := f.AccountByID(t.Context(), id)
	if err != nil || refused != "" || a.Email != "new@acme.test" || a.Role != cairn.RoleMember || a.Name != "Some Body" {
		t.Errorf("joined as %+v, %q, %v", a, refused, err)
	}
	a.Disabled = true
	f.check(f.update(a))
	if id, refused := f.signIn(somebody("new", "new@acme.test")); id != "" || refused != auth.RefusedDisabled {
		t.Errorf("disabled: %q, %q", id, refused)
	}
	bob := f.account("bob@acme.test", cairn.RoleMember)
	bob.Disabled = true
	f.check(f.update(bob))
	if id, refused := f.signIn(somebody("bob", "bob@acme.test")); id != "" || refused != auth.RefusedDisabled {
		t.Errorf("disabled before the first sign-in: %q, %q", id, refused)
	}
	if n := f.count(`SELECT count(*) FROM bindings WHERE account_id = $1`, bob.ID); n != 0 {
		t.Error("a disabled account was bound")
	}
}

// TestA12_13_BindingIsConfirmedOrDismissed is a person made anew at the issuer.
func TestA12_13_BindingIsConfirmedOrDismissed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	f.comes(somebody("ann", "ann@acme.test"))
	f.comes(somebody("ann-2", "ann@acme.test"))
	f.comes(somebody("ann-2", "ann@acme.test"))
	f.comes(somebody("ann-3", "ann@acme.test"))
	list := f.pendingBindings()
	if len(list) != 2 || list[0].Subject != "ann-2" || list[0].Attempts != 2 || list[1].Subject != "ann-3" {
		t.Fatalf("pending: %+v", list)
	}
	first, next, err := f.ListBindings(ctx, api.Page{Limit: 1})
	f.check(err)
	second, end, err := f.ListBindings(ctx, api.Page{Limit: 1, Cursor: next})
	f.check(err)
	if len(first) != 1 || len(second) != 1 || second[0].Subject != "ann-3" || end != "" {
		t.Errorf("pages: %+v, %+v, %q", first, second, end)
	}

	now := time.Now()
	f.check(f.CreateSession(ctx, auth.Hash{1}, auth.Session{Account: ann.ID, Created: now, Expires: now.Add(time.Hour), Used: now}))
	confirmed, err := f.ConfirmBinding(ctx, list[0].ID)
	f.check(err)
	if d := cmp.Diff(ann, confirmed); d != "" {
		t.Errorf("confirmed (-want +got):\n%s", d)
	}
	if _, _, err := f.SessionByHash(ctx, auth.Hash{1}); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("the session of the identity before: %v", err)
	}
	if id, refused := f.signIn(somebody("ann-2", "ann@acme.test")); id != ann.ID || refused != "" {
		t.Errorf("confirmed: %q, %q", id, refused)
	}
	if _, refused := f.signIn(somebody("ann", "ann@acme.test")); refused != auth.RefusedPending {
		t.Errorf("the identity before: %q", refused)
	}

	f.check(f.DismissBinding(ctx, list[1].ID))
	if _, refused := f.signIn(somebody("ann-3", "ann@acme.test")); refused != auth.RefusedPending {
		t.Errorf("dismissed: %q", refused)
	}
	if list := f.pendingBindings(); len(list) != 1 || list[0].Subject != "ann" {
		t.Errorf("pending after it: %+v", list)
	}
	// What was dismissed is not the first to come when the account becomes free.
	f.exec(`DELETE FROM bindings`)
	if _, refused := f.signIn(somebody("ann-3", "ann@acme.test")); refused != auth.RefusedPending {
		t.Errorf("dismissed, then the account was free: %q", refused)
	}
	for _, id := range []string{list[0].ID, list[1].ID, "nope", "no\x00pe", ""} {
		_, err := f.ConfirmBinding(ctx, id)
		wantError(t, "confirm "+id, err, cairn.ErrNotFound)
		wantError(t, "dismiss "+id, f.DismissBinding(ctx, id), cairn.ErrNotFound)
	}
}

// access gives an account a session, a code and a token.
func (f *fixture) access(account cairn.AccountID) {
	f.t.Helper()
	f.session(account)
	f.token(account)
	f.check(f.CreateCode(f.t.Context(), auth.HashOf(cairn.NewID()), account, time.Now().Add(time.Hour)))
}

// accessLeft returns how many sessions, codes and valid tokens an account has.
func (f *fixture) accessLeft(account cairn.AccountID) [3]int {
	f.t.Helper()
	return [3]int{
		f.sessions(account), f.count(`SELECT count(*) FROM sign_in_codes WHERE account_id = $1`, account),
		f.count(`SELECT count(*) FROM tokens WHERE account_id = $1 AND revoked_at IS NULL`, account),
	}
}

// TestA12_13_BindingEndsWhatWasBefore: who had the account before a subject is bound to
// it has it no longer; a subject that comes again ends nothing.
func TestA12_13_BindingEndsWhatWasBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.account("ann@acme.test", cairn.RoleMember), f.account("bob@acme.test", cairn.RoleMember)
	f.access(ann.ID)
	f.access(bob.ID)
	p := somebody("ann", "ann@acme.test")
	p.Groups = []string{"hr"}
	f.comes(p)
	if left := f.accessLeft(ann.ID); left != [3]int{} {
		t.Errorf("bound for the first time: %v sessions, codes and tokens are left", left)
	}
	if left := f.accessLeft(bob.ID); left != [3]int{1, 1, 1} {
		t.Errorf("somebody else has %v sessions, codes and tokens", left)
	}
	boss := f.account("boss@acme.test", cairn.RoleAdmin)
	f.access(boss.ID)
	f.comes(somebody("boss", "boss@acme.test"))
	if left := f.accessLeft(boss.ID); left != [3]int{0, 0, 1} {
		t.Errorf("an administrator has %v sessions, codes and tokens, want the token", left)
	}
	f.access(ann.ID)
	p.Once = auth.HashOf(cairn.NewID())
	f.comes(p)
	f.comes(somebody("ann-2", "ann@acme.test")) // waits
	if left := f.accessLeft(ann.ID); left != [3]int{1, 1, 1} {
		t.Errorf("signed in again: %v sessions, codes and tokens", left)
	}
	inGroups := func() int {
		t.Helper()
		return f.count(`SELECT count(*) FROM group_members WHERE account_id = $1`, ann.ID)
	}
	f.check(f.CreateGroup(ctx, "own"))
	f.check(f.SetGroup(ctx, "own", []cairn.AccountID{ann.ID}, nil))
	if n := inGroups(); n != 2 {
		t.Fatalf("in %d groups, want hr and own", n)
	}
	_, err := f.ConfirmBinding(ctx, f.pendingBindings()[0].ID)
	f.check(err)
	if left := f.accessLeft(ann.ID); left != [3]int{0, 0, 1} {
		t.Errorf("another subject was confirmed: %v sessions, codes and tokens are left, want the token", left)
	}
	if n := inGroups(); n != 1 {
		t.Errorf("in %d groups: those that the issuer told of the other are left, or one of here is not", n)
	}
}

// TestConfirmedIdentityHasOneAccount confirms an identity that has got another
// account meanwhile.
func TestConfirmedIdentityHasOneAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.account("ann@acme.test", cairn.RoleAdmin)
	f.account("other@acme.test", cairn.RoleMember)
	f.comes(somebody("ann", "ann@acme.test"))
	f.comes(somebody("two", "ann@acme.test"))
	f.comes(somebody("two", "other@acme.test"))
	_, err := f.ConfirmBinding(t.Context(), f.pendingBindings()[0].ID)
	wantError(t, "two accounts", err, cairn.ErrConflict)
}

// TestSubjectsRaceForAnAccount has many subjects with one address at once.
func TestSubjectsRaceForAnAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var in, joined atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			p := somebody(string(rune('a'+i)), "ann@acme.test")
			p.MayJoin = true
			switch _, err := f.SignInPerson(t.Context(), p, time.Now()); {
			case err == nil:
				in.Add(1)
			case !errors.Is(err, auth.RefusedPending):
				t.Error(err)
			}
			same := somebody("same", "same@acme.test")
			same.MayJoin = true
			if _, err := f.SignInPerson(t.Context(), same, time.Now()); err == nil {
				joined.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 || joined.Load() != 12 {
		t.Errorf("%d subjects have the account, want 1; %d of 12 sign-ins of one subject", in.Load(), joined.Load())
	}
	if n := f.count(`SELECT count(*) FROM accounts`); n != 2 {
		t.Errorf("%d accounts; want 2", n)
	}
}

// TestGroupsOfTheIssuer are those of the last sign-in.
func TestGroupsOfTheIssuer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.account("ann@acme.test", cairn.RoleAdmin)
	now := time.Now()
	keys := func(groups ...string) []cairn.PrincipalKey {
		t.Helper()
		p := somebody("ann", "ann@acme.test")
		p.Groups = groups
		id, _ := f.signIn(p)
		hash := auth.HashOf(cairn.NewID())
		f.check(f.CreateSession(ctx, hash, auth.Session{Account: id, Created: now, Expires: now.Add(time.Hour), Used: now}))
		_, holder, err := f.SessionByHash(ctx, hash)
		f.check(err)
		viewer := auth.ViewerOf(holder)
		return viewer.Keys[2 : len(viewer.Keys)-1]
	}
	for _, c := range []struct {
		groups []string
		want   []cairn.PrincipalKey
	}{
		{[]string{"eng", "a:b"}, []cairn.PrincipalKey{"group:oidc:a:b", "group:oidc:eng"}},
		{[]string{"eng", "hr"}, []cairn.PrincipalKey{"group:oidc:eng", "group:oidc:hr"}},
		{nil, []cairn.PrincipalKey{}},
		{[]string{"hr"}, []cairn.PrincipalKey{"group:oidc:hr"}},
	} {
		if d := cmp.Diff(c.want, keys(c.groups...)); d != "" {
			t.Errorf("%v (-want +got):\n%s", c.groups, d)
		}
	}
	f.check(f.ForgetGroups(ctx, cairn.OIDCDirectory))
	if n := f.count(`SELECT count(*) FROM groups WHERE directory = 'oidc'`); n != 0 {
		t.Errorf("%d groups after they were forgotten", n)
	}
}

// TestLocalAccountIsHandedOver has the first administrator take over what local
// mode made.
func TestLocalAccountIsHandedOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	local, err := f.LocalAccount(ctx)
	f.check(err)
	now := time.Now()
	f.check(f.CreateSession(ctx, auth.Hash{1}, auth.Session{Account: local.Account.ID, Created: now, Expires: now.Add(time.Hour), Used: now}))
	_, err = f.CreateToken(ctx, auth.Hash{2}, cairn.Token{Account: local.Account.ID, Scopes: cairn.DefaultScopes(), Expires: now.Add(time.Hour)})
	f.check(err)
	source := f.source("mine", cairn.Allow(cairn.AccountKey(local.Account.ID)))
	id := f.document(source, "a", "Mine", "text", cairn.Allow(cairn.AccountKey(local.Account.ID)))
	f.exec(`INSERT INTO conversations (id, account_id, title) VALUES ('c', $1, 'asked')`, local.Account.ID)

	f.check(f.CreateCode(ctx, auth.Hash{3}, "", now.Add(time.Hour)))
	boss, err := f.RedeemCode(ctx, auth.Hash{3}, "boss@acme.test", now)
	f.check(err)
	a, err := f.AccountByID(ctx, boss)
	f.check(err)
	if a.Email != "boss@acme.test" || a.Role != cairn.RoleAdmin || a.Name != "administrator" {
		t.Errorf("first administrator: %+v", a)
	}
	viewer := auth.ViewerOf(auth.Holder{Account: a})
	if _, err := f.Document(ctx, viewer, id, ""); err != nil {
		t.Errorf("the document of local mode: %v", err)
	}
	if list, _, err := f.ListConversations(ctx, viewer, api.Page{Limit: 5}); err != nil || len(list) != 1 {
		t.Errorf("conversations of local mode: %v, %v", list, err)
	}
	if _, _, err := f.SessionByHash(ctx, auth.Hash{1}); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("a session of local mode: %v", err)
	}
	if token, _, err := f.TokenByHash(ctx, auth.Hash{2}); err != nil || token.Revoked.IsZero() {
		t.Errorf("a token of local mode: %+v, %v", token, err)
	}
	again, err := f.LocalAccount(ctx)
	if err != nil || again.Account.ID == boss {
		t.Errorf("local mode afterwards is the administrator: %+v, %v", again.Account, err)
	}
}

func TestSessionIsTouched(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	f.account("root@acme.test", cairn.RoleAdmin)
	now := time.Now().UTC().Truncate(time.Microsecond)
	want := auth.Session{Account: ann.ID, Created: now, Expires: now.Add(time.Hour), Used: now}
	f.check(f.CreateSession(ctx, auth.Hash{1}, want))
	for _, at := range []time.Time{now.Add(time.Minute), now} { // the second comes late
		f.check(f.TouchSession(ctx, auth.Hash{1}, at))
	}
	want.Used = now.Add(time.Minute)
	got, _, err := f.SessionByHash(ctx, auth.Hash{1})
	f.check(err)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("session (-want +got):\n%s", d)
	}
	f.check(f.TouchSession(ctx, auth.Hash{9}, now)) // of a session that has ended
	ann.Disabled = true
	f.check(f.update(ann))
	if _, _, err := f.SessionByHash(ctx, auth.Hash{1}); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("the session of a disabled account: %v", err)
	}
}
