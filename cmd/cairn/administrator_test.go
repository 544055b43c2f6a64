package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// private is what Ann has, whom the group hr lets read the source wiki, with a
// word that stands in every text of it.
type private struct {
	url, admin, ann                 string // address and tokens
	document, message, conversation string
}

const privateWord = "qvzjxkwpthmbnrdl"

func newPrivate(t *testing.T) private {
	t.Helper()
	data := t.TempDir()
	p := private{url: serveForTest(t, data)}
	b, err := os.ReadFile(filepath.Join(data, auth.LocalTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	p.admin = strings.TrimSpace(string(b))
	must := func(method, path, body string) string {
		t.Helper()
		status, reply := p.call(t, p.admin, method, path, body)
		if status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, status, reply)
		}
		return reply
	}
	must("POST", "/api/v1/sources", `{"name":"wiki","kind":"push","acl":"group:cairn:hr"}`)
	must("PUT", "/api/v1/sources/wiki/documents?id=a", `{"title":"`+privateWord+`","text":"The safe opens with `+privateWord+`.","author":"`+privateWord+`"}`)
	must("POST", "/api/v1/users", `{"email":"ann@acme.com"}`)
	must("POST", "/api/v1/groups", `{"name":"hr"}`)
	must("PUT", "/api/v1/groups/hr", `{"members":["ann@acme.com"]}`)
	_, p.ann, _ = strings.Cut(must("POST", "/api/v1/tokens", `{"user":"ann@acme.com"}`), `"secret":"`)
	p.ann, _, _ = strings.Cut(p.ann, `"`)
	_, reply := p.call(t, p.ann, "POST", "/api/v1/ask", `{"question":"What does the safe open with, `+privateWord+`?"}`)
	var a client.Answer
	if err := json.Unmarshal([]byte(reply), &a); err != nil || len(a.Citations) == 0 || !strings.Contains(a.Text, privateWord) {
		t.Fatalf("%s, %v", reply, err)
	}
	p.document, p.message, p.conversation = a.Citations[0].DocumentID, a.MessageID, a.ConversationID
	return p
}

func (p private) call(t *testing.T, token, method, path, body string) (status int, reply string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasSuffix(path, "/batch") {
		r.Header.Set("Content-Type", "application/x-ndjson")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// request returns a path and a body for a route, about what Ann has.
func (p private) request(r server.Route) (path, body string) {
	id := p.conversation
	switch {
	case strings.Contains(r.Path, "/documents/:id"):
		id = p.document
	case strings.Contains(r.Path, "/messages/"):
		id = p.message
	case strings.Contains(r.Path, "/users/"):
		id = "ann@acme.com"
	}
	name := "wiki"
	if strings.Contains(r.Path, "/groups/") {
		name = "hr"
	}
	path = strings.NewReplacer(":id", id, ":name", name).Replace(r.Path)
	switch r.Method + " " + strings.TrimPrefix(r.Path, "/api/v1") {
	case "GET /suggest":
		path += "?q=" + privateWord[:4]
	case "PUT /sources/:name/documents", "DELETE /sources/:name/documents":
		path += "?id=b"
	}
	return path, map[string]string{
		"POST /search":                        `{"query":"safe ` + privateWord[:8] + `","explain":true}`,
		"POST /ask":                           `{"question":"What does the safe open with?"}`,
		"POST /messages/:id/feedback":         `{"rating":"up"}`,
		"PATCH /conversations/:id":            `{"title":"mine"}`,
		"POST /sources":                       `{"name":"other","kind":"push"}`,
		"PATCH /sources/:name":                `{}`,
		"PUT /sources/:name/documents":        `{"title":"b","text":"b"}`,
		"POST /sources/:name/documents/batch": `{"id":"c","title":"c","text":"c"}`,
		"POST /access/explain":                `{"user":"ann@acme.com","document_id":"` + p.document + `"}`,
		"POST /login":                         `{"code":"AAAA-BBBB-CCCC-DDDD"}`,
		"POST /users":                         `{"email":"eve@acme.com"}`,
		"PATCH /users/:id":                    `{"name":"Ann"}`,
		"POST /groups":                        `{"name":"ops"}`,
		"PUT /groups/:name":                   `{"members":["ann@acme.com"]}`,
		"POST /tokens":                        `{"name":"t"}`,
		"POST /grants":                        `{"user":"ann@acme.com","source":"wiki","reason":"incident"}`,
	}[r.Method+" "+strings.TrimPrefix(r.Path, "/api/v1")]
}

// TestAdministratorsGetNoText sends the administrator, with all rights, through
// every route of a real server about what only Ann may read.
func TestAdministratorsGetNoText(t *testing.T) {
	p := newPrivate(t)
	routes := api.New(api.Config{}).Routes()
	slices.SortStableFunc(routes, func(a, b server.Route) int { // what removes comes last
		return cmp.Compare(strings.Count(a.Method, http.MethodDelete), strings.Count(b.Method, http.MethodDelete))
	})
	shown, done := 0, 0
	for _, r := range routes {
		path, body := p.request(r)
		if r.Method == http.MethodGet && !r.Public && r.Role == "" {
			if _, reply := p.call(t, p.ann, r.Method, path, ""); strings.Contains(reply, privateWord) {
				shown++
			}
		}
		status, reply := p.call(t, p.admin, r.Method, path, body)
		if strings.Contains(reply, privateWord) {
			t.Errorf("%s %s: %d %s", r.Method, r.Path, status, reply)
		}
		if status < 300 {
			done++
		}
		synced := strings.HasSuffix(r.Path, "/sync") // which a source of kind push is not
		if status == http.StatusBadRequest && !synced || status >= 500 {
			t.Errorf("%s %s says nothing: %d %s", r.Method, r.Path, status, reply)
		}
	}
	if shown < 6 || done < 30 {
		t.Errorf("Ann reads the word on %d routes, the administrator has done something on %d: this test says little", shown, done)
	}
	t.Logf("Ann reads the word on %d routes, the administrator has done something on %d of %d", shown, done, len(routes))
}
