package main

import (
	"context"
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
	best := make([]eval.Quantiles, len(candidates))
	for round := range rounds + 1 {
		took := make([][]time.Duration, len(candidates))
		for i := range n {
			for k := range candidates {
				c := (k + i) % len(candidates) // nobody is always first
				began := time.Now()
				if err := candidates[c](ctx, i); err != nil {
					return nil, err
				}
				took[c] = append(took[c], time.Since(began))
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

// ratio returns a / b, 0 when b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// perCent is 100 × a part.
func perCent(part float64) float64 { return 100 * part }
