package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/cairnhq/cairn/retrieval/eval"
)

// candidate does one thing in its own way, for the question of a number.
type candidate func(ctx context.Context, n int) error

// measure runs each candidate for n questions, taking turns question by
// question, so that what disturbs one disturbs all. The first round warms the
// caches and does not count; of the others the best by its median is told, of
// each candidate its own.
func measure(ctx context.Context, rounds, n int, candidates ...candidate) ([]eval.Quantiles, error) {
	return measureInTurns(ctx, rounds, n, 1, candidates...)
}

// measureInTurns is measure with turns of so many questions.
func measureInTurns(ctx context.Context, rounds, n, turn int, candidates ...candidate) ([]eval.Quantiles, error) {
	best := make([]eval.Quantiles, len(candidates))
	for round := range rounds + 1 {
		took := make([][]time.Duration, len(candidates))
		for first := 0; first < n; first += turn {
			for k := range candidates {
				c := (k + first/turn + round) % len(candidates) // nobody is always first
				for i := first; i < min(first+turn, n); i++ {
					began := time.Now()
					if err := candidates[c](ctx, i); err != nil {
						return nil, err
					}
					took[c] = append(took[c], time.Since(began))
				}
			}
		}
		for c := range candidates {
			if q := eval.QuantilesOf(took[c]); round == 1 || round > 1 && q.P50 < best[c].P50 {
				best[c] = q
			}
		}
	}
	return best, nil
}

// spare is how much garbage may gather beside a rival before it is collected, bytes.
const spare = 6 << 30

// measureBeside measures Cairn beside something of others that runs in this process
// with habits of its own. Each has all questions in one turn, as a server that does
// nothing else, and garbage is collected before, so that neither pays for what the
// other leaves behind. Where nothing stands beside Cairn, its figures are 0.
func (b *bench) measureBeside(ctx context.Context, n int, own, rival candidate) ([]eval.Quantiles, error) {
	if b.alone {
		q, err := measure(ctx, b.rounds, n, own)
		return append(q, eval.Quantiles{}), err
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(m.Sys-m.HeapReleased) + spare))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return measureInTurns(ctx, b.rounds, n, n, own, rival)
}

// ratio returns a / b, 0 when b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// perCent is 100 × a part.
func perCent(part float64) float64 { return 100 * part }
