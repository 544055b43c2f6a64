package rerank_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/rerank"
)

var _ retrieval.Reranker = (*rerank.Reranker)(nil)

// serve is a reranker that accepts exactly the given body and answers with reply.
func serve(t *testing.T, want map[string]any, status int, reply string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/base/rerank" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		if got := r.Header.Get("Authorization"); got != "Bearer secret-key" {
			t.Errorf("authorization %q", got)
		}
		var got map[string]any
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); want != nil && diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, reply)
	}))
	t.Cleanup(s.Close)
	return s
}

func newReranker(t *testing.T, kind rerank.Kind, address string) *rerank.Reranker {
	t.Helper()
	r, err := rerank.New(rerank.Config{Kind: kind, URL: address + "/base/", Model: "m", APIKey: "secret-key", Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRerank(t *testing.T) {
	documents := map[string]any{"model": "m", "query": "where?", "documents": []any{"here", "there"}, "top_n": 2.0}
	results := `{"id":"x","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}`
	for _, tt := range []struct {
		kind    rerank.Kind
		request map[string]any
		reply   string
	}{
		{rerank.TEI, map[string]any{"query": "where?", "texts": []any{"here", "there"}, "truncate": true}, `[{"index":1,"score":0.9},{"index":0,"score":0.1}]`},
		{rerank.Cohere, documents, results},
		{rerank.Jina, documents, results},
	} {
		s := serve(t, tt.request, http.StatusOK, tt.reply)
		got, err := newReranker(t, tt.kind, s.URL).Rerank(t.Context(), "where?", []string{"here", "there"})
		if diff := cmp.Diff([]float64{0.1, 0.9}, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.kind, err, diff)
		}
	}
}

func TestRepliesThatAreWrong(t *testing.T) {
	for name, reply := range map[string]string{
		"no JSON":      `<html>`,
		"one missing":  `[{"index":0,"score":1}]`,
		"one twice":    `[{"index":0,"score":1},{"index":0,"score":1}]`,
		"out of range": `[{"index":0,"score":1},{"index":2,"score":1}]`,
		"negative":     `[{"index":0,"score":1},{"index":-1,"score":1}]`,
		"no index":     `[{"index":0,"score":1},{"score":1}]`,
		"no score":     `[{"index":0,"score":1},{"index":1}]`,
		"too long":     `[` + strings.Repeat(" ", 2<<20) + `{"index":0,"score":1},{"index":1,"score":1}]`,
	} {
		s := serve(t, nil, http.StatusOK, reply)
		if got, err := newReranker(t, rerank.TEI, s.URL).Rerank(t.Context(), "q", []string{"a", "b"}); err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Errors tell nothing of the key, the question or what the server repeats of them.
func TestErrorsAreDiscreet(t *testing.T) {
	s := serve(t, nil, http.StatusUnauthorized, `secret-key is no key; you asked about salaries`)
	r := newReranker(t, rerank.Cohere, s.URL)
	_, err := r.Rerank(t.Context(), "salaries", []string{"a"})
	s.Close()
	_, gone := r.Rerank(t.Context(), "salaries", []string{"a"})
	for _, err := range []error{err, gone} {
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "salaries") {
			t.Errorf("error %v", err)
		}
	}
}

func TestTimeout(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer s.Close()
	defer close(stop)
	began := time.Now()
	if _, err := newReranker(t, rerank.TEI, s.URL).Rerank(t.Context(), "q", []string{"a"}); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestConfigsThatAreWrong(t *testing.T) {
	for _, c := range []rerank.Config{{}, {Kind: "other", URL: "http://x"}, {Kind: rerank.TEI}, {Kind: rerank.Jina}} {
		if _, err := rerank.New(c); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%s: %v; want ErrInvalid", fmt.Sprint(c.Kind), err)
		}
	}
}
