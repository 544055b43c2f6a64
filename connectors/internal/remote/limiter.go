package remote

import (
	"context"
	"sync"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// NewLimiter returns a Limiter of this process alone, by the generic cell rate algorithm
// (ITU-T I.371): the time up to which an account is used up moves ahead with each
// request.
func NewLimiter(now func() time.Time) connectors.Limiter {
	return &limiter{now: now, accounts: map[string]*account{}}
}

type limiter struct {
	now      func() time.Time
	mu       sync.Mutex
	accounts map[string]*account
}

type account struct{ used, held time.Time }

// Reserve implements connectors.Limiter.
func (l *limiter) Reserve(_ context.Context, name string, r connectors.Rate) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, now := l.account(name), l.now()
	if a.used.Before(now) {
		a.used = now
	}
	wait := max(a.used.Sub(now)-time.Duration(r.Burst-1)*r.Every, a.held.Sub(now), 0)
	a.used = a.used.Add(r.Every)
	return wait, nil
}

// Hold implements connectors.Limiter.
func (l *limiter) Hold(_ context.Context, name string, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, until := l.account(name), l.now().Add(d); a.held.Before(until) {
		a.held = until
	}
	return nil
}

func (l *limiter) account(name string) *account {
	if l.accounts[name] == nil {
		l.accounts[name] = &account{}
	}
	return l.accounts[name]
}

// repeats bounds how many requests of a run are sent again because they failed: at most
// as many as succeed, and some more.
type repeats struct {
	mu    sync.Mutex
	spent int
}

// spareRepeats is how many may fail before one succeeds.
const spareRepeats = 50

func (r *repeats) earn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent = max(r.spent-1, 0)
}

func (r *repeats) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spent >= spareRepeats {
		return false
	}
	r.spent++
	return true
}
