package github_test

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/github"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
)

// harness keeps documents by name: issues, pull requests, discussions, releases and pages
// of wikis in turn, in one repository or in one each.
type harness struct {
	*githubtest.Site
	items    map[string]*githubtest.Item
	pages    map[string]*wikiPage
	settings map[string]string
	home     func(name string) string
	kinds    map[string]githubtest.Kind
	renamed  int
}

// page is the kind of a page of a wiki.
const page githubtest.Kind = "wiki"

// wikiPage is a page of a wiki.
type wikiPage struct {
	repository *githubtest.Repository
	file, text string
}

func (h *harness) kindOf(name string) githubtest.Kind {
	if k, ok := h.kinds[name]; ok {
		return k
	}
	f := fnv.New32()
	_, _ = f.Write([]byte(name))
	return []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion, githubtest.Release, page}[f.Sum32()%5]
}

func (h *harness) put(t *testing.T, name, text string) {
	if h.kindOf(name) == page {
		h.write(t, name, text)
		return
	}
	h.Change(func(w *githubtest.World) {
		body := "<p>" + text + "</p>"
		if i := h.items[name]; i != nil {
			i.HTML = body
			w.Touch(i)
			return
		}
		i := &githubtest.Item{Kind: h.kindOf(name), Title: "Document " + name, HTML: body, Labels: []string{"bug"}}
		for n := range 3 { // more than a page
			i.Comments = append(i.Comments, &githubtest.Comment{Author: "bob", HTML: fmt.Sprintf("<p>Comment %d</p>", n)})
		}
		h.items[name] = w.Add(w.Repository(h.home(name)), i)
	})
}

// write writes a page of a wiki.
func (h *harness) write(t *testing.T, name, text string) {
	p := h.pages[name]
	if p == nil {
		p = &wikiPage{file: "The-page-" + name + ".md"}
		h.pages[name] = p
		h.Change(func(w *githubtest.World) { p.repository = w.Repository(h.home(name)) })
	}
	p.text = "# Page\n\n" + text + "\n"
	h.Wiki(t, p.repository).Write(t, map[string]string{p.file: p.text})
}

func (h *harness) remove(t *testing.T, name string) {
	if p := h.pages[name]; p != nil {
		h.Wiki(t, p.repository).Write(t, map[string]string{p.file: ""})
		delete(h.pages, name)
		return
	}
	h.Change(func(w *githubtest.World) {
		w.Delete(h.items[name])
		delete(h.items, name)
	})
}

// move transfers what can be transferred, renames pages, and the repository of the rest.
func (h *harness) move(t *testing.T, name string) {
	h.renamed++ // no two have one name
	if p := h.pages[name]; p != nil {
		from := p.file
		p.file = fmt.Sprintf("folder/%s-%d.md", name, h.renamed)
		h.Wiki(t, p.repository).Write(t, map[string]string{from: "", p.file: p.text})
		return
	}
	h.Change(func(w *githubtest.World) {
		i := h.items[name]
		if i.Kind == githubtest.Issue || i.Kind == githubtest.Discussion {
			w.Transfer(i, w.Repository("attic"))
			return
		}
		w.Home(i).Name += fmt.Sprint("-", h.renamed)
	})
}

// repository returns the repository that a document is in; nil when there is none.
func (h *harness) repository(w *githubtest.World, name string) *githubtest.Repository {
	if p := h.pages[name]; p != nil {
		return p.repository
	}
	if i := h.items[name]; i != nil {
		return w.Home(i)
	}
	return nil
}

func (h *harness) permit(_ *testing.T, name string, n int) {
	h.Change(func(w *githubtest.World) {
		r := h.repository(w, name)
		r.Visibility = []string{"PUBLIC", "INTERNAL", "PRIVATE"}[n%3]
		r.Collaborators = map[string]string{"ann": "READ"}
	})
}

func (h *harness) external(name string) (external string) {
	h.Change(func(w *githubtest.World) {
		if r := h.repository(w, name); h.pages[name] != nil {
			external = fmt.Sprintf("%d/wiki/%s", r.ID(), h.pages[name].file)
		} else if r != nil {
			external = fmt.Sprintf("%d/%s/%d", r.ID(), h.items[name].Kind, h.items[name].Number())
		}
	})
	return external
}

func (h *harness) acl(name string) (acl *cairn.ACL) {
	h.Change(func(w *githubtest.World) {
		r := h.repository(w, name)
		group := connectors.SiteGroup(fmt.Sprintf("repository-%d", r.ID()))
		all := map[string]cairn.ACL{
			"PUBLIC": cairn.Allow(cairn.Everyone), "INTERNAL": cairn.Allow(connectors.SiteGroup("acme"), group), "PRIVATE": cairn.Allow(group),
		}[r.Visibility]
		acl = &all
	})
	return acl
}

func (h *harness) breakOne(t *testing.T, name string) {
	if h.pages[name] != nil {
		h.write(t, name, strings.Repeat("long ", 500_000))
		return
	}
	h.Change(func(w *githubtest.World) {
		h.items[name].Broken = true
		w.Touch(h.items[name])
	})
}

func (h *harness) source() connectortest.Source {
	return connectortest.Source{
		Remote: h.Remote,
		Connect: func(t *testing.T) connectors.Connector {
			return connectortest.Open(t, github.Kind(), h.Env, h.settings)
		},
		Content: func(r *http.Request, body string) bool {
			return !strings.HasSuffix(r.URL.Path, "/orgs/acme") && !strings.HasSuffix(r.URL.Path, "/access_tokens") &&
				(!strings.HasSuffix(r.URL.Path, "/graphql") || strings.Contains(body, "bodyHTML") || strings.Contains(body, "issues(") || strings.Contains(body, "releases("))
		},
		PermissionRequests: 20,
		Put:                h.put, Remove: h.remove, Move: h.move, Permit: h.permit, External: h.external, ACL: h.acl, Break: h.breakOne,
	}
}

func newHarness(t *testing.T, kinds map[string]githubtest.Kind, home func(name string) string) *harness {
	h := &harness{Site: githubtest.New(t), items: map[string]*githubtest.Item{}, pages: map[string]*wikiPage{}, home: home, kinds: kinds}
	h.settings = h.Settings()
	return h
}

// In one repository, pages end within what a repository holds. Its changes are so far
// apart that going back a while, as a reading does, makes up for no wrong cursor.
func TestConformanceOfOneRepository(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		h := newHarness(t, map[string]githubtest.Kind{
			"alpha": githubtest.Issue, "beta": githubtest.Pull, "delta": githubtest.Discussion, "epsilon": githubtest.Release, "gamma": githubtest.Issue,
			"zeta": githubtest.Discussion, "page42": githubtest.Pull, // releases cannot be broken
		}, func(string) string { return "handbook" })
		h.SetClock(time.Now().AddDate(-1, 0, 0), 10*time.Minute)
		return h.source()
	})
}

// Pages of one wiki, beside one issue.
func TestConformanceOfWikis(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		s := newHarness(t, map[string]githubtest.Kind{
			"alpha": page, "beta": page, "delta": githubtest.Issue, "epsilon": page, "gamma": page, "zeta": page, "page42": page,
		}, func(string) string { return "handbook" }).source()
		s.Cases = 30
		return s
	})
}

// With many repositories, the pages of repositories end, and each has permissions of its
// own. Everything changed just now, so that a reading goes back behind the one before.
// The credential is that of an App.
func TestConformanceOfManyRepositories(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		h := newHarness(t, map[string]githubtest.Kind{
			"alpha": githubtest.Issue, "beta": githubtest.Pull, "delta": githubtest.Discussion, "epsilon": githubtest.Release, "gamma": githubtest.Issue,
			"zeta": page, "page42": page,
		}, func(name string) string { return "the-" + name })
		h.settings, _ = h.UseApp(t)
		s := h.source()
		s.Cases = 30
		s.Puzzle = func(t *testing.T, name string) {
			h.Change(func(w *githubtest.World) { h.repository(w, name).Visibility = "GUARDED" })
		}
		return s
	})
}
