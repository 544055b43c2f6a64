package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/password"
)

const (
	penguins = "seven penguins pay rent"
	kettle   = "a green kettle on ice"
)

func newWorldWithPasswords(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.authenticate(auth.Config{Passwords: password.New(password.Cost{KiB: 8, Passes: 1, Lanes: 1})})
	return w
}

// visitor is somebody with a browser.
type visitor struct {
	*world
	cookie string
}

func (v *visitor) call(method, path, body string) replied {
	v.Helper()
	got := v.world.call(actor{}, method, "/api/v1"+path, body, "Cookie", v.cookie)
	if c := got.header.Get("Set-Cookie"); c != "" {
		v.cookie, _, _ = strings.Cut(c, ";")
	}
	return got
}

// signsIn sends a body to POST /login.
func (v *visitor) signsIn(body string) replied {
	v.Helper()
	return v.call("POST", "/login", body)
}

// annWithCode signs ann in with a code.
func (w *world) annWithCode() *visitor {
	w.Helper()
	var made struct{ Code string }
	w.call(w.root, "POST", "/api/v1/users/ann@acme.com/code", "").into(w, &made)
	v := &visitor{world: w}
	if got := v.signsIn(`{"code":"` + made.Code + `"}`); got.status != 200 {
		w.Fatalf("%d %s", got.status, got.body)
	}
	return v
}

func byPassword(email, text string) string {
	b, _ := json.Marshal(map[string]string{"email": email, "password": text})
	return string(b)
}

func TestPasswordOverHTTP(t *testing.T) {
	w := newWorldWithPasswords(t)
	if got := w.call(actor{}, "GET", "/api/v1/login", ""); !strings.Contains(string(got.body), `"passwords":true`) {
		t.Errorf("ways in: %s", got.body)
	}
	ann := w.annWithCode()
	state := func(v *visitor) (state string) {
		t.Helper()
		var me struct{ Password string }
		v.call("GET", "/me", "").into(t, &me)
		return me.Password
	}
	if got := state(ann); got != "none" {
		t.Errorf("before: %q", got)
	}
	if got := ann.call("POST", "/me/password", `{"password":"`+penguins+`"}`); got.status != 204 {
		t.Fatalf("set: %d %s", got.status, got.body)
	}
	if got := state(ann); got != "set" {
		t.Errorf("after: %q", got)
	}
	again := &visitor{world: w}
	if got := again.signsIn(byPassword("Ann@ACME.com", penguins)); got.status != 200 || !strings.Contains(string(got.body), `"via":"session"`) {
		t.Fatalf("sign in: %d %s", got.status, got.body)
	}
	for body, status := range map[string]int{
		`{"password":"` + kettle + `"}`:                            403,
		`{"password":"` + kettle + `","current":"` + kettle + `"}`: 403,
		`{"password":"password1234","current":"` + penguins + `"}`: 400,
		`{"pasword":"` + kettle + `"}`:                             400,
	} {
		if got := again.call("POST", "/me/password", body); got.status != status {
			t.Errorf("%s: %d %s; want %d", body, got.status, got.body, status)
		}
	}
	if got := again.call("POST", "/me/password", `{"password":"`+kettle+`","current":"`+penguins+`"}`); got.status != 204 {
		t.Errorf("change: %d %s", got.status, got.body)
	}
	if got := ann.call("GET", "/me", ""); got.status != 401 {
		t.Errorf("the other session: %d", got.status)
	}
	if got := w.call(w.ann, "POST", "/api/v1/me/password", `{"password":"`+penguins+`","current":"`+kettle+`"}`); got.status != 403 {
		t.Errorf("with a token: %d %s", got.status, got.body)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/users/ann@acme.com/password", ""); got.status != 204 {
		t.Errorf("reset: %d %s", got.status, got.body)
	}
	if got := again.call("GET", "/me", ""); got.status != 401 {
		t.Errorf("after the reset: %d", got.status)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/users/nobody@acme.com/password", ""); got.status != 404 {
		t.Errorf("reset of nobody: %d", got.status)
	}
	var told []string
	for _, e := range w.events() {
		if strings.HasPrefix(string(e.Action), "password") {
			told = append(told, fmt.Sprintf("%s %s", e.Action, e.Outcome))
		}
	}
	slices.Sort(told)
	if got := strings.Join(slices.Compact(told), ", "); got != "password.remove not_found, password.remove ok, password.set denied, password.set invalid, password.set ok" {
		t.Errorf("the audit log says %s", got)
	}
}

func TestSignInRequestsThatAreWrong(t *testing.T) {
	w := newWorldWithPasswords(t)
	for _, body := range []string{
		`{}`, `{"email":"ann@acme.com"}`, `{"password":"` + penguins + `"}`, `{"code":"AAAA","password":"` + penguins + `"}`,
		`{"email":"ann","password":"` + penguins + `"}`, `{"email":"ann@acme.com","password":"` + strings.Repeat("x", 1025) + `"}`,
		`{"email":"ann@acme.com","password":7}`, `nonsense`, `{"email":"ann@acme.com","password":"\u0000"}`,
	} {
		if got := w.call(actor{}, "POST", "/api/v1/login", body); got.status != 400 || got.code(t) != "invalid" {
			t.Errorf("%.60s: %d %s", body, got.status, got.body)
		}
	}
	off := newWorld(t)
	if got := off.call(actor{}, "POST", "/api/v1/login", byPassword("ann@acme.com", penguins)); got.status != 400 {
		t.Errorf("without passwords: %d %s", got.status, got.body)
	}
}

// TestA12_44_AnswersAreAlike, byte for byte, whether there is an account or not;
// when there were too many, they say when to try again.
func TestA12_44_AnswersAreAlike(t *testing.T) {
	w := newWorld(t)
	w.authenticate(auth.Config{
		Passwords: password.New(password.Cost{KiB: 8, Passes: 1, Lanes: 1}), Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	w.annWithCode().call("POST", "/me/password", `{"password":"`+penguins+`"}`)
	var first []replied
	for n, email := range []string{"ann@acme.com", "bob@acme.com", "nobody@acme.com"} { // with a password, without, nobody
		var got []replied
		for range 11 {
			r := w.call(actor{}, "POST", "/api/v1/login", byPassword(email, kettle), "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n))
			r.header.Del("X-Request-Id")
			r.header.Del("Date")
			got = append(got, r)
		}
		if first == nil {
			first = got
		}
		for i, r := range got {
			if r.status != first[i].status || !bytes.Equal(r.body, first[i].body) || fmt.Sprint(r.header) != fmt.Sprint(first[i].header) {
				t.Errorf("%s, attempt %d: %d %s %v; for ann %d %s %v", email, i, r.status, r.body, r.header, first[i].status, first[i].body, first[i].header)
			}
		}
	}
	if first[9].status != 401 || first[10].status != 429 || first[10].header.Get("Retry-After") != "60" {
		t.Errorf("%d, then %d after %q", first[9].status, first[10].status, first[10].header.Get("Retry-After"))
	}
	// The audit log tells whose account it was; what was refused untried it does not tell.
	about := map[string]int{}
	for _, e := range w.events() {
		if e.Action == audit.SignIn && e.Outcome != audit.OK {
			if e.Outcome != "unauthenticated" || e.Detail != "password" || e.Account != "" {
				t.Errorf("%+v", e)
			}
			about[e.Object.ID]++
		}
	}
	if about[string(w.ann.account.ID)] != 10 || about[""] != 20 || len(about) != 2 {
		t.Errorf("attempts by account: %v", about)
	}
}

// TestA12_44_TokensAreLimited over HTTP, on every surface that the server has.
func TestA12_44_TokensAreLimited(t *testing.T) {
	w := newWorld(t)
	if got := w.call(w.ann, "GET", "/api/v1/me", ""); got.status != 200 {
		t.Fatal(got.status)
	}
	var last replied
	for range 80 {
		last = w.call(actor{token: auth.NewToken()}, "GET", "/api/v1/me", "")
		if last.status == http.StatusTooManyRequests {
			break
		}
	}
	if last.status != http.StatusTooManyRequests || last.code(t) != "rate_limited" || last.header.Get("Retry-After") == "" {
		t.Errorf("%d %s %v", last.status, last.body, last.header)
	}
	if got := w.call(w.ann, "GET", "/api/v1/me", ""); got.status != 200 {
		t.Errorf("a valid token at the same address: %d %s", got.status, got.body)
	}
}

// TestA12_44_NoSecretIsInALog sends secrets everywhere that takes one, right and
// wrong, and looks for them in the server's log, in the audit log and in replies.
func TestA12_44_NoSecretIsInALog(t *testing.T) {
	w := newWorldWithPasswords(t)
	const canary = "xylophon-7-canary-word"
	var replies bytes.Buffer
	keep := func(r replied) replied {
		replies.Write(r.body)
		return r
	}
	ann := w.annWithCode()
	if got := keep(ann.call("POST", "/me/password", `{"password":"`+canary+`"}`)); got.status != 204 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, body := range []string{
		byPassword("ann@acme.com", canary), byPassword("bob@acme.com", canary), byPassword("x@acme.com", canary+"!"),
		`{"code":"` + canary + `"}`, `{"code":7,"password":"` + canary + `"}`, `{"password":"` + canary + `"`,
	} {
		keep(w.call(actor{}, "POST", "/api/v1/login", body))
	}
	keep(ann.call("POST", "/me/password", `{"password":"`+canary+` again","current":"`+canary+`?"}`))
	keep(ann.call("POST", "/me/password", `{"password":"`+canary[:9]+`","current":"`+canary+`"}`))
	keep(w.call(actor{token: "cairn_" + canary}, "GET", "/api/v1/me", ""))
	keep(w.call(actor{}, "GET", "/api/v1/me", "", "Cookie", "cairn_session="+canary))
	hash, err := w.m.PasswordOf(t.Context(), w.ann.account.ID)
	if err != nil || hash == "" {
		t.Fatalf("%q, %v", hash, err)
	}
	events, err := json.Marshal(w.events())
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the server's log": w.log.String(), "the audit log": string(events), "replies": replies.String()} {
		for _, secret := range []string{canary, canary[:9], hash, strings.TrimPrefix(ann.cookie, "cairn_session=")} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %s", where, text)
			}
		}
	}
}

// Whoever sends nonsense to where people sign in does not fill the audit log.
func TestMalformedSignInsAreToldWithinTheLimit(t *testing.T) {
	w := newWorldWithPasswords(t)
	for i := range 40 {
		switch i % 4 {
		case 0:
			w.call(actor{}, "POST", "/api/v1/login", "nonsense")
		case 1:
			w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA"}`, "Sec-Fetch-Site", "cross-site")
		case 2:
			w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA"}`, "Content-Type", "text/plain")
		case 3:
			w.call(actor{}, "POST", "/api/v1/login?x=%00", `{"code":"AAAA"}`)
		}
	}
	outcomes := map[audit.Outcome]int{}
	for _, e := range w.events() {
		outcomes[e.Outcome]++
	}
	if n := len(w.events()); n != 5 || outcomes["invalid"] != 4 || outcomes["denied"] != 1 {
		t.Errorf("%d events: %v", n, outcomes)
	}
	// They use up nothing of what people may try.
	if got := w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA-BBBB-CCCC-DDDD"}`); got.status != 401 {
		t.Errorf("a code: %d %s", got.status, got.body)
	}
}

// TestA12_41_TokenOfSearchAlone tries every route: it only searches.
func TestA12_41_TokenOfSearchAlone(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	narrow := actor{w.root.account, w.m.Token(w.root.account.ID, w.api.Now(), cairn.ScopeSearch)}
	var open []string
	for _, r := range w.api.Routes() {
		name := routeName(r.Method, r.Path)
		if r.Public {
			continue
		}
		got := w.attempt(narrow, name)
		if got.status == http.StatusForbidden && got.code(t) == "denied" {
			continue
		}
		open = append(open, name)
	}
	if got := strings.Join(open, ", "); got != "POST /search, POST /code/search, GET /suggest, POST /logout, GET /me" {
		t.Errorf("it opens %s", got)
	}
}

// TestA11_13_WhatEndedStaysEnded: who was disabled and is enabled again has neither
// the sessions nor the codes nor the tokens of before.
func TestA11_13_WhatEndedStaysEnded(t *testing.T) {
	w := newWorld(t)
	ann := w.annWithCode()
	var made struct{ Code string }
	w.call(w.root, "POST", "/api/v1/users/ann@acme.com/code", "").into(t, &made)
	for _, disabled := range []string{"true", "false"} {
		if got := w.call(w.root, "PATCH", "/api/v1/users/ann@acme.com", `{"disabled":`+disabled+`}`); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		for name, got := range map[string]replied{
			"token": w.call(w.ann, "GET", "/api/v1/me", ""), "session": ann.call("GET", "/me", ""), "code": ann.signsIn(`{"code":"` + made.Code + `"}`),
		} {
			if got.status != http.StatusUnauthorized {
				t.Errorf("disabled %s, %s: %d %s", disabled, name, got.status, got.body)
			}
		}
	}
}

// TestA11_13_RenamingDoesNotEnable: who is disabled while somebody gives her another name
// stays disabled.
func TestA11_13_RenamingDoesNotEnable(t *testing.T) {
	w := newWorld(t)
	w.m.meanwhile = func() { w.call(w.root, "PATCH", "/api/v1/users/ann@acme.com", `{"disabled":true}`) }
	got := w.call(w.root, "PATCH", "/api/v1/users/ann@acme.com", `{"name":"Ann"}`)
	if got.status != 200 || !strings.Contains(string(got.body), `"disabled":true`) || !strings.Contains(string(got.body), `"name":"Ann"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if a, err := w.m.AccountByID(t.Context(), w.ann.account.ID); err != nil || !a.Disabled || a.Name != "Ann" {
		t.Errorf("%+v, %v", a, err)
	}
}
