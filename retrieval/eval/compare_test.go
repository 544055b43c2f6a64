package eval

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

func TestBootstrapOfKnownCases(t *testing.T) {
	const least = 1. / (Resamples + 1)
	if got := PairedBootstrap(make([]float64, 40)); got != (Bootstrap{P: 1}) {
		t.Errorf("no differences: %+v", got)
	}
	if got := PairedBootstrap(nil); got != (Bootstrap{P: 1}) {
		t.Errorf("nothing: %+v", got)
	}
	shifted := make([]float64, 50)
	for i := range shifted {
		shifted[i] = .1
	}
	if got := PairedBootstrap(shifted); !near(got.Mean, .1) || !near(got.Low, .1) || !near(got.High, .1) || !near(got.P, least) {
		t.Errorf("all better by .1: %+v", got)
	}
	noise := rand.New(rand.NewPCG(1, 1))
	for i := range shifted {
		shifted[i] = .1 + .1*noise.NormFloat64()
	}
	if got := PairedBootstrap(shifted); got.P > .001 || got.Low < .05 || got.High > .15 {
		t.Errorf("better by .1 with noise of .1: %+v", got)
	}
}

func TestFewPairsProveNothing(t *testing.T) {
	for n, least := range map[int]float64{1: 1, 2: .5, 3: .25, 5: .0625} {
		for _, noise := range []float64{0, 1e-6} {
			differences := make([]float64, n)
			for i := range differences {
				differences[i] = -.1 + noise*float64(i)
			}
			if got := PairedBootstrap(differences); got.P < least || got.P > 1 || !(got.Mean < 0) {
				t.Errorf("%d pairs, noise %g: %+v; want p of at least %g", n, noise, got, least)
			}
		}
	}
}

// TestBootstrapAgreesWithStudent compares with the t test, which holds for
// differences that are normally distributed: t of 2.0639 with 24 degrees of
// freedom has the two-sided p .05.
func TestBootstrapAgreesWithStudent(t *testing.T) {
	noise := rand.New(rand.NewPCG(7, 7))
	z := make([]float64, 25)
	for i := range z {
		z[i] = noise.NormFloat64()
	}
	mean, tValue := student(z)
	wanted := 2.0639
	standardError := mean / tValue
	for i := range z {
		z[i] += wanted*standardError - mean
	}
	if got := PairedBootstrap(z); math.Abs(got.P-.05) > .015 {
		t.Errorf("p is %.4f, the t test's .05", got.P)
	}
}

// Where there is no difference, about one test in twenty says there is one.
func TestBootstrapLevel(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs 120 tests")
	}
	noise := rand.New(rand.NewPCG(3, 3))
	found := 0
	const tests = 120
	for range tests {
		z := make([]float64, 20)
		for i := range z {
			z[i] = noise.Float64() - noise.Float64()
		}
		if bootstrap(z, 1000).P < Alpha {
			found++
		}
	}
	if found < 1 || found > 14 { // 6 are expected, with a standard deviation of 2.4
		t.Errorf("%d of %d tests found a difference where there is none", found, tests)
	}
}

func TestBootstrapIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SliceOfN(rapid.Float64Range(-1, 1), 1, 6).Draw(t, "differences")
		negative := make([]float64, len(z))
		for i, d := range z {
			negative[i] = -d
		}
		a, b := bootstrap(z, 400), bootstrap(negative, 400)
		if !near(a.Mean, -b.Mean) || a.P != b.P || !near(a.Low, -b.High) || !near(a.High, -b.Low) {
			t.Fatalf("%+v and, negated, %+v", a, b)
		}
		if a.Low > a.High || a.P <= 0 || a.P > 1 {
			t.Fatalf("%+v", a)
		}
	})
}

// aRun makes a run over n queries; rank says where the relevant document of
// query i is.
func aRun(n int, rank func(i int) int) Run {
	r := Run{
		Format: runFormat, Set: SetInfo{Name: "set", Digest: "d"}, Mode: cairn.ModeHybrid, Version: "1",
		At: time.Date(2026, 10, 2, 9, 30, 0, 0, time.UTC), Titles: map[string]string{"r": "Right"},
		Report: Report{Documents: 30, Mode: cairn.ModeHybrid, Took: Quantiles{P50: 1.5}},
	}
	for i := range n {
		q := QueryResult{ID: fmt.Sprint("q", i), Text: fmt.Sprint("query ", i), Relevant: map[string]int{"r": 1}, TookMS: 1.5}
		for place := 1; place <= 20; place++ {
			id := fmt.Sprint("d", place)
			if place == rank(i) {
				id = "r"
			}
			q.Ranked = append(q.Ranked, Ranked{id, 1 / float64(place)})
		}
		q.Metrics = MetricsOf(q.Ranked, q.Relevant)
		r.Results = append(r.Results, q)
	}
	r.Report.Queries, r.Report.Metrics = n, mean(r.Results)
	return r
}

func TestCompare(t *testing.T) {
	a, b := aRun(30, func(i int) int { return 2 + i%3 }), aRun(30, func(i int) int { return 1 + i%3 })
	same, err := Compare(a, a, "a", "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range same.Metrics {
		if d.Mean != 0 || d.Low != 0 || d.High != 0 || d.P != 1 || d.Significant {
			t.Errorf("a run with itself: %+v", d)
		}
	}
	if same.Same != 30 || same.Better+same.Worse != 0 {
		t.Errorf("a run with itself: %+v", same)
	}
	up, err := Compare(a, b, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	down, err := Compare(b, a, "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	if d := up.NDCG10(); !d.Significant || d.Mean < .1 || up.SignificantlyWorse() || up.Better != 30 {
		t.Errorf("every query gains a rank: %+v", d)
	}
	if d := down.NDCG10(); !near(d.Mean, -up.NDCG10().Mean) || d.P != up.NDCG10().P || !down.SignificantlyWorse() || down.Worse != 30 {
		t.Errorf("the other way round: %+v", d)
	}
	if first, last := down.Changes[0], down.Changes[29]; first.Difference > last.Difference || first.FirstA != 1 || first.FirstB != 2 {
		t.Errorf("changes: %+v … %+v", first, last)
	}
	if d := up.Metrics[2]; d.Metric != "recall@20" || d.Mean != 0 || d.P != 1 {
		t.Errorf("recall@20 does not change: %+v", d)
	}
}

func TestCompareRefusesDifferentQuestions(t *testing.T) {
	a := aRun(3, func(int) int { return 1 })
	other := a
	other.Set.Digest = "e"
	for want, b := range map[string]Run{"different sets": other, "--limit": aRun(2, func(int) int { return 1 })} {
		if _, err := Compare(a, b, "a", "b"); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestDigestOfSets(t *testing.T) {
	set := func() *Set {
		return &Set{
			Name: "x", Documents: []Document{{ID: "1", Title: "a", Text: "b"}, {ID: "2", Text: "c"}},
			Queries: []Query{{ID: "q", Text: "t", Relevant: map[string]int{"1": 1, "2": 2}}},
		}
	}
	first := set().Info()
	for i, change := range []func(*Set){
		func(s *Set) { s.Documents[0].Text = "c" }, func(s *Set) { s.Documents[0].Title, s.Documents[0].Text = "ab", "" },
		func(s *Set) { s.Queries[0].Text = "u" }, func(s *Set) { s.Queries[0].Relevant["2"] = 1 }, func(s *Set) { s.Documents = s.Documents[:1] },
	} {
		s := set()
		change(s)
		if s.Info() == first {
			t.Errorf("change %d does not show in the digest", i)
		}
	}
	if set().Info() != first {
		t.Error("the digest of the same set differs")
	}
}

func TestSavedRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	want := aRun(3, func(i int) int { return i })
	for range 2 { // over an older one, too
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	got, err := LoadRun(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-saved +loaded):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read it", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".cairn-*")); len(left) > 0 {
		t.Errorf("%v is left over", left)
	}
}

func TestLoadRunSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"no JSON": "is no run", `{"format":2,"results":[{"id":"q"}]}`: "format 1", `{"format":1,"results":[]}`: "format 1",
		`{"format":1,"results":[{"id":"q","relevant":{"a":1}},{"id":"q"}]}`: "twice", "": "is no run",
		`{"format":1,"results":[{"id":"q"}]}`: "without relevant", `{"format":1,"results":[{"id":"q","relevant":{"a":0}}]}`: "grade 0",
	} {
		write(t, dir, "run.json", text)
		if _, err := LoadRun(filepath.Join(dir, "run.json")); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := LoadRun(filepath.Join(dir, "none")); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "--save") {
		t.Errorf("no file: %v", err)
	}
	if err := aRun(1, func(int) int { return 1 }).Save(filepath.Join(dir, "none", "run.json")); err == nil {
		t.Error("a run was written into a folder that does not exist")
	}
}
