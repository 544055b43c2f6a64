package auth_test

import (
	"encoding/base32"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

func TestLocalTokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, auth.LocalTokenFile)
	seen := make(map[string]bool)
	for _, before := range []os.FileMode{0, 0o600, 0o644} { // of the file that is there
		if before != 0 {
			if err := os.Chmod(path, before); err != nil {
				t.Fatal(err)
			}
		}
		local, err := auth.NewLocal(dir)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != local.Token()+"\n" || !auth.WellFormed(local.Token()) {
			t.Errorf("the file holds %q, %v; want %q", b, err, local.Token())
		}
		if seen[local.Token()] {
			t.Error("a token of an earlier start is used again")
		}
		seen[local.Token()] = true
	}
}

// TestLocalTokenEndsWithTheServer signs a browser in and starts the server anew.
func TestLocalTokenEndsWithTheServer(t *testing.T) {
	dir := t.TempDir()
	first, err := auth.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, store, c := newAuth(t, auth.Config{Local: first})
	w := httptest.NewRecorder()
	if ok, err := a.SignInLocal(w, request("", ""), first.Token()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	second, err := auth.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := auth.New(auth.Config{Store: store, Log: slog.New(slog.DiscardHandler), Now: c.Now, Local: second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Identify(bearer(first.Token())); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("the token of the earlier start: %v; want ErrUnauthenticated", err)
	}
	if ok, err := b.SignInLocal(httptest.NewRecorder(), request("", ""), first.Token()); ok || err != nil {
		t.Errorf("the address of the earlier start signs in: %t, %v", ok, err)
	}
	if _, err := b.Identify(withCookie(w.Result().Cookies()[0])); err != nil {
		t.Errorf("the browser that was signed in before: %v", err)
	}
}

func TestLocalIdentity(t *testing.T) {
	local, err := auth.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, _, _ := newAuth(t, auth.Config{Local: local})
	id, err := a.Identify(bearer(local.Token()))
	if err != nil || id.Via != auth.ViaLocal || id.Account.Role != cairn.RoleAdmin || !id.Has(cairn.ScopeAdmin) {
		t.Fatalf("%+v, %v", id, err)
	}
	w := httptest.NewRecorder()
	if ok, err := a.SignInLocal(w, request("", ""), local.Token()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if id, err := a.Identify(withCookie(w.Result().Cookies()[0])); err != nil || id.Account.Role != cairn.RoleAdmin {
		t.Errorf("by cookie: %+v, %v", id, err)
	}
	if ok, _ := a.SignInLocal(httptest.NewRecorder(), request("", ""), auth.NewToken()); ok {
		t.Error("another token signed in")
	}

	// The same file means nothing to a server that is not in local mode.
	b, _, _ := newAuth(t, auth.Config{})
	if _, err := b.Identify(bearer(local.Token())); !errors.Is(err, cairn.ErrUnauthenticated) {
		t.Errorf("outside of local mode: %v", err)
	}
	if ok, _ := b.SignInLocal(httptest.NewRecorder(), request("", ""), local.Token()); ok {
		t.Error("signed in outside of local mode")
	}
}

func TestCheckLocal(t *testing.T) {
	local, err := auth.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, _, _ := newAuth(t, auth.Config{Local: local})
	cases := []struct {
		host, origin string
		ok           bool
	}{
		{"127.0.0.1:8080", "", true},
		{"localhost:8080", "http://localhost:8080", true},
		{"LOCALHOST", "", true},
		{"[::1]:8080", "http://[::1]:8080", true},
		{"127.0.0.9", "", true},
		{"evil.example:8080", "", false},
		{"evil.example", "http://127.0.0.1:8080", false},
		{"127.0.0.1:8080", "http://evil.example", false},
		{"127.0.0.1:8080", "null", false},
		{"localhost.evil.example", "", false},
		{"127.0.0.1.nip.io", "", false},
		{"192.168.1.5:8080", "", false},
		{"0.0.0.0:8080", "", false},
		{"", "", false},
	}
	for _, c := range cases {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if err := a.CheckLocal(r); (err == nil) != c.ok || (err != nil && !errors.Is(err, cairn.ErrDenied)) {
			t.Errorf("host %q, origin %q: %v; want allowed %t", c.host, c.origin, err, c.ok)
		}
	}
	b, _, _ := newAuth(t, auth.Config{})
	if err := b.CheckLocal(httptest.NewRequest(http.MethodGet, "http://cairn.acme.com/", nil)); err != nil {
		t.Errorf("outside of local mode: %v", err)
	}
}

func TestTokenForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := auth.NewToken()
		if !auth.WellFormed(token) {
			t.Fatalf("%q is not well-formed", token)
		}
		b := []byte(token)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "place")
		b[i] = rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz234567_")).Draw(t, "letter")
		if string(b) != token && auth.WellFormed(string(b)) {
			t.Fatalf("%q passes for %q", b, token)
		}
	})
	for _, s := range []string{"", "cairn_", "CAIRN_AAAA", "cairn_!!!!"} {
		if auth.WellFormed(s) {
			t.Errorf("%q is taken for a token", s)
		}
	}
}

// TestA11_14_TokensHaveBitsOfTheirOwn: every one of the 256 bits is as often set as
// not, whatever ids there are beside the token.
func TestA11_14_TokensHaveBitsOfTheirOwn(t *testing.T) {
	const tokens, spread = 2000, 300 // more than 13 standard deviations
	var set [256]int
	for range tokens {
		raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimPrefix(auth.NewToken(), "cairn_")))
		if err != nil || len(raw) != 32+4 { // with the checksum
			t.Fatalf("%d bytes, %v", len(raw), err)
		}
		for i := range set {
			set[i] += int(raw[i/8] >> (i % 8) & 1)
		}
	}
	for i, n := range set {
		if n < tokens/2-spread || n > tokens/2+spread {
			t.Errorf("bit %d is set in %d of %d tokens", i, n, tokens)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("Bearer cairn_x", "value")
	f.Add("", "")
	a, err := auth.New(auth.Config{Store: authtest.New(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, cookie string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		r.Header.Set("Cookie", "cairn_session="+cookie)
		if _, err := a.Identify(r); !errors.Is(err, cairn.ErrUnauthenticated) {
			t.Errorf("%q, %q: %v", header, cookie, err)
		}
	})
}
