package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// The tests of this file are each about one way in which such an index breaks if
// one is careless.

// open is a book that everybody may read.
func (l *library) open(text string) *book {
	return &book{text: text, acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en"}
}

func (l *library) setBookACL(name string, acl cairn.ACL) {
	l.t.Helper()
	b := l.books[name]
	b.acl = acl
	_, err := l.store.Commit(context.Background(), ingest.Batch{Source: l.sources[b.source].ID, ACLs: map[string]*cairn.ACL{name: &acl}})
	l.check(err)
}

// A revocation that a replica reads of before, with or after the segment that
// holds the chunk is never lost: segments do not carry permissions.
func TestRevocationsAroundPacking(t *testing.T) {
	t.Parallel()
	for name, readBetween := range map[string]bool{"read between": true, "read once": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			for i := range 6 {
				l.put(fmt.Sprintf("book-%d", i), l.open("falcon"))
			}
			reader := l.replicas[1]
			if n := len(l.words(reader, "falcon")); n != 6 {
				t.Fatalf("%d books are found", n)
			}
			l.setBookACL("book-1", cairn.ACL{})
			if readBetween {
				l.words(reader, "falcon")
			}
			l.check(l.replicas[0].Maintain(t.Context()))
			l.setBookACL("book-2", cairn.ACL{})
			if n := len(l.words(reader, "falcon")); n != 4 {
				t.Errorf("%d books are found after two were withdrawn, want 4", n)
			}
			l.setBookACL("book-1", cairn.Allow(cairn.Everyone))
			if n := len(l.words(reader, "falcon")); n != 5 {
				t.Errorf("%d books are found after one was given back, want 5: a grant counts at once", n)
			}
		})
	}
}

// A chunk that is packed leaves the fresh ones in the same moment: statistics
// count it once.
func TestPackedChunksCountOnce(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for i := range 9 {
		l.put(fmt.Sprintf("book-%d", i), l.open("falcon river"))
	}
	for _, x := range l.replicas {
		l.words(x, "falcon") // both have them as fresh
	}
	l.check(l.replicas[0].Maintain(t.Context()))
	for i, x := range append(l.replicas, NewIndex(l.DB, l.space)) {
		words, err := x.Lexical(t.Context(), cairn.Query{Viewer: anybody, Text: "falcon"}, 0)
		l.check(err)
		if words.Chunks != 9 || words.Terms[0].Frequency != 9 || len(words.Hits) != 0 {
			t.Errorf("replica %d counts %d chunks, %+v", i, words.Chunks, words.Terms)
		}
	}
}

// A search whose segments were merged and deleted meanwhile does not take their
// missing rows for terms that nothing holds: it begins anew.
func TestSearchOutlivesItsSegments(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 6)
	x := l.replicas[1]
	if len(l.words(x, "falcon")) == 0 {
		t.Fatal("nothing is found")
	}
	old := x.current().Begin(index.Request{Visible: []uint8{0, 1, 1, 1}, Analyse: func(languages []string) ([]lexical.QueryTerm, index.Filter) {
		return lexical.QueryTerms("falcon", languages), index.Filter{}
	}})
	l.shelve(6, 40)
	l.exec(`UPDATE segments SET retired_at = retired_at - interval '1 hour' WHERE retired_at IS NOT NULL`)
	l.check(l.replicas[0].Maintain(t.Context()))
	x.DropCache()
	if _, err := x.fetch(t.Context(), old, true); !errors.Is(err, errStale) {
		t.Errorf("rows of deleted segments: %v, want %v", err, errStale)
	}
	q := cairn.Query{Viewer: anybody, Text: "falcon"}
	if diff := sameHits(l.bm25(q, 1000), l.words(x, "falcon")); diff != "" {
		t.Errorf("(-brute force +index):\n%s", diff)
	}
}

// The rows of a segment outlive its merge by ten minutes: a search that began
// before the merge finds them.
func TestRetiredSegmentsAreKeptForSearches(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 6)
	x := l.replicas[1]
	if len(l.words(x, "falcon")) == 0 {
		t.Fatal("nothing is found")
	}
	began := x.current().Begin(index.Request{Visible: []uint8{0, 1, 1, 1}, Analyse: func(languages []string) ([]lexical.QueryTerm, index.Filter) {
		return lexical.QueryTerms("falcon", languages), index.Filter{}
	}})
	of := l.segmentIDs()
	l.shelve(6, 40)
	if n := l.count(`SELECT count(*) FROM segments WHERE id = ANY ($1) AND retired_at IS NULL`, of); len(of) == 0 || n > 0 {
		t.Fatalf("%d of the %d segments were not merged", n, len(of))
	}
	for _, since := range []struct {
		merged string
		want   error
	}{{"0 minutes", nil}, {"9 minutes", nil}, {"11 minutes", errStale}} {
		l.exec(`UPDATE segments SET retired_at = now() - $2::interval WHERE id = ANY ($1)`, of, since.merged)
		l.check(l.replicas[0].Maintain(t.Context()))
		x.DropCache()
		rows, err := x.fetch(t.Context(), began, true)
		if !errors.Is(err, since.want) || since.want == nil && len(rows) == 0 {
			t.Errorf("%s after the merge %d rows are found: %v, want %v", since.merged, len(rows), err, since.want)
		}
	}
}

// A reader that slept longer than the change feed is kept reads everything anew.
func TestSleepyReaderReadsEverything(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 8)
	x := l.replicas[1]
	l.words(x, "falcon")
	l.put("late", l.open("falcon"))
	l.number()
	l.exec(`DELETE FROM changes`)
	if diff := sameHits(l.bm25(cairn.Query{Viewer: anybody, Text: "falcon"}, 1000), l.words(x, "falcon")); diff == "" {
		t.Fatal("the feed was deleted and the reader missed nothing; the test proves nothing")
	}
	x.at.at = x.at.at.Add(-changeRetention)
	if diff := sameHits(l.bm25(cairn.Query{Viewer: anybody, Text: "falcon"}, 1000), l.words(x, "falcon")); diff != "" {
		t.Errorf("(-brute force +index):\n%s", diff)
	}
}

// Many searches at once are right, and no more of them than planned hold memory
// for their postings.
func TestManySearchesAtOnce(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 45)
	want := make(map[string][]retrieval.Hit)
	for _, w := range words {
		want[w] = l.bm25(cairn.Query{Viewer: anybody, Text: w}, 1000)
	}
	var wg sync.WaitGroup
	for range 4 * cap(l.replicas[0].searching) {
		wg.Go(func() {
			for range 10 {
				w := words[rand.IntN(len(words))]
				found, err := l.replicas[0].Lexical(t.Context(), cairn.Query{Viewer: anybody, Text: w}, 1000)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := sameHits(want[w], found.Hits); diff != "" {
					t.Errorf("%q (-brute force +index):\n%s", w, diff)
				}
			}
		})
	}
	wg.Wait()
	for range cap(l.replicas[0].searching) { // all places are taken
		l.replicas[0].searching <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.replicas[0].Lexical(ctx, cairn.Query{Viewer: anybody, Text: "falcon"}, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a search beyond the bound: %v; it should wait", err)
	}
}

// The cache of postings keeps its bound, and forgetting rows changes nothing.
func TestRowCacheKeepsItsBound(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 45)
	x := l.replicas[0]
	q := cairn.Query{Viewer: anybody, Text: "falcon river budget"}
	want := l.bm25(q, 1000)
	for _, limit := range []int{1 << 20, 4000, 1} {
		x.SetCache(limit)
		for range 3 {
			if diff := sameHits(want, l.words(x, q.Text)); diff != "" {
				t.Errorf("limit %d (-brute force +index):\n%s", limit, diff)
			}
			if x.cache.size > limit || x.cache.size < 0 {
				t.Errorf("the cache holds %d bytes of %d", x.cache.size, limit)
			}
		}
	}
	x.DropCache()
	if x.cache.size != 0 || x.cache.rows.Len() != 0 {
		t.Errorf("an empty cache holds %d bytes, %d rows", x.cache.size, x.cache.rows.Len())
	}
}

// The tables do not grow with the number of merges: what is retired is deleted, and
// what is dead makes room when it is vacuumed.
func TestTablesDoNotGrowWithMerges(t *testing.T) {
	if testing.Short() {
		t.Skip("rewrites everything 60 times")
	}
	t.Parallel()
	l := newLibrary(t)
	owner, err := pgx.Connect(t.Context(), l.made.URL)
	l.check(err)
	defer func() { _ = owner.Close(context.Background()) }()
	for _, table := range []string{"postings", "segments", "segment_codes", "fresh", "fresh_codes", "changes"} {
		_, err := owner.Exec(t.Context(), `ALTER TABLE `+table+` SET (autovacuum_enabled = false, toast.autovacuum_enabled = false)`)
		l.check(err)
	}
	merges := 0
	rounds := func(from int) (size int) {
		for i := from; i < from+10; i++ {
			for n := range 6 { // words of their own, so that there are many rows
				b := l.open("falcon " + strings.Join(numbered(fmt.Sprintf("word%dx%dx", i, n), 2_000), " "))
				l.put(fmt.Sprintf("book-%d", n), b)
			}
			l.exec(`UPDATE segments SET retired_at = retired_at - interval '1 hour' WHERE retired_at IS NOT NULL`)
			l.check(l.replicas[0].Maintain(t.Context()))
			if l.count(`SELECT count(*) FROM segments WHERE retired_at > now() - interval '30 minutes'`) > 0 {
				merges++
			}
		}
		// As autovacuum would, see TestTablesAreVacuumedOften; the test has it at certain moments.
		_, err := owner.Exec(t.Context(), `VACUUM postings, segments, segment_codes, fresh, fresh_codes, changes`)
		l.check(err)
		return l.count(`SELECT pg_total_relation_size('postings') + pg_total_relation_size('segments') + pg_total_relation_size('segment_codes') + pg_total_relation_size('fresh')`)
	}
	before := rounds(0)
	for from := 10; from < 60; from += 10 {
		if after := rounds(from); after > before+before/2 {
			t.Errorf("after %d rounds the index takes %d bytes, after 10 it took %d", from+10, after, before)
		}
	}
	if merges < 50 {
		t.Errorf("%d merges were made; the test is about 50", merges)
	}
}

// Tables of which rows die with every edit are vacuumed when a twentieth is dead,
// and no table of the index is left out.
func TestTablesAreVacuumedOften(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for table, often := range map[string]bool{
		"postings": true, "fresh": true, "fresh_codes": true, "changes": true, "segments": false, "segment_codes": false,
	} {
		var options []string
		f.check(f.worker.QueryRow(t.Context(), `SELECT coalesce(reloptions, '{}') FROM pg_class WHERE oid = to_regclass($1)`, table).Scan(&options))
		if slices.Contains(options, "autovacuum_vacuum_scale_factor=0.05") != often || slices.Contains(options, "autovacuum_enabled=false") {
			t.Errorf("%s has the settings %q", table, options)
		}
	}
}

// No lock is held while rows are fetched: a search that waits for the database keeps
// neither changes from being read nor other searches from ending, and sees the state
// in which it began.
func TestFetchingHoldsNoLock(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 12)
	x := l.replicas[0]
	want := l.words(x, "falcon")
	x.DropCache()
	tx, err := l.worker.Begin(t.Context())
	l.check(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), `LOCK TABLE postings IN ACCESS EXCLUSIVE MODE`)
	l.check(err)
	held := make(chan retrieval.Words, 1)
	go func() {
		found, err := x.Lexical(context.WithoutCancel(t.Context()), cairn.Query{Viewer: reader, Text: "falcon"}, 1000)
		if err != nil {
			t.Error(err)
		}
		held <- found
	}()
	l.waitForLock("postings")

	others := make(chan int, 1)
	go func() {
		late := l.open("falcon")
		late.vector = make([]float32, dimensions)
		l.put("late", late)
		hits, err := x.Nearest(context.WithoutCancel(t.Context()), cairn.Query{Viewer: reader}, late.vector, 1000)
		if err != nil {
			t.Error(err)
		}
		others <- len(hits)
	}()
	select {
	case n := <-others:
		if n != 13 {
			t.Errorf("%d chunks are found beside a search that fetches rows, want 13", n)
		}
	case <-time.After(30 * time.Second):
		t.Error("nothing else goes on while a search fetches rows")
	}
	l.check(tx.Rollback(t.Context()))
	if diff := sameHits(want, (<-held).Hits); diff != "" {
		t.Errorf("the search that waited (-before +after):\n%s", diff)
	}
}

// Both legs of a search see what was committed before it began, and read the
// change feed once between them. A segment that is deleted meanwhile has them read
// it again.
func TestOneReadOfTheFeedASearch(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	ctx := t.Context()
	reader := l.replicas[1]
	q := cairn.Query{Viewer: anybody, Text: "falcon"}
	for i := range 6 {
		l.put(fmt.Sprintf("book-%d", i), l.open("falcon"))
	}
	legs, err := reader.Begin(ctx)
	l.check(err)
	reads := reader.begun.Load()
	words, err := legs.Lexical(ctx, q, 10)
	l.check(err)
	_, err = legs.Nearest(ctx, q, make([]float32, reader.space.Dim), 10)
	l.check(err)
	if len(words.Hits) != 6 || reader.begun.Load() != reads {
		t.Errorf("%d chunks are found in %d more reads of the feed", len(words.Hits), reader.begun.Load()-reads)
	}

	l.check(l.replicas[0].Maintain(ctx))
	legs, err = reader.Begin(ctx)
	l.check(err)
	l.exec(`UPDATE segments SET retired_at = now()`)
	l.exec(`DELETE FROM postings`)
	l.exec(`DELETE FROM segments`)
	words, err = legs.Lexical(ctx, q, 10)
	l.check(err)
	if len(words.Hits) != 1 {
		t.Errorf("%d chunks are found, want the one that is in no segment", len(words.Hits))
	}
}
