package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/load"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

// growth measures both legs on a larger corpus, beside the usual one in the same
// run, and the memory of a server that holds it.
func (b *bench) growth(ctx context.Context) error {
	t := b.report.table("Growth, ms", "documents", "chunks", "viewer sees", "words p50", "p95", "vectors p50", "p95", "load, s", "memory, MB")
	for _, docs := range []int{b.docs, b.growthDocs} {
		if err := b.growTo(ctx, t, docs); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) growTo(ctx context.Context, t *table, docs int) error {
	s, c, err := b.invented(ctx, docs)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	x, loading, err := s.Index(ctx)
	if err != nil {
		return err
	}
	questions, err := c.Heavy(b.queries, s.Chunks, frequencies(ctx, x))
	if err != nil {
		return err
	}
	var texts []string
	for _, q := range questions {
		texts = append(texts, q.Text)
	}
	vectors, err := b.embedder.Embed(ctx, llm.RoleQuery, texts)
	if err != nil {
		return err
	}
	first := len(t.Rows)
	for _, share := range corpus.Shares()[:3] {
		words := func(ctx context.Context, n int) error {
			_, err := x.Lexical(ctx, cairn.Query{Viewer: share.Viewer(), Text: texts[n]}, depth)
			return err
		}
		near := func(ctx context.Context, n int) error {
			_, err := x.Nearest(ctx, cairn.Query{Viewer: share.Viewer()}, vectors[n], depth)
			return err
		}
		q, err := measure(ctx, b.rounds, len(texts), words, near)
		if err != nil {
			return err
		}
		t.row(docs, s.Chunks, share.Name, q[0].P50, q[0].P95, q[1].P50, q[1].P95, loading.Seconds(), "")
	}
	s.Close(ctx)
	memory, err := b.memoryOf(ctx, s, texts)
	t.Rows[first][len(t.Columns)-1] = memory
	return err
}

// memoryOf returns the memory of a server after some searches, in megabytes.
func (b *bench) memoryOf(ctx context.Context, s *store.Store, texts []string) (float64, error) {
	server, err := load.Start(ctx, b.program, s.Dir)
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	token, err := server.Token(ctx, store.Email(corpus.Shares()[0]))
	if err != nil {
		return 0, err
	}
	for _, text := range texts {
		if _, err := server.Search(ctx, token, text, results); err != nil {
			return 0, err
		}
	}
	now, _ := server.Memory()
	return now, nil
}

// manyClasses measures what it takes to find out which classes of permissions
// admit a viewer, when every document has its own and she may read a third.
func (b *bench) manyClasses(ctx context.Context) error {
	c := corpus.Crowd{Docs: b.classes}
	s, err := b.open(ctx, store.Spec{Name: fmt.Sprintf("crowd-%d", b.classes), Corpus: c})
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	viewer := c.Viewer()
	var cold, warm, added []time.Duration
	for range b.rounds {
		x, _, err := s.Index(ctx)
		if err != nil {
			return err
		}
		search := func() (time.Duration, error) {
			began := time.Now()
			_, err := x.Lexical(ctx, cairn.Query{Viewer: viewer, Text: "nothing"}, results)
			return time.Since(began), err
		}
		first, err := search()
		if err != nil {
			return err
		}
		usual, err := search()
		if err != nil {
			return err
		}
		if err := addClass(ctx, s, c); err != nil {
			return err
		}
		after, err := search()
		if err != nil {
			return err
		}
		cold, warm, added = append(cold, first), append(warm, usual), append(added, after)
	}
	t := b.report.table("Many classes of permissions, the best of three, ms", "classes", "viewer in", "first search of the viewer", "the next", "after one more class",
		"to resolve all", "to resolve one more")
	f, u, a := slices.Min(cold), slices.Min(warm), slices.Min(added)
	t.row(b.classes, b.classes/3, f, u, a, f-u, a-u)
	return nil
}

// addClass stores a document with permissions that nothing else has and that
// admit the viewer.
func addClass(ctx context.Context, s *store.Store, c corpus.Crowd) error {
	n := 3 * int(time.Now().UnixNano()/1000) // in every third, and of no other run
	d := c.Document(n)
	d.ID, d.External = cairn.DocumentID(cairn.NewID()), "later-"+fmt.Sprint(n)
	terms, length := lexical.Terms(lexical.Fields{Body: string(d.Body), Language: d.Language})
	source, err := s.DB.SourceByName(ctx, d.Source)
	if err != nil {
		return err
	}
	_, err = postgres.NewIngest(s.DB, s.Space).Commit(ctx, ingest.Batch{Source: source.ID, Puts: []ingest.Put{{
		Document: d.Document, OwnACL: true, Revision: "1", Fingerprint: "bench",
		Chunks: []ingest.Chunk{{End: len(d.Body), Terms: lexical.EncodeTerms(terms), Length: length}},
	}}})
	return err
}
