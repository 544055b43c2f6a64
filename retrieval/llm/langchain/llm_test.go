package langchain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// providers are the fakes by provider.
var providers = map[string]func(testing.TB, func(llmtest.Call) llmtest.Reply) *llmtest.Endpoint{
	langchain.OpenAI:    llmtest.OpenAI,
	langchain.Anthropic: llmtest.Anthropic,
}

func forProviders(t *testing.T, test func(t *testing.T, provider string)) {
	for provider := range providers {
		t.Run(provider, func(t *testing.T) { test(t, provider) })
	}
}

// client returns a client whose connections end with the test.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// impatient are limits for tests.
var impatient = reliable.Config{FirstToken: 5 * time.Second, Idle: 5 * time.Second, Retries: 1, Backoff: time.Millisecond}

func newLLM(t testing.TB, provider string, change func(*langchain.Config), replies ...llmtest.Reply) (llm.LLM, *llmtest.Endpoint) {
	t.Helper()
	e := providers[provider](t, llmtest.Replies(replies...))
	c := langchain.Config{
		Provider: provider, URL: e.URL, Model: "model-1", APIKey: llmtest.Key,
		HTTPClient: client(t), Limits: impatient,
	}
	if change != nil {
		change(&c)
	}
	m, err := langchain.NewLLM(c)
	if err != nil {
		t.Fatal(err)
	}
	return m, e
}

func TestConformance(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		llmtest.TestLLM(t, func(t *testing.T, replies ...llmtest.Reply) (llm.LLM, func() []llm.Request) {
			m, e := newLLM(t, provider, nil, replies...)
			t.Cleanup(func() { e.WaitIdle(t) })
			return m, func() []llm.Request {
				var asked []llm.Request
				for _, c := range e.Calls() {
					if c.Request.MaxTokens == 4096 { // what stands for "leave it to the model"
						c.Request.MaxTokens = 0
					}
					asked = append(asked, c.Request)
				}
				return asked
			}
		})
	})
}

// The stream is cut at every position by the network; the answer must not
// depend on it, nor on the kind of line ends.
func TestAnySplitIsTheSame(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		m, e := newLLM(t, provider, nil, llmtest.Reply{Thinking: []string{"hm"}, Pieces: []string{"Ab 東京 ", "🙂\n", "end"}})
		for _, n := range []int{1, 2, 3, 7, 64} {
			e.Slice(n)
			if n == 7 {
				e.CRLF()
			}
			got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
			if got.Err != nil || got.Text != "Ab 東京 🙂\nend" || got.Stop != llm.StopEnd {
				t.Errorf("in slices of %d bytes: %+v", n, got)
			}
		}
	})
}

func TestAnyTextArrives(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		var reply llmtest.Reply
		e := providers[provider](t, func(llmtest.Call) llmtest.Reply { return reply })
		m, err := langchain.NewLLM(langchain.Config{Provider: provider, URL: e.URL, Model: "m", APIKey: llmtest.Key, HTTPClient: client(t)})
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			reply = llmtest.Reply{Pieces: rapid.SliceOf(rapid.StringN(1, 40, -1)).Draw(t, "pieces")}
			got := llmtest.Collect(context.Background(), m, llmtest.Question("?"))
			if want := strings.Join(reply.Pieces, ""); got.Err != nil || got.Text != want {
				t.Fatalf("got %q (%v), want %q", got.Text, got.Err, want)
			}
		})
	})
}

func TestFailureTellsStatusAndRetryAfter(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		for name, tt := range map[string]struct {
			header    string
			low, high time.Duration
		}{
			"seconds":  {"17", 17 * time.Second, 17 * time.Second},
			"date":     {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 50 * time.Second, time.Minute},
			"nonsense": {"soon", 0, 0},
		} {
			t.Run(name, func(t *testing.T) {
				m, e := newLLM(t, provider, nil, llmtest.Reply{Fault: llmtest.RateLimited, RetryAfter: tt.header})
				got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
				var failed *llm.Error
				if !errors.As(got.Err, &failed) || failed.Status != http.StatusTooManyRequests || failed.Kind != llm.ErrRateLimited {
					t.Fatalf("got %v", got.Err)
				}
				if failed.RetryAfter < tt.low || failed.RetryAfter > tt.high {
					t.Errorf("RetryAfter is %v", failed.RetryAfter)
				}
				wantCalls := 1 // more patience is asked for than there is
				if tt.high == 0 {
					wantCalls = 2
				}
				if n := len(e.Calls()); n != wantCalls {
					t.Errorf("%d calls, want %d", n, wantCalls)
				}
			})
		}
	})
}

func TestRecoversBeforeTheFirstToken(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		for _, fault := range []llmtest.Fault{llmtest.RateLimited, llmtest.Failed, llmtest.Overloaded, llmtest.Cut, llmtest.Truncated, llmtest.ErrorEvent} {
			m, e := newLLM(t, provider, nil, llmtest.Reply{Fault: fault}, llmtest.Text("second try"))
			got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
			if got.Err != nil || got.Text != "second try" || got.Stop != llm.StopEnd {
				t.Errorf("after %v: %+v", fault, got)
			}
			if n := len(e.Calls()); n != 2 {
				t.Errorf("after %v: %d calls", fault, n)
			}
		}
		m, e := newLLM(t, provider, nil, llmtest.Reply{Pieces: []string{"said"}, Fault: llmtest.Cut})
		if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Err == nil || len(e.Calls()) != 1 {
			t.Errorf("after the first token: %+v, %d calls", got, len(e.Calls()))
		}
	})
}

func TestLimits(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		for name, tt := range map[string]struct {
			reply llmtest.Reply
			want  error
			kind  llm.ErrorKind
		}{
			"first token": {llmtest.Reply{Pieces: []string{"late"}, First: time.Minute}, reliable.ErrFirstToken, llm.ErrUnavailable},
			"idle":        {llmtest.Reply{Pieces: []string{"one", "two"}, Between: time.Minute}, reliable.ErrIdle, llm.ErrInterrupted},
			"total":       {llmtest.Reply{Pieces: strings.Split(strings.Repeat("x", 1000), ""), Between: 10 * time.Millisecond}, reliable.ErrTotal, llm.ErrInterrupted},
		} {
			t.Run(name, func(t *testing.T) {
				m, e := newLLM(t, provider, func(c *langchain.Config) {
					c.Limits = reliable.Config{FirstToken: 150 * time.Millisecond, Idle: 150 * time.Millisecond, Total: 600 * time.Millisecond}
				}, tt.reply)
				got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
				var failed *llm.Error
				if !errors.Is(got.Err, tt.want) || !errors.As(got.Err, &failed) || failed.Kind != tt.kind {
					t.Errorf("got %v, want %v", got.Err, tt.want)
				}
				e.WaitIdle(t)
			})
		}
	})
}

// A host that takes connections without ever finishing the handshake.
func TestConnectLimit(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := langchain.NewLLM(langchain.Config{
		URL: "https://" + l.Addr().String(), Model: "m", HTTPClient: client(t),
		ConnectTimeout: 100 * time.Millisecond, Limits: reliable.Config{Retries: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
	var failed *llm.Error
	if !errors.As(got.Err, &failed) || failed.Kind != llm.ErrUnavailable || time.Since(begin) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), got.Err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	m, err := langchain.NewLLM(langchain.Config{URL: "http://" + l.Addr().String(), Model: "m", Limits: impatient})
	if err != nil {
		t.Fatal(err)
	}
	got := llmtest.Collect(t.Context(), m, llmtest.Question("?"))
	if got.Err == nil || !strings.Contains(got.Err.Error(), "cannot be reached") {
		t.Errorf("got %v", got.Err)
	}
}

func TestLeavingEndsTheCall(t *testing.T) {
	forProviders(t, func(t *testing.T, provider string) {
		m, e := newLLM(t, provider, nil, llmtest.Reply{Pieces: []string{"a", "b"}, Fault: llmtest.Stall})
		for range m.Generate(t.Context(), llmtest.Question("?")) {
			break
		}
		e.WaitIdle(t)
	})
}

func TestAnthropicCachesTheSystemPrompt(t *testing.T) {
	m, e := newLLM(t, langchain.Anthropic, nil, llmtest.Text("ok"))
	if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Err != nil {
		t.Fatal(got.Err)
	}
	var sent struct {
		System []struct {
			CacheControl struct{ Type string } `json:"cache_control"`
		}
		Temperature *float64
	}
	if err := json.Unmarshal(e.Calls()[0].Body, &sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.System) != 1 || sent.System[0].CacheControl.Type != "ephemeral" || sent.Temperature != nil {
		t.Errorf("sent %s", e.Calls()[0].Body)
	}
}

func TestTemperature(t *testing.T) {
	for model, want := range map[string]bool{"model-1": true, "qwen2.5": true, "o4-mini": false, "gpt-5.2": false} {
		m, e := newLLM(t, langchain.OpenAI, func(c *langchain.Config) { c.Model = model }, llmtest.Text("ok"))
		if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Err != nil {
			t.Fatal(got.Err)
		}
		var sent struct{ Temperature *float64 }
		if err := json.Unmarshal(e.Calls()[0].Body, &sent); err != nil {
			t.Fatal(err)
		}
		if got := sent.Temperature; (got != nil) != want || want && *got != 0 {
			t.Errorf("%s: sent %s", model, e.Calls()[0].Body)
		}
	}
}

// The environment of a developer's machine must not decide where questions go.
func TestEnvironmentIsIgnored(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-from-the-environment")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
	t.Setenv("OPENAI_ORGANIZATION", "org-from-the-environment")
	t.Setenv("ANTHROPIC_API_KEY", "sk-from-the-environment")
	forProviders(t, func(t *testing.T, provider string) {
		m, e := newLLM(t, provider, nil, llmtest.Text("ok"))
		if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Err != nil {
			t.Fatal(got.Err)
		}
		if h := e.Calls()[0].Header; h.Get("OpenAI-Organization") != "" {
			t.Errorf("the organization of the environment was sent: %v", h)
		}
	})
}

func TestKeyIsNotSentWhereThereIsNone(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("Authorization %q was sent", r.Header.Get("Authorization"))
		}
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}]}`)
	}))
	defer srv.Close()
	m, err := langchain.NewLLM(langchain.Config{URL: srv.URL, Model: "m", HTTPClient: client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Text != "hello" || got.Usage != nil {
		t.Errorf("got %+v", got)
	}
}

func TestNothingIsLogged(t *testing.T) {
	var out bytes.Buffer
	log.SetOutput(&out)
	defer log.SetOutput(log.Default().Writer())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `data: {"type":"an_event_of_next_year","content":"secret"}`+"\n\n"+
			`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`+"\n\n")
	}))
	defer srv.Close()
	m, err := langchain.NewLLM(langchain.Config{Provider: langchain.Anthropic, URL: srv.URL, Model: "m", HTTPClient: client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got := llmtest.Collect(t.Context(), m, llmtest.Question("?")); got.Stop != llm.StopEnd || got.Usage.OutputTokens != 1 {
		t.Errorf("got %+v", got)
	}
	if out.Len() > 0 {
		t.Errorf("logged %q", out.String())
	}
}

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]langchain.Config{
		"provider": {Provider: "parrot", Model: "m"},
		"model":    {URL: "http://127.0.0.1"},
		"url":      {URL: "localhost:8080", Model: "m"},
		"scheme":   {URL: "ftp://localhost/v1", Model: "m"},
		"key":      {URL: "http://" + "user:sk-secret@127.0.0.1/v1", Model: "m"},
		"query":    {URL: "http://127.0.0.1/v1?api-key=sk-secret", Model: "m"},
		"no key":   {Model: "m"},
	} {
		_, err := langchain.NewLLM(c)
		if !errors.Is(err, cairn.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", langchain.Config{APIKey: "sk-secret"}, langchain.Config{APIKey: "sk-secret"}, langchain.Config{APIKey: "sk-secret"}); strings.Contains(s, "secret") {
		t.Errorf("a printed configuration shows its key: %s", s)
	}
}
