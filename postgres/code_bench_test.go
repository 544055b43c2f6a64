package postgres

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
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

// BenchmarkCode indexes source code of the module cache and searches it. CAIRN_BENCH_FILES
// is how many files, 20,000 unless it says otherwise, 500 with -short. It reports files,
// lines, seconds to index, bytes of the index, and milliseconds of searches.
func BenchmarkCode(b *testing.B) {
	most := 20_000
	if testing.Short() {
		most = 500
	}
	if n, err := strconv.Atoi(os.Getenv("CAIRN_BENCH_FILES")); err == nil {
		most = n
	}
	r := newRepository(b)
	texts := r.library(b, most)
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
	b.ReportMetric(float64(r.count(`SELECT pg_relation_size('code_files_trigrams') / 1000`))/1e3, "trigrams-MB")
	b.ReportMetric(r.firstRanks(b), "symbols-at-rank-1-%")
	random := rand.New(rand.NewPCG(7, 7))
	for kind, queries := range r.queries(b, random, texts) {
		b.ReportMetric(r.percentile(b, queries), kind+"-p95-ms")
	}
}

// library stores files of the module cache and returns their texts by their paths. Trigrams
// and definitions are part of the time, chunks and vectors are not.
func (r *repository) library(b testing.TB, most int) map[string]string {
	b.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	r.check(err)
	root := strings.TrimSpace(string(out))
	texts := make(map[string]string)
	var batch []ingest.Put
	took := time.Duration(0)
	flush := func() {
		began := time.Now()
		for i := range batch {
			if f, ok := code.Describe(&batch[i].Document); ok {
				batch[i].Code = &f
			}
		}
		r.put(batch...)
		took += time.Since(began)
		batch = batch[:0]
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if len(texts) >= most {
			return filepath.SkipAll
		}
		at, _ := filepath.Rel(root, p)
		language := extracted.Language(p)
		if d.IsDir() || language == "" || strings.HasPrefix(at, "cache/") {
			return nil
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if len(body) > 1<<20 || !utf8.Valid(body) || strings.ContainsAny(string(body), "\x00\r\ufeff") {
			return nil
		}
		texts[at] = string(body)
		module, inside, _ := strings.Cut(at, "@")
		_, inside, _ = strings.Cut(inside, "/")
		batch = append(batch, ingest.Put{OwnACL: true, Document: cairn.Document{
			ID: cairn.DocumentID(cairn.NewID()), External: at, Version: cairn.VersionOf(body), Kind: cairn.KindCode, Title: at, Body: body, ACL: cairn.Allow(cairn.Everyone),
			Attributes: map[string]string{"repo": module, "path": inside, "language": language},
		}})
		if len(batch) == 100 {
			flush()
		}
		return nil
	})
	r.check(err)
	flush()
	if b, ok := b.(*testing.B); ok {
		b.ReportMetric(took.Seconds(), "index-s")
	}
	r.exec(`ANALYZE`)
	return texts
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

// firstRanks looks for 300 definitions by their names, with what they are members of, in their
// repository, and returns how many of a hundred come first.
func (r *repository) firstRanks(b testing.TB) float64 {
	b.Helper()
	rows, err := r.worker.Query(context.Background(), `
		SELECT s.name, s.scope, s.line, d.attributes ->> 'repo', d.external_id FROM code_symbols s JOIN documents d ON d.id = s.document_id
		WHERE s.kind IN ('func', 'method', 'struct', 'interface', 'type', 'class') ORDER BY md5(d.external_id || s.ordinal) LIMIT 300`)
	r.check(err)
	first, all := 0.0, 0.0
	var name, scope, repo, external string
	var line int
	_, err = pgx.ForEachRow(rows, []any{&name, &scope, &line, &repo, &external}, func() error {
		query := strings.Trim(scope+"."+name, ".")
		if scope == "" {
			query = path.Base(path.Dir(external)) + "." + name
		}
		found, err := r.code.Search(context.Background(), code.Query{Viewer: reader, Text: query, Repo: repo, Kind: code.Symbol, Limit: 5})
		if err != nil {
			return err
		}
		all++
		if len(found.Results) > 0 && strings.HasSuffix(external, "/"+found.Results[0].Path) && len(found.Results[0].Matches) > 0 && found.Results[0].Matches[0].Line == line {
			first++
		} else if len(found.Results) > 0 {
			b.Logf("%s in %s is at %s:%d, found at %s %v", query, repo, external, line, found.Results[0].Path, found.Results[0].Matches)
		}
		return nil
	})
	r.check(err)
	return 100 * first / all
}

// percentile runs queries three times and returns the 95th percentile of their best times
// in milliseconds.
func (r *repository) percentile(b testing.TB, queries []code.Query) float64 {
	b.Helper()
	var all []time.Duration
	for _, q := range queries {
		best := time.Hour
		q.Limit, q.PerFile, q.Viewer = 20, 3, reader
		for range 3 {
			began := time.Now()
			if _, err := r.code.Search(context.Background(), q); err != nil {
				b.Fatalf("%s %q: %v", q.Kind, q.Text, err)
			}
			best = min(best, time.Since(began))
		}
		if best > 100*time.Millisecond {
			b.Logf("%s %q: %v", q.Kind, q.Text, best)
		}
		all = append(all, best)
	}
	slices.Sort(all)
	return float64(all[len(all)*95/100].Microseconds()) / 1000
}
