package api

import (
	"context"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
)

func TestEraseDocuments(t *testing.T) {
	w := newWorld(t)
	buried := 0
	w.api.Erased = func(context.Context) { buried++ }

	// Who may read a document may not erase it, and who may not gets the same.
	for _, who := range []actor{w.ann, w.bob, w.stranger} {
		got, missing := w.call(who, "DELETE", "/api/v1/documents/salaries", ""), w.call(who, "DELETE", "/api/v1/documents/nope", "")
		if got.status != 404 || string(got.body) != string(missing.body) {
			t.Errorf("%s: %d %s; missing: %s", who.account.Email, got.status, got.body, missing.body)
		}
	}
	// A token of an administrator for pushing is none for what connectors read.
	narrow := actor{w.root.account, w.m.Token(w.root.account.ID, w.api.Now(), cairn.ScopeWrite)}
	if got := w.call(narrow, "DELETE", "/api/v1/documents/salaries", ""); got.status != 404 {
		t.Errorf("scope write: %d %s", got.status, got.body)
	}
	// An administrator erases what he may not read.
	var e erasure
	got := w.call(w.root, "DELETE", "/api/v1/documents/salaries", "")
	if got.into(t, &e); got.status != 200 || e.Kind != cairn.ErasedDocument || e.Subject != "salaries" || e.By != w.root.account.ID || !e.KeptOut {
		t.Errorf("%d %+v", got.status, e)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/documents/salaries", ""); got.status != 404 {
		t.Errorf("again: %d %s", got.status, got.body)
	}
	// The writers of a source erase what they push, and it may be pushed again.
	var pushed pushResponse
	w.call(w.ann, "PUT", "/api/v1/sources/inbox/documents?id=a", `{"title":"A","text":"b"}`).into(t, &pushed)
	if got := w.call(w.bob, "DELETE", "/api/v1/documents/"+string(pushed.ID), ""); got.status != 404 {
		t.Errorf("no writer: %d %s", got.status, got.body)
	}
	e = erasure{}
	got = w.call(w.ann, "DELETE", "/api/v1/documents/"+string(pushed.ID), "")
	if got.into(t, &e); got.status != 200 || e.KeptOut || e.By != w.ann.account.ID {
		t.Errorf("%d %+v", got.status, e)
	}
	if buried != 2 {
		t.Errorf("tombstones were kept %d times, want 2", buried)
	}
}

func TestReceipts(t *testing.T) {
	w := newWorld(t)
	var e erasure
	got := w.call(w.root, "DELETE", "/api/v1/sources/secrets", "")
	if got.into(t, &e); got.status != 200 || e.Kind != cairn.ErasedSource || e.Subject != "s2" || e.Counts["sources"] != 1 {
		t.Errorf("%d %+v", got.status, e)
	}
	got = w.call(w.root, "DELETE", "/api/v1/users/bob@acme.com", "")
	if got.into(t, &e); got.status != 200 || e.Kind != cairn.ErasedAccount || e.Subject != string(w.bob.account.ID) {
		t.Errorf("%d %+v", got.status, e)
	}
	if strings.Contains(string(got.body), "bob") {
		t.Errorf("a receipt names the person: %s", got.body)
	}
	if got := w.call(w.root, "DELETE", "/api/v1/users/root@acme.com", ""); got.status != 409 {
		t.Errorf("the last administrator: %d %s", got.status, got.body)
	}
	var list struct{ Erasures []erasure }
	w.call(w.stranger, "GET", "/api/v1/erasures", "").into(t, &list)
	if len(list.Erasures) != 3 {
		t.Errorf("an auditor sees %+v", list.Erasures)
	}
	if got := w.call(w.root, "POST", "/api/v1/erasures/nope/lift", ""); got.status != 404 {
		t.Errorf("lift what is not there: %d", got.status)
	}
}
