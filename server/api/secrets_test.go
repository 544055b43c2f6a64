package api

import (
	"slices"
	"strings"
	"testing"
)

// TestA4_SecretSettings gives a source secrets: they reach the store, and nobody is shown
// them again.
func TestA4_SecretSettings(t *testing.T) {
	w := newWorld(t)
	post := func(settings string, status int, want string) {
		t.Helper()
		got := w.call(w.root, "POST", "/api/v1/sources", `{"name":"site","kind":"site","settings":`+settings+`}`)
		if got.status != status || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s", settings, got.status, got.body)
		}
	}
	post(`{"url":"https://a.example"}`, 400, "token")
	post(`{"url":"https://a.example","token":""}`, 400, "empty")
	post(`{"url":"https://a.example","token":"canary-1","kye":"canary-9"}`, 400, "kye")
	post(`{"url":"https://a.example","token":"canary-1"}`, 201, `"settings":{"url":"https://a.example"},"secrets":["token"]`)
	for _, c := range []struct {
		settings string
		status   int
		want     string
	}{
		{`{}`, 200, `"secrets":["token"]`},
		{`{"key":"canary-2"}`, 200, `"secrets":["key","token"]`},
		{`{"key":null}`, 200, `"secrets":["token"]`},
		{`{"key":""}`, 400, "null removes it"},
		{`{"token":null}`, 400, "token"},
		{`{"url":"https://evil.example"}`, 400, "give token again"},
		{`{"url":"https://a.example"}`, 200, `"secrets":["token"]`},
		{`{"url":"https://b.example","token":"canary-3"}`, 200, `"url":"https://b.example"`},
	} {
		got := w.call(w.root, "PATCH", "/api/v1/sources/site", `{"settings":`+c.settings+`}`)
		if got.status != c.status || !strings.Contains(string(got.body), c.want) || strings.Contains(string(got.body), "canary") {
			t.Errorf("%s: %d %s", c.settings, got.status, got.body)
		}
	}
	if want := []string{"token=canary-1", "key=canary-2", "token=canary-3"}; !slices.Equal(w.m.secrets, want) {
		t.Errorf("stored: %q, want %q", w.m.secrets, want)
	}
	for _, path := range []string{"/api/v1/sources", "/api/v1/sources/site"} {
		if got := w.call(w.root, "GET", path, ""); got.status != 200 || !strings.Contains(string(got.body), `"secrets":["token"]`) || strings.Contains(string(got.body), "canary") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.call(w.root, "POST", "/api/v1/sources/site/acl/preview", `{"settings":{"token":"canary-4"}}`); got.status != 200 || len(w.m.secrets) != 3 {
		t.Errorf("a preview stores %q: %d %s", w.m.secrets, got.status, got.body)
	}
	if strings.Contains(w.log.String(), "canary") {
		t.Errorf("the log holds a secret:\n%s", w.log)
	}
	if got := w.call(w.root, "POST", "/api/v1/secrets/rotate", ""); got.status != 200 || !strings.Contains(string(got.body), `"sealed":3,"lost":0`) {
		t.Errorf("rotated: %d %s", got.status, got.body)
	}
}
