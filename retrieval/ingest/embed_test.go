package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// TestVectorsFollow stores documents without vectors, and lets a slow embedder
// fill them in: search goes by words until then, and a changed document gets
// the vector of its new text.
func TestVectorsFollow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	words := llmtest.NewWords(64)
	space, err := b.db.UseSpace(t.Context(), words.Model(), words.Dim(), nil)
	check(t, err)
	store := postgres.NewIngest(b.db, space)
	index := postgres.NewIndex(b.db, space)
	b.syncer.Store, b.syncer.Prepare = store, &ingest.Preparer{Extractor: inProcess{}}
	s := &shelf{files: map[string]string{"a.md": "# Falcons\n\nThey nest on the tower.", "b.md": "# Otters\n\nThey swim in the river."}}
	b.mustSync(s)
	near := func(text string) []string {
		vectors, err := words.Embed(t.Context(), llm.RoleQuery, []string{text})
		check(t, err)
		hits, err := index.Nearest(t.Context(), cairn.Query{Viewer: everyone}, vectors[0], 1)
		check(t, err)
		return titles(t, b, hits)
	}
	if got := near("falcons nest on the tower"); len(got) != 0 {
		t.Errorf("found %q before there are vectors", got)
	}
	stop := b.fill(store, words)
	b.waitForVectors(store)
	stop()
	if got := near("falcons nest on the tower"); !slices.Equal(got, []string{"Falcons"}) {
		t.Errorf("found %q", got)
	}
	s.files["b.md"] = "# Beavers\n\nFalcons nest on the tower of the beavers."
	b.mustSync(s)
	defer b.fill(store, words)()
	b.waitForVectors(store)
	if got := near("falcons nest on the tower of the beavers"); !slices.Equal(got, []string{"Beavers"}) {
		t.Errorf("after a change found %q", got)
	}
}

func titles(t *testing.T, b *bench, hits []retrieval.Hit) []string {
	t.Helper()
	ids := make([]int64, len(hits))
	for i, h := range hits {
		ids[i] = h.Chunk
	}
	chunks, err := b.db.Hydrate(t.Context(), everyone, ids)
	check(t, err)
	var out []string
	for _, c := range chunks {
		out = append(out, c.Passage.Title)
	}
	return out
}

// fill runs a filler until the returned function is called.
func (b *bench) fill(store *postgres.Ingest, e llm.Embedder) (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&ingest.Filler{Vectors: store, Embedder: e, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	return func() { cancel(); <-done }
}

func (b *bench) waitForVectors(store *postgres.Ingest) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		missing, err := store.Missing(b.t.Context(), 1, nil)
		check(b.t, err)
		if len(missing) == 0 {
			return
		}
	}
	b.t.Fatal("vectors are missing for ever")
}

// remembering is an embedder that keeps the texts of documents.
type remembering struct {
	llm.Embedder
	mu    sync.Mutex
	texts []string
}

func (r *remembering) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, texts...)
	return r.Embedder.Embed(ctx, role, texts)
}

// TestVectorsAreOfTheSameTexts: a chunk is embedded under the same title and headings
// whether its vector is made at once or follows, with small sections in one piece, too.
func TestVectorsAreOfTheSameTexts(t *testing.T) {
	t.Parallel()
	s := &shelf{files: map[string]string{
		"a.md": "# Birds\n\n## Falcons\n\nThey nest on the tower.\n\n## Owls\n\nThey sleep in the barn.\n\n## Herons\n\n" + strings.Repeat("They stand in the river. ", 60),
		"b.md": "# Otters\n\n## Where\n\nThey swim in the river.",
	}}
	embedded := func(atOnce bool) []string {
		b, e := newBench(t), &remembering{Embedder: llmtest.NewWords(64)}
		space, err := b.db.UseSpace(t.Context(), e.Model(), e.Dim(), nil)
		check(t, err)
		store := postgres.NewIngest(b.db, space)
		b.syncer.Store, b.syncer.Prepare = store, &ingest.Preparer{Extractor: inProcess{}}
		if atOnce {
			b.syncer.Prepare.Embedder = e
		}
		b.mustSync(s)
		check(t, (&ingest.Filler{Vectors: store, Embedder: e, Log: slog.New(slog.DiscardHandler)}).All(t.Context()))
		slices.Sort(e.texts)
		return e.texts
	}
	atOnce := embedded(true)
	if !slices.ContainsFunc(atOnce, func(text string) bool { return strings.Contains(text, "Falcons") && strings.Contains(text, "Owls") }) {
		t.Fatalf("no piece holds two sections; the test proves nothing: %q", atOnce)
	}
	if diff := cmp.Diff(atOnce, embedded(false)); diff != "" {
		t.Errorf("(-embedded at once +later):\n%s", diff)
	}
}

func TestVectorsOfAnotherLengthAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := b.store.PutVectors(t.Context(), map[int64][]float32{1: {1, 2}}); err == nil || errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
