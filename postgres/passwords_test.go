package postgres

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

const (
	aHash       = "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"
	anotherHash = "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB"
)

// session starts a session of an account and returns its hash.
func (f *fixture) session(account cairn.AccountID) auth.Hash {
	f.t.Helper()
	ctx, hash, code := f.t.Context(), auth.HashOf(cairn.NewID()), auth.HashOf(cairn.NewID())
	f.check(f.CreateCode(ctx, code, account, time.Now().Add(time.Hour)))
	_, err := f.RedeemCode(ctx, code, "", time.Now())
	f.check(err)
	s := auth.Session{Account: account, ByCode: true, By: auth.Proof{Code: code}, Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	f.check(f.CreateSession(ctx, hash, s))
	return hash
}

// sessions returns how many sessions an account has.
func (f *fixture) sessions(account cairn.AccountID) int {
	f.t.Helper()
	return f.count(`SELECT count(*) FROM sessions WHERE account_id = $1`, account)
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.account("ann@acme.test", cairn.RoleMember), f.account("bob@acme.test", cairn.RoleMember)
	hash, err := f.PasswordOf(ctx, ann.ID)
	if err != nil || hash != "" {
		t.Errorf("before: %q, %v", hash, err)
	}
	_, err = f.PasswordOf(ctx, "nobody")
	wantError(t, "of nobody", err, cairn.ErrNotFound)
	_, _, err = f.PasswordByEmail(ctx, "ann@acme.test")
	wantError(t, "sign in without", err, cairn.ErrNotFound)

	mine, _ := f.session(ann.ID), f.session(ann.ID)
	theirs := f.session(bob.ID)
	f.check(f.CreateCode(ctx, auth.Hash{1}, ann.ID, time.Now().Add(time.Hour)))
	f.check(f.SetPassword(ctx, ann.ID, "", aHash, mine))
	if n := f.sessions(ann.ID); n != 1 {
		t.Errorf("%d sessions of ann, want hers alone", n)
	}
	if s, _, err := f.SessionByHash(ctx, mine); err != nil || !s.ByCode {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := f.SessionByHash(ctx, theirs); err != nil {
		t.Errorf("the session of bob: %v", err)
	}
	_, err = f.RedeemCode(ctx, auth.Hash{1}, "", time.Now())
	wantError(t, "the code of before", err, cairn.ErrNotFound)
	if id, hash, err := f.PasswordByEmail(ctx, "Ann@ACME.test"); err != nil || id != ann.ID || hash != aHash {
		t.Errorf("%q, %q, %v", id, hash, err)
	}
	for _, email := range []string{"", "bob@acme.test", "nobody@acme.test", "a\x00b@acme.test"} {
		_, _, err := f.PasswordByEmail(ctx, email)
		wantError(t, email, err, cairn.ErrNotFound)
	}

	wantError(t, "changed meanwhile", f.SetPassword(ctx, ann.ID, "", anotherHash, mine), cairn.ErrConflict)
	wantError(t, "of nobody", f.SetPassword(ctx, "nobody", "", aHash, mine), cairn.ErrNotFound)
	f.check(f.RehashPassword(ctx, ann.ID, anotherHash, "$argon2id$x")) // it is not that any more
	f.check(f.RehashPassword(ctx, ann.ID, aHash, anotherHash))
	if hash, err := f.PasswordOf(ctx, ann.ID); err != nil || hash != anotherHash {
		t.Errorf("%q, %v", hash, err)
	}
	f.check(f.RemovePassword(ctx, ann.ID))
	f.check(f.RemovePassword(ctx, ann.ID))
	if n := f.sessions(ann.ID) + f.count(`SELECT count(*) FROM passwords`); n != 0 {
		t.Errorf("%d sessions and passwords are left", n)
	}
	wantError(t, "remove of nobody", f.RemovePassword(ctx, "nobody"), cairn.ErrNotFound)
}

// Of several who change a password at once, one does.
func TestPasswordsRace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	var wg sync.WaitGroup
	var set atomic.Int32
	for range 8 {
		wg.Go(func() {
			if err := f.SetPassword(t.Context(), ann.ID, "", aHash, auth.Hash{}); err == nil {
				set.Add(1)
			} else {
				wantError(t, "too late", err, cairn.ErrConflict)
			}
		})
	}
	wg.Wait()
	if n := set.Load(); n != 1 {
		t.Errorf("set %d times", n)
	}
}

// An account that is disabled, or that the identity provider brought, has no
// password, whenever it got one.
func TestWhoHasNoPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	closed := func(what, email string) {
		t.Helper()
		_, _, err := f.PasswordByEmail(ctx, email)
		wantError(t, what, err, cairn.ErrNotFound)
	}
	off := f.account("off@acme.test", cairn.RoleMember)
	f.check(f.SetPassword(ctx, off.ID, "", aHash, auth.Hash{}))
	off.Disabled = true
	f.check(f.update(off))
	closed("disabled", off.Email)
	off.Disabled = false
	f.check(f.update(off))
	if _, _, err := f.PasswordByEmail(ctx, off.Email); err != nil {
		t.Errorf("enabled again: %v", err)
	}

	bound := f.account("bound@acme.test", cairn.RoleMember)
	f.check(f.SetPassword(ctx, bound.ID, "", aHash, auth.Hash{}))
	f.comes(somebody("bound", "bound@acme.test"))
	closed("bound", bound.Email)

	taken := f.account("taken@acme.test", cairn.RoleMember)
	f.check(f.SetPassword(ctx, taken.ID, "", aHash, auth.Hash{}))
	s := NewSCIM(f.DB)
	_, err := s.UpdateUser(ctx, taken.ID, func(u *scim.User) error { u.ExternalID = "7"; return nil })
	f.check(err)
	closed("taken over", taken.Email)
	made, err := s.CreateUser(ctx, scim.User{UserName: "made", Address: "made@acme.test", Active: true})
	f.check(err)

	for _, id := range []cairn.AccountID{bound.ID, taken.ID, made.ID} {
		_, err := f.PasswordOf(ctx, id)
		wantError(t, "of "+string(id), err, cairn.ErrDenied)
		wantError(t, "set for "+string(id), f.SetPassword(ctx, id, aHash, anotherHash, auth.Hash{}), cairn.ErrDenied)
		wantError(t, "set for "+string(id), f.SetPassword(ctx, id, "", anotherHash, auth.Hash{}), cairn.ErrDenied)
	}
}

func TestErasedAccountsLeaveNoPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.account("root@acme.test", cairn.RoleAdmin)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	f.check(f.SetPassword(t.Context(), ann.ID, "", aHash, auth.Hash{}))
	receipt, err := f.EraseAccount(t.Context(), ann.ID, "root")
	f.check(err)
	if n := f.count(`SELECT count(*) FROM passwords`); n != 0 || receipt.Counts["passwords"] != 1 {
		t.Errorf("%d passwords are left; receipt %v", n, receipt.Counts)
	}
}

// TestA11_13_DisablingEndsTokens for good, sessions and codes, too; what the
// identity provider deactivates keeps its tokens for when it is activated again.
func TestA11_13_DisablingEndsTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	hers := f.token(ann.ID)
	f.session(ann.ID)
	f.check(f.CreateCode(ctx, auth.Hash{1}, ann.ID, time.Now().Add(time.Hour)))
	bob := f.token(f.account("bob@acme.test", cairn.RoleMember).ID)
	ann.Disabled = true
	f.check(f.update(ann))
	ann.Disabled = false
	f.check(f.update(ann))
	if token, _, err := f.TokenByHash(ctx, hers); err != nil || token.Revoked.IsZero() {
		t.Errorf("%+v, %v", token, err)
	}
	if n := f.sessions(ann.ID) + f.count(`SELECT count(*) FROM sign_in_codes`); n != 0 {
		t.Errorf("%d sessions and codes are left", n)
	}
	if token, _, err := f.TokenByHash(ctx, bob); err != nil || !token.Revoked.IsZero() {
		t.Errorf("the token of another: %+v, %v", token, err)
	}

	s := NewSCIM(f.DB)
	made, err := s.CreateUser(ctx, scim.User{UserName: "eve", Address: "eve@acme.test", Active: true})
	f.check(err)
	eves := f.token(made.ID)
	for _, active := range []bool{false, true} {
		_, err := s.UpdateUser(ctx, made.ID, func(u *scim.User) error { u.Active = active; return nil })
		f.check(err)
	}
	if token, holder, err := f.TokenByHash(ctx, eves); err != nil || !token.Revoked.IsZero() || holder.Account.Disabled {
		t.Errorf("activated again: %+v, %+v, %v", token, holder, err)
	}
}
