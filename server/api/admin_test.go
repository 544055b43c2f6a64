package api

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs/schedule"
)

func TestSourceACLs(t *testing.T) {
	w := newWorld(t)
	private := `[["account:` + string(w.root.account.ID) + `"]]`
	cases := []struct{ kind, acl, mode, allow string }{
		{"files", ``, "declared", private},
		{"files", `,"acl":"private"`, "declared", private},
		{"files", `,"acl":"everyone"`, "declared", `[["everyone"]]`},
		{"files", `,"acl":"group:cairn:finance"`, "declared", `[["group:cairn:finance"]]`},
		{"files", `,"acl":{"allow":[["everyone"],["group:cairn:eng","user:x@acme.com"]],"deny":[]}`, "declared", `[["everyone"],["group:cairn:eng","user:x@acme.com"]]`},
		{"wiki", ``, "source", `[]`},
		{"wiki", `,"acl":"source"`, "source", `[]`},
		{"wiki", `,"acl":"private"`, "declared", private},
	}
	for i, c := range cases {
		settings := ""
		if c.kind == "files" {
			settings = `,"settings":{"path":"/x"}`
		}
		name := "s-" + strings.Repeat("a", i+1)
		got := w.call(w.root, "POST", "/api/v1/sources", `{"name":"`+name+`","kind":"`+c.kind+`"`+settings+c.acl+`}`)
		if got.status != 201 || !strings.Contains(string(got.body), `"acl_mode":"`+c.mode+`"`) ||
			!strings.Contains(string(got.body), `"allow":`+c.allow) {
			t.Errorf("%s%s: %d %s", c.kind, c.acl, got.status, got.body)
		}
	}
}

func TestSourcesThatAreWrong(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		body, names string
		status      int
	}{
		{`{"name":"A b","kind":"files","settings":{"path":"/x"}}`, "name", 400},
		{`{"name":"cairn","kind":"files","settings":{"path":"/x"}}`, "directory", 400},
		{`{"name":"scim","kind":"files","settings":{"path":"/x"}}`, "directory", 400},
		{`{"name":"oidc","kind":"push"}`, "directory", 400},
		{`{"name":"x","kind":"carrier-pigeon"}`, "carrier-pigeon", 400},
		{`{"name":"x","kind":"files"}`, "path", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x","pth":"/y"}}`, "pth", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":"source"}`, "private", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":"all"}`, "all", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":"user:Ann@acme.com"}`, "Ann@acme.com", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":""}`, "acl", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":{"allow":[["everyone"]],"dny":[]}}`, "dny", 400},
		{`{"name":"x","kind":"files","settings":{"path":"/x"},"acl":["everyone"]}`, "list of lists", 400},
		{`{"name":"handbook","kind":"files","settings":{"path":"/x"}}`, "handbook", 409},
	}
	for _, c := range cases {
		got := w.call(w.root, "POST", "/api/v1/sources", c.body)
		if got.status != c.status || !strings.Contains(string(got.body), c.names) {
			t.Errorf("%s: %d %s; want %d that names %q", c.body, got.status, got.body, c.status, c.names)
		}
	}
	if len(w.m.sources) != 3 {
		t.Errorf("%d sources; want the 3 of before", len(w.m.sources))
	}
}

func TestNextRunIsToldAsFarAsThereIsOne(t *testing.T) {
	w := newWorld(t)
	told := func(what, schedule, next string) {
		t.Helper()
		body := string(w.call(w.root, "GET", "/api/v1/sources/handbook", "").body)
		if !strings.Contains(body, `"schedule":"`+schedule+`"`) || next == "" && strings.Contains(body, "next_run_at") || next != "" && !strings.Contains(body, `"next_run_at":"`+next) {
			t.Errorf("%s: %s", what, body)
		}
	}
	told("without a schedule", "off", "")
	w.m.sources[0].Settings["schedule"] = "24h"
	w.m.last = schedule.Last{Since: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), Finished: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	told("by the interval", "24h", "2026-11-21T09:0")
	w.m.sources[0].Paused = true
	told("paused", "24h", "")
	w.m.sources[0].Paused, w.m.atWork = false, true
	told("at work", "24h", "")
	w.m.sources[0].Settings["schedule"], w.m.atWork = "0 12 * * *", false
	told("by cron", "0 12 * * *", "2026-11-20T12:0")
	if body := string(w.call(w.root, "GET", "/api/v1/sources/inbox", "").body); strings.Contains(body, "schedule") {
		t.Errorf("a source that programs push to: %s", body)
	}
}

func TestSourceIsChanged(t *testing.T) {
	w := newWorld(t)
	got := w.call(w.root, "PATCH", "/api/v1/sources/inbox", `{"settings":{"writers":null}}`)
	if got.status != 200 || strings.Contains(string(got.body), "ann@") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if w.m.sources[2].ACL.Admits(cairn.Viewer{Keys: []cairn.PrincipalKey{"everyone"}}) {
		t.Error("a change of settings changed the acl")
	}
	if got := w.call(w.root, "PATCH", "/api/v1/sources/handbook", `{"settings":{"path":null}}`); got.status != 400 {
		t.Errorf("a required setting was removed: %d", got.status)
	}
	for value, want := range map[string]int{`"0.5"`: 200, `"1.5"`: 400, `0.5`: 400, `null`: 200} {
		for _, name := range []string{"handbook", "inbox"} { // of two kinds
			if got := w.call(w.root, "PATCH", "/api/v1/sources/"+name, `{"settings":{"authority":`+value+`}}`); got.status != want {
				t.Errorf("authority %s of %s: %d %s", value, name, got.status, got.body)
			}
		}
	}
	for value, want := range map[string]int{`"6h"`: 200, `"CRON_TZ=Europe/Berlin 0 3 * * *"`: 200, `"off"`: 200, `"6"`: 400, `"10s"`: 400, `null`: 200} {
		if got := w.call(w.root, "PATCH", "/api/v1/sources/handbook", `{"settings":{"schedule":`+value+`}}`); got.status != want {
			t.Errorf("schedule %s: %d %s", value, got.status, got.body)
		}
	}
	if got := w.call(w.root, "PATCH", "/api/v1/sources/inbox", `{"settings":{"schedule":"6h"}}`); got.status != 400 || !strings.Contains(string(got.body), "nothing to schedule") {
		t.Errorf("a schedule of a source that programs push to: %d %s", got.status, got.body)
	}
	w.m.sources[0].Owner = "" // as the sample's
	got = w.call(w.root, "PATCH", "/api/v1/sources/handbook", `{"acl":"private"}`)
	if want := cairn.Allow(cairn.AccountKey(w.root.account.ID)); got.status != 200 || !cmp.Equal(w.m.sources[0].ACL, want) {
		t.Errorf("private without an owner: %d %s; want %v", got.status, got.body, want)
	}
	w.call(w.root, "POST", "/api/v1/sources/handbook/pause", "")
	if !w.m.sources[0].Paused {
		t.Error("not paused")
	}
	w.call(w.root, "POST", "/api/v1/sources/handbook/pause", `{"paused":false}`)
	if w.m.sources[0].Paused {
		t.Error("not resumed")
	}
}

func TestRuns(t *testing.T) {
	w := newWorld(t)
	got := w.call(w.root, "POST", "/api/v1/sources/handbook/sync", `{"full":true,"dry_run":true,"confirm":true}`)
	if r := w.m.runs["s1"][0]; got.status != 202 || !r.Full || !r.DryRun || !r.Confirm {
		t.Errorf("%d %+v", got.status, w.m.runs["s1"])
	}
	got = w.call(w.root, "POST", "/api/v1/sources/handbook/sync", `{"permissions_only":true}`)
	if r := w.m.runs["s1"][0]; got.status != 202 || !r.PermissionsOnly || r.Full || !strings.Contains(string(got.body), `"permissions_only":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	w.m.runs["s1"] = w.m.runs["s1"][1:]
	if got := w.call(w.root, "POST", "/api/v1/sources/inbox/sync", ""); got.status != 400 {
		t.Errorf("sync of a push source: %d", got.status)
	}
	w.call(w.root, "POST", "/api/v1/sources/handbook/sync", "")
	var page struct {
		Runs []struct{ ID string }
		Next *string `json:"next_cursor"`
	}
	w.call(w.root, "GET", "/api/v1/sources/handbook/runs?limit=1", "").into(t, &page)
	if len(page.Runs) != 1 || page.Next == nil {
		t.Fatalf("%+v", page)
	}
	w.call(w.root, "GET", "/api/v1/sources/handbook/runs?limit=1&cursor="+*page.Next, "").into(t, &page)
	if len(page.Runs) != 1 || page.Next != nil {
		t.Errorf("second page: %+v", page)
	}
	for _, bad := range []string{"?limit=0", "?limit=x", "?limit=201", "?cursor=zzz", "?curser=1", "?limit=1&limit=2"} {
		if got := w.call(w.root, "GET", "/api/v1/sources/handbook/runs"+bad, ""); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
	retry := w.call(w.root, "POST", "/api/v1/sources/handbook/errors/retry", `{"external_ids":["scan.pdf"]}`)
	if retry.status != 202 || !strings.Contains(string(retry.body), `"retrying":1`) || len(w.m.runs["s1"]) != 3 {
		t.Errorf("retry: %d %s", retry.status, retry.body)
	}
	again := w.call(w.root, "POST", "/api/v1/sources/handbook/errors/retry", "")
	if again.status != 202 || strings.Contains(string(again.body), "run") || len(w.m.runs["s1"]) != 3 {
		t.Errorf("nothing to retry: %d %s", again.status, again.body)
	}
}

func TestSourceTest(t *testing.T) {
	w := newWorld(t)
	if got := w.call(w.root, "POST", "/api/v1/sources/handbook/test", ""); !strings.Contains(string(got.body), `"ok":true`) {
		t.Errorf("%s", got.body)
	}
	w.jobs.testFail = cairn.Errorf(cairn.ErrUnavailable, "the folder does not exist")
	if got := w.call(w.root, "POST", "/api/v1/sources/handbook/test", ""); got.status != 200 || !strings.Contains(string(got.body), "the folder does not exist") {
		t.Errorf("%d %s", got.status, got.body)
	}
	w.jobs.testFail = errors.New("dial 10.0.0.3: hunter2")
	if got := w.call(w.root, "POST", "/api/v1/sources/handbook/test", ""); got.status != 500 || strings.Contains(string(got.body), "hunter2") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	got := w.call(w.root, "POST", "/api/v1/users", `{"email":"Eve@Acme.com","name":"Eve","role":"auditor"}`)
	var eve user
	got.into(t, &eve)
	if got.status != 201 || eve.Email != "eve@acme.com" || eve.Role != cairn.RoleAuditor {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for body, status := range map[string]int{
		`{"email":"eve@acme.com"}`:                  409,
		`{"email":"eve"}`:                           400,
		`{"email":"Eve <eve2@acme.com>"}`:           400,
		`{"email":"x@acme.com","role":"superuser"}`: 400,
		`{"email":"x@acme.com","admin":true}`:       400,
	} {
		if got := w.call(w.root, "POST", "/api/v1/users", body); got.status != status {
			t.Errorf("%s: %d %s; want %d", body, got.status, got.body, status)
		}
	}
	if got := w.call(w.root, "PATCH", "/api/v1/users/"+string(eve.ID), `{"disabled":true}`); got.status != 200 || !strings.Contains(string(got.body), `"disabled":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(w.root, "POST", "/api/v1/users/"+string(eve.ID)+"/code", ""); got.status != 400 {
		t.Errorf("code for a disabled account: %d", got.status)
	}
	for _, body := range []string{`{"disabled":true}`, `{"role":"member"}`} {
		if got := w.call(w.root, "PATCH", "/api/v1/users/root@acme.com", body); got.status != 409 {
			t.Errorf("last administrator, %s: %d", body, got.status)
		}
	}
	if got := w.call(w.root, "GET", "/api/v1/users/nobody@acme.com", ""); got.status != 404 {
		t.Errorf("unknown: %d", got.status)
	}
}

func TestGroupsGiveKeys(t *testing.T) {
	w := newWorld(t)
	if got := w.call(w.root, "POST", "/api/v1/groups", `{"name":"ops team"}`); got.status != 400 {
		t.Errorf("a name with a blank: %d", got.status)
	}
	if got := w.call(w.root, "PUT", "/api/v1/groups/finance", `{"members":["bob@acme.com","bob@acme.com"]}`); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if n := len(w.search(w.bob, `{"query":"salary"}`).Results); n != 1 {
		t.Errorf("bob finds %d", n)
	}
	if n := len(w.search(w.ann, `{"query":"salary"}`).Results); n != 0 {
		t.Errorf("ann finds %d after she left the group", n)
	}
	if got := w.call(w.root, "PUT", "/api/v1/groups/finance", `{}`); got.status != 400 {
		t.Errorf("no members: %d; a missing list must not empty the group", got.status)
	}
	if got := w.call(w.root, "PUT", "/api/v1/groups/finance", `{"members":["nobody@acme.com"]}`); got.status != 404 {
		t.Errorf("unknown member: %d", got.status)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	got := w.call(w.ann, "POST", "/api/v1/tokens", `{"name":"cli","ttl":"1h"}`)
	var made struct {
		ID, Secret string
		Scopes     []cairn.Scope
		Expires    time.Time `json:"expires_at"`
	}
	got.into(t, &made)
	if diff := cmp.Diff([]cairn.Scope{cairn.ScopeAsk, cairn.ScopeRead, cairn.ScopeSearch}, made.Scopes); diff != "" {
		t.Error(diff)
	}
	if left := time.Until(made.Expires); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v", left)
	}
	cli := actor{w.ann.account, made.Secret}
	if got := w.call(cli, "POST", "/api/v1/search", `{"query":"Meals"}`); got.status != 200 {
		t.Errorf("search with the new token: %d", got.status)
	}
	if got := w.call(cli, "POST", "/api/v1/tokens", `{"scopes":["admin"]}`); got.status != 403 {
		t.Errorf("a narrow token made another: %d", got.status)
	}
	if got := w.call(w.ann, "GET", "/api/v1/tokens", ""); strings.Contains(string(got.body), made.Secret) || !strings.Contains(string(got.body), made.ID) {
		t.Errorf("list: %s", got.body)
	}
	for _, c := range []struct {
		who    actor
		body   string
		status int
	}{
		{w.ann, `{"user":"bob@acme.com"}`, 403},
		{w.root, `{"user":"bob@acme.com"}`, 201},
		{w.root, `{"user":"nobody@acme.com"}`, 404},
		{w.ann, `{"scopes":["everything"]}`, 400},
		{w.ann, `{"ttl":"9000h"}`, 400},
		{w.ann, `{"ttl":"-1h"}`, 400},
		{w.ann, `{"ttl":"soon"}`, 400},
	} {
		if got := w.call(c.who, "POST", "/api/v1/tokens", c.body); got.status != c.status {
			t.Errorf("%s: %d %s; want %d", c.body, got.status, got.body, c.status)
		}
	}
	if got := w.call(w.ann, "GET", "/api/v1/tokens?all=true", ""); got.status != 403 {
		t.Errorf("all tokens for a member: %d", got.status)
	}
	if got := w.call(w.bob, "DELETE", "/api/v1/tokens/"+made.ID, ""); got.status != 404 {
		t.Errorf("bob revokes ann's token: %d", got.status)
	}
	if got := w.call(w.ann, "DELETE", "/api/v1/tokens/"+made.ID, ""); got.status != 204 {
		t.Errorf("revoke: %d", got.status)
	}
	if got := w.call(cli, "POST", "/api/v1/search", `{"query":"Meals"}`); got.status != 401 {
		t.Errorf("revoked token: %d", got.status)
	}
}

// What a token makes ends with it, whoever's it is, and the log names who made it.
func TestTokensForOthersHaveAParent(t *testing.T) {
	w := newWorld(t)
	roots := w.m.AllTokens(w.root.account.ID)[0].ID
	for _, body := range []string{`{"user":"bob@acme.com","name":"made"}`, `{"name":"made"}`} {
		got := w.call(w.root, "POST", "/api/v1/tokens", body)
		var made struct {
			ID      string
			Account cairn.AccountID `json:"account_id"`
		}
		got.into(t, &made)
		of := w.m.AllTokens(made.Account)
		i := slices.IndexFunc(of, func(t cairn.Token) bool { return t.ID == made.ID })
		if i < 0 || of[i].Parent != roots {
			t.Errorf("%s: %+v; want the parent %s", body, of, roots)
		}
		for _, r := range w.requested(got) {
			if r.Account != w.root.account.ID || r.Token != roots {
				t.Errorf("%s: the log has %+v", body, r)
			}
		}
	}
}

func TestModels(t *testing.T) {
	w := newWorld(t)
	if got := w.call(w.ann, "GET", "/api/v1/models", ""); strings.TrimSpace(string(got.body)) != `{"models":[{"name":"small","default":true},{"name":"extractive","default":false}]}` {
		t.Errorf("%s", got.body)
	}
	w.api.Models = nil
	if got := w.call(w.ann, "GET", "/api/v1/models", ""); strings.TrimSpace(string(got.body)) != `{"models":[{"name":"extractive","default":true}]}` {
		t.Errorf("%s", got.body)
	}
}

// TestA12_11_LookAlikesAreNobody: an address with the Kelvin sign is that of nobody, not of
// who has a k there, in every place that takes an address.
func TestA12_11_LookAlikesAreNobody(t *testing.T) {
	w := newWorld(t)
	kim := w.person("kim@acme.com", cairn.RoleMember)
	const other = "\u212aim@acme.com"
	for request, want := range map[string]int{
		`POST /users {"email":"` + other + `"}`:                                                  400,
		`PATCH /users/bob@acme.com {"email":"` + other + `"}`:                                    400,
		`GET /users/` + other:                                                                    404,
		`PATCH /users/` + other + ` {"disabled":true}`:                                           404,
		`DELETE /users/` + other:                                                                 404,
		`POST /users/` + other + `/code`:                                                         404,
		`POST /tokens {"user":"` + other + `"}`:                                                  404,
		`POST /access/explain {"user":"` + other + `","document_id":"travel"}`:                   404,
		`PATCH /sources/handbook {"acl":"user:` + other + `"}`:                                   400,
		`PATCH /sources/handbook {"acl":{"allow":[["everyone"]],"deny":["user:` + other + `"]}}`: 400,
	} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		if got := w.call(w.root, method, "/api/v1"+path, body); got.status != want {
			t.Errorf("%s: %d %s, want %d", request, got.status, got.body, want)
		}
	}
	if writes(kim.account, other) || !writes(kim.account, "x@acme.com; KIM@acme.com") || !writes(kim.account, string(kim.account.ID)) {
		t.Error("writers of a source are not told by their addresses")
	}
	if itself(kim.account, other) || !itself(kim.account, " KIM@acme.com") {
		t.Error("who asks about herself is not told by her address")
	}
}
