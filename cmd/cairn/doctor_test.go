package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/client/clienttest"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server"
)

func (s *shell) healthy(readyStatus int) {
	plain := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("ok\n"))
	}
	s.Handle("GET /healthz", plain)
	if readyStatus == 200 {
		s.Handle("GET /readyz", plain)
	} else {
		s.Reply("GET /readyz", readyStatus, `{"error":{"code":"unavailable","message":"the database cannot be reached"}}`)
	}
	s.Reply("GET /api/v1/me", 200, `{"id":"U1","email":"ann@example.com","name":"Ann","role":"admin","via":"token","scopes":["read"],"principals":["everyone"],"password":"off"}`)
}

// states runs doctor --json and returns the worst state of each check.
func (s *shell) states(code int) map[string]string {
	s.t.Helper()
	got, out, stderr := s.run("doctor", "--json")
	if got != code {
		s.t.Errorf("exit code %d, want %d: %s%s", got, code, out, stderr)
	}
	var report struct {
		OK     bool
		Checks []finding
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.t.Fatal(err)
	}
	if report.OK != (code == exitDone) {
		s.t.Errorf("ok is %v", report.OK)
	}
	states := make(map[string]string)
	for _, f := range report.Checks {
		if f.Message == "" {
			s.t.Errorf("%s says nothing", f.Name)
		}
		if states[f.Name] != "fail" {
			states[f.Name] = f.State
		}
	}
	return states
}

func (s *shell) wantState(states map[string]string, name, want string) {
	s.t.Helper()
	if states[name] != want {
		s.t.Errorf("%s: %q, want %q (of %v)", name, states[name], want, states)
	}
}

func TestDoctor(t *testing.T) {
	s := newShell(t)
	s.healthy(200)
	t.Setenv("CAIRN_DATABASE_URL", postgrestest.Empty(t).URL)
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer sk" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer model.Close()
	t.Setenv("CAIRN_LLM_URL", model.URL+"/v1")
	t.Setenv("CAIRN_LLM_MODEL", "m")
	t.Setenv("CAIRN_LLM_API_KEY", "sk")
	states := s.states(exitDone)
	for _, name := range []string{"settings", "server", "clock", "sign-in", "data directory", "database", "model"} {
		s.wantState(states, name, "ok")
	}
	if _, out, _ := s.run("doctor"); !strings.Contains(out, "ok    sign-in         as ann@example.com (admin), by token\n") {
		t.Errorf("as text:\n%s", out)
	}

	t.Setenv("CAIRN_LLM_API_KEY", "wrong")
	s.wantState(s.states(exitFailed), "model", "fail")
	model.Close()
	s.wantState(s.states(exitFailed), "model", "fail")
}

func TestDoctorFindsFaults(t *testing.T) {
	s := newShell(t)
	s.healthy(503)
	t.Setenv("CAIRN_DATABASE_URL", "postgres://cairn:topsecret@127.0.0.1:1/cairn")
	t.Setenv("CAIRN_ADRR", "x")
	states := s.states(exitFailed)
	s.wantState(states, "server", "fail")
	s.wantState(states, "settings", "warn")
	s.wantState(states, "database", "fail")
	if _, out, stderr := s.run("doctor"); strings.Contains(out+stderr, "topsecret") {
		t.Errorf("the password is shown: %s%s", out, stderr)
	}
	t.Setenv("CAIRN_DATABASE_URL", "postgres://cairn:topsecret@[::1/cairn")
	if _, out, stderr := s.run("doctor"); strings.Contains(out+stderr, "topsecret") {
		t.Errorf("the password is shown: %s%s", out, stderr)
	}
	t.Setenv("CAIRN_TOKEN", "wrong")
	s.wantState(s.states(exitFailed), "sign-in", "fail")
	t.Setenv("CAIRN_URL", "http://127.0.0.1:1")
	s.wantState(s.states(exitFailed), "server", "fail")
	t.Setenv("CAIRN_ADDR", "nonsense")
	s.wantState(s.states(exitFailed), "settings", "fail")
}

func TestDoctorQuiet(t *testing.T) {
	s := newShell(t)
	s.healthy(200)
	s.expect(exitDone, "", "", "doctor", "--quiet")
	// In a container the address to listen on is all that is set.
	t.Setenv("CAIRN_URL", "")
	t.Setenv("CAIRN_ADDR", strings.Replace(strings.TrimPrefix(s.URL, "http://"), "127.0.0.1", "0.0.0.0", 1))
	s.expect(exitDone, "", "", "doctor", "--quiet")
	// A command line for another machine's server still checks its own.
	t.Setenv("CAIRN_URL", "https://cairn.example.com")
	s.expect(exitDone, "", "", "doctor", "--quiet")
	t.Setenv("CAIRN_ADDR", "127.0.0.1:1")
	s.expect(exitFailed, "", "", "doctor", "--quiet")
	other := newShell(t)
	other.healthy(503)
	other.expect(exitFailed, "", "", "doctor", "--quiet")
}

func TestChecks(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		got  finding
		want string
	}{
		{"same time", clock(now, now.Add(time.Second)), "ok"},
		{"late", clock(now, now.Add(2*time.Minute)), "warn"},
		{"early", clock(now, now.Add(-2*time.Minute)), "warn"},
		{"no time", clock(time.Time{}, now), "warn"},
		{"plain", encrypted("http://cairn.example.com"), "warn"},
		{"encrypted", encrypted("https://cairn.example.com"), "ok"},
		{"folder", dataDirectory(dir), "ok"},
		{"folder to be made", dataDirectory(filepath.Join(dir, "new")), "warn"},
		{"no folder", dataDirectory(file), "fail"},
		{"below a file", dataDirectory(filepath.Join(file, "x")), "fail"},
		{"much", enough("disk", dir, 3<<30), "ok"},
		{"little", enough("disk", dir, 1<<30), "warn"},
		{"nothing", enough("disk", dir, 1<<20), "fail"},
		{"private, no programs", database(t.Context(), server.Settings{PostgresBin: dir}), "fail"},
	} {
		if tt.got.State != tt.want {
			t.Errorf("%s: %+v, want %s", tt.name, tt.got, tt.want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
	if f := freeSpace(filepath.Join(dir, "not", "there")); f.State == "" || !strings.Contains(f.Message, "MiB at "+dir) {
		t.Errorf("%+v", f)
	}
}

func TestWhereTheServerIs(t *testing.T) {
	for _, tt := range []struct{ url, addr, want string }{
		{"http://127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"http://127.0.0.1:8080", "127.0.0.1:9000", "http://127.0.0.1:9000"},
		{"http://127.0.0.1:8080", "0.0.0.0:9000", "http://127.0.0.1:9000"},
		{"http://127.0.0.1:8080", ":9000", "http://127.0.0.1:9000"},
		{"http://127.0.0.1:8080", "[::]:9000", "http://[::1]:9000"},
		{"http://127.0.0.1:8080", "10.0.0.7:9000", "http://10.0.0.7:9000"},
		{"https://cairn.example.com", "127.0.0.1:9000", "https://cairn.example.com"},
	} {
		if got := serverURL(server.Settings{URL: tt.url, Addr: tt.addr}); got != tt.want {
			t.Errorf("%s and %s: %s, want %s", tt.url, tt.addr, got, tt.want)
		}
	}
}

// The token of local mode makes an administrator: it goes to this machine alone.
func TestWhichTokenIsSent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "local.token"), []byte("cairn_local\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ url, token, dir, want string }{
		{"http://127.0.0.1:8081", "", dir, "cairn_local"},
		{"http://localhost:8081", "", dir, "cairn_local"},
		{"http://[::1]:8081", "", dir, "cairn_local"},
		{"http://127.0.0.1:8081", "cairn_mine", dir, "cairn_mine"},
		{"https://cairn.example.com", "cairn_mine", dir, "cairn_mine"},
		{"https://cairn.example.com", "", dir, ""},
		{"http://127.0.0.1.example.com", "", dir, ""},
		{"http://localhost.example.com", "", dir, ""},
		{"http://127.0.0.1@example.com", "", dir, ""},
		{"http://0.0.0.0:8081", "", dir, ""},
		{"http://127.0.0.1:8081", "", t.TempDir(), ""},
	} {
		got, why := accessToken(server.Settings{URL: tt.url, Addr: "127.0.0.1:8080", Token: server.NewSecret(tt.token), DataDir: tt.dir})
		if got != tt.want || why == "" {
			t.Errorf("%s with %q: %q (%s), want %q", tt.url, tt.token, got, why, tt.want)
		}
	}
}

func TestModelsCommands(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/models", 200, `{"models":[{"name":"big","default":true},{"name":"extractive","default":false}]}`)
	s.expect(exitDone, "NAME        DEFAULT\nbig         yes\nextractive  -\n", "", "models", "list")
	s.expectJSON(exitDone, `{"models":[{"name":"big","default":true},{"name":"extractive","default":false}]}`, "models", "list")

	s.Reply("POST /api/v1/search", 200, `{"results":[`+thePassage+`],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`)
	s.answers(answerSuccess) // made by "extractive"
	s.expect(exitDone, "extractive answered in 1.2 s (0 tokens in, 0 out).\n", "", "models", "test", "extractive")
	s.asked(`POST /api/v1/ask {"question":"What is \"Travel\" about?","model":"extractive","stream":true}`)
	s.expect(exitFailed, "", "extractive answered in place of big: The wiki is a day old.", "models", "test", "big")

	empty := newShell(t)
	empty.Handle("POST /api/v1/search", func(w http.ResponseWriter, _ *http.Request) {
		clienttest.Write(w, 200, `{"results":[],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`)
	})
	empty.expect(exitFailed, "", "add a source first", "models", "test", "big")
}
