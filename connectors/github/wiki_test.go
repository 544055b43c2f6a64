package github_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
)

// wikiSite is a site with a repository that has a wiki.
func wikiSite(t *testing.T, pages map[string]string) (*githubtest.Site, *githubtest.Repository, *gittest.Repository) {
	t.Helper()
	s := githubtest.New(t)
	var r *githubtest.Repository
	s.Change(func(w *githubtest.World) { r = w.Repository("handbook") })
	wiki := s.Wiki(t, r)
	wiki.Write(t, pages)
	return s, r, wiki
}

// opened returns the texts of changes by external id without the repository; of one that
// cannot be read, its code.
func opened(t *testing.T, changes []connectors.Change) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, c := range changes {
		_, name, _ := strings.Cut(c.External, "/")
		err := c.Err
		if err == nil {
			var r io.ReadCloser
			if r, err = c.Open(t.Context()); err == nil {
				var b []byte
				b, err = io.ReadAll(r)
				_ = r.Close()
				out[name] = string(b)
			}
		}
		if failed := (*connectors.DocumentError)(nil); errors.As(err, &failed) {
			out[name] = failed.Code
		} else if err != nil {
			t.Errorf("%s: %v", c.External, err)
		}
	}
	return out
}

// failing is list, with the error that ends it.
func failing(t *testing.T, c connectors.Connector) (listed []string, failed error) {
	t.Helper()
	for external, err := range c.(connectors.Lister).Externals(t.Context()) {
		if err != nil {
			return listed, err
		}
		listed = append(listed, external)
	}
	return listed, nil
}

func TestWikiPages(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{
		"Home.md": "# Welcome\n\nhello\n\n## Travel costs\n\n170 euros", "Travel-to-Tromsø.markdown": "m", "guides/With space & #1?.MD": "s",
		"Setup.asciidoc": "a", "Tables.mediawiki": "w", "Old.rst": "r", "Notes.textile": "x", "Org.org": "o", "caf\xe9.md": "latin",
		"_Sidebar.md": "- menu", "_footer.rst": "f", "guides/_Sidebar.md": "n", "_Header.md": "h", "logo.png": "\x89PNG", "images/plan.JPG": "j",
		"manual.pdf": "%PDF-1.4", ".md": "nameless", "script.js": "1", "link.md": "→Home.md", "Large.md": strings.Repeat("long ", 600_000),
	})
	changes, _ := read(t, connect(t, s), "")
	var got []string
	for _, c := range changes {
		m := c.Metadata
		got = append(got, strings.TrimPrefix(c.External, fmt.Sprint(r.ID()))+" | "+m.Title+" | "+strings.TrimPrefix(m.URL, s.URL+"/acme/handbook/wiki/")+" | "+m.MediaType+" | "+m.Filename)
		if m.Kind != cairn.KindPage || m.Author != gittest.Author || m.Modified.IsZero() || m.Attributes["repository"] != "acme/handbook" || !cmp.Equal(c.ACL, ptr(cairn.Allow(cairn.Everyone))) {
			t.Errorf("%s: %+v, %+v", c.External, m, c.ACL)
		}
	}
	if diff := cmp.Diff([]string{
		"/wiki/Home.md | Home | Home | text/markdown | Home.md",
		"/wiki/Large.md | Large | Large | text/markdown | Large.md",
		"/wiki/Notes.textile | Notes | Notes | text/plain | Notes.textile",
		"/wiki/Old.rst | Old | Old | text/plain | Old.rst",
		"/wiki/Org.org | Org | Org | text/plain | Org.org",
		"/wiki/Setup.asciidoc | Setup | Setup | text/plain | Setup.asciidoc",
		"/wiki/Tables.mediawiki | Tables | Tables | text/plain | Tables.mediawiki",
		"/wiki/Travel-to-Tromsø.markdown | Travel to Tromsø | Travel-to-Troms%C3%B8 | text/markdown | Travel-to-Tromsø.markdown",
		"/wiki/caf\uFFFDE9.md | caf\uFFFDE9 | caf%E9 | text/markdown | caf\uFFFDE9.md",
		"/wiki/guides/With space & #1?.MD | With space & #1? | With-space-&-%231%3F | text/markdown | With space & #1?.MD",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if texts := opened(t, changes); texts["wiki/Home.md"] != "# Welcome\n\nhello\n\n## Travel costs\n\n170 euros" || texts["wiki/Large.md"] != "too_large" {
		t.Errorf("the texts are %.200q", texts)
	}
	if listed := connectortest.List(t, connect(t, s)); len(listed) != len(got) {
		t.Errorf("%d of %d pages are listed", len(listed), len(got))
	}
	first := connectortest.List(t, connect(t, s, "read", "issues"))
	second, _ := read(t, connect(t, s, "read", "issues"), "")
	if left, _ := os.ReadDir(filepath.Join(s.Env.WorkDir, "wikis")); len(first)+len(second)+len(left) > 0 {
		t.Errorf("not to be read: %d listed, %d told, %d copies left", len(first), len(second), len(left))
	}
}

func ptr[T any](v T) *T { return &v }

// Who may read a repository may read its wiki, and nobody else.
func TestWikiOfAPrivateRepository(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "secret"})
	c := connect(t, s)
	_, cursor := read(t, c, "")
	group := connectors.SiteGroup(fmt.Sprintf("repository-%d", r.ID()))
	for visibility, want := range map[string]*cairn.ACL{"PRIVATE": ptr(cairn.Allow(group)), "INTERNAL": ptr(cairn.Allow(connectors.SiteGroup("acme"), group)), "GUARDED": nil} {
		s.Change(func(*githubtest.World) { r.Visibility = visibility })
		changes, _ := read(t, connect(t, s), cursor)
		if len(changes) != 1 || !cmp.Equal(changes[0].ACL, want) || (changes[0].Err != nil) != (want == nil) {
			t.Errorf("%s: %+v", visibility, changes)
		}
	}
}

// A sync reads what changed between two commits, in few requests and without the rest.
func TestWikiChanges(t *testing.T) {
	pages := map[string]string{}
	for i := range 120 {
		pages[fmt.Sprintf("Page-%03d.md", i)] = fmt.Sprint("text ", i)
	}
	s, _, wiki := wikiSite(t, pages)
	_, cursor := read(t, connect(t, s), "")

	s.Faults.Heal()
	c := connect(t, s)
	listed := connectortest.List(t, c)
	changes, again := read(t, c, cursor)
	if len(listed) != 120 || len(changes) != 0 || again != cursor {
		t.Errorf("nothing changed: %d pages listed, %d told, the cursor moved: %v", len(listed), len(changes), again != cursor)
	}
	if n := s.Faults.Requests(); n > 4 { // two queries, and what git asks
		t.Errorf("it took %d requests to see that nothing changed", n)
	}

	wiki.Write(t, map[string]string{"Page-007.md": "changed", "Page-008.md": "", "Renamed.md": "text 8", "New.md": "new", "_Sidebar.md": "menu"})
	changes, cursor = read(t, connect(t, s), cursor)
	if diff := cmp.Diff(map[string]string{"wiki/Page-007.md": "changed", "wiki/Renamed.md": "text 8", "wiki/New.md": "new"}, opened(t, changes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if listed = connectortest.List(t, connect(t, s)); len(listed) != 121 || slices.ContainsFunc(listed, func(e string) bool { return strings.HasSuffix(e, "Page-008.md") }) {
		t.Errorf("%d pages are listed after one was renamed", len(listed))
	}

	// A forced push: of what was told, the history is another one.
	wiki.Git(t, "", "update-ref", "refs/heads/main", "refs/heads/main~1")
	wiki.Write(t, map[string]string{"Page-009.md": "from another history"})
	changes, cursor = read(t, connect(t, s), cursor)
	texts := opened(t, changes)
	if texts["wiki/Page-009.md"] != "from another history" || texts["wiki/Page-007.md"] != "text 7" || texts["wiki/Page-008.md"] != "text 8" {
		t.Errorf("after a forced push it tells %d pages, such as %q", len(texts), texts["wiki/Page-009.md"])
	}
	if listed = connectortest.List(t, connect(t, s)); len(listed) != 120 {
		t.Errorf("%d pages are listed after a forced push", len(listed))
	}

	// Without its copy, as on another replica, the sync goes on from the cursor.
	if err := os.RemoveAll(s.Env.WorkDir); err != nil {
		t.Fatal(err)
	}
	wiki.Write(t, map[string]string{"Page-010.md": "elsewhere"})
	changes, _ = read(t, connect(t, s), cursor)
	if diff := cmp.Diff(map[string]string{"wiki/Page-010.md": "elsewhere"}, opened(t, changes)); diff != "" {
		t.Errorf("on another replica (-want +got):\n%s", diff)
	}
}

// A reading that is broken off goes on within a wiki.
func TestWikiBrokenOff(t *testing.T) {
	pages := map[string]string{}
	for i := range 120 {
		pages[fmt.Sprintf("Page-%03d.md", i)] = "text"
	}
	s, _, _ := wikiSite(t, pages)
	var cursor connectors.Cursor
	n := 0
	for c, err := range connect(t, s).Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if c.Cursor != "" {
			cursor = c.Cursor
		}
		if n++; n == 60 {
			break
		}
	}
	if changes, _ := read(t, connect(t, s), cursor); len(changes) != 70 {
		t.Errorf("after 50 pages with a cursor of 120, %d are told", len(changes))
	}
}

// A renamed repository keeps the copy of its wiki, and its pages get new addresses.
func TestWikiOfARenamedRepository(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "text"})
	before, cursor := read(t, connect(t, s), "")
	s.Change(func(*githubtest.World) { r.Name = "manual" })
	after, _ := read(t, connect(t, s), cursor)
	if len(after) != 1 || after[0].External != before[0].External || after[0].Metadata.URL != s.URL+"/acme/manual/wiki/Home" ||
		after[0].Metadata.Revision == before[0].Metadata.Revision {
		t.Errorf("%+v became %+v", before, after)
	}
}

// A wiki that is switched off is not asked for, as the fake checks; one without pages is
// no failure. What had pages once has none, and has them again.
func TestWikisWithoutPages(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "text"})
	s.Change(func(w *githubtest.World) { w.Repository("nobody-wrote").Visibility = "PUBLIC" })
	var bare *githubtest.Repository
	s.Change(func(w *githubtest.World) { bare = w.Repository("all-deleted") })
	s.Wiki(t, bare)
	var unborn *githubtest.Repository
	s.Change(func(w *githubtest.World) { unborn = w.Repository("no-commit") })
	s.Wiki(t, unborn).Git(t, "", "update-ref", "-d", "refs/heads/main")
	changes, cursor := read(t, connect(t, s), "")
	if texts := opened(t, changes); len(texts) != 1 || texts["wiki/Home.md"] != "text" {
		t.Fatalf("it tells %q", texts)
	}
	for name, gone := range map[string]func(){
		"switched off": func() { s.Change(func(*githubtest.World) { r.NoWiki = true }) },
		"dropped":      func() { s.DropWiki(r) },
	} {
		gone()
		c := connect(t, s)
		listed := connectortest.List(t, c)
		changes, next := read(t, c, cursor)
		if len(listed) != 0 || len(changes) != 0 || next == cursor {
			t.Errorf("%s: %d pages are listed, %d are told", name, len(listed), len(changes))
		}
		if copies, _ := filepath.Glob(filepath.Join(s.Env.WorkDir, "wikis", fmt.Sprint(r.ID()))); len(copies) != 0 {
			t.Errorf("%s: its copy stays", name)
		}
		s.Change(func(*githubtest.World) { r.NoWiki = false })
		if name == "dropped" {
			s.Wiki(t, r).Write(t, map[string]string{"Home.md": "text"})
		}
		if changes, cursor = read(t, connect(t, s), next); len(changes) != 1 {
			t.Errorf("%s and there again, %d pages are told", name, len(changes))
		}
	}
}

// Without the program git the rest of a source is read, a warning tells of the wikis, and
// pages that were read before, here or by another server, are not taken for deleted.
func TestWikisWithoutGit(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "text"})
	s.SetClock(time.Now().Add(-time.Hour), 0) // so that what was read is not read again
	s.Change(func(w *githubtest.World) { w.Add(r, &githubtest.Item{Kind: githubtest.Issue, Title: "One"}) })
	before := s.Env.WorkDir
	whole, known := read(t, connect(t, s), "")
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())

	for name, tt := range map[string]struct {
		dir    string
		cursor connectors.Cursor
	}{"never read": {t.TempDir(), ""}, "read before": {before, known}, "read by another server": {t.TempDir(), known}} {
		s.Env.WorkDir = tt.dir
		c := connect(t, s)
		listed, err := failing(t, c)
		if !errors.Is(err, connectors.ErrUnavailable) || len(listed) != 1 || !strings.HasSuffix(listed[0], "/issue/1") {
			t.Errorf("%s: the list is %q, %v", name, listed, err)
		}
		changes, _ := read(t, c, tt.cursor)
		if len(changes) == 0 || changes[len(changes)-1].External != "wikis" {
			t.Fatalf("%s: no warning tells of the wikis: %+v", name, changes)
		}
		warned := changes[len(changes)-1].Err
		var failed *connectors.DocumentError
		if !errors.As(warned, &failed) || failed.Code != "wikis_unreadable" || !strings.Contains(failed.Reason, "install git") || !strings.Contains(failed.Reason, "acme/handbook") {
			t.Errorf("%s: the warning is %v", name, warned)
		}
		if told, err := c.(connectors.Tester).Test(t.Context()); err != nil || !strings.Contains(told, "wikis are not read") {
			t.Errorf("%s: the test says %q, %v", name, told, err)
		}
	}

	t.Setenv("PATH", path)
	if changes, _ := read(t, connect(t, s), known); len(changes) != 0 || len(whole) != 2 {
		t.Errorf("with git again, %d documents are told", len(changes))
	}
	if told, err := connect(t, s).(connectors.Tester).Test(t.Context()); err != nil || strings.Contains(told, "wikis") {
		t.Errorf("with git the test says %q, %v", told, err)
	}
	s.DropWiki(r)
	t.Setenv("PATH", t.TempDir())
	if changes, _ := read(t, connect(t, s), known); len(changes) != 0 {
		t.Errorf("without git and pages, it tells %+v", changes)
	}
}

// A wiki that the credential does not reach, or that is none, stops no other; the list
// does not pass for complete.
func TestOneWikiThatCannotBeRead(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "text"})
	var other *githubtest.Repository
	s.Change(func(w *githubtest.World) { other = w.Repository("other") })
	s.Wiki(t, other).Write(t, map[string]string{"Home.md": "of another"})
	s.Change(func(*githubtest.World) { r.Blocked = true })
	for name, tt := range map[string]struct {
		network connectors.Network
		want    error
	}{
		"forbidden": {s.Env.Network, connectors.ErrForbidden}, "no repository": {pages{s.Env.Network}, connectors.ErrUnexpected},
	} {
		s.Env.Network = tt.network
		c := connect(t, s, "read", "wiki")
		var told []connectors.Change
		var failed error
		for change, err := range c.Changes(t.Context(), "") {
			if failed = err; err == nil && change.Op != connectors.Checkpoint {
				told = append(told, change)
			}
		}
		if texts := opened(t, told); !errors.Is(failed, tt.want) || texts["wiki/Home.md"] != "of another" {
			t.Errorf("%s: it tells %q, and ends with %v", name, texts, failed)
		}
		if _, err := failing(t, c); !errors.Is(err, tt.want) {
			t.Errorf("%s: the list ends with %v", name, err)
		}
	}
}

// pages is a network that answers for the wiki of the handbook with a web page.
type pages struct{ connectors.Network }

func (p pages) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/acme/handbook.wiki.git/") {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader("<html>")), Request: r}, nil
	}
	return p.Network.RoundTrip(r)
}

// watching is a network that calls look before each request.
type watching struct {
	connectors.Network
	look func(r *http.Request)
}

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	w.look(r)
	return w.Network.RoundTrip(r)
}

// A token of an App that ends while git asks is replaced by another, once for the wikis
// and everything else.
func TestWikiTokenExpires(t *testing.T) {
	s, r, _ := wikiSite(t, map[string]string{"Home.md": "text"})
	s.SetClock(time.Now().Add(-time.Hour), 0)
	s.Change(func(w *githubtest.World) { w.Add(r, &githubtest.Item{Kind: githubtest.Issue, Title: "One"}) })
	settings, _ := s.UseApp(t)
	asked, issued := 0, 0
	s.Env.Network = watching{s.Env.Network, func(r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/access_tokens"):
			issued++
		case strings.HasSuffix(r.URL.Path, "/git-upload-pack"):
			if asked++; asked == 2 {
				s.Expire()
			}
		}
	}}
	changes, _ := read(t, connect(t, s, "app", settings["app"], "installation", settings["installation"]), "")
	if texts := opened(t, changes); texts["wiki/Home.md"] != "text" || len(texts) != 2 || issued != 2 || asked < 3 {
		t.Errorf("it tells %q, with %d tokens and %d requests of git", texts, issued, asked)
	}
}

// The token is in no process of git, no file, and no address.
func TestWikiTokenStaysInTheProcess(t *testing.T) {
	if _, err := os.ReadDir("/proc/self"); err != nil {
		t.Skip("processes cannot be looked at")
	}
	for name, app := range map[string]bool{"token": false, "App": true} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := wikiSite(t, map[string]string{"Home.md": "text"})
			settings := map[string]string{}
			secret := []byte(githubtest.Token)
			if app {
				settings, _ = s.UseApp(t)
				secret = []byte("ghs_")
			}
			looked, asked := 0, 0
			s.Env.Network = watching{s.Env.Network, func(r *http.Request) {
				if bytes.Contains([]byte(r.URL.String()), secret) {
					t.Errorf("the token stands in an address")
				}
				if strings.HasPrefix(r.URL.Path, "/api/") {
					return
				}
				asked++
				processes, _ := filepath.Glob("/proc/[0-9]*")
				for _, p := range processes {
					if called, err := os.ReadFile(filepath.Join(p, "comm")); err != nil || !bytes.HasPrefix(called, []byte("git")) {
						continue
					}
					for _, file := range []string{"cmdline", "environ"} {
						b, err := os.ReadFile(filepath.Join(p, file))
						if err == nil && len(b) > 0 {
							looked++
						}
						if bytes.Contains(b, secret) || bytes.Contains(b, []byte("Authorization")) {
							t.Errorf("the token stands in the %s of %s", file, p)
						}
					}
				}
			}}
			var pairs []string
			for k, v := range settings {
				pairs = append(pairs, k, v)
			}
			if changes, _ := read(t, connect(t, s, pairs...), ""); len(changes) != 1 || asked < 3 || looked == 0 {
				t.Fatalf("read %d documents in %d requests, looked at %d", len(changes), asked, looked)
			}
			err := filepath.WalkDir(s.Env.WorkDir, func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(p)
				if bytes.Contains(b, secret) || bytes.Contains(b, []byte(s.URL)) {
					t.Errorf("the token, or the address of the site, stands in %s", p)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// While a sync goes on a repository is renamed and a private one takes its name, or it is
// made private itself: nothing that was asked for by the name is told to everyone, and the
// next sync reads both.
func TestSwappedNames(t *testing.T) {
	for name, at := range map[string]string{"issues": "/repos/acme/handbook/issues", "wiki": "/acme/handbook.wiki.git/info/refs"} {
		for how, swap := range map[string]func(public, private *githubtest.Repository){
			"another one has the name": func(public, private *githubtest.Repository) { public.Name, private.Name = "handbook-old", "handbook" },
			"made private":             func(public, _ *githubtest.Repository) { public.Visibility = "PRIVATE" },
		} {
			s, public, _ := wikiSite(t, map[string]string{"Home.md": "public text"})
			var private *githubtest.Repository
			s.Change(func(w *githubtest.World) {
				private = w.Repository("secret")
				private.Visibility = "PRIVATE"
				w.Add(public, &githubtest.Item{Kind: githubtest.Issue, Title: "Public issue", HTML: "<p>p</p>"})
				w.Add(private, &githubtest.Item{Kind: githubtest.Issue, Title: "Private issue", HTML: "<p>the secret body</p>"})
			})
			s.Wiki(t, private).Write(t, map[string]string{"Home.md": "the secret wiki"})
			swapped := false
			s.Env.Network = watching{s.Env.Network, func(r *http.Request) {
				if strings.HasSuffix(r.URL.Path, at) && !swapped {
					swapped = true
					s.Change(func(*githubtest.World) { swap(public, private) })
				}
			}}
			var failed error
			var cursor connectors.Cursor
			for c, err := range connect(t, s, "read", name).Changes(t.Context(), "") {
				if failed = err; err != nil {
					break
				}
				cursor = c.Cursor
				if c.Op == connectors.Upsert && cmp.Equal(c.ACL, ptr(cairn.Allow(cairn.Everyone))) {
					t.Errorf("%s, %s: everyone may read %q: %q", name, how, c.Metadata.Title, opened(t, []connectors.Change{c}))
				}
			}
			if !swapped || !errors.Is(failed, connectors.ErrUnavailable) {
				t.Errorf("%s, %s: swapped: %v; the reading ends with %v", name, how, swapped, failed)
			}
			changes, _ := read(t, connect(t, s, "read", name), cursor)
			for _, c := range changes {
				public := strings.HasPrefix(c.External, fmt.Sprint(public.ID())+"/") && how != "made private"
				if text := fmt.Sprint(c.Metadata.Title, opened(t, []connectors.Change{c})); public != cmp.Equal(c.ACL, ptr(cairn.Allow(cairn.Everyone))) || public && !strings.Contains(text, "ublic") {
					t.Errorf("%s, %s: the next sync tells %s %s for %v", name, how, c.External, text, c.ACL)
				}
			}
			if !slices.ContainsFunc(changes, func(c connectors.Change) bool { return strings.HasPrefix(c.External, fmt.Sprint(public.ID())+"/") }) {
				t.Errorf("%s, %s: the next sync does not read the repository", name, how)
			}
		}
	}
}
