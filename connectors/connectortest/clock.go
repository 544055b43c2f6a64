package connectortest

import (
	"context"
	"sync"
	"time"
)

// Clock is a clock on which waiting takes no time: Sleep moves it ahead. It begins at
// the present and may be used by several goroutines at once.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now returns the time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Slept()) }

// Sleep moves the clock ahead by d.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += max(d, 0)
	return context.Cause(ctx)
}

// Slept returns by how much the clock was moved ahead.
func (c *Clock) Slept() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}
