package scim_test

import (
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
)

// TestOktaUsers goes through what Okta does for a person, with requests shaped as
// its documentation of SCIM 2.0 describes them: look up by user name, create, read,
// replace, deactivate by a PATCH without a path, activate again.
func TestOktaUsers(t *testing.T) {
	w := newWorld(t)
	none := w.want(200, "GET", `/Users?filter=userName%20eq%20%22ben.vo%40acme.test%22&startIndex=1&count=100`, "")
	if none.body["totalResults"] != 0.0 || !strings.Contains(none.raw, `"Resources":[]`) {
		t.Errorf("nobody yet: %s", none.raw)
	}
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Ben.Vo@acme.test",
		"name":{"givenName":"Ben","familyName":"Vo"},
		"emails":[{"primary":true,"value":"ben.vo@acme.test","type":"work"}],
		"displayName":"Ben Vo","locale":"en-US","externalId":"00uk1f9x","groups":[],"password":"s3cret-%$","active":true}`
	made := w.want(201, "POST", "/Users", body)
	id := made.id()
	if made.header.Get("Location") != "https://cairn.test/scim/v2/Users/"+id || made.header.Get("Content-Type") != "application/scim+json" {
		t.Errorf("headers: %v", made.header)
	}
	if made.body["userName"] != "Ben.Vo@acme.test" || made.body["active"] != true || made.body["externalId"] != "00uk1f9x" || strings.Contains(made.raw, "s3cret") {
		t.Errorf("created: %s", made.raw)
	}
	found := w.want(200, "GET", `/Users?filter=userName%20eq%20%22BEN.VO%40acme.test%22`, "")
	if found.body["totalResults"] != 1.0 || !strings.Contains(found.raw, id) {
		t.Errorf("found: %s", found.raw)
	}
	put := w.want(200, "PUT", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+id+`",
		"userName":"ben.vo@acme.test","name":{"givenName":"Benjamin","familyName":"Vo"},
		"emails":[{"primary":true,"value":"benjamin@acme.test","type":"work"}],"displayName":"Benjamin Vo",
		"active":true,"meta":{"resourceType":"User"}}`)
	if put.body["displayName"] != "Benjamin Vo" || put.body["externalId"] != "00uk1f9x" {
		t.Errorf("replaced: %s", put.raw)
	}
	account, err := w.db.AccountByEmail(t.Context(), "benjamin@acme.test")
	if err != nil || string(account.ID) != id || account.Role != cairn.RoleMember {
		t.Errorf("account: %+v, %v", account, err)
	}
	token := w.newToken(account.ID, cairn.ScopeRead)
	if p := w.principals(token); !strings.Contains(p, `"user:benjamin@acme.test"`) {
		t.Errorf("principals: %s", p)
	}
	off := w.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","value":{"active":false}}`))
	if off.body["active"] != false {
		t.Errorf("deactivated: %s", off.raw)
	}
	if r := w.as(token, "GET", "/api/v1/me", ""); r.status != 401 {
		t.Errorf("the token of a deactivated user: %d", r.status)
	}
	w.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","value":{"active":true}}`))
	if r := w.as(token, "GET", "/api/v1/me", ""); r.status != 200 {
		t.Errorf("active again: %d", r.status)
	}
}

// TestOktaGroups: push a group, replace its members, add and remove single ones by
// a filter in the path, rename it by a value with its id, delete it.
func TestOktaGroups(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann@acme.test"), w.user("ben@acme.test")
	annsToken, bensToken := w.newToken(cairn.AccountID(ann), cairn.ScopeRead), w.newToken(cairn.AccountID(ben), cairn.ScopeRead)
	made := w.want(201, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"All Engineers",
		"members":[{"value":"`+ann+`","display":"ann@acme.test"}]}`)
	id := made.id()
	in := func(token, group string) bool { return strings.Contains(w.principals(token), `"group:scim:`+group+`"`) }
	if !in(annsToken, "All Engineers") || in(bensToken, "All Engineers") {
		t.Errorf("after the push: %s", made.raw)
	}
	r := w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"replace","path":"members","value":[{"value":"`+ben+`","display":"ben@acme.test"}]}`))
	if r.header.Get("ETag") == made.header.Get("ETag") || in(annsToken, "All Engineers") || !in(bensToken, "All Engineers") {
		t.Error("the members were not replaced")
	}
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"add","path":"members","value":[{"value":"`+ann+`"}]},{"op":"remove","path":"members[value eq \"`+ben+`\"]"}`))
	if !in(annsToken, "All Engineers") || in(bensToken, "All Engineers") {
		t.Error("one in, one out")
	}
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"replace","value":{"id":"`+id+`","displayName":"Engineers"}}`))
	if in(annsToken, "All Engineers") || !in(annsToken, "Engineers") {
		t.Error("after the change of name")
	}
	w.want(204, "DELETE", "/Groups/"+id, "")
	if in(annsToken, "Engineers") {
		t.Error("the group is deleted and still held")
	}
	w.want(404, "GET", "/Groups/"+id, "")
}
