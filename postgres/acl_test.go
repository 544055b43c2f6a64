package postgres

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
)

// TestClassesMadeAtOnce makes many classes from several connections at once: each
// is made once, with all of its keys.
func TestClassesMadeAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var acls []cairn.ACL
	for i := range 1200 {
		acls = append(acls, cairn.ACL{
			Allow: [][]cairn.PrincipalKey{{cairn.Everyone, cairn.PrincipalKey(fmt.Sprintf("user:%d@acme.test", i))}, {"group:cairn:staff"}},
			Deny:  []cairn.PrincipalKey{"user:eve@acme.test"},
		})
	}
	found := make([]map[[32]byte]int32, 4)
	var g errgroup.Group
	for n := range found {
		g.Go(func() (err error) {
			mine := slices.Clone(acls[100*n:])
			if n%2 == 1 {
				slices.Reverse(mine)
			}
			found[n], err = f.aclClasses(t.Context(), mine)
			return err
		})
	}
	f.check(g.Wait())
	for n, classes := range found {
		if len(classes) != len(acls)-100*n {
			t.Errorf("caller %d: %d classes", n, len(classes))
		}
		for hash, id := range classes {
			if found[0][hash] != id {
				t.Fatalf("a class has the numbers %d and %d", found[0][hash], id)
			}
		}
	}
	if n := f.count(`SELECT count(*) FROM acls`); n != len(acls) {
		t.Errorf("%d classes, want %d", n, len(acls))
	}
	if n := f.count(`SELECT count(*) FROM acl_keys`); n != 4*len(acls) {
		t.Errorf("%d keys, want %d", n, 4*len(acls))
	}
	if n := f.count(`SELECT count(*) FROM changes WHERE kind = $1`, changeClass); n != len(acls) {
		t.Errorf("the change feed tells of %d classes", n)
	}
	again, err := f.aclClasses(t.Context(), acls)
	f.check(err)
	if d := cmp.Diff(found[0], again); d != "" {
		t.Errorf("asked again (-first +again):\n%s", d)
	}
}
