package auth_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
	"github.com/cairnhq/cairn/server/auth/oidc"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

const callback = "https://cairn.example/api/v1/login/oidc/callback"

// site is a server at which people sign in by an issuer of its own.
type site struct {
	*auth.Authenticator
	t      *testing.T
	store  *authtest.Store
	issuer *oidctest.Issuer
	clock  *clock
	log    *bytes.Buffer
	config oidc.Config
}

func newSite(t *testing.T, joining auth.Joining, changes ...func(*oidctest.Issuer, *oidc.Config)) *site {
	t.Helper()
	return newSiteAt(t, oidctest.New(t, callback), joining, changes...)
}

// newSiteAt returns a server at which people sign in at an issuer, whose clock is the
// server's.
func newSiteAt(t *testing.T, issuer *oidctest.Issuer, joining auth.Joining, changes ...func(*oidctest.Issuer, *oidc.Config)) *site {
	t.Helper()
	s := &site{t: t, store: authtest.New(), issuer: issuer, clock: newClock(), log: &bytes.Buffer{}}
	s.clock.tell = func(now time.Time) { s.issuer.Be(func(b *oidctest.Behaviour) { b.Now = now }) }
	s.clock.advance(0)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.config = oidc.Config{
		Issuer: s.issuer.URL, ClientID: s.issuer.ClientID, ClientSecret: s.issuer.ClientSecret, RedirectURL: callback,
		Scopes: []string{"openid", "email", "profile"}, Now: s.clock.Now, Log: log,
		Client: outbound.NewClient(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	}
	for _, change := range changes {
		change(s.issuer, &s.config)
	}
	var err error
	s.Authenticator, err = auth.New(auth.Config{
		Store: s.store, Log: log, Secure: true, Now: s.clock.Now, PublicOrigin: "https://cairn.example",
		OIDC: &auth.OIDC{Provider: oidc.New(s.config), Label: "the issuer", Joining: joining},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.as("ann", "ann@acme.com")
	return s
}

// as says who is signed in at the issuer, with an address that it has verified.
func (s *site) as(subject, email string) {
	s.issuer.Be(func(b *oidctest.Behaviour) {
		b.Person = map[string]any{"sub": subject, "email": email, "email_verified": true, "name": "Ann Example"}
	})
}

// claim has the issuer set a claim of its tokens.
func (s *site) claim(name string, value any) {
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Claims = set(name, value) })
}

func set(name string, value any) oidctest.Edit {
	return oidctest.Edit{Set: map[string]any{name: value}}
}

func omit(names ...string) oidctest.Edit { return oidctest.Edit{Omit: names} }

// browser is where a person signs in: it keeps cookies.
type browser struct {
	*site
	cookies map[string]*http.Cookie
	set     []*http.Cookie // by the last response
}

func (s *site) browser() *browser { return &browser{site: s, cookies: map[string]*http.Cookie{}} }

func (b *browser) request(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return r
}

func (b *browser) keep(w *httptest.ResponseRecorder) {
	b.set = w.Result().Cookies()
	for _, c := range b.set {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
}

// begin returns the issuer's address to which the browser is sent.
func (b *browser) begin(next string) string {
	b.t.Helper()
	w := httptest.NewRecorder()
	location, err := b.BeginOIDC(w, b.request("https://cairn.example/api/v1/login/oidc"), next)
	if err != nil {
		b.t.Fatal(err)
	}
	b.keep(w)
	return location
}

// visit opens the issuer's page and returns the address to which it sends back.
func (b *browser) visit(location string) string {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, location, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	if back := res.Header.Get("Location"); res.StatusCode == http.StatusFound && strings.HasPrefix(back, callback+"?") {
		return back
	}
	b.t.Fatalf("the issuer answers %s: %v", res.Status, b.issuer.Problems())
	return ""
}

// finish comes back to the server.
func (b *browser) finish(back string) (string, error) {
	w := httptest.NewRecorder()
	next, err := b.FinishOIDC(w, b.request(back))
	b.keep(w)
	return next, err
}

func (b *browser) signIn() error {
	b.t.Helper()
	_, err := b.finish(b.visit(b.begin("/")))
	return err
}

// identity says who the browser is signed in as.
func (b *browser) identity() auth.Identity {
	b.t.Helper()
	id, err := b.Identify(b.request("https://cairn.example/api/v1/me"))
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *browser) signedIn() bool {
	_, err := b.Identify(b.request("https://cairn.example/api/v1/me"))
	return err == nil
}

// refused checks that a sign-in ended for a reason, that nobody is signed in, and
// that the log says so without a secret.
func (b *browser) refused(what string, err error, want auth.Refused) {
	b.t.Helper()
	var got auth.Refused
	if !errors.As(err, &got) || got != want {
		b.t.Errorf("%s: %v; want %s", what, err, want)
	}
	if b.signedIn() {
		b.t.Errorf("%s: signed in", what)
	}
	if !strings.Contains(b.log.String(), "reason="+string(want)) {
		b.t.Errorf("%s: the log does not say why: %s", what, b.log)
	}
}

func open() auth.Joining { return auth.Joining{SignUp: auth.SignUpAll} }

func TestSignInAtTheIssuer(t *testing.T) {
	s := newSite(t, open())
	ann := s.store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleAdmin})
	b := s.browser()
	location, err := url.Parse(b.begin("/c/42?x=1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := location.Query().Get("scope"); got != "openid email profile" {
		t.Errorf("scope %q", got)
	}
	cookie := b.cookies["__Host-cairn_oidc"]
	if cookie == nil || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge != 600 {
		t.Errorf("cookie of the attempt: %+v", cookie)
	}
	next, err := b.finish(b.visit(location.String()))
	if err != nil || next != "/c/42?x=1" {
		t.Fatalf("%q, %v; problems %v", next, err, s.issuer.Problems())
	}
	if id := b.identity(); id.Account.ID != ann.ID || id.Via != auth.ViaSession || !id.Has(cairn.ScopeAdmin) {
		t.Errorf("signed in as %+v", id)
	}
	if b.cookies["__Host-cairn_oidc"] != nil {
		t.Error("the cookie of the attempt is still there")
	}
	if p := s.issuer.Problems(); len(p) > 0 {
		t.Errorf("the issuer complains: %v", p)
	}
	if strings.Contains(s.log.String(), s.issuer.ClientSecret) {
		t.Error("the secret is in the log")
	}
}

// TestIssuersDiffer goes through what issuers do differently.
func TestIssuersDiffer(t *testing.T) {
	for name, change := range map[string]func(*oidctest.Issuer, *oidc.Config){
		"elliptic curves": func(i *oidctest.Issuer, _ *oidc.Config) { i.UseEC() },
		"secret in body": func(i *oidctest.Issuer, _ *oidc.Config) {
			i.Be(func(b *oidctest.Behaviour) { b.Method = "client_secret_post" })
		},
		"no iss in replies": func(i *oidctest.Issuer, _ *oidc.Config) {
			i.Be(func(b *oidctest.Behaviour) {
				b.NoIss = true
				b.Document = omit("authorization_response_iss_parameter_supported")
			})
		},
		"says little of itself": func(i *oidctest.Issuer, _ *oidc.Config) {
			i.Be(func(b *oidctest.Behaviour) {
				b.Document = omit("token_endpoint_auth_methods_supported", "id_token_signing_alg_values_supported")
			})
		},
		"several audiences": func(i *oidctest.Issuer, _ *oidc.Config) {
			i.Be(func(b *oidctest.Behaviour) {
				b.Claims.Set = map[string]any{"aud": []string{"other", i.ClientID}, "azp": i.ClientID}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, open(), change)
			if err := s.browser().signIn(); err != nil {
				t.Errorf("%v; problems %v; log %s", err, s.issuer.Problems(), s.log)
			}
		})
	}
	t.Run("public client", func(t *testing.T) {
		s := newSiteAt(t, oidctest.NewPublic(t, callback), open())
		if err := s.browser().signIn(); err != nil {
			t.Errorf("%v; problems %v; log %s", err, s.issuer.Problems(), s.log)
		}
	})
}

func TestUserInfoCompletesTheToken(t *testing.T) {
	s := newSite(t, open(), func(_ *oidctest.Issuer, c *oidc.Config) { c.GroupsClaim = "groups" })
	s.issuer.Be(func(b *oidctest.Behaviour) {
		// A word on an address must come with the address.
		b.Person = map[string]any{"sub": "ann", "email_verified": true}
		b.UserInfo = map[string]any{"email": "Ann@acme.com", "name": "Ann", "groups": []string{"eng", "eng", "", "a\nb"}}
	})
	b := s.browser()
	b.refused("address without a word on it", b.signIn(), auth.RefusedUnverified)
	s.issuer.Be(func(b *oidctest.Behaviour) { b.UserInfo["email_verified"] = "true" })
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	id := b.identity()
	if id.Account.Email != "ann@acme.com" || id.Account.Name != "Ann" {
		t.Errorf("account %+v", id.Account)
	}
	want := []cairn.PrincipalKey{cairn.AccountKey(id.Account.ID), "user:ann@acme.com", "group:oidc:eng", cairn.Everyone}
	if diff := cmp.Diff(want, id.Viewer.Keys); diff != "" {
		t.Error(diff)
	}
	s.issuer.Be(func(b *oidctest.Behaviour) { b.UserInfo["sub"] = "bob" })
	other := s.browser()
	other.refused("userinfo about somebody else", other.signIn(), auth.RefusedInvalid)
}

func TestGroupsOfTheClaim(t *testing.T) {
	s := newSite(t, open(), func(_ *oidctest.Issuer, c *oidc.Config) { c.GroupsClaim = "https://acme.com/groups" })
	b := s.browser()
	for _, c := range []struct {
		claim any
		want  []cairn.PrincipalKey
	}{
		{[]string{"b", "a"}, []cairn.PrincipalKey{"group:oidc:a", "group:oidc:b"}},
		{"one", []cairn.PrincipalKey{"group:oidc:one"}},
		{[]string{}, nil},
		{[]any{"a", 1}, nil}, // not to be read: in no group, rather than in some
		{map[string]any{"a": true}, nil},
		{nil, nil},
	} {
		s.claim("https://acme.com/groups", c.claim)
		if err := b.signIn(); err != nil {
			t.Fatal(err)
		}
		keys := b.identity().Viewer.Keys
		if diff := cmp.Diff(c.want, append([]cairn.PrincipalKey(nil), keys[2:len(keys)-1]...)); diff != "" {
			t.Errorf("%v: %s", c.claim, diff)
		}
	}
}

// TestSignInWaitsForTheIssuer is a server that starts while the issuer is down.
func TestSignInWaitsForTheIssuer(t *testing.T) {
	s := newSite(t, open())
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Down = true })
	w := httptest.NewRecorder()
	b := s.browser()
	_, err := s.BeginOIDC(w, b.request("https://cairn.example/"), "/")
	b.refused("down", err, auth.RefusedDown)
	if s.OIDCProblem(t.Context()) == "" || !errors.Is(err, cairn.ErrUnavailable) {
		t.Errorf("nothing says that the issuer is down: %v", err)
	}
	if n := s.issuer.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("asked %d times at once; want 1", n)
	}
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Down = false })
	s.clock.advance(time.Minute)
	if problem := s.OIDCProblem(t.Context()); problem != "" {
		t.Errorf("up again: %s", problem)
	}
	if err := b.signIn(); err != nil {
		t.Error(err)
	}
	// It goes away while the person is there.
	b = s.browser()
	back := b.visit(b.begin("/"))
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Down = true })
	_, err = b.finish(back)
	b.refused("down at the exchange", err, auth.RefusedDown)
}

func TestDiscoveryThatCannotBeUsed(t *testing.T) {
	for name, change := range map[string]oidctest.Edit{
		"another issuer":  set("issuer", "https://evil.example"),
		"no token":        omit("token_endpoint"),
		"script for auth": set("authorization_endpoint", "javascript:alert(1)"),
		"file for keys":   set("jwks_uri", "file:///etc/passwd"),
		"wrong type":      set("token_endpoint_auth_methods_supported", 7),
	} {
		s := newSite(t, open())
		s.issuer.Be(func(b *oidctest.Behaviour) { b.Document = change })
		_, err := s.BeginOIDC(httptest.NewRecorder(), s.browser().request("https://cairn.example/"), "/")
		if !errors.Is(err, auth.RefusedDown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestA11_22_IssuerOnAPrivateNetwork needs CAIRN_ALLOWED_NETWORKS.
func TestA11_22_IssuerOnAPrivateNetwork(t *testing.T) {
	s := newSite(t, open(), func(_ *oidctest.Issuer, c *oidc.Config) { c.Client = outbound.NewClient(outbound.Config{}) })
	err := oidc.New(s.config).Ready(t.Context())
	if !errors.Is(err, oidc.ErrUnreachable) || !strings.Contains(err.Error(), "CAIRN_ALLOWED_NETWORKS") {
		t.Errorf("%v; want what to do", err)
	}
	if n := s.issuer.Asked("/.well-known/openid-configuration"); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
}

// TestA12_40_SwappedState comes back with what belongs to another browser.
func TestA12_40_SwappedState(t *testing.T) {
	s := newSite(t, open())
	attacker, victim := s.browser(), s.browser()
	code := attacker.visit(attacker.begin("/"))
	_, err := victim.finish(code)
	victim.refused("a browser that has not begun", err, auth.RefusedStale)
	victim.begin("/")
	_, err = victim.finish(code)
	victim.refused("a code of another browser", err, auth.RefusedStale)

	for name, change := range map[string]func(url.Values){
		"no state":        func(q url.Values) { q.Del("state") },
		"empty state":     func(q url.Values) { q.Set("state", "") },
		"two states":      func(q url.Values) { q.Add("state", "x") },
		"two codes":       func(q url.Values) { q.Add("code", "x") },
		"shortened state": func(q url.Values) { q.Set("state", q.Get("state")[1:]) },
	} {
		u, err := url.Parse(victim.visit(victim.begin("/")))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		_, err = victim.finish(callback + "?" + q.Encode())
		victim.refused(name, err, auth.RefusedStale)
	}
	// My state with the attacker's code: PKCE and nonce are mine, the code is not.
	other, err := url.Parse(code)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(victim.visit(victim.begin("/")))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("code", other.Query().Get("code"))
	_, err = victim.finish(callback + "?" + q.Encode())
	victim.refused("another's code with my state", err, auth.RefusedStale)
	if s.issuer.Asked("/token") != 1 {
		t.Errorf("the token endpoint was asked %d times; want only for the last", s.issuer.Asked("/token"))
	}
}

// TestA12_40_ReplayedCode comes back a second time, with the cookie of the first.
func TestA12_40_ReplayedCode(t *testing.T) {
	for _, forgetful := range []bool{false, true} {
		s := newSite(t, open())
		s.issuer.Be(func(b *oidctest.Behaviour) { b.Forgetful = forgetful })
		b := s.browser()
		back := b.visit(b.begin("/"))
		kept := b.cookies["__Host-cairn_oidc"]
		if _, err := b.finish(back); err != nil {
			t.Fatal(err)
		}
		again := s.browser()
		_, err := again.finish(back)
		again.refused("without the cookie", err, auth.RefusedStale)
		again.cookies[kept.Name] = kept
		_, err = again.finish(back)
		again.refused("with the cookie", err, auth.RefusedStale)
	}
}

func TestA12_40_AttemptsEnd(t *testing.T) {
	s := newSite(t, open())
	b := s.browser()
	b.begin("/")
	back := b.visit(b.begin("/"))
	s.clock.advance(10 * time.Minute)
	_, err := b.finish(back)
	b.refused("after ten minutes", err, auth.RefusedStale)
	if n := s.issuer.Asked("/token"); n != 0 {
		t.Errorf("an old attempt was taken to the issuer %d times", n)
	}
	for _, value := range []string{"", "x", "e30", base64.RawURLEncoding.EncodeToString([]byte(`{"until":"2099-01-01T00:00:00Z"}`))} {
		b.cookies["__Host-cairn_oidc"] = &http.Cookie{Name: "__Host-cairn_oidc", Value: value}
		_, err := b.finish(callback + "?state=&code=x")
		b.refused("cookie "+value, err, auth.RefusedStale)
	}
	// Without the prefix a sibling host could have set it.
	plain := b.visit(b.begin("/"))
	c := b.cookies["__Host-cairn_oidc"]
	delete(b.cookies, c.Name)
	b.cookies["cairn_oidc"] = &http.Cookie{Name: "cairn_oidc", Value: c.Value}
	_, err = b.finish(plain)
	b.refused("plain cookie", err, auth.RefusedStale)
}

// TestA12_40_ForgedTokens has the issuer, or who stands in its place, send tokens
// that must not be believed.
func TestA12_40_ForgedTokens(t *testing.T) {
	const minute, hour = 60, 3600
	now := newClock().Now().Unix() // when the token is made; it is valid for five minutes
	for name, forge := range map[string]func(i *oidctest.Issuer, b *oidctest.Behaviour){
		"iss of another":          func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("iss", "https://evil.example") },
		"iss with a slash":        func(i *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("iss", i.URL+"/") },
		"iss in capitals":         func(i *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("iss", strings.ToUpper(i.URL)) },
		"no iss":                  func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("iss") },
		"aud of another":          func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("aud", "other") },
		"no aud":                  func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("aud") },
		"several aud without azp": func(i *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("aud", []string{i.ClientID, "other"}) },
		"azp of another": func(i *oidctest.Issuer, b *oidctest.Behaviour) {
			b.Claims.Set = map[string]any{"aud": []string{i.ClientID, "other"}, "azp": "other"}
		},
		"azp of another, one aud": func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("azp", "other") },
		"another nonce":           func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("nonce", "n-0S6_WzA2Mj") },
		"no nonce":                func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("nonce") },
		"expired":                 func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("exp", now-1) },
		"no exp":                  func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("exp") },
		"no iat":                  func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("iat") },
		"of the future": func(_ *oidctest.Issuer, b *oidctest.Behaviour) {
			b.Claims.Set = map[string]any{"iat": now + hour, "exp": now + 5*minute + 2*hour}
		},
		"not yet":                func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("nbf", now+hour) },
		"no sub":                 func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = omit("sub") },
		"empty sub":              func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("sub", "") },
		"sub is a number":        func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("sub", 7) },
		"hash of another access": func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Claims = set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA") },
		"alg none":               func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Header = set("alg", "none") },
		"alg None":               func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Header = set("alg", "None") },
		"HS256 with the RSA key": func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Header = set("alg", "HS256") },
		"ES256 by an RSA key":    func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Header = set("alg", "ES256") },
		"unknown key":            func(_ *oidctest.Issuer, b *oidctest.Behaviour) { b.Header = set("kid", "nope") },
		"key by address": func(_ *oidctest.Issuer, b *oidctest.Behaviour) {
			b.Header.Set = map[string]any{"kid": "nope", "jku": "https://evil.example/keys"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, open())
			s.issuer.Be(func(b *oidctest.Behaviour) { forge(s.issuer, b) })
			b := s.browser()
			b.refused(name, b.signIn(), auth.RefusedInvalid)
			if n := len(s.store.AllAccounts()); n != 0 {
				t.Errorf("%d accounts; want none", n)
			}
		})
	}
	s := newSite(t, open()) // the same, not forged
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Claims.Set = map[string]any{"iat": now, "exp": now + 5*minute} })
	if err := s.browser().signIn(); err != nil {
		t.Errorf("not forged: %v", err)
	}
}

// TestA12_40_SignatureOfAnotherKey signs with a key that the issuer does not have.
func TestA12_40_SignatureOfAnotherKey(t *testing.T) {
	s := newSite(t, open())
	b := s.browser()
	if err := b.signIn(); err != nil { // the keys are known
		t.Fatal(err)
	}
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Forged = true })
	other := s.browser()
	other.refused("a signature of another key", other.signIn(), auth.RefusedInvalid)
}

func TestKeysRotate(t *testing.T) {
	s := newSite(t, open())
	for range 3 {
		if err := s.browser().signIn(); err != nil {
			t.Fatalf("%v: %s", err, s.log)
		}
		s.issuer.Rotate()
	}
	if err := s.browser().signIn(); err != nil {
		t.Fatal(err)
	}
	if n := s.issuer.Asked("/keys"); n != 4 {
		t.Errorf("the keys were read %d times; want 4", n)
	}
}

// TestA12_40_MixUp is an attacker who lets people begin at one issuer and sends
// them back with the code of another.
func TestA12_40_MixUp(t *testing.T) {
	s := newSite(t, open())
	for name, change := range map[string]func(url.Values){
		"another issuer": func(q url.Values) { q.Set("iss", "https://evil.example") },
		"no issuer":      func(q url.Values) { q.Del("iss") },
	} {
		b := s.browser()
		u, err := url.Parse(b.visit(b.begin("/")))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		_, err = b.finish(callback + "?" + q.Encode())
		b.refused(name, err, auth.RefusedInvalid)
	}
	if n := s.issuer.Asked("/token"); n != 0 {
		t.Errorf("a code was given away %d times", n)
	}
}

func TestErrorsOfTheIssuer(t *testing.T) {
	s := newSite(t, open())
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Person = nil })
	b := s.browser()
	b.refused("access denied", b.signIn(), auth.RefusedCancelled)
	for code, want := range map[string]auth.Refused{
		"invalid_scope": auth.RefusedIssuer, "temporarily_unavailable": auth.RefusedDown, "login_required": auth.RefusedCancelled,
		"no\r\nsuch": auth.RefusedIssuer,
	} {
		u, err := url.Parse(b.visit(b.begin("/")))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("error", code)
		_, err = b.finish(callback + "?" + q.Encode())
		b.refused(code, err, want)
	}
	wrong := newSite(t, open(), func(_ *oidctest.Issuer, c *oidc.Config) { c.ClientSecret = "hunter2" })
	b = wrong.browser()
	b.refused("wrong secret", b.signIn(), auth.RefusedIssuer)
	if !strings.Contains(wrong.log.String(), "invalid_client") || strings.Contains(wrong.log.String(), "hunter2") {
		t.Errorf("the log should name the refusal and no secret: %s", wrong.log)
	}
}

// TestA12_40_OpenRedirect asks to be sent to other places afterwards.
func TestA12_40_OpenRedirect(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/c/42": "/c/42", "/search?q=a%20b&x=//y": "/search?q=a%20b&x=//y", "/d/1#h": "/d/1#h", "/d/%C3%BC": "/d/%C3%BC",
		"": "/", "c/42": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\/evil.example": "/", "/\t/evil.example": "/",
		"/\n/evil.example": "/", " //evil.example": "/", "https://evil.example": "/", "https:evil.example": "/", "javascript:alert(1)": "/",
		"/%2fevil.example": "/", "/%2F/evil.example": "/", "/x/../../evil": "/", "/.//evil.example": "/", "/%zz": "/", "/\x00": "/", "/\u00a0x ": "/",
		"/login": "/", "/login?failed=x": "/", "/api/v1/login/oidc": "/", "/" + strings.Repeat("a", 2000): "/", "http:///evil.example": "/", "//user@evil.example/": "/",
	} {
		if got := auth.LocalPath(next); got != want {
			t.Errorf("%q: %q; want %q", next, got, want)
		}
	}
	s := newSite(t, open())
	b := s.browser()
	if next, err := b.finish(b.visit(b.begin("//evil.example/x"))); err != nil || next != "/" {
		t.Errorf("%q, %v", next, err)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "//x", "/\\x", "/a?b#c", "/%2f", "x:y"} {
		f.Add(s)
	}
	base, err := url.Parse("https://cairn.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := auth.LocalPath(next)
		u, err := base.Parse(got)
		if err != nil || u.Host != "cairn.example" || u.Scheme != "https" || u.User != nil || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}

func TestSignInRotatesTheSession(t *testing.T) {
	s := newSite(t, open())
	b := s.browser()
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	planted := *b
	planted.cookies = map[string]*http.Cookie{"__Host-cairn_session": b.cookies["__Host-cairn_session"]}
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	if planted.signedIn() {
		t.Error("the session of before still lives")
	}
	if !b.signedIn() {
		t.Error("the new session does not")
	}
}

// TestA12_44_SignInIsLimited by address, and by account whatever the address.
func TestA12_44_SignInIsLimited(t *testing.T) {
	s := newSite(t, open())
	limited := func(try func(i int) error) bool {
		for i := range 60 {
			if errors.Is(try(i), auth.RefusedLimited) {
				return true
			}
		}
		return false
	}
	from := func(b *browser, back, addr string) error {
		r := b.request(back)
		r.RemoteAddr = addr + ":999"
		w := httptest.NewRecorder()
		_, err := b.FinishOIDC(w, r)
		return err
	}
	if !limited(func(i int) error {
		s.as(strconv.Itoa(i), strconv.Itoa(i)+"@acme.com")
		b := s.browser()
		return from(b, b.visit(b.begin("/")), "192.0.2.1")
	}) {
		t.Error("an address was not limited")
	}
	s.clock.advance(time.Hour)
	s.as("ann", "ann@acme.com")
	if !limited(func(i int) error {
		b := s.browser()
		return from(b, b.visit(b.begin("/")), "198.51.100."+string(rune('0'+i%10))+string(rune('0'+i/10)))
	}) {
		t.Error("an account was not limited")
	}
}

// Who has too many groups for the claim is not let in without them: they may be denied.
func TestGroupsThatAreLeftOutLetNobodyIn(t *testing.T) {
	many := make([]string, oidc.MaxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	for name, person := range map[string]map[string]any{
		"elsewhere": {"_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://graph.acme.test"}}},
		"hasgroups": {"hasgroups": true},
		"too many":  {"groups": many},
	} {
		s := newSite(t, open(), func(_ *oidctest.Issuer, c *oidc.Config) { c.GroupsClaim = "groups" })
		s.issuer.Be(func(b *oidctest.Behaviour) {
			b.Person = map[string]any{"sub": "ann", "email": "ann@acme.com", "email_verified": true, "name": "Ann"}
			maps.Copy(b.Person, person)
		})
		b := s.browser()
		b.refused(name, b.signIn(), auth.RefusedInvalid)
		s.issuer.Be(func(b *oidctest.Behaviour) {
			for k := range person {
				delete(b.Person, k)
			}
			b.Person["groups"] = []string{"eng"}
		})
		if err := b.signIn(); err != nil {
			t.Errorf("%s: with her groups: %v", name, err)
		}
	}
}
