package api

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/oidc"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// withIssuer gives the world a server at which people sign in at an issuer.
func (w *world) withIssuer() *oidctest.Issuer {
	w.Helper()
	issuer := oidctest.New(w.T, w.http.URL+server.OIDCCallback)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	provider := oidc.New(oidc.Config{
		Issuer: issuer.URL, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret, RedirectURL: issuer.RedirectURL, Log: log,
		Client: outbound.NewClient(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	})
	w.authenticate(auth.Config{OIDC: &auth.OIDC{
		Provider: provider, Label: "Acme", Joining: auth.Joining{SignUp: auth.SignUpDomains, Domains: []string{"acme.com"}},
	}})
	return issuer
}

// authenticate gives the world a server on which people sign in so.
func (w *world) authenticate(by auth.Config) {
	w.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	by.Store, by.Log = w.m, log
	a, err := auth.New(by)
	if err != nil {
		w.Fatal(err)
	}
	cfg := w.api.Config
	cfg.Auth = a
	w.api = New(cfg)
	s, err := server.New(server.Config{Auth: a, Routes: w.api.Routes(), Log: log, Audit: w.audit, Ready: nil})
	if err != nil {
		w.Fatal(err)
	}
	w.http.Config.Handler = s.Handler()
}

// follow returns what a browser gets in the end, and the addresses that it saw.
func (w *world) follow(jar http.CookieJar, path string) (*http.Response, []string) {
	w.Helper()
	var seen []string
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		seen = append(seen, r.URL.String())
		return nil
	}}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	res.Body.Close()
	return res, seen
}

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

func TestSignInThroughTheBrowser(t *testing.T) {
	w := newWorld(t)
	issuer := w.withIssuer()
	issuer.Be(func(b *oidctest.Behaviour) {
		b.Person = map[string]any{"sub": "new", "email": "new@acme.com", "email_verified": true, "name": "New"}
	})
	got := w.call(actor{}, "GET", "/api/v1/login", "")
	if strings.TrimSpace(string(got.body)) != `{"oidc":{"label":"Acme","problem":null},"passwords":false,"failure":null}` {
		t.Errorf("ways in: %d %s", got.status, got.body)
	}
	jar := newJar(t)
	res, seen := w.follow(jar, "/api/v1/login/oidc?next=/api/../d/travel")
	if len(seen) != 3 || !strings.HasPrefix(seen[0], issuer.URL+"/authorize?") || seen[2] != w.http.URL+"/" {
		t.Fatalf("%s by %q; problems %v; log %s", res.Status, seen, issuer.Problems(), w.log)
	}
	if res, _ := w.follow(jar, "/api/v1/me"); res.StatusCode != http.StatusOK {
		t.Errorf("me: %s", res.Status)
	}
	if account, err := w.m.AccountByEmail(t.Context(), "new@acme.com"); err != nil || account.Role != cairn.RoleMember {
		t.Errorf("account %+v, %v", account, err)
	}
	// Neither code nor state is in the log.
	for _, secret := range []string{"state=", "code=", issuer.ClientSecret} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%s is in the log: %s", secret, w.log)
		}
	}
}

func TestFailedSignInIsExplained(t *testing.T) {
	w := newWorld(t)
	issuer := w.withIssuer()
	for _, c := range []struct {
		change func(*oidctest.Behaviour)
		path   string
		want   string
	}{
		{func(b *oidctest.Behaviour) { b.Person = nil }, "/api/v1/login/oidc", "cancelled"},
		{func(b *oidctest.Behaviour) {
			b.Person = map[string]any{"sub": "x", "email": "x@evil.example", "email_verified": true}
		}, "/api/v1/login/oidc", "unknown"},
		{func(b *oidctest.Behaviour) { b.Person = map[string]any{"sub": "x"} }, "/api/v1/login/oidc", "unverified"},
		{func(*oidctest.Behaviour) {}, "/api/v1/login/oidc/callback?code=x&state=y", "stale"},
		{func(b *oidctest.Behaviour) { b.Down = true }, "/api/v1/login/oidc", "down"},
	} {
		if c.want == "down" { // a server that has not yet reached the issuer
			issuer = w.withIssuer()
		}
		issuer.Be(c.change)
		_, seen := w.follow(newJar(t), c.path)
		if last := seen[len(seen)-1]; last != w.http.URL+"/login?failed="+c.want {
			t.Errorf("%s: %q", c.want, seen)
		}
		got := w.call(actor{}, "GET", "/api/v1/login?failed="+c.want, "")
		var ways struct {
			OIDC    struct{ Problem *string }
			Failure *string
		}
		got.into(t, &ways)
		if ways.Failure == nil || len(*ways.Failure) < 40 || (c.want == "down") != (ways.OIDC.Problem != nil) {
			t.Errorf("%s: %s", c.want, got.body)
		}
	}
	var outcomes []string
	for _, e := range w.events() {
		outcomes = append(outcomes, string(e.Action)+" "+string(e.Outcome))
	}
	// Who comes without having begun could fill the audit log.
	if got := strings.Join(outcomes, ", "); got != "sign_in unauthenticated, sign_in denied, sign_in denied" {
		t.Errorf("the audit log says %s", got)
	}
	if got := w.call(actor{}, "GET", "/api/v1/login?failed=send+money", ""); !strings.Contains(string(got.body), `"failure":null`) {
		t.Errorf("words from the address: %s", got.body)
	}
}

func TestWithoutAnIssuer(t *testing.T) {
	w := newWorld(t)
	if got := w.call(actor{}, "GET", "/api/v1/login", ""); strings.TrimSpace(string(got.body)) != `{"oidc":null,"passwords":false,"failure":null}` {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, path := range []string{"/api/v1/login/oidc", "/api/v1/login/oidc/callback?code=x&state=y"} {
		if got := w.call(actor{}, "GET", path, ""); got.status != 404 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestBindings(t *testing.T) {
	w := newWorld(t)
	id := w.pending()
	got := w.call(w.root, "GET", "/api/v1/users/bindings", "")
	if got.status != 200 || !strings.Contains(string(got.body), `"issuer":"https://id.acme.com"`) || !strings.Contains(string(got.body), "pat@acme.com") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(w.root, "POST", "/api/v1/users/bindings/"+id+"/confirm", ""); got.status != 200 || !strings.Contains(string(got.body), "pat@acme.com") {
		t.Errorf("confirm: %d %s", got.status, got.body)
	}
	if got := w.call(w.root, "POST", "/api/v1/users/bindings/"+id+"/confirm", ""); got.status != 404 {
		t.Errorf("again: %d %s", got.status, got.body)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/users/bindings/nope", ""); got.status != 404 {
		t.Errorf("dismiss nothing: %d", got.status)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/users/bindings/"+w.pending(), ""); got.status != 204 {
		t.Errorf("dismiss: %d %s", got.status, got.body)
	}
	// An account cannot be read in the place of the list.
	if got := w.call(w.ann, "GET", "/api/v1/users/bindings", ""); got.status != 403 {
		t.Errorf("member: %d", got.status)
	}
}
