package cairn_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

func TestDecideSaysWhatAdmitsSays(t *testing.T) {
	key := rapid.SampledFrom([]cairn.PrincipalKey{"everyone", "account:a", "user:a@b.c", "group:x:1", "group:y:1"})
	keys := rapid.SliceOfN(key, 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		acl := cairn.ACL{Allow: rapid.SliceOfN(keys, 0, 3).Draw(t, "allow"), Deny: keys.Draw(t, "deny")}
		v := cairn.Viewer{Keys: keys.Draw(t, "viewer")}
		d := acl.Decide(v)
		if d.Admitted != acl.Admits(v) || len(d.Held) != len(acl.Allow) {
			t.Errorf("%+v, %+v: %+v", acl, v, d)
		}
	})
}
