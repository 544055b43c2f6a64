package auth

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cairnhq/cairn"
)

// Limited is refused because there were too many attempts before it.
type Limited struct {
	After time.Duration // when to try again
}

// Error says how long to wait.
func (l *Limited) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d seconds", int(l.After.Seconds())+1)
}

// Unwrap returns an error of kind ErrRateLimited with the message for people.
func (l *Limited) Unwrap() error { return cairn.Errorf(cairn.ErrRateLimited, "%s", l.Error()) }

// limiter bounds attempts to sign in: five at once and then one every twelve
// seconds for an address, sixty at once and then one a second in all.
type limiter struct {
	now func() time.Time

	mu    sync.Mutex
	all   *rate.Limiter
	addrs map[string]*rate.Limiter
}

// maxAddrs bounds the memory; beyond it the table begins anew, and the limit for
// all still holds.
const maxAddrs = 10_000

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, all: rate.NewLimiter(1, 60), addrs: map[string]*rate.Limiter{}}
}

// allow returns nil or a *Limited.
func (l *limiter) allow(addr string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.addrs) >= maxAddrs {
		clear(l.addrs)
	}
	one, ok := l.addrs[addr]
	if !ok {
		one = rate.NewLimiter(rate.Every(12*time.Second), 5)
		l.addrs[addr] = one
	}
	now := l.now()
	for _, lim := range []*rate.Limiter{one, l.all} {
		r := lim.ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return &Limited{After: wait}
		}
	}
	return nil
}
