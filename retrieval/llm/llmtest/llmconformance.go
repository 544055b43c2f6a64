package llmtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// NewLLM makes a model that answers with the replies, in order and then with
// the last one for ever, and a function that returns what the provider was
// asked so far. A model that retries must do so without long waits.
type NewLLM func(t *testing.T, replies ...Reply) (m llm.LLM, asked func() []llm.Request)

// TestLLM checks that models made by newLLM keep the contract of llm.LLM.
func TestLLM(t *testing.T, newLLM NewLLM) {
	t.Run("Complete", func(t *testing.T) { testComplete(t, newLLM) })
	t.Run("Request", func(t *testing.T) { testRequest(t, newLLM) })
	t.Run("Faults", func(t *testing.T) { testFaults(t, newLLM) })
	t.Run("Leave", func(t *testing.T) { testLeave(t, newLLM) })
	t.Run("Cancel", func(t *testing.T) { testCancel(t, newLLM) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, newLLM) })
}

// Collected is everything that a call of a model yielded.
type Collected struct {
	Text  string
	Stop  llm.StopReason
	Usage *cairn.Usage
	Err   error
}

// Collect makes a call and reads it to its end.
func Collect(ctx context.Context, m llm.LLM, req llm.Request) Collected {
	var c Collected
	for ev, err := range m.Generate(ctx, req) {
		if err != nil {
			c.Err = err
			break
		}
		c.Text += ev.Text
		c.Stop, c.Usage = ev.Stop, ev.Usage
	}
	return c
}

// Question is a request with a single message.
func Question(text string) llm.Request {
	return llm.Request{System: "Answer briefly.", Messages: []llm.Message{{Text: text}}}
}

func testComplete(t *testing.T, newLLM NewLLM) {
	long := strings.Repeat("Zürich 東京 <b>&\\\"quoted\"\n", 6000)
	usage := &cairn.Usage{InputTokens: 120, CachedTokens: 100, OutputTokens: 7}
	for name, reply := range map[string]Reply{
		"words":    Text("The retention period is seven years."),
		"one":      {Pieces: []string{"Yes."}},
		"runes":    {Pieces: strings.Split("naïve 東京 🙂\n\n", "")},
		"long":     {Pieces: []string{long, "end"}},
		"thinking": {Thinking: []string{"Let me", " see."}, Pieces: []string{"42"}},
		"whole":    {Whole: true, Pieces: []string{"All ", "at once."}},
		"length":   {Pieces: []string{"cut off"}, Stop: llm.StopLength},
		"filter":   {Pieces: []string{"I "}, Stop: llm.StopFilter},
		"nothing":  {Stop: llm.StopFilter},
		"usage":    {Pieces: []string{"ok"}, Usage: usage},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newLLM(t, reply)
			if m.Model() == "" {
				t.Error("the model has no name")
			}
			got := Collect(t.Context(), m, Question("How long?"))
			want := Collected{Text: strings.Join(reply.Pieces, ""), Stop: reply.stop(), Usage: reply.Usage}
			if reply.Usage == nil {
				want.Usage = got.Usage
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the reply differs (-want +got):\n%.2000s", diff)
			}
		})
	}
}

func testRequest(t *testing.T, newLLM NewLLM) {
	want := llm.Request{
		System: "Answer from the passages only.\n<passages> & \"quotes\" stay.",
		Messages: []llm.Message{
			{Text: "Who signs?"}, {Assistant: true, Text: "The CFO."}, {Text: "And above 10 000 €? 東京"},
		},
		MaxTokens: 321,
	}
	m, asked := newLLM(t, Text("The board."))
	for range 2 {
		if got := Collect(t.Context(), m, want); got.Err != nil {
			t.Fatal(got.Err)
		}
	}
	if diff := cmp.Diff([]llm.Request{want, want}, asked()); diff != "" {
		t.Errorf("the provider was asked something else (-want +got):\n%s", diff)
	}
}

func testFaults(t *testing.T, newLLM NewLLM) {
	two := []string{"Half of ", "an ans"}
	for name, tt := range map[string]struct {
		reply Reply
		kind  llm.ErrorKind
	}{
		"cut":                     {Reply{Pieces: two, Fault: Cut}, llm.ErrInterrupted},
		"truncated":               {Reply{Pieces: two, Fault: Truncated}, llm.ErrInterrupted},
		"error event":             {Reply{Pieces: two, Fault: ErrorEvent}, llm.ErrInterrupted},
		"cut at once":             {Reply{Fault: Cut}, llm.ErrUnavailable},
		"truncated at once":       {Reply{Fault: Truncated}, llm.ErrUnavailable},
		"truncated after thought": {Reply{Thinking: two, Fault: Truncated}, llm.ErrUnavailable},
		"error event at once":     {Reply{Fault: ErrorEvent}, llm.ErrUnavailable},
		"rate limited":            {Reply{Fault: RateLimited}, llm.ErrRateLimited},
		"failed":                  {Reply{Fault: Failed}, llm.ErrUnavailable},
		"overloaded":              {Reply{Fault: Overloaded}, llm.ErrUnavailable},
		"refused":                 {Reply{Fault: Refused}, llm.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newLLM(t, tt.reply)
			req := Question("What is in the secret plan of the northern region?")
			got := Collect(t.Context(), m, req)
			if got.Stop != "" {
				t.Errorf("an incomplete reply ends with the stop reason %q", got.Stop)
			}
			if want := strings.Join(tt.reply.Pieces, ""); got.Text != want {
				t.Errorf("the text is %q, want %q", got.Text, want)
			}
			if got.Err == nil {
				if tt.reply.Fault == Truncated {
					return // to end without a stop reason is the other way to tell
				}
				t.Fatal("no error")
			}
			checkError(t, got.Err, tt.kind, req)
		})
	}
}

func checkError(t *testing.T, err error, kind llm.ErrorKind, req llm.Request) {
	t.Helper()
	var e *llm.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T, want *llm.Error: %v", err, err)
	}
	if e.Kind != kind {
		t.Errorf("the kind is %q, want %q: %v", e.Kind, kind, err)
	}
	for _, secret := range []string{Key, req.System, req.Messages[0].Text} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error gives %q away: %v", secret, err)
		}
	}
}

func testLeave(t *testing.T, newLLM NewLLM) {
	m, _ := newLLM(t, Reply{Pieces: []string{"one ", "two ", "three "}, Fault: Stall})
	begin := time.Now()
	for ev, err := range m.Generate(t.Context(), Question("Count.")) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Text != "" {
			break
		}
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("leaving took %v", d)
	}
}

func testCancel(t *testing.T, newLLM NewLLM) {
	t.Run("before", func(t *testing.T) {
		m, _ := newLLM(t, Text("too late"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := Collect(ctx, m, Question("Anybody?"))
		if got.Stop != "" || !errors.Is(got.Err, context.Canceled) {
			t.Errorf("got %+v, want context.Canceled", got)
		}
	})
	t.Run("while it stalls", func(t *testing.T) {
		m, _ := newLLM(t, Reply{Pieces: []string{"wait "}, Fault: Stall})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(50*time.Millisecond, cancel)
		begin := time.Now()
		got := Collect(ctx, m, Question("Anybody?"))
		if !errors.Is(got.Err, context.Canceled) {
			t.Errorf("got %+v, want context.Canceled", got)
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("the end took %v", d)
		}
	})
}

func testConcurrent(t *testing.T, newLLM NewLLM) {
	const n = 8
	m, asked := newLLM(t, Text("the same for everybody"))
	var wg sync.WaitGroup
	var wants []string
	for i := range n {
		question := "question " + string(rune('a'+i))
		wants = append(wants, question)
		wg.Go(func() {
			if got := Collect(t.Context(), m, Question(question)); got.Text != "the same for everybody" || got.Err != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
	wg.Wait()
	var got []string
	for _, r := range asked() {
		got = append(got, r.Messages[0].Text)
	}
	slices.Sort(got)
	if diff := cmp.Diff(wants, got); diff != "" {
		t.Errorf("the provider was asked something else (-want +got):\n%s", diff)
	}
}
