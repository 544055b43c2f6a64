package web_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/web"
	"github.com/cairnhq/cairn/connectors/web/webtest"
)

// bench is a site, and what a server keeps of it: it lists, then reads changes, opens what
// has another revision than is known, and drops what a complete list lacks.
type bench struct {
	site     *webtest.Site
	remote   *connectortest.Remote
	settings map[string]string

	cursor    connectors.Cursor
	docs      map[string]string // by external id
	revisions map[string]string
	metadata  map[string]connectors.Metadata
	failed    map[string]string // codes
	opened    int               // by the last sync
	listErr   error             // why the last list was not complete
}

func newBench(t testing.TB) *bench {
	t.Helper()
	s := webtest.New(t)
	r := connectortest.NewRemote(t, s, s.Secrets())
	b := &bench{
		site: s, remote: r, settings: s.Settings(), docs: map[string]string{}, revisions: map[string]string{}, metadata: map[string]connectors.Metadata{},
		failed: map[string]string{},
	}
	b.settings["url"] = r.URL + "/docs/"
	return b
}

func (b *bench) connect(t testing.TB) connectors.Connector {
	t.Helper()
	return connectortest.Open(t, web.Kind(), b.remote.Env, b.settings)
}

// sync is one run, which is killed after a number of changes; -1: never.
func (b *bench) sync(t testing.TB, killedAfter int) error {
	t.Helper()
	c := b.connect(t)
	listed := map[string]bool{}
	b.listErr = nil
	for external, err := range c.(connectors.Lister).Externals(t.Context()) {
		if err != nil {
			b.listErr = err
			break
		}
		listed[external] = true
	}
	b.opened = 0
	n := 0
	for change, err := range c.Changes(t.Context(), b.cursor) {
		if err != nil {
			return err
		}
		b.apply(t, change, listed)
		if n++; n == killedAfter {
			return errKilled
		}
	}
	if b.listErr == nil {
		maps.DeleteFunc(b.docs, func(external, _ string) bool { return !listed[external] })
	}
	return nil
}

var errKilled = errors.New("killed")

func (b *bench) apply(t testing.TB, c connectors.Change, listed map[string]bool) {
	t.Helper()
	b.cursor = max(b.cursor, c.Cursor)
	if c.Op != connectors.Delete {
		listed[c.External] = true
	}
	var told *connectors.DocumentError
	switch {
	case errors.As(c.Err, &told):
		b.failed[c.External] = told.Code
	case c.Op == connectors.Delete:
		delete(b.docs, c.External)
	case c.Op == connectors.Upsert:
		delete(b.failed, c.External)
		b.metadata[c.External] = c.Metadata
		if _, there := b.docs[c.External]; there && b.revisions[c.External] == c.Metadata.Revision {
			return
		}
		b.opened++
		b.docs[c.External], b.revisions[c.External] = open(t, c), c.Metadata.Revision
	}
}

func open(t testing.TB, c connectors.Change) string {
	t.Helper()
	r, err := c.Open(t.Context())
	if err != nil {
		t.Errorf("open %s: %v", c.External, err)
		return ""
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("read %s: %v", c.External, err)
	}
	return string(text)
}

func (b *bench) mustSync(t testing.TB) {
	t.Helper()
	if err := b.sync(t, -1); err != nil {
		t.Fatal(err)
	}
}

// want checks which documents are kept, by path.
func (b *bench) want(t testing.TB, paths ...string) {
	t.Helper()
	var got []string
	for external := range b.docs {
		got = append(got, strings.TrimPrefix(external, b.remote.URL))
	}
	slices.Sort(got)
	slices.Sort(paths)
	if d := cmp.Diff(paths, got); d != "" {
		t.Errorf("the documents differ (-want +got):\n%s", d)
	}
}

// page serves HTML.
func page(html string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, html)
	}
}

func fill(t testing.TB, s *webtest.Site, n int) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("p%04d", i)
		s.Put(t, name, "Page "+name, "Herons are on page "+name+".")
	}
}

// TestUnchangedPages reads 2,000 pages twice: the second time each is asked for once, on
// a condition, and none is opened.
func TestUnchangedPages(t *testing.T) {
	const n = 2000
	b := newBench(t)
	b.site.PerPage = 100
	fill(t, b.site, n)
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != n || b.opened != n || len(b.docs) != n {
		t.Errorf("read first: %+v, %d opened, %d documents", c, b.opened, len(b.docs))
	}
	b.remote.Faults.Heal()
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != n || c.Conditional != n || c.NotModified != n || b.opened != 0 || len(b.docs) != n {
		t.Errorf("unchanged: %+v, %d opened, %d documents", c, b.opened, len(b.docs))
	}
	if other := b.remote.Faults.Requests() - n; other > n/100+5 {
		t.Errorf("unchanged: %d requests beside those for pages", other)
	}

	b.site.Put(t, "p0042", "Page p0042", "Something else.")
	b.site.Remove(t, "p1000")
	b.site.Move(t, "p1001")
	b.mustSync(t)
	if c := b.site.Counts(); b.opened != 2 || c.Requests-c.NotModified > 3 || len(b.docs) != n-1 {
		t.Errorf("three changes: %+v, %d opened, %d documents", c, b.opened, len(b.docs))
	}

	if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil {
		t.Fatal(err)
	}
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != n-1 || c.Conditional != 0 || b.opened != 0 || len(b.docs) != n-1 {
		t.Errorf("after what was known of pages is lost: %+v, %d opened, %d documents", c, b.opened, len(b.docs))
	}
}

// TestResume kills runs: no page is asked for twice, and none is lost.
func TestResume(t *testing.T) {
	b := newBench(t)
	b.site.PerPage = 10
	fill(t, b.site, 100)
	for i, after := range []int{30, 1, 50} {
		if err := b.sync(t, after); !errors.Is(err, errKilled) {
			t.Fatalf("run %d: %v", i, err)
		}
	}
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != 100 || len(b.docs) != 100 {
		t.Errorf("%+v, %d documents", c, len(b.docs))
	}
	b.mustSync(t)
	if c := b.site.Counts(); c.NotModified != 100 || len(b.docs) != 100 {
		t.Errorf("read again: %+v, %d documents", c, len(b.docs))
	}

	// Killed, with all that was known lost, and another cursor.
	for i := range 100 {
		b.site.Put(t, fmt.Sprintf("p%04d", i), "New", "Other herons.")
	}
	if err := b.sync(t, 50); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil {
		t.Fatal(err)
	}
	b.mustSync(t)
	for external, text := range b.docs {
		if !strings.Contains(text, "Other herons.") {
			t.Errorf("%s is an old version", external)
		}
	}
	if len(b.docs) != 100 {
		t.Errorf("%d documents", len(b.docs))
	}
}

// TestLaggingCursor kills a run of whose changes only the first were stored.
func TestLaggingCursor(t *testing.T) {
	b := newBench(t)
	b.site.PerPage = 10
	fill(t, b.site, 50)
	if err := b.sync(t, 10); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	stored, cursor := maps.Clone(b.docs), b.cursor
	if err := b.sync(t, 30); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	b.docs, b.cursor = stored, cursor
	b.mustSync(t)
	if c := b.site.Counts(); len(b.docs) != 50 || c.Requests > 100 {
		t.Errorf("%d documents, %+v", len(b.docs), c)
	}
}

// TestOneAtATime opens documents at once, when nothing is kept of them: the site is still
// asked for one after the other.
func TestOneAtATime(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	b.site.Handle("/docs/", page(`<a href="a">x</a><a href="b">x</a>`))
	slow := func(w http.ResponseWriter, r *http.Request) { // the fake fails the test on two at once
		time.Sleep(20 * time.Millisecond)
		page("Text of "+r.URL.Path)(w, r)
	}
	b.site.Handle("/docs/a", slow)
	b.site.Handle("/docs/b", slow)
	var changes []connectors.Change
	for c, err := range b.connect(t).Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if c.Op == connectors.Upsert {
			changes = append(changes, c)
		}
	}
	if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for _, c := range changes {
		for range 2 {
			go func() { done <- open(t, c) }()
		}
	}
	for range 2 * len(changes) {
		if text := <-done; text == "" {
			t.Error("a document is empty")
		}
	}
}

// TestOutage lets a site go away in the middle of a crawl: the run ends, soon, and says so.
func TestOutage(t *testing.T) {
	b := newBench(t)
	b.site.PerPage = 100
	fill(t, b.site, 50)
	b.mustSync(t)
	b.remote.Faults.From(20, connectortest.Away)
	if err := b.sync(t, -1); !errors.Is(err, connectors.ErrUnavailable) || b.listErr == nil || len(b.docs) != 50 {
		t.Errorf("%v, the list: %v, %d documents", err, b.listErr, len(b.docs))
	}
	if n := b.remote.Faults.Requests(); n > 100 {
		t.Errorf("%d requests", n)
	}
	b.remote.Faults.Heal()
	b.mustSync(t)
	if len(b.failed) > 0 || len(b.docs) != 50 {
		t.Errorf("back again: failed: %v, %d documents", b.failed, len(b.docs))
	}
}

// TestLateResume comes back a day after a run was killed: the pages are asked for anew.
func TestLateResume(t *testing.T) {
	b := newBench(t)
	fill(t, b.site, 10)
	if err := b.sync(t, 5); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	b.site.Counts()
	_ = b.remote.Clock.Sleep(t.Context(), 24*time.Hour)
	for i := range 10 {
		b.site.Put(t, fmt.Sprintf("p%04d", i), "New", "Other herons.")
	}
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != 10 {
		t.Errorf("%+v", c)
	}
	for external, text := range b.docs {
		if !strings.Contains(text, "Other herons.") {
			t.Errorf("%s is an old version", external)
		}
	}
}

// TestDamagedState puts rubbish where the state of pages lies.
func TestDamagedState(t *testing.T) {
	b := newBench(t)
	fill(t, b.site, 5)
	b.mustSync(t)
	files, err := os.ReadDir(b.remote.Env.WorkDir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		_ = os.WriteFile(filepath.Join(b.remote.Env.WorkDir, f.Name()), []byte("\x1f\x8brubbish"), 0o600)
	}
	b.mustSync(t)
	if len(b.docs) != 5 || b.opened != 0 {
		t.Errorf("%d documents, %d opened", len(b.docs), b.opened)
	}
}

// TestNothingLies checks that the bytes of documents do not stay in the work folder.
func TestNothingLies(t *testing.T) {
	b := newBench(t)
	fill(t, b.site, 5)
	b.mustSync(t)
	left, _ := os.ReadDir(filepath.Join(b.remote.Env.WorkDir, "bodies"))
	if len(left) > 0 {
		t.Errorf("%d documents lie in the work folder", len(left))
	}
	if c := b.site.Counts(); c.Requests != 5 {
		t.Errorf("%d requests for 5 pages", c.Requests)
	}
}

// TestFailingPages lets pages fail: what was read of them stays, and nothing behind
// them is deleted.
func TestFailingPages(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusForbidden, http.StatusUnauthorized, http.StatusTeapot, http.StatusUnavailableForLegalReasons} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			b := newBench(t)
			fill(t, b.site, 4)
			b.mustSync(t)
			b.site.Break("p0001", status)
			b.mustSync(t)
			at := b.remote.URL + b.site.Path("p0001")
			if len(b.docs) != 4 || b.failed[at] == "" || b.listErr != nil {
				t.Errorf("%d documents, failed: %v, the list: %v", len(b.docs), b.failed, b.listErr)
			}
			b.site.Put(t, "p0001", "Back", "It is back.")
			b.mustSync(t)
			if !strings.Contains(b.docs[at], "It is back.") || len(b.failed) > 0 {
				t.Errorf("%q, failed: %v", b.docs[at], b.failed)
			}
		})
	}
}

// TestUnknownBehindFailure loses what was known of a page that then fails: the pages that
// only it leads to must stay.
func TestUnknownBehindFailure(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	fails := false
	b.site.Handle("/docs/", page(`<a href="section/">Section</a>`))
	b.site.Handle("/docs/section/", func(w http.ResponseWriter, r *http.Request) {
		if fails {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		page(`<a href="leaf">Leaf</a>`)(w, r)
	})
	b.site.Handle("/docs/section/leaf", page("A leaf."))
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/section/", "/docs/section/leaf")
	fails = true
	b.mustSync(t)
	if b.listErr != nil {
		t.Errorf("what the page leads to is known: %v", b.listErr)
	}
	if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil {
		t.Fatal(err)
	}
	b.mustSync(t)
	if b.listErr == nil {
		t.Error("a list passes for complete")
	}
	b.want(t, "/docs/", "/docs/section/", "/docs/section/leaf")
	_ = b.remote.Clock.Sleep(t.Context(), 25*time.Hour)
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/section/")
}

// TestRedirects tells pages that have moved from those that lead elsewhere for a time.
func TestRedirects(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	status, to := 0, ""
	b.site.Handle("/docs/", page(`<a href="a">A</a><a href="b">B</a>`))
	b.site.Handle("/docs/a", func(w http.ResponseWriter, r *http.Request) {
		if status != 0 {
			http.Redirect(w, r, to, status)
			return
		}
		page("Page A.")(w, r)
	})
	b.site.Handle("/docs/b", page("Page B."))
	b.site.Handle("/docs/new", page("Page A, moved."))
	b.mustSync(t)
	for _, tt := range []struct {
		status int
		to     string
		want   []string
	}{
		{302, "/docs/new", []string{"/docs/", "/docs/a", "/docs/b", "/docs/new"}},
		{307, "https://login.example.com/", []string{"/docs/", "/docs/a", "/docs/b"}},
		{303, "/login", []string{"/docs/", "/docs/a", "/docs/b"}},
		{301, "/docs/a", []string{"/docs/", "/docs/a", "/docs/b"}}, // in a circle
		{301, "http://", []string{"/docs/", "/docs/a", "/docs/b"}}, // to nowhere
		{301, "/docs/b#part", []string{"/docs/", "/docs/b"}},
		{0, "", []string{"/docs/", "/docs/a", "/docs/b"}},
		{308, "/docs/new?utm_source=a", []string{"/docs/", "/docs/b", "/docs/new"}},
		{0, "", []string{"/docs/", "/docs/a", "/docs/b"}},
		{301, "http://elsewhere.example/", []string{"/docs/", "/docs/b"}},
	} {
		status, to = tt.status, tt.to
		b.mustSync(t)
		if b.listErr != nil {
			t.Errorf("%d to %q: the list is not complete: %v", status, to, b.listErr)
		}
		b.want(t, tt.want...)
	}
	status, to = 0, ""
	b.mustSync(t)
	status, to = 302, "/docs/new"
	if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil { // also when nothing is known of the page
		t.Fatal(err)
	}
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/a", "/docs/b", "/docs/new")
	_ = b.remote.Clock.Sleep(t.Context(), 8*24*time.Hour)
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/b", "/docs/new")
}

// TestCanonical has one document for each page, whatever its addresses.
func TestCanonical(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	links := []string{"x?view=1", "x?view=2", "x", "off", "dead?1", "out", "ring1", "ring2", "chain1", "hidden?1", "moved?1"}
	html := ""
	for _, l := range links {
		html += `<a href="` + l + `">x</a>`
	}
	b.site.Handle("/docs/", page(html))
	canonical := func(to string) http.HandlerFunc { return page(`<link rel="canonical" href="` + to + `">Text.`) }
	b.site.Handle("/docs/x", canonical("/docs/x"))
	b.site.Handle("/docs/off", canonical("https://other.example/docs/off"))
	b.site.Handle("/docs/out", canonical("/elsewhere"))
	b.site.Handle("/docs/dead", canonical("/docs/nothing"))
	b.site.Handle("/docs/nothing", http.NotFound)
	b.site.Handle("/docs/ring1", canonical("ring2"))
	b.site.Handle("/docs/ring2", canonical("ring1"))
	b.site.Handle("/docs/chain1", canonical("chain2"))
	b.site.Handle("/docs/chain2", canonical("chain3"))
	b.site.Handle("/docs/chain3", page("The end."))
	b.site.Handle("/docs/hidden", canonical("hidden2"))
	b.site.Handle("/docs/hidden2", page(`<meta name="robots" content="noindex">`))
	b.site.Handle("/docs/moved", canonical("moved2"))
	b.site.Handle("/docs/moved2", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs/x", http.StatusMovedPermanently)
	})
	for range 2 {
		b.mustSync(t)
		b.want(t, "/docs/", "/docs/x", "/docs/off", "/docs/out", "/docs/dead?1", "/docs/ring1", "/docs/chain3", "/docs/hidden?1")
	}
}

// TestWhatIsRead checks media types, directives and robots.txt.
func TestWhatIsRead(t *testing.T) {
	b := newBench(t)
	b.settings["exclude"] = "/docs/old/**"
	b.settings["max_size"] = "1kB"
	serve := func(kind, text string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			_, _ = io.WriteString(w, text)
		}
	}
	b.site.Robots = "User-agent: cairn\nDisallow: /docs/forbidden\nDisallow: /private/\nUser-agent: *\nDisallow: /"
	b.site.Handle("/docs/", page(`<a href="a.pdf">1</a><a href="b">2</a><a href="logo.png">3</a><a href="forbidden">4</a><a href="old/c">5</a><a href="/up">6</a>
<a href="quiet">7</a><a href="alone">8</a><a href="big">9</a><a href="table.csv">10</a><a href="word.docx">11</a><a href="data">12</a><a href="none">13</a>
<a href="/docs/../private/x">14</a><a href="//other.example/docs/">15</a>`))
	b.site.Handle("/docs/a.pdf", serve("application/pdf", "%PDF-1.4"))
	b.site.Handle("/docs/b", serve("image/png", "PNG"))
	b.site.Handle("/docs/quiet", serve("text/html", `<a href="behind">x</a>`, "X-Robots-Tag", "noindex"))
	b.site.Handle("/docs/behind", page("Behind."))
	b.site.Handle("/docs/alone", page(`<meta name=robots content=nofollow><a href="never">x</a>`))
	b.site.Handle("/docs/big", page(strings.Repeat("x", 2000)))
	b.site.Handle("/docs/table.csv", serve("text/csv; charset=windows-1252", "a;b\n1;2\n"))
	b.site.Handle("/docs/word.docx", serve("application/octet-stream", "PK\x03\x04"))
	b.site.Handle("/docs/data", serve("application/json", "{}"))
	b.site.Handle("/docs/none", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = io.WriteString(w, "<html><p>Without a type.")
	})
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/a.pdf", "/docs/behind", "/docs/alone", "/docs/table.csv", "/docs/word.docx", "/docs/none")
	if d := cmp.Diff(map[string]string{b.remote.URL + "/docs/big": "too_large"}, b.failed); d != "" {
		t.Errorf("failed (-want +got):\n%s", d)
	}
	m := b.metadata[b.remote.URL+"/docs/table.csv"]
	if m.MediaType != "text/csv; charset=windows-1252" || m.Filename != "table.csv" || m.Size != 8 || m.URL != b.remote.URL+"/docs/table.csv" {
		t.Errorf("%+v", m)
	}
	if m := b.metadata[b.remote.URL+"/docs/none"]; m.MediaType != "text/html; charset=utf-8" || m.Filename != "none.html" {
		t.Errorf("%+v", m)
	}
}

// TestRobotsFails reads nothing where robots.txt cannot be had, and all where it is missing.
func TestRobotsFails(t *testing.T) {
	for _, tt := range []struct {
		status int
		read   bool
	}{{404, true}, {403, true}, {410, true}, {500, false}, {503, false}} {
		b := newBench(t)
		b.settings["sitemap"] = "none"
		b.site.Handle("/docs/", page("Text."))
		b.mustSync(t)
		b.site.Handle("/robots.txt", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", tt.status) })
		err := b.sync(t, -1)
		if (err == nil) != tt.read {
			t.Errorf("%d: %v", tt.status, err)
		}
		b.want(t, "/docs/")
		if !tt.read && (b.listErr == nil || !errors.Is(err, connectors.ErrUnavailable)) {
			t.Errorf("%d: the list: %v, the changes: %v", tt.status, b.listErr, err)
		}
	}
	b := newBench(t)
	b.site.Handle("/docs/", page("Text."))
	b.site.Robots = "User-agent: *\nDisallow: /"
	var told *connectors.Error
	if err := b.sync(t, -1); !errors.As(err, &told) || !strings.Contains(told.Message, "robots") {
		t.Errorf("all is forbidden: %v", err)
	}
	b.settings["robots"] = "ignore"
	b.mustSync(t)
	b.want(t, "/docs/")
}

// TestPace checks that a crawl keeps to its rate, and to that of robots.txt.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		rate, robots string
		least, most  time.Duration // of 20 pages
	}{
		{"5", "User-agent: *\nDisallow: /private/\n", 4 * time.Second, 6 * time.Second},
		{"0.5", "", 40 * time.Second, 60 * time.Second},
		{"5", "User-agent: *\nCrawl-delay: 2\n", 40 * time.Second, 60 * time.Second},
		{"5", "User-agent: *\nCrawl-delay: 86400\n", 20 * 30 * time.Second, 30 * 30 * time.Second},
	} {
		b := newBench(t)
		b.settings["rate"], b.site.Robots, b.site.PerPage = tt.rate, tt.robots, 100
		html := ""
		for i := range 20 {
			html += fmt.Sprintf(`<a href="%d">x</a>`, i)
			b.site.Handle(fmt.Sprintf("/docs/%d", i), page("x"))
		}
		b.site.Handle("/docs/", page(html))
		b.site.Handle("/sitemap.xml", http.NotFound)
		b.site.Handle("/sitemaps/index.xml", http.NotFound)
		b.mustSync(t)
		if slept := b.remote.Clock.Slept(); slept < tt.least || slept > tt.most || len(b.docs) != 21 {
			t.Errorf("rate %s, %q: %s for %d documents", tt.rate, tt.robots, slept, len(b.docs))
		}
	}
}

// TestLimits ends crawls by the settings: that is told, and nothing is deleted.
func TestLimits(t *testing.T) {
	b := newBench(t)
	b.site.PerPage = 100
	fill(t, b.site, 30)
	b.mustSync(t)
	b.settings["max_pages"] = "10"
	b.mustSync(t)
	if b.listErr == nil || len(b.docs) != 30 || !slices.Contains(slices.Collect(maps.Values(b.failed)), "limit") {
		t.Errorf("%d documents, failed: %v, the list: %v", len(b.docs), b.failed, b.listErr)
	}

	d := newBench(t)
	d.settings["sitemap"], d.settings["max_depth"] = "none", "2"
	d.site.Handle("/docs/", page(`<a href="1">x</a>`))
	for i := range 5 {
		d.site.Handle(fmt.Sprintf("/docs/%d", i), page(fmt.Sprintf(`<a href="%d">x</a>`, i+1)))
	}
	d.mustSync(t)
	d.want(t, "/docs/", "/docs/1", "/docs/2")

	trap := newBench(t)
	trap.settings["sitemap"] = "none"
	for path, n := "/docs/", 0; n < 10; n++ {
		trap.site.Handle(path, page(`<a href="more/">x</a>`))
		path += "more/"
	}
	trap.mustSync(t)
	if len(trap.docs) != 5 {
		t.Errorf("a site that leads on for ever: %d documents", len(trap.docs))
	}
}

// TestSitemaps follows sitemaps alone, and does without those that cannot be read.
func TestSitemaps(t *testing.T) {
	b := newBench(t)
	b.settings["follow_links"] = "false"
	fill(t, b.site, 12)
	b.mustSync(t)
	if len(b.docs) == 0 || len(b.docs) == 12 {
		t.Fatalf("%d documents", len(b.docs))
	}
	for external, m := range b.metadata {
		if m.Modified.IsZero() || m.Modified.Year() != 2026 {
			t.Errorf("%s was modified %v", external, m.Modified)
		}
	}
	before := len(b.docs)
	for name, h := range map[string]http.HandlerFunc{
		"500":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"403":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"a page": page("<html>Sorry</html>"),
		"half":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<urlset><url><loc>") },
	} {
		b.site.Handle("/sitemaps/docs.xml.gz", h)
		err := b.sync(t, -1)
		var told *connectors.Error
		if len(b.docs) != before || b.listErr == nil || !errors.As(err, &told) {
			t.Errorf("%s: %d documents, the list: %v, the changes: %v", name, len(b.docs), b.listErr, err)
		}
	}
	b.settings["sitemap"] = b.remote.URL + "/sitemaps/docs.xml.gz"
	b.site.Handle("/sitemaps/docs.xml.gz", page("<html>Sorry</html>"))
	if err := b.sync(t, -1); err == nil || len(b.docs) != before {
		t.Errorf("a sitemap of the settings: %v, %d documents", err, len(b.docs))
	}
}

// TestFull reads everything again: each page is fetched as a whole, once.
func TestFull(t *testing.T) {
	b := newBench(t)
	fill(t, b.site, 20)
	b.mustSync(t)
	b.site.Counts()
	b.cursor, b.docs = "", map[string]string{}
	b.mustSync(t)
	if c := b.site.Counts(); c.NotModified != 20 || c.Requests != 40 || b.opened != 20 || len(b.docs) != 20 {
		t.Errorf("%+v, %d opened, %d documents", c, b.opened, len(b.docs))
	}
}

// TestFullOfLies reads everything again of a site that calls a changed page unchanged.
func TestFullOfLies(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	html := "Old."
	b.site.Handle("/docs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"always"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		page(html)(w, r)
	})
	b.site.Handle("/docs/new", page("New."))
	b.mustSync(t)
	html = `<a href="new">New</a>`
	b.mustSync(t)
	b.want(t, "/docs/")
	b.cursor = ""
	b.mustSync(t)
	b.want(t, "/docs/", "/docs/new")
}

// TestGoneWhileIncomplete removes what says itself that it is gone or has moved, although
// the list of pages is not complete, and nothing else.
func TestGoneWhileIncomplete(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	links := `<a href="a">x</a><a href="b">x</a><a href="c">x</a><a href="d">x</a>`
	b.site.Handle("/docs/", func(w http.ResponseWriter, r *http.Request) { page(links)(w, r) })
	for _, name := range []string{"a", "b", "c", "d"} {
		b.site.Handle("/docs/"+name, page("Page "+name))
	}
	b.mustSync(t)
	links = `<a href="a">x</a><a href="b">x</a><a href="c">x</a><a href="unknown">x</a>`
	b.site.Handle("/docs/unknown", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	b.site.Handle("/docs/a", http.NotFound)
	b.site.Handle("/docs/b", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs/c", http.StatusMovedPermanently)
	})
	b.site.Handle("/docs/c", page(`<link rel="canonical" href="e">Page c`))
	b.site.Handle("/docs/e", page("Page c"))
	b.mustSync(t)
	if b.listErr == nil {
		t.Error("the list passes for complete")
	}
	b.want(t, "/docs/", "/docs/d", "/docs/e")
}

// TestLastmod asks only for pages whose date in the sitemap is another, where the settings
// trust it.
func TestLastmod(t *testing.T) {
	b := newBench(t)
	b.settings["follow_links"], b.settings["trust_lastmod"] = "false", "true"
	fill(t, b.site, 12)
	b.mustSync(t)
	n := b.site.Counts().Requests
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != 0 {
		t.Errorf("nothing is new: %+v", c)
	}
	for external := range b.docs {
		name := strings.TrimSuffix(external[strings.LastIndexByte(external, '/')+1:], ".html")
		b.site.Put(t, name, "New", "New.")
		break
	}
	b.mustSync(t)
	if c := b.site.Counts(); c.Requests != 1 || b.opened != 1 || len(b.docs) != n {
		t.Errorf("one is new: %+v, %d opened", c, b.opened)
	}
}

// TestStart says what is wrong with the start page.
func TestStart(t *testing.T) {
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for _, tt := range []struct {
		name string
		h    http.HandlerFunc
		says string
	}{
		{"404", http.NotFound, "start page"},
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "start page"},
		{"elsewhere", redirect("https://www.example.com/docs/?secret=1"), "https://www.example.com:"},
		{"above", redirect("/"), "include"},
		{"login", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "credential"},
	} {
		b := newBench(t)
		b.site.Handle("/docs/", page("Text."))
		b.site.Handle("/sitemaps/index.xml", http.NotFound)
		b.mustSync(t)
		b.site.Handle("/docs/", tt.h)
		for range 2 {
			err := b.sync(t, -1)
			var told *connectors.Error
			if !errors.As(err, &told) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret=") || b.listErr == nil {
				t.Errorf("%s: %v, the list: %v", tt.name, err, b.listErr)
			}
			b.want(t, "/docs/")
		}
	}
	b := newBench(t) // leading on within the scope is no fault
	b.settings["sitemap"] = "none"
	b.site.Handle("/docs/", redirect("/docs/en/"))
	b.site.Handle("/docs/en/", page("Text."))
	b.mustSync(t)
	b.want(t, "/docs/en/")
}

// canary counts connections.
func canary(t *testing.T) (address string, reached *atomic.Int64) {
	t.Helper()
	reached = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, reached
}

// TestA12_35_NothingLeadsOffTheSite lets a site lead to other hosts in each way that there
// is, although the network would reach them.
func TestA12_35_NothingLeadsOffTheSite(t *testing.T) {
	evil, reached := canary(t)
	host := strings.TrimPrefix(evil, "http://")
	port := host[strings.LastIndexByte(host, ':')+1:]
	spellings := []string{
		evil + "/docs/", "//" + host + "/docs/", "http:\\\\" + host + "/docs/", "HTTP://" + host + "/docs/", "http://user:x@" + host + "/docs/",
		"http://localhost:" + port + "/docs/", "http://127.1:" + port + "/docs/", "http://0x7f.1:" + port + "/docs/", "http://2130706433:" + port + "/docs/",
		"http://[::ffff:127.0.0.1]:" + port + "/docs/", "http://127.0.0.1.:" + port + "/docs/", "http://①②⑦.0.0.1:" + port + "/docs/",
		"/\\" + host + "/docs/", "http:/" + host + "/docs/", "http:" + host + "/docs/", "\t//" + host + "/docs/", "http://" + host + "%2f/docs/",
	}
	site := func(t *testing.T) *bench {
		b := newBench(t)
		b.site.Lenient = true // some spellings are paths of the site itself
		b.site.Handle("/sitemaps/index.xml", http.NotFound)
		b.site.Handle("/docs/ok", page("Fine."))
		return b
	}
	check := func(t *testing.T, b *bench) {
		t.Helper()
		_ = b.sync(t, -1)
		if c, ok := b.connect(t).(connectors.Tester); ok {
			_, _ = c.Test(t.Context())
		}
		if n := reached.Swap(0); n > 0 {
			t.Errorf("the other host was asked %d times", n)
		}
	}
	for i, to := range spellings {
		for name, html := range map[string]string{
			"link": `<a href="%s">x</a>`, "canonical": `<link rel=canonical href="%s">`, "base": `<base href="%s"><a href="x">x</a>`,
			"refresh": `<meta http-equiv=refresh content="0;url=%s">`, "frame": `<iframe src="%s"></iframe>`, "next": `<link rel=next href="%s">`,
		} {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				b := site(t)
				b.site.Handle("/docs/", page(fmt.Sprintf(html, to)+`<a href="/docs/ok">x</a>`))
				check(t, b)
			})
		}
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, from := range []string{"/docs/", "/docs/away", "/robots.txt", "/sitemaps/index.xml"} {
				t.Run(fmt.Sprintf("%d from %s %d", status, from, i), func(t *testing.T) {
					b := site(t)
					b.site.Handle("/docs/", page(`<a href="away">x</a>`))
					b.site.Handle("/docs/away", page("x"))
					b.site.Handle(from, func(w http.ResponseWriter, _ *http.Request) {
						w.Header()["Location"] = []string{to}
						w.WriteHeader(status)
					})
					check(t, b)
				})
			}
		}
		t.Run(fmt.Sprintf("sitemaps %d", i), func(t *testing.T) {
			b := site(t)
			b.site.Robots = "Sitemap: " + to + "\nSitemap: %s/sitemaps/index.xml\n"
			b.site.Handle("/docs/", page("x"))
			b.site.Handle("/sitemaps/index.xml", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "<sitemapindex><sitemap><loc>"+to+"</loc></sitemap><sitemap><loc>/sitemaps/pages</loc></sitemap></sitemapindex>")
			})
			b.site.Handle("/sitemaps/pages", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "<urlset><url><loc>"+to+"</loc></url></urlset>")
			})
			check(t, b)
		})
	}
}

// TestA12_35_TheGuardHolds begins at addresses that the operator has not allowed.
func TestA12_35_TheGuardHolds(t *testing.T) {
	b := newBench(t)
	for _, at := range []string{"http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "http://0.0.0.0:80/", "http://[fd00:ec2::254]/"} {
		b.settings["url"] = at
		b.settings["robots"] = "ignore"
		if err := b.sync(t, -1); !errors.Is(err, cairn.ErrDenied) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// TestCredential sends it to the site, and in the form that it wants. That it goes
// nowhere else follows from there being no request elsewhere.
func TestCredential(t *testing.T) {
	for _, tt := range []struct {
		settings, secrets map[string]string
		header, want      string
	}{
		{nil, nil, "Authorization", ""},
		{nil, map[string]string{"token": "canary"}, "Authorization", "Bearer canary"},
		{map[string]string{"header": "x-api-key"}, map[string]string{"token": "canary"}, "X-Api-Key", "canary"},
		{map[string]string{"user": "ann"}, map[string]string{"password": "pw"}, "Authorization", "Basic YW5uOnB3"},
	} {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header.Get(tt.header))
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			page("x")(w, r)
		}))
		defer s.Close()
		b := newBench(t)
		b.remote.Env.Secrets = connectortest.NewSecrets(tt.secrets)
		b.settings = map[string]string{"url": s.URL}
		maps.Copy(b.settings, tt.settings)
		b.mustSync(t)
		if len(got) == 0 || slices.ContainsFunc(got, func(v string) bool { return v != tt.want }) {
			t.Errorf("%v: %s is %q", tt.settings, tt.header, got)
		}
	}
	b := newBench(t)
	b.remote.Env.Secrets = connectortest.NewSecrets(nil)
	b.site.User = ""
	b.site.Handle("/docs/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	delete(b.settings, "user")
	if err := b.sync(t, -1); !errors.Is(err, connectors.ErrUnauthorized) || !strings.Contains(err.Error(), "give the source a user") {
		t.Errorf("without any credential: %v", err)
	}
	b.settings["user"] = "ann"
	if err := b.sync(t, -1); !errors.Is(err, connectors.ErrUnauthorized) || !strings.Contains(err.Error(), "password") {
		t.Errorf("without the password of a user: %v", err)
	}
}

func TestTest(t *testing.T) {
	b := newBench(t)
	fill(t, b.site, 3)
	said, err := b.connect(t).(connectors.Tester).Test(t.Context())
	if err != nil || !strings.Contains(said, "leads to") || strings.Contains(said, "removed") {
		t.Errorf("%q, %v", said, err)
	}
	b.site.Handle("/docs/cairn-asks-for-a-page-that-does-not-exist", page("Sorry, nothing here."))
	if said, err = b.connect(t).(connectors.Tester).Test(t.Context()); err != nil || !strings.Contains(said, "removed") {
		t.Errorf("a site without 404: %q, %v", said, err)
	}
	if files, _ := os.ReadDir(b.remote.Env.WorkDir); slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "pages.json.gz" }) {
		t.Error("a test leaves a state behind")
	}
	b.site.Robots = "User-agent: *\nDisallow: /"
	if _, err = b.connect(t).(connectors.Tester).Test(t.Context()); err == nil {
		t.Error("what robots.txt forbids passes")
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct{ name, value, says string }{
		{"url", "", "url"}, {"url", "example.com", "url"}, {"url", "ftp://example.com", "https://"}, {"url", "https://a:b@example.com", "secret"},
		{"url", "https://a.example/x,https://b.example/y", "another site"}, {"url", "https://a.example,http://a.example", "another site"},
		{"include", "docs/**", "glob"}, {"exclude", "/[", "glob"}, {"sitemap", "https://b.example/s.xml", "another site"},
		{"follow_links", "yes", "true or false"}, {"robots", "no", "obey"}, {"max_pages", "0", "1 to"}, {"max_pages", "1e9", "1 to"},
		{"max_depth", "-1", "1 to"}, {"max_size", "1GB", "size"}, {"max_size", "big", "size"}, {"rate", "0", "requests a second"}, {"rate", "NaN", "requests a second"},
		{"header", "X Y", "header"}, {"user", "a:b", "colon"}, {"nonsense", "1", "no setting"}, {"password", "x", "secret"},
	} {
		settings := map[string]string{"url": "https://a.example/", tt.name: tt.value}
		err := web.Kind().Validate(connectors.Environment{}, settings)
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s=%s: %v", tt.name, tt.value, err)
		}
	}
	good := map[string]string{
		"url": "https://a.example/docs/, https://a.example/faq?x=1", "include": "/docs/**,/{a,b}/*", "exclude": "/docs/old/**", "max_pages": "5", "max_depth": "3",
		"max_size": "20MB", "rate": "0.5", "robots": "ignore", "trust_lastmod": "true", "follow_links": "false", "sitemap": "none", "user": "ann", "drop_parameters": "sort,view",
	}
	if err := web.Kind().Validate(connectors.Environment{}, good); err != nil {
		t.Error(err)
	}
}

// docFolders returns what may lie here of documentation in HTML.
func docFolders(t *testing.T) (folders []string) {
	t.Helper()
	for _, pattern := range []string{"valgrind/html", "libxslt1-dev/html", "python3.*/html", "postgresql-doc-*/html"} {
		found, err := filepath.Glob("/usr/share/doc/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, found...)
	}
	return folders
}

// TestRealSite reads the HTML documentation of packages of this machine, where there is any.
func TestRealSite(t *testing.T) {
	for _, folder := range docFolders(t) {
		t.Run(folder, func(t *testing.T) {
			s := httptest.NewServer(http.FileServer(http.Dir(folder)))
			defer s.Close()
			b := newBench(t)
			b.settings = map[string]string{"url": s.URL}
			b.mustSync(t)
			for external := range b.docs {
				if text := b.docs[external]; text == "" {
					t.Errorf("%s is empty", external)
				}
			}
			first := len(b.docs)
			if first == 0 || len(b.failed) > 0 || b.listErr != nil {
				t.Errorf("%d documents, failed: %v, the list: %v", first, b.failed, b.listErr)
			}
			b.mustSync(t)
			if b.opened > 0 || len(b.docs) != first {
				t.Errorf("unchanged: %d opened, %d documents, not %d", b.opened, len(b.docs), first)
			}
			t.Logf("%d documents", first)
		})
	}
}
