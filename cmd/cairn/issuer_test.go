package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// open returns what a browser with cookies of its own sees in the end.
func visit(t *testing.T, browser *http.Client, url string) (address, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Request.URL.String(), string(b)
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// TestSignInAtTheIssuer is a server with an issuer, from its first start, at which
// the issuer is down, to a second identity with a known address.
func TestSignInAtTheIssuer(t *testing.T) {
	s := newShell(t)
	t.Setenv("CAIRN_TOKEN", "")
	addr := freeAddr(t)
	base := "http://" + addr
	issuer := oidctest.New(t, base+server.OIDCCallback)
	issuer.Be(func(b *oidctest.Behaviour) { b.Down = true })
	for name, value := range map[string]string{
		"CAIRN_ADDR": addr, "CAIRN_PUBLIC_URL": base, "CAIRN_URL": base, "CAIRN_OIDC_ISSUER": issuer.URL, "CAIRN_OIDC_CLIENT_ID": issuer.ClientID,
		"CAIRN_OIDC_CLIENT_SECRET": issuer.ClientSecret, "CAIRN_OIDC_LABEL": "Acme", "CAIRN_OIDC_DOMAINS": "acme.com",
		"CAIRN_OIDC_GROUPS_CLAIM": "groups", "CAIRN_ALLOWED_NETWORKS": "127.0.0.0/8",
	} {
		t.Setenv(name, value)
	}
	code := serveUntil(t, t.TempDir(), printedAddress, printedCode)[1]
	if _, body := visit(t, newBrowser(t), base+"/api/v1/login"); !strings.Contains(body, `"label":"Acme"`) || !strings.Contains(body, "cannot be reached") {
		t.Errorf("ways in: %s", body)
	}
	if exit, out, _ := s.run("doctor"); exit != exitFailed || !strings.Contains(out, "fail  issuer") {
		t.Errorf("doctor: %d\n%s", exit, out)
	}
	issuer.Be(func(b *oidctest.Behaviour) {
		b.Down = false
		b.Person = map[string]any{"sub": "1", "email": "Root@acme.com", "email_verified": true, "name": "Root", "groups": []string{"eng"}}
	})
	if exit, out, stderr := s.run("login", "--code", code, "--email", "root@acme.com"); exit != exitDone {
		t.Fatalf("login: %d %s%s", exit, out, stderr)
	}
	if _, out, _ := s.run("doctor"); !strings.Contains(out, "ok    issuer") || !strings.Contains(out, base+server.OIDCCallback) {
		t.Errorf("doctor:\n%s", out)
	}

	// The first administrator again, now by the issuer; the failure of before is
	// remembered for a few seconds.
	root := newBrowser(t)
	for range 100 {
		if where, _ := visit(t, root, base+"/api/v1/login/oidc?next=/search"); where == base+"/search" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	_, body := visit(t, root, base+"/api/v1/me")
	var me struct {
		Email, Role string
		Principals  []string
	}
	if err := json.Unmarshal([]byte(body), &me); err != nil || me.Email != "root@acme.com" || me.Role != "admin" || !strings.Contains(body, "group:oidc:eng") {
		t.Fatalf("me: %s, %v; problems %v", body, err, issuer.Problems())
	}

	// Somebody else who was given the address.
	issuer.Be(func(b *oidctest.Behaviour) { b.Person["sub"] = "2" })
	if where, _ := visit(t, newBrowser(t), base+"/api/v1/login/oidc"); where != base+"/login?failed=pending" {
		t.Errorf("second identity: %s", where)
	}
	exit, out, stderr := s.run("user", "bindings", "--json")
	var list struct {
		Bindings []struct{ ID, Subject string }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || exit != exitDone || len(list.Bindings) != 1 || list.Bindings[0].Subject != "2" {
		t.Fatalf("bindings: %d %s%s", exit, out, stderr)
	}
	if _, out, _ := s.run("user", "bindings"); !strings.Contains(out, "root@acme.com") || !strings.Contains(out, list.Bindings[0].ID) {
		t.Errorf("bindings:\n%s", out)
	}
	s.expect(exitDone, "root@acme.com is confirmed and can sign in; sessions of the account have ended.\n", "", "user", "confirm", list.Bindings[0].ID)
	s.expect(exitFailed, "", "waiting identity", "user", "confirm", list.Bindings[0].ID)
	s.expect(exitDone, "No identity waits for confirmation.\n", "", "user", "bindings")
	if _, body := visit(t, root, base+"/api/v1/me"); !strings.Contains(body, "unauthenticated") {
		t.Errorf("the session of the identity before: %s", body)
	}
	second := newBrowser(t)
	visit(t, second, base+"/api/v1/login/oidc")
	if _, body := visit(t, second, base+"/api/v1/me"); !strings.Contains(body, "root@acme.com") {
		t.Errorf("confirmed: %s", body)
	}
	issuer.Be(func(b *oidctest.Behaviour) { b.Person["sub"] = "1" })
	visit(t, newBrowser(t), base+"/api/v1/login/oidc")
	_, out, _ = s.run("user", "bindings", "--json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Bindings) != 1 {
		t.Fatalf("bindings: %s", out)
	}
	s.expect(exitDone, "Dismissed: it is refused for good.\n", "", "user", "dismiss", list.Bindings[0].ID)
	s.expect(exitFailed, "", "waiting identity", "user", "dismiss", list.Bindings[0].ID)
}
