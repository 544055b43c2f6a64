// Package gittest serves a repository as git hosts do: the program git http-backend, of
// git's own, answers behind the checks that a host makes. The addresses, headers and
// media types are those of gitprotocol-http(5) and gitprotocol-v2(5), as of git 2.39;
// requests to other addresses, with other parameters, media types or credentials fail
// the test.
package gittest

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"strings"
	"testing"
)

// Token is the one that reads the repository.
const Token = "canary-git-token"

// Site is a host with one repository, acme/handbook.
type Site struct {
	*Repository
	URL string // of the site, when it is served
	// Filters says that the host sends parts of a repository, as all large ones do.
	Filters bool
	// Old says that the host speaks version 0 of the protocol alone: it lists all branches,
	// and gives out nothing but them and what they lead to.
	Old bool
	// Open says that everybody may read the repository, and no credential belongs in a
	// request.
	Open bool

	t testing.TB
}

// New serves a site until the test ends.
func New(t testing.TB) *Site {
	t.Helper()
	s := NewHandler(t)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// NewHandler returns a site that is not served yet.
func NewHandler(t testing.TB) *Site {
	t.Helper()
	return &Site{Repository: NewRepository(t), Filters: true, t: t}
}

// Path is the address of the repository below that of the site.
const Path = "/acme/handbook.git"

// Settings are those of a source that reads the site.
func (s *Site) Settings() map[string]string {
	return map[string]string{"url": s.URL + Path, "link": "gitea"}
}

// Secrets are the secret settings of a source that reads the site.
func (s *Site) Secrets() map[string]string { return map[string]string{"token": Token} }

// File is the path of a document in the repository.
func File(name string) string { return "docs/" + name + ".md" }

// Put writes a document.
func (s *Site) Put(t testing.TB, name, title, text string) {
	t.Helper()
	s.Commit(t, map[string]string{File(name): fmt.Sprintf("# %s\n\n## Details\n\n%s\n", title, text)})
}

// Remove deletes a document.
func (s *Site) Remove(t testing.TB, name string) {
	t.Helper()
	s.Commit(t, map[string]string{File(name): ""})
}

// Link returns what the address of a document begins with: that of the file at the
// commit that changed it last.
func (s *Site) Link(name string) string {
	commit := s.Git(s.t, "", "rev-list", "--max-count=1", "refs/heads/main", "--", File(name))
	return s.URL + strings.TrimSuffix(Path, ".git") + "/src/commit/" + commit + "/" + File(name)
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wrong := s.check(r); wrong != "" {
		dump, _ := httputil.DumpRequest(r, false)
		s.t.Errorf("the site refuses a request: %s\n%s", wrong, strings.ReplaceAll(string(dump), Token, "…"))
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	_, password, signed := r.BasicAuth()
	if !s.Open && (!signed || password != Token) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if s.Old {
		r = r.Clone(r.Context())
		r.Header.Del("Git-Protocol")
	}
	s.Serve(w, r, Path, s.Filters)
}

// Serve answers a request by the program git http-backend, which checks no credential.
// base is the address of the repository; filters says that parts of it are sent, too.
func (r *Repository) Serve(w http.ResponseWriter, req *http.Request, base string, filters bool) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization") // the backend would have it in its environment
	root, name := filepath.Split(r.Dir)
	req.URL.Path, req.URL.RawPath = "/"+name+strings.TrimPrefix(req.URL.Path, base), ""
	env := []string{
		"GIT_PROJECT_ROOT=" + filepath.Clean(root), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_PROTOCOL=" + req.Header.Get("Git-Protocol"), "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_CONFIG_KEY_1=uploadpack.allowFilter", fmt.Sprintf("GIT_CONFIG_VALUE_1=%v", filters),
	}
	(&cgi.Handler{Path: r.program, Args: []string{"http-backend"}, Dir: r.Dir, Env: env, Stderr: nothing{}}).ServeHTTP(w, req)
}

// check says what is wrong with a request, other than the credential.
func (s *Site) check(r *http.Request) string {
	_, _, signed := r.BasicAuth()
	switch {
	case s.Open && signed:
		return "a credential comes where none belongs"
	case r.Header.Get("Cookie") != "" || !signed && r.Header.Get("Authorization") != "":
		return "a credential of another form"
	case r.Header.Get("X-Cairn-Key") != "":
		return "a key of the relay leaves the machine"
	case r.Method == http.MethodGet && r.URL.Path == Path+"/info/refs":
		if r.URL.RawQuery != "service=git-upload-pack" {
			return "the parameters are " + r.URL.RawQuery
		}
		return ""
	case r.Method == http.MethodPost && r.URL.Path == Path+"/git-upload-pack":
		if r.Header.Get("Content-Type") != "application/x-git-upload-pack-request" || r.URL.RawQuery != "" {
			return "the body is of another media type, or there are parameters"
		}
		if accept := r.Header.Get("Accept"); accept != "application/x-git-upload-pack-result" {
			return "Accept is " + accept
		}
		return ""
	}
	return "nothing answers at this address"
}

// nothing is where the backend's messages go: git hangs up on it when it has enough.
type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
