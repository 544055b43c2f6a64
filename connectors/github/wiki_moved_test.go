package github_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A page that was renamed tells what it was called, also when it was changed with it; a
// sidebar that becomes a page was none before.
func TestRenamedWikiPages(t *testing.T) {
	long := func(of string) string {
		return strings.Repeat(of+" has a text that is long enough to be known again, line by line.\n", 20)
	}
	s, repo, wiki := wikiSite(t, map[string]string{"Plain.md": long("plain"), "Edited.md": long("edited"), "Kept.md": "kept", "_Sidebar.md": long("menu")})
	_, cursor := read(t, connect(t, s), "")
	wiki.Write(t, map[string]string{
		"Plain.md": "", "New-plain.md": long("plain"), "Edited.md": "", "guides/New-edited.md": long("edited") + "And more.\n",
		"_Sidebar.md": "", "Menu.md": long("menu"), "Kept.md": "kept and changed",
	})
	changes, _ := read(t, connect(t, s), cursor)
	former := map[string]string{}
	for _, c := range changes {
		former[strings.TrimPrefix(c.External, fmt.Sprint(repo.ID(), "/wiki/"))] = strings.TrimPrefix(c.From, fmt.Sprint(repo.ID(), "/wiki/"))
	}
	if diff := cmp.Diff(map[string]string{"New-plain.md": "Plain.md", "guides/New-edited.md": "Edited.md", "Menu.md": "", "Kept.md": ""}, former); diff != "" {
		t.Errorf("the former names (-want +got):\n%s", diff)
	}
}
