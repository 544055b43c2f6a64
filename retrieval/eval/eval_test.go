package eval

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		report, err := Run(t.Context(), set, func(context.Context, string, int) ([]string, error) { return []string{"1", "1", "2"}, nil }, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !near(report.MRR10, .5) || report.Recall5 != 1 {
			t.Errorf("%s: %+v", judgements, report)
		}
	}
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil {
		t.Error("an empty folder is no data set")
	}
	write(t, dir, "corpus.jsonl", "{\n")
	if _, err := Load(dir); err == nil {
		t.Error("broken JSON was read")
	}
}
