package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

func TestGrants(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]int{
		`{"user":"bob@acme.com","source":"secrets"}`:                                                http.StatusBadRequest, // no reason
		`{"user":"bob@acme.com","source":"secrets","reason":" "}`:                                   http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","reason":"` + strings.Repeat("x", 501) + `"}`:    http.StatusBadRequest,
		`{"user":"bob@acme.com","reason":"incident 7"}`:                                             http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","document_id":"salaries","reason":"incident 7"}`: http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","reason":"incident 7","ttl":"25h"}`:              http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","reason":"incident 7","ttl":"10s"}`:              http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","reason":"incident 7","ttl":"-1h"}`:              http.StatusBadRequest,
		`{"user":"bob@acme.com","source":"secrets","reason":"incident 7","ttl":"soon"}`:             http.StatusBadRequest,
		`{"user":"nobody@acme.com","source":"secrets","reason":"incident 7"}`:                       http.StatusNotFound,
		`{"user":"bob@acme.com","source":"nope","reason":"incident 7"}`:                             http.StatusNotFound,
		`{"user":"bob@acme.com","document_id":"nope","reason":"incident 7"}`:                        http.StatusNotFound,
	} {
		if got := w.call(w.root, "POST", "/api/v1/grants", body); got.status != want {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	made := func(body string) (g grant) {
		t.Helper()
		got := w.call(w.root, "POST", "/api/v1/grants", body)
		if got.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", body, got.status, got.body)
		}
		got.into(t, &g)
		return g
	}
	one := made(`{"user":"bob@acme.com","document_id":"salaries","reason":" incident 7 ","ttl":"90m"}`)
	if one.User.ID != w.bob.account.ID || one.Document == nil || *one.Document != "salaries" || one.Source != nil || one.Reason != "incident 7" ||
		one.By != w.root.account.ID || one.Expires.Sub(one.Created) != 90*time.Minute || !one.Lives {
		t.Errorf("%+v", one)
	}
	own := made(`{"source":"secrets","reason":"incident 8"}`)
	if own.User.ID != w.root.account.ID || own.Source == nil || *own.Source != "secrets" || own.Document != nil || own.Expires.Sub(own.Created) != time.Hour {
		t.Errorf("%+v", own)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/grants/"+string(one.ID), ""); got.status != http.StatusNoContent {
		t.Errorf("revoke: %d %s", got.status, got.body)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/grants/"+string(one.ID), ""); got.status != http.StatusNotFound {
		t.Errorf("revoke again: %d %s", got.status, got.body)
	}
	for query, want := range map[string]int{"": 2, "?all=true": 3, "?all=false": 2} {
		var list struct{ Grants []grant }
		w.call(w.stranger, "GET", "/api/v1/grants"+query, "").into(t, &list) // the auditor
		if len(list.Grants) != want {
			t.Errorf("%q: %d grants, want %d", query, len(list.Grants), want)
		}
	}
	if got := w.call(w.root, "GET", "/api/v1/grants?all=perhaps", ""); got.status != http.StatusBadRequest {
		t.Errorf("%d", got.status)
	}
}

// A grant is told to decide where the permissions of the document do not, and not
// where the account or the document is out of anybody's reach.
func TestExplainNamesTheGrant(t *testing.T) {
	w := newWorld(t)
	until := time.Date(2126, 1, 2, 3, 4, 5, 0, time.UTC)
	w.m.grants = append(w.m.grants, GrantStatus{Lives: true, Grant: cairn.Grant{
		ID: "g2", Account: w.bob.account.ID, Source: "s2", Reason: "incident 7", Expires: until,
	}})
	for _, acl := range []cairn.ACL{
		cairn.Allow("group:cairn:finance"), {}, {Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}, Deny: []cairn.PrincipalKey{"user:bob@acme.com"}},
	} {
		w.m.documents[3].ACL = acl
		out, _ := w.explain(w.stranger, `{"user":"bob@acme.com","document_id":"salaries"}`)
		if !out.Allowed || out.Deciding.Kind != "grant" || out.Deciding.Grant != "g2" || !out.Deciding.Until.Equal(until) ||
			out.Reason != "bob@acme.com may, by grant g2 until 2126-01-02T03:04:05Z (reason: incident 7)." {
			t.Errorf("%v: %+v", acl, out)
		}
	}
	w.m.documents[3].ACL = cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}, {"group:cairn:finance"}}}
	own, raw := w.explain(w.bob, `{"document_id":"salaries"}`)
	if !own.Allowed || len(own.ACL.Allow)+len(own.Deciding.Held) != 0 || strings.Contains(string(raw.body), "finance") {
		t.Errorf("who holds it: %s", raw.body)
	}
	if out, _ := w.explain(w.root, `{"user":"ann@acme.com","document_id":"salaries"}`); out.Deciding.Kind != "clauses" {
		t.Errorf("who needs none: %+v", out)
	}
	if out, _ := w.explain(w.root, `{"user":"bob@acme.com","document_id":"travel"}`); out.Deciding.Kind != "clauses" {
		t.Errorf("a document of another source: %+v", out)
	}
	off := w.bob.account
	off.Disabled = true
	w.m.Add(off)
	if out, _ := w.explain(w.root, `{"user":"bob@acme.com","document_id":"salaries"}`); out.Allowed || out.Deciding.Kind != "disabled" {
		t.Errorf("disabled: %+v", out)
	}
}

// The log is handed the grants of whoever asks, so that it can tell of their use.
func TestEventsCarryGrants(t *testing.T) {
	w := newWorld(t)
	w.m.SetGrants(w.ann.account.ID, "g1", "g2")
	for _, got := range []replied{
		w.call(w.ann, "POST", "/api/v1/search", `{"query":"Meals"}`), w.call(w.ann, "GET", "/api/v1/documents/salaries", ""),
	} {
		for _, e := range w.requested(got) {
			if len(e.Grants) != 2 || len(e.Documents) == 0 {
				t.Errorf("%+v", e)
			}
		}
	}
	for _, e := range w.requested(w.call(w.bob, "POST", "/api/v1/search", `{"query":"Meals"}`)) {
		if len(e.Grants) != 0 {
			t.Errorf("who holds none: %+v", e)
		}
	}
}

// The log names what an answer was made from, cited or not: the use of a grant is not
// hidden by an answer that does not cite what it covers.
func TestAnswersAreLoggedWithTheirEvidence(t *testing.T) {
	w := newWorld(t)
	w.m.SetGrants(w.ann.account.ID, "g1")
	w.m.conversations = append(w.m.conversations, cairn.Conversation{ID: "c7", Account: w.ann.account.ID})
	for _, withheld := range []bool{false, true} {
		w.m.messages = append(w.m.messages, cairn.Message{ID: fmt.Sprintf("m-%t", withheld), Conversation: "c7", Withheld: withheld,
			Answer: cairn.Answer{State: cairn.MessageComplete, Outcome: cairn.OutcomeAnswered, Evidence: []cairn.DocumentID{"travel", "salaries"}}})
	}
	shown := 0
	for _, m := range w.m.messages {
		for _, e := range w.requested(w.call(w.ann, "GET", "/api/v1/messages/"+m.ID, "")) {
			if e.Outcome != "ok" {
				continue
			}
			shown++
			if !m.Withheld && !slices.Contains(e.Documents, "salaries") || m.Withheld && len(e.Documents) > 0 {
				t.Errorf("%+v of %+v", e, m)
			}
		}
	}
	if shown == 0 {
		t.Error("no answer was shown")
	}
}
