package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
	extracted "github.com/cairnhq/cairn/retrieval/extract/code"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// BenchmarkCode indexes the modules that this program and its benchmarks are made of, as they
// lie in the module cache, and searches them, beside ripgrep and Zoekt over the same files
// where these programs are. CAIRN_BENCH_FILES is how many files, 20,000 unless it says
// otherwise, 500 with -short. Of every search the best of three counts.
func BenchmarkCode(b *testing.B) {
	most := 20_000
	if testing.Short() {
		most = 500
	}
	if n, err := strconv.Atoi(os.Getenv("CAIRN_BENCH_FILES")); err == nil {
		most = n
	}
	r := newRepository(b)
	texts := checkout(b, most)
	b.ReportMetric(r.library(texts).Seconds(), "index-s")
	lines, bytes := 0, 0
	for _, t := range texts {
		lines += strings.Count(t, "\n")
		bytes += len(t)
	}
	b.ReportMetric(float64(len(texts)), "files")
	b.ReportMetric(float64(lines), "lines")
	b.ReportMetric(float64(bytes)/1e6, "MB")
	for _, table := range []string{"code_files", "code_symbols"} {
		b.ReportMetric(float64(r.count(`SELECT pg_total_relation_size(to_regclass($1)) / 1000`, table))/1e3, table+"-MB")
	}
	r.measure(b, texts)
}

// measure searches and prints what that takes: the log of a benchmark has ten lines alone.
func (r *repository) measure(b *testing.B, texts map[string]string) {
	b.Helper()
	rivals := rivals(b, texts)
	all := r.queries(b, rand.New(rand.NewPCG(7, 7)), texts)
	var out strings.Builder
	row := func(who, kind string, took []time.Duration) float64 {
		slices.Sort(took)
		at := func(percent int) float64 { return float64(took[len(took)*percent/100].Microseconds()) / 1000 }
		fmt.Fprintf(&out, "%-8s %-11s %3d searches  p50 %7.1f ms  p95 %7.1f ms  load %s\n", who, kind, len(took), at(50), at(95), load())
		return at(95)
	}
	for _, kind := range []string{"literal", "regex", "unanchored", "symbol", "reference"} {
		took, incomplete := r.times(b, all[kind])
		b.ReportMetric(row("cairn", kind, took), kind+"-p95-ms")
		if incomplete > 0 {
			fmt.Fprintf(&out, "%d of them ended before all files were looked at\n", incomplete)
		}
		for _, rival := range rivals {
			row(rival.name, kind, rival.times(b, all[kind]))
		}
	}
	out.WriteString(r.firstRanks(b))
	_, err := os.Stdout.WriteString("\n" + out.String())
	r.check(err)
}

// load returns the load of the machine in the last minute.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg") // elsewhere it is left out
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// checkout returns files of the modules of this program and its benchmarks, one version of
// each, by their paths in the module cache.
func checkout(b testing.TB, most int) map[string]string {
	b.Helper()
	list := func(dir string, args ...string) []string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	root := list(".", "env", "GOMODCACHE")[0]
	var dirs []string
	for _, dir := range []string{"..", "../scripts/bench"} {
		dirs = append(dirs, list(dir, "list", "-m", "-f", "{{.Dir}}", "all")...)
	}
	slices.Sort(dirs)
	texts := make(map[string]string)
	for _, dir := range slices.Compact(dirs) {
		if !strings.HasPrefix(dir, root) || len(texts) >= most {
			continue
		}
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || extracted.Language(p) == "" || len(texts) >= most {
				return err
			}
			body, err := os.ReadFile(p)
			if err == nil && len(body) <= 1<<20 && utf8.Valid(body) && !strings.ContainsAny(string(body), "\x00\r\ufeff") {
				texts[strings.TrimPrefix(p, root+"/")] = string(body)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return texts
}

// library stores files, and returns how long that took. Trigrams and definitions are part of
// it, chunks and vectors are not.
func (r *repository) library(texts map[string]string) time.Duration {
	r.t.Helper()
	began := time.Now()
	for names := range slices.Chunk(slices.Sorted(maps.Keys(texts)), 100) {
		batch := make([]ingest.Put, len(names))
		for i, at := range names {
			body := []byte(texts[at])
			module, inside, _ := strings.Cut(at, "@")
			_, inside, _ = strings.Cut(inside, "/")
			batch[i] = ingest.Put{OwnACL: true, Document: cairn.Document{
				ID: cairn.DocumentID(cairn.NewID()), External: at, Version: cairn.VersionOf(body), Kind: cairn.KindCode, Title: at, Body: body, ACL: cairn.Allow(cairn.Everyone),
				Attributes: map[string]string{"repo": module, "path": inside, "language": extracted.Language(at)},
			}}
			if f, ok := code.Describe(&batch[i].Document); ok {
				batch[i].Code = &f
			}
		}
		r.put(batch...)
	}
	took := time.Since(began)
	r.exec(`ANALYZE`)
	return took
}

// queries makes queries of every kind from random places of the texts.
func (r *repository) queries(b testing.TB, random *rand.Rand, texts map[string]string) map[string][]code.Query {
	b.Helper()
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	line := func() string {
		for {
			lines := strings.Split(texts[names[random.IntN(len(names))]], "\n")
			if l := strings.TrimSpace(lines[random.IntN(len(lines))]); len(l) > 12 && len(l) < 200 {
				return l
			}
		}
	}
	rows, err := r.worker.Query(context.Background(), `SELECT name FROM code_symbols ORDER BY md5(document_id || ordinal) LIMIT 60`)
	r.check(err)
	var symbols []string
	for rows.Next() {
		var s string
		r.check(rows.Scan(&s))
		symbols = append(symbols, s)
	}
	r.check(rows.Err())
	all := map[string][]code.Query{}
	for i := range 60 {
		l := line()
		from := random.IntN(len(l) - 6)
		if text := strings.TrimSpace(strings.ToValidUTF8(l[from:from+5+random.IntN(len(l)-from-5)], "")); len(text) > 3 {
			all["literal"] = append(all["literal"], code.Query{Text: text})
		}
		word := symbols[i%len(symbols)]
		all["symbol"] = append(all["symbol"], code.Query{Text: word, Kind: code.Symbol})
		all["reference"] = append(all["reference"], code.Query{Text: word, Kind: code.Reference})
		all["regex"] = append(all["regex"], code.Query{Text: `\b` + word + `\w*\s*[(:=]`, Kind: code.Regex})
	}
	for _, e := range []string{`^.{97}$`, `[0-9]{6,}$`, `\b[a-z]{1,2}\d\d\b`, `[^ -~]{3}`, `q[^u]q`, `^[A-Z]{9}$`, `(x|y)\d{7}z`, `\w{60}`} {
		all["unanchored"] = append(all["unanchored"], code.Query{Text: e, Kind: code.Regex})
	}
	return all
}

// firstRanks looks for 600 random definitions as people would write them, and tells how many
// of a hundred come first: by the name alone, by type or package and name, and by these in
// their repository; how many could at most, since others are called the same; and how many
// of those do whose type or package and name nothing else has.
func (r *repository) firstRanks(b *testing.B) string {
	b.Helper()
	rows, err := r.worker.Query(context.Background(), `
		WITH named AS (
			SELECT s.name, s.line, s.kind, d.external_id || s.ordinal AS key, d.attributes ->> 'repo' AS repo, d.attributes ->> 'path' AS path,
			       trim('.' FROM coalesce(nullif(s.scope, ''), substring(convert_from(b.body, 'UTF8') FROM '(?n)^package (\w+)'), '') || '.' || s.name) AS full_name
			FROM code_symbols s JOIN documents d ON d.id = s.document_id JOIN bodies b ON b.document_id = d.id
			WHERE s.kind IN ('func', 'method', 'struct', 'interface', 'type', 'class'))
		SELECT name, full_name, line, repo, path,
		       ARRAY [1.0 / count(*) OVER (PARTITION BY name), 1.0 / count(*) OVER (PARTITION BY full_name), 1.0 / count(*) OVER (PARTITION BY full_name, repo)]::float8[]
		FROM named ORDER BY md5(key) LIMIT 600`)
	r.check(err)
	var first, most [3]float64
	var alone, aloneFirst float64
	var name, full, repo, at string
	var line, all int
	var chances []float64
	_, err = pgx.ForEachRow(rows, []any{&name, &full, &line, &repo, &at, &chances}, func() error {
		all++
		for i, q := range []code.Query{{Text: name}, {Text: full}, {Text: full, Repo: repo}} {
			q.Kind, q.Limit = code.Symbol, 5
			found := r.search(q).Results
			if len(found) > 0 && found[0].Repo == repo && found[0].Path == at && len(found[0].Matches) > 0 && found[0].Matches[0].Line == line {
				first[i]++
				if i == 1 && chances[i] == 1 {
					aloneFirst++
				}
			}
			most[i] += chances[i]
		}
		if chances[1] == 1 {
			alone++
		}
		return nil
	})
	r.check(err)
	var out strings.Builder
	for i, how := range []string{"name", "type or package, and name", "these, in the repository"} {
		fmt.Fprintf(&out, "%.1f %% of %d definitions come first by %s, of %.1f that could\n", 100*first[i]/float64(all), all, how, 100*most[i]/float64(all))
	}
	fmt.Fprintf(&out, "%.1f %% of the %.0f whose type or package and name nothing else has\n", 100*aloneFirst/alone, alone)
	b.ReportMetric(100*aloneFirst/alone, "symbols-first-%")
	return out.String()
}

// times runs queries three times and returns their best times, and how many were incomplete.
func (r *repository) times(b testing.TB, queries []code.Query) (all []time.Duration, incomplete int) {
	b.Helper()
	for _, q := range queries {
		q.Limit, q.PerFile, q.Viewer = 20, 3, reader
		var found code.Results
		all = append(all, bestOfThree(func() {
			var err error
			if found, err = r.code.Search(context.Background(), q); err != nil {
				b.Fatalf("%s %q: %v", q.Kind, q.Text, err)
			}
		}))
		if found.Incomplete {
			incomplete++
		}
	}
	return all, incomplete
}

func bestOfThree(do func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for range 3 {
		began := time.Now()
		do()
		best = min(best, time.Since(began))
	}
	return best
}
