package eval

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// The expected values are worked out by hand from the definitions of trec_eval.
func TestMetrics(t *testing.T) {
	ranked := []string{"a", "b", "c", "d"}
	relevant := map[string]int{"b": 2, "d": 1, "x": 1}
	gain := 2/math.Log2(3) + 1/math.Log2(5)
	ideal := 2/math.Log2(2) + 1/math.Log2(3) + 1/math.Log2(4)
	if got := NDCG(ranked, relevant, 10); !near(got, gain/ideal) {
		t.Errorf("nDCG@10 is %v, want %v", got, gain/ideal)
	}
	if got := NDCG(ranked, relevant, 1); got != 0 {
		t.Errorf("nDCG@1 is %v, want 0", got)
	}
	if got := Recall(ranked, relevant, 2); !near(got, 1./3) {
		t.Errorf("recall@2 is %v", got)
	}
	if got := ReciprocalRank(ranked, relevant, 10); !near(got, .5) {
		t.Errorf("reciprocal rank is %v", got)
	}
	if got := ReciprocalRank(ranked, map[string]int{"d": 1}, 3); got != 0 {
		t.Errorf("reciprocal rank beyond k is %v", got)
	}
}

func TestQuantiles(t *testing.T) {
	var d []time.Duration
	for i := 100; i >= 1; i-- {
		d = append(d, time.Duration(i)*time.Millisecond)
	}
	if diff := cmp.Diff(Quantiles{50, 95, 99}, QuantilesOf(d)); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadAndRun(t *testing.T) {
	for _, judgements := range []string{"qrels.tsv", "qrels/test.tsv"} {
		dir := t.TempDir()
		write(t, dir, "corpus.jsonl", `{"_id":"1","title":"One","text":"first"}`+"\n"+`{"_id":"2","title":"Two","text":"second"}`+"\n")
		write(t, dir, "queries.jsonl", `{"_id":"q","text":"which"}`+"\n"+`{"_id":"unjudged","text":"what"}`+"\n")
		write(t, dir, judgements, "query-id\tcorpus-id\tscore\nq\t2\t1\nq\t1\t0\n")
		set, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Documents) != 2 || len(set.Queries) != 1 {
			t.Fatalf("loaded %+v", set)
		}
		run, err := Measure(t.Context(), set, func(context.Context, string, int) ([]Ranked, error) {
			return []Ranked{{"1", 3}, {"1", 2}, {"2", 1}}, nil
		}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !near(run.Report.MRR10, .5) || run.Report.Recall5 != 1 || run.Results[0].FirstRank() != 2 {
			t.Errorf("%s: %+v", judgements, run)
		}
	}
}

// pack replaces a file by its packed form.
func pack(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, name+".gz", packed.String())
}

func TestLoadPacked(t *testing.T) {
	for _, judgements := range []string{"qrels.tsv", "qrels/test.tsv"} {
		dir := filepath.Join(t.TempDir(), "set")
		write(t, dir, "corpus.jsonl", `{"_id":"1","title":"One","text":"first"}`+"\n")
		write(t, dir, "queries.jsonl", `{"_id":"q","text":"which"}`+"\n")
		write(t, dir, judgements, "query-id\tcorpus-id\tscore\nq\t1\t1\n")
		plain, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"corpus.jsonl", "queries.jsonl", judgements} {
			pack(t, dir, name)
		}
		packed, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain, packed); diff != "" || packed.Name != "set" || packed.Info() != plain.Info() {
			t.Errorf("packed (-plain +packed):\n%s", diff)
		}
	}
}

func TestReadingIsBounded(t *testing.T) {
	b := &bounded{in: strings.NewReader("123456"), name: "bomb", left: 5}
	if _, err := io.ReadAll(b); !errors.Is(err, cairn.ErrTooLarge) {
		t.Errorf("six bytes of five: %v", err)
	}
	b = &bounded{in: strings.NewReader("12345"), name: "fits", left: 5}
	if got, err := io.ReadAll(b); err != nil || string(got) != "12345" {
		t.Errorf("five bytes of five: %q, %v", got, err)
	}
	dir := t.TempDir()
	write(t, dir, "corpus.jsonl.gz", "no gzip")
	if _, err := Load(dir); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "corpus.jsonl.gz") {
		t.Errorf("broken gzip: %v", err)
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil {
		t.Error("an empty folder is no data set")
	}
	const corpus, queries = `{"_id":"1","text":"first"}` + "\n\n" + `{"_id":"2","text":"second"}`, `{"_id":"q","text":"which"}`
	for _, wrong := range []struct{ corpus, queries, judgements, message string }{
		{"{", queries, "q\t1\t1", "corpus.jsonl, line 1: "},
		{corpus + "\n" + `{"_id":"1","text":"again"}`, queries, "q\t1\t1", `corpus.jsonl, line 4: the _id "1" occurs twice`},
		{`{"id":"1","text":"first"}`, queries, "q\t1\t1", "corpus.jsonl, line 1: _id is missing"},
		{corpus, queries + "\n" + queries, "q\t1\t1", `queries.jsonl, line 2: the _id "q" occurs twice`},
		{corpus, `{"_id":"q","text":" \u200b"}`, "q\t1\t1", `queries.jsonl, line 1: the query "q" has no text`},
		{corpus, queries + "\n" + `{"_id":"unjudged","text":" "}`, "q\t1\t1", `queries.jsonl, line 2: the query "unjudged" has no text`},
		{corpus, queries, "query\tdocument\tscore\nq\t3\t1", `qrels.tsv, line 2: the corpus has no document "3"`},
		{corpus, queries, "q\t1\t1\nq\t2", "qrels.tsv, line 2: a judgement is"},
		{corpus, queries, "q\t1\t1\nq 0 first 2 1", "qrels.tsv, line 2: a judgement is"},
		{corpus, queries, "q\t1\t1\nq\t2\tvery", "qrels.tsv, line 2: the relevance is a whole number"},
		{corpus, queries, "q\t1\t0", "no queries with judgements"},
	} {
		write(t, dir, "corpus.jsonl", wrong.corpus)
		write(t, dir, "queries.jsonl", wrong.queries)
		write(t, dir, "qrels.tsv", wrong.judgements)
		if _, err := Load(dir); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), wrong.message) {
			t.Errorf("%v; want %q", err, wrong.message)
		}
	}
}

func TestJudgementsOfBEIRAndTREC(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "corpus.jsonl", `{"_id":"1"}`+"\n"+`{"_id":"the 2"}`+"\n")
	write(t, dir, "queries.jsonl", `{"_id":"q","text":"which","answer":""}`)
	for judgements, want := range map[string]map[string]int{
		"q\t1\t2\n\nq\tthe 2\t1\n":          {"1": 2, "the 2": 1},
		"query\tdocument\tscore\r\nq\t1\t2": {"1": 2},
		"q 0 1 2\nq Q0 gone 0\n":            {"1": 2},
		"q\t0\tthe 2\t1":                    {"the 2": 1},
	} {
		write(t, dir, "qrels.tsv", judgements)
		set, err := Load(dir)
		if err != nil {
			t.Fatalf("%q: %v", judgements, err)
		}
		if diff := cmp.Diff(want, set.Queries[0].Relevant); diff != "" {
			t.Errorf("%q (-want +got):\n%s", judgements, diff)
		}
	}
}
