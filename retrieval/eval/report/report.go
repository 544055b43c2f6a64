// Package report makes pages of evaluation runs and their comparisons: one HTML
// file each, with its style and plots inside, that loads nothing from elsewhere.
package report

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/eval"
)

//go:embed *.html style.css
var files embed.FS

const (
	worstQueries = 20 // of a run that are shown
	shownFound   = 5  // documents that are shown of what was found
	shownChanges = 25 // queries of a comparison that are shown on either side
)

// write fills a template of this package.
func write(w io.Writer, name string, page any) error {
	style, err := files.ReadFile("style.css")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) }, // our own file
		"four":   func(v float64) string { return fmt.Sprintf("%.4f", v) },
		"signed": func(v float64) string { return strings.Replace(fmt.Sprintf("%+.4f", v), "-", "−", 1) },
		"ms":     func(v float64) string { return fmt.Sprintf("%.1f", v) },
		"rank":   rank,
	}).ParseFS(files, "*.html")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := t.ExecuteTemplate(w, name, page); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func rank(n int) string {
	if n == 0 {
		return "not found"
	}
	return fmt.Sprint(n)
}

// runPage is what the page of a run shows.
type runPage struct {
	Run     eval.Run
	Perfect int // queries with nDCG@10 of 1
	Missed  int // queries with nDCG@10 of 0
	Quality plot
	Latency plot
	Worst   []worstQuery
}

type worstQuery struct {
	ID, Text string
	NDCG     float64
	Found    []shown
	Relevant []shown
	More     int // relevant documents that are not shown
}

// shown is a document on the page.
type shown struct {
	Rank  int // 0: not found
	Grade int // 0: not judged relevant
	ID    string
	Title string
}

// WriteRun writes the page of a run.
func WriteRun(w io.Writer, r eval.Run) error {
	var quality, latency []float64
	page := runPage{Run: r}
	for _, q := range r.Results {
		quality, latency = append(quality, q.Metrics.NDCG10), append(latency, q.TookMS)
		switch {
		case q.Metrics.NDCG10 > 1-1e-9:
			page.Perfect++
		case q.Metrics.NDCG10 == 0:
			page.Missed++
		}
	}
	page.Quality = histogram("Queries by their nDCG@10", quality)
	page.Latency = shares("Share of searches that ended within a time", latency, r.Report.Took)
	page.Worst = worst(r)
	return write(w, "run.html", page)
}

// worst returns the queries with the lowest nDCG@10 that are not perfect.
func worst(r eval.Run) []worstQuery {
	results := slices.DeleteFunc(slices.Clone(r.Results), func(q eval.QueryResult) bool { return q.Metrics.NDCG10 > 1-1e-9 })
	slices.SortStableFunc(results, func(a, b eval.QueryResult) int { return cmp.Compare(a.Metrics.NDCG10, b.Metrics.NDCG10) })
	var out []worstQuery
	for _, q := range results[:min(worstQueries, len(results))] {
		w := worstQuery{ID: q.ID, Text: q.Text, NDCG: q.Metrics.NDCG10}
		ranks := make(map[string]int, len(q.Ranked))
		for i, found := range q.Ranked {
			ranks[found.ID] = i + 1
			if i < shownFound {
				w.Found = append(w.Found, shown{i + 1, q.Relevant[found.ID], found.ID, r.Titles[found.ID]})
			}
		}
		for id, grade := range q.Relevant {
			w.Relevant = append(w.Relevant, shown{ranks[id], grade, id, r.Titles[id]})
		}
		slices.SortFunc(w.Relevant, byRank)
		w.More = max(0, len(w.Relevant)-2*shownFound)
		w.Relevant = w.Relevant[:len(w.Relevant)-w.More]
		out = append(out, w)
	}
	return out
}

// byRank orders the documents found first, by rank, then the others by grade.
func byRank(a, b shown) int {
	if (a.Rank == 0) != (b.Rank == 0) {
		return cmp.Compare(b.Rank, a.Rank)
	}
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(b.Grade, a.Grade), cmp.Compare(a.ID, b.ID))
}

// comparisonPage is what the page of a comparison shows.
type comparisonPage struct {
	eval.Comparison
	Verdict     string
	Intervals   plot
	Differences plot
	Scatter     plot
	Lost, Won   []eval.Change
}

// WriteComparison writes the page of a comparison.
func WriteComparison(w io.Writer, c eval.Comparison) error {
	won := slices.Clone(c.Changes[len(c.Changes)-min(c.Better, shownChanges):])
	slices.Reverse(won)
	return write(w, "comparison.html", comparisonPage{
		Comparison: c, Verdict: verdict(c), Intervals: intervals(c.Metrics), Differences: differences(c.Changes), Scatter: scatter(c.Changes),
		Lost: c.Changes[:min(c.Worse, shownChanges)], Won: won,
	})
}

// verdict says in a sentence how B compares.
func verdict(c eval.Comparison) string {
	d := c.NDCG10()
	switch {
	case d.Significant && d.Mean > 0:
		return "B is better than A in nDCG@10, by more than chance explains."
	case d.Significant:
		return "B is worse than A in nDCG@10, by more than chance explains."
	default:
		return "In nDCG@10, A and B cannot be told apart on these queries."
	}
}
