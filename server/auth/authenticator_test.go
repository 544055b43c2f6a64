package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

type clock struct {
	now  time.Time
	tell func(time.Time) // nil, or who else goes by this clock
}

func (c *clock) Now() time.Time { return c.now }

func (c *clock) advance(d time.Duration) {
	c.now = c.now.Add(d)
	if c.tell != nil {
		c.tell(c.now)
	}
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func TestMain(m *testing.M) {
	oidctest.ServeIfChild()
	os.Exit(m.Run())
}

func newAuth(t *testing.T, cfg auth.Config) (*auth.Authenticator, *authtest.Store, *clock) {
	t.Helper()
	store, c := authtest.New(), newClock()
	cfg.Store, cfg.Log, cfg.Now = store, slog.New(slog.DiscardHandler), c.Now
	a, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a, store, c
}

func request(header, value string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://cairn.example/api/v1/me", nil)
	if header != "" {
		r.Header.Set(header, value)
	}
	return r
}

func bearer(secret string) *http.Request { return request("Authorization", "Bearer "+secret) }

func TestIdentifyByToken(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann := store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleMember}, "finance", "eng")
	secret := store.Token(ann.ID, c.now, cairn.ScopeSearch)

	got, err := a.Identify(bearer(secret))
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Identity{
		Account: ann, Scopes: []cairn.Scope{cairn.ScopeSearch}, Via: auth.ViaToken, Token: store.AllTokens(ann.ID)[0].ID,
		Viewer: cairn.Viewer{Account: ann.ID, Keys: []cairn.PrincipalKey{
			"account:" + cairn.PrincipalKey(ann.ID), "user:ann@acme.com", "group:cairn:eng", "group:cairn:finance", "everyone",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestA11_12_TokenIsRefused(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann := store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleMember})
	off := store.Add(cairn.Account{Email: "off@acme.com", Role: cairn.RoleAdmin, Disabled: true})
	valid := store.Token(ann.ID, c.now, cairn.ScopeSearch)
	revoked := store.Token(ann.ID, c.now.Add(time.Second), cairn.ScopeSearch)
	if err := store.RevokeToken(t.Context(), "", store.AllTokens(ann.ID)[0].ID, c.now); err != nil {
		t.Fatal(err)
	}
	orphaned := auth.NewToken()
	if _, err := store.CreateToken(t.Context(), auth.HashOf(orphaned), cairn.Token{Account: ann.ID, Expires: c.now.Add(2 * time.Hour), Orphaned: true}); err != nil {
		t.Fatal(err)
	}
	cases := map[string]*http.Request{
		"nothing":      request("", ""),
		"orphaned":     bearer(orphaned),
		"empty bearer": request("Authorization", "Bearer "),
		"basic":        request("Authorization", "Basic YW5uOmFubg=="),
		"no scheme":    request("Authorization", valid),
		"mistyped":     bearer(valid[:len(valid)-1] + "x"),
		"never issued": bearer(auth.NewToken()),
		"revoked":      bearer(revoked),
		"disabled":     bearer(store.Token(off.ID, c.now, cairn.ScopeAdmin)),
		"other header": request("X-Api-Key", valid),
		"in the query": httptest.NewRequest(http.MethodGet, "/api/v1/me?token="+valid, nil),
	}
	for name, r := range cases {
		if id, err := a.Identify(r); !errors.Is(err, cairn.ErrUnauthenticated) || id.Account.ID != "" {
			t.Errorf("%s: got %+v, %v; want ErrUnauthenticated", name, id, err)
		}
	}
	if _, err := a.Identify(bearer(valid)); err != nil {
		t.Errorf("valid: %v", err)
	}
	c.advance(time.Hour)
	if _, err := a.Identify(bearer(valid)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("expired: %v; want ErrUnauthenticated", err)
	}
}

func TestBadTokenDoesNotFallBackToCookie(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	cookie := signIn(t, a, store, c, cairn.RoleMember)
	r := bearer(auth.NewToken())
	r.AddCookie(cookie)
	if _, err := a.Identify(r); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("got %v; want ErrUnauthenticated", err)
	}
}

// TestA11_16_OneSecretIsNotAnother: what signs in one way does not in another, nor
// after signing out.
func TestA11_16_OneSecretIsNotAnother(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	session := signIn(t, a, store, c, cairn.RoleAdmin)
	id, err := a.Identify(withCookie(session))
	if err != nil {
		t.Fatal(err)
	}
	token := store.Token(id.Account.ID, c.now, cairn.ScopeAdmin)
	code, _, err := a.NewCode(t.Context(), id.Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	named := func(name, value string) *http.Request { return withCookie(&http.Cookie{Name: name, Value: value}) }
	for name, r := range map[string]*http.Request{
		"a session as a token":        bearer(session.Value),
		"a code as a token":           bearer(code),
		"an account as a token":       bearer(string(id.Account.ID)),
		"a token's id as a token":     bearer(store.AllTokens(id.Account.ID)[0].ID),
		"an ID token as a token":      bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."),
		"a token as a session":        named(session.Name, token),
		"a code as a session":         named(session.Name, code),
		"a session of another name":   named("session", session.Value),
		"a session with a hash of it": named(session.Name, fmt.Sprintf("%x", auth.HashOf(session.Value))),
	} {
		if id, err := a.Identify(r); !errors.Is(err, cairn.ErrUnauthenticated) || id.Account.ID != "" {
			t.Errorf("%s: got %+v, %v; want ErrUnauthenticated", name, id, err)
		}
	}
	if err := a.SignOut(httptest.NewRecorder(), withCookie(session)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Identify(withCookie(session)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after signing out: %v", err)
	}
}

func TestTokenUseIsNotedOnceAMinute(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann := store.Add(cairn.Account{Email: "ann@acme.com"})
	secret := store.Token(ann.ID, c.now, cairn.ScopeSearch)
	for range 10 {
		if _, err := a.Identify(bearer(secret)); err != nil {
			t.Fatal(err)
		}
		c.advance(20 * time.Second)
	}
	if got := store.Touched(); got != 4 { // at 0, 60, 120 and 180 seconds
		t.Errorf("noted %d times; want 4", got)
	}
}

func TestViewerOfNobody(t *testing.T) {
	for _, h := range []auth.Holder{{}, {Account: cairn.Account{ID: "a", Disabled: true}, Groups: []cairn.PrincipalKey{"eng"}}} {
		if v := auth.ViewerOf(h); v.Account != "" || len(v.Keys) != 0 {
			t.Errorf("%+v: viewer %+v; want none", h, v)
		}
	}
	// An account without an address must not hold the key of an empty one.
	v := auth.ViewerOf(auth.Holder{Account: cairn.Account{ID: "local"}})
	if diff := cmp.Diff([]cairn.PrincipalKey{"account:local", "everyone"}, v.Keys); diff != "" {
		t.Error(diff)
	}
}

func TestPermit(t *testing.T) {
	member := auth.Identity{Account: cairn.Account{Role: cairn.RoleMember}, Scopes: []cairn.Scope{cairn.ScopeSearch}}
	admin := auth.Identity{Account: cairn.Account{Role: cairn.RoleAdmin}, Scopes: []cairn.Scope{cairn.ScopeAdmin}}
	adminSearching := auth.Identity{Account: cairn.Account{Role: cairn.RoleAdmin}, Scopes: []cairn.Scope{cairn.ScopeSearch}}
	cases := []struct {
		id    auth.Identity
		scope cairn.Scope
		role  cairn.Role
		ok    bool
	}{
		{member, cairn.ScopeSearch, "", true},
		{member, "", "", true},
		{member, cairn.ScopeAsk, "", false},
		{member, cairn.ScopeSearch, cairn.RoleAdmin, false},
		{admin, cairn.ScopeWrite, cairn.RoleAdmin, true},
		{adminSearching, cairn.ScopeAdmin, cairn.RoleAdmin, false},
		{auth.Identity{}, cairn.ScopeSearch, "", false},
	}
	for i, c := range cases {
		if err := c.id.Permit(c.scope, c.role); (err == nil) != c.ok || (err != nil && !errors.Is(err, cairn.ErrDenied)) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

func TestA12_39_CheckOrigin(t *testing.T) {
	a, _, _ := newAuth(t, auth.Config{PublicOrigin: "https://cairn.acme.com"})
	cases := []struct {
		name, method string
		header       map[string]string
		ok           bool
	}{
		{"same origin", "POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, true},
		{"typed by the person", "POST", map[string]string{"Sec-Fetch-Site": "none"}, true},
		{"a program", "POST", nil, true},
		{"public origin behind a proxy", "POST", map[string]string{"Origin": "https://cairn.acme.com"}, true},
		{"cross site", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}, false},
		{"sibling site", "DELETE", map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		{"old browser", "POST", map[string]string{"Origin": "https://evil.example"}, false},
		{"null origin", "PUT", map[string]string{"Origin": "null"}, false},
		{"reading", "GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"with a token", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer x"}, true},
	}
	for _, c := range cases {
		r := httptest.NewRequest(c.method, "http://cairn.internal/api/v1/ask", nil)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		if err := a.CheckOrigin(r); (err == nil) != c.ok || (err != nil && !errors.Is(err, cairn.ErrDenied)) {
			t.Errorf("%s: %v; want allowed %t", c.name, err, c.ok)
		}
	}
}
