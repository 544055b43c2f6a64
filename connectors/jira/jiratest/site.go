// Package jiratest has a strict fake of a site of Jira, Cloud or Data Center.
//
// It was written from the OpenAPI description of "The Jira Cloud platform REST API",
// version 1001.0.0-SNAPSHOT (REST v3, in a copy of July 2025, swagger-v3.v3.json with 402
// paths), and from
// the "Jira Data Center platform REST API reference", 9.17.0 (REST v2). Parameters, scopes,
// media types, fields and the forms of pages are those. Lists come two elements a page, so
// that every walk meets the boundaries of pages. Times of JQL are taken in the time zone
// of the account, to the minute.
//
// Beyond those descriptions it assumes: that the search of Cloud cuts the field comment off
// and tells its total, and that of Data Center does not; that the field security is null, not
// missing, where an issue has no level; the form of the field issuerestriction; that comments
// of service projects of Data Center have the property sd.public.comment, which
// expand=properties shows; that a project of Data Center without issue security has status
// 404; and that files of Data Center lead to login.jsp who may not see them.
package jiratest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// pageSize is how many elements a page of a list has.
const pageSize = 2

// The custom fields of the site.
const (
	Criteria = "customfield_10020" // a text area
	Customer = "customfield_10021" // a text of one line
	Team     = "customfield_10022" // an option
	Watchers = "customfield_10010" // several people
	Teams    = "customfield_10011" // several groups
)

// Holder is who has a permission or belongs to a security level: group, projectRole and
// so on, and the name, account or field that belongs to it.
type Holder struct{ Type, Parameter string }

// Site is a fake site. Its state may be changed while it is served.
type Site struct {
	*atlassiantest.Site

	last     int // id
	page     int // how many issues a search returns at once
	waited   time.Duration
	zone     *time.Location
	projects map[string]*project // by key
	issues   map[string]*issue   // by id
	levels   map[string]*level   // by name
	users    map[string]*user
	groups   map[string]*group
	names    map[string]string // ids of issues, by the names of tests
	media    *httptest.Server  // where attachments of Cloud lie
	admin    bool              // the account is an administrator of Jira
	before   func(r *http.Request)
	hidden   map[string]bool // fields, and files, that the account is not told
}

type project struct {
	id, key, name, lead string
	kind                string // projectTypeKey
	simplified          bool
	browse              []Holder
	roles               map[string]*role // by name
	number              int              // of its last issue
	closed              bool             // the account does not administer it
}

type role struct {
	id            string
	users, groups []string
}

type level struct {
	id      string
	members []Holder
}

type issue struct {
	id, project      string
	number           int
	summary          string
	body             Text
	assignee         string
	reporter         string
	level            string // name
	restricted       []string
	parent           string // name
	created, updated time.Time
	fields           map[string]any
	comments         []*comment
	attachments      []*attachment
	links            []map[string]any
	broken, puzzle   bool
}

type comment struct {
	id         string
	author     string
	body       Text
	created    time.Time
	visibility any
	internal   bool
}

type attachment struct {
	id, name, mediaType string
	data                []byte
	created             time.Time
}

type user struct {
	id, name, email string
	private         bool   // the profile hides the address
	kind            string // accountType
}

type group struct {
	id, name string
	members  []string
}

// New returns a site of Jira Cloud that takes an API token, with the project DOCS, which
// the group staff may browse.
func New(t testing.TB) *Site { return newSite(t, true) }

// NewDataCenter returns a site of Jira Data Center that takes a personal access token,
// with the same project.
func NewDataCenter(t testing.TB) *Site { return newSite(t, false) }

func newSite(t testing.TB, cloud bool) *Site {
	s := &Site{
		Site: &atlassiantest.Site{
			T: t, Cloud: cloud, Product: "jira", Scopes: []string{"read:jira-work", "read:jira-user", "manage:jira-configuration"},
			Bounds: map[string][2]int{"maxResults": {0, 200}, "startAt": {0, 1 << 30}},
			Values: map[string][]string{"orderBy": {"created", "key"}, "status": {"live"}, "expand": {"all", "lead", "renderedBody,properties"}},
		},
		admin: true, last: 10000, page: pageSize, zone: time.FixedZone("Asia/Kathmandu", 5*60*60+45*60),
		projects: map[string]*project{}, issues: map[string]*issue{}, levels: map[string]*level{}, users: map[string]*user{},
		groups: map[string]*group{}, names: map[string]string{}, hidden: map[string]bool{},
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
	s.Project("DOCS", "software")
	s.Browse("DOCS", Holder{"group", "staff"})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.before != nil {
		s.before(r)
	}
	if strings.HasSuffix(r.URL.Path, "/user/bulk") {
		q := r.URL.Query() // the only parameter that comes several times
		q["accountId"] = []string{strings.Join(q["accountId"], ",")}
		r.URL.RawQuery = q.Encode()
	}
	s.Site.ServeHTTP(w, r)
}

// Link returns the address of an issue.
func (s *Site) Link(name string) string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	base := s.Base()
	if !s.Cloud {
		base += "/jira"
	}
	return base + "/browse/" + s.key(s.named(name))
}

// ID returns the id of an issue.
func (s *Site) ID(name string) string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.names[name]
}

// Before has a function called before each request is answered.
func (s *Site) Before(f func(r *http.Request)) { s.before = f }

// Zone sets the time zone of the account.
func (s *Site) Zone(zone *time.Location) { s.zone = zone }

// Page sets how many issues a search returns at once.
func (s *Site) Page(issues int) { s.page = issues }

// Wait lets time go by at the site.
func (s *Site) Wait(d time.Duration) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.waited += d
}

// What follows is called with the lock held.

func (s *Site) named(name string) *issue {
	i := s.issues[s.names[name]]
	if i == nil {
		s.T.Errorf("there is no issue %q", name)
		return &issue{project: "DOCS"}
	}
	return i
}

func (s *Site) next() string {
	s.last++
	return strconv.Itoa(s.last)
}

// now is the time of the site, which goes on with each id.
func (s *Site) now() time.Time {
	return time.Date(2024, 3, 1, 10, 0, 0, 123e6, time.UTC).Add(time.Duration(s.last-10000)*7*time.Second + s.waited)
}

func (s *Site) touch(i *issue) {
	s.last++
	i.updated = s.now()
}

func (s *Site) key(i *issue) string { return fmt.Sprintf("%s-%d", i.project, i.number) }

func (s *Site) at(t time.Time) string { return t.In(s.zone).Format("2006-01-02T15:04:05.000-0700") }

// projectOf returns the project that a path names.
func (s *Site) projectOf(r *http.Request) *project {
	for _, p := range s.projects {
		if p.id == r.PathValue("project") || p.key == r.PathValue("project") {
			return p
		}
	}
	return nil
}

// sorted returns the values of a map in the order of a number.
func sorted[T any](all map[string]T, number func(T) int) []T {
	var out []T
	for _, e := range all {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b T) int { return number(a) - number(b) })
	return out
}

func number(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "g-"))
	return n
}

func (s *Site) serveMedia(w http.ResponseWriter, r *http.Request) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if r.Header.Get("Authorization") != "" || r.URL.Query().Get("token") != "signed" {
		s.T.Errorf("the files of the site are asked with a credential, or without a signature: %s", r.URL)
	}
	s.sendFile(w, r, strings.TrimPrefix(r.URL.Path, "/file/"))
}

// refer leads people to a file to where they sign in, when they may not see it.
func (s *Site) refer(w http.ResponseWriter, r *http.Request) {
	if s.hidden[r.PathValue("id")] {
		http.Redirect(w, r, "/jira/login.jsp?permissionViolation=true", http.StatusFound)
		return
	}
	s.sendFile(w, r, r.PathValue("id"))
}

func (s *Site) sendFile(w http.ResponseWriter, r *http.Request, id string) {
	for _, i := range s.issues {
		for _, a := range i.attachments {
			if a.id == id {
				w.Header().Set("Content-Type", a.mediaType)
				w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(a.name))
				_, _ = w.Write(a.data)
				return
			}
		}
	}
	http.NotFound(w, r)
}
