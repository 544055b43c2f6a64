package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

// TestWhoMayProvision takes every route: only a token with the scope scim of an
// administrator, or one of scope admin, gets past the door, and refusals have the form
// of RFC 7644. All other callers are in docs/access.md.
func TestWhoMayProvision(t *testing.T) {
	w := newWorld(t)
	member := w.account("ann@acme.test", cairn.RoleMember)
	tokens := map[string]int{"": 401, w.newToken(member.ID, cairn.ScopeSCIM): 403, w.newToken(w.admin.ID, cairn.ScopeRead): 403}
	for _, r := range scim.New(scim.Config{}).Routes() {
		if r.Public {
			if !strings.HasSuffix(r.Path, "/openapi.yaml") {
				t.Errorf("%s is for everybody", r.Path)
			}
			continue
		}
		if r.Scope != cairn.ScopeSCIM || r.Role != cairn.RoleAdmin {
			t.Errorf("%s %s is for %q with %q", r.Method, r.Path, r.Role, r.Scope)
		}
		path := strings.ReplaceAll(r.Path, ":id", "nobody")
		for token, status := range tokens {
			got := w.as(token, r.Method, path, "{}")
			if got.status != status || got.header.Get("Content-Type") != "application/scim+json" || got.body["status"] != fmt.Sprint(status) ||
				!strings.Contains(got.raw, "urn:ietf:params:scim:api:messages:2.0:Error") {
				t.Errorf("%s %s: %d %s, want %d", r.Method, path, got.status, got.raw, status)
			}
		}
		if got := w.as(w.newToken(w.admin.ID, cairn.ScopeAdmin), r.Method, path, "{}"); got.status == 401 || got.status == 403 {
			t.Errorf("%s %s: %d for an administrator", r.Method, path, got.status)
		}
	}
}

// A provider's token reads no documents and asks nothing, although it is an
// administrator's.
func TestA11_15_ProvidersReadNoDocuments(t *testing.T) {
	w := newWorld(t)
	for _, r := range []string{"POST /api/v1/search", "GET /api/v1/documents/x", "POST /api/v1/ask", "GET /api/v1/conversations", "GET /api/v1/sources",
		"GET /api/v1/users", "POST /api/v1/tokens", "GET /metrics", "PUT /api/v1/groups/x"} {
		method, path, _ := strings.Cut(r, " ")
		req, _ := http.NewRequestWithContext(t.Context(), method, w.http.URL+path, strings.NewReader("{}"))
		req.Header.Set("Authorization", "Bearer "+w.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if path != "/metrics" && res.StatusCode != 403 { // metrics are open to this machine
			t.Errorf("%s: %d", r, res.StatusCode)
		}
	}
}

func TestDuplicatesConflict(t *testing.T) {
	w := newWorld(t)
	w.account("entered@acme.test", cairn.RoleMember)
	w.want(201, "POST", "/Users", `{"userName":"ann","emails":[{"value":"ann@acme.test"}]}`)
	ben := w.user("ben@acme.test")
	for _, body := range []string{
		`{"userName":"ANN","emails":[{"value":"other@acme.test"}]}`, `{"userName":"other","emails":[{"value":"Ann@acme.test"}]}`,
		`{"userName":"entered@acme.test","emails":[{"value":"free@acme.test"}]}`, `{"userName":"free","emails":[{"value":"entered@acme.test"}]}`,
	} {
		if r := w.want(409, "POST", "/Users", body); r.body["scimType"] != "uniqueness" {
			t.Errorf("%s: %s", body, r.raw)
		}
	}
	w.want(409, "PATCH", "/Users/"+ben, patch(`{"op":"replace","path":"userName","value":"Ann"}`))
	w.want(201, "POST", "/Groups", `{"displayName":"Eng"}`)
	other := w.want(201, "POST", "/Groups", `{"displayName":"Other"}`).id()
	w.want(409, "POST", "/Groups", `{"displayName":"eng"}`)
	if r := w.want(409, "PATCH", "/Groups/"+other, patch(`{"op":"replace","path":"displayName","value":"ENG"}`)); r.body["scimType"] != "uniqueness" {
		t.Error(r.raw)
	}
	// Of many who come at once one is first, and the others are told, not failed.
	for path, body := range map[string]string{"/Users": `{"userName":"race@acme.test"}`, "/Groups": `{"displayName":"Race"}`} {
		var wg sync.WaitGroup
		var mu sync.Mutex
		count := map[int]int{}
		for range 12 {
			wg.Go(func() {
				r := w.call("POST", path, body)
				mu.Lock()
				defer mu.Unlock()
				count[r.status]++
			})
		}
		wg.Wait()
		if count[201] != 1 || count[409] != 11 {
			t.Errorf("%s: %v", path, count)
		}
	}
}

func TestETags(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann@acme.test")
	for _, c := range [][2]string{
		{"/Groups/" + w.want(201, "POST", "/Groups", `{"displayName":"g"}`).id(), patch(`{"op":"add","path":"members","value":[{"value":"` + ann + `"}]}`)},
		{"/Users/" + ann, patch(`{"op":"replace","path":"displayName","value":"Ann"}`)},
	} {
		path, change := c[0], c[1]
		first := w.want(200, "GET", path, "")
		tag := first.header.Get("ETag")
		meta, _ := first.body["meta"].(map[string]any)
		if tag == "" || meta["version"] != tag {
			t.Errorf("%s: ETag %q, meta %v", path, tag, meta)
		}
		if r := w.want(304, "GET", path, "", "If-None-Match", `"x", `+tag); r.raw != "" || r.header.Get("ETag") != tag {
			t.Errorf("%s: not modified: %v", path, r)
		}
		r := w.call("PATCH", path, change, "If-Match", tag)
		if r.status >= 300 || r.header.Get("ETag") == tag {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
		w.want(412, "PATCH", path, change, "If-Match", tag)
		w.want(412, "PUT", path, `{"userName":"ann@acme.test","displayName":"x"}`, "If-Match", tag)
		w.want(412, "DELETE", path, "", "If-Match", tag)
		w.want(200, "GET", path, "", "If-None-Match", tag)
		w.want(200, "PUT", path, `{"userName":"ann@acme.test","displayName":"x"}`, "If-Match", strings.TrimPrefix(r.header.Get("ETag"), "W/"))
		w.want(204, "DELETE", path, "", "If-Match", "*")
	}
}

// A change that changes nothing keeps the version.
func TestNoChangeKeepsTheVersion(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann@acme.test")
	group := w.want(201, "POST", "/Groups", `{"displayName":"g","members":[{"value":"`+ann+`"}]}`)
	tag := group.header.Get("ETag")
	for _, o := range []string{
		`{"op":"add","path":"members","value":[{"value":"` + ann + `"}]}`, `{"op":"remove","path":"members[value eq \"nobody\"]"}`,
		`{"op":"replace","path":"members","value":[{"value":"` + ann + `"}]}`, `{"op":"replace","path":"displayName","value":"g"}`,
	} {
		if r := w.want(204, "PATCH", "/Groups/"+group.id(), patch(o)); r.header.Get("ETag") != tag {
			t.Errorf("%s: %s, want %s", o, r.header.Get("ETag"), tag)
		}
	}
	before := w.want(200, "GET", "/Users/"+ann, "").header.Get("ETag")
	if r := w.want(200, "PATCH", "/Users/"+ann, patch(`{"op":"replace","path":"active","value":true}`)); r.header.Get("ETag") != before {
		t.Errorf("user: %s, want %s", r.header.Get("ETag"), before)
	}
	w.want(204, "DELETE", "/Users/"+ann, "")
	if r := w.want(200, "GET", "/Groups/"+group.id(), ""); r.header.Get("ETag") == tag {
		t.Error("a member was deleted, and the version of the group stays")
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.user(fmt.Sprintf("u%d@acme.test", i))
	}
	seen := map[any]bool{}
	for start := 1; start <= 6; start += 2 {
		r := w.want(200, "GET", fmt.Sprintf("/Users?startIndex=%d&count=2&attributes=userName", start), "")
		resources, _ := r.body["Resources"].([]any)
		if r.body["totalResults"] != 6.0 || r.body["startIndex"] != float64(start) || r.body["itemsPerPage"] != float64(len(resources)) || len(resources) != 2 {
			t.Errorf("from %d: %s", start, r.raw)
		}
		for _, one := range resources {
			u, _ := one.(map[string]any)
			seen[u["userName"]] = true
			if u["id"] == nil || u["emails"] != nil {
				t.Errorf("attributes: %v", u)
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("pages show %d users", len(seen))
	}
	for query, want := range map[string]string{
		"count=0": `"itemsPerPage":0`, "count=-3": `"itemsPerPage":0`, "startIndex=-1": `"startIndex":1`, "startIndex=99": `"Resources":[]`, "count=100000": `"itemsPerPage":6`,
	} {
		if r := w.want(200, "GET", "/Users?"+query, ""); !strings.Contains(r.raw, want) {
			t.Errorf("%s: %s", query, r.raw)
		}
	}
	w.want(400, "GET", "/Users?count=x", "")
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann@acme.test")
	group := w.want(201, "POST", "/Groups", `{"displayName":"g"}`).id()
	for _, c := range []struct {
		method, path, body string
		status             int
		scimType           any
	}{
		{"GET", `/Users?filter=userName+sw+%22a%22`, "", 400, "invalidFilter"},
		{"GET", `/Users?filter=title+eq+%22a%22`, "", 400, "invalidFilter"},
		{"GET", `/Groups?filter=active+eq+true`, "", 400, "invalidFilter"},
		{"POST", "/Users", `{`, 400, "invalidSyntax"},
		{"POST", "/Users", `[]`, 400, "invalidSyntax"},
		{"POST", "/Users", `{"emails":[]}`, 400, "invalidValue"},
		{"POST", "/Users", `{"userName":"no address"}`, 400, "invalidValue"},
		{"POST", "/Users", `{"userName":"a\u0000@acme.test"}`, 400, "invalidValue"},
		{"POST", "/Groups", `{}`, 400, "invalidValue"},
		{"POST", "/Groups", `{"displayName":"x","members":[{"value":"nobody"}]}`, 400, "invalidValue"},
		{"PATCH", "/Users/" + ann, `{"Operations":[]}`, 400, "invalidSyntax"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"remove","path":"userName"}`), 400, "mutability"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"remove","path":"active"}`), 400, "mutability"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"id","value":"x"}`), 400, "mutability"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"emails[","value":"x"}`), 400, "invalidFilter"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"a b","value":"x"}`), 400, "invalidPath"},
		{"PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"active","value":"perhaps"}`), 400, "invalidValue"},
		{"PATCH", "/Groups/" + group, patch(`{"op":"add","path":"members","value":[{"value":"` + string(w.admin.ID) + `x"}]}`), 400, "invalidValue"},
		{"PATCH", "/Users/nobody", patch(`{"op":"replace","path":"active","value":true}`), 404, nil},
		{"PATCH", "/Groups/" + ann, patch(`{"op":"remove","path":"members"}`), 404, nil},
		{"GET", "/Schemas/none", "", 404, nil},
		{"PATCH", "/Users/" + string(w.admin.ID), patch(`{"op":"replace","path":"active","value":false}`), 403, nil},
		{"DELETE", "/Users/" + string(w.admin.ID), "", 403, nil},
		{"PATCH", "/Users/" + string(w.admin.ID), patch(`{"op":"replace","path":"userName","value":"evil@acme.test"}`), 403, nil},
	} {
		r := w.want(c.status, c.method, c.path, c.body)
		if r.body["scimType"] != c.scimType || r.body["detail"] == "" {
			t.Errorf("%s %s %s: %s, want %v", c.method, c.path, c.body, r.raw, c.scimType)
		}
	}
	if r := w.want(400, "POST", "/Users", `{"userName":"x@acme.test"}`, "Content-Type", "text/plain"); r.body["scimType"] != "invalidSyntax" {
		t.Error(r.raw)
	}
}

// Groups kept here, and those of sources, are out of a provider's reach.
func TestOtherDirectoriesAreOutOfReach(t *testing.T) {
	w := newWorld(t)
	if err := w.db.CreateGroup(t.Context(), "board"); err != nil {
		t.Fatal(err)
	}
	if r := w.want(200, "GET", "/Groups", ""); r.body["totalResults"] != 0.0 {
		t.Errorf("groups: %s", r.raw)
	}
	ann := w.user("ann@acme.test")
	w.want(201, "POST", "/Groups", `{"displayName":"board","members":[{"value":"`+ann+`"}]}`)
	token := w.newToken(cairn.AccountID(ann), cairn.ScopeRead)
	if p := w.principals(token); !strings.Contains(p, `"group:scim:board"`) || strings.Contains(p, `"group:cairn:board"`) {
		t.Errorf("principals: %s", p)
	}
}

// A group in a group passes its members on, and a group kept here can hold one.
func TestNestedGroups(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann@acme.test")
	inner := w.want(201, "POST", "/Groups", `{"displayName":"inner","members":[{"value":"`+ann+`"}]}`).id()
	outer := w.want(201, "POST", "/Groups", `{"displayName":"outer","members":[{"value":"`+inner+`","type":"Group"}]}`)
	if !strings.Contains(outer.raw, `"type":"Group"`) {
		t.Errorf("outer: %s", outer.raw)
	}
	w.want(204, "PATCH", "/Groups/"+inner, patch(`{"op":"add","path":"members","value":[{"value":"`+outer.id()+`"}]}`)) // a circle
	if err := w.db.CreateGroup(t.Context(), "staff"); err != nil {
		t.Fatal(err)
	}
	root := w.newToken(w.admin.ID, cairn.ScopeAdmin)
	r := w.as(root, "PUT", "/api/v1/groups/staff", `{"members":["group:scim:outer"]}`, "Content-Type", "application/json")
	if r.status != 200 || !strings.Contains(r.raw, `"groups":["group:scim:outer"]`) {
		t.Errorf("staff: %d %s", r.status, r.raw)
	}
	p := w.principals(w.newToken(cairn.AccountID(ann), cairn.ScopeRead))
	for _, group := range []string{"scim:inner", "scim:outer", "cairn:staff"} {
		if !strings.Contains(p, `"group:`+group+`"`) {
			t.Errorf("%s is missing in %s", group, p)
		}
	}
}

// Deactivation ends sessions for good; what is deleted leaves nothing to whoever
// gets the address next.
func TestDeactivatedAndDeletedUsers(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann@acme.test")
	group := w.want(201, "POST", "/Groups", `{"displayName":"g","members":[{"value":"`+ann+`"}]}`)
	a, err := auth.New(auth.Config{Store: w.db})
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := a.NewCode(t.Context(), cairn.AccountID(ann))
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	if _, err := a.SignIn(recorder, httptest.NewRequest(http.MethodPost, "/", nil), code, ""); err != nil {
		t.Fatal(err)
	}
	session := httptest.NewRequest(http.MethodGet, "/", nil)
	session.AddCookie(recorder.Result().Cookies()[0])
	if _, err := a.Identify(session); err != nil {
		t.Fatal(err)
	}
	w.want(200, "PATCH", "/Users/"+ann, patch(`{"op":"replace","path":"active","value":false}`))
	w.want(200, "PATCH", "/Users/"+ann, patch(`{"op":"replace","path":"active","value":true}`))
	if _, err := a.Identify(session); err == nil {
		t.Error("a session outlives the deactivation")
	}
	token := w.newToken(cairn.AccountID(ann), cairn.ScopeRead)
	w.want(204, "DELETE", "/Users/"+ann, "")
	if r := w.as(token, "GET", "/api/v1/me", ""); r.status != 401 {
		t.Errorf("the token of a deleted user: %d", r.status)
	}
	again := w.user("ann@acme.test")
	if again == ann {
		t.Error("an id is used again")
	}
	if p := w.principals(w.newToken(cairn.AccountID(again), cairn.ScopeRead)); strings.Contains(p, "group:") || strings.Contains(p, ann) {
		t.Errorf("inherited: %s", p)
	}
	if r := w.want(200, "GET", "/Groups/"+group.id(), ""); strings.Contains(r.raw, ann) {
		t.Errorf("group: %s", r.raw)
	}
}

// TestSpecDescribesEveryRoute compares the routes with openapi.yaml in both directions.
func TestSpecDescribesEveryRoute(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(scim.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, r := range scim.New(scim.Config{}).Routes() {
		served = append(served, r.Method+" "+strings.ReplaceAll(r.Path, ":id", "{id}"))
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

func TestDescriptions(t *testing.T) {
	w := newWorld(t)
	c := w.want(200, "GET", "/ServiceProviderConfig", "")
	for _, want := range []string{`"patch":{"supported":true}`, `"etag":{"supported":true}`, `"maxResults":200`, "oauthbearertoken"} {
		if !strings.Contains(c.raw, want) {
			t.Errorf("configuration: %s", c.raw)
		}
	}
	for _, list := range []string{"/ResourceTypes", "/Schemas"} {
		r := w.want(200, "GET", list, "")
		resources, _ := r.body["Resources"].([]any)
		if len(resources) != 2 {
			t.Fatalf("%s: %s", list, r.raw)
		}
		for _, one := range resources {
			o, _ := one.(map[string]any)
			id, _ := o["id"].(string)
			if got := w.want(200, "GET", list+"/"+id, ""); got.id() != id {
				t.Errorf("%s: %s", id, got.raw)
			}
		}
	}
}
