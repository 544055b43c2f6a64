package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// A server that does one request at a time, slower than they are due, must show
// what those that wait in line experience.
func TestOpenMeasuresWaitingInLine(t *testing.T) {
	var one sync.Mutex
	out := Open(context.Background(), 100, time.Second/2, func(context.Context, int) error {
		one.Lock()
		defer one.Unlock()
		time.Sleep(20 * time.Millisecond)
		return nil
	})
	if len(out.Took) < 25 || len(out.Took) > 90 {
		t.Fatalf("%d requests in half a second", len(out.Took))
	}
	if worst := slices.Max(out.Took); worst < 200*time.Millisecond {
		t.Errorf("the slowest took %v: the line was left out", worst)
	}
}

func TestOpenCountsErrors(t *testing.T) {
	failure := errors.New("no")
	out := Open(context.Background(), 200, time.Second/4, func(_ context.Context, n int) error {
		if n%2 == 0 {
			return failure
		}
		return nil
	})
	if out.Errors != (len(out.Took)+1)/2 || !errors.Is(out.First, failure) {
		t.Errorf("%d errors of %d, %v", out.Errors, len(out.Took), out.First)
	}
}
