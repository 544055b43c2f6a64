package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// attempts has one acceptable request for every route under /api/v1 that needs a
// caller. %s stands for ids that exist and belong to ann.
func attempts(conversation, message, binding string) map[string]string {
	return map[string]string{
		"POST /search":                          `/search {"query":"Meals"}`,
		"GET /suggest":                          `/suggest?q=tr`,
		"GET /documents/:id":                    `/documents/travel`,
		"POST /ask":                             `/ask {"question":"How much for meals?"}`,
		"GET /messages/:id":                     `/messages/` + message,
		"GET /messages/:id/stream":              `/messages/` + message + `/stream`,
		"DELETE /messages/:id/stream":           `/messages/` + message + `/stream`,
		"POST /messages/:id/feedback":           `/messages/` + message + `/feedback {"rating":"up"}`,
		"GET /conversations":                    `/conversations`,
		"GET /conversations/:id":                `/conversations/` + conversation,
		"PATCH /conversations/:id":              `/conversations/` + conversation + ` {"title":"x"}`,
		"DELETE /conversations/:id":             `/conversations/` + conversation,
		"GET /models":                           `/models`,
		"GET /sources":                          `/sources`,
		"GET /sources/:name":                    `/sources/handbook`,
		"POST /sources":                         `/sources {"name":"new","kind":"files","settings":{"path":"/x"}}`,
		"PATCH /sources/:name":                  `/sources/handbook {"acl":"everyone"}`,
		"DELETE /sources/:name":                 `/sources/secrets`,
		"POST /sources/:name/sync":              `/sources/handbook/sync`,
		"POST /sources/:name/test":              `/sources/handbook/test`,
		"POST /sources/:name/pause":             `/sources/handbook/pause`,
		"POST /sources/:name/cancel":            `/sources/handbook/cancel`,
		"GET /sources/:name/runs":               `/sources/handbook/runs`,
		"GET /sources/:name/errors":             `/sources/handbook/errors`,
		"POST /sources/:name/errors/retry":      `/sources/handbook/errors/retry`,
		"PUT /sources/:name/documents":          `/sources/inbox/documents?id=a {"title":"A","text":"b"}`,
		"DELETE /sources/:name/documents":       `/sources/inbox/documents?id=a`,
		"POST /sources/:name/documents/batch":   `/sources/inbox/documents/batch {"id":"b","title":"B","text":"c"}`,
		"POST /index/verify":                    `/index/verify {"quick":true}`,
		"POST /index/rebuild":                   `/index/rebuild`,
		"POST /access/explain":                  `/access/explain {"document_id":"travel"}`,
		"GET /audit":                            `/audit`,
		"GET /audit/export":                     `/audit/export`,
		"POST /audit/verify":                    `/audit/verify`,
		"POST /logout":                          `/logout`,
		"GET /me":                               `/me`,
		"GET /users":                            `/users`,
		"POST /users":                           `/users {"email":"new@acme.com"}`,
		"GET /users/:id":                        `/users/ann@acme.com`,
		"PATCH /users/:id":                      `/users/ann@acme.com {"name":"Ann"}`,
		"POST /users/:id/code":                  `/users/ann@acme.com/code`,
		"GET /users/bindings":                   `/users/bindings`,
		"POST /users/bindings/:binding/confirm": `/users/bindings/` + binding + `/confirm`,
		"DELETE /users/bindings/:binding":       `/users/bindings/` + binding,
		"GET /groups":                           `/groups`,
		"POST /groups":                          `/groups {"name":"ops"}`,
		"PUT /groups/:name":                     `/groups/finance {"members":["ann@acme.com"]}`,
		"DELETE /groups/:name":                  `/groups/finance`,
		"GET /tokens":                           `/tokens`,
		"POST /tokens":                          `/tokens {"name":"t"}`,
		"DELETE /tokens/:id":                    `/tokens/nope`,
		"DELETE /documents/:id":                 `/documents/salaries`,
		"GET /erasures":                         `/erasures`,
		"POST /erasures/:id/lift":               `/erasures/e1/lift`,
		"POST /erasures/clean":                  `/erasures/clean`,
		"DELETE /users/:id":                     `/users/bob@acme.com`,
		"GET /grants":                           `/grants?all=true`,
		"POST /grants":                          `/grants {"user":"bob@acme.com","source":"secrets","reason":"incident 7"}`,
		"DELETE /grants/:id":                    `/grants/g1`,
	}
}

// attempt sends the request of the table for a route.
func (w *world) attempt(who actor, route string, header ...string) replied {
	w.Helper()
	ask := w.asked()
	request, ok := attempts(ask[0], ask[1], w.pending())[route]
	if !ok {
		w.Fatalf("no attempt for %s: add one to the table", route)
	}
	method, _, _ := strings.Cut(route, " ")
	path, body, _ := strings.Cut(request, " ")
	if strings.HasSuffix(route, "/batch") {
		header = append(header, "Content-Type", "application/x-ndjson")
	}
	return w.call(who, method, "/api/v1"+path, body, header...)
}

// asked makes a finished answer of ann's and returns its conversation and message.
func (w *world) asked() [2]string {
	w.Helper()
	s, err := w.asker.Start(w.Context(), ask(w.ann))
	if err != nil {
		w.Fatal(err)
	}
	w.asker.add(s.Message, doneEvent(s.Conversation, s.Message))
	return [2]string{s.Conversation, s.Message}
}

// pending makes somebody try to sign in with bob's address, which is another's, and
// returns the id of the pending binding.
func (w *world) pending() string {
	w.Helper()
	for i := range 2 {
		_, err := w.m.SignInPerson(w.Context(), auth.Person{
			Issuer: "https://id.acme.com", Subject: cairn.NewID(), Email: "bob@acme.com", Once: auth.HashOf(cairn.NewID()),
		}, time.Now())
		if i == 1 && !errors.Is(err, auth.RefusedPending) {
			w.Fatalf("second subject: %v", err)
		}
	}
	return w.m.AllBindings()[0].ID
}

func routeName(method, path string) string { return method + " " + strings.TrimPrefix(path, "/api/v1") }

// TestEveryRouteByEveryCaller enumerates the table of routes, so that a new
// route without a decision about who may use it fails here.
func TestEveryRouteByEveryCaller(t *testing.T) {
	for _, r := range New(Config{}).Routes() {
		name := routeName(r.Method, r.Path)
		if r.Public {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.asker.script = answered
			off := w.person("off@acme.com", cairn.RoleAdmin)
			off.account.Disabled = true
			w.m.Add(off.account)
			for who, a := range map[string]actor{
				"nobody": {}, "made-up token": {token: "cairn_made-up"}, "disabled administrator": off,
			} {
				if got := w.attempt(a, name); got.status != http.StatusUnauthorized || got.code(t) != "unauthenticated" {
					t.Errorf("%s: %d %s", who, got.status, got.body)
				}
			}
			if r.Scope != "" {
				for _, s := range everyScope {
					if s == r.Scope || s == cairn.ScopeAdmin {
						continue
					}
					narrow := actor{w.root.account, w.m.Token(w.root.account.ID, time.Now(), s)}
					if got := w.attempt(narrow, name); got.status != http.StatusForbidden || got.code(t) != "denied" {
						t.Errorf("administrator with scope %s: %d %s", s, got.status, got.body)
					}
				}
			}
			member := w.attempt(w.ann, name)
			switch {
			case r.Role != "" && (member.status != http.StatusForbidden || member.code(t) != "denied"):
				t.Errorf("member: %d %s", member.status, member.body)
			case r.Role == "" && member.status >= 400 && member.status != http.StatusNotFound:
				t.Errorf("member: %d %s", member.status, member.body)
			}
			auditor := w.attempt(w.stranger, name)
			if r.Role == cairn.RoleAdmin && auditor.status != http.StatusForbidden || r.Role == cairn.RoleAuditor && auditor.status >= 300 {
				t.Errorf("auditor: %d %s", auditor.status, auditor.body)
			}
			if r.Role != "" {
				if got := w.attempt(w.root, name); got.status >= 300 {
					t.Errorf("administrator: %d %s", got.status, got.body)
				}
			}
		})
	}
}

// whoMay is the decision about every route, written down apart from the table of
// routes: who changes one must mean to change both.
const whoMay = `
search any    POST /search
search any    GET /suggest
read   any    GET /documents/:id
write  any    DELETE /documents/:id
ask    any    POST /ask
ask    any    GET /messages/:id
ask    any    GET /messages/:id/stream
ask    any    DELETE /messages/:id/stream
ask    any    POST /messages/:id/feedback
ask    any    GET /conversations
ask    any    GET /conversations/:id
ask    any    PATCH /conversations/:id
ask    any    DELETE /conversations/:id
ask    any    GET /models
read   any    GET /sources
read   any    GET /sources/:name
admin  admin  POST /sources
admin  admin  PATCH /sources/:name
admin  admin  DELETE /sources/:name
admin  admin  POST /sources/:name/sync
admin  admin  POST /sources/:name/test
admin  admin  POST /sources/:name/pause
admin  admin  POST /sources/:name/cancel
admin  admin  GET /sources/:name/runs
admin  admin  GET /sources/:name/errors
admin  admin  POST /sources/:name/errors/retry
write  any    PUT /sources/:name/documents
write  any    DELETE /sources/:name/documents
write  any    POST /sources/:name/documents/batch
admin  admin  POST /index/verify
admin  admin  POST /index/rebuild
read   any    POST /access/explain
admin  auditor GET /audit
admin  auditor GET /audit/export
admin  auditor POST /audit/verify
admin  auditor GET /erasures
admin  admin  POST /erasures/:id/lift
admin  admin  POST /erasures/clean
admin  auditor GET /grants
admin  admin  POST /grants
admin  admin  DELETE /grants/:id
public public GET /login
public public POST /login
public public GET /login/oidc
public public GET /login/oidc/callback
any    any    POST /logout
any    any    GET /me
admin  admin  GET /users
admin  admin  POST /users
admin  admin  GET /users/:id
admin  admin  PATCH /users/:id
admin  admin  POST /users/:id/code
admin  admin  GET /users/bindings
admin  admin  POST /users/bindings/:binding/confirm
admin  admin  DELETE /users/bindings/:binding
admin  admin  DELETE /users/:id
admin  admin  GET /groups
admin  admin  POST /groups
admin  admin  PUT /groups/:name
admin  admin  DELETE /groups/:name
admin  any    GET /tokens
admin  any    POST /tokens
admin  any    DELETE /tokens/:id
public public GET /api/openapi.yaml
`

func TestWhoMay(t *testing.T) {
	got := "\n"
	for _, r := range New(Config{}).Routes() {
		scope, role := cmp.Or(string(r.Scope), "any"), cmp.Or(string(r.Role), "any")
		if r.Public {
			scope, role = "public", "public"
		}
		got += fmt.Sprintf("%-6s %-6s %s\n", scope, role, routeName(r.Method, r.Path))
	}
	if diff := gocmp.Diff(whoMay, got); diff != "" {
		t.Error(diff)
	}
}

// TestForeignIsAsMissing compares, byte for byte, what a stranger gets for what
// is ann's with what he gets for what nobody has. Administrators are strangers too.
func TestForeignIsAsMissing(t *testing.T) {
	w := newWorld(t)
	s := w.asked()
	cases := []struct{ method, foreign, missing, body string }{
		{"GET", "/documents/salaries", "/documents/nope", ""},
		{"GET", "/documents/salaries?version=" + string(cairn.VersionOf([]byte("Meals money is part of the salary."))), "/documents/nope", ""},
		{"GET", "/documents/travel?version=ffff", "/documents/nope", ""},
		{"GET", "/messages/" + s[1], "/messages/nope", ""},
		{"GET", "/messages/" + s[1] + "/stream", "/messages/nope/stream", ""},
		{"DELETE", "/messages/" + s[1] + "/stream", "/messages/nope/stream", ""},
		{"POST", "/messages/" + s[1] + "/feedback", "/messages/nope/feedback", `{"rating":"up"}`},
		{"GET", "/conversations/" + s[0], "/conversations/nope", ""},
		{"PATCH", "/conversations/" + s[0], "/conversations/nope", `{"title":"x"}`},
		{"DELETE", "/conversations/" + s[0], "/conversations/nope", ""},
	}
	for _, who := range []actor{w.bob, w.root} {
		for _, c := range cases {
			foreign := w.call(who, c.method, "/api/v1"+c.foreign, c.body)
			missing := w.call(who, c.method, "/api/v1"+c.missing, c.body)
			if foreign.status != 404 || missing.status != 404 || string(foreign.body) != string(missing.body) {
				t.Errorf("%s %s: %d %s; missing: %d %s", c.method, c.foreign, foreign.status, foreign.body, missing.status, missing.body)
			}
			for _, h := range []http.Header{foreign.header, missing.header} {
				h.Del("X-Request-Id")
				h.Del("Date")
			}
			if fmt.Sprint(foreign.header) != fmt.Sprint(missing.header) {
				t.Errorf("%s: headers differ: %v, %v", c.foreign, foreign.header, missing.header)
			}
		}
		// The conversation of another in a question, and its message as parent.
		for _, field := range []string{`"conversation_id":"` + s[0] + `"`, `"parent_message_id":"` + s[1] + `"`} {
			before := len(w.m.messages)
			got := w.call(who, "POST", "/api/v1/ask", `{"question":"and now?",`+field+`}`)
			if got.status != 404 || len(w.m.messages) != before {
				t.Errorf("ask with %s: %d, %d messages; want 404 and no new one", field, got.status, len(w.m.messages)-before)
			}
		}
	}
	if w.asker.stopped[s[1]] || len(w.m.feedback) != 0 {
		t.Error("a stranger stopped or rated ann's answer")
	}
	// Sources, for members: secrets holds nothing that bob may read.
	foreign, missing := w.call(w.bob, "GET", "/api/v1/sources/secrets", ""), w.call(w.bob, "GET", "/api/v1/sources/nope", "")
	if foreign.status != 404 || string(foreign.body) != string(missing.body) {
		t.Errorf("source: %d %s; missing: %d %s", foreign.status, foreign.body, missing.status, missing.body)
	}
	for _, c := range []struct{ method, path, body string }{
		{"PUT", "/api/v1/sources/%s/documents?id=x", `{"title":"x","text":"y"}`},
		{"DELETE", "/api/v1/sources/%s/documents?id=x", ""},
	} {
		foreign := w.call(w.bob, c.method, fmt.Sprintf(c.path, "inbox"), c.body)
		missing := w.call(w.bob, c.method, fmt.Sprintf(c.path, "nope"), c.body)
		if foreign.status != 404 || string(foreign.body) != string(missing.body) {
			t.Errorf("push by who may not write: %d %s", foreign.status, foreign.body)
		}
	}
}

func TestMembersSeeNamesOfSourcesAlone(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[*actor]string{
		&w.ann: `{"sources":[{"name":"handbook"},{"name":"secrets"}],"next_cursor":null}`,
		&w.bob: `{"sources":[{"name":"handbook"}],"next_cursor":null}`,
	} {
		got := w.call(*who, "GET", "/api/v1/sources", "")
		if strings.TrimSpace(string(got.body)) != want {
			t.Errorf("%s sees %s; want %s", who.account.Email, got.body, want)
		}
	}
	if got := w.call(w.ann, "GET", "/api/v1/sources/secrets", ""); strings.TrimSpace(string(got.body)) != `{"name":"secrets"}` {
		t.Errorf("ann sees %s", got.body)
	}
	// A token of an administrator that was made for reading sees no more.
	narrow := actor{w.root.account, w.m.Token(w.root.account.ID, time.Now(), cairn.ScopeRead)}
	if got := w.call(narrow, "GET", "/api/v1/sources", ""); strings.Contains(string(got.body), "settings") {
		t.Errorf("a token of scope read sees %s", got.body)
	}
}

func TestOtherSitesCannotUseTheSession(t *testing.T) {
	w := newWorld(t)
	code := w.call(w.root, "POST", "/api/v1/users/ann@acme.com/code", "")
	var made struct{ Code string }
	code.into(t, &made)
	in := w.call(actor{}, "POST", "/api/v1/login", `{"code":"`+made.Code+`"}`)
	if in.status != 200 {
		t.Fatalf("login: %d %s", in.status, in.body)
	}
	cookie, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	session := func(method, path, body string, header ...string) replied {
		return w.call(actor{}, method, "/api/v1"+path, body, append(header, "Cookie", cookie)...)
	}
	if got := session("POST", "/search", `{"query":"Meals"}`, "Sec-Fetch-Site", "same-origin"); got.status != 200 {
		t.Errorf("own page: %d %s", got.status, got.body)
	}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"},
	} {
		if got := session("POST", "/search", `{"query":"Meals"}`, header...); got.status != 403 || got.code(t) != "denied" {
			t.Errorf("%v: %d %s", header, got.status, got.body)
		}
		again := w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA"}`, header...)
		if again.status != 403 {
			t.Errorf("login from %v: %d", header, again.status)
		}
	}
	out := session("POST", "/logout", "", "Sec-Fetch-Site", "same-origin")
	if out.status != 204 || !strings.Contains(out.header.Get("Clear-Site-Data"), "cookies") {
		t.Errorf("logout: %d %v", out.status, out.header)
	}
	if got := session("GET", "/me", ""); got.status != 401 {
		t.Errorf("after logout: %d", got.status)
	}
}

func TestLoginIsRateLimited(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		if got := w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA-BBBB-CCCC-DDDD"}`); got.status != 401 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	got := w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA-BBBB-CCCC-DDDD"}`)
	if got.status != 429 || got.code(t) != "rate_limited" || got.header.Get("Retry-After") == "" {
		t.Errorf("sixth attempt: %d %v %s", got.status, got.header, got.body)
	}
}
