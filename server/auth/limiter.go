package auth

import (
	"crypto/sha256"
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

// burst is how much is allowed: so many at once, then one every so often.
type burst struct {
	size  int
	every time.Duration
}

func (b burst) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(b.every), b.size) }

// limiter bounds attempts by who makes them, an address or an account, and in all.
type limiter struct {
	now func() time.Time
	one burst

	mu  sync.Mutex
	all *rate.Limiter
	by  map[key]*rate.Limiter
}

// key stands for who makes attempts: of the same length however long a name they send.
type key [sha256.Size]byte

// maxKnown bounds the memory; beyond it the table begins anew, and the limit for
// all still holds.
const maxKnown = 10_000

func newLimiter(now func() time.Time, one, all burst) *limiter {
	return &limiter{now: now, one: one, all: all.limiter(), by: map[key]*rate.Limiter{}}
}

// allow returns nil or a *Limited.
func (l *limiter) allow(who string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	one, now := l.of(who), l.now()
	for _, lim := range []*rate.Limiter{one, l.all} {
		r := lim.ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return &Limited{After: wait}
		}
	}
	return nil
}

// exhausted returns the *Limited that allow would return for what who alone did, or
// nil, and counts nothing.
func (l *limiter) exhausted(who string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := 1 - l.of(who).TokensAt(l.now())
	if missing <= 0 {
		return nil
	}
	return &Limited{After: time.Duration(missing * float64(l.one.every))}
}

// of returns what counts the attempts of who. The caller holds the lock.
func (l *limiter) of(who string) *rate.Limiter {
	if len(l.by) >= maxKnown {
		clear(l.by)
	}
	k := key(sha256.Sum256([]byte(who)))
	one, ok := l.by[k]
	if !ok {
		one = l.one.limiter()
		l.by[k] = one
	}
	return one
}
