package main

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

// pages are what is served beside the routes of openapi.yaml.
var pages = []string{"GET /", "GET /login", "GET /d/x", "HEAD /healthz", "HEAD /readyz"}

// The columns of the table in docs/access.md.
const (
	nobody = iota
	owner
	member
	auditor
	administrator
)

// decision is who may use a route: a row of the table.
type decision struct {
	scope string
	cells []string // by column
}

var row = regexp.MustCompile("(?m)^\\| `([A-Z]+ [^`]+)` \\| (\\S+) \\| (.+) \\|$")

// decisions reads the table, which is written for people: the one place where it is
// decided who may use a route.
func decisions(t *testing.T) map[string]decision {
	t.Helper()
	b, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]decision{}
	for _, m := range row.FindAllStringSubmatch(string(b), -1) {
		d := decision{m[2], strings.Split(m[3], " | ")}
		if _, twice := all[m[1]]; twice || len(d.cells) != administrator+1 {
			t.Errorf("%s stands twice in docs/access.md or lacks a column", m[0])
		}
		all[m[1]] = d
	}
	for _, operation := range append(operations(t), pages...) {
		if _, ok := all[operation]; !ok {
			t.Errorf("%s has no row in docs/access.md: decide who may use it", operation)
		}
	}
	for operation := range all {
		if !slices.Contains(operations(t), operation) && !slices.Contains(pages, operation) {
			t.Errorf("%s of docs/access.md is no route", operation)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// caller is somebody who sends a request.
type caller struct {
	name   string
	column int
	scope  cairn.Scope // of the token; empty: all of them
	header func() []string
}

// want returns the cell of a decision that holds for a caller.
func (d decision) want(c caller) string {
	cell := d.cells[c.column]
	holds := func(scope string) bool {
		return c.scope == "" || c.scope == cairn.ScopeAdmin || scope == string(c.scope)
	}
	switch {
	case c.column == nobody || cell == "public":
	case d.scope != "any" && !holds(d.scope):
		return "403"
	case cell == "scope admin" && holds("admin"):
		return "yes"
	case cell == "scope admin":
		return d.cells[member]
	}
	return cell
}

// is reports whether a status is what a cell says. A conflict is met by who was let in.
func is(status int, cell string) bool {
	switch cell {
	case "yes":
		return status < 400 || status == http.StatusConflict
	case "public":
		return status < 500 && status != http.StatusUnauthorized && status != http.StatusForbidden
	}
	return strconv.Itoa(status) == cell
}

// callers returns everybody: those who are nobody would be administrators, if what
// they show counted.
func (th *things) callers() []caller {
	th.t.Helper()
	bob, aud := th.person(cairn.RoleMember), th.person(cairn.RoleAuditor)
	root := th.admin
	off := th.person(cairn.RoleAdmin)
	offSession, ended := th.session(off.Account), th.session(root.Account)
	th.disableAlone(off.ID)
	th.send("POST", "/api/v1/logout", ended...)
	revoked, revokedSecret := th.newToken(root.Account, time.Hour, everyScope...)
	th.check(th.db.RevokeToken(th.t.Context(), "", revoked, time.Now()))
	_, expired := th.newToken(root.Account, -time.Second, everyScope...)
	fixed := func(header ...string) func() []string { return func() []string { return header } }
	all := []caller{
		{"nobody", nobody, "", fixed()},
		{"a made-up token", nobody, "", fixed(bearer("cairn_made-up")...)},
		{"a revoked token", nobody, "", fixed(bearer(revokedSecret)...)},
		{"an expired token", nobody, "", fixed(bearer(expired)...)},
		{"a disabled account's token", nobody, "", fixed(bearer(off.token)...)},
		{"a disabled account's session", nobody, "", fixed(offSession...)},
		{"a session that has ended", nobody, "", fixed(ended...)},
		{"a token in X-Api-Key", nobody, "", fixed("X-Api-Key", root.token)},
		{"a token as a cookie", nobody, "", fixed(cookie(root.token)...)},
		{"a token as a password", nobody, "", fixed("Authorization", "Basic "+root.token)},
		{"the owner", owner, "", fixed(bearer(th.owner.token)...)},
		{"the owner's session", owner, "", func() []string { return th.session(th.owner.Account) }},
		{"another member", member, "", fixed(bearer(bob.token)...)},
		{"an auditor", auditor, "", fixed(bearer(aud.token)...)},
		{"an administrator", administrator, "", fixed(bearer(root.token)...)},
		{"an administrator's session", administrator, "", func() []string { return th.session(root.Account) }},
	}
	for _, scope := range everyScope {
		_, owners := th.newToken(th.owner.Account, time.Hour, scope)
		_, admins := th.newToken(root.Account, time.Hour, scope)
		all = append(all, caller{"the owner with the scope " + string(scope), owner, scope, fixed(bearer(owners)...)},
			caller{"an administrator with the scope " + string(scope), administrator, scope, fixed(bearer(admins)...)})
	}
	return all
}

// disableAlone disables an account and nothing else: its session and its token are as
// they were before, which disabling would end, so that they are refused for this alone.
func (th *things) disableAlone(id cairn.AccountID) {
	th.t.Helper()
	_, err := th.db.Worker().Exec(th.t.Context(), `UPDATE accounts SET disabled_at = now() WHERE id = $1`, id)
	th.check(err)
	var left int
	th.check(th.db.Worker().QueryRow(th.t.Context(), `
		SELECT (SELECT count(*) FROM sessions WHERE account_id = $1)
		     + (SELECT count(*) FROM tokens WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now())`, id).Scan(&left))
	if left != 2 {
		th.t.Fatalf("a disabled account has %d sessions and tokens, want one of each", left)
	}
}

// requestFor returns the request for a route, which fails the test when it has none.
func requestFor(t *testing.T, operation string) string {
	t.Helper()
	if request, ok := requests[operation]; ok {
		return request
	}
	if _, path, _ := strings.Cut(operation, " "); slices.Contains(pages, operation) {
		return path
	}
	t.Fatalf("%s has no request: add one to requests", operation)
	return ""
}

// sessionsAlone reports whether tokens may not do what an operation does.
func sessionsAlone(operation string) bool {
	return strings.HasPrefix(operation, "POST /api/v1/login/device")
}

// TestA11_10_A12_41_EveryRouteByEveryCaller sends everybody through every route of
// openapi.yaml and holds what they get to the table of docs/access.md.
func TestA11_10_A12_41_EveryRouteByEveryCaller(t *testing.T) {
	table := decisions(t)
	s := newSite(t, "CAIRN_PASSWORDS=on")
	th := s.things(s.person(cairn.RoleMember))
	callers := th.callers()
	met := map[string]int{}
	for _, operation := range append(pages, operations(t)...) {
		method, _, _ := strings.Cut(operation, " ")
		request := requestFor(t, operation)
		for _, c := range callers {
			want := table[operation].want(c)
			switch session := strings.Contains(c.name, "session"); {
			case want == "public" || c.column == nobody:
			case tokensAlone(operation) && session:
				want = "401"
			case sessionsAlone(operation) && !session:
				want = "403"
			}
			got := th.send(method, th.fill(request), c.header()...)
			if !is(got.status, want) {
				t.Errorf("%s by %s: %d %s; want %s", operation, c.name, got.status, got.body, want)
			}
			if got.status < 300 {
				th.use(operation, request)
			}
			met[want]++
		}
	}
	for _, cell := range []string{"yes", "public", "401", "403", "404"} {
		if met[cell] < 10 {
			t.Errorf("%q is wanted %d times: this test says little", cell, met[cell])
		}
	}
	t.Logf("%d routes by %d callers: %v", len(table), len(callers), met)
}

// same compares two responses to the byte, but for what is another each time.
func same(a, b response) bool {
	for _, r := range []response{a, b} {
		r.header.Del("X-Request-Id")
		r.header.Del("Date")
	}
	return a.status == b.status && a.body == b.body && equalHeaders(a.header, b.header)
}

func equalHeaders(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name, values := range a {
		if !slices.Equal(values, b[name]) {
			return false
		}
	}
	return true
}

// TestA11_06_07_09_A12_15_ForeignIsAsMissing sends those whom the table refuses to what is
// another's, by every route and every id that a request can carry, and to what nobody
// has: they get the same bytes, and nothing has happened.
func TestA11_06_07_09_A12_15_ForeignIsAsMissing(t *testing.T) {
	table := decisions(t)
	s := newSite(t)
	th := s.things(s.person(cairn.RoleMember))
	th.made["running"] = th.fill("$message") // to strangers as good as one that is being written
	before, callers := th.state(), th.callers()
	compared := 0
	for _, operation := range operations(t) {
		method, _, _ := strings.Cut(operation, " ")
		for _, request := range append([]string{requestFor(t, operation)}, carried[operation]...) {
			for _, c := range callers {
				want := table[operation].want(c)
				if request != requests[operation] && want == "yes" { // what is carried is the owner's
					want = "404"
				}
				if c.column < member || !named.MatchString(request) || want != "403" && want != "404" {
					continue
				}
				compared++
				foreign, missing := th.send(method, th.fill(request), c.header()...), th.send(method, th.missing(request), c.header()...)
				if !is(foreign.status, want) || !same(foreign, missing) {
					t.Errorf("%s by %s: %d %v %s; missing: %d %v %s", request, c.name, foreign.status, foreign.header, foreign.body, missing.status, missing.header, missing.body)
				}
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d requests were compared", compared)
	}
	t.Logf("%d requests were compared", compared)
	if after := th.state(); after != before {
		t.Errorf("strangers have changed something:\n%s\n%s", before, after)
	}
}

// TestA12_39_OtherSitesChangeNothing lets a page of another site send every
// request that changes something, with an administrator's cookie, as forms can.
func TestA12_39_OtherSitesChangeNothing(t *testing.T) {
	s := newSite(t)
	th := s.things(s.person(cairn.RoleMember))
	session := s.session(s.admin.Account)
	before := th.state()
	for _, operation := range operations(t) {
		method, _, _ := strings.Cut(operation, " ")
		if method == http.MethodGet {
			continue
		}
		for _, from := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			header := append(append([]string{"Content-Type", "text/plain"}, session...), from...)
			if got := th.send(method, th.fill(requestFor(t, operation)), header...); got.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d %s", operation, from, got.status, got.body)
			}
		}
	}
	if after := th.state(); after != before {
		t.Errorf("another site has changed something:\n%s\n%s", before, after)
	}
}

// TestA11_32_MalformedRequestsAreRefused sends every route bodies that are none, about
// what does not exist.
func TestA11_32_MalformedRequestsAreRefused(t *testing.T) {
	s := newSite(t)
	th := s.things(s.person(cairn.RoleMember))
	for _, operation := range operations(t) {
		method, _, _ := strings.Cut(operation, " ")
		path, _, _ := strings.Cut(th.missing(requestFor(t, operation)), " ")
		for _, body := range []string{"", "null", "[]", `"x"`, `{"`, `{"a":{"b":[7]}}`, "{\"a\":\"\\u0000\"}", "\x00\xff", strings.Repeat("[", 20_000)} {
			if got := th.send(method, path+" "+body, bearer(s.admin.token)...); got.status >= 500 {
				t.Errorf("%s with %.20q: %d %s", operation, body, got.status, got.body)
			}
		}
	}
	if got := s.send("GET", "/readyz"); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}
