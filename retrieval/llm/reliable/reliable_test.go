package reliable_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

var quick = reliable.Config{Backoff: time.Millisecond}

func TestConformance(t *testing.T) {
	llmtest.TestLLM(t, func(_ *testing.T, replies ...llmtest.Reply) (llm.LLM, func() []llm.Request) {
		s := llmtest.NewScript(replies...)
		return reliable.NewLLM(s, quick), s.Requests
	})
	llmtest.TestEmbedder(t, reliable.NewEmbedder(llmtest.NewWords(256), quick))
}

// ask makes a call and tells how long it took.
func ask(t *testing.T, m llm.LLM) (llmtest.Collected, time.Duration) {
	t.Helper()
	begin := time.Now()
	return llmtest.Collect(t.Context(), m, llmtest.Question("?")), time.Since(begin)
}

func kindOf(err error) llm.ErrorKind {
	var e *llm.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestLimits(t *testing.T) {
	slow := make([]string, 100)
	for i := range slow {
		slow[i] = "x"
	}
	for name, tt := range map[string]struct {
		reply llmtest.Reply
		want  error
		kind  llm.ErrorKind
		after time.Duration
	}{
		"first token":         {llmtest.Reply{Pieces: []string{"late"}, First: time.Hour}, reliable.ErrFirstToken, llm.ErrUnavailable, 30 * time.Second},
		"stall at once":       {llmtest.Reply{Fault: llmtest.Stall}, reliable.ErrFirstToken, llm.ErrUnavailable, 30 * time.Second},
		"stall later":         {llmtest.Reply{Pieces: []string{"a"}, First: 20 * time.Second, Fault: llmtest.Stall}, reliable.ErrIdle, llm.ErrInterrupted, 50 * time.Second},
		"idle after thoughts": {llmtest.Reply{Thinking: []string{"hm"}, Fault: llmtest.Stall}, reliable.ErrIdle, llm.ErrUnavailable, 30 * time.Second},
		"total":               {llmtest.Reply{Pieces: slow, Between: 10 * time.Second}, reliable.ErrTotal, llm.ErrInterrupted, 180 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := llmtest.NewScript(tt.reply)
				got, took := ask(t, reliable.NewLLM(s, reliable.Config{Retries: -1}))
				if !errors.Is(got.Err, tt.want) || kindOf(got.Err) != tt.kind {
					t.Errorf("got %v, want %v (%s)", got.Err, tt.want, tt.kind)
				}
				if took != tt.after {
					t.Errorf("it took %v, want %v", took, tt.after)
				}
				if s.Open() != 0 {
					t.Error("the call goes on")
				}
			})
		})
	}
}

// Who reads slowly must not be told that the model was idle.
func TestCallerMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reliable.NewLLM(llmtest.NewScript(llmtest.Text("one two")), reliable.Config{})
		for _, err := range m.Generate(t.Context(), llmtest.Question("?")) {
			if err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Second)
		}
	})
}

func TestRetries(t *testing.T) {
	failed := llmtest.Reply{Fault: llmtest.Failed}
	for name, tt := range map[string]struct {
		replies  []llmtest.Reply
		ok       bool
		calls    int
		low, max time.Duration
	}{
		"none needed":        {[]llmtest.Reply{llmtest.Text("ok")}, true, 1, 0, 0},
		"one":                {[]llmtest.Reply{failed, llmtest.Text("ok")}, true, 2, 0, 500 * time.Millisecond},
		"two":                {[]llmtest.Reply{failed, failed, llmtest.Text("ok")}, true, 3, 0, 1500 * time.Millisecond},
		"no third":           {[]llmtest.Reply{failed, failed, failed, llmtest.Text("ok")}, false, 3, 0, 1500 * time.Millisecond},
		"not when refused":   {[]llmtest.Reply{{Fault: llmtest.Refused}, llmtest.Text("ok")}, false, 1, 0, 0},
		"not after text":     {[]llmtest.Reply{{Pieces: []string{"a"}, Fault: llmtest.Cut}, llmtest.Text("ok")}, false, 1, 0, 0},
		"not after patience": {[]llmtest.Reply{{Fault: llmtest.Stall}, llmtest.Text("ok")}, false, 1, 30 * time.Second, 30 * time.Second},
		"truncated at once":  {[]llmtest.Reply{{Fault: llmtest.Truncated}, llmtest.Text("ok")}, true, 2, 0, 500 * time.Millisecond},
		"as it asked":        {[]llmtest.Reply{{Fault: llmtest.RateLimited, RetryAfter: "4"}, llmtest.Text("ok")}, true, 2, 4 * time.Second, 4500 * time.Millisecond},
		"it asks too much":   {[]llmtest.Reply{{Fault: llmtest.RateLimited, RetryAfter: "60"}, llmtest.Text("ok")}, false, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := llmtest.NewScript(tt.replies...)
				got, took := ask(t, reliable.NewLLM(s, reliable.Config{}))
				if ok := got.Err == nil && got.Text == "ok"; ok != tt.ok {
					t.Errorf("got %+v", got)
				}
				if n := len(s.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if took < tt.low || took > tt.max {
					t.Errorf("it took %v, want %v to %v", took, tt.low, tt.max)
				}
			})
		})
	}
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		s := llmtest.NewScriptFunc(func(llm.Request) llmtest.Reply {
			if down {
				return llmtest.Reply{Fault: llmtest.Failed}
			}
			return llmtest.Text("back")
		})
		breaker := reliable.NewBreaker("test", 3, 20*time.Second)
		m := reliable.NewLLM(s, reliable.Config{Retries: -1, Breaker: breaker})
		for range 10 {
			got, _ := ask(t, m)
			if kindOf(got.Err) != llm.ErrUnavailable {
				t.Errorf("got %v", got.Err)
			}
		}
		if n := len(s.Requests()); n != 3 || breaker.State() != "open" {
			t.Errorf("%d calls reached the endpoint, the breaker is %s", n, breaker.State())
		}
		time.Sleep(21 * time.Second)
		ask(t, m) // the trial fails
		ask(t, m)
		if n := len(s.Requests()); n != 4 {
			t.Errorf("%d calls after the first pause, want one more", n)
		}
		down = false
		time.Sleep(21 * time.Second)
		if got, _ := ask(t, m); got.Text != "back" || breaker.State() != "closed" {
			t.Errorf("got %+v, the breaker is %s", got, breaker.State())
		}
	})
}

// Refusals, rate limits and callers who leave say nothing of an endpoint's health.
func TestBreakerStaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []llmtest.Fault{llmtest.Refused, llmtest.RateLimited, llmtest.Stall, llmtest.None} {
			breaker := reliable.NewBreaker("test", 1, 0)
			m := reliable.NewLLM(llmtest.NewScript(llmtest.Reply{Fault: fault}), reliable.Config{Retries: -1, Breaker: breaker})
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				llmtest.Collect(ctx, m, llmtest.Question("?"))
				cancel()
			}
			if breaker.State() != "closed" {
				t.Errorf("after %v the breaker is %s", fault, breaker.State())
			}
		}
	})
}

func TestCancelDuringThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := llmtest.NewScript(llmtest.Reply{Fault: llmtest.RateLimited, RetryAfter: "8"})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		got := llmtest.Collect(ctx, reliable.NewLLM(s, reliable.Config{}), llmtest.Question("?"))
		if took := time.Since(begin); got.Err == nil || took != time.Second {
			t.Errorf("after %v: %v", took, got.Err)
		}
	})
}

func TestEmbedder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		words := llmtest.NewWords(8)
		e := reliable.NewEmbedder(words, reliable.Config{})
		words.Fail(&llm.Error{Kind: llm.ErrUnavailable, Err: errors.New("down")})
		if _, err := e.Embed(t.Context(), llm.RoleQuery, []string{"a"}); kindOf(err) != llm.ErrUnavailable {
			t.Errorf("got %v", err)
		}
		if calls, _ := words.Calls(); calls != 3 {
			t.Errorf("%d attempts, want 3", calls)
		}
		words.Fail(errors.New("a bug"))
		if _, err := e.Embed(t.Context(), llm.RoleQuery, []string{"a"}); kindOf(err) != llm.ErrUnavailable {
			t.Errorf("an error of another type became %v", err)
		}
		time.Sleep(time.Minute)
		words.Fail(nil)
		if got, err := e.Embed(t.Context(), llm.RoleQuery, []string{"a"}); err != nil || len(got) != 1 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// hanging is a reranker that does not answer until it is mended.
type hanging struct {
	calls  int
	mended bool
}

func (h *hanging) Rerank(ctx context.Context, _ string, passages []string) ([]float64, error) {
	h.calls++
	if h.mended {
		return make([]float64, len(passages)), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestHangingRerankerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{}
		r := reliable.NewReranker(h, reliable.NewBreaker("reranker", 0, 0))
		began := time.Now()
		for range 20 {
			var failed *llm.Error
			if _, err := r.Rerank(t.Context(), "question", []string{"passage"}); !errors.As(err, &failed) || failed.Kind != llm.ErrUnavailable {
				t.Errorf("it hangs: %v", err)
			}
		}
		if took := time.Since(began); h.calls != 5 || took != 10*time.Second {
			t.Errorf("%d calls, for which %v were waited; want 5", h.calls, took)
		}
		h.mended = true
		time.Sleep(31 * time.Second)
		if scores, err := r.Rerank(t.Context(), "question", []string{"passage"}); err != nil || len(scores) != 1 {
			t.Errorf("it is back: %v, %v", scores, err)
		}
	})
}
