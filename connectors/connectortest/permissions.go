package connectortest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// testPermissions reads who may read what, where the connector can tell: it must name
// the documents that Changes yields, with the same ACLs, and not those that are gone.
// One that was broken off must not pass for complete.
func testPermissions(t *testing.T, s Source) {
	if _, ok := s.Connect(t).(connectors.Permissions); !ok {
		t.Skip("it does not tell permissions")
	}
	fill(t, s)
	s.Remove(t, "delta")
	st := newState()
	st.read(t, s, -1)
	want := map[string]*cairn.ACL{}
	for external, c := range st.docs {
		want[external] = c.ACL
	}
	got, err := permissions(t.Context(), t, s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the permissions differ from those of the changes (-want +got):\n%s", diff)
	}
	if s.Break != nil {
		s.Break(t, "beta")
		got, err := permissions(t.Context(), t, s)
		if _, there := got[s.External("beta")]; err != nil || !there {
			t.Errorf("a document that cannot be read is missing from the permissions: %v, %v", got, err)
		}
	}
	for after := range len(names) - 1 {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		if after == 0 {
			cancel()
		}
		var failed error
		for _, err := range s.Connect(t).(connectors.Permissions).Permissions(ctx) {
			if failed = err; err != nil {
				break
			}
			if n++; n == after {
				cancel()
			}
		}
		cancel()
		if failed == nil {
			t.Errorf("broken off after %d documents, the permissions pass for complete", after)
		}
	}
}

// permissions returns the ACLs that a new connector tells. Each document comes once.
func permissions(ctx context.Context, t *testing.T, s Source) (map[string]*cairn.ACL, error) {
	t.Helper()
	acls := map[string]*cairn.ACL{}
	for p, err := range s.Connect(t).(connectors.Permissions).Permissions(ctx) {
		if err != nil {
			return acls, err
		}
		if _, twice := acls[p.External]; twice || p.External == "" {
			t.Errorf("the document %q comes twice, or has no name", p.External)
		}
		if p.Err != nil {
			t.Errorf("%s: %v", p.External, p.Err)
		}
		acls[p.External] = p.ACL
	}
	return acls, nil
}
