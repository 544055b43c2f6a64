// Package confluencetest has a strict fake of a site of Confluence, Cloud or Data Center.
//
// It was written from
//
//   - for API v2 of Cloud, Atlassian's OpenAPI description "The Confluence Cloud REST API
//     v2", version 2.0.0, in a copy of February 2025 (openapi-v2.v3.json, 129 paths): paths,
//     parameters with their limits, scopes, fields;
//   - for API v1 of Cloud, Atlassian's OpenAPI description "Confluence REST API", in a copy of
//     December 2025: parameters and granular scopes of content search, restrictions, groups,
//     the current user and download; and the client confluence.js of July 2026, which repeats
//     that description and has the parameter expand of the search, which the copy lacks;
//   - for Data Center, its REST resources of 9.1 to 10.1 as public clients quote their
//     description, and CONFSERVER-99908 and CONFSERVER-100505. What replies look like
//     beyond that (expansions, links, times) is as it was known, not looked up.
//
// That the principal "role" of a permission is the access class anonymous-users, that roles
// name "read/space", and that sites without roles answer 404, is assumed. Lists come two elements a page, so that every
// walk meets the boundaries of pages; lists within lists do so, too.
package confluencetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// smallPage is how many elements a page of a list has, unless a test wants another size.
const smallPage = 2

// Site is a fake site. Its state may be changed while it is served.
type Site struct {
	*atlassiantest.Site

	last     int // id
	spaces   map[string]*space
	contents map[string]*content
	users    map[string]*user
	groups   map[string]*group
	names    map[string]string // ids of contents, by the names of tests
	media    *httptest.Server  // where attachments of Cloud lie
	roles    bool              // space roles are on
	admin    bool              // Data Center: the account is an administrator
	size     int               // of pages of lists
}

type space struct {
	id, key, name     string
	personal          bool
	users, groups     []string
	anonymous         bool
	roleUsers, access []string // accounts with the role Viewer, access classes with it
}

type content struct {
	id, kind, title, space string
	parent                 string // page or folder; of attachments and comments: what they belong to
	reply                  string // of comments: the one that it answers
	status                 string
	body                   string
	author                 string
	version                int
	created, modified      time.Time
	mediaType              string
	data                   []byte
	quote                  string
	users, groups          []string // that may read it; both empty: no restriction
	hidden                 bool     // from the search index
	broken, puzzle         bool
	orphan                 bool // what it lies in is not told
	refused                bool // its restrictions are not told
}

type user struct {
	id, name, email string
	private         bool // the profile hides the address
}

type group struct {
	id, name string
	members  []string
}

// New returns a site of Confluence Cloud that takes an API token, with one space.
func New(t testing.TB) *Site { return newSite(t, true) }

// NewDataCenter returns a site of Confluence Data Center that takes a personal access
// token, with one space.
func NewDataCenter(t testing.TB) *Site { return newSite(t, false) }

func newSite(t testing.TB, cloud bool) *Site {
	t.Helper()
	s := &Site{
		Site: &atlassiantest.Site{T: t, Cloud: cloud, Product: "confluence", Scopes: scopes, Bounds: map[string][2]int{"limit": {1, 250}, "start": {0, 1 << 30}}},
		last: 1000, admin: true, spaces: map[string]*space{}, contents: map[string]*content{},
		users: map[string]*user{}, groups: map[string]*group{}, names: map[string]string{}, size: smallPage,
	}
	routes := s.dataCenterRoutes()
	if cloud {
		routes = s.cloudRoutes()
		s.media = httptest.NewServer(http.HandlerFunc(s.serveMedia))
		t.Cleanup(s.media.Close)
	}
	s.Handler = s
	s.Serve(routes...)
	for _, name := range []string{"Ann", "Bob", "Cid", "Bot"} {
		s.User(name, strings.ToLower(name)+"@example.com")
	}
	s.Group("staff", "Ann", "Bob", "Cid")
	s.Group("eng", "Ann")
	s.Group("ops")
	s.Space("DOCS", false)
	s.View("DOCS", nil, []string{"staff"})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host == "api.media.atlassian.com" {
		s.serveMedia(w, r)
		return
	}
	s.Site.ServeHTTP(w, r)
}

// What follows is called with the lock held.

func (s *Site) named(name string) *content { return s.contents[s.names[name]] }

func (s *Site) next() string {
	s.last++
	return strconv.Itoa(s.last)
}

// now is the time of the site, which goes on with each id.
func (s *Site) now() time.Time {
	return time.Date(2026, 1, 5, 10, 0, s.last%3600, 0, time.FixedZone("", 2*60*60))
}

func (s *Site) make(kind, in string) *content {
	c := &content{id: s.next(), kind: kind, space: in, status: "current", author: "Ann"}
	c.created, c.modified, c.version = s.now(), s.now(), 1
	s.contents[c.id] = c
	return c
}

func (s *Site) touch(c *content) {
	s.last++
	c.version++
	c.modified = s.now()
}

// current returns the contents that are not in the trash and accepted, by id.
func (s *Site) current(accept func(c *content) bool) []*content {
	var out []*content
	for _, c := range s.contents {
		if c.status == "current" && accept(c) && s.attached(c) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *content) int { return number(a.id) - number(b.id) })
	return out
}

// attached reports whether what a content belongs to is there.
func (s *Site) attached(c *content) bool {
	switch c.kind {
	case "attachment", "footer", "inline":
		on := s.contents[c.parent]
		return on != nil && on.status == "current"
	}
	return true
}

func number(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "att"))
	return n
}

func webUI(c *content) string {
	title := strings.ReplaceAll(c.title, " ", "+")
	if c.kind == "blogpost" {
		return fmt.Sprintf("/spaces/%s/blog/2026/01/05/%s/%s", c.space, c.id, title)
	}
	return fmt.Sprintf("/spaces/%s/pages/%s/%s", c.space, c.id, title)
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
