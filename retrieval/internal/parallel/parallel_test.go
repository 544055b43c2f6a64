package parallel

import (
	"iter"
	"slices"
	"sync"
	"testing"
)

func TestEachNumberIsSharedOnce(t *testing.T) {
	for _, c := range []struct{ workers, n int }{{0, 0}, {0, 5}, {1, 5}, {2, 1}, {3, 1000}} {
		var mu sync.Mutex
		var got []int
		calls := 0
		Share(c.workers, c.n, func(numbers iter.Seq[int]) {
			var own []int
			for i := range numbers {
				own = append(own, i)
			}
			mu.Lock()
			defer mu.Unlock()
			calls++
			got = append(got, own...)
		})
		slices.Sort(got)
		for i := range max(c.n, len(got)) {
			if i >= len(got) || got[i] != i || len(got) != c.n {
				t.Errorf("%d workers got %v of %d numbers", c.workers, got, c.n)
				break
			}
		}
		if calls < 1 || calls > max(1, min(c.workers, c.n)) {
			t.Errorf("work for %d workers and %d numbers was called %d times", c.workers, c.n, calls)
		}
	}
}
