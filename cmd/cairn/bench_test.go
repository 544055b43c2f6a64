package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/files"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
	"github.com/cairnhq/cairn/server"
)

// benchFolder is what the benchmarks of ingestion read: the folder that
// CAIRN_BENCH_DOCUMENTS names, else the sample company.
func benchFolder() string {
	if dir := os.Getenv("CAIRN_BENCH_DOCUMENTS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "examples", "acme", "documents")
}

// benchSettings returns the settings of a private PostgreSQL in a folder of its own.
func benchSettings(b *testing.B) server.Settings {
	b.Helper()
	dir, err := os.MkdirTemp("", "cairn-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		b.Fatal(err)
	}
	settings := server.DefaultSettings()
	settings.DataDir = dir
	return settings
}

// benchParts makes everything below the server.
func benchParts(b *testing.B, settings server.Settings) *parts {
	b.Helper()
	p, err := openParts(context.Background(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.close(context.Background()) })
	return p
}

func folderSource(b *testing.B) connectors.Connector {
	b.Helper()
	path, err := filepath.Abs(benchFolder())
	if err != nil {
		b.Fatal(err)
	}
	source, err := files.Kind().Open(connectors.Environment{}, map[string]string{"path": path})
	if err != nil {
		b.Fatal(err)
	}
	return source
}

// stage measures a part of ingestion over all documents, once an iteration.
func stage(b *testing.B, name string, documents int, size int64, work func()) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			work()
		}
		b.ReportMetric(float64(documents)*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
	})
}

// BenchmarkIngest measures ingestion by stage, and as a whole.
func BenchmarkIngest(b *testing.B) {
	source := folderSource(b)
	type file struct {
		in   extract.Input
		data []byte
	}
	var all []file
	var size int64
	for c, err := range source.Changes(b.Context(), "") {
		if err != nil || c.Err != nil || c.Op != connectors.Upsert {
			continue
		}
		r, err := c.Open(b.Context())
		if err != nil {
			continue
		}
		data, _ := io.ReadAll(r)
		r.Close()
		all = append(all, file{extract.Input{Filename: c.Metadata.Filename}, data})
		size += int64(len(data))
	}
	var texts []*extract.Text
	stage(b, "extract", len(all), size, func() {
		texts = texts[:0]
		for _, f := range all {
			if t, err := extract.Extract(b.Context(), f.in, bytes.NewReader(f.data), extract.DefaultLimits()); err == nil {
				texts = append(texts, t)
			}
		}
	})
	var chunks []lexical.Fields
	stage(b, "cut", len(all), size, func() {
		chunks = chunks[:0]
		for _, t := range texts {
			d := &cairn.Document{Kind: t.Kind, Body: t.Body, Sections: t.Sections}
			for _, p := range ingest.Cut(d) {
				chunks = append(chunks, lexical.Fields{Title: t.Title, Heading: p.Heading, Body: string(t.Body[p.Start:p.End]), Language: t.Language})
			}
		}
	})
	stage(b, "terms", len(all), size, func() {
		for _, c := range chunks {
			terms, _ := lexical.Terms(c)
			lexical.EncodeTerms(terms)
		}
	})
	embedder, err := builtin.New()
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([]string, len(chunks))
	for i, c := range chunks {
		bodies[i] = c.Body
	}
	stage(b, "embed", len(all), size, func() {
		if _, err := embedder.Embed(b.Context(), llm.RoleDocument, bodies); err != nil {
			b.Fatal(err)
		}
	})
	p := benchParts(b, benchSettings(b))
	round := 0
	stage(b, "all", len(all), size, func() {
		round++
		if _, err := p.ingest(b.Context(), fmt.Sprintf("bench-%d", round), source); err != nil {
			b.Fatal(err)
		}
	})
}

// ingest brings a source in under a name of its own.
func (p *parts) ingest(ctx context.Context, name string, c connectors.Connector) (ingest.Result, error) {
	source, err := p.db.CreateSource(ctx, cairn.Source{Name: name, Kind: "sample", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	if err != nil {
		return ingest.Result{}, err
	}
	return p.syncer.Run(ctx, ingest.Sync{Source: source, Connector: c})
}

// inventedWord returns the word of a rank: letters only, as digits would make
// it an identifier of many parts.
func inventedWord(rank uint64) string {
	n := rank*2654435761%308915776 + 26 // spread over the words of up to six letters
	var letters []byte
	for ; n > 0; n /= 26 {
		letters = append(letters, byte('a'+n%26))
	}
	return string(letters)
}

func inventedText(zipf *rand.Zipf, words int) string {
	var b strings.Builder
	for w := range words {
		b.WriteString(inventedWord(zipf.Uint64()))
		if w%15 == 14 {
			b.WriteString(".\n\n"[:1+w%2*2])
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// BenchmarkPassagesOfLargeDocuments reads 50 passages out of documents of 5 MB.
func BenchmarkPassagesOfLargeDocuments(b *testing.B) {
	p := benchParts(b, benchSettings(b))
	zipf := rand.NewZipf(rand.New(rand.NewPCG(5, 6)), 1.1, 3, 40_000)
	body := "large " + inventedText(zipf, 900_000)[:5<<20]
	if _, err := p.ingest(b.Context(), "large", large{body}); err != nil {
		b.Fatal(err)
	}
	names, err := p.db.ExternalNames(b.Context(), p.sourceID(b, "large"))
	if err != nil {
		b.Fatal(err)
	}
	var ranges []retrieval.Range
	for id := range names {
		for i := range 10 {
			start := 400_000 * (i + 1)
			ranges = append(ranges, retrieval.Range{Document: id, Version: p.versionOf(b, id), Start: start, End: start + 1500})
		}
	}
	var read atomic.Int64
	for b.Loop() {
		texts, err := p.db.Bodies(b.Context(), evaluator, ranges)
		if err != nil || len(texts[0].Text) != 1500 {
			b.Fatal(len(texts[0].Text), err)
		}
		read.Add(int64(len(texts)))
	}
	b.ReportMetric(float64(read.Load())/float64(b.N), "passages/op")
}

// large is a source of five documents with nearly the same text.
type large struct{ text string }

func (s large) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for i := range 5 {
			text := fmt.Sprint(i, " ", s.text)
			c := connectors.Change{External: fmt.Sprint(i), Metadata: connectors.Metadata{Filename: "large.txt"}}
			c.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (p *parts) sourceID(b *testing.B, name string) cairn.SourceID {
	b.Helper()
	s, err := p.db.SourceByName(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	return s.ID
}

func (p *parts) versionOf(b *testing.B, id cairn.DocumentID) cairn.Version {
	b.Helper()
	d, err := p.db.Document(b.Context(), evaluator, id, "")
	if err != nil {
		b.Fatal(err)
	}
	return d.Version
}
