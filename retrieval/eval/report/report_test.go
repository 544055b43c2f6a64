package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/cairnhq/cairn/retrieval/eval"
)

// hostile texts come from people's questions and from documents.
var hostile = []string{
	`<script>alert("query")</script>`, `"><img src=x onerror=alert(1)>`, `</title></svg><script src="https://evil.example/x.js"></script>`,
	`</style><base href="https://evil.example/">`, `{{.Run}} ' onmouseover='alert(1)`, "\x00 \xff & &amp;",
}

func hostileRun(better bool) eval.Run {
	r := eval.Run{Format: 1, Set: eval.SetInfo{Name: hostile[0], Digest: hostile[1]}, Mode: "hybrid", Version: hostile[2], Titles: map[string]string{}}
	for i, text := range hostile {
		q := eval.QueryResult{ID: text, Text: text, Relevant: map[string]int{hostile[0]: 2, "far": 1}, TookMS: float64(i)}
		for place := range 8 {
			q.Ranked = append(q.Ranked, eval.Ranked{ID: fmt.Sprint(place), Score: 1})
		}
		if better && i%2 == 0 {
			q.Ranked[0].ID = hostile[0]
		}
		q.Metrics = eval.MetricsOf(q.Ranked, q.Relevant)
		r.Results = append(r.Results, q)
		r.Titles[fmt.Sprint(i)] = text
	}
	r.Report.Queries = len(r.Results)
	return r
}

// checkPage parses a page: it must be one self-contained file in which texts
// stay texts. It returns the text.
func checkPage(t *testing.T, page []byte) string {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields(`html head meta title style body header main footer section div p h1 h2 h3 b span small em ol li dl dt dd details summary
		table thead tbody tr th td svg line rect path circle text`)
	var text strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			text.WriteString(n.Data)
		case html.ElementNode:
			if !slices.Contains(allowed, n.Data) {
				t.Errorf("there is a <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "src" || a.Key == "href" || a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
				}
			}
		}
	}
	for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "{{.Worst", "%!"} {
		if strings.Contains(text.String(), bad) {
			t.Errorf("the page says %s", bad)
		}
	}
	return text.String()
}

func TestRunPage(t *testing.T) {
	var page bytes.Buffer
	if err := WriteRun(&page, hostileRun(true)); err != nil {
		t.Fatal(err)
	}
	text := checkPage(t, page.Bytes())
	for _, want := range hostile[:5] {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if !strings.Contains(text, "nothing right among the first ten") || !strings.Contains(text, "Judged relevant") {
		t.Error("parts are missing")
	}
}

func TestEmptyAndPerfectRuns(t *testing.T) {
	for _, r := range []eval.Run{{}, {Results: []eval.QueryResult{{ID: "q", Metrics: eval.Metrics{NDCG10: 1}, Relevant: map[string]int{"a": 1}}}}} {
		var page bytes.Buffer
		if err := WriteRun(&page, r); err != nil {
			t.Fatal(err)
		}
		if text := checkPage(t, page.Bytes()); !strings.Contains(text, "Every query is perfect.") {
			t.Error("a query is said to be bad")
		}
	}
}

func TestComparisonPage(t *testing.T) {
	c, err := eval.Compare(hostileRun(false), hostileRun(true), hostile[0], hostile[1])
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := WriteComparison(&page, c); err != nil {
		t.Fatal(err)
	}
	text := checkPage(t, page.Bytes())
	for _, want := range []string{hostile[0], hostile[1], hostile[4], "No query is worse.", "Sakai", "+0."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	none, err := eval.Compare(hostileRun(true), hostileRun(true), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	page.Reset()
	if err := WriteComparison(&page, none); err != nil {
		t.Fatal(err)
	}
	if text := checkPage(t, page.Bytes()); !strings.Contains(text, "cannot be told apart") {
		t.Error("a run differs from itself")
	}
}

func TestHistogramCountsEveryQuery(t *testing.T) {
	p := histogram("", []float64{0, .05, .1, .999, 1, .5})
	var counts []string
	for _, l := range p.Labels {
		if strings.Contains(l.Class, "strong") {
			counts = append(counts, l.Text)
		}
	}
	if !slices.Equal(counts, []string{"2", "1", "1", "2"}) {
		t.Errorf("counts %v", counts)
	}
}

func TestCeiling(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, -1: 1, 1: 1, 63.8: 80, 81: 100, .0003: .00032, 1234: 1600} {
		if got := ceiling(v); math.Abs(got-want) > want*1e-9 {
			t.Errorf("ceiling of %v is %v, want %v", v, got, want)
		}
	}
}

// FuzzSavedRun makes pages of whatever can be read as a run.
func FuzzSavedRun(f *testing.F) {
	f.Add([]byte(`{"format":1,"results":[{"id":"q","text":"<b>","relevant":{"a":1},"ranked":[{"id":"a","score":1e308}],"took_ms":-1e300}],"titles":{"a":"A"}}`))
	f.Add([]byte(`{"format":1,"results":[{"id":"q","relevant":{"a":9223372036854775807},"ranked":null}],"report":{"took_ms":{"p99":1e308}}}`))
	path := filepath.Join(f.TempDir(), "run.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := eval.LoadRun(path)
		if err != nil {
			return
		}
		c, err := eval.Compare(r, r, "a", "b")
		if err != nil || c.NDCG10().P != 1 || c.Same != len(r.Results) {
			t.Fatalf("a run with itself: %+v, %v", c, err)
		}
		if err := WriteComparison(io.Discard, c); err != nil {
			t.Fatal(err)
		}
		if err := WriteRun(io.Discard, r); err != nil {
			t.Fatal(err)
		}
	})
}
