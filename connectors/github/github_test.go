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

// harness keeps documents by name: issues, pull requests, discussions and releases in
// turn, in one repository or in one each.
type harness struct {
	*githubtest.Site
	items    map[string]*githubtest.Item
	settings map[string]string
	home     func(name string) string
	renamed  int
}

var kinds = map[string]githubtest.Kind{
	"alpha": githubtest.Issue, "beta": githubtest.Pull, "delta": githubtest.Discussion, "epsilon": githubtest.Release, "gamma": githubtest.Issue, "zeta": githubtest.Discussion,
}

func kindOf(name string) githubtest.Kind {
	if k, ok := kinds[name]; ok {
		return k
	}
	h := fnv.New32()
	_, _ = h.Write([]byte(name))
	if name == "page42" {
		return githubtest.Pull // releases cannot be broken
	}
	return []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion, githubtest.Release}[h.Sum32()%4]
}

func (h *harness) put(_ *testing.T, name, text string) {
	h.Change(func(w *githubtest.World) {
		body := "<p>" + text + "</p>"
		if i := h.items[name]; i != nil {
			i.HTML = body
			w.Touch(i)
			return
		}
		i := &githubtest.Item{Kind: kindOf(name), Title: "Document " + name, HTML: body, Labels: []string{"bug"}}
		for n := range 3 { // more than a page
			i.Comments = append(i.Comments, &githubtest.Comment{Author: "bob", HTML: fmt.Sprintf("<p>Comment %d</p>", n)})
		}
		h.items[name] = w.Add(w.Repository(h.home(name)), i)
	})
}

func (h *harness) remove(_ *testing.T, name string) {
	h.Change(func(w *githubtest.World) {
		w.Delete(h.items[name])
		delete(h.items, name)
	})
}

// move transfers what can be transferred, and renames the repository of the rest.
func (h *harness) move(_ *testing.T, name string) {
	h.Change(func(w *githubtest.World) {
		i := h.items[name]
		if i.Kind == githubtest.Issue || i.Kind == githubtest.Discussion {
			w.Transfer(i, w.Repository("attic"))
			return
		}
		h.renamed++ // no two have one name
		w.Home(i).Name += fmt.Sprint("-", h.renamed)
	})
}

func (h *harness) permit(_ *testing.T, name string, n int) {
	h.Change(func(w *githubtest.World) {
		r := w.Home(h.items[name])
		r.Visibility = []string{"PUBLIC", "INTERNAL", "PRIVATE"}[n%3]
		r.Collaborators = map[string]string{"ann": "READ"}
	})
}

func (h *harness) external(name string) (external string) {
	h.Change(func(w *githubtest.World) {
		i := h.items[name]
		if i == nil {
			return
		}
		external = fmt.Sprintf("%d/%s/%d", w.Home(i).ID(), i.Kind, i.Number())
	})
	return external
}

func (h *harness) acl(name string) (acl *cairn.ACL) {
	h.Change(func(w *githubtest.World) {
		r := w.Home(h.items[name])
		group := connectors.SiteGroup(fmt.Sprintf("repository-%d", r.ID()))
		all := map[string]cairn.ACL{
			"PUBLIC": cairn.Allow(cairn.Everyone), "INTERNAL": cairn.Allow(connectors.SiteGroup("acme"), group), "PRIVATE": cairn.Allow(group),
		}[r.Visibility]
		acl = &all
	})
	return acl
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
		Put:                h.put, Remove: h.remove, Move: h.move, Permit: h.permit, External: h.external, ACL: h.acl,
		Break: func(_ *testing.T, name string) {
			h.Change(func(w *githubtest.World) {
				h.items[name].Broken = true
				w.Touch(h.items[name])
			})
		},
	}
}

func newHarness(t *testing.T, home func(name string) string) *harness {
	h := &harness{Site: githubtest.New(t), items: map[string]*githubtest.Item{}, home: home}
	h.settings = h.Settings()
	return h
}

// In one repository, pages end within what a repository holds. Its changes are so far
// apart that going back a while, as a reading does, makes up for no wrong cursor.
func TestConformanceOfOneRepository(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		h := newHarness(t, func(string) string { return "handbook" })
		h.SetClock(time.Now().AddDate(-1, 0, 0), 10*time.Minute)
		return h.source()
	})
}

// With many repositories, the pages of repositories end, and each has permissions of its
// own. Everything changed just now, so that a reading goes back behind the one before.
// The credential is that of an App.
func TestConformanceOfManyRepositories(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		h := newHarness(t, func(name string) string { return "the-" + name })
		h.settings, _ = h.UseApp(t)
		s := h.source()
		s.Puzzle = func(t *testing.T, name string) {
			h.Change(func(w *githubtest.World) { w.Home(h.items[name]).Visibility = "GUARDED" })
		}
		return s
	})
}
