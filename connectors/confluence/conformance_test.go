package confluence_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

func TestConformance(t *testing.T) {
	t.Run("Cloud", func(t *testing.T) {
		connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
			site := confluencetest.New(t)
			site.OAuth()
			return source(t, site)
		})
	})
	t.Run("DataCenter", func(t *testing.T) {
		connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
			return source(t, confluencetest.NewDataCenter(t))
		})
	})
}

// serve serves a site with faults before it.
func serve(t testing.TB, site *confluencetest.Site) *connectortest.Remote {
	t.Helper()
	r := connectortest.NewRemote(t, http.Handler(site), site.Secrets())
	r.Instead("api.atlassian.com", "auth.atlassian.com", "api.media.atlassian.com")
	return r
}

// world is what the harness knows of its documents.
type world struct {
	mu    sync.Mutex
	names []string
	moves int
}

func (w *world) add(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.names, name) {
		w.names = append(w.names, name)
	}
}

func source(t *testing.T, site *confluencetest.Site) connectortest.Source {
	r := serve(t, site)
	settings := site.SettingsAt(r.URL)
	if settings["client_id"] != "" {
		r.Expire = site.Expire
	}
	w := &world{}
	ids := map[string]string{} // also of what was removed
	return connectortest.Source{
		Remote: r,
		Connect: func(t *testing.T) connectors.Connector {
			return connectortest.Open(t, confluence.Kind(), r.Env, settings)
		},
		Put: func(t *testing.T, name, text string) {
			site.Put(t, name, "About "+name, text)
			w.add(name)
			ids[name] = site.ID(name)
		},
		Remove: func(t *testing.T, name string) {
			site.Remove(t, name)
			w.names = slices.DeleteFunc(w.names, func(n string) bool { return n == name })
		},
		Break:    func(_ *testing.T, name string) { site.Break(name) },
		External: func(name string) string { return ids[name] },
		Move: func(_ *testing.T, name string) {
			w.moves++
			parents := append([]string{""}, w.names...)
			parents = slices.DeleteFunc(parents, func(p string) bool { return p == name || below(site, p, name) })
			site.Move(name, parents[w.moves%len(parents)])
		},
		Permit: func(_ *testing.T, name string, n int) { permit(site, name, n) },
		ACL: func(name string) *cairn.ACL {
			acl := site.ACL(name)
			return &acl
		},
		Content: func(r *http.Request, _ string) bool {
			q := r.URL.Query()
			return q.Has("body-format") || strings.Contains(q.Get("expand"), "body") || strings.Contains(r.URL.Path, "comments") ||
				strings.Contains(r.URL.Path, "/download")
		},
		PermissionRequests: 35,
		Puzzle:             func(_ *testing.T, name string) { site.Puzzle(name) },
	}
}

// below reports whether one page lies below another.
func below(site *confluencetest.Site, name, above string) bool {
	return name != "" && slices.Contains(site.Above(name), site.ID(above))
}

func permit(site *confluencetest.Site, name string, n int) {
	switch n {
	case 0:
		site.Restrict(name, nil, nil)
	case 1:
		site.Restrict(name, []string{"Ann"}, nil)
	case 2:
		site.Restrict(name, nil, []string{"eng", "staff"})
	case 3:
		site.Restrict(name, []string{"Ann", "Bob", "Cid"}, []string{"eng"})
	case 4:
		site.View("DOCS", []string{"Ann", "Bob"}, []string{"staff"})
	case 5:
		site.Public("DOCS", !strings.Contains(string(site.ACL(name).Allow[0][0]), "everyone"))
	}
}
