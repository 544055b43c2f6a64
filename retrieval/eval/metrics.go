package eval

import (
	"math"
	"slices"
	"time"
)

// NDCG returns the normalised discounted cumulative gain of the first k ranked
// documents, 0..1, with linear gains as trec_eval computes it.
func NDCG(ranked []string, relevant map[string]int, k int) float64 {
	var gain float64
	for i, id := range ranked[:min(k, len(ranked))] {
		gain += float64(relevant[id]) / math.Log2(float64(i+2))
	}
	grades := make([]int, 0, len(relevant))
	for _, g := range relevant {
		grades = append(grades, g)
	}
	slices.SortFunc(grades, func(a, b int) int { return b - a })
	var ideal float64
	for i, g := range grades[:min(k, len(grades))] {
		ideal += float64(g) / math.Log2(float64(i+2))
	}
	if ideal == 0 {
		return 0
	}
	return gain / ideal
}

// Recall returns the share of the relevant documents among the first k, 0..1.
func Recall(ranked []string, relevant map[string]int, k int) float64 {
	if len(relevant) == 0 {
		return 0
	}
	found := 0
	for _, id := range ranked[:min(k, len(ranked))] {
		if relevant[id] > 0 {
			found++
		}
	}
	return float64(found) / float64(len(relevant))
}

// ReciprocalRank returns 1 over the rank of the first relevant document among
// the first k, 0 when there is none.
func ReciprocalRank(ranked []string, relevant map[string]int, k int) float64 {
	for i, id := range ranked[:min(k, len(ranked))] {
		if relevant[id] > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

// Quantiles are those of the time of a search, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// QuantilesOf returns the quantiles of durations, by nearest rank.
func QuantilesOf(durations []time.Duration) Quantiles {
	if len(durations) == 0 {
		return Quantiles{}
	}
	sorted := slices.Clone(durations)
	slices.Sort(sorted)
	at := func(p float64) float64 {
		i := int(math.Ceil(p*float64(len(sorted)))) - 1
		return float64(sorted[max(i, 0)].Microseconds()) / 1000
	}
	return Quantiles{P50: at(.50), P95: at(.95), P99: at(.99)}
}
