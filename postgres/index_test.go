package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// corpus is a fixture whose documents have terms and vectors.
type corpus struct {
	*fixture
	src   cairn.Source
	space Space
	store *Ingest
	index *Index
}

// dimensions of the vectors of a corpus.
const dimensions = 8

func newCorpus(t testing.TB) *corpus {
	t.Helper()
	f := newFixture(t)
	space, err := f.UseSpace(t.Context(), "axes", dimensions, nil)
	f.check(err)
	return &corpus{fixture: f, src: f.source("shelf", cairn.Allow(cairn.Everyone)), space: space, store: NewIngest(f.DB, space), index: NewIndex(f.DB, space)}
}

// put stores a document of one chunk.
func (c *corpus) put(external, text string, acl cairn.ACL, vector []float32) {
	c.t.Helper()
	c.putDocument(cairn.Document{External: external, Body: []byte(text), ACL: acl}, vector)
}

// putDocument stores a document of one chunk; what d leaves out is added.
func (c *corpus) putDocument(d cairn.Document, vector []float32) {
	c.t.Helper()
	d.ID, d.Version, d.Kind = cairn.DocumentID(cairn.NewID()), cairn.VersionOf(d.Body), cmp.Or(d.Kind, cairn.KindPage)
	d.Title, d.Language, d.Sections = d.External, "en", []cairn.Section{{Start: 0, End: len(d.Body)}}
	terms, length := lexical.Terms(lexical.Fields{Title: d.Title, Body: string(d.Body), Language: "en", Author: d.Author, Attributes: d.Attributes})
	_, err := c.store.Commit(context.Background(), ingest.Batch{Source: c.src.ID, Puts: []ingest.Put{{
		Document: d, OwnACL: true,
		Chunks: []ingest.Chunk{{Start: 0, End: len(d.Body), Terms: lexical.EncodeTerms(terms), Length: length, Vector: vector}},
	}}})
	c.check(err)
}

// result is a hit by the name of its document.
type result struct {
	External string
	Score    float64
}

func (c *corpus) names(hits []retrieval.Hit) []result {
	c.t.Helper()
	out := make([]result, len(hits))
	for i, h := range hits {
		out[i].Score = h.Score
		c.check(c.worker.QueryRow(context.Background(), `
			SELECT d.external_id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id = $1`, h.Chunk).Scan(&out[i].External))
	}
	slices.SortFunc(out, func(a, b result) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.External, b.External))
	})
	return out
}

func (c *corpus) lexical(v cairn.Viewer, text string) []result {
	c.t.Helper()
	hits, err := c.index.Lexical(context.Background(), cairn.Query{Viewer: v, Text: text}, 1000)
	c.check(err)
	return c.names(hits.Hits)
}

func (c *corpus) nearest(v cairn.Viewer, vector []float32) []result {
	c.t.Helper()
	hits, err := c.index.Nearest(context.Background(), cairn.Query{Viewer: v}, vector, 1000)
	c.check(err)
	return c.names(hits)
}

var words = []string{"falcon", "otter", "river", "tower", "budget", "travel", "invoice", "server"}

func randomText(r *rand.Rand) string {
	text := ""
	for range 3 + r.IntN(12) {
		text += words[r.IntN(len(words))] + " "
	}
	return text + "."
}

func randomVector(r *rand.Rand) []float32 {
	v := make([]float32, dimensions)
	for i := range v {
		v[i] = float32(r.IntN(17)-8) / 8 // exact as half floats
	}
	return v
}

// TestHiddenDocumentsChangeNoScore compares a database with one that differs
// only in documents that the viewer may not read: names and scores are equal.
func TestHiddenDocumentsChangeNoScore(t *testing.T) {
	t.Parallel()
	with, without := newCorpus(t), newCorpus(t)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range 40 {
		text, vector := randomText(r), randomVector(r)
		external := fmt.Sprintf("doc-%02d", i)
		for _, c := range []*corpus{with, without} {
			c.put(external, text, cairn.Allow(cairn.Everyone), vector)
		}
		with.put(external+"-hidden", randomText(r)+randomText(r), cairn.Allow("group:cairn:board"), randomVector(r))
	}
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	for _, w := range words {
		if diff := gocmp.Diff(without.lexical(v, w+" river"), with.lexical(v, w+" river")); diff != "" {
			t.Errorf("seed %d: %q (-without +with):\n%s", seed, w, diff)
		}
	}
	vector := randomVector(r)
	if diff := gocmp.Diff(without.nearest(v, vector), with.nearest(v, vector)); diff != "" {
		t.Errorf("seed %d: vectors (-without +with):\n%s", seed, diff)
	}
}

// TestFeedSeesLateCommits commits transactions in another order than they
// began in: a reader that looked in between misses nothing.
func TestFeedSeesLateCommits(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	c.put("early", "falcon one", cairn.Allow(cairn.Everyone), nil)
	slow, err := c.worker.Begin(t.Context())
	c.check(err)
	defer slow.Rollback(context.Background()) //nolint:errcheck // committed below
	_, err = slow.Exec(t.Context(), `DELETE FROM chunks WHERE document_id = (SELECT id FROM documents WHERE external_id = 'early')`)
	c.check(err)
	c.put("late", "falcon two", cairn.Allow(cairn.Everyone), nil)
	if got := c.lexical(v, "falcon"); len(got) != 2 {
		t.Fatalf("before the commit %v", got)
	}
	c.put("later", "falcon three", cairn.Allow(cairn.Everyone), nil)
	if got := c.lexical(v, "falcon"); len(got) != 3 {
		t.Fatalf("before the commit %v", got)
	}
	c.check(slow.Commit(t.Context()))
	got := c.lexical(v, "falcon")
	if len(got) != 2 || got[0].External == "early" || got[1].External == "early" {
		t.Errorf("after the commit %v", got)
	}
}

// TestSecondReplicaSeesChanges searches through an index that wrote nothing.
func TestSecondReplicaSeesChanges(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	other, err := Open(t.Context(), c.made.URL, c.log)
	c.check(err)
	t.Cleanup(other.Close)
	replica := NewIndex(other, c.space)
	c.check(replica.Load(t.Context()))
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.UserKey("ann@acme.test")}}
	c.put("x", "falcon", cairn.Allow(cairn.UserKey("ann@acme.test")), nil)
	find := func() int {
		hits, err := replica.Lexical(t.Context(), cairn.Query{Viewer: v, Text: "falcon"}, 10)
		c.check(err)
		return len(hits.Hits)
	}
	if find() != 1 {
		t.Error("a new document with a new ACL is not found by another replica")
	}
	_, err = c.store.Commit(t.Context(), ingest.Batch{Source: c.src.ID, ACLs: map[string]*cairn.ACL{"x": {}}})
	c.check(err)
	if find() != 0 {
		t.Error("a withdrawn document is found by another replica")
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	c.putDocument(cairn.Document{
		External: "a", Body: []byte("falcon"), ACL: cairn.Allow(cairn.Everyone), Kind: cairn.KindPDF,
		Author: "Ann", Attributes: map[string]string{"team": "x"},
	}, randomVector(rand.New(rand.NewPCG(1, 1))))
	c.put("b", "falcon falcon", cairn.Allow(cairn.Everyone), randomVector(rand.New(rand.NewPCG(2, 2))))
	c.exec(`UPDATE documents SET modified_at = '2026-01-01' WHERE external_id = 'a'`)
	before := c.lexical(v, "falcon")
	for name, f := range map[string]cairn.Filters{
		"author": {Author: "ann"}, "attributes": {Attributes: map[string]string{"team": "x"}}, "kind": {Kind: "pdf"},
		"updated": {UpdatedBefore: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
	} {
		for leg, search := range map[string]func() ([]retrieval.Hit, error){
			"lexical": func() ([]retrieval.Hit, error) {
				words, err := c.index.Lexical(t.Context(), cairn.Query{Viewer: v, Text: "falcon", Filters: f}, 10)
				return words.Hits, err
			},
			"dense": func() ([]retrieval.Hit, error) {
				return c.index.Nearest(t.Context(), cairn.Query{Viewer: v, Filters: f}, make([]float32, 8), 10)
			},
		} {
			hits, err := search()
			c.check(err)
			got := c.names(hits)
			if len(got) != 1 || got[0].External != "a" {
				t.Errorf("%s, %s leg: %v", name, leg, got)
			}
			if leg == "lexical" && !slices.ContainsFunc(before, func(r result) bool { return r == got[0] }) {
				t.Errorf("%s changes the score: %v, before %v", name, got, before)
			}
		}
	}
	hits, err := c.index.Lexical(t.Context(), cairn.Query{Viewer: v, Text: "falcon", Filters: cairn.Filters{Sources: []string{"elsewhere"}}}, 10)
	c.check(err)
	if len(hits.Hits) != 0 {
		t.Errorf("another source: %v", hits.Hits)
	}
}

func (c *corpus) chunk(external string) (id int64) {
	c.t.Helper()
	c.check(c.worker.QueryRow(context.Background(), `
		SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.external_id = $1`, external).Scan(&id))
	return id
}

// TestDamagedChunkIsLeftOut damages the terms of one chunk: the others are
// found, before and after the index is loaded anew, and the log tells it once.
func TestDamagedChunkIsLeftOut(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	var log bytes.Buffer
	c.log = slog.New(slog.NewTextHandler(&log, nil))
	ann := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	c.put("damaged", "falcon", cairn.Allow(cairn.Everyone), nil)
	c.put("sound", "falcon", cairn.Allow(cairn.Everyone), nil)
	find := func(want ...string) {
		t.Helper()
		got := []string{}
		for _, r := range c.lexical(ann, "falcon") {
			got = append(got, r.External)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	find("damaged", "sound")
	c.exec(`UPDATE fresh SET terms = '\xff' WHERE chunk_id = $1`, c.chunk("damaged"))
	for range 3 {
		c.exec(`UPDATE chunks SET acl_id = acl_id WHERE id = $1`, c.chunk("damaged")) // the feed tells of it
		find("sound")
	}
	fresh := NewIndex(c.DB, c.space)
	c.check(fresh.Load(t.Context()))
	if fresh.Len() != 1 {
		t.Errorf("%d chunks are loaded, want 1", fresh.Len())
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 { // once an index
		t.Errorf("%d errors are logged, want 2:\n%s", n, &log)
	}
	for range 2 { // everything is read anew
		c.index.loaded = false
		find("sound")
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("after it was read anew %d errors are logged, want 2:\n%s", n, &log)
	}
	c.put("damaged", "falcon", cairn.Allow(cairn.Everyone), nil)
	c.index.loaded = false
	find("damaged", "sound")
	if len(c.index.leftOut) > 0 {
		t.Errorf("the chunks %v count as left out", c.index.leftOut)
	}
}

// TestManyDamagedSegments damages the words of more segments than a search begins anew
// for other reasons: the first search finds what is in the sound one.
func TestManyDamagedSegments(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	x := NewIndex(c.DB, c.space)
	x.upkeep = upkeep{packFrom: 1, packAtMost: 1, small: 0, together: 100, largest: 1, looseCodes: 1_000}
	for i := range maxAttempts + 5 {
		c.put(fmt.Sprint("damaged", i), "falcon", cairn.Allow(cairn.Everyone), nil)
		c.check(x.Maintain(t.Context()))
	}
	c.exec(`UPDATE postings SET data = '\xff'`)
	c.put("sound", "falcon", cairn.Allow(cairn.Everyone), nil)
	c.check(x.Maintain(t.Context()))
	if n := c.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL`); n != maxAttempts+6 {
		t.Fatalf("%d segments", n)
	}
	got := c.lexical(cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}, "falcon")
	if len(got) != 1 || got[0].External != "sound" {
		t.Errorf("found %v", got)
	}
}
