package postgres

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	now := time.Now().UTC().Truncate(time.Microsecond)
	expired := auth.Session{Account: ann.ID, Created: now.Add(-time.Hour), Expires: now.Add(-time.Minute)}
	f.check(f.CreateSession(ctx, auth.Hash{1}, expired))
	wantError(t, "same secret", f.CreateSession(ctx, auth.Hash{1}, expired), cairn.ErrConflict)
	wantError(t, "unknown account", f.CreateSession(ctx, auth.Hash{2}, auth.Session{Account: "x", Created: now, Expires: now}), cairn.ErrUnauthenticated)
	off := f.account("off@acme.test", cairn.RoleMember)
	f.check(f.SetPassword(ctx, off.ID, "", aHash, auth.Hash{}))
	byPassword := auth.Session{Account: off.ID, Created: now, Expires: now, By: auth.Proof{Password: anotherHash}}
	wantError(t, "another password by now", f.CreateSession(ctx, auth.Hash{3}, byPassword), cairn.ErrUnauthenticated)
	off.Disabled = true
	f.check(f.update(off))
	wantError(t, "disabled account", f.CreateSession(ctx, auth.Hash{3}, auth.Session{Account: off.ID, Created: now, Expires: now}), cairn.ErrUnauthenticated)
	wantError(t, "code of a disabled account", f.CreateCode(ctx, auth.Hash{3}, off.ID, now), cairn.ErrInvalid)
	got, holder, err := f.SessionByHash(ctx, auth.Hash{1})
	f.check(err)
	if d := cmp.Diff(expired, got) + cmp.Diff(ann, holder.Account); d != "" {
		t.Errorf("session (-want +got):\n%s", d)
	}
	f.check(f.DeleteSession(ctx, auth.Hash{1}))
	f.check(f.DeleteSession(ctx, auth.Hash{1}))
	_, _, err = f.SessionByHash(ctx, auth.Hash{1})
	wantError(t, "deleted", err, cairn.ErrNotFound)
}

func TestCodeSignsInOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	now := time.Now()
	ann, bob := f.account("ann@acme.test", cairn.RoleMember), f.account("bob@acme.test", cairn.RoleMember)
	f.check(f.CreateCode(ctx, auth.Hash{1}, ann.ID, now.Add(time.Hour)))
	f.check(f.CreateCode(ctx, auth.Hash{2}, ann.ID, now.Add(time.Hour)))
	f.check(f.CreateCode(ctx, auth.Hash{3}, bob.ID, now.Add(time.Minute)))
	_, err := f.RedeemCode(ctx, auth.Hash{1}, "", now)
	wantError(t, "older code", err, cairn.ErrNotFound)
	for hash, want := range map[auth.Hash]bool{{1}: false, {2}: true, {3}: true, {4}: false} {
		if there, err := f.HasCode(ctx, hash, now); err != nil || there != want {
			t.Errorf("code %d: %v, %v; want %v", hash[0], there, err, want)
		}
	}
	if there, err := f.HasCode(ctx, auth.Hash{3}, now.Add(time.Minute)); err != nil || there {
		t.Errorf("an expired code is there: %v", err)
	}
	got, err := f.RedeemCode(ctx, auth.Hash{2}, "", now)
	if err != nil || got != ann.ID {
		t.Errorf("redeem: %q, %v; want %q", got, err, ann.ID)
	}
	_, err = f.RedeemCode(ctx, auth.Hash{2}, "", now)
	wantError(t, "again", err, cairn.ErrNotFound)
	_, err = f.RedeemCode(ctx, auth.Hash{3}, "", now.Add(time.Minute))
	wantError(t, "expired", err, cairn.ErrNotFound)
	_, err = f.RedeemCode(ctx, auth.Hash{4}, "", now)
	wantError(t, "unknown", err, cairn.ErrNotFound)
	wantError(t, "unknown account", f.CreateCode(ctx, auth.Hash{5}, "nobody", now), cairn.ErrInvalid)
}

func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	now := time.Now()
	if _, err := f.LocalAccount(ctx); err != nil { // an earlier life in local mode
		t.Fatal(err)
	}
	if there, err := f.HasAdministrator(ctx); err != nil || there {
		t.Fatalf("an administrator before the first: %v, %v", there, err)
	}
	f.account("taken@acme.test", cairn.RoleMember)
	f.check(f.CreateCode(ctx, auth.Hash{1}, "", now.Add(time.Hour)))
	_, err := f.RedeemCode(ctx, auth.Hash{1}, "taken@acme.test", now)
	wantError(t, "taken address", err, cairn.ErrConflict)
	id, err := f.RedeemCode(ctx, auth.Hash{1}, "Boss@acme.test", now) // the refusal has not used it up
	f.check(err)
	a, err := f.AccountByID(ctx, id)
	f.check(err)
	if a.Email != "boss@acme.test" || a.Role != cairn.RoleAdmin || a.Disabled {
		t.Errorf("first administrator: %+v", a)
	}
	if there, err := f.HasAdministrator(ctx); err != nil || !there {
		t.Errorf("no administrator after the first: %v, %v", there, err)
	}
	f.check(f.CreateCode(ctx, auth.Hash{2}, "", now.Add(time.Hour)))
	_, err = f.RedeemCode(ctx, auth.Hash{2}, "", now)
	wantError(t, "a second first administrator", err, cairn.ErrNotFound)
}

func TestRedeemCodeInRace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.check(f.CreateCode(t.Context(), auth.Hash{1}, "", time.Now().Add(time.Hour)))
	var wg sync.WaitGroup
	var redeemed atomic.Int32
	for range 20 {
		wg.Go(func() {
			_, err := f.RedeemCode(t.Context(), auth.Hash{1}, "", time.Now())
			switch {
			case err == nil:
				redeemed.Add(1)
			case !errors.Is(err, cairn.ErrNotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := redeemed.Load(); n != 1 {
		t.Errorf("redeemed %d times", n)
	}
	if n := f.count(`SELECT count(*) FROM accounts`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestLocalAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	holders := make([]auth.Holder, 8)
	var wg sync.WaitGroup
	for i := range holders {
		wg.Go(func() {
			var err error
			if holders[i], err = f.LocalAccount(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, h := range holders {
		if h.Account.ID != holders[0].Account.ID {
			t.Errorf("two local accounts: %v and %v", h, holders[0])
		}
	}
	if a := holders[0].Account; a.Name != "local" || a.Email != "" || a.Role != cairn.RoleAdmin || a.Disabled {
		t.Errorf("local account: %+v", a)
	}
	f.check(f.CreateGroup(t.Context(), "ops"))
	f.check(f.SetGroup(t.Context(), "ops", []cairn.AccountID{holders[0].Account.ID}, nil))
	h, err := f.LocalAccount(t.Context())
	if err != nil || len(h.Groups) != 1 {
		t.Errorf("with its groups: %+v, %v", h, err)
	}
}

func TestEndLocalAccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	local, err := f.LocalAccount(ctx)
	f.check(err)
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	hash := func(n byte) auth.Hash { return auth.Hash{n} }
	later := time.Now().Add(time.Hour)
	for i, id := range []cairn.AccountID{local.Account.ID, ann.ID} {
		f.check(f.CreateSession(ctx, hash(byte(i)), auth.Session{Account: id, Created: time.Now(), Expires: later}))
		_, err := f.CreateToken(ctx, hash(byte(10+i)), cairn.Token{Account: id, Scopes: cairn.DefaultScopes(), Expires: later})
		f.check(err)
		f.check(f.CreateCode(ctx, hash(byte(20+i)), id, later))
	}
	f.check(f.EndLocalAccess(ctx))
	for i, ended := range []bool{true, false} {
		_, _, err := f.SessionByHash(ctx, hash(byte(i)))
		if ended != errors.Is(err, cairn.ErrNotFound) {
			t.Errorf("session %d: %v", i, err)
		}
		token, _, err := f.TokenByHash(ctx, hash(byte(10+i)))
		f.check(err)
		if ended == token.Revoked.IsZero() {
			t.Errorf("token %d: %+v", i, token)
		}
		_, err = f.RedeemCode(ctx, hash(byte(20+i)), "", time.Now())
		if ended != errors.Is(err, cairn.ErrNotFound) {
			t.Errorf("code %d: %v", i, err)
		}
	}
}
