package main

import (
	"context"
	"errors"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/load"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

// results is how many results a person is shown.
const results = 10

// retriever returns what an installation searches with.
func (b *bench) retriever(s *store.Store, x *postgres.Index) *retrieval.Retriever {
	return retrieval.New(retrieval.Config{Index: x, Chunks: s.DB, Embedder: b.embedder, Log: b.log})
}

// search measures the whole retrieval within one process: both legs, fusion,
// hydration with permissions checked again.
func (b *bench) search(ctx context.Context) error {
	s, c, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	x, _, err := s.Index(ctx)
	if err != nil {
		return err
	}
	r := b.retriever(s, x)
	questions := c.Realistic(b.queries)
	t := b.report.table("Whole retrieval, ten results, ms", "viewer sees", "lexical p50", "p95", "dense p50", "p95", "hybrid p50", "p95", "p99")
	for _, share := range corpus.Shares() {
		var modes []candidate
		for _, mode := range []cairn.Mode{cairn.ModeLexical, cairn.ModeDense, cairn.ModeHybrid} {
			modes = append(modes, func(ctx context.Context, n int) error {
				_, err := r.Search(ctx, cairn.Query{Viewer: share.Viewer(), Text: questions[n].Text, Mode: mode, Limit: results})
				return err
			})
		}
		q, err := measure(ctx, b.rounds, len(questions), modes...)
		if err != nil {
			return err
		}
		t.row(share.Name, q[0].P50, q[0].P95, q[1].P50, q[1].P95, q[2].P50, q[2].P95, q[2].P99)
	}
	return nil
}

// http measures POST /search of a server that runs as a process of its own,
// first one request after the other, then 50 a second.
func (b *bench) http(ctx context.Context) error {
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
	questions := c.Realistic(b.queries)
	var tokens []string
	for _, share := range corpus.Shares() {
		token, err := server.Token(ctx, store.Email(share))
		if err != nil {
			return err
		}
		tokens = append(tokens, token)
	}
	began := time.Now()
	if _, err := server.Search(ctx, tokens[0], questions[0].Text, results); err != nil {
		return err
	}
	first := time.Since(began)
	t := b.report.table("POST /search, ten results, ms", "viewer sees", "p50", "p95", "p99")
	for i, share := range corpus.Shares() {
		q, err := measure(ctx, b.rounds, len(questions), func(ctx context.Context, n int) error {
			_, err := server.Search(ctx, tokens[i], questions[n].Text, results)
			return err
		})
		if err != nil {
			return err
		}
		t.row(share.Name, q[0].P50, q[0].P95, q[0].P99)
	}
	now, most := server.Memory()
	if err := b.loadServer(ctx, server, tokens, questions); err != nil {
		return err
	}
	after, mostAfter := server.Memory()
	t = b.report.table("The server process", "chunks", "start to /readyz, ms", "first search, ms", "memory after the searches, MB", "at the most", "after the load, MB", "at the most")
	t.row(s.Chunks, server.Ready, first, now, most, after, mostAfter)
	return nil
}

// searchRate is how many searches a second are sent.
const searchRate = 50

func (b *bench) loadServer(ctx context.Context, server *load.Server, tokens []string, questions []corpus.Question) error {
	t := b.report.table("POST /search at 50 requests a second, mixed viewers, from when each was due, ms", "seconds", "requests", "errors", "p50", "p95", "p99")
	out := load.Open(ctx, searchRate, time.Duration(b.loadSeconds)*time.Second, func(ctx context.Context, n int) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := server.Search(ctx, tokens[n%len(tokens)], questions[n%len(questions)].Text, results)
		return err
	})
	q := eval.QuantilesOf(out.Took)
	t.row(b.loadSeconds, len(out.Took), out.Errors, q.P50, q.P95, q.P99)
	if out.First != nil {
		t.note("One of the errors: %v", out.First)
	}
	return ctx.Err()
}

// absent reports whether the server does not know a route.
func absent(err error) bool {
	var status *load.StatusError
	return errors.As(err, &status) && (status.Code == 404 || status.Code == 405)
}
