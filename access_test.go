package cairn

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var someKeys = []PrincipalKey{"account:1", "user:ann@acme.test", "group:cairn:a", "group:okta:a", Everyone}

func keys(min int) *rapid.Generator[[]PrincipalKey] {
	return rapid.SliceOfN(rapid.SampledFrom(someKeys), min, 4)
}

func acls() *rapid.Generator[ACL] {
	return rapid.Custom(func(t *rapid.T) ACL {
		return ACL{
			Allow: rapid.SliceOfN(keys(0), 0, 3).Draw(t, "allow"),
			Deny:  keys(0).Draw(t, "deny"),
		}
	})
}

func viewers() *rapid.Generator[Viewer] {
	return rapid.Custom(func(t *rapid.T) Viewer { return Viewer{Account: "1", Keys: keys(0).Draw(t, "keys")} })
}

func TestAdmits(t *testing.T) {
	ann := Viewer{Keys: []PrincipalKey{"user:ann@acme.test", "group:cairn:a", Everyone}}
	for name, c := range map[string]struct {
		acl  ACL
		want bool
	}{
		"zero":             {ACL{}, false},
		"empty clause":     {ACL{Allow: [][]PrincipalKey{{}}}, false},
		"everyone":         {Allow(Everyone), true},
		"one of a clause":  {Allow("group:cairn:b", "group:cairn:a"), true},
		"every clause":     {ACL{Allow: [][]PrincipalKey{{Everyone}, {"group:cairn:a"}}}, true},
		"one clause fails": {ACL{Allow: [][]PrincipalKey{{Everyone}, {"group:cairn:b"}}}, false},
		"deny wins":        {ACL{Allow: [][]PrincipalKey{{Everyone}}, Deny: []PrincipalKey{"user:ann@acme.test"}}, false},
		"other directory":  {Allow("group:okta:a"), false},
		"deny of others":   {ACL{Allow: [][]PrincipalKey{{Everyone}}, Deny: []PrincipalKey{"group:okta:a"}}, true},
		"deny alone":       {ACL{Deny: []PrincipalKey{"group:okta:a"}}, false},
	} {
		if got := c.acl.Admits(ann); got != c.want {
			t.Errorf("%s: admits is %v", name, got)
		}
	}
}

func TestNobodyIsAdmittedWithoutKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if acls().Draw(t, "acl").Admits(Viewer{Account: "1"}) {
			t.Fatal("a viewer without keys is admitted")
		}
	})
}

// TestCanonicalAdmitsTheSame also shuffles the rule: equal rules have equal hashes.
func TestCanonicalAdmitsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, v := acls().Draw(t, "acl"), viewers().Draw(t, "viewer")
		shuffled := ACL{Deny: slices.Concat(a.Deny, a.Deny)}
		slices.Reverse(shuffled.Deny)
		for _, clause := range slices.Backward(a.Allow) {
			clause = slices.Concat(clause, clause)
			slices.Reverse(clause)
			shuffled.Allow = append(shuffled.Allow, clause)
		}
		if a.Admits(v) != a.Canonical().Admits(v) || a.Admits(v) != shuffled.Admits(v) {
			t.Fatalf("%v, %v and %v admit differently", a, a.Canonical(), shuffled)
		}
		if a.Hash() != shuffled.Hash() || a.Hash() != a.Canonical().Hash() {
			t.Fatalf("%v and %v have different hashes", a, shuffled)
		}
	})
}

func TestDifferentRulesHaveDifferentHashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, v := acls().Draw(t, "a"), acls().Draw(t, "b"), viewers().Draw(t, "viewer")
		if a.Hash() == b.Hash() && a.Admits(v) != b.Admits(v) {
			t.Fatalf("%v and %v share a hash and admit differently", a, b)
		}
	})
	if Allow("a", "b").Hash() == (ACL{Allow: [][]PrincipalKey{{"a"}, {"b"}}}).Hash() {
		t.Error("one clause of two keys is not two clauses")
	}
	if Allow("a").Hash() == (ACL{Deny: []PrincipalKey{"a"}}).Hash() {
		t.Error("to allow is not to deny")
	}
}

func TestPrincipalForms(t *testing.T) {
	for _, k := range []PrincipalKey{"account:7f3", "user:ann@acme.com", "group:okta:eng", "group:confluence-acme:a:b", "everyone"} {
		if !k.Valid() {
			t.Errorf("%q is valid", k)
		}
	}
	for _, k := range []PrincipalKey{"", "*", "user:Ann@acme.com", "user:", "account:", "group:eng", "group::eng", "group:okta:", "everybody", "role:admin", "user:a\nb@c"} {
		if k.Valid() {
			t.Errorf("%q is not valid", k)
		}
	}
	if err := Allow("everyone", "users").Validate(); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if UserKey(" Ann@Acme.COM ") != "user:ann@acme.com" {
		t.Errorf("got %s", UserKey(" Ann@Acme.COM "))
	}
}

func TestFoldAddress(t *testing.T) {
	for in, want := range map[string]string{
		" Ann@ACME.test ": "ann@acme.test", "ÉVA@acme.test": "éva@acme.test", "ann+x@acme.test": "ann+x@acme.test", "ſam@acme.test": "ſam@acme.test",
		"\u212aim@acme.test": "", "K\u0130M@acme.test": "", "kim@acme.\u212aom": "", "": "", "ann": "", "@acme.test": "", "ann@": "",
		"a@b@acme.test": "", "a b@acme.test": "", "a\x00b@acme.test": "", "a\xffb@acme.test": "", strings.Repeat("a", 320) + "@acme.test": "",
	} {
		if got, ok := FoldAddress(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, ok, want)
		}
	}
}

// Whoever has an address holds the key that ACLs name it by, and nobody another's.
func TestUserKeysAreThoseOfAddresses(t *testing.T) {
	if k := UserKey("\u212aim@acme.test"); k == UserKey("kim@acme.test") || k.Valid() {
		t.Errorf("the Kelvin sign makes %q", k)
	}
	if PrincipalKey("user:\u212aim@acme.test").Valid() || PrincipalKey("user:Kim@acme.test").Valid() {
		t.Error("an ACL may name an address that nobody has")
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`.{1,3}@.{1,3}`).Draw(t, "address")
		folded, ok := FoldAddress(s)
		if again, still := FoldAddress(folded); ok && (again != folded || !still) {
			t.Fatalf("%q folds to %q, and that to %q", s, folded, again)
		}
		if k := UserKey(s); k.Valid() != ok {
			t.Fatalf("%q has the key %q, valid %v", s, k, k.Valid())
		}
	})
}

// TestAmong compares a viewer among others with each of them: denials of one are denials
// of all, and nobody lends a key to somebody else.
func TestAmong(t *testing.T) {
	keys := []PrincipalKey{Everyone, "user:a@acme.test", "group:cairn:x", "group:okta:y"}
	some := rapid.SliceOfN(rapid.SampledFrom(keys), 0, 3)
	viewers := rapid.Custom(func(t *rapid.T) Viewer { return Viewer{Keys: some.Draw(t, "keys"), Grants: []GrantID{"g"}} })
	rapid.Check(t, func(t *rapid.T) {
		acl := ACL{Allow: rapid.SliceOfN(some, 0, 3).Draw(t, "allow"), Deny: some.Draw(t, "deny")}
		v, others := viewers.Draw(t, "viewer"), rapid.SliceOfN(viewers, 0, 3).Draw(t, "others")
		want := acl.Admits(v)
		for _, o := range others {
			want = want && acl.Admits(o)
		}
		all := v.Among(others...)
		if acl.Admits(all) != want || acl.Decide(all).Admitted != want {
			t.Fatalf("it admits %v, not %v", acl.Admits(all), want)
		}
		if all.Grants != nil {
			t.Fatal("a grant of one covers others")
		}
	})
}
