// Command bench measures Cairn's retrieval on generated corpora of any size and
// on the sources of the Go installation, beside bleve and pgvector's HNSW, as
// ratios within one run. Every series is run three times and the best is told.
//
// It prints Markdown, and writes JSON where asked to. The filled databases are
// kept for the next run in the folder that CAIRN_BENCH_DIR names, else in the
// user's cache; at 100,000 documents they take some gigabytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/cairnhq/cairn/retrieval/llm/builtin"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	settings
	root     string // of the stores
	embedder *builtin.Embedder
	report   *report
	stderr   io.Writer
	log      *slog.Logger
}

// settings are what the flags say.
type settings struct {
	docs, realDocs, growthDocs, classes int
	queries                             int // of a series
	vectors                             int // of a series beside HNSW
	narrowed                            int // of a series with filters
	rounds                              int // of which the best counts
	checked                             int // questions compared with brute force
	loadSeconds                         int
	pairs                               int  // of requests for documents that cannot be read and that do not exist
	batches, batchDocs                  int  // of ingestion
	alone                               bool // without bleve and HNSW, whose figures are 0 then
	program                             string
}

// The sizes of a run.
func fullSize() settings {
	return settings{docs: 100_000, realDocs: 30_000, growthDocs: 333_000, classes: 300_000, queries: 500, vectors: 150, narrowed: 100, rounds: 3, checked: 50,
		loadSeconds: 60, pairs: 3000, batches: 5, batchDocs: 1000}
}

func quickSize() settings {
	return settings{docs: 5000, realDocs: 1500, growthDocs: 10_000, classes: 6000, queries: 60, vectors: 40, narrowed: 10, rounds: 3, checked: 10,
		loadSeconds: 10, pairs: 3000, batches: 2, batchDocs: 250}
}

// part is a group of measurements that can be asked for by name.
type part struct {
	name string
	run  func(*bench, context.Context) error
	long bool // left out unless it is named
}

func parts() []part {
	return []part{
		{"lexical", (*bench).lexical, false},
		{"dense", (*bench).dense, false},
		{"search", (*bench).search, false},
		{"filters", (*bench).filters, false},
		{"http", (*bench).http, false},
		{"missing", (*bench).missing, false},
		{"ingest", (*bench).ingest, false},
		{"growth", (*bench).growth, true},
		{"classes", (*bench).manyClasses, true},
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	quick := f.Bool("quick", false, "5,000 documents instead of 100,000, and fewer questions")
	which := f.String("parts", "", "some of "+strings.Join(names, ",")+" (default: all but growth and classes)")
	docs := f.Int("docs", 0, "documents of the generated corpus, of three chunks on average")
	realDocs := f.Int("real-docs", 0, "files of the real corpus")
	growthDocs := f.Int("growth-docs", 0, "documents of the part growth")
	classes := f.Int("classes", 0, "ACL classes of the part classes")
	queries := f.Int("queries", 0, "questions of a series")
	alone := f.Bool("alone", false, "leave out bleve and HNSW, whose figures are 0 then")
	program := f.String("program", "bin/cairn", "the server to run")
	jsonFile := f.String("json", "", "write the results to this file, too")
	verbose := f.Bool("v", false, "print what the database logs, too")
	if err := f.Parse(args); err != nil {
		return err
	}
	s := fullSize()
	if *quick {
		s = quickSize()
	}
	for _, o := range []struct{ flag, setting *int }{
		{docs, &s.docs}, {realDocs, &s.realDocs}, {growthDocs, &s.growthDocs}, {classes, &s.classes}, {queries, &s.queries},
	} {
		if *o.flag > 0 {
			*o.setting = *o.flag
		}
	}
	s.program, s.alone = *program, *alone
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelInfo
	}
	b := &bench{settings: s, report: newReport(), stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))}
	var err error
	if b.root, err = store.Root(os.Getenv("CAIRN_BENCH_DIR")); err != nil {
		return err
	}
	if b.embedder, err = builtin.New(); err != nil {
		return err
	}
	if err := b.runParts(ctx, *which, stdout); err != nil {
		return err
	}
	if *jsonFile != "" {
		return b.report.writeJSON(*jsonFile)
	}
	return nil
}

// runParts runs the named parts and prints the tables of each as it ends.
func (b *bench) runParts(ctx context.Context, which string, stdout io.Writer) error {
	wanted := strings.FieldsFunc(which, func(r rune) bool { return r == ',' })
	for _, name := range wanted {
		if !slices.ContainsFunc(parts(), func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q; see -help", name)
		}
	}
	b.report.printHead(stdout)
	for _, p := range parts() {
		if len(wanted) == 0 && p.long || len(wanted) > 0 && !slices.Contains(wanted, p.name) {
			continue
		}
		fmt.Fprintf(b.stderr, "bench: %s\n", p.name)
		from := len(b.report.Tables)
		err := p.run(b, ctx)
		for _, t := range b.report.Tables[from:] {
			t.print(stdout)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// invented opens the generated corpus with vectors of the built-in embedder: what
// an installation would hold.
func (b *bench) invented(ctx context.Context, docs int) (*store.Store, *corpus.Invented, error) {
	c := corpus.NewInvented(docs)
	s, err := b.open(ctx, store.Spec{Name: fmt.Sprintf("invented-%d", docs), Corpus: c, Vectors: corpus.Embedded{Embedder: b.embedder}})
	return s, c, err
}

// open opens a store, and says so when it has to be filled: that takes time.
func (b *bench) open(ctx context.Context, spec store.Spec) (*store.Store, error) {
	return store.Open(ctx, b.root, spec, b.log, func(docs int) {
		fmt.Fprintf(b.stderr, "bench: filling %s: %d documents\n", spec.Name, docs)
	})
}
