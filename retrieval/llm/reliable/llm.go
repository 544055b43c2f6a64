package reliable

import (
	"context"
	"iter"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// LLM is a model with limits, retries and a breaker. It may be used by several
// goroutines at once.
type LLM struct {
	inner  llm.LLM
	config Config
}

// NewLLM returns inner with the care that config describes. inner must end its
// sequence promptly when its context ends.
func NewLLM(inner llm.LLM, config Config) *LLM {
	return &LLM{inner: inner, config: config.withDefaults(inner.Model())}
}

// Model implements llm.LLM.
func (m *LLM) Model() string { return m.inner.Model() }

// Generate implements llm.LLM. All errors are *llm.Error, and an answer that
// ends without a stop reason is one of them. Attempts after the first are
// invisible to the caller: they are made only while no text was yielded.
func (m *LLM) Generate(ctx context.Context, req llm.Request) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		ctx, cancel := context.WithTimeoutCause(ctx, m.config.Total, ErrTotal)
		defer cancel()
		for n := 1; ; n++ {
			begun, err := m.attempt(ctx, req, yield)
			if err == nil {
				return
			}
			if begun || !m.config.pause(ctx, n, err) {
				yield(llm.Event{}, err)
				return
			}
		}
	}
}

// attempt makes one call and yields its events. It returns no error when the
// answer is complete or the caller left; begun says whether text was yielded.
func (m *LLM) attempt(ctx context.Context, req llm.Request, yield func(llm.Event, error) bool) (begun bool, failed *llm.Error) {
	done, refused := m.config.Breaker.allow()
	if refused != nil {
		return false, refused
	}
	outer := ctx
	defer func() { done(verdict(outer, failed)) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(m.config.FirstToken, func() { cancel(ErrFirstToken) })
	defer func() { timer.Stop() }()
	for ev, err := range m.inner.Generate(ctx, req) {
		timer.Stop()
		if err != nil {
			return begun, failure(ctx, err, begun)
		}
		begun = begun || ev.Text != ""
		if !yield(ev, nil) || ev.Stop != "" {
			return begun, nil
		}
		timer = time.AfterFunc(m.config.Idle, func() { cancel(ErrIdle) })
	}
	return begun, failure(ctx, errUnfinished, begun)
}
