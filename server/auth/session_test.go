package auth_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// signIn adds an account, signs it in with a code and returns the cookie.
func signIn(t *testing.T, a *auth.Authenticator, store *authtest.Store, _ *clock, role cairn.Role) *http.Cookie {
	t.Helper()
	account := store.Add(cairn.Account{Email: cairn.NewID() + "@acme.com", Role: role})
	code, _, err := a.NewCode(t.Context(), account.ID)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := a.SignIn(w, from("192.0.2.1"), code, ""); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func from(addr string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://cairn.example/api/v1/login", nil)
	r.RemoteAddr = addr + ":1234"
	return r
}

func withCookie(c *http.Cookie) *http.Request {
	r := request("", "")
	r.AddCookie(c)
	return r
}

func TestSessionCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		a, store, c := newAuth(t, auth.Config{Secure: secure})
		cookie := signIn(t, a, store, c, cairn.RoleMember)
		name := "cairn_session"
		if secure {
			name = "__Host-cairn_session"
		}
		if cookie.Name != name || cookie.Secure != secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode ||
			cookie.Path != "/" || cookie.Domain != "" {
			t.Errorf("secure %t: cookie %+v", secure, cookie)
		}
		id, err := a.Identify(withCookie(cookie))
		if err != nil || id.Via != auth.ViaSession || !id.Has(cairn.ScopeWrite) {
			t.Errorf("secure %t: identity %+v, %v", secure, id, err)
		}
		if secure { // a cookie set by a sibling host over http has the plain name
			plain := &http.Cookie{Name: "cairn_session", Value: cookie.Value}
			if _, err := a.Identify(withCookie(plain)); !errors.Is(err, cairn.ErrUnauthenticated) {
				t.Errorf("plain cookie on a secure server: %v", err)
			}
		}
	}
}

func TestSessionEnds(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	byTime := signIn(t, a, store, c, cairn.RoleMember)
	c.advance(31 * 24 * time.Hour)
	if _, err := a.Identify(withCookie(byTime)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after 31 days: %v", err)
	}

	cookie := signIn(t, a, store, c, cairn.RoleMember)
	id, err := a.Identify(withCookie(cookie))
	if err != nil {
		t.Fatal(err)
	}
	id.Account.Disabled = true
	store.Add(id.Account)
	if _, err := a.Identify(withCookie(cookie)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("disabled: %v", err)
	}
	id.Account.Disabled = false
	store.Add(id.Account)

	w := httptest.NewRecorder()
	if err := a.SignOut(w, withCookie(cookie)); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Clear-Site-Data"); !strings.Contains(got, "storage") {
		t.Errorf("Clear-Site-Data: %q", got)
	}
	if gone := w.Result().Cookies()[0]; gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("cookie after signing out: %+v", gone)
	}
	if _, err := a.Identify(withCookie(cookie)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("signed out: %v", err)
	}
}

func TestCode(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	first, _, err := a.NewCode(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	typed := " " + strings.ToLower(strings.ReplaceAll(first, "-", " ")) + " "
	id, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.1"), typed, "root@acme.com")
	if err != nil || id.Account.Role != cairn.RoleAdmin || id.Account.Email != "root@acme.com" {
		t.Fatalf("first administrator: %+v, %v", id, err)
	}
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.2"), first, ""); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("second use: %v", err)
	}
	// A code printed at another start must not make a second first administrator.
	other, _, _ := a.NewCode(t.Context(), "")
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.3"), other, ""); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("there is an administrator: %v", err)
	}
	member := store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleMember})
	code, expires, _ := a.NewCode(t.Context(), member.ID)
	c.advance(expires.Sub(c.now))
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.4"), code, ""); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("expired: %v", err)
	}
}

func TestA12_44_SignInIsRateLimited(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	try := func(addr string) error {
		_, err := a.SignIn(httptest.NewRecorder(), from(addr), "WRONG", "")
		return err
	}
	for range 5 {
		if err := try("192.0.2.1"); !errors.Is(err, cairn.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	err := try("192.0.2.1")
	var limited *auth.Limited
	if !errors.Is(err, cairn.ErrRateLimited) || !errors.As(err, &limited) || limited.After <= 0 {
		t.Fatalf("sixth attempt: %v", err)
	}
	if err := try("192.0.2.2"); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("another address: %v", err)
	}
	member := store.Add(cairn.Account{Email: "ann@acme.com"})
	code, _, _ := a.NewCode(t.Context(), member.ID)
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.1"), code, ""); err != nil {
		t.Errorf("a right code after wrong ones: %v", err)
	}
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.1"), code, ""); !errors.Is(err, cairn.ErrRateLimited) {
		t.Errorf("once more: %v", err)
	}
	c.advance(limited.After)
	code, _, _ = a.NewCode(t.Context(), member.ID)
	if _, err := a.SignIn(httptest.NewRecorder(), from("192.0.2.1"), code, ""); err != nil {
		t.Errorf("after waiting: %v", err)
	}
	// Many addresses together are limited as well.
	refused := false
	for i := range 100 {
		refused = refused || errors.Is(try("198.51.100."+string(rune('0'+i%10))+string(rune('0'+i/10))), cairn.ErrRateLimited)
	}
	if !refused {
		t.Error("a hundred addresses were not limited")
	}
}

func isLimited(err error) bool {
	var limited *auth.Limited
	return errors.As(err, &limited)
}

func TestIdleSessionEnds(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{SessionIdle: time.Hour, SessionMax: 5 * time.Hour})
	cookie := signIn(t, a, store, c, cairn.RoleMember)
	use := func() error {
		_, err := a.Identify(withCookie(cookie))
		return err
	}
	for range 5 { // 50 minutes each: used in time, until the absolute limit
		if err := use(); err != nil {
			t.Fatalf("after %s: %v", c.now, err)
		}
		c.advance(50 * time.Minute)
	}
	if err := use(); err != nil {
		t.Fatal(err)
	}
	c.advance(50 * time.Minute)
	if err := use(); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after five hours: %v", err)
	}
	cookie = signIn(t, a, store, c, cairn.RoleMember)
	c.advance(59 * time.Minute)
	if err := use(); err != nil {
		t.Error(err)
	}
	c.advance(61 * time.Minute)
	if err := use(); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("unused for more than an hour: %v", err)
	}
}

// TestLoweredLimitsHold for the sessions that there are.
func TestLoweredLimitsHold(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	cookie := signIn(t, a, store, c, cairn.RoleMember)
	b, err := auth.New(auth.Config{Store: store, Log: slog.New(slog.DiscardHandler), Now: c.Now, SessionMax: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.advance(29 * time.Minute)
		if _, err := b.Identify(withCookie(cookie)); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(2 * time.Minute)
	if _, err := b.Identify(withCookie(cookie)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after an hour: %v", err)
	}
}
