package api

import (
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

func (w *world) explain(who actor, body string) (explained, replied) {
	w.Helper()
	got := w.call(who, "POST", "/api/v1/access/explain", body)
	var out explained
	if got.status == 200 {
		got.into(w.T, &out)
	}
	return out, got
}

func TestExplainAccess(t *testing.T) {
	w := newWorld(t)
	two := cairn.ACL{Allow: [][]cairn.PrincipalKey{{"group:cairn:finance", "group:okta:board"}, {cairn.Everyone}}}
	both := two
	both.Deny = []cairn.PrincipalKey{"user:ann@acme.com"}
	for id, acl := range map[cairn.DocumentID]cairn.ACL{
		"two": two, "denied": both, "nobody": {}, "empty": {Allow: [][]cairn.PrincipalKey{{}}},
	} {
		w.m.documents = append(w.m.documents, StoredDocument{SourceName: "secrets", State: cairn.CitationCurrent, Document: cairn.Document{
			ID: id, Source: "s2", Title: "Quarterly zebra", Body: []byte("zebra"), ACL: acl,
		}})
	}
	cases := []struct {
		user, document string
		allowed        bool
		kind, reason   string
		clause         int
	}{
		{"ann@acme.com", "two", true, "clauses", "ann@acme.com may: group:cairn:finance, everyone meets all 2 clauses.", -1},
		{"bob@acme.com", "two", false, "clause", "bob@acme.com may not: clause 1 of 2 asks for one of group:cairn:finance, group:okta:board, and bob@acme.com holds none of them.", 0},
		{"ann@acme.com", "denied", false, "deny", "ann@acme.com may not: user:ann@acme.com is denied, which wins over all clauses.", -1},
		{"ann@acme.com", "nobody", false, "nobody", "Nobody may: the document's permissions admit nobody, or are not known.", -1},
		{"ann@acme.com", "empty", false, "clause", "Nobody may: clause 1 of 1 names nobody.", 0},
		{"bob@acme.com", "travel", true, "clauses", "bob@acme.com may: everyone meets the one clause.", -1},
		{"root@acme.com", "salaries", false, "clause", "root@acme.com may not: clause 1 of 1 asks for one of group:cairn:finance, and root@acme.com holds none of them.", 0},
	}
	for _, c := range cases {
		for _, who := range []actor{w.stranger, w.root} { // the administrator and the auditor
			out, raw := w.explain(who, `{"user":"`+c.user+`","document_id":"`+c.document+`"}`)
			if out.Allowed != c.allowed || out.Deciding.Kind != c.kind || out.Reason != c.reason || (out.Deciding.Clause != nil) != (c.clause >= 0) {
				t.Errorf("%s, %s: %+v", c.user, c.document, out)
			}
			if out.Deciding.Clause != nil && *out.Deciding.Clause != c.clause {
				t.Errorf("%s, %s: clause %d", c.user, c.document, *out.Deciding.Clause)
			}
			if strings.Contains(strings.ToLower(string(raw.body)), "zebra") {
				t.Errorf("the explanation tells what is in the document: %s", raw.body)
			}
		}
	}
	ann, _ := w.explain(w.root, `{"user":"ann@acme.com","document_id":"two"}`)
	if len(ann.Keys) != 4 || ann.Keys[2].Key != "group:cairn:finance" || ann.Keys[2].Directory != "cairn" || len(ann.Keys[2].Path) != 1 || ann.Keys[1].From != "address" {
		t.Errorf("keys: %+v", ann.Keys)
	}
	w.m.withheld = "two"
	if out, _ := w.explain(w.root, `{"user":"ann@acme.com","document_id":"two"}`); out.Allowed || out.Deciding.Kind != "withheld" || len(out.ACL.Allow) != 2 {
		t.Errorf("withheld: %+v", out)
	}
	if _, raw := w.explain(w.ann, `{"document_id":"two"}`); raw.status != 404 {
		t.Errorf("withheld, and a member learns %s", raw.body)
	}
	w.m.withheld = ""
	off := w.ann.account
	off.Disabled = true
	w.m.Add(off)
	if out, _ := w.explain(w.root, `{"user":"ann@acme.com","document_id":"two"}`); out.Allowed || out.Deciding.Kind != "disabled" {
		t.Errorf("disabled: %+v", out)
	}
}

// Members ask about themselves and what they may read; of all else they learn
// nothing, and of that not who else may.
func TestMembersExplainTheirOwnAccess(t *testing.T) {
	w := newWorld(t)
	w.m.documents[3].ACL = cairn.Allow("group:cairn:finance", "user:ceo@acme.com")
	out, raw := w.explain(w.ann, `{"document_id":"salaries"}`)
	if !out.Allowed || out.User.ID != w.ann.account.ID || strings.Contains(string(raw.body), "ceo") {
		t.Errorf("own: %s", raw.body)
	}
	for _, self := range []string{"ann@acme.com", "ANN@acme.com", string(w.ann.account.ID)} {
		if _, got := w.explain(w.ann, `{"user":"`+self+`","document_id":"salaries"}`); got.status != 200 {
			t.Errorf("%s: %d", self, got.status)
		}
	}
	_, forbidden := w.explain(w.bob, `{"document_id":"salaries"}`)
	_, missing := w.explain(w.bob, `{"document_id":"nope"}`)
	if forbidden.status != 404 || string(forbidden.body) != string(missing.body) {
		t.Errorf("forbidden: %d %s; missing: %s", forbidden.status, forbidden.body, missing.body)
	}
	_, other := w.explain(w.bob, `{"user":"ann@acme.com","document_id":"travel"}`)
	_, unknown := w.explain(w.bob, `{"user":"nobody@acme.com","document_id":"travel"}`)
	if other.status != 403 || string(other.body) != string(unknown.body) {
		t.Errorf("others: %d %s; unknown: %s", other.status, other.body, unknown.body)
	}
	// A token that was made for reading makes no auditor of an administrator.
	narrow := actor{w.root.account, w.m.Token(w.root.account.ID, time.Now(), cairn.ScopeRead)}
	if _, got := w.explain(narrow, `{"user":"ann@acme.com","document_id":"travel"}`); got.status != 403 {
		t.Errorf("scope read: %d", got.status)
	}
}

// Who runs a source is told since when and why its permissions are not fresh; who reads
// it, since when.
func TestDegradedIsTold(t *testing.T) {
	w := newWorld(t)
	since := time.Date(2026, 11, 29, 9, 30, 0, 0, time.UTC)
	w.m.degraded = &Degraded{Since: since, Reason: "The site is away."}
	var got source
	w.call(w.root, "GET", "/api/v1/sources/handbook", "").into(t, &got)
	if got.Degraded == nil || !got.Degraded.Since.Equal(since) || got.Degraded.Reason != "The site is away." || !got.Synced.Equal(since.Add(-time.Minute)) {
		t.Errorf("%+v", got)
	}
	if out, _ := w.explain(w.root, `{"user":"ann@acme.com","document_id":"salaries"}`); !out.Freshness.Degraded || !out.Freshness.Since.Equal(since) || out.Freshness.Problem != "The site is away." {
		t.Errorf("%+v", out.Freshness)
	}
	if out, raw := w.explain(w.ann, `{"document_id":"salaries"}`); !out.Freshness.Degraded || strings.Contains(string(raw.body), "away") {
		t.Errorf("%s", raw.body)
	}
	w.m.degraded = nil
	if raw := w.call(w.root, "GET", "/api/v1/sources/handbook", ""); strings.Contains(string(raw.body), "degraded") || strings.Contains(string(raw.body), "synced") {
		t.Errorf("%s", raw.body)
	}
}

// TestAdministratorsReadNoDocuments sends an administrator and an auditor, with
// every right that their roles have, through all routes: nothing that they get
// holds a word of what they are not admitted to.
func TestAdministratorsReadNoDocuments(t *testing.T) {
	const canary = "qvzjxkwpthmbnrdl"
	for _, r := range New(Config{}).Routes() {
		name := routeName(r.Method, r.Path)
		if r.Public {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.asker.script = answered
			for i, d := range w.m.documents {
				w.m.documents[i].Title = canary + " " + d.Title
				w.m.documents[i].Body = append([]byte(canary+" "), d.Body...)
				w.m.documents[i].ACL = cairn.Allow("group:cairn:finance")
			}
			for _, who := range []actor{w.stranger, w.root} {
				for _, got := range []replied{w.attempt(who, name), w.call(who, "POST", "/api/v1/search", `{"query":"`+canary+`"}`)} {
					if strings.Contains(string(got.body), canary) {
						t.Errorf("%s reads %s", who.account.Role, got.body)
					}
				}
			}
			if got := w.call(w.ann, "GET", "/api/v1/documents/travel", ""); !strings.Contains(string(got.body), canary) && r.Method != "DELETE" {
				t.Errorf("who may read it does not: %s", got.body)
			}
		})
	}
}
