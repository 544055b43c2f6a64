package postgres

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// TestLimitsAreShared takes requests through two connections to the database, as two
// replicas do.
func TestLimitsAreShared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second, err := Open(t.Context(), f.made.URL, slog.New(slog.DiscardHandler))
	f.check(err)
	t.Cleanup(second.Close)
	rate := connectors.Rate{Every: time.Minute, Burst: 4}
	var free atomic.Int32
	var longest atomic.Int64
	var all sync.WaitGroup
	for _, db := range []*DB{f.DB, second} {
		for range 5 {
			all.Go(func() {
				wait, err := db.Reserve(t.Context(), "example.com ann", rate)
				if err != nil {
					t.Error(err)
				}
				if wait == 0 {
					free.Add(1)
				}
				for old := longest.Load(); int64(wait) > old && !longest.CompareAndSwap(old, int64(wait)); old = longest.Load() {
				}
			})
		}
	}
	all.Wait()
	if free.Load() != 4 {
		t.Errorf("%d requests were free, want 4", free.Load())
	}
	if d := time.Duration(longest.Load()); d < 5*time.Minute || d > 6*time.Minute {
		t.Errorf("the last of ten waits %s, want about 6 minutes", d)
	}
	if wait, err := f.Reserve(t.Context(), "example.com bob", rate); err != nil || wait != 0 {
		t.Errorf("another account waits: %s, %v", wait, err)
	}
}

func TestHoldHoldsEverybody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rate := connectors.Rate{Every: time.Millisecond, Burst: 100}
	f.check(f.Hold(t.Context(), "a", 20*time.Second))
	f.check(f.Hold(t.Context(), "a", 10*time.Second)) // does not shorten it
	wait, err := f.Reserve(t.Context(), "a", rate)
	f.check(err)
	if wait < 15*time.Second || wait > 20*time.Second {
		t.Errorf("held for %s", wait)
	}
	wait, err = f.Reserve(t.Context(), "b", rate)
	f.check(err)
	f.check(f.Hold(t.Context(), "b", time.Hour))
	later, err := f.Reserve(t.Context(), "b", rate)
	f.check(err)
	if wait != 0 || later < 59*time.Minute {
		t.Errorf("before %s, after %s", wait, later)
	}
	f.exec(`UPDATE request_limits SET used = now() - interval '2 hours', held = now() - interval '1 minute' WHERE key = (SELECT key FROM request_limits LIMIT 1)`)
	f.check(f.ForgetLimits(t.Context()))
	if n := f.count(`SELECT count(*) FROM request_limits`); n != 1 {
		t.Errorf("%d are kept, want 1", n)
	}
}
