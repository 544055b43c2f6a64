package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// testPermissions reads who may read what, where the connector can tell: it must name
// the documents that Changes yields, with the same ACLs, and not those that are gone.
// One that was broken off must not pass for complete.
func testPermissions(t *testing.T, s Source) {
	if !connectors.CanTellPermissions(s.Connect(t)) {
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
	got, err := permissions(t.Context(), t, s, st)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the permissions differ from those of the changes (-want +got):\n%s", diff)
	}
	if s.Break != nil {
		s.Break(t, "beta")
		got, err := permissions(t.Context(), t, s, st)
		if _, there := got[s.External("beta")]; err != nil || !there {
			t.Errorf("a document that cannot be read is missing from the permissions: %v, %v", got, err)
		}
	}
	total := 0
	for _, err := range tell(t.Context(), s.Connect(t)) {
		if err != nil {
			t.Fatal(err)
		}
		total++
	}
	for after := range total {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		if after == 0 {
			cancel()
		}
		var failed error
		for _, err := range tell(ctx, s.Connect(t)) {
			if failed = err; err != nil {
				break
			}
			if n++; n == after {
				cancel()
			}
		}
		cancel()
		if failed == nil {
			t.Errorf("broken off after %d of %d, the permissions pass for complete", after, total)
		}
	}
}

// testPermitted changes permissions, and reads permissions alone: what is then known is
// what a reading of all documents tells, no content was asked for, and little else.
func testPermitted(t *testing.T, s Source) {
	if !connectors.CanTellPermissions(s.Connect(t)) || s.Permit == nil {
		t.Skip("it does not tell permissions, or they cannot be changed")
	}
	fill(t, s)
	st := newState()
	st.read(t, s, -1)
	for n := range 6 {
		s.Permit(t, "alpha", n)
		s.Permit(t, "gamma", (n+1)%6)
		got := watched(t, s, st)
		whole := newState()
		whole.read(t, s, -1)
		want := map[string]*cairn.ACL{}
		for external, c := range whole.docs {
			want[external] = c.ACL
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arrangement %d: read alone, the permissions are not those of all documents (-all +alone):\n%s", n, diff)
		}
	}
}

// watched reads groups and permissions alone, and looks at what is asked for.
func watched(t *testing.T, s Source, st *state) map[string]*cairn.ACL {
	t.Helper()
	if s.Remote != nil {
		s.Remote.Faults.Heal()
		s.Remote.Faults.Watch(func(r *http.Request, body []byte) {
			if s.Content != nil && s.Content(r, string(body)) {
				t.Errorf("content is asked for: %s %s %s", r.Method, r.URL, body)
			}
		})
		defer s.Remote.Faults.Watch(nil)
	}
	c := s.Connect(t)
	if directory, ok := c.(connectors.Directory); ok {
		for _, err := range directory.Members(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := permissionsOf(t.Context(), t, c, st)
	if err != nil {
		t.Fatal(err)
	}
	if s.Remote == nil {
		return got
	}
	n := s.Remote.Faults.Requests()
	t.Logf("the permissions of %d documents took %d requests", len(got), n)
	if s.Content == nil || n > s.PermissionRequests {
		t.Errorf("permissions took %d requests; at most %d are allowed", n, s.PermissionRequests)
	}
	return got
}

// permissions returns the ACLs that a new connector tells of documents that are stored,
// or of each. Each comes once.
func permissions(ctx context.Context, t *testing.T, s Source, st *state) (map[string]*cairn.ACL, error) {
	t.Helper()
	return permissionsOf(ctx, t, s.Connect(t), st)
}

func permissionsOf(ctx context.Context, t *testing.T, c connectors.Connector, st *state) (map[string]*cairn.ACL, error) {
	t.Helper()
	_, parts := c.(connectors.Parts)
	acls := map[string]*cairn.ACL{}
	for p, err := range tell(ctx, c) {
		if err != nil {
			return acls, err
		}
		if p.External == "" {
			t.Error("a document or part has no name")
		}
		if p.Err != nil {
			t.Errorf("%s: %v", p.External, p.Err)
		}
		of := []string{p.External}
		if parts {
			of = slices.DeleteFunc(slices.Sorted(maps.Keys(st.docs)), func(external string) bool { return !strings.HasPrefix(external, p.External) })
		}
		for _, external := range of {
			if _, twice := acls[external]; twice {
				t.Errorf("the document %q comes twice", external)
			}
			acls[external] = p.ACL
		}
	}
	return acls, nil
}

// tell yields what a connector tells of permissions; a part comes with its prefix as the
// external id.
func tell(ctx context.Context, c connectors.Connector) func(yield func(connectors.Permission, error) bool) {
	if documents, ok := c.(connectors.Permissions); ok {
		return documents.Permissions(ctx)
	}
	return func(yield func(connectors.Permission, error) bool) {
		for p, err := range c.(connectors.Parts).Parts(ctx) {
			if !yield(connectors.Permission{External: p.Prefix, ACL: p.ACL, Err: p.Err}, err) {
				return
			}
		}
	}
}

// watch shows a request to a function, with its body, which can be read again then.
func watch(r *http.Request, show func(r *http.Request, body []byte)) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("the body of a request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	show(r, body)
	return nil
}
