package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"
)

// TestLoginWithTheKeyring keeps the token in the keyring of the machine, where there is
// one, and only what it is for in the file.
func TestLoginWithTheKeyring(t *testing.T) {
	s := newShell(t)
	t.Setenv("CAIRN_TOKEN", "")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	keyring.MockInit()
	t.Cleanup(func() { keyring.MockInitWithError(errNoKeychain) })
	var presented, revoked []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/me", func(w http.ResponseWriter, r *http.Request) {
		presented = append(presented, r.Header.Get("Authorization"))
		if !strings.HasSuffix(r.Header.Get("Authorization"), "_good") {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":{"code":"unauthenticated","message":"the token is not valid"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"id":"A1","email":"ann@example.com","role":"member"}`))
	})
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"A1","email":"ann@example.com","role":"member"}`))
	})
	mux.HandleFunc("POST /api/v1/tokens", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"T1","secret":"cairn_made","expires_at":"2027-01-02T03:04:05Z"}`))
	})
	mux.HandleFunc("POST /api/v1/logout", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("DELETE /api/v1/tokens/{id}", func(w http.ResponseWriter, r *http.Request) {
		revoked = append(revoked, r.PathValue("id")+" by "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /api/v1/sources", func(w http.ResponseWriter, r *http.Request) {
		presented = append(presented, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"sources":[],"next_cursor":null}`))
	})
	fake := httptest.NewServer(mux)
	defer fake.Close()
	t.Setenv("CAIRN_URL", fake.URL)
	path := filepath.Join(os.Getenv("HOME"), ".config", "cairn", "token.json")

	s.expect(exitDone, "Signed in at "+fake.URL+" as ann@example.com (member). The token is kept in the keyring of this machine until 2027-01-02.\n", "", "login", "--code", "x")
	if kept, err := os.ReadFile(path); err != nil || strings.Contains(string(kept), "cairn_made") {
		t.Errorf("%s, %v", kept, err)
	}
	s.run("source", "list")
	if len(presented) != 1 || presented[0] != "Bearer cairn_made" {
		t.Errorf("presented %q", presented)
	}
	s.expect(exitDone, "Signed out of "+fake.URL+".\n", "", "logout")
	if len(revoked) != 1 || revoked[0] != "T1 by Bearer cairn_made" {
		t.Errorf("revoked %q", revoked)
	}
	if _, err := keyring.Get(keychainName, fake.URL); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the token is still in the keyring: %v", err)
	}

	// A token that somebody made is checked before it is kept, and not revoked.
	s.stdin = "cairn_bad\n"
	s.expect(exitDenied, "", "the token is not valid", "login", "--token")
	s.stdin = "cairn_good\n"
	s.expect(exitDone, "Signed in at "+fake.URL+" as ann@example.com (member). The token is kept in the keyring of this machine.\n", "", "login", "--token")
	s.expect(exitDone, "Signed out of "+fake.URL+".\n", "was not made by cairn login", "logout")
	if len(revoked) != 1 {
		t.Errorf("revoked %q", revoked)
	}
	s.expect(exitUsage, "", "--token", "login", "--token", "--code", "x")

	// Where no keyring answers, the file has it, for its owner alone. One that would have to
	// be started first, for want of a session, is not asked.
	if runtime.GOOS == "linux" {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	} else {
		keyring.MockInitWithError(errNoKeychain)
	}
	s.expect(exitDone, "Signed in at "+fake.URL+" as ann@example.com (member). The token is kept in "+path+".\n", "", "login", "--token")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; want mode 0600", path, info, err)
	}
	s.run("source", "list")
	if last := presented[len(presented)-1]; last != "Bearer cairn_good" {
		t.Errorf("presented %q", last)
	}
}
