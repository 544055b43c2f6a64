package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// TestCredentialsStayAtTheirOrigin leads requests elsewhere and back.
func TestCredentialsStayAtTheirOrigin(t *testing.T) {
	var elsewhere *httptest.Server
	show := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s auth=%q key=%q cookie=%q accept=%q", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("X-Key"), r.Header.Get("Cookie"), r.Header.Get("Accept"))
	}
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/here":
			http.Redirect(w, r, "/show", http.StatusMovedPermanently)
		case "/base/away":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s"})
			http.Redirect(w, r, elsewhere.URL+"/show", http.StatusFound)
		case "/base/away-and-back":
			http.Redirect(w, r, elsewhere.URL+"/back?to=http://"+r.Host+"/show", http.StatusTemporaryRedirect)
		default:
			show(w, r)
		}
	}, withToken)
	elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			http.Redirect(w, r, r.FormValue("to"), http.StatusSeeOther)
			return
		}
		show(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	trusting := newSite(t, show, withToken, func(_ *connectors.Environment, cfg *remote.Config) {
		cfg.Origins = []string{elsewhere.URL}
	})
	for _, tt := range []struct {
		s    site
		path string
		with bool
	}{
		{s, "x", true}, {s, "here", true}, {s, "away", false}, {s, "away-and-back", false}, {s, elsewhere.URL + "/show", false},
		{s, strings.Replace(s.URL, "127.0.0.1", "127.0.0.2", 1) + "/show", false}, {trusting, elsewhere.URL + "/show", true},
	} {
		res, err := tt.s.client.Do(t.Context(), remote.Request{Path: tt.path, Header: http.Header{"X-Key": {"k"}, "Accept": {"text/x"}}})
		if err != nil {
			if strings.Contains(tt.path, "127.0.0.2") { // nobody listens there
				continue
			}
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		got := string(res.Body)
		if with := strings.Contains(got, "canary-token"); with != tt.with || strings.Contains(got, `key="k"`) != tt.with ||
			!strings.Contains(got, `accept="text/x"`) || !strings.Contains(got, `cookie=""`) {
			t.Errorf("%s: with credential %v, want %v: %s", tt.path, with, tt.with, got)
		}
	}
}

func TestRedirects(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if n, ok := strings.CutPrefix(r.URL.Path, "/base/hop/"); ok && n != "" {
			http.Redirect(w, r, "/base/hop/"+n[1:], http.StatusFound)
			return
		}
		if to := r.FormValue("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "there")
	})
	res, err := s.client.Do(t.Context(), remote.Request{Path: "hop/12345"})
	if err != nil || string(res.Body) != "there" || res.URL.Path != "/base/hop/" {
		t.Errorf("five redirects: %+v, %v", res, err)
	}
	_, err = s.client.Do(t.Context(), remote.Request{Path: "hop/123456"})
	wantKind(t, "six redirects", err, connectors.ErrUnexpected)
	_, err = s.client.Do(t.Context(), remote.Request{Path: "hop/1", JSON: 1})
	wantKind(t, "a redirect of what changes something", err, connectors.ErrUnexpected)
	for _, to := range []string{"ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "http:///x", "gopher://127.0.0.1"} {
		_, err := s.client.Do(t.Context(), remote.Request{Query: url.Values{"to": {to}}})
		wantKind(t, to, err, connectors.ErrUnexpected)
	}
	var asked []string
	own := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.example/x", http.StatusFound)
	},
		func(_ *connectors.Environment, cfg *remote.Config) {
			cfg.Follow = func(to *url.URL) bool { asked = append(asked, to.Host); return false }
		})
	res, err = own.client.Do(t.Context(), get)
	if err != nil || res.Status != http.StatusFound || len(asked) != 1 || asked[0] != "elsewhere.example" || own.client.Sent() != 1 {
		t.Errorf("a redirect that is not followed: %+v, %v, asked %v", res, err, asked)
	}
}

// TestDowngradesAreNotFollowed leads from https to http.
func TestDowngradesAreNotFollowed(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(hello))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	s := newSite(t, hello, func(env *connectors.Environment, cfg *remote.Config) {
		env.Network, cfg.URL = trusting{env.Network, secure.Client().Transport}, secure.URL
	})
	wantKind(t, "https to http", s.get(t, get), connectors.ErrUnexpected)
	strict := newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.URL = secure.URL })
	err := strict.get(t, get)
	wantKind(t, "a certificate of nobody", err, connectors.ErrUnexpected)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strict.client.Sent() != 1 {
		t.Errorf("%v, in %d requests", err, strict.client.Sent())
	}
}

// trusting is a network that sends by another way.
type trusting struct {
	connectors.Network
	by http.RoundTripper
}

func (t trusting) RoundTrip(r *http.Request) (*http.Response, error) { return t.by.RoundTrip(r) }

func TestRefusedTokensAreFetchedAnew(t *testing.T) {
	var valid atomic.Value
	valid.Store("canary-token")
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		hello(w, r)
	}, withToken)
	if err := s.get(t, get); err != nil {
		t.Error(err)
	}
	valid.Store("another")
	s.Faults.Heal()
	wantKind(t, "a revoked token", s.get(t, get), connectors.ErrUnauthorized)
	if n := s.Faults.Requests(); n != 1 {
		t.Errorf("the same token was tried %d times", n)
	}
	s.Secrets.Set("token", "another") // by an administrator, while the run goes on
	if err := s.get(t, get); err != nil {
		t.Errorf("with the new token: %v", err)
	}
	missing := newSite(t, hello, func(env *connectors.Environment, cfg *remote.Config) { cfg.Token = remote.Secret(*env, "nothing") })
	wantKind(t, "no token", missing.get(t, get), connectors.ErrUnauthorized)
	if missing.client.Sent() != 0 {
		t.Error("it was asked without a token")
	}
}

func TestTokensAreFetchedOnce(t *testing.T) {
	var fetched atomic.Int32
	s := newSite(t, hello, func(env *connectors.Environment, cfg *remote.Config) {
		cfg.Token = func(context.Context) (remote.Token, error) {
			n := fetched.Add(1)
			return remote.Token{Value: cairn.NewSecret(fmt.Sprint(n)), Expires: env.Now().Add(time.Hour)}, nil
		}
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := remote.Get[greeting](t.Context(), s.client, get); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	_ = s.Clock.Sleep(t.Context(), 58*time.Minute)
	if err := s.get(t, get); err != nil || fetched.Load() != 1 {
		t.Errorf("before its end: %v, %d", err, fetched.Load())
	}
	_ = s.Clock.Sleep(t.Context(), time.Minute+time.Second)
	if err := s.get(t, get); err != nil || fetched.Load() != 2 {
		t.Errorf("shortly before its end: %v, %d", err, fetched.Load())
	}
}

func TestSigns(t *testing.T) {
	for want, sign := range map[string]func(*http.Request, string){
		"Bearer canary-token": nil, "Basic YW5uQGV4YW1wbGUuY29tOmNhbmFyeS10b2tlbg==": remote.Basic("ann@example.com"), "Key canary-token": remote.Header("Authorization", "Key "),
	} {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) },
			withToken, func(_ *connectors.Environment, cfg *remote.Config) { cfg.Sign = sign })
		if res, err := s.client.Do(t.Context(), get); err != nil || string(res.Body) != want {
			t.Errorf("got %+v, %v; want %s", res, err, want)
		}
	}
}

func TestJudge(t *testing.T) {
	n := 0
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.Header().Set("X-Ratelimit-Reset", "42")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		hello(w, r)
	}, func(_ *connectors.Environment, cfg *remote.Config) {
		cfg.Judge = func(res *remote.Response) error {
			if res.Status == http.StatusForbidden && res.Header.Get("X-Ratelimit-Reset") != "" {
				return &connectors.Error{Kind: connectors.ErrRateLimited, Wait: 42 * time.Second}
			}
			return nil
		}
	})
	if err := s.get(t, get); err != nil || s.Clock.Slept() < 42*time.Second {
		t.Errorf("%v, after %s", err, s.Clock.Slept())
	}
	n = 0
	s = newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) {
		cfg.Judge = func(*remote.Response) error { return &connectors.Error{Kind: connectors.ErrForbidden} }
	})
	wantKind(t, "what only the connector understands", s.get(t, get), connectors.ErrForbidden)
}

// issuer is a source with OAuth whose refresh tokens are good for one use.
type issuer struct {
	mu      sync.Mutex
	refresh string
	issued  int
	spent   int // refresh tokens that were used twice
	fail    int // status of replies to come
}

func (i *issuer) handle(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.URL.Path == "/hello" {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", i.issued) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		hello(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if i.fail != 0 {
		w.WriteHeader(i.fail)
		_, _ = io.WriteString(w, `{"error":"server_error","error_description":"canary-description"}`)
		return
	}
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != i.refresh || r.FormValue("client_secret") != "canary-client" {
		i.spent++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":"canary %s"}`, r.FormValue("refresh_token"))
		return
	}
	i.issued++
	i.refresh = fmt.Sprintf("refresh-%d", i.issued)
	fmt.Fprintf(w, `{"access_token":"access-%d","token_type":"bearer","expires_in":3600,"refresh_token":"%s"}`, i.issued, i.refresh)
}

func newIssuer(t *testing.T) (*issuer, *connectortest.Remote, func() *remote.Client) {
	t.Helper()
	i := &issuer{refresh: "refresh-0"}
	r := connectortest.NewRemote(t, http.HandlerFunc(i.handle), map[string]string{"refresh_token": "refresh-0", "client_secret": "canary-client"})
	return i, r, func() *remote.Client {
		oauth := remote.OAuth{TokenURL: r.URL + "/token", ClientID: "cairn", ClientSecret: "client_secret", RefreshToken: "refresh_token", Advice: "Ask Ann."}
		c, err := remote.New(r.Env, remote.Config{URL: r.URL, Token: oauth.Token(r.Env)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// TestRefreshTokensRotate lets runs use refresh tokens that are good for one use each.
func TestRefreshTokensRotate(t *testing.T) {
	i, r, client := newIssuer(t)
	for run := 1; run <= 3; run++ {
		c := client()
		for range 3 {
			if _, _, err := remote.Get[greeting](t.Context(), c, get); err != nil {
				t.Fatalf("run %d: %v", run, err)
			}
		}
		if stored, _ := r.Secrets.Secret(t.Context(), "refresh_token"); stored.Reveal() != fmt.Sprintf("refresh-%d", run) || i.issued != run {
			t.Errorf("after run %d %q is stored, and %d were issued", run, stored.Reveal(), i.issued)
		}
	}
	c := client()
	if _, _, err := remote.Get[greeting](t.Context(), c, get); err != nil {
		t.Fatal(err)
	}
	// Another replica fetches a token, which ends ours.
	if _, _, err := remote.Get[greeting](t.Context(), client(), get); err != nil {
		t.Fatal(err)
	}
	if _, _, err := remote.Get[greeting](t.Context(), c, get); err != nil {
		t.Errorf("after the token was replaced: %v", err)
	}
	if i.spent != 0 {
		t.Errorf("%d refresh tokens were used twice", i.spent)
	}
}

// TestRefreshTokenOfAnotherReplica uses one that was spent and replaced meanwhile.
func TestRefreshTokenOfAnotherReplica(t *testing.T) {
	i, r, client := newIssuer(t)
	r.Env.Secrets = &late{Secrets: r.Secrets, stale: cairn.NewSecret("refresh-0"), reads: 1}
	i.refresh = "refresh-7" // replaced by the other, and stored
	r.Secrets.Set("refresh_token", "refresh-7")
	if _, _, err := remote.Get[greeting](t.Context(), client(), get); err != nil {
		t.Errorf("%v", err)
	}
	if stored, _ := r.Secrets.Secret(t.Context(), "refresh_token"); stored.Reveal() != i.refresh {
		t.Errorf("%q is stored, %q is valid", stored.Reveal(), i.refresh)
	}
}

// late are secrets that are read as they were before, for some reads.
type late struct {
	*connectortest.Secrets
	stale cairn.Secret
	reads int
}

func (l *late) Secret(ctx context.Context, name string) (cairn.Secret, error) {
	if name == "refresh_token" && l.reads > 0 {
		l.reads--
		return l.stale, nil
	}
	return l.Secrets.Secret(ctx, name)
}

func TestRefreshTokensThatAreRefused(t *testing.T) {
	i, r, client := newIssuer(t)
	r.Secrets.Set("refresh_token", "canary-refresh")
	_, _, err := remote.Get[greeting](t.Context(), client(), get)
	wantKind(t, "a revoked refresh token", err, connectors.ErrUnauthorized)
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "Ask Ann.") || i.spent != 1 {
		t.Errorf("%v, tried %d times", err, i.spent)
	}
	r.Secrets.Set("refresh_token", i.refresh)
	i.fail = http.StatusInternalServerError
	_, _, err = remote.Get[greeting](t.Context(), client(), get)
	wantKind(t, "an issuer that fails", err, connectors.ErrUnavailable)
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
	i.fail = 0
	// A run that is stopped does not lose the refresh token that it was given.
	ctx, cancel := context.WithCancel(t.Context())
	r.Env.Secrets = stopping{r.Secrets, cancel}
	_, _, _ = remote.Get[greeting](ctx, client(), get)
	if stored, _ := r.Secrets.Secret(t.Context(), "refresh_token"); stored.Reveal() != i.refresh || errors.Is(ctx.Err(), nil) {
		t.Errorf("%q is stored, %q is valid", stored.Reveal(), i.refresh)
	}
}

// stopping are secrets that stop the run when one is to be stored.
type stopping struct {
	*connectortest.Secrets
	stop context.CancelFunc
}

func (s stopping) Replace(ctx context.Context, name string, old, issued cairn.Secret) error {
	s.stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.Secrets.Replace(ctx, name, old, issued)
}

// Two clients of one credential have the same token: what one of them renews, the other
// does not ask for again.
func TestCredentialOfAnother(t *testing.T) {
	var good atomic.Pointer[string]
	asked := map[string][]string{}
	answer := func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("Authorization")
		asked[r.URL.Path] = append(asked[r.URL.Path], got)
		if _, password, basic := r.BasicAuth(); got != "Bearer "+*good.Load() && (!basic || password != *good.Load()) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	issued := 0
	set := func(token string) { good.Store(&token) }
	set("token-1")
	first := newSite(t, answer, func(_ *connectors.Environment, cfg *remote.Config) {
		cfg.Token = func(context.Context) (remote.Token, error) {
			issued++
			return remote.Token{Value: cairn.NewSecret(fmt.Sprint("token-", issued))}, nil
		}
	})
	second := newSite(t, answer, func(_ *connectors.Environment, cfg *remote.Config) {
		cfg.CredentialOf, cfg.Sign = first.client, remote.Basic("x")
	})
	ask := func(s site, path string) {
		t.Helper()
		if _, err := s.client.Do(t.Context(), remote.Request{Path: path}); err != nil {
			t.Fatal(err)
		}
	}
	ask(first, "a")
	ask(second, "b")
	set("token-2")
	ask(second, "c")
	ask(first, "d")
	if issued != 2 || len(asked["/base/c"]) != 2 || len(asked["/base/d"]) != 1 {
		t.Errorf("%d tokens were issued, for %v", issued, asked)
	}
}
