package reliable

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// errOpen is the cause of a call that was not made.
var errOpen = errors.New("it failed several times in a row and is left alone for a while")

// Breaker counts the failures in a row of one endpoint. After too many of them
// it refuses calls for a while, then lets a single one through to find out
// whether the endpoint is back. It may be used by several goroutines at once.
type Breaker struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	open    time.Duration
}

// NewBreaker returns a breaker that refuses calls after a number of failures in
// a row (0: 5) for some time (0: 30 s). The name is for diagnostics.
func NewBreaker(name string, failures int, open time.Duration) *Breaker {
	if failures <= 0 {
		failures = 5
	}
	if open <= 0 {
		open = 30 * time.Second
	}
	settings := gobreaker.Settings{
		Name:        name,
		Timeout:     open,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= failures },
		IsExcluded:  saysNothing,
	}
	return &Breaker{breaker: gobreaker.NewTwoStepCircuitBreaker[struct{}](settings), open: open}
}

// State returns "closed" (calls pass), "open" (they are refused) or "half-open"
// (one is tried).
func (b *Breaker) State() string { return b.breaker.State().String() }

// allow asks for a call. When there is no error the caller must call done once
// with the outcome.
func (b *Breaker) allow() (done func(error), err *llm.Error) {
	done, refused := b.breaker.Allow()
	if refused != nil {
		return nil, &llm.Error{Kind: llm.ErrUnavailable, RetryAfter: b.open, Err: errOpen}
	}
	return done, nil
}

// verdict is what the breaker is told of a call that was made within ctx.
func verdict(ctx context.Context, failed *llm.Error) error {
	switch {
	case failed == nil:
		return nil
	case ctx.Err() != nil:
		return errLeft
	}
	return failed
}

// errLeft stands for a call that the caller or the overall limit ended.
var errLeft = errors.New("the call was ended from outside")

// saysNothing reports whether an outcome tells nothing of the endpoint's
// health: the caller gave up, or the endpoint answered that it would not.
func saysNothing(err error) bool {
	var e *llm.Error
	if errors.As(err, &e) {
		return e.Kind == llm.ErrRejected || e.Kind == llm.ErrRateLimited
	}
	return err != nil
}
