package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/client"
)

var printedCode = regexp.MustCompile(`([A-Z2-7]{4}-){3}[A-Z2-7]{4}`)

// TestLogin is the first administrator of a server on which people sign in.
func TestLogin(t *testing.T) {
	s := newShell(t)
	t.Setenv("CAIRN_TOKEN", "")
	t.Setenv("CAIRN_SIGN_IN", "required")
	printed := serveUntil(t, t.TempDir(), printedAddress, printedCode)
	address, code := printed[0], printed[1]
	t.Setenv("CAIRN_URL", address)
	path := filepath.Join(os.Getenv("HOME"), ".config", "cairn", "token.json")
	s.expect(exitDenied, "", "cairn login", "user", "list")
	s.expect(exitUsage, "", "--ttl", "login", "--code", code, "--ttl", "1s")
	s.expect(exitDenied, "", "the code is wrong", "login", "--code", "AAAA-AAAA-AAAA-AAAA")
	s.expect(exitFailed, "", "no e-mail address", "login", "--code", code, "--email", "root")

	home := os.Getenv("HOME")
	t.Setenv("HOME", filepath.Join(home, "file"))
	if err := os.WriteFile(os.Getenv("HOME"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect(exitFailed, "", "no token can be kept", "login", "--code", code) // and the code is still good
	t.Setenv("HOME", home)

	exit, out, stderr := s.run("login", "--code", strings.ToLower(code), "--email", "Root@example.com", "--name", "here")
	if exit != exitDone || !strings.Contains(out, "as root@example.com (admin)") || !strings.Contains(out, path) || strings.Contains(out, "cairn_") {
		t.Fatalf("exit code %d: %s%s", exit, out, stderr)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; want mode 0600", path, info.Mode(), err)
	}
	if exit, out, stderr := s.run("token", "list"); exit != exitDone || !strings.Contains(out, "here") || !strings.Contains(out, "admin, ask, read, search") {
		t.Errorf("exit code %d: %s%s", exit, out, stderr)
	}
	s.expect(exitDenied, "", "wrong, was used", "login", "--code", code)

	// Another address of the same server is another server.
	t.Setenv("CAIRN_URL", strings.Replace(address, "127.0.0.1", "localhost", 1))
	s.expect(exitDenied, "", "No token was sent", "token", "list")
	t.Setenv("CAIRN_URL", address+"/")

	// With another code the old token is replaced and ends.
	old, err := readSignedIn()
	if err != nil {
		t.Fatal(err)
	}
	// What a token makes ends with it; who signs in makes one that lasts.
	exit, short, stderr := s.run("token", "create", "--ttl", "8000h")
	if exit != exitDone || !strings.Contains(stderr, "It ends with the token") {
		t.Errorf("exit code %d: %s%s", exit, short, stderr)
	}
	_, out, _ = s.run("user", "code", "root@example.com")
	exit, lasting, stderr := s.run("token", "create", "--ttl", "8000h", "--code", printedCode.FindString(out))
	if exit != exitDone || strings.Contains(stderr, "It ends with the token") {
		t.Errorf("exit code %d: %s%s", exit, lasting, stderr)
	}
	s.expect(exitDenied, "", "user code", "token", "create", "--code", "used-up")
	exit, out, stderr = s.run("user", "code", "root@example.com")
	if exit != exitDone {
		t.Fatalf("exit code %d: %s%s", exit, out, stderr)
	}
	if exit, out, stderr := s.run("login", "--code", printedCode.FindString(out), "--json"); exit != exitDone || !json.Valid([]byte(out)) {
		t.Fatalf("exit code %d: %s%s", exit, out, stderr)
	}
	for _, ended := range []string{old.Token, strings.TrimSpace(short)} {
		t.Setenv("CAIRN_TOKEN", ended)
		s.expect(exitDenied, "", "not valid", "token", "list", "--json")
	}
	t.Setenv("CAIRN_TOKEN", strings.TrimSpace(lasting))
	if exit, out, stderr := s.run("search", "anything", "--json"); exit != exitNotFound || strings.Contains(stderr, "not valid") {
		t.Errorf("exit code %d: %s%s", exit, out, stderr)
	}
	t.Setenv("CAIRN_TOKEN", "")
	s.letIn(address)
	kept, err := readSignedIn()
	if err != nil {
		t.Fatal(err)
	}
	s.expect(exitDone, "Signed out of "+address+".\n", "", "logout")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	t.Setenv("CAIRN_TOKEN", kept.Token)
	s.expect(exitDenied, "", "not valid", "token", "list")
	s.expect(exitDone, "There is no token of cairn login.\n", "", "logout")
}

var shownCode = regexp.MustCompile(`[B-Z]{4}-[B-Z]{4}`)

// letIn signs the program in, as a process of its own, by what somebody decides who is
// signed in in a browser: first refused, then let in.
func (s *shell) letIn(address string) {
	s.t.Helper()
	_, out, _ := s.run("user", "code", "root@example.com")
	browser := newSessionClient()
	c, err := client.New(client.Config{URL: address, HTTPClient: browser})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Login(s.t.Context(), printedCode.FindString(out), ""); err != nil {
		s.t.Fatal(err)
	}
	for decision, want := range map[string]struct {
		exit         int
		says, stderr string
	}{
		"false": {exitDenied, "", "refused in the browser. Begin again with cairn login"},
		"true":  {exitDone, "as root@example.com (admin)", "Open  " + address + "/device\n"},
	} {
		cmd := exec.CommandContext(s.t.Context(), theProgram(s.t), "login", "--name", "a program")
		cmd.Env = append(os.Environ(), asCairn+"=1")
		var stdout, stderr bytes.Buffer
		shown, err := cmd.StderrPipe()
		cmd.Stdout = &stdout
		if err := errors.Join(err, cmd.Start()); err != nil {
			s.t.Fatal(err)
		}
		lines := bufio.NewScanner(io.TeeReader(shown, &stderr))
		for lines.Scan() && !shownCode.MatchString(lines.Text()) {
		}
		res, err := browser.Post(address+"/api/v1/login/device/decision", "application/json",
			strings.NewReader(`{"code":"`+shownCode.FindString(lines.Text())+`","admit":`+decision+`}`))
		if err != nil {
			s.t.Fatal(err)
		}
		res.Body.Close()
		for lines.Scan() {
		}
		err = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want.exit || res.StatusCode != http.StatusNoContent ||
			!strings.Contains(stdout.String(), want.says) || !strings.Contains(stderr.String(), want.stderr) || strings.Contains(stdout.String()+stderr.String(), "cairn_") {
			s.t.Errorf("decision %s: %d, %v\n%s%s", decision, res.StatusCode, err, &stdout, &stderr)
		}
	}
	if exit, out, stderr := s.run("token", "list"); exit != exitDone || !strings.Contains(out, "a program") {
		s.t.Errorf("exit code %d: %s%s", exit, out, stderr)
	}
}

// TestLoginBehindAProxy signs in over http to a server whose cookies are for
// https alone.
func TestLoginBehindAProxy(t *testing.T) {
	s := newShell(t)
	t.Setenv("CAIRN_TOKEN", "")
	var asked []string
	signed := func(w http.ResponseWriter, r *http.Request) bool {
		c, err := r.Cookie("__Host-cairn_session")
		if err != nil || c.Value != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		return true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-cairn_session", Value: "secret", Path: "/", Secure: true, HttpOnly: true})
		_, _ = w.Write([]byte(`{"id":"A1","email":"","role":"admin"}`))
	})
	mux.HandleFunc("POST /api/v1/tokens", func(w http.ResponseWriter, r *http.Request) {
		if signed(w, r) {
			asked = append(asked, "token")
			_, _ = w.Write([]byte(`{"id":"T1","secret":"cairn_x","expires_at":"2027-01-02T03:04:05Z"}`))
		}
	})
	mux.HandleFunc("POST /api/v1/logout", func(w http.ResponseWriter, r *http.Request) {
		if signed(w, r) {
			asked = append(asked, "logout")
			w.WriteHeader(http.StatusNoContent)
		}
	})
	fake := httptest.NewServer(mux)
	defer fake.Close()
	t.Setenv("CAIRN_URL", fake.URL)
	s.expect(exitDone, "Signed in at "+fake.URL+" as A1 (admin). The token is kept in "+
		filepath.Join(os.Getenv("HOME"), ".config", "cairn", "token.json")+" until 2027-01-02.\nTo sign a browser in: cairn user code A1\n",
		"no e-mail address", "login", "--code", "x")
	if strings.Join(asked, " ") != "token logout" {
		t.Errorf("asked for %q; want a token, then the end of the session", asked)
	}
	fake.Close()
	s.expect(exitFailed, "", "the token is kept", "logout")
	t.Setenv("CAIRN_URL", "http://0.0.0.0:1")
	s.expect(exitFailed, "", "is not encrypted", "login", "--code", "x")
}
