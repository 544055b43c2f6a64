// Package githubtest has a fake of GitHub, as an Enterprise Server serves it, that refuses
// what GitHub would.
//
// It is written from GitHub's OpenAPI description of the REST API (github/rest-api-description,
// api.github.com, version 2022-11-28: GET /repos/{owner}/{repo}/issues, GET /orgs/{org} and
// POST /app/installations/{installation_id}/access_tokens) and from its public GraphQL schema
// (octokit/graphql-schema, of 22 July 2026), an excerpt of which lies in schema.graphql, types,
// arguments and all values of enumerations as there: queries are parsed and validated
// against it. Wikis are served by the program git http-backend, with basic
// authentication by a token. Links to next pages go to
// /repositories/{id}/… with a cursor, as GitHub's do. "since" leaves out what changed at
// the time itself, as the description says. Pages have two things, whatever is asked for.
package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Site is a fake GitHub. It may be used by several goroutines at once.
type Site struct {
	*connectortest.Remote

	t        testing.TB
	pageSize int

	mu     sync.Mutex
	world  World
	named  map[string]*Item
	scopes map[string]bool // that the token lacks
	key    *rsa.PrivateKey
	issued string // token of the installation; empty: none
	serial int
	circle bool                                                 // pages lead back to themselves
	limit  func() (status int, header http.Header, body string) // of a request that is too much; nil: none is
}

// Token is the personal access token that the site knows.
const Token = "ghp_fakeToken"

// New serves a site until the test ends. It has an organisation acme, without
// repositories, owned by root, whose address nobody knows.
func New(t testing.TB) *Site {
	t.Helper()
	s := &Site{t: t, pageSize: 2, named: map[string]*Item{}, scopes: map[string]bool{}}
	s.world = World{
		Organization: "acme", BasePermission: "none", Owners: []string{"root"}, Members: []string{"root"},
		Verified: map[string][]string{}, last: 1000,
	}
	list := []string{"state", "sort", "direction", "since", "per_page", "page", "after"}
	const accept = "application/vnd.github+json"
	fake := connectortest.NewFake(t, s.known,
		connectortest.Route{Pattern: "GET /api/v3/repos/{owner}/{repo}/issues", Query: list, Accept: accept, Handle: s.rest(s.listIssues)},
		connectortest.Route{Pattern: "GET /api/v3/repositories/{id}/issues", Query: list, Accept: accept, Handle: s.rest(s.listIssues)},
		connectortest.Route{Pattern: "GET /api/v3/orgs/{org}", Accept: accept, Handle: s.rest(s.organization)},
		connectortest.Route{Pattern: "POST /api/v3/app/installations/{id}/access_tokens", Accept: accept, Body: "application/json", Handle: s.rest(s.issueToken)},
		connectortest.Route{Pattern: "GET /{owner}/{wiki}/info/refs", Query: []string{"service!"}, Accept: "*/*", Handle: s.serveWiki},
		connectortest.Route{
			Pattern: "POST /{owner}/{wiki}/git-upload-pack", Accept: "application/x-git-upload-pack-result", Body: "application/x-git-upload-pack-request", Handle: s.serveWiki,
		},
		connectortest.Route{Pattern: "POST /api/graphql", Accept: "application/json", Body: "application/json", Handle: s.authorized(s.graphQL)},
	)
	s.Remote = connectortest.NewRemote(t, fake, s.TokenSecrets())
	return s
}

// SetPages sets how many things pages have at most.
func (s *Site) SetPages(size int) { s.pageSize = size }

// Change changes what the site holds.
func (s *Site) Change(change func(w *World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.world)
}

// SetClock sets the time of changes, and by how much it goes on with each. Without it,
// changes are made when they are made. A step of 0 is for what changes before it is read:
// no site dates a change back to what was read long after.
func (s *Site) SetClock(at time.Time, step time.Duration) {
	s.Change(func(w *World) { w.now, w.step = at.UTC().Truncate(time.Second), step })
}

// Withhold takes a scope from the token: read:org, or admin:org, without which identities
// are not told; or "owner", so that it is not that of an owner, who alone is told them;
// "discussions", the permission to read those; or "addresses", which owners see in plans
// that have verified domains.
func (s *Site) Withhold(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes[scope] = true
}

// Circle lets pages lead back to themselves, but those of repositories.
func (s *Site) Circle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.circle = true
}

// Limit lets every third request be too much, in one of GitHub's ways: "primary" and
// "secondary", "secondary without a time" and, for queries, "points".
func (s *Site) Limit(way string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	s.limit = func() (int, http.Header, string) {
		if n++; n%3 != 0 {
			return 0, nil, ""
		}
		reset := strconv.FormatInt(s.Clock.Now().Add(90*time.Second).Unix(), 10)
		used := http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {reset}}
		switch way {
		case "primary":
			return http.StatusForbidden, used, `{"message":"API rate limit exceeded for user ID 1."}`
		case "secondary":
			return http.StatusForbidden, http.Header{"Retry-After": {"60"}, "X-Ratelimit-Remaining": {"4000"}}, `{"message":"You have exceeded a secondary rate limit."}`
		case "points":
			return http.StatusOK, used, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`
		}
		return http.StatusForbidden, http.Header{"X-Ratelimit-Remaining": {"4000"}}, `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}`
	}
}

// Settings returns the settings of a source that reads the site.
func (s *Site) Settings() map[string]string {
	return map[string]string{"url": s.URL, "owner": "acme"}
}

// Secrets returns the secret settings of a source that reads the site.
func (s *Site) Secrets() map[string]string { return s.TokenSecrets() }

// TokenSecrets are the secrets of a source that reads with a personal access token.
func (s *Site) TokenSecrets() map[string]string { return map[string]string{"token": Token} }

// Put makes an issue in a repository of its own, or changes it: with a text below the
// heading Details. Everybody may read it until Allow.
func (s *Site) Put(t testing.TB, name, title, text string) {
	t.Helper()
	s.Change(func(w *World) {
		body := `<h2 dir="auto">Details</h2>` + "\n" + `<p dir="auto">` + html.EscapeString(text) + "</p>"
		if i := s.named[name]; i != nil {
			i.Title, i.HTML = title, body
			w.Touch(i)
			return
		}
		s.named[name] = w.Add(w.Repository(slug(name)), &Item{Kind: Issue, Title: title, HTML: body})
	})
}

// Remove deletes what Put made.
func (s *Site) Remove(t testing.TB, name string) {
	t.Helper()
	s.Change(func(w *World) {
		if s.named[name] == nil {
			t.Fatalf("there is no %q", name)
		}
		w.Delete(s.named[name])
		delete(s.named, name)
	})
}

// Allow makes people the only ones who may read what Put made: the repository becomes
// private, with them as its collaborators.
func (s *Site) Allow(t testing.TB, name string, emails ...string) {
	t.Helper()
	s.Change(func(w *World) {
		r := w.Repository(slug(name))
		r.Visibility, r.Collaborators = "PRIVATE", map[string]string{}
		for _, address := range emails {
			local, _, _ := strings.Cut(address, "@")
			w.Invite(slug(local), address)
			r.Collaborators[slug(local)] = "READ"
		}
	})
}

// Link returns the address of what Put made, before the anchor.
func (s *Site) Link(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.URL + s.world.path(s.named[name])
}

// Discuss comments on what Put made, and returns the address of the comment.
func (s *Site) Discuss(_ testing.TB, name, text string) (link string) {
	s.Change(func(w *World) {
		i, c := s.named[name], &Comment{Author: "ann", HTML: `<p dir="auto">` + html.EscapeString(text) + "</p>"}
		i.Comments = append(i.Comments, c)
		w.Touch(i)
		link = fmt.Sprintf("%s%s#%s%d", s.URL, w.path(i), fragments["IssueComment"], c.id)
	})
	return link
}

// UseApp makes the site one that is read with an App, and returns the settings and
// secrets of a source that does.
func (s *Site) UseApp(t testing.TB) (settings, secrets map[string]string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.key = key
	s.mu.Unlock()
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	settings = s.Settings()
	settings["app"], settings["installation"] = "4242", "77"
	s.Remote.Secrets.Set("private_key", string(text))
	s.Expire = s.expire
	return settings, map[string]string{"private_key": string(text)}
}

func (s *Site) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued = ""
}

func failure(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"message":"` + message + `","documentation_url":"https://docs.github.com/rest"}`))
}
