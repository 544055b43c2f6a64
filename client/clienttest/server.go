// Package clienttest has a fake Cairn for tests of whatever uses package client.
// It takes nothing and says nothing that server/api/openapi.yaml does not allow.
package clienttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Token is the only one that the fake accepts.
const Token = "cairn_fake"

// Server is a fake Cairn. A request to a route without a handler, one that the
// specification does not allow, and a reply that it does not allow fail the test.
type Server struct {
	URL string

	t    testing.TB
	mux  *http.ServeMux
	mu   sync.Mutex
	seen []string
}

// New starts a fake that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	spec, err := theSpec()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, mux: http.NewServeMux()}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(spec, w, r) }))
	t.Cleanup(served.Close)
	s.URL = served.URL
	return s
}

// Handle answers a route, a pattern such as "GET /api/v1/documents/{id}".
func (s *Server) Handle(route string, h http.HandlerFunc) { s.mux.HandleFunc(route, h) }

// Reply answers a route always alike: with a status and JSON; no body for 204.
func (s *Server) Reply(route string, status int, body string) {
	s.Handle(route, func(w http.ResponseWriter, _ *http.Request) { Write(w, status, body) })
}

// Write writes a reply.
func Write(w http.ResponseWriter, status int, body string) {
	if body != "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// Requests returns what was asked so far: method, path with query and body, in
// one line for each.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func (s *Server) serve(spec *specification, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("%s %s: read the request: %v", r.Method, r.URL, err)
	}
	s.mu.Lock()
	s.seen = append(s.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	s.mu.Unlock()
	in, err := spec.checkRequest(r, body)
	if err != nil {
		s.t.Errorf("%s %s %s: not as specified: %v", r.Method, r.URL, body, err)
		Write(w, http.StatusBadRequest, `{"error":{"code":"invalid","message":"not as specified"}}`)
		return
	}
	public := in.Route.Operation.Security != nil && len(*in.Route.Operation.Security) == 0
	if !public && r.Header.Get("Authorization") != "Bearer "+Token {
		Write(w, http.StatusUnauthorized, `{"error":{"code":"unauthenticated","message":"that is not a token of this server"}}`)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.t.Errorf("%s %s was not expected", r.Method, r.URL)
	}
	copied := &recorder{ResponseWriter: w, status: http.StatusOK}
	s.mux.ServeHTTP(copied, r)
	if err := spec.checkResponse(in, copied); err != nil {
		s.t.Errorf("%s %s: the fake's reply is not as specified: %v\n%s", r.Method, r.URL, err, copied.body.Bytes())
	}
}

// recorder keeps what passes through.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets handlers flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

type specification struct{ router routers.Router }

var theSpec = sync.OnceValues(func() (*specification, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, "server", "api", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	// What the specification does not name must not be sent.
	for _, s := range doc.Components.Schemas {
		if v := s.Value; v.Type.Is("object") && len(v.Properties) > 0 {
			no := false
			v.AdditionalProperties = openapi3.BoolSchema{Has: &no}
		}
	}
	for _, mediaType := range []string{"text/plain", "application/x-ndjson", "text/csv"} {
		openapi3filter.RegisterBodyDecoder(mediaType, func(r io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
			b, err := io.ReadAll(r)
			return string(b), err
		})
	}
	router, err := gorillamux.NewRouter(doc)
	return &specification{router}, err
})

func (s *specification) checkRequest(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	copied := r.Clone(context.WithoutCancel(r.Context()))
	copied.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	return in, openapi3filter.ValidateRequest(copied.Context(), in)
}

func (s *specification) checkResponse(in *openapi3filter.RequestValidationInput, got *recorder) error {
	if strings.HasPrefix(got.Header().Get("Content-Type"), "text/event-stream") {
		return nil // tests cut streams on purpose
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: got.status, Header: got.Header(), Options: in.Options}
	out.SetBodyBytes(got.body.Bytes())
	return openapi3filter.ValidateResponse(in.Request.Context(), out)
}
