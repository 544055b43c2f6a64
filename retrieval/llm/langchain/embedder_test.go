package langchain_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

func newEmbedder(t *testing.T, change func(*langchain.EmbedderConfig), replies ...llmtest.Reply) (*langchain.Embedder, *llmtest.Endpoint) {
	t.Helper()
	e := llmtest.OpenAI(t, llmtest.Replies(replies...))
	c := langchain.EmbedderConfig{URL: e.URL, Model: "embed-1", APIKey: llmtest.Key, HTTPClient: client(t), Limits: impatient}
	if change != nil {
		change(&c)
	}
	embedder, err := langchain.NewEmbedder(c)
	if err != nil {
		t.Fatal(err)
	}
	return embedder, e
}

func TestEmbedderConformance(t *testing.T) {
	e, _ := newEmbedder(t, nil)
	llmtest.TestEmbedder(t, e)
	small, _ := newEmbedder(t, func(c *langchain.EmbedderConfig) { c.Batch = 1 })
	llmtest.TestEmbedder(t, small)
}

// The endpoint sends vectors in reverse; each must find its text again.
func TestEmbedderOrdersByIndex(t *testing.T) {
	e, _ := newEmbedder(t, nil)
	var texts []string
	for i := range 100 {
		texts = append(texts, fmt.Sprintf("word%d", i))
	}
	texts[50] = " \n"
	got, err := e.Embed(t.Context(), llm.RoleDocument, texts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := llmtest.NewWords(64).Embed(t.Context(), llm.RoleDocument, texts)
	if err != nil {
		t.Fatal(err)
	}
	near := cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("the vectors differ (-want +got):\n%.1000s", diff)
	}
}

func TestEmbedderBatchesAndPrefixes(t *testing.T) {
	e, endpoint := newEmbedder(t, func(c *langchain.EmbedderConfig) {
		c.Batch, c.QueryPrefix, c.DocumentPrefix = 2, "query: ", "passage: "
	})
	for _, role := range []llm.Role{llm.RoleDocument, llm.RoleQuery} {
		if _, err := e.Embed(t.Context(), role, []string{"a", "", "b", "c"}); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]string
	for _, c := range endpoint.Calls() {
		got = append(got, c.Inputs)
	}
	want := [][]string{
		{"query: cairn"}, // finds the dimension, which the vector of "" needs
		{"passage: a", "passage: b"}, {"passage: c"},
		{"query: a", "query: b"}, {"query: c"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other requests (-want +got):\n%s", diff)
	}
}

func TestEmbedderDim(t *testing.T) {
	e, _ := newEmbedder(t, nil)
	if e.Dim() != 0 {
		t.Errorf("before anything was embedded Dim is %d", e.Dim())
	}
	if err := e.Probe(t.Context()); err != nil || e.Dim() != 64 {
		t.Errorf("after Probe Dim is %d (%v)", e.Dim(), err)
	}
	short, endpoint := newEmbedder(t, func(c *langchain.EmbedderConfig) { c.Dim, c.RequestDim = 16, true })
	if err := short.Probe(t.Context()); err != nil || short.Model() != "embed-1-16" {
		t.Errorf("%s: %v", short.Model(), err)
	}
	if body := string(endpoint.Calls()[0].Body); !strings.Contains(body, `"dimensions":16`) {
		t.Errorf("sent %s", body)
	}
	wrong, endpoint := newEmbedder(t, func(c *langchain.EmbedderConfig) { c.Dim = 16 })
	checkFailed(t, wrong.Probe(t.Context()), llm.ErrRejected)
	if n := len(endpoint.Calls()); n != 1 {
		t.Errorf("%d calls although the next one cannot be better", n)
	}
}

func TestEmbedderFaults(t *testing.T) {
	for fault, kind := range map[llmtest.Fault]llm.ErrorKind{
		llmtest.Cut: llm.ErrUnavailable, llmtest.Truncated: llm.ErrUnavailable, llmtest.RateLimited: llm.ErrRateLimited,
		llmtest.Failed: llm.ErrUnavailable, llmtest.Refused: llm.ErrRejected,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			e, _ := newEmbedder(t, nil, llmtest.Reply{Fault: fault})
			got, err := e.Embed(t.Context(), llm.RoleDocument, []string{"one", "two"})
			checkFailed(t, err, kind)
			if got != nil {
				t.Errorf("%d vectors came with the error", len(got))
			}
			e, _ = newEmbedder(t, nil, llmtest.Reply{Fault: fault}, llmtest.Reply{})
			if _, err := e.Embed(t.Context(), llm.RoleDocument, []string{"one", "two"}); kind != llm.ErrRejected && err != nil {
				t.Errorf("the second attempt: %v", err)
			}
		})
	}
}

func TestEmbedderRefusesWrongVectors(t *testing.T) {
	for name, body := range map[string]string{
		"twice":   `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}`,
		"range":   `{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[2]}]}`,
		"empty":   `{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[2]}]}`,
		"lengths": `{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2,3]}]}`,
		"none":    `{"data":[]}`,
		"error":   `{"error":{"message":"no such model","type":"not_found_error"}}`,
		"html":    `<html>hello</html>`,
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
			defer srv.Close()
			e, err := langchain.NewEmbedder(langchain.EmbedderConfig{URL: srv.URL, Model: "m", HTTPClient: client(t), Limits: impatient})
			if err != nil {
				t.Fatal(err)
			}
			var failed *llm.Error
			if got, err := e.Embed(t.Context(), llm.RoleDocument, []string{"one", "two"}); !errors.As(err, &failed) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestEmbedderConfigErrors(t *testing.T) {
	for name, c := range map[string]langchain.EmbedderConfig{
		"model":  {URL: "http://127.0.0.1"},
		"url":    {URL: "127.0.0.1", Model: "m"},
		"no key": {Model: "m"},
		"dim":    {URL: "http://127.0.0.1", Model: "m", RequestDim: true},
	} {
		if _, err := langchain.NewEmbedder(c); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkFailed(t *testing.T, err error, kind llm.ErrorKind) {
	t.Helper()
	var failed *llm.Error
	if !errors.As(err, &failed) || failed.Kind != kind || strings.Contains(err.Error(), llmtest.Key) {
		t.Errorf("got %v, want %s", err, kind)
	}
}
