package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

const pushExamples = "../../examples/push"

// TestPushPageHasTheExamples holds docs/push.md against the programs that it shows.
func TestPushPageHasTheExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/push.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, language := range map[string]string{"requests.sh": "bash", "push.sh": "bash", "push.py": "python", "main.go": "go"} {
		program, err := os.ReadFile(filepath.Join(pushExamples, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```"+language+"\n"+string(program)+"```\n") {
			t.Errorf("docs/push.md does not show %s as it is", name)
		}
	}
}

// TestPushExamples runs the programs of docs/push.md against a server that is busy now and then.
func TestPushExamples(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mirrors := map[string]*mirrored{
		"curl":   {command: []string{"bash", pushExamples + "/push.sh"}, needs: []string{"bash", "curl", "jq"}, many: 30},
		"python": {command: []string{"python3", pushExamples + "/push.py"}, needs: []string{"python3"}, many: 1100},
		"go":     {command: []string{filepath.Join(t.TempDir(), "push")}, needs: []string{"go"}, many: 1100},
	}
	for name, m := range mirrors {
		t.Run(name, func(t *testing.T) {
			for _, program := range m.needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not there: %v", program, err)
				}
			}
			switch name {
			case "curl":
				execute(t, "bash", "-n", m.command[1])
			case "go":
				execute(t, "go", "vet", pushExamples)
				execute(t, "go", "build", "-o", m.command[0], pushExamples)
			}
			m.site, m.source = s.with(t), name
			m.run()
		})
	}
}

// TestPushRequests runs the script of docs/push.md that sends every request once.
func TestPushRequests(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not there: %v", program, err)
		}
	}
	execute(t, "bash", "-n", pushExamples+"/requests.sh")
	m := &mirrored{site: newSite(t), source: "wiki", command: []string{"bash", pushExamples + "/requests.sh"}}
	m.prepare()
	m.ann, m.bob = m.personAt("ann@example.com", cairn.RoleMember), m.personAt("bob@example.com", cairn.RoleMember)
	m.must(m.admin, "POST", `/api/v1/groups {"name": "facility"}`, nil)
	m.must(m.admin, "PUT", `/api/v1/groups/facility {"members": ["ann@example.com", "bob@example.com"]}`, nil)
	code, stdout, stderr := m.execute(m.token)
	if code != 0 || !strings.Contains(stdout, `{"id":"note/3","error":{"code":"invalid","message":"\"title\" is missing or empty"}}`) ||
		!strings.Contains(stdout, `[{"external_id":"note/2",`) || strings.Contains(stdout, `"external_id":"note/1"`) {
		t.Errorf("exit %d, %s, %s", code, stdout, stderr)
	}
	if n := len(m.front.repeated); n != 4 {
		t.Errorf("%d requests were repeated: %v", n, m.front.repeated)
	}
	m.reads(m.ann, "parking", "lease")
	m.reads(m.bob, "parking")
	if names := m.rows(); len(names) != 2 || !strings.HasPrefix(names[0], "page/1 ") || !strings.HasPrefix(names[1], "page/3 ") {
		t.Errorf("stored are %q", names)
	}
}

func execute(t *testing.T, program string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOAMD64=v2") // as make build has compiled most of it
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// mirrored is a source that one of the programs mirrors a folder to.
type mirrored struct {
	*site
	command  []string
	needs    []string // programs
	many     int      // documents more, in one step
	source   string
	folder   string
	token    string // of the scope write alone
	ann, bob person
	entries  []map[string]any // of index.json
	front    *busyFront
}

func (m *mirrored) run() {
	m.prepare()

	// Everything, with a server that is busy first.
	m.succeeds()
	if n := len(m.front.repeated); n != 2 {
		m.t.Errorf("%d requests were repeated; want the batch and the list: %v", n, m.front.repeated)
	}
	m.reads(m.ann, "parking", "alarm", "lease", "party")
	m.reads(m.bob, "parking", "alarm")
	var found struct {
		Results []struct {
			Title, URL, Kind string
			Updated          time.Time `json:"updated_at"`
		}
	}
	m.must(m.bob, "POST", `/api/v1/search {"query": "vans", "sources": ["`+m.source+`"], "filters": {"author": "ann example", "attributes": {"team": "facility"}}}`, &found)
	if len(found.Results) != 1 || found.Results[0].Title != "Parking at the depot" || !strings.HasPrefix(found.Results[0].URL, "https://wiki.example.com/page/1") ||
		found.Results[0].Kind != "page" || !found.Results[0].Updated.Equal(time.Date(2026, 10, 2, 9, 30, 0, 0, time.UTC)) {
		m.t.Errorf("found %+v", found.Results)
	}

	before := m.rows()
	m.succeeds()
	if after := m.rows(); !slices.Equal(before, after) {
		m.t.Errorf("a second run has written: before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}

	// A text and two permissions change, and a document goes.
	m.write("parking.md", "# Parking at the depot\n\nVans park in the bays 1 to 9.\n")
	m.entry("page/2")["restricted"] = []string{m.ann.Email}
	m.entry("page/3")["restricted"] = []string{m.ann.Email, strings.ToUpper(m.bob.Email)}
	m.remove("page/4")
	m.succeeds()
	m.reads(m.ann, "parking", "alarm", "lease")
	m.reads(m.bob, "parking", "lease")
	if got := m.send("POST", `/api/v1/search {"query": "bays vans", "sources": ["`+m.source+`"]}`, bearer(m.bob.token)...); !strings.Contains(got.body, "1 to 9") {
		m.t.Errorf("the new text is not found: %s", got.body)
	}

	m.refused()
	m.guarded()
	m.denied()
}

// refused has documents that cannot be stored, or of which nobody says who may read them.
func (m *mirrored) refused() {
	m.t.Helper()
	m.write("lease.pdf", "%PDF-1.4\ntorn")
	m.entry("page/2")["space"] = nil
	m.fails("page/2: ", "page/3: ", "PDF")
	m.reads(m.ann, "parking")
	m.entry("page/2")["space"] = "facility-" + m.source
	m.copy("lease.pdf")
	m.succeeds()
	m.reads(m.ann, "parking", "alarm", "lease")
}

// guarded brings many documents, which an export that was cut short does not erase.
func (m *mirrored) guarded() {
	m.t.Helper()
	m.write("many.txt", "One of many notes.")
	few := slices.Clone(m.entries)
	for i := range m.many {
		m.entries = append(m.entries, map[string]any{"id": fmt.Sprintf("näte \\ \"%d\"", i), "title": fmt.Sprint("Note ", i), "file": "many.txt", "space": "all", "changed": "2026-10-01T00:00:00Z"})
	}
	m.succeeds()
	all := m.rows()
	if len(all) != len(m.entries) {
		m.t.Errorf("%d documents are stored; want %d", len(all), len(m.entries))
	}
	m.entries = few
	m.fails("CONFIRM=yes")
	m.entries = nil
	m.fails("nothing was changed")
	m.write("index.json", `[{"id": "page/1", "title": "Par`)
	if code, _, stderr := m.execute(m.token); code == 0 {
		m.t.Errorf("a torn index: exit 0, %s", stderr)
	}
	if !slices.Equal(all, m.rows()) {
		m.t.Error("an export that was cut short has changed something")
	}
	m.entries = few
	m.succeeds("CONFIRM=yes")
	if n := len(m.rows()); n != len(few) {
		m.t.Errorf("%d documents are left; want %d", n, len(few))
	}
}

// denied uses tokens that may not write.
func (m *mirrored) denied() {
	m.t.Helper()
	m.save()
	before := m.rows()
	for token, says := range map[string]string{m.ann.token: "not found", "cairn_wrong": "not a token of this server"} {
		if code, _, stderr := m.execute(token); code == 0 || !strings.Contains(stderr, says) {
			m.t.Errorf("exit %d, %q; want a failure that says %q", code, stderr, says)
		}
	}
	if !slices.Equal(before, m.rows()) {
		m.t.Error("who may not write has changed something")
	}
}

// prepare makes source, people and token, and a copy of the folder.
func (m *mirrored) prepare() {
	m.t.Helper()
	m.ann, m.bob = m.person(cairn.RoleMember), m.person(cairn.RoleMember)
	importer := m.person(cairn.RoleMember)
	_, m.token = m.newToken(importer.Account, time.Hour, cairn.ScopeWrite)
	m.must(m.admin, "POST", fmt.Sprintf(`/api/v1/sources {"name": %q, "kind": "push", "settings": {"writers": %q}}`, m.source, importer.Email), nil)
	group := "facility-" + m.source
	m.must(m.admin, "POST", fmt.Sprintf(`/api/v1/groups {"name": %q}`, group), nil)
	m.must(m.admin, "PUT", fmt.Sprintf(`/api/v1/groups/%s {"members": [%q, %q]}`, group, m.ann.Email, m.bob.Email), nil)

	m.folder = m.t.TempDir()
	files, err := filepath.Glob(pushExamples + "/export/*")
	m.check(err)
	for _, f := range files {
		m.copy(filepath.Base(f))
	}
	b, err := os.ReadFile(filepath.Join(m.folder, "index.json"))
	m.check(err)
	for from, to := range map[string]string{`"space": "facility"`: `"space": "` + group + `"`, "Ann@example.com": strings.ToUpper(m.ann.Email), "bob@example.com": m.bob.Email} {
		if !bytes.Contains(b, []byte(from)) {
			m.t.Fatalf("index.json has no %s", from)
		}
		b = bytes.ReplaceAll(b, []byte(from), []byte(to))
	}
	m.check(json.Unmarshal(b, &m.entries))
	m.front = newBusyFront(m.t, m.addr)
}

func (m *mirrored) entry(id string) map[string]any {
	return m.entries[slices.IndexFunc(m.entries, func(e map[string]any) bool { return e["id"] == id })]
}

func (m *mirrored) remove(id string) {
	m.entries = slices.DeleteFunc(m.entries, func(e map[string]any) bool { return e["id"] == id })
}

func (m *mirrored) write(name, text string) {
	m.t.Helper()
	m.check(os.WriteFile(filepath.Join(m.folder, name), []byte(text), 0o600))
}

func (m *mirrored) copy(name string) {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(pushExamples, "export", name))
	m.check(err)
	m.write(name, string(b))
}

func (m *mirrored) save() {
	m.t.Helper()
	b, err := json.Marshal(slices.Concat([]map[string]any{}, m.entries))
	m.check(err)
	m.write("index.json", string(b))
}

// execute runs the program.
func (m *mirrored) execute(token string, env ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	args := append(slices.Clone(m.command[1:]), m.folder, m.source)
	c := exec.CommandContext(m.t.Context(), m.command[0], args...)
	c.Env = append(os.Environ(), append(env, "CAIRN_URL="+m.front.URL, "CAIRN_TOKEN="+token)...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		m.t.Fatal(err)
	}
	if strings.Contains(out.String()+errs.String(), token) {
		m.t.Error("the token is in what the program says")
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

func (m *mirrored) succeeds(env ...string) {
	m.t.Helper()
	m.save()
	if code, stdout, stderr := m.execute(m.token, env...); code != 0 || !strings.Contains(stdout, fmt.Sprint(len(m.entries), " documents, ")) {
		m.t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func (m *mirrored) fails(says ...string) {
	m.t.Helper()
	m.save()
	code, stdout, stderr := m.execute(m.token)
	for _, word := range says {
		if code == 0 || !strings.Contains(stderr, word) {
			m.t.Fatalf("exit %d, %q, %q; want a failure that says %q", code, stdout, stderr, word)
		}
	}
}

// reads holds somebody to finding these documents of the folder and no others.
func (m *mirrored) reads(who person, names ...string) {
	m.t.Helper()
	texts := map[string]string{"parking": "Vans park in the bays", "alarm": "north stairs", "lease": "4,200 euros a month", "party": "rhubarb cake"}
	for name, text := range texts {
		body, err := json.Marshal(map[string]any{"query": `"` + text + `"`, "sources": []string{m.source}})
		m.check(err)
		got := m.send("POST", "/api/v1/search "+string(body), bearer(who.token)...)
		if found := strings.Contains(got.body, text); got.status != 200 || found != slices.Contains(names, name) {
			m.t.Errorf("%s: %s is found: %t (%d %s)", who.Email, name, found, got.status, got.body)
		}
	}
}

// rows returns the versions of the rows of the source's documents: equal if nothing was
// written.
func (m *mirrored) rows() []string {
	m.t.Helper()
	rows, err := m.db.Worker().Query(m.t.Context(), `
		SELECT concat_ws(' ', d.external_id, d.xmin, d.ctid) FROM documents d JOIN sources s ON s.id = d.source_id
		WHERE s.name = $1 AND d.hidden_at IS NULL ORDER BY d.external_id`, m.source)
	m.check(err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	m.check(err)
	return all
}

// busyFront stands before a server and refuses the first batch and the first list, each in
// one of the forms of Retry-After.
type busyFront struct {
	*httptest.Server
	mu       sync.Mutex
	until    map[string]time.Time // refused before that
	repeated map[string]bool
}

func newBusyFront(t *testing.T, addr string) *busyFront {
	t.Helper()
	f := &busyFront{until: map[string]time.Time{}, repeated: map[string]bool{}}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.refuse(t, w, r.Method) {
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *busyFront) refuse(t *testing.T, w http.ResponseWriter, method string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	until, again := f.until[method]
	if again {
		if !f.repeated[method] && time.Now().Before(until) {
			t.Errorf("%s came again %v too early", method, time.Until(until))
		}
		f.repeated[method] = true
		return false
	}
	status, code := http.StatusServiceUnavailable, "unavailable"
	f.until[method] = time.Now().Add(3 * time.Second)
	w.Header().Set("Retry-After", "3")
	if method == http.MethodGet {
		status, code = http.StatusTooManyRequests, "rate_limited"
		f.until[method] = time.Now().Add(3 * time.Second).Truncate(time.Second)
		w.Header().Set("Retry-After", f.until[method].UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error": {"code": %q, "message": "busy"}}`, code)
	return true
}
