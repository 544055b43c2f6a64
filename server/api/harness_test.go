package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// world is a server over fakes with a few people and documents:
//
//	handbook  files, everyone reads "travel" (two versions) and "meals"
//	secrets   files, the group finance reads "salaries"
//	inbox     push, ann and the administrators write
//
// Ann is in the group finance, bob is not. All have tokens of every scope.
type world struct {
	*testing.T
	m      *memory
	asker  *asker
	jobs   *runner
	index  indexer
	audit  *audit.Writer
	api    *API
	server *server.Server
	http   *httptest.Server
	spec   *spec3
	log    *lockedBuffer

	root, ann, bob, stranger actor
}

// actor is an account with a token.
type actor struct {
	account cairn.Account
	token   string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var everyScope = []cairn.Scope{cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead, cairn.ScopeWrite, cairn.ScopeSCIM, cairn.ScopeAdmin}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, m: newMemory(), log: &lockedBuffer{}, spec: loadSpec(t)}
	w.asker, w.jobs = newAsker(w.m), &runner{m: w.m}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	a, err := auth.New(auth.Config{Store: w.m, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.api = New(Config{
		Store: w.m, Auth: a, Search: finder{w.m}, Code: codeFinder{w.m}, Ask: w.asker, Push: pusher{w.m}, Jobs: w.jobs, Index: &w.index, Log: log,
		Kinds: connectors.NewRegistry(
			connectors.Kind{Name: "files", Settings: []connectors.Setting{{Name: "path", Required: true, Help: "the folder"}}},
			connectors.Kind{Name: "push", Pushed: true, Settings: []connectors.Setting{{Name: "writers"}}},
			connectors.Kind{Name: "wiki", ReadsACL: true},
			connectors.Kind{Name: "site", Settings: []connectors.Setting{
				{Name: "url", Required: true}, {Name: "token", Required: true, Secret: true}, {Name: "key", Secret: true},
			}},
		),
		Models: []Model{{Name: "small", Default: true}},
	})
	w.audit = audit.NewWriter(w.m, log)
	w.server, err = server.New(server.Config{
		Auth: a, Routes: w.api.Routes(), Log: log, Audit: w.audit, Readable: w.m.Readable, Ready: func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(w.server.Handler())
	t.Cleanup(func() {
		w.http.Close()
		w.audit.Close(context.Background())
	})
	w.fill()
	return w
}

func (w *world) person(email string, role cairn.Role, groups ...string) actor {
	account := w.m.Add(cairn.Account{Email: email, Role: role, Created: time.Now()}, groups...)
	return actor{account, w.m.Token(account.ID, time.Now(), everyScope...)}
}

func (w *world) fill() {
	w.root = w.person("root@acme.com", cairn.RoleAdmin)
	w.ann = w.person("ann@acme.com", cairn.RoleMember, "finance")
	w.bob = w.person("bob@acme.com", cairn.RoleMember)
	w.stranger = w.person("sam@acme.com", cairn.RoleAuditor)
	created := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	w.m.sources = []cairn.Source{
		{ID: "s1", Name: "handbook", Kind: "files", Settings: map[string]string{"path": "/h"}, ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone), Owner: w.root.account.ID, Created: created},
		{ID: "s2", Name: "secrets", Kind: "files", Settings: map[string]string{"path": "/s"}, ACLMode: cairn.ACLDeclared, ACL: cairn.Allow("group:cairn:finance"), Owner: w.root.account.ID, Created: created},
		{ID: "s3", Name: "inbox", Kind: "push", Settings: map[string]string{"writers": "Ann@acme.com"}, ACLMode: cairn.ACLDeclared, ACL: cairn.Allow("group:cairn:finance"), Owner: w.root.account.ID, Created: created},
	}
	add := func(id, source, name, title, text string, acl cairn.ACL, state cairn.CitationState) {
		w.m.documents = append(w.m.documents, StoredDocument{SourceName: name, State: state, Document: cairn.Document{
			ID: cairn.DocumentID(id), Source: cairn.SourceID(source), External: id + ".md", Version: cairn.VersionOf([]byte(text)),
			Kind: cairn.KindPage, Title: title, URL: "https://acme.example/" + id, Body: []byte(text), ACL: acl, Modified: created,
			Sections: []cairn.Section{{Heading: []string{title}, Start: 0, End: len(text), Anchor: "#top"}},
		}})
	}
	add("travel", "s1", "handbook", "Travel", "Meals are paid up to 40 EUR a day.", cairn.Allow(cairn.Everyone), cairn.CitationCurrent)
	add("travel", "s1", "handbook", "Travel", "Meals are paid up to 30 EUR a day.", cairn.Allow(cairn.Everyone), cairn.CitationChanged)
	add("meals", "s1", "handbook", "Meals", "Meals in Zürich:  50 EUR a day.\n", cairn.Allow(cairn.Everyone), cairn.CitationCurrent)
	add("salaries", "s2", "secrets", "Salaries", "Meals money is part of the salary.", cairn.Allow("group:cairn:finance"), cairn.CitationCurrent)
	w.m.erased(cairn.Erasure{Kind: cairn.ErasedRetention, Counts: map[string]int{"documents": 1}})
	w.m.grants = []GrantStatus{{
		Grant: cairn.Grant{
			ID: "g1", Account: w.stranger.account.ID, Source: "s3", Reason: "audit of the inbox", By: w.root.account.ID, Created: created, Expires: time.Now().Add(time.Hour),
		},
		Holder: w.stranger.account, SourceName: "inbox", Lives: true,
	}}
	w.m.errors["s1"] = []cairn.DocumentError{{External: "scan.pdf", Code: "no_text", Reason: "no text layer", Attempts: 1, At: created}}
}

// reply is what came back.
type replied struct {
	status int
	header http.Header
	body   []byte
}

func (r replied) code(t testing.TB) string {
	t.Helper()
	var e struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if err := json.Unmarshal(r.body, &e); err != nil || e.Error.Message == "" {
		t.Errorf("status %d: %q is no error", r.status, r.body)
	}
	return e.Error.Code
}

func (r replied) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("status %d: %q: %v", r.status, r.body, err)
	}
}

// call sends a request as an actor and checks that both request and response
// are as the specification says. Requests that are meant to be wrong are not checked.
func (w *world) call(who actor, method, path, body string, header ...string) replied {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	w.spec.check(w.T, req, body, res, b)
	return replied{res.StatusCode, res.Header, b}
}

// spec3 validates requests and responses against openapi.yaml.
type spec3 struct {
	doc    *openapi3.T
	router routers.Router
}

func loadSpec(t testing.TB) *spec3 {
	t.Helper()
	s, err := theSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var theSpec = sync.OnceValues(func() (*spec3, error) {
	doc, err := openapi3.NewLoader().LoadFromData(Spec())
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	// What the specification does not name must not be sent.
	for _, s := range doc.Components.Schemas {
		if v := s.Value; v.Type.Is("object") && len(v.Properties) > 0 {
			no := false
			v.AdditionalProperties = openapi3.BoolSchema{Has: &no}
		}
	}
	for _, mediaType := range []string{"application/x-ndjson", "text/event-stream", "application/yaml", "text/plain", "text/csv"} {
		openapi3filter.RegisterBodyDecoder(mediaType, func(r io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
			b, err := io.ReadAll(r)
			return string(b), err
		})
	}
	router, err := gorillamux.NewRouter(doc)
	return &spec3{doc, router}, err
})

func (s *spec3) check(t *testing.T, req *http.Request, body string, res *http.Response, got []byte) {
	t.Helper()
	route, params, err := s.router.FindRoute(req)
	if err != nil {
		t.Errorf("%s %s is not in the specification: %v", req.Method, req.URL.Path, err)
		return
	}
	req.Body = io.NopCloser(strings.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if res.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s %s: the request was accepted, but is not as specified: %v", req.Method, req.URL.Path, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options,
	}
	out.SetBodyBytes(got)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s: status %d: the response is not as specified: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, got)
	}
}

// data checks one value against a schema by name.
func (s *spec3) data(t *testing.T, schema string, b []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Errorf("%s: %v", b, err)
		return
	}
	if err := s.doc.Components.Schemas[schema].Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s is no %s: %v", b, schema, err)
	}
}
