package postgres

import (
	"bytes"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval"
)

// TestDumpIsRestoredElsewhere dumps a database with packed and fresh chunks and
// restores it into another cluster, whose transactions have smaller numbers:
// searches give there what they gave, nothing is damaged, and what changes from
// then on is found.
func TestDumpIsRestoredElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes a second cluster")
	}
	t.Parallel()
	l := newLibrary(t)
	l.check(l.AdoptCluster(t.Context()))
	l.shelve(0, 60)
	for _, name := range []string{"book-003", "book-017", "book-041"} { // gone in their segments
		l.erase(name)
	}
	r := rand.New(rand.NewPCG(7, 8))
	fresh := func(l *library, name string) {
		l.put(name, &book{
			text: "falcon " + randomText(r), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en", vector: randomVector(r),
		})
		l.number()
	}
	fresh(l, "fresh-1")
	fresh(l, "fresh-2")
	if n := l.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL`); n < 2 {
		t.Fatalf("%d segments; the test needs some", n)
	}
	if n := l.count(`SELECT count(*) FROM changes`); n == 0 {
		t.Fatal("the change feed of the first cluster is empty")
	}
	there, log := l.restored(postgrestest.Restored(t, l.made))
	if there.identity.Load() == l.identity.Load() {
		t.Fatal("both clusters have one identity")
	}
	if !strings.Contains(log.String(), "restored from a dump of another cluster") {
		t.Errorf("the log tells nothing of the restore:\n%s", log)
	}
	if n := there.count(`SELECT count(*) FROM changes`); n > 0 {
		t.Errorf("%d rows of the other cluster's change feed are left", n)
	}
	vector := randomVector(r)
	for _, word := range words {
		if diff := sameHits(l.words(l.replicas[0], word), there.words(there.replicas[0], word)); diff != "" {
			t.Errorf("%q (-before +restored):\n%s", word, diff)
		}
	}
	if diff := sameHits(l.nearest(l.replicas[0], vector), there.nearest(there.replicas[0], vector)); diff != "" {
		t.Errorf("nearest (-before +restored):\n%s", diff)
	}
	there.sound("after the restore")

	fresh(there, "new")
	fresh(there, "book-005") // in another version
	there.erase("book-010")
	there.erase("fresh-1")
	there.changed = true
	there.number()
	for _, step := range []string{"fresh", "packed", "rebuilt"} {
		for i, x := range there.replicas {
			for _, word := range words {
				if diff := sameHits(there.bm25(cairn.Query{Viewer: anybody, Text: word}, 1000), there.words(x, word)); diff != "" {
					t.Errorf("changes that are %s, replica %d, %q (-brute force +index):\n%s", step, i, word, diff)
				}
			}
		}
		there.sound("changes that are " + step)
		switch step {
		case "fresh":
			there.check(there.replicas[0].Maintain(t.Context()))
		case "packed":
			there.check(there.replicas[0].Rebuild(t.Context(), nil))
		}
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("errors are logged:\n%s", log)
	}
}

// restored returns a library over the database that was made of this one's dump,
// opened as a server does, and the log.
func (l *library) restored(made *postgrestest.DB) (*library, *bytes.Buffer) {
	l.t.Helper()
	var log bytes.Buffer
	db, err := Open(l.t.Context(), made.URL, slog.New(slog.NewTextHandler(&log, nil)))
	l.check(err)
	l.t.Cleanup(db.Close)
	space, err := db.UseSpace(l.t.Context(), l.space.Model, dimensions, nil)
	l.check(err)
	l.check(db.AdoptCluster(l.t.Context()))
	c := &corpus{fixture: &fixture{DB: db, t: l.t, made: made}, src: l.src, space: space, store: NewIngest(db, space)}
	there := &library{corpus: c, books: maps.Clone(l.books), sources: l.sources, servers: []*DB{db, db}, replicas: make([]*Index, 2)}
	there.reopen(0)
	there.reopen(1)
	return there, &log
}

func (l *library) nearest(x *Index, vector []float32) []retrieval.Hit {
	l.t.Helper()
	hits, err := x.Nearest(l.t.Context(), cairn.Query{Viewer: anybody}, vector, 1000)
	l.check(err)
	return hits
}

// sound checks the whole index against the texts.
func (l *library) sound(when string) {
	l.t.Helper()
	found, err := l.replicas[0].Verify(l.t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		l.t.Errorf("%s verify finds %+v", when, found.Problems)
	}
}
