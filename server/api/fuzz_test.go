package api

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRoutes sends any body to every route that takes one, with any last part
// of the path. Whatever is sent, the process lives and nothing is an internal error.
func FuzzRoutes(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `"x"`, `7`, `{"query":{}}`, `{"query":"x","filters":[]}`, `{"query":"x","limit":1e999}`,
		`{"question":"x","stream":1}`, `{"acl":{"allow":[[7]]}}`, `{"acl":[[[[[[]]]]]]}`, `{"settings":{"a":null}}`,
		`{"title":"\ud800"}`, `{"a":1}{"b":2}`, strings.Repeat("[", 20000), "\x00", "{\"code\":\"\xff\"}",
	} {
		f.Add("x", body)
	}
	f.Add("%00", "{}")
	f.Add("../..", "{}")
	f.Fuzz(func(t *testing.T, name, body string) {
		w := newWorld(t)
		w.asker.script = answered
		for _, r := range w.api.Routes() {
			path := strings.NewReplacer(":id", "x", ":name", "handbook").Replace(r.Path) + "?id=x"
			req := httptest.NewRequest(r.Method, path, strings.NewReader(body))
			for param := range strings.SplitSeq(r.Path, "/") {
				if strings.HasPrefix(param, ":") {
					req.URL.Path = strings.Replace(r.Path, param, name, 1)
				}
			}
			req.Header.Set("Authorization", "Bearer "+w.root.token)
			req.Header.Set("Content-Type", "application/json")
			if strings.HasSuffix(r.Path, "/batch") {
				req.Header.Set("Content-Type", "application/x-ndjson")
			}
			rec := httptest.NewRecorder()
			w.server.Handler().ServeHTTP(rec, req)
			if rec.Code >= 500 {
				t.Errorf("%s %s with %q: %d %s", r.Method, req.URL.Path, body, rec.Code, rec.Body)
			}
		}
	})
}
