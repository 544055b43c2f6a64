package postgres

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// noon has no more than the microseconds of the database.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// wait counts an attempt and returns when to try again.
func (f *fixture) wait(now time.Time, limits ...auth.Limit) time.Duration {
	f.t.Helper()
	wait, err := f.Attempt(f.t.Context(), now, limits...)
	f.check(err)
	return wait
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := noon
	l := auth.Limit{Key: auth.HashOf("a"), Size: 3, Every: 10 * time.Second}
	for i, want := range []struct{ after, wait time.Duration }{
		{0, 0}, {0, 0}, {0, 0}, {0, 10 * time.Second}, {4 * time.Second, 6 * time.Second}, {6 * time.Second, 0},
		{0, 10 * time.Second}, {25 * time.Second, 0}, {0, 0}, {0, 5 * time.Second}, {time.Hour, 0}, {0, 0}, {0, 0}, {0, 10 * time.Second},
	} {
		now = now.Add(want.after)
		if got := f.wait(now, l); got != want.wait {
			t.Errorf("attempt %d: wait %s, want %s", i, got, want.wait)
		}
	}
	// A second server counts on.
	if wait, err := f.replica().Attempt(t.Context(), now, l); err != nil || wait != 10*time.Second {
		t.Errorf("%s, %v", wait, err)
	}
	// One that is exhausted uses up no other.
	other := auth.Limit{Key: auth.HashOf("b"), Size: 1, Every: time.Hour}
	if wait := f.wait(now, other, l); wait != 10*time.Second {
		t.Errorf("both: %s", wait)
	}
	if wait := f.wait(now, l, other); wait != 10*time.Second {
		t.Errorf("both: %s", wait)
	}
	if wait := f.wait(now, other); wait != 0 {
		t.Errorf("the other one alone: %s", wait)
	}
	if wait := f.wait(now, other); wait != time.Hour {
		t.Errorf("the other one again: %s", wait)
	}
}

// Of many at once, as many come through as are allowed.
func TestAttemptsRace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	account := auth.Limit{Key: auth.HashOf("account"), Size: 7, Every: time.Hour}
	var wg sync.WaitGroup
	var allowed atomic.Int32
	for i := range 24 {
		wg.Go(func() {
			pair := auth.Limit{Key: auth.HashOf("pair" + string(rune('a'+i))), Size: 1, Every: time.Hour}
			network := auth.Limit{Key: auth.HashOf("network" + string(rune('a'+i%3))), Size: 100, Every: time.Hour}
			wait, err := f.Attempt(t.Context(), noon, pair, network, account)
			if err != nil {
				t.Error(err)
			} else if wait == 0 {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != 7 {
		t.Errorf("%d of 24 were allowed, want 7", n)
	}
}

// The fake counts as the database does.
func TestAttemptsOfTheFake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	fake := authtest.New()
	now := noon
	limits := []auth.Limit{{Key: auth.HashOf("a"), Size: 3, Every: 20 * time.Second}, {Key: auth.HashOf("b"), Size: 5, Every: 7 * time.Second}}
	for i := range 60 {
		now = now.Add(time.Duration(i*i%11) * time.Second)
		some := limits[:1+i%3%2]
		got := f.wait(now, some...)
		if want, err := fake.Attempt(t.Context(), now, some...); err != nil || got != want {
			t.Errorf("attempt %d at %d limits: %s, the fake says %s (%v)", i, len(some), got, want, err)
		}
	}
}

func TestBrowsersAreRemembered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	key := auth.HashOf("known")
	remembers := func(at time.Time) bool {
		t.Helper()
		is, err := f.Remembers(ctx, key, at)
		f.check(err)
		return is
	}
	if remembers(noon) {
		t.Error("before")
	}
	f.check(f.Remember(ctx, key, noon.Add(time.Hour)))
	f.check(f.Remember(ctx, key, noon)) // an older one does not turn it back
	if !remembers(noon) || remembers(noon.Add(time.Hour)) {
		t.Error("not until an hour later, or for longer")
	}
	// What is of no use any more is removed.
	f.check(f.Remember(ctx, auth.HashOf("now"), time.Now().Add(time.Hour)))
	f.exec(`UPDATE sign_in_limits SET until = now() - interval '1 second' WHERE key = $1`, key[:])
	f.check(f.EraseExpired(ctx))
	if n := f.count(`SELECT count(*) FROM sign_in_limits`); n != 1 {
		t.Errorf("%d are left", n)
	}
}
