package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// fixture is a server with a few routes of its own.
type fixture struct {
	*Server
	store *authtest.Store
	local *auth.Local
	log   *bytes.Buffer
	ready error
}

func newFixture(t *testing.T, local bool, routes ...Route) *fixture {
	t.Helper()
	f := &fixture{store: authtest.New(), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(f.log, nil))
	cfg := auth.Config{Store: f.store, Log: log}
	if local {
		var err error
		if f.local, err = auth.NewLocal(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		cfg.Local = f.local
	}
	a, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Server, err = New(Config{
		Auth: a, Routes: routes, Log: log, Ready: func(context.Context) error { return f.ready },
		Web: fstest.MapFS{
			"index.html":             {Data: []byte("<!doctype html><title>Cairn</title>")},
			"assets/app-4f3a.js":     {Data: []byte("console.log('plain')")},
			"assets/app-4f3a.js.br":  {Data: []byte("brotli")},
			"assets/app-4f3a.js.gz":  {Data: []byte("gzip")},
			"favicon.svg":            {Data: []byte("<svg/>")},
			"assets/style-9c1d.css":  {Data: []byte("body{}")},
			"assets/nested/file.txt": {Data: []byte("x")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) get(target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w
}

func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d, body %q: %v", w.Code, w.Body, err)
	}
	if body.Error.Message == "" {
		t.Errorf("no message in %s", w.Body)
	}
	return body.Error.Code
}

func TestFailureOf(t *testing.T) {
	secret := "pq: password of cairn is hunter2"
	cases := []struct {
		err     error
		status  int
		code    string
		message string
	}{
		{cairn.ErrInvalid, 400, "invalid", "invalid request"},
		{fmt.Errorf("op: %w", cairn.Errorf(cairn.ErrInvalid, "say x")), 400, "invalid", "say x"},
		{cairn.ErrUnauthenticated, 401, "unauthenticated", "sign in first"},
		{cairn.ErrBudget, 402, "budget", "budget spent"},
		{cairn.ErrDenied, 403, "denied", "not allowed"},
		{cairn.ErrNotFound, 404, "not_found", "not found"},
		{cairn.Errorf(cairn.ErrNotFound, "document 7 of Bob"), 404, "not_found", "not found"},
		{cairn.ErrConflict, 409, "conflict", "conflict"},
		{cairn.ErrTooLarge, 413, "too_large", "too large"},
		{cairn.ErrRateLimited, 429, "rate_limited", "too many requests"},
		{fmt.Errorf("%s: %w", secret, cairn.ErrUnavailable), 503, "unavailable", "unavailable"},
		{fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), 503, "unavailable", "it took too long; try again"},
		{errors.New(secret), 500, "internal", "something went wrong here; the server's log says what"},
	}
	for _, c := range cases {
		if got, want := FailureOf(c.err), (Failure{c.status, c.code, c.message}); got != want {
			t.Errorf("%v: got %+v; want %+v", c.err, got, want)
		}
	}
}

func TestInternalErrorsAreLoggedNotShown(t *testing.T) {
	f := newFixture(t, false,
		Route{Method: "GET", Path: "/fails", Public: true, Handle: func(*gin.Context) error { return errors.New("hunter2") }},
		Route{Method: "GET", Path: "/panics", Public: true, Handle: func(*gin.Context) error { panic("hunter3") }},
	)
	for path, cause := range map[string]string{"/fails": "hunter2", "/panics": "hunter3"} {
		w := f.get(path)
		if w.Code != 500 || codeOf(t, w) != "internal" || strings.Contains(w.Body.String(), "hunter") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		id := w.Header().Get("X-Request-Id")
		if !strings.Contains(w.Body.String(), id) || strings.Count(f.log.String(), cause) != 1 || !strings.Contains(f.log.String(), id) {
			t.Errorf("%s: request %q, log %s", path, id, f.log)
		}
	}
}

func TestLogHasNoQueryText(t *testing.T) {
	f := newFixture(t, false)
	f.get("/api/v1/suggest?q=layoffs-in-march", "Authorization", "Bearer cairn_secret", "Cookie", "cairn_session=biscuit")
	f.get("/documents/d-4711")
	for _, s := range []string{"layoffs", "cairn_secret", "biscuit", "4711"} {
		if strings.Contains(f.log.String(), s) {
			t.Errorf("the log holds %q: %s", s, f.log)
		}
	}
	if !strings.Contains(f.log.String(), "status=404") {
		t.Errorf("requests are not logged: %s", f.log)
	}
}

func TestWeb(t *testing.T) {
	f := newFixture(t, false)
	cases := []struct {
		path, encoding      string
		status              int
		body, cache, coding string
	}{
		{"/", "", 200, "<!doctype html><title>Cairn</title>", "no-store", ""},
		{"/conversations/abc", "", 200, "<!doctype html><title>Cairn</title>", "no-store", ""},
		{"/index.html", "", 200, "<!doctype html><title>Cairn</title>", "no-store", ""},
		{"/favicon.svg", "", 200, "<svg/>", "no-cache", ""},
		{"/assets/app-4f3a.js", "", 200, "console.log('plain')", "public, max-age=31536000, immutable", ""},
		{"/assets/app-4f3a.js", "gzip, br", 200, "brotli", "public, max-age=31536000, immutable", "br"},
		{"/assets/app-4f3a.js", "gzip, br;q=0", 200, "gzip", "public, max-age=31536000, immutable", "gzip"},
		{"/assets/style-9c1d.css", "gzip, br", 200, "body{}", "public, max-age=31536000, immutable", ""},
		{"/assets/old-0000.js", "", 404, "", "no-store", ""},
		{"/../../etc/passwd.txt", "", 404, "", "no-store", ""},
		{"/api/v1/nothing", "", 404, "", "no-store", ""},
		{"/v1/models", "", 404, "", "no-store", ""},
	}
	for _, c := range cases {
		w := f.get(c.path, "Accept-Encoding", c.encoding)
		h := w.Header()
		if w.Code != c.status || h.Get("Cache-Control") != c.cache || h.Get("Content-Encoding") != c.coding {
			t.Errorf("%s (%s): %d %v", c.path, c.encoding, w.Code, h)
		}
		if c.status == 404 {
			if codeOf(t, w) != "not_found" {
				t.Errorf("%s: %s", c.path, w.Body)
			}
		} else if w.Body.String() != c.body {
			t.Errorf("%s: body %q; want %q", c.path, w.Body, c.body)
		}
	}
	if got := f.get("/assets/app-4f3a.js").Header().Get("Content-Type"); !strings.Contains(got, "javascript") {
		t.Errorf("type of a script: %q", got)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := httptest.NewRecorder()
	if f.Handler().ServeHTTP(w, r); w.Code != 404 {
		t.Errorf("POST /: %d", w.Code)
	}
}

func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t, false)
	for _, path := range []string{"/", "/api/v1/nothing", "/healthz", "/assets/app-4f3a.js"} {
		h := f.get(path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
}

func TestLocalMode(t *testing.T) {
	f := newFixture(t, true)
	if w := f.get("/", "Host", "evil.example"); w.Code != 403 || codeOf(t, w) != "denied" {
		t.Errorf("rebound name: %d %s", w.Code, w.Body)
	}
	if w := f.get("/healthz", "Host", "evil.example"); w.Code != 403 {
		t.Errorf("rebound name on /healthz: %d", w.Code)
	}
	w := f.get("/?token="+f.local.Token(), "Host", "127.0.0.1:8080")
	if w.Code != 303 || w.Header().Get("Location") != "/" || len(w.Result().Cookies()) != 1 {
		t.Fatalf("printed address: %d %v", w.Code, w.Header())
	}
	if w := f.get("/?token=cairn_wrong", "Host", "127.0.0.1:8080"); w.Code != 401 || len(w.Result().Cookies()) != 0 {
		t.Errorf("wrong token: %d %v", w.Code, w.Header())
	}
	if strings.Contains(f.log.String(), f.local.Token()) {
		t.Error("the token is in the log")
	}
}

func TestReady(t *testing.T) {
	f := newFixture(t, false)
	if w := f.get("/readyz"); w.Code != 200 {
		t.Errorf("ready: %d", w.Code)
	}
	f.ready = errors.New("connection refused to 10.0.0.3")
	if w := f.get("/readyz"); w.Code != 503 || codeOf(t, w) != "unavailable" || strings.Contains(w.Body.String(), "10.0.0.3") {
		t.Errorf("database away: %d %s", w.Code, w.Body)
	}
	f.ready = nil
	if err := f.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := f.get("/readyz"); w.Code != 503 {
		t.Errorf("shutting down: %d", w.Code)
	}
	head := httptest.NewRecorder()
	f.Handler().ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/readyz", nil))
	if head.Code != 503 {
		t.Errorf("shutting down, HEAD: %d", head.Code)
	}
	if w := f.get("/healthz"); w.Code != 200 {
		t.Errorf("the process lives: %d", w.Code)
	}
}

func TestDrainDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.cfg.DrainDelay = 10 * time.Second
		began := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- f.Shutdown(t.Context()) }()
		time.Sleep(9 * time.Second)
		if w := f.get("/readyz"); w.Code != 503 || f.draining.Err() != nil {
			t.Errorf("while a load balancer looks: %d, streams end: %v", w.Code, f.draining.Err())
		}
		if err := <-stopped; err != nil || time.Since(began) != 10*time.Second || f.draining.Err() == nil {
			t.Errorf("stopped after %s: %v, %v", time.Since(began), err, f.draining.Err())
		}
	})
}

func TestMetrics(t *testing.T) {
	f := newFixture(t, false)
	askAs := func(host, addr string, header ...string) int {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/metrics", nil)
		r.RemoteAddr = addr
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r)
		if w.Code == 200 && !strings.Contains(w.Body.String(), "cairn_http_request_duration_seconds") && !strings.Contains(w.Body.String(), "# HELP") {
			t.Logf("metrics: %s", w.Body)
		}
		return w.Code
	}
	ask := func(addr string, header ...string) int { return askAs("127.0.0.1:8080", addr, header...) }
	admin := f.store.Add(cairn.Account{Email: "root@acme.com", Role: cairn.RoleAdmin})
	member := f.store.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleMember})
	token := func(a cairn.Account, s cairn.Scope) string { return "Bearer " + f.store.Token(a.ID, time.Now(), s) }
	cases := []struct {
		name string
		got  int
		want int
	}{
		{"loopback", ask("127.0.0.1:9"), 200},
		{"loopback v6", askAs("[::1]:8080", "[::1]:9"), 200},
		{"through a proxy here", ask("127.0.0.1:9", "X-Forwarded-For", "203.0.113.7"), 401},
		{"through a proxy here that passes on the host alone", askAs("cairn.acme.com", "127.0.0.1:9"), 401},
		{"elsewhere", ask("203.0.113.7:9"), 401},
		{"administrator", ask("203.0.113.7:9", "Authorization", token(admin, cairn.ScopeAdmin)), 200},
		{"administrator, wrong scope", ask("203.0.113.7:9", "Authorization", token(admin, cairn.ScopeRead)), 403},
		{"member", ask("203.0.113.7:9", "Authorization", token(member, cairn.ScopeAdmin)), 403},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: %d; want %d", c.name, c.got, c.want)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	f := newFixture(t, false, Route{Method: "GET", Path: "/d/:id", Public: true, Handle: text("x")})
	for _, target := range []string{"/d/%00", "/d/%ff%fe", "/d/x?q=%00", "/d/x?q=%ff", "/d/x?q=%zz"} {
		if w := f.get(target); w.Code != 400 || codeOf(t, w) != "invalid" {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
