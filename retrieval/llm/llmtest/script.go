package llmtest

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Script is a model whose replies are given. It may be used by several
// goroutines at once.
type Script struct {
	// Name is what Model returns; empty: "script".
	Name string

	mu       sync.Mutex
	respond  func(llm.Request) Reply
	requests []llm.Request
	open     int
}

// NewScript returns a model that gives the replies in order, then the last one
// for ever. Without replies it says nothing and ends properly.
func NewScript(replies ...Reply) *Script {
	next := 0
	return NewScriptFunc(func(llm.Request) Reply {
		if len(replies) == 0 {
			return Reply{}
		}
		r := replies[min(next, len(replies)-1)]
		next++
		return r
	})
}

// NewScriptFunc returns a model that replies as respond says. Calls of respond
// do not overlap.
func NewScriptFunc(respond func(llm.Request) Reply) *Script {
	return &Script{respond: respond}
}

// Model implements llm.LLM.
func (s *Script) Model() string {
	if s.Name == "" {
		return "script"
	}
	return s.Name
}

// Requests returns the requests so far, in order of arrival.
func (s *Script) Requests() []llm.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Open returns the number of calls that have not ended.
func (s *Script) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Generate implements llm.LLM. A Cut or Truncated reply ends without a stop
// reason; which of them it was is not told, as the contract allows.
func (s *Script) Generate(ctx context.Context, req llm.Request) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		r := s.begin(req)
		defer s.end()
		for range r.Thinking {
			if !yield(llm.Event{}, nil) {
				return
			}
		}
		for i, p := range r.Pieces {
			if err := wait(ctx, r.pause(i)); err != nil {
				yield(llm.Event{}, cancelled(err, i > 0))
				return
			}
			r.hold(i)
			if !yield(llm.Event{Text: p}, nil) {
				return
			}
		}
		if err := r.failure(ctx); err != nil {
			yield(llm.Event{}, err)
			return
		}
		if r.Fault == None {
			u := r.usage(req)
			yield(llm.Event{Stop: r.stop(), Usage: &u}, nil)
		}
	}
}

func (s *Script) begin(req llm.Request) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	req.Messages = slices.Clone(req.Messages)
	s.requests = append(s.requests, req)
	s.open++
	return s.respond(req)
}

func (s *Script) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// pause returns the wait before piece i.
func (r Reply) pause(i int) time.Duration {
	if i == 0 {
		return r.First
	}
	return r.Between
}

// failure returns the error that the reply's fault is to a caller of a model;
// nil for None and Truncated. Stall waits for the end of the context.
func (r Reply) failure(ctx context.Context) error {
	fail := func(kind llm.ErrorKind, status int) error {
		seconds, _ := strconv.Atoi(r.RetryAfter)
		return &llm.Error{Kind: kind, Status: status, RetryAfter: time.Duration(seconds) * time.Second, Err: errors.New(r.Fault.String())}
	}
	interrupted := llm.ErrInterrupted
	if len(r.Pieces) == 0 {
		interrupted = llm.ErrUnavailable
	}
	switch r.Fault {
	case Cut, ErrorEvent:
		return fail(interrupted, 0)
	case RateLimited:
		return fail(llm.ErrRateLimited, http.StatusTooManyRequests)
	case Failed:
		return fail(llm.ErrUnavailable, http.StatusInternalServerError)
	case Overloaded:
		return fail(llm.ErrUnavailable, http.StatusServiceUnavailable)
	case Refused:
		return fail(llm.ErrRejected, http.StatusUnauthorized)
	case Stall:
		<-ctx.Done()
		return cancelled(ctx.Err(), len(r.Pieces) > 0)
	}
	return nil
}

// cancelled returns the error of a call whose context ended.
func cancelled(err error, begun bool) error {
	kind := llm.ErrUnavailable
	if begun {
		kind = llm.ErrInterrupted
	}
	return &llm.Error{Kind: kind, Err: err}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
