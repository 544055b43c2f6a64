package eval

import (
	"math"
	"slices"
	"time"
)

// Metrics are the measures of a ranking, each 0..1.
type Metrics struct {
	NDCG10   float64 `json:"ndcg@10"`
	Recall5  float64 `json:"recall@5"`
	Recall20 float64 `json:"recall@20"`
	MRR10    float64 `json:"mrr@10"`
}

// MetricsOf returns the measures of the ranked documents of one query.
func MetricsOf(found []Ranked, relevant map[string]int) Metrics {
	ranked := make([]string, len(found))
	for i, r := range found {
		ranked[i] = r.ID
	}
	return Metrics{
		NDCG10:   NDCG(ranked, relevant, 10),
		Recall5:  Recall(ranked, relevant, 5),
		Recall20: Recall(ranked, relevant, 20),
		MRR10:    ReciprocalRank(ranked, relevant, 10),
	}
}

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
		return milliseconds(sorted[max(i, 0)])
	}
	return Quantiles{P50: at(.50), P95: at(.95), P99: at(.99)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
