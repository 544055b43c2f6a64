package githubtest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// Wiki returns the git repository that is the wiki of a repository, which is made where
// there is none: before, git is told that nothing is there.
func (s *Site) Wiki(t testing.TB, r *Repository) *gittest.Repository {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.wiki == nil {
		r.wiki = gittest.NewRepository(t)
	}
	return r.wiki
}

// DropWiki makes the wiki of a repository one that nobody has written yet.
func (s *Site) DropWiki(r *Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.wiki = nil
}

// isWiki reports whether a request is one of git.
func isWiki(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && (strings.HasSuffix(r.URL.Path, ".wiki.git/info/refs") || strings.HasSuffix(r.URL.Path, ".wiki.git/git-upload-pack"))
}

// serveWiki answers git as GitHub does: what is switched off, has no pages or is not there
// is "Repository not found.".
func (s *Site) serveWiki(w http.ResponseWriter, r *http.Request) {
	wiki, status := s.findWiki(r)
	switch {
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Invalid username or token.", status)
	case status != http.StatusOK:
		http.Error(w, "Repository not found.", status)
	case r.Method == http.MethodGet && r.URL.RawQuery != "service=git-upload-pack":
		s.t.Errorf("git asks to do something else than to read: %s", r.URL)
		http.Error(w, "Write access to repository not granted.", http.StatusForbidden)
	default:
		wiki.Serve(w, r, "/"+r.PathValue("owner")+"/"+r.PathValue("wiki"), true)
	}
}

func (s *Site) findWiki(r *http.Request) (*gittest.Repository, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, token, _ := r.BasicAuth(); s.key != nil && token != s.issued {
		return nil, http.StatusUnauthorized
	}
	for _, repo := range s.world.Repositories {
		if "/"+s.world.full(repo)+".wiki.git" != "/"+r.PathValue("owner")+"/"+r.PathValue("wiki") {
			continue
		}
		if repo.NoWiki {
			s.t.Errorf("the wiki of %s is switched off and is asked for", repo.Name)
		}
		if repo.Blocked {
			return nil, http.StatusForbidden
		}
		if repo.wiki != nil && !repo.NoWiki {
			return repo.wiki, http.StatusOK
		}
	}
	return nil, http.StatusNotFound
}

// Wikis is a Site whose documents are pages of wikis.
type Wikis struct {
	*Site
	files map[string]string // by name
}

// NewWikis serves a site as New does.
func NewWikis(t testing.TB) *Wikis { return &Wikis{New(t), map[string]string{}} }

// Put is that of Site, with a page in the wiki of the repository.
func (s *Wikis) Put(t testing.TB, name, title, text string) {
	t.Helper()
	s.files[name] = strings.ReplaceAll(title, " ", "-") + ".md"
	s.Wiki(t, s.home(name)).Write(t, map[string]string{s.files[name]: "Written for all.\n\n## Details\n\n" + text + "\n"})
}

// Remove deletes what Put made.
func (s *Wikis) Remove(t testing.TB, name string) {
	t.Helper()
	s.Wiki(t, s.home(name)).Write(t, map[string]string{s.files[name]: ""})
}

// Link returns the address of what Put made, with the anchor of the heading.
func (s *Wikis) Link(name string) string {
	return s.URL + "/" + s.world.full(s.home(name)) + "/wiki/" + strings.TrimSuffix(s.files[name], ".md") + "#details"
}

func (s *Wikis) home(name string) (r *Repository) {
	s.Change(func(w *World) { r = w.Repository(slug(name)) })
	return r
}
