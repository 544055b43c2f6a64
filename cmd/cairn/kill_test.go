package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/postgres/local"
	"github.com/cairnhq/cairn/postgres/postgrestest"
)

// program is a `cairn serve` with a private PostgreSQL.
type program struct {
	t    *testing.T
	data string
	addr string
	env  []string // beside that of start
	// watched says that it is run by this test binary even where there is another one:
	// that has the race detector when the tests do.
	watched bool
	cmd     *exec.Cmd
	log     *bytes.Buffer
}

// theProgram returns the program that runs apart from the tests: CAIRN_TEST_PROGRAM or,
// without one, this test binary. The race detector would make what is run by a
// process apart several times slower.
func theProgram(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CAIRN_TEST_PROGRAM"); path != "" {
		return path
	}
	return thisBinary(t)
}

func thisBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

func newProgram(t *testing.T) *program {
	t.Helper()
	if _, err := local.Find(t.Context(), ""); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return &program{t: t, data: openTempDir(t), addr: freeAddr(t)}
}

// freeAddr returns an address on which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// openTempDir returns a folder that the user of PostgreSQL can reach, too, in memory where
// there is room.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(postgrestest.TempRoot(), "cairn-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start runs the server and waits until it is ready.
func (p *program) start() {
	p.t.Helper()
	path := theProgram(p.t)
	if p.watched {
		path = thisBinary(p.t)
	}
	p.log = &bytes.Buffer{}
	p.cmd = exec.Command(path, "serve")
	p.cmd.Env = append(os.Environ(), asCairn+"=1", "CAIRN_DATA_DIR="+p.data, "CAIRN_ADDR="+p.addr, "CAIRN_DATABASE_URL=")
	p.cmd.Env = append(p.cmd.Env, p.env...)
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.kill)
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if reply, err := http.Get("http://" + p.addr + "/readyz"); err == nil {
			reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return
			}
		}
	}
	p.t.Fatalf("the server is not ready after a minute:\n%s", p.log)
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	if strings.Contains(p.log.String(), "DATA RACE") {
		p.t.Errorf("the server has data races:\n%s", p.log)
	}
}

func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("the server did not stop cleanly: %v\n%s", err, p.log)
	}
}

// call sends a request as the administrator of local mode and decodes the reply.
func (p *program) call(method, path string, body any, reply any) {
	p.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.data, "local.token"))
	if err != nil {
		p.t.Fatal(err)
	}
	var encoded io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		encoded = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.addr+"/api/v1"+path, encoded)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %s %s %v", method, path, got.Status, text, err)
	}
	if reply != nil {
		if err := json.Unmarshal(text, reply); err != nil {
			p.t.Fatalf("%s: %v", text, err)
		}
	}
}

type runReply struct {
	State                                     string
	Scanned, Added, Failed, Deleted, Modified int
}

// runs returns the runs of the source, newest first.
func (p *program) runs() []runReply {
	p.t.Helper()
	var reply struct{ Runs []runReply }
	p.call("GET", "/sources/pages/runs", nil, &reply)
	return reply.Runs
}

func (p *program) addAndSync(folder string) {
	p.t.Helper()
	p.call("POST", "/sources", map[string]any{"name": "pages", "kind": "files", "settings": map[string]string{"path": folder}, "acl": "everyone"}, nil)
	p.call("POST", "/sources/pages/sync", map[string]any{}, nil)
}

func (r runReply) final() bool { return r.State != "queued" && r.State != "running" }

// waitForRuns waits until the newest run has ended and returns the first.
func (p *program) waitForRuns() runReply {
	p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if runs := p.runs(); runs[0].final() {
			return runs[len(runs)-1]
		}
	}
	p.t.Fatalf("the run does not end:\n%s", p.log)
	return runReply{}
}

// stored returns what the database of a stopped server holds, by external id.
func (p *program) stored() map[string]string {
	p.t.Helper()
	server, err := local.Start(p.t.Context(), local.Config{DataDir: p.data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	defer server.Stop(context.Background()) //nolint:errcheck // the folder is removed
	conn, err := pgx.Connect(p.t.Context(), server.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(p.t.Context(), `
		SELECT d.external_id, d.version || ' ' || d.title || ' ' || coalesce(string_agg(
		         c.ordinal || ':' || c.start_at || '-' || c.end_at || ':' || md5(f.terms) || ':' || md5(v.v::text), ' ' ORDER BY c.ordinal), '')
		       || ' bodies ' || (SELECT count(*) FROM bodies b WHERE b.document_id = d.id)
		FROM documents d
		LEFT JOIN chunks c ON c.document_id = d.id LEFT JOIN fresh f ON f.chunk_id = c.id LEFT JOIN vectors v ON v.chunk_id = c.id
		WHERE d.hidden_at IS NULL GROUP BY d.id`)
	if err != nil {
		p.t.Fatal(err)
	}
	out := make(map[string]string)
	var external, text string
	if _, err := pgx.ForEachRow(rows, []any{&external, &text}, func() error { out[external] = text; return nil }); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// TestKilledServerLosesNothing kills the server again and again while it
// synchronises: what is stored in the end equals an undisturbed run.
// CAIRN_TEST_KILL_DIR names a folder of documents, CAIRN_TEST_KILLS how often.
func TestKilledServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts several servers")
	}
	folder, kills := os.Getenv("CAIRN_TEST_KILL_DIR"), 4
	if folder == "" {
		folder = writePages(t)
	}
	if n := os.Getenv("CAIRN_TEST_KILLS"); n != "" {
		if _, err := fmt.Sscan(n, &kills); err != nil {
			t.Fatal(err)
		}
	}
	calm := newProgram(t)
	calm.start()
	began := time.Now()
	calm.addAndSync(folder)
	want := calm.waitForRuns()
	took := time.Since(began)
	calm.stop()

	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 3))
	p := newProgram(t)
	p.start()
	p.addAndSync(folder)
	for range kills {
		time.Sleep(time.Duration(random.Int64N(int64(took))))
		last := p.runs()[0]
		t.Logf("killed at %+v", last)
		if last.final() { // keep it busy: everything is read and written again
			p.call("POST", "/sources/pages/sync", map[string]any{"full": true}, nil)
			time.Sleep(time.Duration(random.Int64N(int64(took))))
		}
		p.kill()
		p.start()
	}
	got := p.waitForRuns()
	p.stop()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seed %d: the run (-undisturbed +killed):\n%s", seed, diff)
	}
	if diff := cmp.Diff(calm.stored(), p.stored()); diff != "" {
		t.Errorf("seed %d: what is stored (-undisturbed +killed):\n%s", seed, diff)
	}
}

// writePages makes a folder of pages that take a while to index.
func writePages(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pages := 160
	if os.Getenv("CAIRN_LONG_TESTS") != "" {
		pages = 400
	}
	for i := range pages {
		var b strings.Builder
		fmt.Fprintf(&b, "# Page %d\n\n", i)
		for s := range 12 {
			fmt.Fprintf(&b, "## Section %d\n\n%s\n\n", s, strings.Repeat(fmt.Sprintf("Sentence %d of page %d about falcons. ", s, i), 12))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("page-%03d.md", i)), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
