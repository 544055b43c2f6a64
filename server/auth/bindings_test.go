package auth_test

import (
	"errors"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// TestWhoMayJoin has people without an account.
func TestWhoMayJoin(t *testing.T) {
	cases := []struct {
		joining  auth.Joining
		email    any
		verified any
		want     auth.Refused
	}{
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@acme.com", true, ""},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ANN@ACME.com", true, ""},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@evil.acme.com", true, auth.RefusedUnknown},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@notacme.com", true, auth.RefusedUnknown},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@acme.com@evil.example", true, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, `"ann@acme.com"@evil.example`, true, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@evil.example\n@acme.com", true, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}}, "ann@acme.com", false, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpDomains}, "ann@acme.com", true, auth.RefusedUnknown},
		{auth.Joining{SignUp: auth.SignUpOff, Domains: []string{"acme.com"}}, "ann@acme.com", true, auth.RefusedUnknown},
		{auth.Joining{SignUp: auth.SignUpAll}, "ann@anywhere.example", true, ""},
		{auth.Joining{SignUp: auth.SignUpAll}, "ann@anywhere.example", "true", ""},
		{auth.Joining{SignUp: auth.SignUpAll}, "ann@anywhere.example", "false", auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll}, "ann@anywhere.example", nil, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll}, "ann@anywhere.example", 1, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll}, nil, true, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll}, []string{"ann@acme.com"}, true, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll, Trusted: []string{"acme.com"}}, "ann@acme.com", nil, ""},
		{auth.Joining{SignUp: auth.SignUpAll, Trusted: []string{"acme.com"}}, "ann@acme.com", false, auth.RefusedUnverified},
		{auth.Joining{SignUp: auth.SignUpAll, Trusted: []string{"acme.com"}}, "ann@other.com", nil, auth.RefusedUnverified},
	}
	for _, c := range cases {
		s := newSite(t, c.joining)
		s.issuer.Be(func(b *oidctest.Behaviour) {
			b.Person = map[string]any{"sub": "ann", "email": c.email, "name": "Ann"}
			if c.verified != nil {
				b.Person["email_verified"] = c.verified
			}
		})
		b := s.browser()
		err := b.signIn()
		if c.want != "" {
			b.refused(string(c.want), err, c.want)
			if n := len(s.store.AllAccounts()); n != 0 {
				t.Errorf("%+v: %d accounts", c, n)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if id := b.identity(); id.Account.Role != cairn.RoleMember || id.Account.Name != "Ann" {
			t.Errorf("%+v: joined as %+v", c, id.Account)
		}
	}
}

// TestA12_11_AddressesAreNotConfused tries addresses that look like ann's.
func TestA12_11_AddressesAreNotConfused(t *testing.T) {
	s := newSite(t, auth.Joining{SignUp: auth.SignUpOff})
	ann := s.store.Add(cairn.Account{Email: "kim@acme.com", Role: cairn.RoleAdmin})
	for _, email := range []string{"kim+x@acme.com", "\u212aim@acme.com", "k\u0131m@acme.com", "K\u0130M@acme.com", "kim@acme.com.", "kim@аcme.com", "ｋim@acme.com", "kim @acme.com", "kim\u200b@acme.com", "kim@acme.com\x00"} {
		s.as("attacker", email)
		b := s.browser()
		if err := b.signIn(); err == nil {
			t.Errorf("%q signed in as %s", email, b.identity().Account.Email)
		}
	}
	s.as("kim", " KIM@Acme.COM ")
	b := s.browser()
	if err := b.signIn(); err != nil || b.identity().Account.ID != ann.ID {
		t.Errorf("other letters: %v", err)
	}
}

// TestA12_13_SecondSubjectWithTheSameAddress is a person made anew at the issuer,
// or somebody else who was given the address.
func TestA12_13_SecondSubjectWithTheSameAddress(t *testing.T) {
	s := newSite(t, auth.Joining{SignUp: auth.SignUpAll})
	ann := s.store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleAdmin})
	first := s.browser()
	if err := first.signIn(); err != nil {
		t.Fatal(err)
	}
	s.as("ann-2", "ann@acme.com")
	for range 2 {
		second := s.browser()
		err := second.signIn()
		second.refused("second subject", err, auth.RefusedPending)
		if !errors.Is(err, cairn.ErrDenied) {
			t.Errorf("%v is not ErrDenied", err)
		}
	}
	pending := s.store.AllBindings()
	if len(pending) != 1 || pending[0].Subject != "ann-2" || pending[0].Attempts != 2 || pending[0].Account.ID != ann.ID {
		t.Fatalf("pending: %+v", pending)
	}
	if !first.signedIn() {
		t.Error("the attempt ended the session of the first")
	}
	if _, err := s.store.ConfirmBinding(t.Context(), pending[0].ID); err != nil {
		t.Fatal(err)
	}
	if first.signedIn() {
		t.Error("the identity that has the account no longer is still signed in")
	}
	second := s.browser()
	if err := second.signIn(); err != nil || second.identity().Account.ID != ann.ID {
		t.Errorf("confirmed: %v", err)
	}
	s.as("ann", "ann@acme.com")
	again := s.browser()
	again.refused("the first after the second was confirmed", again.signIn(), auth.RefusedPending)
	if err := s.store.DismissBinding(t.Context(), s.store.AllBindings()[0].ID); err != nil {
		t.Fatal(err)
	}
	again.refused("dismissed", again.signIn(), auth.RefusedPending)
	if n := len(s.store.AllBindings()); n != 0 {
		t.Errorf("%d pending after it was dismissed", n)
	}
}

// TestSubjectKeepsTheAccount changes what the issuer says of a person.
func TestSubjectKeepsTheAccount(t *testing.T) {
	s := newSite(t, auth.Joining{SignUp: auth.SignUpAll})
	b := s.browser()
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	ann := b.identity().Account
	bob := s.store.Add(cairn.Account{Email: "bob@acme.com", Role: cairn.RoleAdmin})
	for _, email := range []string{"ann.b@acme.com", "bob@acme.com", ""} {
		s.as("ann", email)
		again := s.browser()
		if err := again.signIn(); err != nil || again.identity().Account.ID != ann.ID || again.identity().Account.Email != "ann@acme.com" {
			t.Errorf("with the address %q: %v", email, err)
		}
	}
	switchOff := func(off bool) {
		t.Helper()
		if _, err := s.store.UpdateAccount(t.Context(), ann.ID, func(a *cairn.Account) error { a.Disabled = off; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	switchOff(true)
	if b.signedIn() {
		t.Error("a disabled account is signed in")
	}
	again := s.browser()
	again.refused("disabled", again.signIn(), auth.RefusedDisabled)
	switchOff(false)
	if b.signedIn() {
		t.Error("enabling an account brought a session back")
	}
	bob.Disabled = true
	s.store.Add(bob)
	s.as("bob", "bob@acme.com")
	again.refused("disabled before the first sign-in", again.signIn(), auth.RefusedDisabled)
}
