// Package webtest is a strict fake of a web site, for tests.
//
// It is written from RFC 9110 (HTTP semantics: sections 8.8 validators, 13 conditional
// requests, 15.4 redirection), RFC 9309 (Robots Exclusion Protocol), RFC 6596 (canonical
// links), RFC 7617 (basic authentication) and the sitemap protocol 0.9 (sitemaps.org). It
// fails the test on what a site would refuse, or its owner resent: an address that
// nothing ever led to, a parameter that was not linked, a path that robots.txt forbids, a
// validator that was never given out, a missing or foreign credential, two requests at
// once.
package webtest

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Site is a site of one folder, /docs/. Its pages are led to by a list that goes over
// several pages, or by a sitemap. It may be used by several goroutines at once.
type Site struct {
	URL string // where it is served on this machine

	PerPage int    // entries on a page of the list
	Twins   bool   // the list also leads to a print version of each page
	Robots  string // instead of the usual robots.txt; %s stands for the origin
	User    string // that must sign in; empty: nobody
	Missing int    // status of what was removed; 0: 404 and 410
	Lenient bool   // what nothing led to is not there, and no fault of who asks

	t testing.TB

	mu      sync.Mutex
	pages   map[string]*page // by path
	paths   map[string]string
	extra   map[string]http.HandlerFunc
	changes int
	busy    bool
	counts  Counts
}

// Counts are the requests for pages of the folder, without those of its list.
type Counts struct {
	Requests    int
	Conditional int
	NotModified int
}

// page is one address.
type page struct {
	title, text string
	version     int
	moved       string // path that it leads to now
	gone        int    // status
	broken      int    // status
	tags        map[string]bool
}

// Password is that of Site.User.
const Password = "open sesame"

// New returns a site without pages, where the user "cairn" must sign in, and serves it
// until the test ends.
func New(t testing.TB) *Site {
	t.Helper()
	s := &Site{t: t, PerPage: 2, User: "cairn", pages: map[string]*page{}, paths: map[string]string{}, extra: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Settings returns the settings of a source that reads the site.
func (s *Site) Settings() map[string]string {
	settings := map[string]string{"url": s.URL + "/docs/", "rate": "50"}
	if s.User != "" {
		settings["user"] = s.User
	}
	return settings
}

// Secrets returns the secret settings that belong to Settings.
func (s *Site) Secrets() map[string]string {
	if s.User == "" {
		return nil
	}
	return map[string]string{"password": Password}
}

// Put makes a page or changes it.
func (s *Site) Put(_ testing.TB, name, title, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paths[name] == "" {
		s.paths[name] = "/docs/" + name + ".html"
	}
	p := s.page(s.paths[name])
	p.title, p.text, p.gone, p.broken, p.moved = title, text, 0, 0, ""
	s.changed(p)
}

// Remove takes a page away.
func (s *Site) Remove(_ testing.TB, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.page(s.paths[name])
	s.changed(p)
	p.gone = cmp.Or(s.Missing, []int{http.StatusNotFound, http.StatusGone}[s.changes%2])
	delete(s.paths, name)
}

// Move gives a page another address, to which the old one leads.
func (s *Site) Move(_ testing.TB, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.page(s.paths[name])
	s.changed(from)
	to := fmt.Sprintf("/docs/%d/%s.html", s.changes, name)
	*s.page(to) = page{title: from.title, text: from.text, broken: from.broken, version: s.changes, tags: map[string]bool{}}
	from.moved = to
	s.paths[name] = to
}

// Break lets the site fail on a page with a status.
func (s *Site) Break(name string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page(s.paths[name]).broken = status
}

// Path returns the path of a page.
func (s *Site) Path(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths[name]
}

// Link returns the address of a page, which that of a citation begins with.
func (s *Site) Link(name string) string { return s.URL + s.Path(name) }

// Handle serves something else at a path, also outside of /docs/.
func (s *Site) Handle(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extra[path] = h
}

// Counts returns the requests since the last call.
func (s *Site) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	s.counts = Counts{}
	return c
}

func (s *Site) page(path string) *page {
	if s.pages[path] == nil {
		s.pages[path] = &page{tags: map[string]bool{}}
	}
	return s.pages[path]
}

func (s *Site) changed(p *page) {
	s.changes++
	p.version = s.changes
}

// modified is when a version was made: a second for each, in the past.
func modified(version int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(version) * time.Second)
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wrong := s.enter(r); wrong != "" {
		s.refuse(w, r, wrong)
		return
	}
	defer s.leave()
	s.mu.Lock()
	h, ok := s.extra[r.URL.Path]
	s.mu.Unlock()
	if ok {
		h(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/robots.txt":
		s.robots(w, r)
	case "/sitemaps/index.xml", "/sitemaps/docs.xml.gz":
		s.sitemap(w, r)
	case "/docs/":
		s.list(w, r)
	default:
		s.serve(w, r)
	}
}

// enter says what is wrong with a request, as far as it does not hang on the page.
func (s *Site) enter(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, password, signed := r.BasicAuth()
	switch {
	case s.busy:
		return "another request is under way"
	case r.Method != http.MethodGet:
		return "the method is " + r.Method
	case !strings.HasPrefix(r.UserAgent(), "Cairn/"):
		return "the User-Agent is " + r.UserAgent()
	case strings.HasPrefix(r.URL.Path, "/private/"):
		return "robots.txt forbids it"
	case r.Header.Get("Cookie") != "":
		return "there is a cookie that nobody set"
	case s.User == "" && r.Header.Get("Authorization") != "":
		return "a credential comes where none belongs"
	case s.User != "" && (!signed || user != s.User || password != Password):
		return "the credential is missing or wrong"
	}
	s.busy = true
	return ""
}

func (s *Site) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

func (s *Site) refuse(w http.ResponseWriter, r *http.Request, wrong string) {
	dump, _ := httputil.DumpRequest(r, false)
	s.t.Errorf("the fake site refuses a request: %s\n%s", wrong, dump)
	http.Error(w, wrong, http.StatusBadRequest)
}

func (s *Site) robots(w http.ResponseWriter, r *http.Request) {
	text := "# Rules\nUser-agent: *\nDisallow: /private/\nAllow: /docs/\nSitemap: %s/sitemaps/index.xml\n"
	if s.Robots != "" {
		text = s.Robots
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, strings.ReplaceAll(text, "%s", "http://"+r.Host))
}

// names are those of the pages, in the order of the list. Every third is in the sitemap
// alone.
func (s *Site) names(inSitemap bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.paths)) {
		sum := 0
		for _, c := range []byte(name) {
			sum += int(c)
		}
		if (sum%3 == 0) == inSitemap {
			out = append(out, name)
		}
	}
	return out
}

func (s *Site) sitemap(w http.ResponseWriter, r *http.Request) {
	origin := "http://" + r.Host
	if r.URL.Path == "/sitemaps/index.xml" {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<sitemap><loc>%s/sitemaps/docs.xml.gz</loc></sitemap></sitemapindex>`, origin)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	z := gzip.NewWriter(w)
	defer z.Close()
	fmt.Fprint(z, `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`)
	for _, name := range s.names(true) {
		at := s.paths[name]
		fmt.Fprintf(z, "<url><loc>%s%s</loc><lastmod>%s</lastmod></url>", origin, at, modified(s.pages[at].version).Format(time.RFC3339))
	}
	fmt.Fprint(z, `</urlset>`)
}

// list is the list of pages: it asks not to be found.
func (s *Site) list(w http.ResponseWriter, r *http.Request) {
	number := 1
	if text := r.URL.Query().Get("page"); text != "" {
		_, _ = fmt.Sscan(text, &number)
	}
	if len(r.URL.Query()) > 1 || r.URL.RawQuery != "" && r.URL.RawQuery != fmt.Sprintf("page=%d", number) || number < 1 {
		s.refuse(w, r, "it was not linked")
		return
	}
	names := s.names(false)
	from := min((number-1)*s.PerPage, len(names))
	to := min(from+s.PerPage, len(names))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><head><title>All pages</title><meta name="robots" content="noindex"></head><body><h1>All pages</h1><ul>`)
	for _, name := range names[from:to] {
		at := strings.TrimPrefix(s.paths[name], "/docs/")
		fmt.Fprintf(w, `<li><a href="%s?utm_source=list#details">%s</a>`, at, html.EscapeString(s.pages[s.paths[name]].title))
		if s.Twins {
			fmt.Fprintf(w, ` (<a href="./%s?print=1">print</a>)`, at)
		}
	}
	fmt.Fprint(w, `</ul><a href="/private/admin">Admin</a> <a href="mailto:web@example.com">Mail</a> <img src="/logo.png">`)
	if to < len(names) {
		fmt.Fprintf(w, `<a rel="next" href="?page=%d">Next</a>`, number+1)
	}
	fmt.Fprint(w, "</body></html>")
}

// serve serves a page.
func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	p := s.pages[r.URL.Path]
	// Addresses that may be tried.
	missing := s.Lenient || r.URL.Path == "/sitemap.xml" || strings.HasSuffix(r.URL.Path, "/cairn-asks-for-a-page-that-does-not-exist")
	switch {
	case p == nil && missing:
		http.NotFound(w, r)
		return
	case p == nil:
		s.refuse(w, r, "nothing ever led to this address")
		return
	case r.URL.RawQuery != "" && (r.URL.RawQuery != "print=1" || !s.Twins):
		s.refuse(w, r, "the parameter was not linked")
		return
	}
	s.counts.Requests++
	switch {
	case p.moved != "":
		http.Redirect(w, r, p.moved, []int{http.StatusMovedPermanently, http.StatusPermanentRedirect}[len(p.moved)%2])
	case p.gone != 0:
		http.Error(w, "<html><title>Nothing here</title></html>", p.gone)
	case p.broken != 0:
		http.Error(w, "<html><title>Something is wrong</title></html>", p.broken)
	default:
		s.content(w, r, p)
	}
}

// content serves the content of a page, or says that it is as it was. Some pages have an
// entity tag, some a date, some both.
func (s *Site) content(w http.ResponseWriter, r *http.Request, p *page) {
	tag := fmt.Sprintf(`"v%d-%s"`, p.version, r.URL.RawQuery)
	if p.version%2 == 0 {
		tag = "W/" + tag
	}
	at := modified(p.version).Format(http.TimeFormat)
	match, since := r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")
	if match != "" && !p.tags[match] || since != "" && !p.tags[since] {
		s.refuse(w, r, "a validator was never given out")
		return
	}
	if match != "" || since != "" {
		s.counts.Conditional++
	}
	if p.version%3 != 0 {
		w.Header().Set("ETag", tag)
		p.tags[tag] = true
	}
	if p.version%3 != 1 {
		w.Header().Set("Last-Modified", at)
		p.tags[at] = true
	}
	if match == tag || match == "" && since == at {
		s.counts.NotModified++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><head><title>%s</title><link rel="canonical" href="http://%s%s"></head><body>
<nav><a href="/docs/">All pages</a></nav><main><h1>%[1]s</h1><h2 id="details">Details</h2><p>%[4]s</p></main></body></html>`,
		html.EscapeString(p.title), r.Host, r.URL.Path, html.EscapeString(p.text))
}
