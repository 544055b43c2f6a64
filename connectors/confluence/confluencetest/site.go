// Package confluencetest has a strict fake of a site of Confluence, Cloud or Data Center.
//
// It was written from the OpenAPI description of "The Confluence Cloud REST API v2",
// version 2.0.0; of API v1 of Confluence Cloud, of July 2026, which has content search,
// restrictions, groups and the download of attachments; and from the REST documentation
// of Confluence Data Center 10.1. Parameters, their limits, scopes, media types, fields
// and the forms of links are those. Lists come two elements a page, so that every walk
// meets the boundaries of pages; lists within lists do so, too.
package confluencetest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// The credential and the places of a fake site.
const (
	CloudID = "11223344-a1b2-3b33-c444-def123456789"
	email   = "bot@example.com"
	token   = "api-token"
)

// smallPage is how many elements a page of a list has, unless a test wants another size.
const smallPage = 2

// Site is a fake site. Its state may be changed while it is served.
type Site struct {
	t     testing.TB
	cloud bool
	fake  *connectortest.Fake

	mu       sync.Mutex
	last     int // id
	spaces   map[string]*space
	contents map[string]*content
	users    map[string]*user
	groups   map[string]*group
	names    map[string]string // ids of contents, by the names of tests
	oauth    *oauth            // nil: API token or personal access token
	media    *httptest.Server  // where attachments of Cloud lie
	server   *httptest.Server  // serves the site where Settings was asked
	roles    bool              // space roles are on
	admin    bool              // Data Center: the account is an administrator
	requests map[string]int    // by pattern
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
		t: t, cloud: cloud, last: 1000, admin: true, spaces: map[string]*space{}, contents: map[string]*content{},
		users: map[string]*user{}, groups: map[string]*group{}, names: map[string]string{}, requests: map[string]int{}, size: smallPage,
	}
	routes := s.dataCenterRoutes()
	if cloud {
		routes = s.cloudRoutes()
		s.media = httptest.NewServer(http.HandlerFunc(s.serveMedia))
		t.Cleanup(s.media.Close)
	}
	s.fake = connectortest.NewFake(t, s.known, routes...)
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
	if r.Host == "auth.atlassian.com" {
		s.serveToken(w, r)
		return
	}
	if r.Host == "api.media.atlassian.com" {
		s.serveMedia(w, r)
		return
	}
	if prefix := "/ex/confluence/" + CloudID; r.Host == "api.atlassian.com" && strings.HasPrefix(r.URL.Path, prefix) {
		http.StripPrefix(prefix, s.fake).ServeHTTP(w, r)
		return
	}
	s.fake.ServeHTTP(w, r)
}

// known reports whether a request has a credential.
func (s *Site) known(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.oauth != nil:
		return r.Host == "api.atlassian.com" && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-")
	case s.cloud:
		name, password, ok := r.BasicAuth()
		return ok && name == email && password == token
	}
	return r.Header.Get("Authorization") == "Bearer "+token
}

// Settings returns the settings of a source that reads the site, which it serves from
// now on until the test ends.
func (s *Site) Settings() map[string]string {
	if s.server == nil {
		s.server = httptest.NewServer(s)
		s.t.Cleanup(s.server.Close)
	}
	return s.SettingsAt(s.server.URL)
}

// SettingsAt is Settings for a site that somebody else serves.
func (s *Site) SettingsAt(url string) map[string]string {
	switch {
	case s.oauth != nil:
		return map[string]string{"url": url, "edition": "cloud", "cloud_id": CloudID, "client_id": clientID}
	case s.cloud:
		return map[string]string{"url": url, "edition": "cloud", "email": email}
	}
	return map[string]string{"url": url + "/confluence", "edition": "datacenter"}
}

// Secrets returns the secret settings.
func (s *Site) Secrets() map[string]string {
	if s.oauth != nil {
		return map[string]string{"client_secret": clientSecret, "refresh_token": s.oauth.refresh}
	}
	return map[string]string{"token": token}
}

// Put makes a page of the space DOCS, or changes it.
func (s *Site) Put(_ testing.TB, name, title, text string) {
	s.PutBody(name, title, "<h1>Details</h1><p>"+escape(text)+"</p>")
}

// PutBody makes a page of the space DOCS, or changes it: its text is in storage format.
func (s *Site) PutBody(name, title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(name)
	if c == nil {
		c = s.make("page", "DOCS")
		s.names[name] = c.id
	}
	c.title, c.body = title, body
	s.touch(c)
}

// PutIn makes a page of a space.
func (s *Site) PutIn(key, name, title, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.make("page", key)
	c.title, c.body = title, "<p>"+escape(text)+"</p>"
	s.names[name] = c.id
}

// Post makes a blog post of the space DOCS.
func (s *Site) Post(name, title, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.make("blogpost", "DOCS")
	c.title, c.body = title, "<h1>Details</h1><p>"+escape(text)+"</p>"
	s.names[name] = c.id
}

// Folder makes a folder, which Cloud has, or moves it below another content.
func (s *Site) Folder(name, parent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(name)
	if c == nil {
		c = s.make("folder", "DOCS")
		s.names[name] = c.id
	}
	c.title, c.parent = name, s.names[parent]
}

// Attach attaches a file to a page, or makes a new version of it.
func (s *Site) Attach(page, name, mediaType, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(page + "/" + name)
	if c == nil {
		c = s.make("attachment", "DOCS")
		delete(s.contents, c.id)
		c.id = "att" + c.id
		s.contents[c.id] = c
		s.names[page+"/"+name] = c.id
	}
	c.title, c.mediaType, c.data, c.parent = name, mediaType, []byte(text), s.names[page]
	s.touch(c)
}

// Comment makes a comment on a page, inline on a quote where there is one, or changes it.
// It answers another comment where one is named.
func (s *Site) Comment(name, page, answers, quote, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(name)
	if c == nil {
		kind := "footer"
		if quote != "" {
			kind = "inline"
		}
		c = s.make(kind, "DOCS")
		s.names[name] = c.id
	}
	c.author, c.body, c.quote, c.parent, c.reply = "Bob", body, quote, s.names[page], s.names[answers]
	s.touch(c)
}

// Remove moves something to the trash. What lies below a page moves up.
func (s *Site) Remove(_ testing.TB, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(name)
	if c == nil {
		s.t.Errorf("there is no content %q to remove", name)
		return
	}
	c.status = "trashed"
	delete(s.names, name)
	for _, child := range s.contents {
		if child.parent == c.id && (child.kind == "page" || child.kind == "folder") {
			child.parent = c.parent
		}
	}
}

// Move moves a page below another content, or to the top of its space. Its version stays.
func (s *Site) Move(name, parent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named(name).parent = s.names[parent]
}

// Allow lets exactly these people read a page, as far as they may read what it lies in;
// nobody but the account of the source when there are none. Who is not known gets an
// account and may view the space.
func (s *Site) Allow(_ testing.TB, name string, emails ...string) {
	people := []string{"Bot"}
	for _, address := range emails {
		people = append(people, s.account(address))
	}
	s.Restrict(name, people, nil)
}

// account returns the id of the account with an address, which it makes when there is
// none.
func (s *Site) account(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, u := range s.users {
		if u.email == address {
			return id
		}
	}
	name, _, _ := strings.Cut(address, "@")
	s.users[address] = &user{id: address, name: name, email: address}
	s.spaces["DOCS"].users = append(s.spaces["DOCS"].users, address)
	return address
}

// Restrict lets exactly these people and groups read something; everybody when there are
// none. No version changes.
func (s *Site) Restrict(name string, users, groups []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.named(name)
	c.users, c.groups = users, groups
}

// Link returns how the address of a page begins.
func (s *Site) Link(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := ""
	if s.server != nil {
		base = s.server.URL
	}
	if s.cloud {
		return base + "/wiki" + webUI(s.named(name))
	}
	return base + "/confluence" + webUI(s.named(name))
}

// Space makes a space, which nobody may view.
func (s *Site) Space(key string, personal bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spaces[key] = &space{id: s.next(), key: key, name: "Space " + key, personal: personal}
}

// View lets exactly these people and groups view a space.
func (s *Site) View(key string, users, groups []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spaces[key].users, s.spaces[key].groups = users, groups
}

// Public lets anonymous people view a space, or not.
func (s *Site) Public(key string, public bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spaces[key].anonymous = public
}

// Roles turns on roles in spaces, and gives people and access classes that of a viewer.
func (s *Site) Roles(key string, users, access []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles = true
	s.spaces[key].roleUsers, s.spaces[key].access = users, access
}

// User makes an account, whose id is its name. Without an address its profile hides it.
func (s *Site) User(name, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name] = &user{id: name, name: name + " Smith", email: address, private: address == ""}
}

// Group makes a group, or replaces its members.
func (s *Site) Group(name string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[name] == nil {
		s.groups[name] = &group{id: "g-" + s.next(), name: name}
	}
	s.groups[name].members = members
}

// Break makes the text of something unreadable.
func (s *Site) Break(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named(name).broken = true
}

// Puzzle gives something restrictions of an unknown form.
func (s *Site) Puzzle(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named(name).puzzle = true
}

// Orphan lets the site keep to itself what something lies in.
func (s *Site) Orphan(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named(name).orphan = true
}

// Unindex takes something out of the search index, which is behind.
func (s *Site) Unindex(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named(name).hidden = true
}

// PageSize sets how many elements a page of a list has.
func (s *Site) PageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size = n
}

// Demote takes the rights of an administrator from the account, which Data Center tells
// permissions of spaces only to.
func (s *Site) Demote() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admin = false
}

// ID returns the id of something.
func (s *Site) ID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}

// Requests returns how often the route of a pattern was asked, and forgets it.
func (s *Site) Requests(pattern string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.requests[pattern]
	s.requests[pattern] = 0
	return n
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
