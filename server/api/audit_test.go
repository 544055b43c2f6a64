package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// unaudited are the routes of which the audit log tells nothing, with the reason.
var unaudited = map[string]string{
	"GET /suggest":                "titles while somebody types; what is then opened or searched for is in the log",
	"DELETE /messages/:id/stream": "ends an answer of the caller's own; nothing is shown or lost",
	"POST /messages/:id/feedback": "the caller's opinion of an answer of its own",
	"GET /conversations":          "titles of the caller's own questions",
	"PATCH /conversations/:id":    "the title of a conversation of the caller's own",
	"GET /models":                 "names of models",
	"GET /sources":                "names, for administrators settings, of sources: no documents",
	"GET /sources/:name":          "as above",
	"GET /sources/:name/runs":     "counts of runs; those with names of documents are in the log: TestPreviewsOfRunsAreInTheLog",
	"GET /erasures":               "receipts: ids and counts; what was erased is in the log",
	"GET /grants":                 "grants with their reasons, for those who oversee them; each is in the log",
	"POST /hooks/:source":         "a place tells that something has changed; the run that follows is listed, and nothing is shown",
	"POST /mcp":                   "each tool has the action of its route: TestMCPIsAudited",
	"GET /mcp":                    "nothing is there",
	"DELETE /mcp":                 "nothing is there",
	"GET /.well-known/oauth-protected-resource":     "the same for everybody",
	"GET /.well-known/oauth-protected-resource/mcp": "the same for everybody",
	"GET /login":                       "the same for everybody",
	"GET /login/oidc":                  "begins to sign in; what comes of it is in the log",
	"GET /me":                          "the caller itself",
	"POST /login/device":               "which program shows a code; what is decided is in the log",
	"POST /oauth/device_authorization": "a stranger asks to be let in; what is decided is in the log",
	"POST /oauth/token":                "asks whether it was; when it gets its token, the log says sign_in: TestDeviceIsInTheLog",
	"GET /users":                       "the accounts, for those who manage them; what they change is in the log",
	"GET /users/:id":                   "as above",
	"GET /users/bindings":              "as above",
	"GET /groups":                      "as above",
	"GET /slack/people":                "as above",
	"GET /tokens":                      "names and times of tokens, never secrets",
	"GET /api/openapi.yaml":            "the same for everybody",
	"GET /healthz":                     "asked by machines every second",
	"GET /readyz":                      "asked by machines every second",
	"GET /metrics":                     "asked by machines every minute; counts alone",
	"POST /slack/events":               "stores what was asked; the answer, made later, is in the log with via slack",
	"POST /slack/interactions":         "as above",
	"POST /slack/commands":             "as above",
}

// TestEveryRouteIsAudited goes through openapi.yaml: every route has an action
// that the audit log knows, or stands on the list with its reason.
func TestEveryRouteIsAudited(t *testing.T) {
	actions := map[string]audit.Action{}
	for _, r := range New(Config{}).Routes() {
		actions[routeName(r.Method, r.Path)] = r.Audit
	}
	for path, item := range loadSpec(t).doc.Paths.Map() {
		for method := range item.Operations() {
			name := routeName(method, strings.NewReplacer("{", ":", "}", "").Replace(path))
			reason, listed := unaudited[name]
			if (actions[name] != "") == listed || listed && reason == "" {
				t.Errorf("%s: action %q, on the list: %v; give the route an action in Routes, or a reason in unaudited", name, actions[name], listed)
			}
		}
	}
}

// events returns what the log has, once everything is written.
func (w *world) events() []audit.Row {
	w.audit.Settle(w.Context())
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return slices.Clone(w.m.audited)
}

// requested returns the events of the request that was replied to so.
func (w *world) requested(r replied) []audit.Row {
	return slices.DeleteFunc(w.events(), func(e audit.Row) bool { return e.Request != r.header.Get("X-Request-Id") })
}

// documentIDs returns the ids of documents in JSON: the values of document_id.
func documentIDs(v any) []cairn.DocumentID {
	var ids []cairn.DocumentID
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if s, ok := value.(string); ok && name == "document_id" {
				ids = append(ids, cairn.DocumentID(s))
			}
			ids = append(ids, documentIDs(value)...)
		}
	case []any:
		for _, item := range v {
			ids = append(ids, documentIDs(item)...)
		}
	}
	return ids
}

// sentIDs returns the ids of documents in a reply, be it JSON or events.
func sentIDs(r replied) []cairn.DocumentID {
	var ids []cairn.DocumentID
	for line := range strings.Lines(string(r.body)) {
		var v any
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &v) == nil {
			ids = append(ids, documentIDs(v)...)
		}
	}
	return ids
}

// TestRequestsAreInTheLog sends a request to every audited route, by somebody who
// may and by somebody who may not, and looks for what the log must say.
func TestRequestsAreInTheLog(t *testing.T) {
	shows := 0
	for _, r := range New(Config{}).Routes() {
		name := routeName(r.Method, r.Path)
		if r.Audit == "" || r.Public {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.asker.script = answered
			who := w.ann
			if r.Role != "" {
				who = w.root
				denied := w.attempt(w.bob, name)
				if got := w.requested(denied); len(got) != 1 || got[0].Action != r.Audit || got[0].Outcome != "denied" || got[0].Account != w.bob.account.ID {
					t.Errorf("denied: %+v", got)
				}
			}
			if name == "DELETE /documents/:id" { // which members do only where they push
				who = w.root
			}
			reply := w.attempt(who, name)
			if name == "POST /login/device/decision" { // which no token may
				if reply.status != http.StatusForbidden {
					t.Fatalf("%d", reply.status)
				}
			} else if name == "DELETE /sources/:name/documents" || name == "DELETE /tokens/:id" || name == "POST /me/password" { // of nothing
				if reply.status != http.StatusNotFound {
					t.Fatalf("%d", reply.status)
				}
			} else if reply.status >= 300 {
				t.Fatalf("%d %s", reply.status, reply.body)
			}
			got := w.requested(reply)
			if len(got) == 0 {
				t.Fatal("the log says nothing")
			}
			outcome := audit.OK
			switch reply.status {
			case http.StatusNotFound:
				outcome = "not_found"
			case http.StatusForbidden:
				outcome = "denied"
			}
			var noted []cairn.DocumentID
			for _, e := range got {
				noted = append(noted, e.Documents...)
				if e.Action != r.Audit || e.Outcome != outcome || e.Account != who.account.ID || e.Via != "token" || e.Token == "" ||
					e.Address != "127.0.0.1" || time.Since(e.At) > time.Minute {
					t.Errorf("%+v", e)
				}
			}
			for _, id := range sentIDs(reply) {
				shows++
				// These tell of ids and permissions, and nothing of what is in a document.
				about := r.Audit == audit.AccessExplain || r.Audit == audit.DocumentPush || r.Audit == audit.ReportRead
				if !slices.Contains(noted, id) && !about {
					t.Errorf("%s is shown and not noted: %v", id, noted)
				}
			}
		})
	}
	if shows < 5 {
		t.Errorf("the routes have shown %d documents, so that this test says little", shows)
	}
}

// What people ask and write must not get into the log, whatever the route.
func TestLogHoldsNoText(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	const canary = "Xylophon"
	w.call(w.ann, "POST", "/api/v1/search", `{"query":"`+canary+`"}`)
	w.call(w.ann, "POST", "/api/v1/ask", `{"question":"`+canary+`?"}`)
	w.call(w.ann, "GET", "/api/v1/documents/"+canary, "")
	w.call(w.ann, "GET", "/api/v1/conversations/"+canary, "")
	w.call(w.root, "PATCH", "/api/v1/users/"+canary, `{"name":"`+canary+`"}`)
	w.call(w.root, "PATCH", "/api/v1/users/ann@acme.com", `{"name":"`+canary+`"}`)
	w.call(w.root, "PUT", "/api/v1/groups/"+canary, `{"members":[]}`)
	w.call(w.ann, "POST", "/api/v1/access/explain", `{"document_id":"`+canary+`"}`)
	w.call(w.root, "POST", "/api/v1/grants", `{"source":"secrets","reason":"`+canary+`"}`)
	w.call(w.root, "DELETE", "/api/v1/grants/"+canary, "")
	w.call(actor{}, "POST", "/api/v1/login", `{"code":"`+canary+`"}`)
	w.call(w.ann, "PUT", "/api/v1/sources/inbox/documents?id="+canary, `{"title":"`+canary+`","text":"`+canary+`"}`)
	events := w.events()
	if len(events) < 10 {
		t.Errorf("%d events", len(events))
	}
	b, err := json.Marshal(events)
	if err != nil || strings.Contains(string(b), canary) || strings.Contains(string(b), w.ann.token) {
		t.Errorf("the log holds a text: %s", b)
	}
}

func TestFailedSignInIsInTheLogAtOnce(t *testing.T) {
	w := newWorld(t)
	for range 8 {
		w.call(actor{}, "POST", "/api/v1/login", `{"code":"AAAA-BBBB-CCCC-DDDD"}`)
	}
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if n := len(w.m.audited); n != 5 { // the others were refused untried
		t.Errorf("%d attempts are in the log; want 5", n)
	}
	for _, e := range w.m.audited {
		if e.Action != audit.SignIn || e.Outcome != "unauthenticated" || e.Account != "" || e.Address == "" {
			t.Errorf("%+v", e)
		}
	}
}

func TestReadingTheLog(t *testing.T) {
	w := newWorld(t)
	w.call(w.ann, "POST", "/api/v1/search", `{"query":"Meals"}`)
	w.call(w.bob, "GET", "/api/v1/documents/salaries", "")
	w.call(w.root, "POST", "/api/v1/groups", `{"name":"ops"}`)
	list := func(query string) (out struct {
		Events []auditEvent
		Next   *string `json:"next_cursor"`
	}) {
		t.Helper()
		got := w.call(w.stranger, "GET", "/api/v1/audit"+query, "")
		if got.status != 200 {
			t.Fatalf("%s: %d %s", query, got.status, got.body)
		}
		got.into(t, &out)
		return out
	}
	for query, want := range map[string]string{
		"?account=ann@acme.com":                     "search",
		"?account=" + string(w.bob.account.ID):      "document.read",
		"?action=group":                             "group.create",
		"?document=salaries":                        "search",
		"?outcome=not_found":                        "document.read",
		"?until=2020-01-01T00:00:00Z":               "",
		"?action=search&since=2020-01-01T00:00:00Z": "search",
		"?account=nobody@acme.com":                  "",
	} {
		var actions []string
		for _, e := range list(query).Events {
			actions = append(actions, string(e.Action))
		}
		if got := strings.Join(actions, " "); got != want {
			t.Errorf("%s: %q; want %q", query, got, want)
		}
	}
	// Every one of these readings is an event, too, in the log before it is read.
	first := list("?limit=1")
	if len(first.Events) != 1 || first.Events[0].Action != audit.AuditRead || first.Next == nil {
		t.Errorf("%+v", first)
	}
	export := w.call(w.root, "GET", "/api/v1/audit/export", "")
	lines := strings.Split(strings.TrimSpace(string(export.body)), "\n")
	if export.status != 200 || export.header.Get("Content-Type") != "application/x-ndjson" || len(lines) != len(w.events()) {
		t.Errorf("export: %d, %d lines of %d", export.status, len(lines), len(w.events()))
	}
	if none := w.call(w.root, "GET", "/api/v1/audit/export?action=none", ""); none.status != 200 || len(none.body) != 0 {
		t.Errorf("export of nothing: %d %q", none.status, none.body)
	}
	var report auditVerification
	w.call(w.root, "POST", "/api/v1/audit/verify", `{"known":["1:`+w.events()[0].Hash.String()+`"]}`).into(t, &report)
	if !report.Intact || report.Rows == 0 || report.First != 1 {
		t.Errorf("%+v", report)
	}
	w.m.mu.Lock()
	w.m.audited[1].Account = "somebody"
	w.m.mu.Unlock()
	var broken auditVerification
	w.call(w.root, "POST", "/api/v1/audit/verify", "").into(t, &broken)
	if broken.Intact || broken.Broken == nil || broken.Broken.Seq != 2 {
		t.Errorf("%+v", broken)
	}
	for _, bad := range []string{"?since=yesterday", "?colour=red", "?limit=0"} {
		if got := w.call(w.root, "GET", "/api/v1/audit"+bad, ""); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
	if got := w.call(w.root, "POST", "/api/v1/audit/verify", `{"known":["x"]}`); got.status != 400 {
		t.Errorf("bad mark: %d", got.status)
	}
}

// TestPreviewsOfRunsAreInTheLog: what names documents to administrators is told of.
func TestPreviewsOfRunsAreInTheLog(t *testing.T) {
	w := newWorld(t)
	id := w.m.sources[0].ID
	path := "/api/v1/sources/" + w.m.sources[0].Name + "/runs"
	if got := w.requested(w.call(w.root, "GET", path, "")); len(got) != 0 {
		t.Errorf("counts alone are in the log: %+v", got)
	}
	w.m.runs[id] = append(w.m.runs[id], cairn.Run{ID: "r7", State: cairn.RunSucceeded, DryRun: true, Preview: &cairn.RunPreview{Modified: []string{"p1.md"}}})
	got := w.requested(w.call(w.root, "GET", path, ""))
	if len(got) != 1 || got[0].Action != audit.SourceRuns || got[0].Object != (audit.Object{Kind: audit.KindSource, ID: string(id)}) {
		t.Errorf("a preview is told of by %+v", got)
	}
}
