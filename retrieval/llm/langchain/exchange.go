package langchain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// exchange is what one call learns beside what the library tells: why it
// failed. The library reads replies in goroutines of its own, hence the lock.
type exchange struct {
	texts int // that vectors were asked for

	mu     sync.Mutex
	failed *llm.Error
}

type exchangeKey struct{}

func (x *exchange) into(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange that ctx carries, or one that nobody reads.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// errNoted stands for a failure that the exchange knows more of.
var errNoted = errors.New("the call of the model failed")

// fail notes the first failure and returns errNoted.
func (x *exchange) fail(e *llm.Error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failed == nil {
		x.failed = e
	}
	return errNoted
}

// broke notes that the reply ended before it was complete. Package reliable
// makes an interruption of it when text had come.
func (x *exchange) broke(err error) error {
	return x.fail(&llm.Error{Kind: llm.ErrUnavailable, Err: err})
}

// outcome returns the failure of the call whose context is ctx, given what the
// library made of it; nil when there was none.
func (x *exchange) outcome(ctx context.Context, err error) *llm.Error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return &llm.Error{Kind: llm.ErrUnavailable, Err: context.Cause(ctx)}
	case x.failed != nil:
		return x.failed
	case err != nil:
		return &llm.Error{Kind: llm.ErrUnavailable, Err: fmt.Errorf("its reply could not be read (%T)", err)}
	}
	return nil
}
