package langchain_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// answerRaw asks a model whose endpoint answers with status and body.
func answerRaw(t *testing.T, provider string, status int, body string) llmtest.Collected {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer srv.Close()
	m, err := langchain.NewLLM(langchain.Config{
		Provider: provider, URL: srv.URL, Model: "m", APIKey: llmtest.Key,
		HTTPClient: client(t), Limits: reliable.Config{Retries: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return llmtest.Collect(t.Context(), m, llmtest.Question("What does the contract with Nordwind say about penalties?"))
}

// What servers send that call themselves compatible, and what providers send
// now and then.
func TestDialects(t *testing.T) {
	const end = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
	said := func(text string) llmtest.Collected { return llmtest.Collected{Text: text, Stop: llm.StopEnd} }
	for name, tt := range map[string]struct {
		provider, body string
		want           llmtest.Collected
	}{
		"no space after data": {langchain.OpenAI, `data:{"choices":[{"delta":{"content":"a"}}]}` + "\n\n" + end, said("a")},
		"no blank lines":      {langchain.OpenAI, `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n" + `data: {"choices":[{"delta":{"content":"b"}}]}` + "\n" + end, said("ab")},
		"no [DONE]":           {langchain.OpenAI, `data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`, said("a")},
		"content in parts":    {langchain.OpenAI, `data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"a"}]}}]}` + "\n\n" + end, said("a")},
		"null content":        {langchain.OpenAI, `data: {"choices":[{"delta":{"role":"assistant","content":null}}],"error":null}` + "\n\n" + end, said("")},
		"finish before usage": {langchain.OpenAI, `data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}` + "\n\n" + `data: {"choices":[{"delta":{},"finish_reason":null}]}` + "\n\ndata: [DONE]\n\n", said("a")},
		"a second choice":     {langchain.OpenAI, `data: {"choices":[{"index":1,"delta":{"content":"x"}},{"index":0,"delta":{"content":"a"}}]}` + "\n\n" + end, said("a")},
		"tool calls":          {langchain.OpenAI, `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}]}` + "\n\n" + end, said("")},
		"a refusal":           {langchain.OpenAI, `data: {"choices":[{"delta":{"refusal":"I cannot."}}]}` + "\n\ndata: [DONE]\n\n", llmtest.Collected{Text: "I cannot.", Stop: llm.StopFilter}},
		"two blocks":          {langchain.Anthropic, `{"content":[{"type":"text","text":"a"},{"type":"tool_use"},{"type":"text","text":"b"}],"stop_reason":"end_turn"}`, said("ab")},
		"text in block start": {langchain.Anthropic, `data: {"type":"content_block_start","index":3,"content_block":{"type":"text","text":"a"}}` + "\n\n" + `data: {"type":"message_delta","delta":{"stop_reason":"stop_sequence"}}` + "\n\n", said("a")},
		"context window":      {langchain.Anthropic, `data: {"type":"message_delta","delta":{"stop_reason":"model_context_window_exceeded"}}` + "\n\n", llmtest.Collected{Stop: llm.StopLength}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, answerRaw(t, tt.provider, http.StatusOK, tt.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRawFailures(t *testing.T) {
	const piece = `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"
	for name, tt := range map[string]struct {
		provider string
		status   int
		body     string
		kind     llm.ErrorKind
		says     string
	}{
		"only [DONE]":        {langchain.OpenAI, 200, "data: [DONE]\n\n", llm.ErrUnavailable, "before it was complete"},
		"[DONE] too early":   {langchain.OpenAI, 200, piece + "data: [DONE]\n\n", llm.ErrInterrupted, "before it was complete"},
		"nothing":            {langchain.OpenAI, 200, "", llm.ErrUnavailable, "before it was complete"},
		"half an event":      {langchain.OpenAI, 200, piece + `data: {"choi`, llm.ErrInterrupted, "malformed"},
		"a web page":         {langchain.OpenAI, 200, "<!doctype html><title>Sign in</title>", llm.ErrRejected, "check the address"},
		"error as text":      {langchain.OpenAI, 200, `{"error":"model not loaded"}`, llm.ErrUnavailable, "reported an error"},
		"error of llama":     {langchain.OpenAI, 200, `error: {"code":500,"message":"context shift is disabled","type":"server_error"}` + "\n\n", llm.ErrUnavailable, "server_error"},
		"error in a stream":  {langchain.OpenAI, 200, piece + `data: {"error":{"message":"The model crashed","code":502}}` + "\n\n", llm.ErrInterrupted, "reported an error"},
		"finish with error":  {langchain.OpenAI, 200, piece + `data: {"choices":[{"delta":{},"finish_reason":"error"}]}` + "\n\n", llm.ErrInterrupted, "before it was complete"},
		"no money":           {langchain.OpenAI, 429, `{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}`, llm.ErrRejected, "quota"},
		"unknown model":      {langchain.OpenAI, 404, `{"error":{"message":"The model 'm' does not exist"}}`, llm.ErrRejected, "404: look at the address and the name of the model"},
		"bad gateway":        {langchain.OpenAI, 502, "<html>nginx</html>", llm.ErrUnavailable, "502"},
		"echo of the prompt": {langchain.OpenAI, 400, `{"error":{"message":"input 'What does the contract with Nordwind say about penalties?' is too long"}}`, llm.ErrRejected, "answered 400"},
		"the key":            {langchain.OpenAI, 401, `{"error":{"message":"Incorrect API key provided: ` + llmtest.Key + `. See \"sk-abc***xyz\""}}`, llm.ErrRejected, "401: look at the API key"},
		"anthropic whole":    {langchain.Anthropic, 200, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, llm.ErrRateLimited, "rate_limit_error"},
		"anthropic stop":     {langchain.Anthropic, 200, `data: {"type":"message_stop"}` + "\n\n", llm.ErrUnavailable, "before it was complete"},
		"anthropic 529":      {langchain.Anthropic, 529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, llm.ErrUnavailable, "overloaded_error"},
		"not JSON":           {langchain.Anthropic, 200, "data: hello\n\n", llm.ErrUnavailable, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := answerRaw(t, tt.provider, tt.status, tt.body)
			if got.Stop != "" {
				t.Errorf("the reply counts as complete: %+v", got)
			}
			checkFailed(t, got.Err, tt.kind)
			if got.Err != nil && (!strings.Contains(got.Err.Error(), tt.says) || strings.Contains(got.Err.Error(), "Nordwind") || strings.Contains(got.Err.Error(), llmtest.Key)) {
				t.Errorf("the error is %q, want it to say %q", got.Err, tt.says)
			}
		})
	}
}

// A redirect could carry the key to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Error("the redirect was followed")
		}))
		defer other.Close()
		srv := httptest.NewServer(http.RedirectHandler(other.URL+"/v1/x", http.StatusTemporaryRedirect))
		defer srv.Close()
		m, err := langchain.NewLLM(langchain.Config{Provider: provider, URL: srv.URL, Model: "m", APIKey: llmtest.Key, HTTPClient: client(t)})
		if err != nil {
			t.Fatal(err)
		}
		checkFailed(t, llmtest.Collect(t.Context(), m, llmtest.Question("?")).Err, llm.ErrRejected)
	})
}

func TestLongLines(t *testing.T) {
	long := strings.Repeat("東京 & <x> ", 100_000) // far beyond 64 KiB in one event
	got := answerRaw(t, langchain.OpenAI, http.StatusOK,
		fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"content\":%q},\"finish_reason\":\"stop\"}]}\n\n", long))
	if got.Err != nil || got.Text != long {
		t.Errorf("%d bytes arrived of %d: %v", len(got.Text), len(long), got.Err)
	}
	endless := answerRaw(t, langchain.OpenAI, http.StatusOK, "data: "+strings.Repeat("x", 5<<20))
	checkFailed(t, endless.Err, llm.ErrUnavailable)
}
