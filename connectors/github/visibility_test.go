package github_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
)

// While a sync goes on a public repository is made private: what it holds then is not told
// to everyone, though it is asked for by the id, and the next sync reads it.
func TestMadePrivateWhileRead(t *testing.T) {
	for name, kind := range map[string]githubtest.Kind{"discussions": githubtest.Discussion, "releases": githubtest.Release} {
		s, repo, _ := wikiSite(t, nil)
		s.Change(func(w *githubtest.World) {
			w.Add(repo, &githubtest.Item{Kind: kind, Title: "Secret", HTML: "<p>s</p>"})
		})
		private := false
		s.Faults.Watch(func(_ *http.Request, body []byte) {
			if bytes.Contains(body, []byte("$repository: ID!")) && !private {
				private = true
				s.Change(func(*githubtest.World) { repo.Visibility = "PRIVATE" })
			}
		})
		var failed error
		var cursor connectors.Cursor
		for c, err := range connect(t, s, "read", name).Changes(t.Context(), "") {
			if failed = err; err != nil {
				break
			}
			if cursor = c.Cursor; c.Op == connectors.Upsert {
				t.Errorf("%s: %q is told for %v", name, c.Metadata.Title, c.ACL)
			}
		}
		if !private || !errors.Is(failed, connectors.ErrUnavailable) {
			t.Errorf("%s: made private: %v; the reading ends with %v", name, private, failed)
		}
		changes, _ := read(t, connect(t, s, "read", name), cursor)
		if group := connectors.SiteGroup(fmt.Sprintf("repository-%d", repo.ID())); len(changes) != 1 || !cmp.Equal(changes[0].ACL, ptr(cairn.Allow(group))) {
			t.Errorf("%s: the next sync tells %+v", name, changes)
		}
	}
}
