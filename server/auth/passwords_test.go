package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
	"github.com/cairnhq/cairn/server/auth/password"
)

const (
	penguins = "seven penguins pay rent"
	kettle   = "a green kettle on ice"
)

// office is a server with passwords.
type office struct {
	*testing.T
	*auth.Authenticator
	store *authtest.Store
	clock *clock
}

func newOffice(t *testing.T) *office {
	t.Helper()
	a, store, c := newAuth(t, auth.Config{Passwords: password.New(password.Cost{KiB: 8, Passes: 1, Lanes: 1})})
	return &office{t, a, store, c}
}

// person adds an account with an address of 192.0.2.1 and, unless it is empty, a
// password.
func (o *office) person(email, text string) cairn.Account {
	o.Helper()
	account := o.store.Add(cairn.Account{Email: email, Role: cairn.RoleMember})
	if text != "" {
		if err := o.set(o.byCode(account), "", text); err != nil {
			o.Fatal(err)
		}
	}
	return account
}

// byCode signs in with a code and returns the cookie.
func (o *office) byCode(account cairn.Account) *http.Cookie {
	o.Helper()
	code, _, err := o.NewCode(o.Context(), account.ID)
	if err != nil {
		o.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := o.SignIn(w, from("192.0.2.1"), code, ""); err != nil {
		o.Fatal(err)
	}
	o.clock.advance(12 * time.Second) // codes are limited, too
	return w.Result().Cookies()[0]
}

// set sets the password of whoever has the session.
func (o *office) set(cookie *http.Cookie, current, next string) error {
	o.Helper()
	r := withCookie(cookie)
	id, err := o.Identify(r)
	if err != nil {
		o.Fatal(err)
	}
	return o.SetPassword(r, id, current, next)
}

// try signs in from an address with a browser that nobody knows, and returns the cookie.
func (o *office) try(addr, email, text string) (*http.Cookie, error) {
	cookies, err := o.tryWith(nil, addr, email, text)
	if err != nil {
		return nil, err
	}
	return cookies[0], nil
}

// tryWith signs in with a browser that has the cookie, unless it is nil, and returns
// those that it gets: of the session and of the browser.
func (o *office) tryWith(browser *http.Cookie, addr, email, text string) ([]*http.Cookie, error) {
	w, r := httptest.NewRecorder(), from(addr)
	if browser != nil {
		r.AddCookie(browser)
	}
	id, err := o.SignInWithPassword(w, r, email, text)
	if err != nil {
		return nil, err
	}
	if id.Account.Email != email || id.Via != auth.ViaSession {
		o.Errorf("%s is signed in as %+v", email, id)
	}
	return w.Result().Cookies(), nil
}

func (o *office) alive(cookie *http.Cookie) bool {
	_, err := o.Identify(withCookie(cookie))
	return err == nil
}

func TestPasswordSignsIn(t *testing.T) {
	o := newOffice(t)
	ann := o.person("ann@acme.com", penguins)
	first, err := o.try("192.0.2.1", "ann@acme.com", penguins)
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.try("192.0.2.2", "ann@acme.com", penguins)
	if err != nil || second.Value == first.Value {
		t.Fatalf("%v, %v", second, err)
	}
	// A change ends the other sessions, and the password until now.
	if err := o.set(second, penguins, kettle); err != nil {
		t.Fatal(err)
	}
	if o.alive(first) || !o.alive(second) {
		t.Error("a change of the password ends the other sessions and no more")
	}
	if _, err := o.try("192.0.2.2", "ann@acme.com", penguins); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("the password of before: %v", err)
	}
	if _, err := o.try("192.0.2.2", "ann@acme.com", kettle); err != nil {
		t.Error(err)
	}
	// So does a reset, and it takes the password.
	if err := o.ResetPassword(t.Context(), ann.ID); err != nil || o.alive(second) {
		t.Errorf("reset: %v", err)
	}
	if _, err := o.try("192.0.2.2", "ann@acme.com", kettle); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after the reset: %v", err)
	}
	if err := o.ResetPassword(t.Context(), "nobody"); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("reset of nobody: %v", err)
	}
}

func TestWithoutPasswords(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	cookie := signIn(t, a, store, c, cairn.RoleMember)
	if _, err := a.SignInWithPassword(httptest.NewRecorder(), from("192.0.2.1"), "ann@acme.com", penguins); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("sign in: %v", err)
	}
	id, _ := a.Identify(withCookie(cookie))
	if err := a.SetPassword(withCookie(cookie), id, "", penguins); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("set: %v", err)
	}
	if state, err := a.PasswordState(t.Context(), id.Account); state != auth.PasswordOff || err != nil {
		t.Errorf("state %q, %v", state, err)
	}
}

func TestWhoMaySetAPassword(t *testing.T) {
	o := newOffice(t)
	ann := o.person("ann@acme.com", "")
	state := func(want auth.PasswordState) {
		t.Helper()
		if got, err := o.PasswordState(t.Context(), ann); got != want || err != nil {
			t.Errorf("state %q, %v; want %q", got, err, want)
		}
	}
	state(auth.PasswordNone)
	stale := o.byCode(ann)
	o.clock.advance(15 * time.Minute)
	if err := o.set(stale, "", penguins); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("with an old session: %v", err)
	}
	for _, weak := range []string{"", "short", "password1234", "ann@acme.com"} {
		if err := o.set(o.byCode(ann), "", weak); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	fresh := o.byCode(ann)
	if err := o.set(fresh, "", penguins); err != nil {
		t.Error(err)
	}
	state(auth.PasswordSet)
	if err := o.set(fresh, "", kettle); err != nil { // lost the moment it was set
		t.Error(err)
	}
	in, err := o.try("192.0.2.1", "ann@acme.com", kettle)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.set(in, "", penguins); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("without the current one: %v", err)
	}
	// Whoever finds a browser that is signed in does not guess the password for long.
	for range 5 {
		if err := o.set(in, penguins, penguins); !errors.Is(err, cairn.ErrDenied) {
			t.Errorf("with a wrong one: %v", err)
		}
	}
	if err := o.set(in, kettle, penguins); !isLimited(err) {
		t.Errorf("the sixth attempt: %v", err)
	}

	token := bearer(o.store.Token(ann.ID, o.clock.now, cairn.ScopeAdmin))
	token.AddCookie(in)
	id, err := o.Identify(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.SetPassword(token, id, kettle, penguins); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("with a token: %v", err)
	}
	nameless := o.store.Add(cairn.Account{Role: cairn.RoleAdmin})
	if err := o.set(o.byCode(nameless), "", penguins); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("without an address: %v", err)
	}
}

// An account of the identity provider has no password: it would lead around it.
func TestProvidedAccountsHaveNoPassword(t *testing.T) {
	o := newOffice(t)
	ann := o.person("ann@acme.com", penguins)
	_, err := o.store.SignInPerson(t.Context(), auth.Person{Issuer: "https://id.acme.com", Subject: "1", Email: "ann@acme.com", Once: auth.HashOf("1")}, o.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.try("192.0.2.1", "ann@acme.com", penguins); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("the password of before: %v", err)
	}
	if err := o.set(o.byCode(ann), "", kettle); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("a new one: %v", err)
	}
	if state, err := o.PasswordState(t.Context(), ann); state != auth.PasswordOff || err != nil {
		t.Errorf("state %q, %v", state, err)
	}
}

func TestHashIsRenewed(t *testing.T) {
	o := newOffice(t)
	ann := o.person("ann@acme.com", penguins)
	before, err := o.store.PasswordOf(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Authenticator, err = auth.New(auth.Config{
		Store: o.store, Log: slog.New(slog.DiscardHandler), Now: o.clock.Now, Passwords: password.New(password.Cost{KiB: 16, Passes: 1, Lanes: 1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.try("192.0.2.1", "ann@acme.com", penguins); err != nil {
		t.Fatal(err)
	}
	after, err := o.store.PasswordOf(t.Context(), ann.ID)
	if err != nil || after == before {
		t.Errorf("%q, %v", after, err)
	}
	if _, err := o.try("192.0.2.1", "ann@acme.com", penguins); err != nil {
		t.Fatal(err)
	}
	if again, _ := o.store.PasswordOf(t.Context(), ann.ID); again != after {
		t.Error("it was hashed anew although nothing had changed")
	}
}

// TestA12_44_UnknownAccountsAnswerAlike: nothing says whether there is an account.
func TestA12_44_UnknownAccountsAnswerAlike(t *testing.T) {
	o := newOffice(t)
	o.person("ann@acme.com", penguins)
	o.person("none@acme.com", "")
	off := o.person("off@acme.com", penguins)
	off.Disabled = true
	o.store.Add(off)
	var said []string
	for i, email := range []string{"ann@acme.com", "none@acme.com", "off@acme.com", "nobody@acme.com"} {
		text := penguins
		if email == "ann@acme.com" {
			text = kettle
		}
		for range 11 {
			_, err := o.try(fmt.Sprintf("198.51.100.%d", i), email, text)
			if err == nil {
				t.Fatalf("%s is signed in", email)
			}
			said = append(said, err.Error())
		}
	}
	for i, text := range said {
		if text != said[i%11] {
			t.Errorf("attempt %d at account %d: %q, but %q", i%11, i/11, text, said[i%11])
		}
	}
	if said[0] != said[9] || said[0] == said[10] {
		t.Errorf("not the eleventh attempt was limited: %q", said[:11])
	}
}

// TestA12_44_GuessingIsLimited by account and address, and locks nobody out.
func TestA12_44_GuessingIsLimited(t *testing.T) {
	o := newOffice(t)
	ann := o.person("ann@acme.com", penguins)
	o.person("bob@acme.com", kettle)
	cookies, err := o.tryWith(nil, "192.0.2.1", "ann@acme.com", penguins)
	if err != nil {
		t.Fatal(err)
	}
	home, known := cookies[0], cookies[1]
	guess := func(addr string) error {
		_, err := o.try(addr, "ann@acme.com", "a wrong one of them all")
		return err
	}

	// From one address: ten at once.
	for range 10 {
		if err := guess("203.0.113.1"); !errors.Is(err, cairn.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	var limited *auth.Limited
	if err := guess("203.0.113.1"); !errors.As(err, &limited) || limited.After != time.Minute {
		t.Errorf("the eleventh: %v", err)
	}
	if _, err := o.try("203.0.113.1", "ann@acme.com", penguins); !isLimited(err) {
		t.Errorf("the right one is told from wrong ones: %v", err)
	}
	// One who is limited uses nothing up for others, and may try others.
	for range 10 {
		_ = guess("203.0.113.1")
		o.clock.advance(time.Second / 2)
	}
	if _, err := o.try("203.0.113.1", "bob@acme.com", kettle); err != nil {
		t.Errorf("another account: %v", err)
	}
	if _, err := o.try("203.0.113.2", "ann@acme.com", penguins); err != nil {
		t.Errorf("another address: %v", err)
	}

	// From many addresses: twenty at once.
	tries := 0
	for ; tries < 100 && !isLimited(err); tries++ {
		err = guess(fmt.Sprintf("198.51.100.%d", tries))
	}
	if tries > 20 {
		t.Errorf("%d addresses were not limited", tries)
	}
	// A restart or a second server does not begin anew.
	second := *o
	second.Authenticator, err = auth.New(auth.Config{
		Store: o.store, Log: slog.New(slog.DiscardHandler), Now: o.clock.Now, Passwords: password.New(password.Cost{KiB: 8, Passes: 1, Lanes: 1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.try("198.51.100.200", "ann@acme.com", penguins); !isLimited(err) {
		t.Errorf("after a restart: %v", err)
	}
	// Ann goes on with her session, signs in with a browser with which she did before,
	// and with any by a code.
	if !o.alive(home) {
		t.Error("the session has ended")
	}
	if _, err := o.tryWith(known, "198.51.100.202", "ann@acme.com", penguins); err != nil {
		t.Errorf("with a known browser: %v", err)
	}
	if err := o.set(o.byCode(ann), "", kettle); err != nil {
		t.Errorf("with a code: %v", err)
	}
	o.clock.advance(time.Hour)
	if _, err := o.try("198.51.100.201", "ann@acme.com", kettle); err != nil {
		t.Errorf("an hour later: %v", err)
	}

	// One address at many accounts: twenty at once.
	err = nil
	for tries = 0; tries < 100 && !isLimited(err); tries++ {
		_, err = o.try("203.0.113.77", fmt.Sprintf("person%d@acme.com", tries), penguins)
	}
	if tries > 21 {
		t.Errorf("%d accounts from one address", tries)
	}
}

// TestA12_44_TokensAreLimited: who tries tokens that are none waits, others at the
// address go on with theirs.
func TestA12_44_TokensAreLimited(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann := store.Add(cairn.Account{Email: "ann@acme.com"})
	hers, other := store.Token(ann.ID, c.now, cairn.ScopeSearch), store.Token(ann.ID, c.now, cairn.ScopeSearch)
	use := func(secret, addr string) error {
		r := bearer(secret)
		r.RemoteAddr = addr + ":999"
		_, err := a.Identify(r)
		return err
	}
	if err := use(hers, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	var limited *auth.Limited
	tries := 0
	for ; tries < 100 && limited == nil; tries++ {
		secret := auth.NewToken()
		if tries%2 == 0 {
			secret = "nonsense"
		}
		if err := use(secret, "192.0.2.1"); !errors.As(err, &limited) && !errors.Is(err, cairn.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if tries != 61 || limited == nil || limited.After != time.Second {
		t.Errorf("limited at attempt %d: %v", tries, limited)
	}
	if err := use(hers, "192.0.2.1"); err != nil {
		t.Errorf("a token that was valid before: %v", err)
	}
	if err := use(other, "192.0.2.1"); !isLimited(err) {
		t.Errorf("a token that was never seen, which may be a lucky guess: %v", err)
	}
	if err := use(other, "192.0.2.2"); err != nil {
		t.Errorf("another address: %v", err)
	}
	// A token that has ended gets by no longer.
	id, err := a.Identify(bearer(hers)) // from 192.0.2.1
	if err != nil {
		t.Fatal(err)
	}
	if err := store.RevokeToken(t.Context(), "", id.Token, c.now); err != nil {
		t.Fatal(err)
	}
	if err := use(hers, "192.0.2.1"); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("a token that was just revoked: %v", err)
	}
	if err := use(hers, "192.0.2.1"); !isLimited(err) {
		t.Errorf("once more: %v", err)
	}
	c.advance(2 * time.Second)
	if err := use(other, "192.0.2.1"); err != nil {
		t.Errorf("a moment later: %v", err)
	}
}

// TestA12_44_KnownBrowsersAreCountedByThemselves: whoever is at the same address, or has
// many, uses nothing up for a browser with which somebody has signed in. It is known to
// that account alone, and guesses no longer than others.
func TestA12_44_KnownBrowsersAreCountedByThemselves(t *testing.T) {
	o := newOffice(t)
	o.person("ann@acme.com", penguins)
	o.person("bob@acme.com", kettle)
	cookies, err := o.tryWith(nil, "192.0.2.1", "ann@acme.com", penguins)
	if err != nil {
		t.Fatal(err)
	}
	anns := cookies[1]
	cookies, err = o.tryWith(nil, "192.0.2.1", "bob@acme.com", kettle)
	if err != nil {
		t.Fatal(err)
	}
	bobs := cookies[1]
	// A colleague uses up what the address may try, others what all may.
	for i := range 300 {
		_, _ = o.try("192.0.2.1", fmt.Sprintf("person%d@acme.com", i), penguins)
		_, _ = o.try(fmt.Sprintf("198.51.%d.%d", i/100, i%100), "ann@acme.com", kettle)
	}
	for what, browser := range map[string]*http.Cookie{"no cookie": nil, "that of another": bobs, "one that is made up": {Name: anns.Name, Value: "made up"}} {
		if _, err := o.tryWith(browser, "192.0.2.1", "ann@acme.com", penguins); !isLimited(err) {
			t.Errorf("%s: %v; want a limit, or this test says nothing", what, err)
		}
	}
	if _, err := o.tryWith(anns, "192.0.2.1", "ann@acme.com", penguins); err != nil {
		t.Errorf("a known browser is locked out: %v", err)
	}
	wrong := 0
	for err = nil; wrong < 50 && !isLimited(err); wrong++ {
		_, err = o.tryWith(anns, "192.0.2.7", "ann@acme.com", kettle)
	}
	if wrong != 10 {
		t.Errorf("a known browser was limited at guess %d, want that after the right one and nine", wrong)
	}
	// Who has signed in with somebody else's browser cookie gets another one.
	o.clock.advance(24 * time.Hour)
	cookies, err = o.tryWith(bobs, "192.0.2.1", "ann@acme.com", penguins)
	if err != nil || cookies[1].Value == bobs.Value {
		t.Errorf("a cookie that another knows was kept: %v", err)
	}
	if cookies, err = o.tryWith(anns, "192.0.2.1", "ann@acme.com", penguins); err != nil || cookies[1].Value != anns.Value {
		t.Errorf("her own was not kept: %v", err)
	}
}

// TestA12_44_NothingTellsWhoHasAnAccount to those who share a network with somebody, and
// use up what may be tried at an address from elsewhere.
func TestA12_44_NothingTellsWhoHasAnAccount(t *testing.T) {
	o := newOffice(t)
	o.person("ann@acme.com", penguins) // from 192.0.2.1
	if _, err := o.try("192.0.2.1", "ann@acme.com", penguins); err != nil {
		t.Fatal(err)
	}
	o.clock.advance(24 * time.Hour)
	var said [2][]string
	for i, email := range []string{"ann@acme.com", "nobody@acme.com"} {
		for n := range 25 {
			_, err := o.try(fmt.Sprintf("198.51.100.%d", n), email, kettle)
			said[i] = append(said[i], err.Error())
		}
		_, err := o.try("192.0.2.1", email, kettle)
		said[i] = append(said[i], err.Error())
		o.clock.advance(24 * time.Hour)
	}
	for n := range said[0] {
		if said[0][n] != said[1][n] {
			t.Errorf("attempt %d: %q for an account, %q for none", n, said[0][n], said[1][n])
		}
	}
	if said[0][19] == said[0][20] {
		t.Errorf("nothing was limited: %q", said[0])
	}
	// Nor does it begin anew when somebody gets an account, or a password.
	for n := range 25 {
		_, _ = o.try(fmt.Sprintf("198.51.100.%d", n), "late@acme.com", kettle)
	}
	o.person("late@acme.com", penguins)
	if _, err := o.try("198.51.100.99", "late@acme.com", kettle); !isLimited(err) {
		t.Errorf("with an account: %v; before it was limited", err)
	}
}
