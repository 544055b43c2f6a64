package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Outcome is what became of requests that were sent at a rate.
type Outcome struct {
	Took   []time.Duration // from when each was due, also of those that failed
	Errors int
	First  error // one of them
}

// Open sends requests at moments that were fixed beforehand (Poisson arrivals,
// rate a second on average), whether earlier ones were answered or not, and
// measures from those moments: a server that falls behind cannot hide it. Each
// request is a call of send in a goroutine of its own, with its number.
func Open(ctx context.Context, rate float64, length time.Duration, send func(ctx context.Context, n int) error) Outcome {
	r := rand.New(rand.NewPCG(1, 1))
	var due []time.Duration
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() / rate * float64(time.Second))
		if at > length {
			break
		}
		due = append(due, at)
	}
	out := Outcome{Took: make([]time.Duration, len(due))}
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for n, at := range due {
		time.Sleep(time.Until(began.Add(at)))
		wg.Go(func() {
			err := send(ctx, n)
			took := time.Since(began.Add(at))
			mu.Lock()
			defer mu.Unlock()
			out.Took[n] = took
			if err != nil {
				out.Errors++
				out.First = err
			}
		})
	}
	wg.Wait()
	return out
}
