package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// attempts has one acceptable request for every route under /api/v1 that needs a
// caller, about what is ann's. Who may send them is decided in docs/access.md and
// tested by cmd/cairn.
func attempts(conversation, message, binding string) map[string]string {
	return map[string]string{
		"POST /search":                          `/search {"query":"Meals"}`,
		"POST /code/search":                     `/code/search {"query":"Meals"}`,
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
		"POST /sources/:name/acl/preview":       `/sources/handbook/acl/preview {"acl":"private"}`,
		"DELETE /sources/:name":                 `/sources/secrets`,
		"POST /sources/:name/sync":              `/sources/handbook/sync`,
		"POST /sources/:name/test":              `/sources/handbook/test`,
		"POST /sources/:name/pause":             `/sources/handbook/pause`,
		"POST /sources/:name/cancel":            `/sources/handbook/cancel`,
		"GET /sources/:name/runs":               `/sources/handbook/runs`,
		"GET /sources/:name/errors":             `/sources/handbook/errors`,
		"POST /sources/:name/errors/retry":      `/sources/handbook/errors/retry`,
		"GET /sources/:name/documents":          `/sources/inbox/documents`,
		"PUT /sources/:name/documents":          `/sources/inbox/documents?id=a {"title":"A","text":"b"}`,
		"DELETE /sources/:name/documents":       `/sources/inbox/documents?id=a`,
		"POST /sources/:name/documents/batch":   `/sources/inbox/documents/batch {"id":"b","title":"B","text":"c"}`,
		"POST /index/verify":                    `/index/verify {"quick":true}`,
		"POST /index/rebuild":                   `/index/rebuild`,
		"POST /secrets/rotate":                  `/secrets/rotate`,
		"POST /access/explain":                  `/access/explain {"document_id":"travel"}`,
		"GET /audit":                            `/audit`,
		"GET /audit/export":                     `/audit/export`,
		"POST /audit/verify":                    `/audit/verify`,
		"GET /reports/oversharing":              `/reports/oversharing`,
		"POST /reports/oversharing/scan":        `/reports/oversharing/scan`,
		"POST /login/device":                    `/login/device {"code":"BCDF-GHJK"}`,
		"POST /login/device/decision":           `/login/device/decision {"code":"BCDF-GHJK","admit":true}`,
		"POST /logout":                          `/logout`,
		"GET /me":                               `/me`,
		"POST /me/password":                     `/me/password {"password":"seven penguins pay rent"}`, // off here
		"DELETE /users/:id/password":            `/users/ann@acme.com/password`,
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

		"GET /slack/people":                      `/slack/people`,
		"PUT /slack/people/:workspace/:email":    `/slack/people/T0ACME/ann@acme.com {"user":"ann@acme.com"}`,
		"DELETE /slack/people/:workspace/:email": `/slack/people/T0ACME/gone@acme.com`,
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
			Issuer: "https://id.acme.com", Subject: cairn.NewID(), Email: "pat@acme.com", MayJoin: true, Once: auth.HashOf(cairn.NewID()),
		}, time.Now())
		if i == 1 && !errors.Is(err, auth.RefusedPending) {
			w.Fatalf("second subject: %v", err)
		}
	}
	return w.m.AllBindings()[0].ID
}

func routeName(method, path string) string { return method + " " + strings.TrimPrefix(path, "/api/v1") }

func TestA11_10_MembersSeeNamesOfSourcesAlone(t *testing.T) {
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

func TestA12_39_OtherSitesCannotUseTheSession(t *testing.T) {
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
		form := session("POST", "/search", `{"query":"Meals"}`, append(header, "Content-Type", "text/plain")...)
		if form.status != 403 || form.code(t) != "denied" {
			t.Errorf("%v, as a form sends it: %d %s", header, form.status, form.body)
		}
		again := w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA"}`, header...)
		if again.status != 403 {
			t.Errorf("login from %v: %d", header, again.status)
		}
	}
	out := session("POST", "/logout", "", "Sec-Fetch-Site", "same-origin")
	if out.status != 204 || !strings.Contains(out.header.Get("Clear-Site-Data"), "storage") || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout: %d %v", out.status, out.header)
	}
	if got := session("GET", "/me", ""); got.status != 401 {
		t.Errorf("after logout: %d", got.status)
	}
}

func TestA12_44_LoginIsRateLimited(t *testing.T) {
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
