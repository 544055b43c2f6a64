package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// site is a fake source and a client for it.
type site struct {
	*connectortest.Remote
	client *remote.Client
}

func newSite(t *testing.T, h http.HandlerFunc, change ...func(env *connectors.Environment, cfg *remote.Config)) site {
	t.Helper()
	r := connectortest.NewRemote(t, h, map[string]string{"token": "canary-token"})
	cfg := remote.Config{URL: r.URL + "/base"}
	for _, c := range change {
		c(&r.Env, &cfg)
	}
	c, err := remote.New(r.Env, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return site{r, c}
}

func withToken(env *connectors.Environment, cfg *remote.Config) {
	cfg.Token = remote.Secret(*env, "token")
}

type greeting struct{ Hello string }

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"hello":"world"}`) }

var get = remote.Request{Path: "hello", What: "a greeting"}

func (s site) get(t *testing.T, r remote.Request) error {
	t.Helper()
	g, _, err := remote.Get[greeting](t.Context(), s.client, r)
	if err == nil && g.Hello != "world" {
		t.Errorf("it says %q", g.Hello)
	}
	return err
}

func wantKind(t *testing.T, what string, err, kind error) {
	t.Helper()
	var shown *connectors.Error
	if !errors.Is(err, kind) || !errors.As(err, &shown) || shown.Message == "" {
		t.Errorf("%s: %v; want %v", what, err, kind)
	}
}

func TestRequestsAreRepeated(t *testing.T) {
	s := newSite(t, hello)
	for _, fault := range connectortest.Repeatable {
		s.Faults.Every(2, fault)
		before := s.Clock.Slept()
		for range 4 {
			if err := s.get(t, get); err != nil {
				t.Errorf("%s: %v", fault, err)
			}
		}
		slept := s.Clock.Slept() - before
		asked := fault == connectortest.Limited || fault == connectortest.LimitedDate
		if slept == 0 || asked && slept < 3*6*time.Second {
			t.Errorf("%s: it waited %s", fault, slept)
		}
		if n := s.Faults.Requests(); n != 7 {
			t.Errorf("%s: %d requests", fault, n)
		}
	}
}

func TestWhatChangesSomethingIsNotRepeated(t *testing.T) {
	s := newSite(t, hello)
	for _, tt := range []struct {
		fault  connectortest.Fault
		repeat bool
		want   int
	}{{connectortest.Broken, false, 1}, {connectortest.Half, false, 1}, {connectortest.Broken, true, 6}, {connectortest.Limited, false, 6}} {
		s.Faults.From(1, tt.fault)
		if err := s.get(t, remote.Request{Path: "x", JSON: map[string]int{"a": 1}, Repeat: tt.repeat}); err == nil {
			t.Errorf("%+v: no error", tt)
		}
		if n := s.Faults.Requests(); n != tt.want {
			t.Errorf("%+v: %d requests", tt, n)
		}
	}
}

// TestBrokenSourcesEnd asks a source that always fails: the requests are bounded, one by
// one and for the run.
func TestBrokenSourcesEnd(t *testing.T) {
	s := newSite(t, hello)
	for _, fault := range []connectortest.Fault{connectortest.Broken, connectortest.Away} {
		s.Faults.From(1, fault)
		for i := range 100 {
			err := s.get(t, get)
			wantKind(t, fmt.Sprint(fault, i), err, connectors.ErrUnavailable)
		}
		if n := s.Faults.Requests(); n > 100+50 {
			t.Errorf("%s: 100 things were asked for in %d requests", fault, n)
		}
	}
	s.Faults.From(1, connectortest.Limited)
	wantKind(t, "limited for ever", s.get(t, get), connectors.ErrRateLimited)
	if n := s.Faults.Requests(); n != 6 {
		t.Errorf("limited: %d requests", n)
	}

	s = newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.Budget = 5 })
	for range 5 {
		if err := s.get(t, get); err != nil {
			t.Error(err)
		}
	}
	wantKind(t, "beyond the budget", s.get(t, get), connectors.ErrUnexpected)
	if s.client.Sent() != 5 {
		t.Errorf("%d requests, of a budget of 5", s.client.Sent())
	}
}

// A source that lets a run wait for long is worth a word, once it is more than a minute.
func TestLongWaitsAreTold(t *testing.T) {
	var told []connectors.Warning
	n := 0
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n%2 == 1 {
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		hello(w, r)
	}, func(env *connectors.Environment, _ *remote.Config) {
		env.Warned = func(w connectors.Warning) { told = append(told, w) }
	})
	for i, want := range []int{0, 1, 2} {
		if err := s.get(t, get); err != nil || len(told) != want {
			t.Errorf("after %d requests: %v, %+v", i+1, err, told)
		}
	}
	if last := told[len(told)-1]; last.Code != "rate_limited" || last.Count < 120 || last.Count > 200 {
		t.Errorf("%+v", last)
	}
}

func TestLongWaitsEndTheRun(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := s.get(t, get)
	wantKind(t, "an hour", err, connectors.ErrRateLimited)
	var e *connectors.Error
	if errors.As(err, &e) && (e.Wait != time.Hour || !strings.Contains(e.Message, "1h0m0s")) || s.Faults.Requests() != 1 || s.Clock.Slept() > 0 {
		t.Errorf("%v, after %d requests and %s", err, s.Faults.Requests(), s.Clock.Slept())
	}
}

func TestKindsOfFailure(t *testing.T) {
	replies := map[string]struct {
		status int
		body   string
		want   error
		says   string
	}{
		"401": {401, "", connectors.ErrUnauthorized, "Tokens are made at Settings."}, "403": {403, "", connectors.ErrForbidden, "scope"},
		"404": {404, "", connectors.ErrNotFound, ""}, "410": {410, "", connectors.ErrNotFound, ""}, "400": {400, "", connectors.ErrUnexpected, "400"},
		"login": {200, "<!doctype html><title>Sign in</title>", connectors.ErrUnexpected, "web page"},
		"shape": {200, `{"hello":7}`, connectors.ErrUnexpected, "another form"},
		"cut":   {200, `{"hello":"wor`, connectors.ErrUnavailable, "in part"},
		"big":   {200, `{"hello":"` + strings.Repeat("x", 2000) + `"}`, connectors.ErrTooLarge, "1000 bytes"},
	}
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		reply := replies[r.URL.Query().Get("is")]
		w.WriteHeader(reply.status)
		_, _ = io.WriteString(w, reply.body+"canary-body")
	}, withToken, func(_ *connectors.Environment, cfg *remote.Config) { cfg.Advice = "Tokens are made at Settings." })
	for name, reply := range replies {
		if strings.HasPrefix(reply.body, "{") {
			reply.body = strings.TrimSuffix(reply.body, "canary-body")
		}
		r := remote.Request{Path: "doc/canary-title", Query: url.Values{"is": {name}, "q": {"canary-query"}}, What: "a page", MaxBytes: 1000, Header: http.Header{"X-Key": {"canary-header"}}}
		err := s.get(t, r)
		if name == "shape" { // with something behind it, it is no JSON
			continue
		}
		wantKind(t, name, err, reply.want)
		if err == nil || !strings.Contains(err.Error(), reply.says) || !strings.Contains(err.Error(), "asked for a page") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownFormOfReply(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"hello":7}`) })
	wantKind(t, "a number", s.get(t, get), connectors.ErrUnexpected)
	if n := s.Faults.Requests(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// TestErrorsHoldNoSecrets fails in ways whose own errors hold the whole address.
func TestErrorsHoldNoSecrets(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://canary-user:canary-word@127.0.0.1/canary-path?canary=query", http.StatusFound)
	}, withToken)
	closed := newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.URL = "http://127.0.0.1:1" })
	denied := newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.URL = "http://10.1.2.3" })
	nobody := newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.URL = "http://nobody.invalid" })
	for name, s := range map[string]site{"redirect": s, "closed": closed, "denied": denied, "nobody": nobody} {
		_, err := s.client.Do(t.Context(), remote.Request{Path: "canary-title", Query: url.Values{"token": {"canary-query"}}})
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := denied.client.Do(t.Context(), get)
	if !errors.Is(err, cairn.ErrDenied) || denied.client.Sent() != 2 {
		t.Errorf("a private address: %v, in %d requests", err, denied.client.Sent())
	}
}

func TestSilentAndSlowSourcesEnd(t *testing.T) {
	var drops atomic.Int32
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			drops.Add(1)
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}, func(env *connectors.Environment, _ *remote.Config) { env.Timeout = 60 * time.Millisecond })
	begin := time.Now()
	_, err := s.client.Do(t.Context(), remote.Request{JSON: 1})
	wantKind(t, "drop by drop", err, connectors.ErrUnavailable)
	if d := time.Since(begin); d < 500*time.Millisecond || d > 5*time.Second || drops.Load() < 5 {
		t.Errorf("it took %s, for %d drops", d, drops.Load())
	}
	s.Faults.From(1, connectortest.Hang)
	begin = time.Now()
	_, err = s.client.Do(t.Context(), remote.Request{JSON: 1})
	wantKind(t, "no reply", err, connectors.ErrUnavailable)
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("it took %s", d)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, errors.New("stopped"))
	defer cancel()
	if _, err := s.client.Do(ctx, get); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("when the caller stops: %v", err)
	}
}

func TestRequestsAreWellFormed(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s|%s|%s|%s", r.Method, r.URL.RequestURI(), r.UserAgent(), b, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("Accept"))
	}, withToken)
	for _, tt := range []struct {
		r    remote.Request
		want string
	}{
		{remote.Request{Path: "a/b%2Fc?x=1", Query: url.Values{"y": {"2&3"}}}, "GET /base/a/b%2Fc?x=1&y=2%263 Cairn/test ||Bearer canary-token|"},
		{remote.Request{Path: s.client.Link("/other?cursor=z")}, "GET /other?cursor=z Cairn/test ||Bearer canary-token|"},
		{remote.Request{Path: "q", JSON: map[string]int{"a": 1}}, `POST /base/q Cairn/test {"a":1}|application/json|Bearer canary-token|`},
		{remote.Request{Path: "q", Form: url.Values{"a": {"1"}}}, "POST /base/q Cairn/test a=1|application/x-www-form-urlencoded|Bearer canary-token|"},
		{remote.Request{Method: "PUT", Header: http.Header{"Accept": {"x/y"}}}, "PUT /base/ Cairn/test ||Bearer canary-token|x/y"},
	} {
		res, err := s.client.Do(t.Context(), tt.r)
		if err != nil {
			t.Errorf("%s: %v", tt.want, err)
		} else if got := string(res.Body); got != tt.want && strings.Replace(got, "/base ", "/base/ ", 1) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	for _, path := range []string{"http://a:b@" + s.client.Host() + "/", "ftp://x/", s.client.Link("%zz"), "javascript:alert(1)", "http://[::1"} {
		if _, err := s.client.Do(t.Context(), remote.Request{Path: path}); err == nil {
			t.Errorf("%q was asked", path)
		}
	}
}

func TestParseURL(t *testing.T) {
	for value, ok := range map[string]bool{
		"https://a.example": true, " https://a.example/wiki/ ": true, "http://10.1.2.3:8090": true, "https://[::1]:8443/x": true,
		"": false, "a.example": false, "/x": false, "ftp://a.example": false, "file:///etc/passwd": false, "https://": false, "https://:80": false,
		"https://u@a.example": false, "https://u:p@a.example": false, "https://a.example/?x=1": false, "https://a.example/#x": false, "https:a.example": false, "http://a b": false,
	} {
		u, err := remote.ParseURL("url", value)
		if (err == nil) != ok || err != nil && !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v, %v", value, u, err)
		}
		if err == nil && strings.HasSuffix(u.String(), "/") {
			t.Errorf("%q became %s", value, u)
		}
	}
}

func TestPages(t *testing.T) {
	type page struct{ Items []int }
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		n := r.FormValue("n")
		switch n {
		case "", "1", "2":
			w.Header().Set("Link", fmt.Sprintf(`<%s?first=a,b>; rel="first", <http://%s/base?n=%d>; rel="next"`, r.URL.Path, r.Host, len(n)+len(strings.TrimLeft(n, "1"))+1))
		case "loop":
			w.Header().Set("Link", `<http://`+r.Host+`/base?n=loop>; rel=next`)
		}
		fmt.Fprintf(w, `{"items":[%d]}`, len(n))
	})
	next := func(_ page, res *remote.Response) (remote.Request, bool) {
		link, ok := remote.NextLink(res)
		return remote.Request{Path: link}, ok
	}
	n := 0
	for p, err := range remote.Pages(t.Context(), s.client, remote.Request{}, next) {
		if err != nil || len(p.Items) != 1 {
			t.Fatal(p, err)
		}
		n++
	}
	if n < 3 {
		t.Errorf("%d pages", n)
	}
	s.Faults.Heal()
	var failed error
	for _, err := range remote.Pages(t.Context(), s.client, remote.Request{Path: "?n=loop"}, next) {
		failed = err
	}
	wantKind(t, "a circle", failed, connectors.ErrUnexpected)
	if s.Faults.Requests() > 3 {
		t.Errorf("a circle was asked for %d pages", s.Faults.Requests())
	}
}

func TestOpen(t *testing.T) {
	long := strings.Repeat("All work and no play. ", 100_000)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/gone":
			http.NotFound(w, r)
		case "/base/kept":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = io.WriteString(w, long)
		}
	})
	s.Faults.Every(2, connectortest.Half)
	for range 3 {
		r, err := s.client.Open(t.Context(), get)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || string(b) != long {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	s.Faults.Heal()
	for path, want := range map[string]string{"gone": "vanished", "kept": "unreadable", "large": "too_large"} {
		_, err := s.client.Open(t.Context(), remote.Request{Path: path, MaxBytes: 1000})
		var failed *connectors.DocumentError
		if !errors.As(err, &failed) || failed.Code != want || failed.Reason == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.Faults.From(1, connectortest.Refused)
	_, err := s.client.Open(t.Context(), get)
	var failed *connectors.DocumentError
	if errors.As(err, &failed) || !errors.Is(err, connectors.ErrUnauthorized) {
		t.Errorf("a refused credential is a failure of the document: %v", err)
	}
}

func TestLimiter(t *testing.T) {
	clock := &connectortest.Clock{}
	l := remote.NewLimiter(func() time.Time { return time.Unix(0, 0).Add(clock.Slept()) })
	rate := connectors.Rate{Every: time.Second, Burst: 3}
	reserve := func(account string, want time.Duration) {
		t.Helper()
		if got, err := l.Reserve(t.Context(), account, rate); err != nil || got != want {
			t.Errorf("waits %s, %v; want %s", got, err, want)
		}
	}
	for _, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second} {
		reserve("a", want)
	}
	reserve("b", 0)
	_ = clock.Sleep(t.Context(), 10*time.Second)
	reserve("a", 0)
	_ = l.Hold(t.Context(), "a", time.Minute)
	_ = l.Hold(t.Context(), "a", time.Second)
	reserve("a", time.Minute)

	s := newSite(t, hello, func(_ *connectors.Environment, cfg *remote.Config) { cfg.Rate = rate })
	for range 13 {
		if err := s.get(t, get); err != nil {
			t.Error(err)
		}
	}
	if d := s.Clock.Slept(); d < 8*time.Second || d > 11*time.Second {
		t.Errorf("13 requests at one a second, 3 at once, waited %s", d)
	}
}
