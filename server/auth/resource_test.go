package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

const resource = "https://cairn.example/mcp"

// present sends an access token to the resource at /mcp.
func (s *site) present(token string) (auth.Identity, error) {
	return s.Identify(auth.ForResource(bearer(token), "/mcp"))
}

// signedIn returns a site at which ann has signed in once.
func signedIn(t *testing.T) *site {
	t.Helper()
	s := newSite(t, open())
	if err := s.browser().signIn(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAccessTokenOfTheIssuer(t *testing.T) {
	s := signedIn(t)
	reading := []cairn.Scope{cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead}
	for scope, want := range map[string][]cairn.Scope{
		"": reading, "openid profile": reading, "admin write": reading, "ask": {cairn.ScopeAsk}, "openid read admin search": {cairn.ScopeSearch, cairn.ScopeRead},
	} {
		id, err := s.present(s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource, Scope: scope}))
		if err != nil || id.Account.Email != "ann@acme.com" || id.Via != auth.ViaIssuer || !slices.Equal(id.Scopes, want) || id.Viewer.Account != id.Account.ID {
			t.Errorf("scope %q: %+v, %v", scope, id, err)
		}
	}
	for name, a := range map[string]oidctest.Access{
		"several audiences": {Subject: "ann", Audience: []string{"account", resource}},
		"type JWT":          {Subject: "ann", Audience: resource, Header: set("typ", "JWT")},
		"no type":           {Subject: "ann", Audience: resource, Header: omit("typ")},
	} {
		if _, err := s.present(s.issuer.AccessToken(a)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})
	s.issuer.UseEC()
	if _, err := s.present(s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})); err != nil {
		t.Errorf("after a change of keys: %v", err)
	}
	if _, err := s.present(old); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("signed with a key that the issuer has given up: %v", err)
	}
}

// TestA11_15_A12_43_AccessTokensOfOthers presents what was made for somebody or something else.
func TestA11_15_A12_43_AccessTokensOfOthers(t *testing.T) {
	s := signedIn(t)
	for name, a := range map[string]oidctest.Access{
		"the client's":           {Subject: "ann", Audience: s.issuer.ClientID},
		"another resource's":     {Subject: "ann", Audience: "https://cairn.example/api"},
		"the server's":           {Subject: "ann", Audience: "https://cairn.example"},
		"one with a slash":       {Subject: "ann", Audience: resource + "/"},
		"another server's":       {Subject: "ann", Audience: "https://cairn.example.evil/mcp"},
		"one below":              {Subject: "ann", Audience: resource + "/x"},
		"in another case":        {Subject: "ann", Audience: "https://cairn.example/MCP"},
		"not encrypted":          {Subject: "ann", Audience: "http://cairn.example/mcp"},
		"nobody's":               {Subject: "ann", Audience: []string{}},
		"no audience":            {Subject: "ann", Claims: omit("aud")},
		"no issuer":              {Subject: "ann", Audience: resource, Claims: omit("iss")},
		"another issuer":         {Subject: "ann", Audience: resource, Claims: set("iss", "https://id.evil")},
		"expired":                {Subject: "ann", Audience: resource, Claims: set("exp", s.clock.now.Add(-time.Second).Unix())},
		"without a right end":    {Subject: "ann", Audience: resource, Claims: set("exp", "tomorrow")},
		"without an end":         {Subject: "ann", Audience: resource, Claims: omit("exp")},
		"not yet":                {Subject: "ann", Audience: resource, Claims: set("nbf", s.clock.now.Add(time.Hour).Unix())},
		"of the future":          {Subject: "ann", Audience: resource, Claims: set("iat", s.clock.now.Add(time.Hour).Unix())},
		"without a subject":      {Audience: resource},
		"a long subject":         {Subject: strings.Repeat("a", 256), Audience: resource},
		"forged":                 {Subject: "ann", Audience: resource, Forged: true},
		"forged, no key named":   {Subject: "ann", Audience: resource, Forged: true, Header: omit("kid")},
		"forged, its own keys":   {Subject: "ann", Audience: resource, Forged: true, Header: set("jku", "https://id.evil/keys")},
		"another key named":      {Subject: "ann", Audience: resource, Header: set("kid", "other")},
		"another algorithm":      {Subject: "ann", Audience: resource, Header: set("alg", "PS256")},
		"an unknown extension":   {Subject: "ann", Audience: resource, Header: set("crit", []string{"told"})},
		"not signed":             {Subject: "ann", Audience: resource, Header: set("alg", "none")},
		"signed with the public": {Subject: "ann", Audience: resource, Header: set("alg", "HS256")},
		"an ID token":            {Subject: "ann", Audience: resource, Claims: set("nonce", "n")},
		"a logout token":         {Subject: "ann", Audience: resource, Header: set("typ", "logout+jwt")},
		"bound to a key":         {Subject: "ann", Audience: resource, Claims: set("cnf", map[string]string{"jkt": "x"})},
		"somebody unknown":       {Subject: "bob", Audience: resource, Claims: set("email", "ann@acme.com")},
	} {
		id, err := s.present(s.issuer.AccessToken(a))
		if !errors.Is(err, cairn.ErrUnauthenticated) || id.Account.ID != "" {
			t.Errorf("%s: %+v, %v; want ErrUnauthenticated", name, id, err)
		}
	}
	good := s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})
	if _, err := s.Identify(bearer(good)); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("elsewhere than at the resource: %v", err)
	}
	if _, err := s.Identify(bearer(s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: "https://cairn.example"}))); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("for the whole server: %v", err)
	}
	if _, err := s.Identify(auth.ForResource(bearer(good), "/other")); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("at another resource: %v", err)
	}
	for _, cut := range []string{good[:len(good)-5], good[1:], strings.Replace(good, ".", "..", 1), good + "." + good} {
		if _, err := s.present(cut); !errors.Is(err, cairn.ErrUnauthenticated) {
			t.Errorf("%s: %v", cut, err)
		}
	}
	if _, err := s.present(good); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

// TestA11_13_AccessTokenEndsWithTheAccount: it is of no use when the account is disabled,
// or is another identity's.
func TestA11_13_AccessTokenEndsWithTheAccount(t *testing.T) {
	s := signedIn(t)
	token := s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})
	id, err := s.present(token)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.advance(6 * time.Minute)
	if _, err := s.present(token); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("after its end: %v", err)
	}
	token = s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})
	s.store.Add(cairn.Account{Email: "root@acme.com", Role: cairn.RoleAdmin}) // who disables her
	if _, err := s.store.UpdateAccount(t.Context(), id.Account.ID, func(a *cairn.Account) error { a.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.present(token); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("disabled: %v", err)
	}
}

func TestAccessTokenWhileTheIssuerIsDown(t *testing.T) {
	s := newSite(t, open())
	token := s.issuer.AccessToken(oidctest.Access{Subject: "ann", Audience: resource})
	s.issuer.Be(func(b *oidctest.Behaviour) { b.Down = true })
	if _, err := s.present(token); !errors.Is(err, cairn.ErrUnavailable) {
		t.Errorf("%v; want ErrUnavailable", err)
	}
}

func TestChallenge(t *testing.T) {
	s := newSite(t, open())
	plain, _, _ := newAuth(t, auth.Config{})
	const metadata = `resource_metadata="https://cairn.example/.well-known/oauth-protected-resource/mcp"`
	for want, got := range map[string]string{
		"Bearer " + metadata:                                          s.Challenge(request("", ""), "/mcp"),
		`Bearer error="invalid_token", ` + metadata:                   s.Challenge(bearer("x"), "/mcp"),
		`Bearer error="insufficient_scope", scope="ask", ` + metadata: s.ChallengeScope("/mcp", cairn.ScopeAsk),
		"Bearer":                       plain.Challenge(request("", ""), "/mcp"),
		`Bearer error="invalid_token"`: plain.Challenge(bearer("x"), "/mcp"),
	} {
		if got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

// TestA12_43_CheckHost sends what a page can make a browser send whose name leads here.
func TestA12_43_CheckHost(t *testing.T) {
	a, _, _ := newAuth(t, auth.Config{PublicOrigin: "https://cairn.example"})
	unknown, _, _ := newAuth(t, auth.Config{})
	for _, tt := range []struct {
		host, origin string
		known, other bool // by a server that knows its address, and one that does not
	}{
		{"cairn.example", "", true, false},
		{"CAIRN.example:443", "", true, false},
		{"cairn.example", "https://cairn.example", true, false},
		{"localhost:8080", "", true, true},
		{"127.0.0.1:8080", "", true, true},
		{"[::1]:8080", "http://localhost:6274", true, true},
		{"10.1.2.3:8080", "", true, true},
		{"10.1.2.3:8080", "http://10.1.2.3:8080", true, true},
		{"evil.example", "", false, false},
		{"evil.example:8080", "http://evil.example:8080", false, false},
		{"cairn.example.evil", "", false, false},
		{"", "", false, false},
		{"cairn.example", "https://evil.example", false, false},
		{"cairn.example", "http://cairn.example", false, false},
		{"cairn.example", "https://cairn.example.evil", false, false},
		{"cairn.example", "null", false, false},
		{"cairn.example", "http://localhost:3000", false, false},
		{"127.0.0.1:8080", "https://evil.example", false, false},
		{"10.1.2.3:8080", "http://10.1.2.4:8080", false, false},
		{"10.1.2.3:8080", "http://evil.example:8080", false, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://x/mcp", nil)
		r.Host = tt.host
		r.Header.Set("Authorization", "Bearer x") // changes nothing
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		for who, want := range map[*auth.Authenticator]bool{a: tt.known, unknown: tt.other} {
			if err := who.CheckHost(r); (err == nil) != want || err != nil && !errors.Is(err, cairn.ErrDenied) {
				t.Error(fmt.Sprintf("host %q, origin %q, known %t:", tt.host, tt.origin, who == a), err)
			}
		}
	}
}
