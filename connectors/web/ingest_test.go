package web_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// counting extracts in this process, and counts.
type counting struct{ n atomic.Int64 }

func (c *counting) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	c.n.Add(1)
	return extract.Extract(ctx, in, r, extract.DefaultLimits())
}

// server is what a server has for one source.
type server struct {
	db        *postgres.DB
	store     *postgres.Ingest
	source    cairn.Source
	syncer    *ingest.Syncer
	extractor counting
	index     *postgres.Index
}

func newServer(t testing.TB) *server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(t.Context(), postgrestest.New(t).URL, log)
	check(t, err)
	t.Cleanup(db.Close)
	embedder, err := builtin.New()
	check(t, err)
	space, err := db.UseSpace(t.Context(), embedder.Model(), embedder.Dim(), nil)
	check(t, err)
	s := &server{db: db, store: postgres.NewIngest(db, space), index: postgres.NewIndex(db, space)}
	s.source, err = db.CreateSource(t.Context(), cairn.Source{Name: "site", Kind: "web", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(t, err)
	s.syncer = &ingest.Syncer{Store: s.store, Prepare: &ingest.Preparer{Extractor: &s.extractor, Embedder: embedder}, Log: log}
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sync is one run of a site, as a worker does it; it returns how many documents were extracted.
func (s *server) sync(t *testing.T, b *bench) (cairn.Counts, int64) {
	t.Helper()
	taken := s.take(t)
	before := s.extractor.n.Load()
	result, err := s.work(t.Context(), t, b, taken)
	check(t, err)
	check(t, s.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: result.Pruned}))
	return result.Counts, s.extractor.n.Load() - before
}

// TestIngestion reads 2,000 pages into a database: unchanged, none is extracted again, and
// one that has moved keeps its identity.
func TestIngestion(t *testing.T) {
	const n = 2000
	b, s := newBench(t), newServer(t)
	b.site.PerPage = 100
	fill(t, b.site, n)
	b.site.Put(t, "anchor", "Herons", "Herons stand in the water.")
	b.site.Handle("/docs/links", page(`<a href="anchor.html">A page that may move</a>`))
	b.settings["url"] = b.remote.URL + "/docs/links," + b.settings["url"] // so that the old address is come by first
	counts, extracted := s.sync(t, b)
	if counts.Added != n+2 || extracted != n+2 {
		t.Errorf("read first: %+v, %d extracted", counts, extracted)
	}
	b.site.Counts()
	counts, extracted = s.sync(t, b)
	if c := b.site.Counts(); counts.Unchanged != n+2 || extracted != 0 || c.Requests != n+1 || c.Conditional != n+1 {
		t.Errorf("unchanged: %+v, %d extracted, %+v", counts, extracted, c)
	}

	known, err := s.store.Known(t.Context(), s.source.ID, []string{b.remote.URL + b.site.Path("anchor")})
	check(t, err)
	was := known[b.remote.URL+b.site.Path("anchor")].ID
	b.site.Move(t, "anchor")
	b.site.Remove(t, "p0007")
	counts, extracted = s.sync(t, b)
	if counts.Deleted != 1 || counts.Modified != 1 || extracted != 1 {
		t.Errorf("one moved, one gone: %+v, %d extracted", counts, extracted)
	}
	at := b.remote.URL + b.site.Path("anchor")
	known, err = s.store.Known(t.Context(), s.source.ID, []string{at})
	check(t, err)
	if known[at].ID != was || was == "" {
		t.Errorf("the page that has moved was %q, and is %q", was, known[at].ID)
	}
	text, err := extract.Extract(t.Context(), extract.Input{MediaType: "text/html"}, strings.NewReader(docs(t, b, at)), extract.DefaultLimits())
	check(t, err)
	if last := text.Sections[len(text.Sections)-1]; last.Anchor != "#details" {
		t.Errorf("the heading has the anchor %q", last.Anchor)
	}
}

// docs returns the bytes of a document as the connector opens it.
func docs(t *testing.T, b *bench, external string) string {
	t.Helper()
	b.mustSync(t)
	return b.docs[external]
}
