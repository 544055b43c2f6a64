package scim

import (
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFilter(t *testing.T) {
	cases := []struct {
		filter string
		want   []comparison
	}{
		{`userName eq "ann@acme.test"`, []comparison{{"username", "ann@acme.test"}}},
		{`USERNAME Eq "Ann \"x\" \u00fc"`, []comparison{{"username", `Ann "x" ü`}}},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"`, []comparison{{"username", "a"}}},
		{`externalId eq "1" and active eq true`, []comparison{{"externalid", "1"}, {"active", true}}},
		{`(externalId eq "1") and (active eq False)`, []comparison{{"externalid", "1"}, {"active", false}}},
		{`emails[type eq "work"].value eq "a@b"`, []comparison{{"emails.type", "work"}, {"emails.value", "a@b"}}},
		{`emails[type eq "work" and value eq "a@b"]`, []comparison{{"emails.type", "work"}, {"emails.value", "a@b"}}},
		{`id eq "g" and members eq "u"`, []comparison{{"id", "g"}, {"members", "u"}}},
		{`name.familyName eq "Vo"`, []comparison{{"name.familyname", "Vo"}}},
		{`manager eq null`, []comparison{{"manager", nil}}},
		{`  displayName   eq   "x y"  `, []comparison{{"displayname", "x y"}}},
	}
	for _, c := range cases {
		got, err := parseFilter(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(comparison{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.filter, d)
		}
	}
	for _, filter := range []string{
		`userName`, `userName eq`, `userName eq ann`, `userName eq "ann`, `userName eq "ann\`, `userName sw "a"`, `userName eq "a" or id eq "b"`,
		`not (userName eq "a")`, `(userName eq "a"`, `userName eq "a")`, `emails[type eq "work"`, `emails[type[a eq 1] eq "work"]`,
		`userName eq "a" and`, `userName eq "a" "b"`, `eq "a"`, `userName eq "\u0000"`, `userName pr`, `[a eq 1]`, `1 eq 1`, `a. eq 1`,
		strings.Repeat("(", 100) + `a eq 1` + strings.Repeat(")", 100), `a eq "` + strings.Repeat("x", 5000) + `"`,
	} {
		_, err := parseFilter(filter)
		var f *fault
		if !errors.As(err, &f) || f.scimType != "invalidFilter" || f.status != 400 {
			t.Errorf("%.80s: %v", filter, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	cases := map[string]path{
		"active":                                              {attribute: "active"},
		"name.familyName":                                     {attribute: "name", sub: "familyname"},
		`members[value eq "2819c223"]`:                        {attribute: "members", filter: []comparison{{"members.value", "2819c223"}}},
		`emails[type eq "work"].value`:                        {attribute: "emails", filter: []comparison{{"emails.type", "work"}}, sub: "value"},
		`addresses[primary eq true].region`:                   {attribute: "addresses", filter: []comparison{{"addresses.primary", true}}, sub: "region"},
		"urn:ietf:params:scim:schemas:core:2.0:Group:members": {attribute: "members"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": {
			attribute: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager",
		},
	}
	for s, want := range cases {
		got, err := parsePath(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(path{}, comparison{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", s, d)
		}
	}
	for _, s := range []string{"", " ", "a b", "name.", "name.a.b", "members[", `members[value eq "a"`, `members[value eq "a"]x`, `members[value eq "a"].`, `a.b[c eq 1]`, "1", `members[]`, strings.Repeat("a", 5000)} {
		_, err := parsePath(s)
		var f *fault
		if !errors.As(err, &f) || f.status != 400 || f.scimType != "invalidPath" && f.scimType != "invalidFilter" {
			t.Errorf("%.80q: %v", s, err)
		}
	}
}

func TestMemberEdits(t *testing.T) {
	cases := map[string]GroupEdit{
		`{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]}`: {Add: []string{"a", "b"}},
		`{"op":"Add","path":"members","value":{"value":"a"}}`:                 {Add: []string{"a"}},
		`{"op":"add","value":{"members":[{"value":"a"}]}}`:                    {Add: []string{"a"}},
		`{"op":"remove","path":"members[value eq \"a\"]"}`:                    {Remove: []string{"a"}},
		`{"op":"Remove","path":"members","value":[{"value":"a"}]}`:            {Remove: []string{"a"}},
		`{"op":"remove","path":"members"}`:                                    {Clear: true},
		`{"op":"replace","path":"members","value":[{"value":"a"}]}`:           {Clear: true, Add: []string{"a"}},
		`{"op":"replace","path":"members","value":[]}`:                        {Clear: true, Add: []string{}},
		`{"op":"remove","path":"members","value":[]}`:                         {Remove: []string{}},
	}
	for o, want := range cases {
		steps, err := patchSteps([]byte(`{"Operations":[` + o + `]}`))
		if err != nil {
			t.Errorf("%s: %v", o, err)
			continue
		}
		edits, err := groupEdits(steps, "id")
		if err != nil || len(edits) != 1 {
			t.Errorf("%s: %+v, %v", o, edits, err)
			continue
		}
		if d := cmp.Diff(want, edits[0]); d != "" {
			t.Errorf("%s (-want +got):\n%s", o, d)
		}
	}
	for o, scimType := range map[string]string{
		`{"op":"remove"}`:                                                     "noTarget",
		`{"op":"move","path":"members"}`:                                      "invalidSyntax",
		`{"op":"add","path":"members","value":[{"id":"a"}]}`:                  "invalidValue",
		`{"op":"add","path":"members","value":[7]}`:                           "invalidValue",
		`{"op":"replace","path":"members[value eq \"a\"]","value":1}`:         "invalidPath",
		`{"op":"remove","path":"members[display eq \"a\"]"}`:                  "invalidFilter",
		`{"op":"remove","path":"members[value eq \"a\" and value eq \"b\"]"}`: "invalidFilter",
		`{"op":"remove","path":"members.value"}`:                              "invalidPath",
		`{"op":"replace","path":"displayName","value":""}`:                    "invalidValue",
		`{"op":"replace","path":"displayName","value":"two\nlines"}`:          "invalidValue",
		`{"op":"remove","path":"displayName"}`:                                "mutability",
		`{"op":"replace","value":{"id":"other"}}`:                             "mutability",
		`{"op":"replace","value":"x"}`:                                        "invalidValue",
	} {
		steps, err := patchSteps([]byte(`{"Operations":[` + o + `]}`))
		if err == nil {
			_, err = groupEdits(steps, "id")
		}
		var f *fault
		if !errors.As(err, &f) || f.scimType != scimType {
			t.Errorf("%s: %v, want %s", o, err, scimType)
		}
	}
}

func TestAddressOfAUser(t *testing.T) {
	for body, want := range map[string]string{
		`{"userName":"Ann@ACME.test"}`: "ann@acme.test",
		`{"userName":"ann","emails":[{"value":"home@x.test"},{"value":"Work@x.test","type":"work"}]}`:                  "work@x.test",
		`{"userName":"ann","emails":[{"value":"work@x.test","type":"work"},{"value":"main@x.test","primary":"True"}]}`: "main@x.test",
		`{"userName":"ann@x.test","emails":[]}`:                      "ann@x.test",
		`{"userName":"ann","emails":"one@x.test"}`:                   "one@x.test",
		`{"userName":"ann"}`:                                         "",
		`{"userName":"ann","emails":[{"value":"Ann <ann@x.test>"}]}`: "",
		`{"emails":[{"value":"a@x.test"}]}`:                          "",
		`{"userName":7}`:                                             "",
		`{"userName":"a@x.test","active":"maybe"}`:                   "",
	} {
		steps, err := resourceSteps([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		u := User{Active: true}
		err = u.apply(steps)
		if (err == nil) != (want != "") || err == nil && u.Address != want {
			t.Errorf("%s: %q, %v; want %q", body, u.Address, err, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "a"`, `emails[type eq "work"].value eq "a" and active eq true`, `((id eq "\u0041"))`, `a[b eq`, `"`, `members eq "\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := parseFilter(s)
		var wrong *fault
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%q: %v", s, err)
		}
		for _, c := range all {
			if c.attribute == "" || c.attribute != strings.ToLower(c.attribute) {
				t.Errorf("%q: attribute %q", s, c.attribute)
			}
			if text, ok := c.value.(string); ok && strings.ContainsRune(text, 0) {
				t.Errorf("%q: NUL", s)
			}
		}
		if _, err := queryOf(s, userAttributes()); err != nil && !errors.As(err, &wrong) {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"active", "name.familyName", `members[value eq "a"]`, `emails[type eq "work"].value`, "urn:a:b:2.0:User:x", "[", "a["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePath(s)
		var wrong *fault
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && p.attribute == "" {
			t.Errorf("%q names nothing", s)
		}
	})
}

// FuzzPatch changes a user and a group by whatever body: a user who was changed
// still has a name and an address.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"Operations":[{"op":"replace","value":{"active":"False","name.givenName":"x","emails[type eq \"work\"].value":"b@x.test"}}]}`,
		`{"Operations":[{"op":"remove","path":"emails"},{"op":"add","path":"emails","value":[{"value":"c@x.test","primary":true}]}]}`,
		`{"Operations":[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"replace","path":"displayName","value":"b"}]}`,
		`{"userName":"x","name":null,"emails":[null]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func([]byte) ([]step, error){patchSteps, resourceSteps} {
			steps, err := read(b)
			var wrong *fault
			if err != nil {
				if !errors.As(err, &wrong) {
					t.Fatal(err)
				}
				continue
			}
			if _, err := groupEdits(steps, "g"); err != nil && !errors.As(err, &wrong) {
				t.Fatal(err)
			}
			u := User{ID: "u", UserName: "a@x.test", Address: "a@x.test", Active: true}
			if err := u.apply(steps); err != nil {
				if !errors.As(err, &wrong) {
					t.Fatal(err)
				}
				continue
			}
			if a, err := mail.ParseAddress(u.Address); err != nil || a.Address != u.Address || strings.TrimSpace(u.UserName) == "" {
				t.Errorf("%s: %+v", b, u)
			}
			if _, err := json.Marshal(u); err != nil {
				t.Error(err)
			}
		}
	})
}
