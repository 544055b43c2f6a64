package connectors_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

func TestInDirectory(t *testing.T) {
	acl := cairn.ACL{
		Allow: [][]cairn.PrincipalKey{{connectors.SiteGroup("eng"), "user:a@acme.test"}, {}, {"group:cairn:hr", connectors.SiteGroup("a:b")}},
		Deny:  []cairn.PrincipalKey{connectors.SiteGroup("guests")},
	}
	want := cairn.ACL{
		Allow: [][]cairn.PrincipalKey{{"group:wiki:eng", "user:a@acme.test"}, {}, {"group:cairn:hr", "group:wiki:a:b"}},
		Deny:  []cairn.PrincipalKey{"group:wiki:guests"},
	}
	if d := cmp.Diff(want, connectors.InDirectory(acl, "wiki")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if acl.Allow[0][0] != "group::eng" {
		t.Error("the ACL that was given is changed")
	}
	if connectors.SiteGroup("eng").Valid() {
		t.Error("a group without a directory is a principal")
	}
	if got := connectors.InDirectory(cairn.ACL{}, "wiki"); len(got.Allow) != 0 || got.Deny != nil {
		t.Errorf("nobody became %+v", got)
	}
}
