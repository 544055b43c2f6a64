package postgres

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// TestSignInsUnderWayEndWithTheAccess ends the access of an account between the proof of
// a sign-in and its session, in every way in which it ends.
func TestSignInsUnderWayEndWithTheAccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, now := t.Context(), time.Now()
	f.account("root@acme.test", cairn.RoleAdmin)
	issuer := func(subject, email string) auth.Person {
		return auth.Person{Issuer: "https://id.test", Subject: subject, Email: email, MayJoin: true, Once: auth.HashOf(cairn.NewID()), Until: now.Add(time.Hour)}
	}
	byCode := func(email string) auth.Session {
		a, code := f.account(email, cairn.RoleMember), auth.HashOf(cairn.NewID())
		f.check(f.CreateCode(ctx, code, a.ID, now.Add(time.Hour)))
		id, err := f.RedeemCode(ctx, code, "", now)
		f.check(err)
		return auth.Session{Account: id, ByCode: true, By: auth.Proof{Code: code}}
	}
	byIssuer := func(email string) auth.Session {
		id, err := f.SignInPerson(ctx, issuer(email, email), now)
		f.check(err)
		return auth.Session{Account: id, By: auth.Proof{Person: auth.Subject{Issuer: "https://id.test", Subject: email}}}
	}
	nothing := func(auth.Session, string) {}
	reset := func(s auth.Session, _ string) { f.check(f.RemovePassword(ctx, s.Account)) }
	disable := func(s auth.Session, _ string) {
		_, err := f.UpdateAccount(ctx, s.Account, func(a *cairn.Account) error { a.Disabled = true; return nil })
		f.check(err)
		_, err = f.UpdateAccount(ctx, s.Account, func(a *cairn.Account) error { a.Disabled = false; return nil })
		f.check(err)
	}
	erase := func(s auth.Session, _ string) {
		_, err := f.EraseAccount(ctx, s.Account, "")
		f.check(err)
	}
	bind := func(_ auth.Session, email string) {
		_, err := f.SignInPerson(ctx, issuer("first "+email, email), now)
		f.check(err)
	}
	rebind := func(_ auth.Session, email string) {
		_, err := f.SignInPerson(ctx, issuer("other "+email, email), now)
		wantError(t, "another subject", err, auth.RefusedPending)
		_, err = f.ConfirmBinding(ctx, f.pendingBindings()[0].ID)
		f.check(err)
	}
	for i, tt := range []struct {
		name      string
		prove     func(email string) auth.Session
		meanwhile func(s auth.Session, email string)
		ends      bool
	}{
		{"code, nothing", byCode, nothing, false},
		{"code, reset", byCode, reset, true},
		{"code, disabled and enabled", byCode, disable, true},
		{"code, erased", byCode, erase, true},
		{"code, bound for the first time", byCode, bind, true},
		{"issuer, nothing", byIssuer, nothing, false},
		{"issuer, given to another subject", byIssuer, rebind, true},
		{"issuer, erased", byIssuer, erase, true},
	} {
		email := fmt.Sprintf("p%d@acme.test", i)
		s := tt.prove(email)
		tt.meanwhile(s, email)
		s.Created, s.Expires, s.Used = now, now.Add(time.Hour), now
		err := f.CreateSession(ctx, auth.HashOf(cairn.NewID()), s)
		if !tt.ends {
			f.check(err)
			if s.ByCode { // which makes one session alone
				wantError(t, tt.name+", twice", f.CreateSession(ctx, auth.HashOf(cairn.NewID()), s), cairn.ErrUnauthenticated)
			}
			continue
		}
		wantError(t, tt.name, err, cairn.ErrUnauthenticated)
	}
}

// TestSignInMeetsErasure lets people come again, with other groups, in the moment in
// which they are erased: neither waits for the other in a circle.
func TestSignInMeetsErasure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	for i := range 60 {
		p := auth.Person{
			Issuer: "https://id.test", Subject: fmt.Sprint("s", i), Email: fmt.Sprintf("p%d@acme.test", i), MayJoin: true,
			Groups: []string{"old"}, Once: auth.HashOf(cairn.NewID()), Until: time.Now().Add(time.Hour),
		}
		id, err := f.SignInPerson(ctx, p, time.Now())
		f.check(err)
		var wg sync.WaitGroup
		wg.Go(func() {
			p.Groups, p.Once = []string{"new"}, auth.HashOf(cairn.NewID())
			if _, err := f.SignInPerson(ctx, p, time.Now()); err != nil {
				t.Errorf("sign-in: %v", err)
			}
		})
		wg.Go(func() {
			time.Sleep(time.Duration(i%12) * 200 * time.Microsecond)
			if _, err := f.EraseAccount(ctx, id, ""); err != nil {
				t.Errorf("erasure: %v", err)
			}
		})
		wg.Wait()
	}
}
