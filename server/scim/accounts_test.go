package scim_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// aHash is one of a password.
const aHash = "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"

// withPassword gives an account a password.
func (w *world) withPassword(a cairn.Account) cairn.Account {
	w.Helper()
	if err := w.db.SetPassword(w.Context(), a.ID, "", aHash, auth.Hash{}); err != nil {
		w.Fatal(err)
	}
	return a
}

// signsIn reports whether an account signs in with its password.
func (w *world) signsIn(a cairn.Account) bool {
	w.Helper()
	id, _, err := w.db.PasswordByEmail(w.Context(), a.Email)
	if err != nil && !errors.Is(err, cairn.ErrNotFound) {
		w.Fatal(err)
	}
	return id == a.ID
}

// TestWhatMakesAnAccountTheProviders: the user name or the id there, and nothing that is
// changed beside them, takes a password away.
func TestWhatMakesAnAccountTheProviders(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		method, body string
		theirs       bool
	}{
		"name":         {"PATCH", patch(`{"op":"replace","path":"displayName","value":"Ann"}`), false},
		"deactivated":  {"PATCH", patch(`{"op":"replace","path":"active","value":false}`), false},
		"put":          {"PUT", `{"displayName":"Ann","active":true}`, false},
		"address":      {"PATCH", patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"ADDRESS"}`), false},
		"user name":    {"PATCH", patch(`{"op":"replace","path":"userName","value":"ADDRESS"}`), true},
		"without path": {"PATCH", patch(`{"op":"replace","value":{"userName":"ADDRESS"}}`), true},
		"put name":     {"PUT", `{"userName":"ADDRESS"}`, true},
		"external id":  {"PATCH", patch(`{"op":"add","path":"externalId","value":"7"}`), true},
	} {
		ann := w.withPassword(w.account(strings.ReplaceAll(name, " ", "-")+"@acme.test", cairn.RoleMember))
		w.want(200, c.method, "/Users/"+string(ann.ID), strings.ReplaceAll(c.body, "ADDRESS", ann.Email))
		if name == "deactivated" {
			w.want(200, "PATCH", "/Users/"+string(ann.ID), patch(`{"op":"replace","path":"active","value":true}`))
		}
		if w.signsIn(ann) == c.theirs {
			t.Errorf("%s: signs in with the password %v", name, !c.theirs)
		}
		r := w.want(200, "GET", "/Users/"+string(ann.ID), "")
		if r.body["userName"] != ann.Email {
			t.Errorf("%s: %s", name, r.raw)
		}
	}
}

// TestAdministratorsKeepTheirPasswords: a provider takes none away, so that the last
// administrator does not lose the only way in; and it still shuts out who leaves.
func TestAdministratorsKeepTheirPasswords(t *testing.T) {
	w := newWorld(t)
	root, eve := w.withPassword(w.admin), w.withPassword(w.account("eve@acme.test", cairn.RoleAdmin))
	for _, c := range []struct{ method, body string }{
		{"PATCH", patch(`{"op":"add","path":"externalId","value":"7"}`)}, {"PUT", `{"userName":"root@acme.test","active":true}`},
	} {
		if r := w.want(403, c.method, "/Users/"+string(root.ID), c.body); !strings.Contains(r.raw, "cairn user reset") {
			t.Errorf("refused without saying what to do: %s", r.raw)
		}
	}
	w.want(200, "PATCH", "/Users/"+string(root.ID), patch(`{"op":"replace","path":"displayName","value":"Root"}`))
	if !w.signsIn(root) {
		t.Error("the administrator has lost the password")
	}
	w.want(200, "PUT", "/Users/"+string(eve.ID), `{"userName":"eve@acme.test","externalId":"8","active":false}`)
	if a, err := w.db.AccountByID(t.Context(), eve.ID); err != nil || !a.Disabled {
		t.Errorf("an administrator who leaves: %+v, %v", a, err)
	}
	w.want(403, "PUT", "/Users/"+string(root.ID), `{"userName":"root@acme.test","active":false}`) // the last one
	if err := w.db.RemovePassword(t.Context(), root.ID); err != nil {
		t.Fatal(err)
	}
	w.want(200, "PATCH", "/Users/"+string(root.ID), patch(`{"op":"add","path":"externalId","value":"7"}`))
	// From then on it is the provider's like others.
	w.want(200, "PUT", "/Users/"+string(root.ID), `{"userName":"root@acme.test","active":true}`)
	if err := w.db.SetPassword(t.Context(), root.ID, "", aHash, auth.Hash{}); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("a password for a provider's account: %v", err)
	}
}

// TestDeletedUsersAreErased: with what was private to them and all that they asked; there
// is a receipt, and who comes after them has nothing of it.
func TestDeletedUsersAreErased(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	kept := 0
	w.erased = func(context.Context) { kept++ }
	ann := cairn.AccountID(w.user("ann@acme.test"))
	private, err := w.db.CreateSource(ctx, cairn.Source{
		Name: "diary", Kind: "push", ACLMode: cairn.ACLDeclared, Owner: ann, ACL: cairn.Allow(cairn.AccountKey(ann), cairn.UserKey("ann@acme.test")),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.db.Worker().Exec(ctx, `INSERT INTO conversations (id, account_id, title) VALUES ('c', $1, 'what she asked')`, ann)
	if err != nil {
		t.Fatal(err)
	}
	token := w.newToken(ann, cairn.ScopeRead)
	group := w.want(201, "POST", "/Groups", `{"displayName":"g","members":[{"value":"`+string(ann)+`"}]}`)

	w.want(412, "DELETE", "/Users/"+string(ann), "", "If-Match", `W/"77"`)
	w.want(204, "DELETE", "/Users/"+string(ann), "")
	w.want(404, "GET", "/Users/"+string(ann), "")
	w.want(404, "DELETE", "/Users/"+string(ann), "")
	if kept != 1 {
		t.Errorf("the ids of what was erased were kept outside of the database %d times", kept)
	}
	receipts, _, err := w.db.ListErasures(ctx, api.Page{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	if len(receipts) != 1 || receipts[0].Kind != cairn.ErasedAccount || receipts[0].Subject != string(ann) || receipts[0].By != w.admin.ID {
		t.Fatalf("receipts %+v", receipts)
	}
	for table, want := range map[string]int{"accounts": 1, "conversations": 1, "tokens": 1, "sources": 1, "group_members": 1} {
		if got := receipts[0].Counts[table]; got != want {
			t.Errorf("%d of %s, want %d", got, table, want)
		}
	}
	if _, err := w.db.SourceNamed(ctx, private.Name); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("her private source: %v", err)
	}
	if r := w.as(token, "GET", "/api/v1/me", ""); r.status != http.StatusUnauthorized {
		t.Errorf("her token: %d", r.status)
	}
	if r := w.want(200, "GET", "/Groups/"+group.id(), ""); r.header.Get("ETag") == group.header.Get("ETag") {
		t.Error("the group has lost a member and has the same version")
	}

	again := cairn.AccountID(w.user("ann@acme.test"))
	if again == ann {
		t.Error("an id is used again")
	}
	viewer := cairn.Viewer{Account: again, Keys: []cairn.PrincipalKey{cairn.AccountKey(again), cairn.UserKey("ann@acme.test"), cairn.Everyone}}
	if list, _, err := w.db.ListConversations(ctx, viewer, api.Page{Limit: 5}); err != nil || len(list) > 0 {
		t.Errorf("conversations of before: %v, %v", list, err)
	}
	if names, _, err := w.db.ReadableSources(ctx, viewer, api.Page{Limit: 5}); err != nil || len(names) > 0 {
		t.Errorf("sources of before: %v, %v", names, err)
	}
}

// TestA12_11_LookAlikesAreNotTakenOver: letters that have those of ASCII as their small
// form are letters of their own, in addresses, user names and names of groups.
func TestA12_11_LookAlikesAreNotTakenOver(t *testing.T) {
	w := newWorld(t)
	kim := w.account("kim@acme.test", cairn.RoleMember)
	group := w.want(201, "POST", "/Groups", `{"displayName":"Kings"}`).id()
	find := func(path, filter string) replied {
		t.Helper()
		return w.want(200, "GET", path+"?filter="+url.QueryEscape(filter), "")
	}
	for _, c := range []struct{ path, same, other string }{
		{"/Users", `userName eq "KIM@acme.test"`, "userName eq \"\u212aim@acme.test\""},
		{"/Users", `emails.value eq "KIM@acme.test"`, "emails.value eq \"\u212aim@acme.test\""},
		{"/Users", `userName eq "kIm@acme.test"`, "userName eq \"k\u0130m@acme.test\""},
		{"/Groups", `displayName eq "kings"`, "displayName eq \"\u212aings\""},
		{"/Groups", `displayName eq "KINGS"`, "displayName eq \"K\u0130ngs\""},
	} {
		if r := find(c.path, c.same); r.body["totalResults"] != 1.0 {
			t.Errorf("%s: %s", c.same, r.raw)
		}
		if r := find(c.path, c.other); r.body["totalResults"] != 0.0 {
			t.Errorf("%s: %s", c.other, r.raw)
		}
	}
	if r := w.want(400, "POST", "/Users", "{\"userName\":\"\u212aim@acme.test\"}"); r.body["scimType"] != "invalidValue" {
		t.Error(r.raw)
	}
	w.want(400, "PATCH", "/Users/"+string(kim.ID), patch("{\"op\":\"replace\",\"path\":\"emails\",\"value\":[{\"value\":\"\u212aim@acme.test\"}]}"))
	// Names of their own do not stand in the way of others, and are found.
	if other := w.want(201, "POST", "/Groups", "{\"displayName\":\"\u212aings\"}").id(); other == group {
		t.Error("one group for two names")
	}
	w.want(409, "POST", "/Groups", `{"displayName":"KINGS"}`)
	made := w.want(201, "POST", "/Users", "{\"userName\":\"\u212aim@acme.test\",\"emails\":[{\"value\":\"other@acme.test\"}]}")
	if r := find("/Users", "userName eq \"\u212aim@acme.test\""); r.body["totalResults"] != 1.0 || !strings.Contains(r.raw, made.id()) {
		t.Error(r.raw)
	}
	w.want(409, "POST", "/Users", `{"userName":"KIM@acme.test"}`)
}

// TestAdministratorsDisableForGood: whom an administrator here has disabled no provider
// enables, until an administrator does.
func TestAdministratorsDisableForGood(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ method, body string }{
		"put":   {"PUT", `{"userName":"USER","active":true}`},
		"patch": {"PATCH", patch(`{"op":"replace","path":"active","value":true}`)},
	} {
		ann := w.account(name+"@acme.test", cairn.RoleMember)
		path, body := "/Users/"+string(ann.ID), strings.ReplaceAll(c.body, "USER", ann.Email)
		disable := func(off bool) {
			t.Helper()
			_, err := w.db.UpdateAccount(t.Context(), ann.ID, func(a *cairn.Account) error { a.Disabled = off; return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		disabled := func() bool {
			t.Helper()
			a, err := w.db.AccountByID(t.Context(), ann.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a.Disabled
		}
		disable(true)
		if r := w.want(200, c.method, path, body); r.body["active"] != false || !disabled() {
			t.Errorf("%s: the provider enables whom an administrator has disabled: %s", name, r.raw)
		}
		disable(false)
		w.want(200, "PATCH", path, patch(`{"op":"replace","path":"active","value":false}`))
		if w.want(200, c.method, path, body); disabled() {
			t.Errorf("%s: the provider does not enable whom it has deactivated", name)
		}
	}
}
