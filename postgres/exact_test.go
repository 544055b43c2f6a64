package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// library is a corpus with a model of what it holds: search by brute force over
// plain lists, written without the index.
type library struct {
	*corpus
	sources  []cairn.Source
	replicas []*Index
	books    map[string]*book
	changed  bool                    // since the ids of chunks were read
	grants   map[cairn.GrantID]given // that live
	granted  []cairn.GrantID         // that were ever made, which everybody claims to hold
}

// given is a grant of a book in a source, or of all of them.
type given struct {
	account cairn.AccountID
	source  int
	book    string
}

// book is a document with what the reference knows of it.
type book struct {
	source     int
	text       string
	acl        cairn.ACL
	kind       cairn.Kind
	author     string
	language   string
	attributes map[string]string
	modified   time.Time
	vector     []float32
	chunk      int64
	tf         map[uint64]float64
	length     int
}

// eager packs and merges much sooner than serve does.
var eager = upkeep{packFrom: 3, packAtMost: 5, small: 6, together: 3, largest: 40, looseCodes: 1}

func newLibrary(t testing.TB) *library {
	t.Helper()
	l := &library{corpus: newCorpus(t), books: make(map[string]*book)}
	l.sources = []cairn.Source{l.src, l.source("cellar", cairn.Allow(cairn.Everyone))}
	for range 2 {
		l.reopen(len(l.replicas))
	}
	return l
}

// reopen makes a replica begin anew.
func (l *library) reopen(i int) {
	for len(l.replicas) <= i {
		l.replicas = append(l.replicas, nil)
	}
	l.replicas[i] = NewIndex(l.DB, l.space)
	l.replicas[i].upkeep = eager
}

func (l *library) clear() {
	for name := range l.books {
		l.erase(name)
	}
	l.exec(`DELETE FROM grants`)
	l.grants, l.granted = make(map[cairn.GrantID]given), nil
}

func (l *library) erase(name string) {
	b := l.books[name]
	_, err := l.store.Erase(context.Background(), l.sources[b.source].ID, []string{name})
	l.check(err)
	delete(l.books, name)
	maps.DeleteFunc(l.grants, func(_ cairn.GrantID, g given) bool { return g.book == name && g.source == b.source })
}

// give makes a grant of a book, or of all of a source.
func (l *library) give(g given) {
	var document cairn.DocumentID
	source := l.sources[g.source].ID
	if g.book != "" {
		l.check(l.worker.QueryRow(context.Background(), `
			SELECT id FROM documents WHERE source_id = $1 AND external_id = $2`, source, g.book).Scan(&document))
		source = ""
	}
	id := l.grant(g.account, source, document)
	l.grants[id], l.granted = g, append(l.granted, id)
}

func (l *library) put(name string, b *book) {
	body := []byte(b.text)
	d := cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), External: name, Version: cairn.VersionOf(body), Kind: b.kind, Title: name, Author: b.author,
		Language: b.language, Body: body, Sections: []cairn.Section{{End: len(body)}}, ACL: b.acl, Modified: b.modified, Attributes: b.attributes,
	}
	chunks := ingest.Derive(&d, []cairn.Chunk{{End: len(body)}})
	chunks[0].Vector = b.vector
	terms, err := lexical.DecodeTerms(chunks[0].Terms)
	l.check(err)
	b.tf, b.length = make(map[uint64]float64), chunks[0].Length
	for _, t := range terms {
		b.tf[t.Hash] = float64(t.TF)
	}
	_, err = l.store.Commit(context.Background(), ingest.Batch{Source: l.sources[b.source].ID, Puts: []ingest.Put{{Document: d, OwnACL: true, Chunks: chunks}}})
	l.check(err)
	l.books[name], l.changed = b, true
}

// number reads the ids that the chunks got.
func (l *library) number() {
	if !l.changed {
		return
	}
	rows, err := l.worker.Query(context.Background(), `SELECT d.external_id, c.id FROM chunks c JOIN documents d ON d.id = c.document_id`)
	l.check(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var chunk int64
		l.check(rows.Scan(&name, &chunk))
		l.books[name].chunk = chunk
	}
	l.check(rows.Err())
	l.changed = false
}

func (l *library) visible(v cairn.Viewer) (all []*book) {
	for name, b := range l.books {
		granted := slices.ContainsFunc(v.Grants, func(id cairn.GrantID) bool {
			g, lives := l.grants[id]
			return lives && g.account == v.Account && g.source == b.source && (g.book == "" || g.book == name)
		})
		if granted || b.acl.Admits(v) {
			all = append(all, b)
		}
	}
	return all
}

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
	books := l.visible(q.Viewer)
	parsed := lexical.Parse(q.Text, q.Literal)
	terms := lexical.QueryTerms(parsed.Text, languages(books))
	constraint := parsed.Constraint(languages(books))
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
		if score > 0 && l.passes(b, q.Filters) && b.obeys(constraint) {
			hits = append(hits, retrieval.Hit{Chunk: b.chunk, Score: score})
		}
	}
	return ranked(hits, limit)
}

func (b *book) obeys(c lexical.Constraint) bool {
	holds := func(alternatives []uint64) bool {
		return slices.ContainsFunc(alternatives, func(h uint64) bool { return b.tf[h] > 0 })
	}
	for _, word := range c.Must {
		if !holds(word) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Not, holds)
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
	viewers    = []cairn.Viewer{
		{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}},
		{Account: "2", Keys: []cairn.PrincipalKey{cairn.Everyone, groups[0]}},
		{Account: "3", Keys: []cairn.PrincipalKey{groups[1], groups[2]}},
		{Account: "4"},
	}
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func drawText(t *rapid.T, label string, most int) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, most).Draw(t, label), " ")
}

func drawBook(t *rapid.T) *book {
	keys := rapid.SliceOfN(rapid.SampledFrom(groups), 0, 2)
	b := &book{
		source: rapid.IntRange(0, 1).Draw(t, "source"), text: drawText(t, "text", 12),
		acl:      cairn.ACL{Allow: rapid.SliceOfN(keys, 0, 2).Draw(t, "allow"), Deny: rapid.SliceOfN(rapid.SampledFrom(groups), 0, 1).Draw(t, "deny")},
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

// step changes something.
func (l *library) step(t *rapid.T) {
	name := fmt.Sprintf("book-%02d", rapid.IntRange(0, 19).Draw(t, "book"))
	i := rapid.IntRange(0, 1).Draw(t, "replica")
	b, known := l.books[name]
	op := rapid.SampledFrom([]string{"put", "put", "put", "erase", "hide", "acl", "touch", "vector", "maintain", "maintain", "reopen", "forget", "rebuild", "grant", "grant", "end"}).Draw(t, "op")
	switch {
	case op == "grant":
		g := given{account: rapid.SampledFrom(viewers).Draw(t, "holder").Account, source: rapid.IntRange(0, 1).Draw(t, "source")}
		if known && rapid.Bool().Draw(t, "one") {
			g.source, g.book = b.source, name
		}
		l.give(g)
	case op == "end":
		if n := len(l.granted); n > 0 {
			id := l.granted[rapid.IntRange(0, n-1).Draw(t, "grant")]
			l.expire(id)
			delete(l.grants, id)
		}
	case op == "maintain":
		l.check(l.replicas[i].Maintain(context.Background()))
	case op == "reopen":
		l.reopen(i)
	case op == "forget":
		l.replicas[i].DropCache()
	case op == "rebuild":
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			l.check(l.replicas[i].Rebuild(context.Background(), nil))
		}
	case op == "put" && known: // an edit stays in its source
		source := b.source
		b = drawBook(t)
		b.source = source
		l.put(name, b)
	case op == "put" || !known:
		l.put(name, drawBook(t))
	case op == "erase":
		l.erase(name)
	case op == "hide":
		_, err := l.store.Commit(context.Background(), ingest.Batch{Source: l.sources[b.source].ID, Deletes: []string{name}})
		l.check(err)
		delete(l.books, name)
	case op == "acl":
		b.acl = drawBook(t).acl
		_, err := l.store.Commit(context.Background(), ingest.Batch{Source: l.sources[b.source].ID, ACLs: map[string]*cairn.ACL{name: &b.acl}})
		l.check(err)
	case op == "touch":
		b.modified = epoch.AddDate(0, 0, rapid.IntRange(1, 9).Draw(t, "day"))
		_, err := l.store.Commit(context.Background(), ingest.Batch{
			Source: l.sources[b.source].ID, Touches: map[string]ingest.Touch{name: {Modified: b.modified}},
		})
		l.check(err)
	case b.vector == nil:
		l.number()
		b.vector = drawVector(t)
		l.check(l.store.PutVectors(context.Background(), map[int64][]float32{b.chunk: b.vector}))
	}
}

// compare searches by both legs and compares with brute force.
func (l *library) compare(t *rapid.T) {
	l.number()
	x := l.replicas[rapid.IntRange(0, 1).Draw(t, "replica")]
	q := cairn.Query{Viewer: rapid.SampledFrom(viewers).Draw(t, "viewer"), Text: drawText(t, "query", 4), Filters: drawFilters(t)}
	if rapid.IntRange(0, 3).Draw(t, "holds grants") > 0 {
		q.Viewer.Grants = l.granted
	}
	switch rapid.IntRange(0, 5).Draw(t, "operator") {
	case 0:
		q.Text += " -" + rapid.SampledFrom(vocabulary[:7]).Draw(t, "not")
	case 1:
		q.Text += ` "` + rapid.SampledFrom(vocabulary[:7]).Draw(t, "must") + `"`
	}
	limit := rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "limit")
	words, err := x.Lexical(context.Background(), q, limit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameHits(l.bm25(q, limit), words.Hits); diff != "" {
		t.Fatalf("%q for %v, filters %+v (-brute force +index):\n%s", q.Text, q.Viewer.Keys, q.Filters, diff)
	}
	q.Text = "" // operators are tried above
	vector := drawVector(t)
	hits, err := x.Nearest(context.Background(), q, vector, limit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameHits(l.products(q, vector, limit), hits); diff != "" {
		t.Fatalf("nearest for %v, filters %+v (-brute force +index):\n%s", q.Viewer.Keys, q.Filters, diff)
	}
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

// TestIndexEqualsBruteForce edits, deletes, changes permissions, makes and ends grants,
// packs, merges, rebuilds and reopens at random, and after each step compares one search
// of each leg with brute force over what the viewer may read: about 2,500 searches.
func TestIndexEqualsBruteForce(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.exec(`INSERT INTO accounts (id, role) SELECT n::text, 'member' FROM generate_series(1, 4) n`)
	rapid.Check(t, func(rt *rapid.T) {
		l.clear()
		for range 25 {
			l.step(rt)
			l.compare(rt)
		}
	})
	found, err := l.replicas[0].Verify(t.Context(), true)
	l.check(err)
	if len(found.Problems) > 0 {
		t.Errorf("verify: %+v", found.Problems)
	}
}
