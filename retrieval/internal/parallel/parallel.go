// Package parallel shares work that needs only the processor among goroutines.
package parallel

import (
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls do for every number below n, on all processors. do is called by
// several goroutines at once.
func Each(n int, do func(i int)) {
	Share(runtime.GOMAXPROCS(0), n, func(numbers iter.Seq[int]) {
		for i := range numbers {
			do(i)
		}
	})
}

// Share calls work on as many goroutines as workers, n and the processors allow, one
// of which is the caller's, and returns when all have ended. Each number below n is
// given to one of them.
func Share(workers, n int, work func(numbers iter.Seq[int])) {
	var next atomic.Int64
	numbers := func(yield func(int) bool) {
		for i := int(next.Add(1)) - 1; i < n && yield(i); i = int(next.Add(1)) - 1 {
		}
	}
	var wg sync.WaitGroup
	for range min(workers, n, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(func() { work(numbers) })
	}
	work(numbers)
	wg.Wait()
}
