package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/load"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

const (
	asking     = 3    // the share of who asks: 2 %
	warmUp     = 100  // pairs that do not count
	resamples  = 2000 // of the bootstrap
	wantedGap  = .3   // ms: the interval is to lie within it, on both sides of 0
	intervalOf = .95
)

// missing measures whether the time of a reply tells a document that the caller may
// not read from one that does not exist: of each pair of requests, in random order,
// one is for the one and one for the other.
func (b *bench) missing(ctx context.Context) error {
	s, c, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	s.Close(ctx) // the server takes it over
	server, err := load.Start(ctx, b.program, s.Dir)
	if err != nil {
		return err
	}
	defer server.Stop()
	token, err := server.Token(ctx, store.Email(corpus.Shares()[asking]))
	if err != nil {
		return err
	}
	get := func(ctx context.Context, id string) error {
		return absence(server.Send(ctx, token, http.MethodGet, "/api/v1/documents/"+id, "", nil))
	}
	explain := func(ctx context.Context, id string) error {
		return absence(server.Send(ctx, token, http.MethodPost, "/api/v1/access/explain", "application/json", fmt.Appendf(nil, `{"document_id":%q}`, id)))
	}
	t := b.report.table(fmt.Sprintf("Documents that may not be read beside missing ones, viewer of %s, ms", corpus.Shares()[asking].Name),
		"route", "pairs", "not readable p50", "missing p50", "median of the differences", "95 % interval from", "to", fmt.Sprintf("within ±%g", wantedGap))
	for _, route := range []struct {
		name string
		send func(ctx context.Context, id string) error
	}{{"GET /documents/{id}", get}, {"POST /access/explain", explain}} {
		p, err := timePairs(ctx, c, b.pairs, route.send)
		if err != nil {
			return err
		}
		low, high := medianInterval(p.differences)
		within := "yes"
		if low < -wantedGap || high > wantedGap {
			within = "no"
		}
		t.row(route.name, b.pairs, eval.QuantilesOf(p.hidden).P50, eval.QuantilesOf(p.missing).P50, median(p.differences), low, high, within)
	}
	return nil
}

// absence returns an error unless a reply says that there is no such thing.
func absence(status int, reply []byte, err error) error {
	if err == nil && status != http.StatusNotFound {
		err = &load.StatusError{Code: status, Body: string(reply)}
	}
	return err
}

// paired is how long requests took, and by how many milliseconds those for what may
// not be read took longer.
type paired struct {
	hidden, missing []time.Duration
	differences     []float64
}

func timePairs(ctx context.Context, c *corpus.Invented, pairs int, send func(ctx context.Context, id string) error) (p paired, err error) {
	r := rand.New(rand.NewPCG(5, uint64(pairs)))
	for n := range warmUp + pairs {
		hidden := r.IntN(c.Docs)
		for c.Permissions().Sees(asking, c.ClassOf()[hidden]) {
			hidden = r.IntN(c.Docs)
		}
		numbers, first := [2]int{hidden, c.Docs + r.IntN(c.Docs)}, r.IntN(2)
		var took [2]time.Duration
		for _, i := range []int{first, 1 - first} {
			began := time.Now()
			if err := send(ctx, string(corpus.ID(numbers[i]))); err != nil {
				return paired{}, err
			}
			took[i] = time.Since(began)
		}
		if n < warmUp {
			continue
		}
		p.hidden, p.missing = append(p.hidden, took[0]), append(p.missing, took[1])
		p.differences = append(p.differences, float64(took[0]-took[1])/float64(time.Millisecond))
	}
	return p, nil
}

// medianInterval returns the percentile interval of the median by the bootstrap: the
// middle of the medians of samples that are drawn anew, with replacement (Efron and
// Tibshirani, An Introduction to the Bootstrap, 1993).
func medianInterval(values []float64) (low, high float64) {
	r := rand.New(rand.NewPCG(eval.Seed, uint64(len(values))))
	medians, drawn := make([]float64, resamples), make([]float64, len(values))
	for i := range medians {
		for k := range drawn {
			drawn[k] = values[r.IntN(len(values))]
		}
		medians[i] = median(drawn)
	}
	slices.Sort(medians)
	cut := int((1 - intervalOf) / 2 * resamples)
	return medians[cut], medians[resamples-1-cut]
}

// median returns the median of at least one value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
