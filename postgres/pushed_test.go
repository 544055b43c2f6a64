package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestListPushed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	inbox, other := f.source("inbox", cairn.Allow(cairn.Everyone)), f.source("other", cairn.Allow(cairn.Everyone))
	nobody := cairn.ACL{}
	names := []string{"a", "B", "ä/1 <&>", "mail", "mail!/1/prices.txt", "vanished", "\u2028"}
	ids := map[string]cairn.DocumentID{}
	for _, name := range names {
		ids[name] = f.document(inbox, name, "Title", "Text of "+name, nobody)
		f.document(other, name, "Title", "Other text of "+name, nobody)
	}
	f.exec(`UPDATE documents SET attached = true, parent_id = $1 WHERE id = $2`, ids["mail"], ids["mail!/1/prices.txt"])
	f.hide(ids["vanished"])
	got := allPages(t, 2, 3, func(p api.Page) ([]api.PushedDocument, string, error) { return f.ListPushed(t.Context(), inbox.ID, p) })
	var want []api.PushedDocument
	for _, name := range names {
		if name != "vanished" && name != "mail!/1/prices.txt" {
			want = append(want, api.PushedDocument{External: name, ID: ids[name]})
		}
	}
	byName := func(a, b api.PushedDocument) int { return strings.Compare(a.External, b.External) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestListPushedWhileItChanges loses the document that a page ended with.
func TestListPushedWhileItChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	inbox := f.source("inbox", cairn.ACL{})
	for _, name := range []string{"a", "b", "c"} {
		f.document(inbox, name, "Title", "Text of "+name, cairn.ACL{})
	}
	first, next, err := f.ListPushed(t.Context(), inbox.ID, api.Page{Limit: 2})
	f.check(err)
	f.hide(first[1].ID)
	rest, over, err := f.ListPushed(t.Context(), inbox.ID, api.Page{Limit: 2, Cursor: next})
	f.check(err)
	if len(rest) != 1 || rest[0].External != "c" || over != "" {
		t.Errorf("after %v came %v, %q", first, rest, over)
	}
}
