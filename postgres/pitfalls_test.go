package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// The tables do not grow with the number of merges: what is dead can be taken
// away by vacuum.
func TestTablesDoNotGrowWithMerges(t *testing.T) {
	if testing.Short() {
		t.Skip("rewrites everything 50 times")
	}
	t.Parallel()
	l := newLibrary(t)
	owner, err := pgx.Connect(t.Context(), l.made.URL)
	l.check(err)
	defer func() { _ = owner.Close(context.Background()) }()
	size := func() int {
		_, err := owner.Exec(t.Context(), `VACUUM postings, segments, segment_codes, fresh, fresh_codes, changes`)
		l.check(err)
		return l.count(`SELECT pg_total_relation_size('postings') + pg_total_relation_size('segments') + pg_total_relation_size('segment_codes') + pg_total_relation_size('fresh')`)
	}
	round := func() {
		l.shelve(0, 9)
		l.exec(`UPDATE segments SET retired_at = retired_at - interval '1 hour' WHERE retired_at IS NOT NULL`)
		l.check(l.replicas[0].Maintain(t.Context()))
	}
	for range 5 {
		round()
	}
	before := size()
	for i := range 50 {
		if round(); i%10 == 9 {
			size() // as autovacuum would
		}
	}
	if after := size(); after > 2*before+1<<18 {
		t.Errorf("after 50 merges the index takes %d bytes, before %d", after, before)
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
