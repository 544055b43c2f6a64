package postgres

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

func (l *library) passes(b *book, f cairn.Filters) bool {
	if len(f.Sources) > 0 && !slices.Contains(f.Sources, l.sources[b.source].Name) || f.Kind != "" && f.Kind != b.kind ||
		f.Author != "" && !strings.EqualFold(f.Author, b.author) {
		return false
	}
	if (!f.UpdatedAfter.IsZero() || !f.UpdatedBefore.IsZero()) && b.modified.IsZero() ||
		!f.UpdatedAfter.IsZero() && !b.modified.After(f.UpdatedAfter) || !f.UpdatedBefore.IsZero() && !b.modified.Before(f.UpdatedBefore) {
		return false
	}
	for k, v := range f.Attributes {
		if b.attributes[k] != v {
			return false
		}
	}
	return true
}

// languages returns those of the books, most frequent first.
func languages(books []*book) []string {
	counts := map[string]int{}
	for _, b := range books {
		counts[cmp.Or(b.language, "en")]++
	}
	var all []string
	for l := range counts {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	return all
}

// bm25 scores the visible books by the definition: Robertson and Zaragoza, 2009.
func (l *library) bm25(q cairn.Query, limit int) []retrieval.Hit {
	return l.bm25With(q, q.Text, operators{}, limit)
}

// bm25With scores those visible books by a text that obey the query's operators.
func (l *library) bm25With(q cairn.Query, text string, o operators, limit int) []retrieval.Hit {
	books := l.visible(q.Viewer)
	terms := lexical.QueryTerms(text, languages(books))
	total, df := 0.0, map[int]float64{}
	for _, b := range books {
		total += float64(b.length)
	}
	for _, t := range terms {
		n := 0.0
		for _, b := range books {
			if b.tf[t.Hash] > 0 {
				n++
			}
		}
		df[t.Group] = max(df[t.Group], n)
	}
	n := float64(len(books))
	hits := []retrieval.Hit{}
	for _, b := range books {
		best := map[int]float64{}
		for _, t := range terms {
			if tf := b.tf[t.Hash]; tf > 0 {
				idf := math.Log(1 + (n-df[t.Group]+0.5)/(df[t.Group]+0.5))
				norm := 1.2 * (0.25 + 0.75*float64(b.length)/(total/n))
				best[t.Group] = max(best[t.Group], float64(t.Weight)*idf*tf*2.2/(tf+norm))
			}
		}
		score := 0.0
		for _, s := range best {
			score += s
		}
		if score > 0 && l.passes(b, q.Filters) && o.obeyedBy(b) {
			hits = append(hits, retrieval.Hit{Chunk: b.chunk, Score: score})
		}
	}
	return ranked(hits, limit)
}

// operators are the words of a phrase, and one word or several that are excluded.
type operators struct{ phrase, not []string }

func drawOperators(t *rapid.T) (o operators) {
	some := rapid.SliceOfN(rapid.SampledFrom(vocabulary[:7]), 1, 3)
	switch rapid.IntRange(0, 7).Draw(t, "operator") {
	case 0:
		o.not = some.Draw(t, "not")
	case 1:
		o.phrase = some.Draw(t, "phrase")
	case 2:
		o.not, o.phrase = some.Draw(t, "not"), some.Draw(t, "phrase")
	}
	return o
}

// query returns how one writes it, and the text that is searched for.
func (o operators) query(text string) (written, searched string) {
	written, searched = text, text
	if phrase := strings.Join(o.phrase, " "); phrase != "" {
		written, searched = written+` "`+phrase+`"`, searched+" "+phrase
	}
	switch len(o.not) {
	case 0:
	case 1:
		written = "-" + o.not[0] + " " + written
	default:
		written += ` -"` + strings.Join(o.not, " ") + `"`
	}
	return written, searched
}

// obeyedBy reports whether a book has every word of the phrase, and not the word that
// is excluded. The order of several words is not the index's business: the texts of
// what it finds are compared with whole phrases.
func (o operators) obeyedBy(b *book) bool {
	text := strings.Fields(b.text)
	for _, w := range o.phrase {
		if !slices.Contains(text, w) {
			return false
		}
	}
	return len(o.not) != 1 || !slices.Contains(text, o.not[0])
}

// products returns the inner products of the visible books.
func (l *library) products(q cairn.Query, vector []float32, limit int) []retrieval.Hit {
	hits := []retrieval.Hit{}
	for _, b := range l.visible(q.Viewer) {
		if b.vector == nil || !l.passes(b, q.Filters) {
			continue
		}
		sum := 0.0
		for i, x := range b.vector {
			sum += float64(x) * float64(vector[i])
		}
		hits = append(hits, retrieval.Hit{Chunk: b.chunk, Score: sum})
	}
	return ranked(hits, limit)
}

func ranked(hits []retrieval.Hit, limit int) []retrieval.Hit {
	slices.SortFunc(hits, func(a, b retrieval.Hit) int {
		if math.Abs(a.Score-b.Score) > 1e-9 {
			return cmp.Compare(b.Score, a.Score)
		}
		return cmp.Compare(a.Chunk, b.Chunk)
	})
	return hits[:min(limit, len(hits))]
}

var (
	vocabulary = []string{"falcon", "otters", "river", "tower", "budget", "travelling", "invoice", "getUserById", "v1.2.3", "Ölflecken", "東京都"}
	anybody    = cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	// reader is somebody signed in, in no group.
	reader = cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func drawText(t *rapid.T, label string, most int) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, most).Draw(t, label), " ")
}

// drawBook draws a book that is too short to count as a copy of another.
func drawBook(t *rapid.T) *book {
	b := &book{
		source: rapid.IntRange(0, 1).Draw(t, "source"), text: drawText(t, "text", 8),
		kind:     rapid.SampledFrom([]cairn.Kind{cairn.KindPage, cairn.KindPDF}).Draw(t, "kind"),
		author:   rapid.SampledFrom([]string{"", "Ann", "Bob"}).Draw(t, "author"),
		language: rapid.SampledFrom([]string{"en", "en", "de", ""}).Draw(t, "language"),
		modified: drawTime(t),
	}
	if rapid.Bool().Draw(t, "has attributes") {
		b.attributes = map[string]string{"team": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "team")}
	}
	if rapid.IntRange(0, 4).Draw(t, "has vector") > 0 {
		b.vector = drawVector(t)
	}
	return b
}

func drawTime(t *rapid.T) time.Time {
	if days := rapid.IntRange(0, 9).Draw(t, "day"); days > 0 {
		return epoch.AddDate(0, 0, days)
	}
	return time.Time{}
}

func drawVector(t *rapid.T) []float32 {
	v := make([]float32, dimensions)
	for i := range v {
		v[i] = float32(rapid.IntRange(-8, 8).Draw(t, "component")) / 8 // exact as half floats
	}
	return v
}

func drawFilters(t *rapid.T) (f cairn.Filters) {
	switch rapid.IntRange(0, 9).Draw(t, "filter") {
	case 0:
		f.Sources = []string{rapid.SampledFrom([]string{"shelf", "cellar", "attic"}).Draw(t, "source")}
	case 1:
		f.Kind = rapid.SampledFrom([]cairn.Kind{cairn.KindPage, cairn.KindPDF, cairn.KindMail}).Draw(t, "kind")
	case 2:
		f.Author = rapid.SampledFrom([]string{"ann", "BOB", "eve"}).Draw(t, "author")
	case 3:
		f.Attributes = map[string]string{"team": rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "team")}
	case 4:
		f.UpdatedAfter = drawTime(t)
	case 5:
		f.UpdatedBefore = drawTime(t)
		f.Kind = cairn.KindPage
	}
	return f
}

// sameHits returns how rankings differ. Scores that differ by the rounding of
// another order of summation are equal, so that the chunk decides.
func sameHits(want, got []retrieval.Hit) string {
	want, got = tiesByChunk(want), tiesByChunk(got)
	return gocmp.Diff(want, got, gocmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-6 }))
}

// tiesByChunk returns a ranking with neighbours of equal scores in the order of
// their chunks.
func tiesByChunk(hits []retrieval.Hit) []retrieval.Hit {
	sorted := append([]retrieval.Hit{}, hits...)
	for from, i := 0, 1; i <= len(sorted); i++ {
		if i == len(sorted) || math.Abs(sorted[i-1].Score-sorted[i].Score) > 1e-12 {
			slices.SortFunc(sorted[from:i], func(a, b retrieval.Hit) int { return cmp.Compare(a.Chunk, b.Chunk) })
			from = i
		}
	}
	return sorted
}
