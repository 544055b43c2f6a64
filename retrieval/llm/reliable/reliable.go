// Package reliable stands between callers and models or embedders that are
// reached over a network: it limits how long a call may take, tries again while
// nothing has been shown yet, and stops asking an endpoint that keeps failing.
package reliable

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Config says how patient to be. The zero value of a field means its default.
type Config struct {
	// FirstToken bounds the wait for the first event of a model, and one
	// attempt of an embedder; 30 s.
	FirstToken time.Duration
	// Idle bounds the wait for every further event; 30 s. The time that the
	// caller spends on an event does not count.
	Idle time.Duration
	// Total bounds a call with all its attempts; 180 s.
	Total time.Duration

	// Retries is the number of further attempts after one that failed before
	// anything was shown; 2, negative for none.
	Retries int
	// Backoff is the longest wait before the first retry and doubles with each;
	// 500 ms. The wait is drawn evenly between nothing and the longest, which
	// keeps callers who failed together from coming back together ("full
	// jitter": Brooker, Exponential Backoff and Jitter, 2015).
	Backoff time.Duration
	// MaxRetryAfter is the longest wait an endpoint may ask for; 10 s. When it
	// asks for more the call fails at once, and the error tells how long.
	MaxRetryAfter time.Duration

	// Breaker is shared by everything that reaches one endpoint; nil makes one.
	Breaker *Breaker
}

func (c Config) withDefaults(name string) Config {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orElse(&c.FirstToken, 30*time.Second)
	orElse(&c.Idle, 30*time.Second)
	orElse(&c.Total, 180*time.Second)
	orElse(&c.Backoff, 500*time.Millisecond)
	orElse(&c.MaxRetryAfter, 10*time.Second)
	if c.Retries == 0 {
		c.Retries = 2
	}
	if c.Breaker == nil {
		c.Breaker = NewBreaker(name, 0, 0)
	}
	return c
}

// The reasons for which a call is ended. They are told to the caller as the
// cause of an *llm.Error.
var (
	ErrFirstToken = errors.New("it did not begin to answer in time")
	ErrIdle       = errors.New("it stopped in the middle of its answer")
	ErrTotal      = errors.New("it took too long")
)

// errUnfinished is the cause of an answer that ends without a stop reason.
var errUnfinished = errors.New("the answer ended without saying that it was complete")

// failure returns err as an *llm.Error of a kind that fits what had happened:
// begun says whether text had been shown.
func failure(ctx context.Context, err error, begun bool) *llm.Error {
	broken := llm.ErrUnavailable
	if begun {
		broken = llm.ErrInterrupted
	}
	if cause := context.Cause(ctx); cause != nil {
		return &llm.Error{Kind: broken, Err: cause}
	}
	var e *llm.Error
	if !errors.As(err, &e) {
		return &llm.Error{Kind: broken, Err: err}
	}
	if begun && e.Kind != llm.ErrRejected {
		return &llm.Error{Kind: llm.ErrInterrupted, Status: e.Status, RetryAfter: e.RetryAfter, Err: e.Err}
	}
	return e
}

// pause waits before attempt number n (from 1) after e, and reports whether
// there is to be one.
func (c Config) pause(ctx context.Context, n int, e *llm.Error) bool {
	if n > c.Retries || ctx.Err() != nil || !c.worthwhile(e) {
		return false
	}
	d := rand.N(c.Backoff<<min(n-1, 10) + 1)
	if e.RetryAfter > 0 {
		d = e.RetryAfter + rand.N(c.Backoff+1)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worthwhile reports whether the same request may succeed shortly. A model that
// was waited for in vain is not asked again: the person has waited enough.
func (c Config) worthwhile(e *llm.Error) bool {
	switch {
	case e.Kind != llm.ErrRateLimited && e.Kind != llm.ErrUnavailable:
		return false
	case e.RetryAfter > c.MaxRetryAfter:
		return false
	}
	return !errors.Is(e, ErrFirstToken) && !errors.Is(e, errOpen)
}
