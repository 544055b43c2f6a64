package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/rerank"
	"github.com/cairnhq/cairn/server/auth/oidc"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// lying reaches an issuer, whose answers it changes, without a guard, and all others by
// next.
type lying struct {
	issuer string
	next   http.RoundTripper
	change func(path string, res *http.Response)
}

// RoundTrip implements http.RoundTripper.
func (l lying) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != l.issuer {
		return l.next.RoundTrip(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		l.change(r.URL.Path, res)
	}
	return res, err
}

// TestA12_35_NoIssuerLeadsToTheCanary names each address that must not be reached as the
// issuer, lets an issuer tell each as one of its endpoints, and lets each endpoint redirect
// to it.
func TestA12_35_NoIssuerLeadsToTheCanary(t *testing.T) {
	canary, names := connectortest.NewCanary(t), &connectortest.Names{}
	client := outbound.NewClient(outbound.Config{
		Allowed: []netip.Prefix{netip.MustParsePrefix(connectortest.Fine + "/32")}, Resolver: names.Resolver(t), Timeout: 2 * time.Second,
	})
	guarded := client.Transport
	const callback = "http://cairn.test/callback"
	issuer := oidctest.New(t, callback)
	issuer.Be(func(b *oidctest.Behaviour) {
		b.Person, b.UserInfo = map[string]any{"sub": "1"}, map[string]any{"email": "ann@example.com"}
	})
	at, err := url.Parse(issuer.URL)
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(address string, change func(path string, res *http.Response)) error {
		client.Transport = lying{at.Host, guarded, change}
		p := oidc.New(oidc.Config{Issuer: address, ClientID: issuer.ClientID, ClientSecret: issuer.ClientSecret, RedirectURL: callback, Client: client})
		a := oidc.NewAttempt()
		page, err := p.AuthURL(t.Context(), a)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		if err != nil {
			return err
		}
		res, err := browser.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		back, err := res.Location()
		if err != nil {
			return err
		}
		_, err = p.Redeem(t.Context(), back.Query().Get("code"), a)
		return err
	}
	unchanged := func(string, *http.Response) {}
	if err := signIn(issuer.URL, unchanged); err != nil {
		t.Fatal(err)
	}
	follows := map[string]bool{}
	for way, change := range issuerWays(at.Path) {
		_ = signIn(issuer.URL, change(canary.Fine()))
		fine, _ := canary.Reached()
		follows[way] = fine > 0
		for n, to := range canary.Forbidden(t) {
			if fine == 0 && n%8 != 0 {
				continue
			}
			names.Rebind(false)
			if err := signIn(issuer.URL, change(to)); err == nil {
				t.Errorf("%s: somebody has signed in by way of %s", way, to)
			}
			if _, n := canary.Reached(); n > 0 {
				t.Fatalf("%s to %s: %d connections came to the canary", way, to, n)
			}
		}
	}
	want := map[string]bool{
		"token_endpoint": true, "jwks_uri": true, "userinfo_endpoint": true,
		"redirect of /.well-known/openid-configuration": false, "redirect of /token": false, "redirect of /keys": false, "redirect of /userinfo": false,
	}
	if diff := cmp.Diff(want, follows); diff != "" {
		t.Errorf("what leads to another host (-want +got):\n%s", diff)
	}
	_ = signIn(canary.Fine(), unchanged)
	if fine, _ := canary.Reached(); fine == 0 {
		t.Error("an issuer that may be reached is not")
	}
	for _, address := range canary.Forbidden(t) {
		names.Rebind(false)
		if err := signIn(address, unchanged); err == nil {
			t.Errorf("somebody has signed in at %s", address)
		}
		if _, n := canary.Reached(); n > 0 {
			t.Fatalf("the issuer %s: %d connections came to the canary", address, n)
		}
	}
}

// issuerWays are the ways in which an issuer, whose addresses begin with a path, can lead
// to another host.
func issuerWays(base string) map[string]func(to string) func(path string, res *http.Response) {
	ways := map[string]func(to string) func(path string, res *http.Response){}
	for _, endpoint := range []string{"token_endpoint", "jwks_uri", "userinfo_endpoint"} {
		ways[endpoint] = func(to string) func(string, *http.Response) {
			return func(path string, res *http.Response) {
				if !strings.HasSuffix(path, "/.well-known/openid-configuration") {
					return
				}
				document := map[string]any{}
				_ = json.NewDecoder(res.Body).Decode(&document)
				document[endpoint] = to
				b, _ := json.Marshal(document)
				res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			}
		}
	}
	for _, place := range []string{"/.well-known/openid-configuration", "/token", "/keys", "/userinfo"} {
		n := 0
		ways["redirect of "+place] = func(to string) func(string, *http.Response) {
			return func(path string, res *http.Response) {
				if path == base+place {
					n++
					res.StatusCode, res.Header = []int{301, 302, 303, 307, 308}[n%5], http.Header{"Location": {to}}
				}
			}
		}
	}
	return ways
}

// TestA12_35_ModelsLeadNowhere lets the endpoints of models, embedders and rerankers, which
// the operator of the server names, redirect: none is followed anywhere, also not to where
// everything may be reached.
func TestA12_35_ModelsLeadNowhere(t *testing.T) {
	canary := connectortest.NewCanary(t)
	to, n := "", 0
	url := connectortest.ServeFine(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header()["Location"] = []string{to}
		w.WriteHeader([]int{301, 302, 303, 307, 308}[n%5])
	}))
	ask := map[string]func(ctx context.Context) error{
		"embedder": func(ctx context.Context) error {
			e, err := langchain.NewEmbedder(langchain.EmbedderConfig{URL: url, Model: "m", APIKey: "canary-key"})
			if err != nil {
				return err
			}
			return e.Probe(ctx)
		},
		"reranker": func(ctx context.Context) error {
			r, err := rerank.New(rerank.Config{Kind: rerank.TEI, URL: url, APIKey: "canary-key"})
			if err != nil {
				return err
			}
			_, err = r.Rerank(ctx, "question", []string{"a", "b"})
			return err
		},
	}
	for _, provider := range []string{langchain.OpenAI, langchain.Anthropic} {
		ask["model of "+provider] = func(ctx context.Context) error {
			m, err := langchain.NewLLM(langchain.Config{Provider: provider, URL: url, Model: "m", APIKey: "canary-key"})
			if err != nil {
				return err
			}
			for _, err := range m.Generate(ctx, llm.Request{System: "s", Messages: []llm.Message{{Text: "question"}}}) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	for name, once := range ask {
		before := n
		for i, address := range append([]string{"", "", "", "", ""}, canary.Forbidden(t)...) {
			if to = address; i < 5 { // each status
				to = fmt.Sprintf("http://127.0.0.1:%s/%d", canary.Port, i)
			}
			if err := once(t.Context()); err == nil {
				t.Errorf("%s: a redirect to %s passes for an answer", name, to)
			}
			if fine, elsewhere := canary.Reached(); fine+elsewhere > 0 {
				t.Fatalf("%s: a redirect to %s was followed", name, to)
			}
		}
		if n == before {
			t.Errorf("%s: nothing was asked", name)
		}
	}
}

// TestA12_35_NoServerIsLedToTheCanary is a server that may reach one address of this
// machine. Administrators name others as the url of sources of every kind, which they test
// and synchronise, and a program pushes documents that lie there.
func TestA12_35_NoServerIsLedToTheCanary(t *testing.T) {
	t.Parallel()
	canary := connectortest.NewCanary(t)
	s := newSite(t, "CAIRN_ALLOWED_NETWORKS="+connectortest.Fine+"/32")
	fine := "http://" + connectortest.Fine + ":" + canary.Port + "/"
	for name, open := range frontedSites() {
		f := open(t)
		if f.instead != nil { // it asks hosts of the network, whatever the url is
			continue
		}
		add := func(source, address string) (added bool) {
			settings := maps.Clone(f.settings)
			for _, value := range forms(f.kind, address) {
				settings["url"] = value
				all := maps.Clone(f.secrets())
				maps.Copy(all, settings)
				body, err := json.Marshal(map[string]any{"name": source, "kind": f.kind, "settings": all})
				s.check(err)
				if got := s.send("POST", "/api/v1/sources "+string(body), bearer(s.admin.token)...); got.status >= 300 {
					continue
				}
				if got := s.send("POST", "/api/v1/sources/"+source+"/test", bearer(s.admin.token)...); got.status != 200 || source != "control" && strings.Contains(got.body, `"ok":true`) {
					t.Errorf("%s, the test of %s says: %d %s", name, value, got.status, got.body)
				}
				return true
			}
			return false
		}
		if name == "web" { // the others ask again for long
			add("control", fine)
			if n, _ := canary.Reached(); n == 0 {
				t.Errorf("what may be reached is not")
			}
		}
		tested := 0
		for i, address := range canary.Forbidden(t) {
			if at, err := url.Parse(address); err != nil || !numeric(at.Hostname()) { // names would be looked up for long
				continue
			}
			source := fmt.Sprintf("%s-%d", strings.ReplaceAll(name, " ", "-"), i)
			if !add(source, address) {
				continue
			}
			tested++
			if tested%16 == 1 {
				s.must(s.admin, "POST", "/api/v1/sources/"+source+"/sync {}", nil)
				s.until("the end of the run", func() bool {
					var list struct{ Runs []runReply }
					s.must(s.admin, "GET", "/api/v1/sources/"+source+"/runs", &list)
					return len(list.Runs) > 0 && list.Runs[0].final()
				})
			}
			s.must(s.admin, "DELETE", "/api/v1/sources/"+source, nil)
			if _, n := canary.Reached(); n > 0 {
				t.Fatalf("%s with %s: %d connections came to the canary", name, address, n)
			}
		}
		if tested == 0 {
			t.Errorf("%s: no address passes for a setting", name)
		}
	}
	s.must(s.admin, "POST", `/api/v1/sources {"name": "pushed", "kind": "push"}`, nil)
	for i, address := range canary.Forbidden(t) {
		body, err := json.Marshal(map[string]any{"title": "x", "url": address, "text": "![x](" + address + ") [x](" + address + ")"})
		s.check(err)
		_ = s.send("PUT", fmt.Sprintf("/api/v1/sources/pushed/documents?id=%d %s", i, body), bearer(s.admin.token)...)
	}
	if fine, elsewhere := canary.Reached(); fine+elsewhere > 0 {
		t.Errorf("a document was asked for: %d, %d", fine, elsewhere)
	}
}

// numeric reports whether a host is an address.
func numeric(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
