package scim_test

import (
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
)

// TestEntraUsers goes through what Microsoft Entra ID's provisioning does for a
// person, with requests shaped as its documentation describes them: extensions that
// Cairn does not keep, operations with capital letters, dotted names without a path,
// filters in paths, and truth as text.
func TestEntraUsers(t *testing.T) {
	w := newWorld(t)
	const external = "58342554-38d6-4ec8-948c-50044d0a33fd"
	if r := w.want(200, "GET", `/Users?filter=externalId+eq+%22`+external+`%22`, ""); r.body["totalResults"] != 0.0 {
		t.Errorf("nobody yet: %s", r.raw)
	}
	made := w.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"`+external+`","userName":"Test_User_dd@acme.test",
		"active":true,"displayName":"lennay","addresses":[],
		"emails":[{"type":"work","primary":true,"value":"anna33@gmail.test"}],
		"meta":{"resourceType":"User"},
		"name":{"formatted":"Adrienne McNally","familyName":"McNally","givenName":"Adrienne"},
		"phoneNumbers":[{"type":"mobile","value":"6-6-6"}],"roles":[],"title":"Engineer",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"bob","manager":{"value":"1"}}}`)
	id := made.id()
	changed := w.want(200, "PATCH", "/Users/"+id, patch(`
		{"op":"Replace","path":"emails[type eq \"work\"].value","value":"updatedEmail@acme.test"},
		{"op":"Replace","path":"name.familyName","value":"Updated"},
		{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"2"},
		{"op":"Add","path":"addresses[type eq \"work\"].streetAddress","value":"1 Main St"},
		{"op":"Replace","value":{"displayName":"Adrienne","name.givenName":"Addie",
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"x"}}`))
	name, _ := changed.body["name"].(map[string]any)
	if changed.body["displayName"] != "Adrienne" || name["familyName"] != "Updated" || name["givenName"] != "Addie" {
		t.Errorf("changed: %s", changed.raw)
	}
	account, err := w.db.AccountByEmail(t.Context(), "updatedemail@acme.test")
	if err != nil || string(account.ID) != id || account.Name != "Adrienne" {
		t.Errorf("account: %+v, %v", account, err)
	}
	if r := w.want(200, "GET", `/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22UpdatedEmail@acme.test%22`, ""); r.body["totalResults"] != 1.0 {
		t.Errorf("by address: %s", r.raw)
	}
	renamed := w.want(200, "PATCH", "/Users/"+id, patch(`{"op":"Replace","path":"userName","value":"5b50642d@acme.test"}`))
	if renamed.body["userName"] != "5b50642d@acme.test" {
		t.Errorf("renamed: %s", renamed.raw)
	}
	for _, value := range []string{`"False"`, `"True"`, `false`, `true`} {
		r := w.want(200, "PATCH", "/Users/"+id, patch(`{"op":"Replace","path":"active","value":`+value+`}`))
		if got := r.body["active"]; got != strings.Contains(strings.ToLower(value), "true") {
			t.Errorf("active %s: %v", value, got)
		}
		// A user that is off is found, and told to be.
		r = w.want(200, "GET", `/Users?filter=userName+eq+%225b50642d@acme.test%22+and+active+eq+`+strings.Trim(value, `"`), "")
		if r.body["totalResults"] != 1.0 {
			t.Errorf("active %s: %s", value, r.raw)
		}
	}
	w.want(204, "DELETE", "/Users/"+id, "")
	w.want(404, "GET", "/Users/"+id, "")
	w.want(404, "DELETE", "/Users/"+id, "")
}

// TestEntraGroups: groups are looked up without their members; members are added
// and removed by values, and asked for one by one.
func TestEntraGroups(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann@acme.test"), w.user("ben@acme.test")
	made := w.want(201, "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",
		"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0",
		"displayName":"displayName","meta":{"resourceType":"Group"}}`)
	id := made.id()
	r := w.want(200, "GET", `/Groups?excludedAttributes=members&filter=displayName+eq+%22DisplayName%22`, "")
	if r.body["totalResults"] != 1.0 || strings.Contains(r.raw, "members") {
		t.Errorf("by name: %s", r.raw)
	}
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+ann+`"},{"$ref":null,"value":"`+ben+`"}]}`))
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"`+ann+`"}]}`))
	r = w.want(200, "GET", "/Groups/"+id, "")
	if members, _ := r.body["members"].([]any); len(members) != 1 || !strings.Contains(r.raw, ben) {
		t.Errorf("a removal by value took more than that member: %s", r.raw)
	}
	if r = w.want(200, "GET", "/Groups/"+id+"?excludedAttributes=members", ""); strings.Contains(r.raw, "members") {
		t.Errorf("members are not wanted: %s", r.raw)
	}
	for member, want := range map[string]float64{ann: 0, ben: 1} {
		r = w.want(200, "GET", `/Groups?filter=id+eq+%22`+id+`%22+and+members+eq+%22`+member+`%22`, "")
		if r.body["totalResults"] != want {
			t.Errorf("membership: %s, want %v", r.raw, want)
		}
	}
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"Replace","path":"displayName","value":"1879db59"}`))
	r = w.want(200, "GET", "/Groups/"+id, "")
	if r.body["displayName"] != "1879db59" || r.body["externalId"] != "8aa1a0c0" {
		t.Errorf("renamed: %s", r.raw)
	}
	token := w.newToken(cairn.AccountID(ben), cairn.ScopeRead)
	if p := w.principals(token); !strings.Contains(p, `"group:scim:1879db59"`) {
		t.Errorf("principals: %s", p)
	}
	w.want(204, "PATCH", "/Groups/"+id, patch(`{"op":"Remove","path":"members"}`))
	if p := w.principals(token); strings.Contains(p, "group:") {
		t.Errorf("principals: %s", p)
	}
}
