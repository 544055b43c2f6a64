package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// crowd is a corpus in which something stands in the way of something else.
type crowd struct {
	*corpus
	embedder  llm.Embedder
	retriever *retrieval.Retriever
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{corpus: newCorpus(t), embedder: llmtest.NewWords(dimensions)}
	c.retriever = retrieval.New(retrieval.Config{Index: c.index, Chunks: c.DB, Embedder: c.embedder, Log: slog.New(slog.DiscardHandler)})
	return c
}

// write returns a document for everybody of the given passages.
func (c *crowd) write(external, title string, modified time.Time, passages ...string) ingest.Put {
	c.t.Helper()
	d := cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), External: external, Title: title, Modified: modified, Kind: cairn.KindPage, Language: "en",
		ACL: cairn.Allow(cairn.Everyone), Body: []byte(strings.Join(passages, "\n")),
	}
	d.Version = cairn.VersionOf(d.Body)
	vectors, err := c.embedder.Embed(context.Background(), llm.RoleDocument, passages)
	c.check(err)
	put := ingest.Put{OwnACL: true}
	start := 0
	for i, p := range passages {
		terms, length := lexical.Terms(lexical.Fields{Title: title, Body: p, Language: "en"})
		put.Chunks = append(put.Chunks, ingest.Chunk{Start: start, End: start + len(p), Terms: lexical.EncodeTerms(terms), Length: length, Vector: vectors[i]})
		d.Sections = append(d.Sections, cairn.Section{Start: start, End: start + len(p)})
		start += len(p) + 1
	}
	put.Document = d
	return put
}

func (c *crowd) store(puts ...ingest.Put) { c.t.Helper(); c.storeIn(c.src, puts...) }

func (c *crowd) storeIn(s cairn.Source, puts ...ingest.Put) {
	c.t.Helper()
	for batch := range slices.Chunk(puts, 50) {
		_, err := c.corpus.store.Commit(context.Background(), ingest.Batch{Source: s.ID, Puts: batch})
		c.check(err)
	}
}

func (c *crowd) search(text string, mode cairn.Mode, limit, offset int) retrieval.Results {
	c.t.Helper()
	res, err := c.retriever.Search(context.Background(), cairn.Query{Viewer: anybody, Text: text, Mode: mode, Limit: limit, Offset: offset})
	c.check(err)
	return res
}

func titles(res retrieval.Results) []string {
	var out []string
	for _, p := range res.Passages {
		out = append(out, p.Title)
	}
	return out
}

var october = time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)

var modes = []cairn.Mode{cairn.ModeLexical, cairn.ModeDense, cairn.ModeHybrid}

const filler = "The members talk at length about the kitchen, the garden, the stairs, the windows, the heating and the doors."

// A document with more passages about something than the legs return hides no other.
func TestLongDocumentHidesNoOther(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var sections []string
	for i := range 320 {
		sections = append(sections, fmt.Sprintf("Section %d of the zebrafink: zebrafink.", i))
	}
	c.store(c.write("long.md", "Zebrafink", october, sections...), c.write("other.md", "Minutes of the board", october, "A zebrafink came. "+filler))
	for _, mode := range modes {
		got := titles(c.search("zebrafink", mode, 100, 0))
		want := []string{"Zebrafink", "Zebrafink", "Zebrafink", "Minutes of the board"}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
}

// Three passages of a document are enough among the first ten; later all may come, and
// pages of every size turn over the same results.
func TestMoreOfADocumentComesAfterTheFirstTen(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var puts []ingest.Put
	for d := range 12 {
		var sections []string
		for i := range 30 {
			sections = append(sections, fmt.Sprintf("Paragraph %d: %s of number %d.%s", i, strings.Repeat("zebrafink ", 12-d), d, strings.Repeat(" more", i)))
		}
		puts = append(puts, c.write(fmt.Sprint(d), fmt.Sprint("Book ", d), october, sections...))
	}
	c.store(puts...)
	for _, mode := range modes {
		all := make(map[string]bool)
		var pages []string
		for offset := 0; ; offset += 40 {
			res := c.search("zebrafink", mode, 40, offset)
			for i, p := range res.Passages {
				key := fmt.Sprint(p.Document, p.Start)
				if pages = append(pages, key); all[key] {
					t.Fatalf("%s: number %d of the page at %d comes again", mode, i, offset)
				}
				all[key] = true
			}
			if !res.More {
				break
			}
		}
		if len(all) != 360 {
			t.Errorf("%s: %d results, want all 360", mode, len(all))
		}
		first, of := c.search("zebrafink", mode, 100, 0), map[string]int{}
		for i, p := range first.Passages {
			if of[p.Title]++; i < 10 && of[p.Title] > 3 {
				t.Errorf("%s: %s has %d passages among the first %d", mode, p.Title, of[p.Title], i+1)
			}
			if i < len(pages) && pages[i] != fmt.Sprint(p.Document, p.Start) {
				t.Errorf("%s: number %d is not the same on a page of another size", mode, i)
			}
		}
		if len(first.Passages) != 100 {
			t.Errorf("%s: %d results on a page of 100", mode, len(first.Passages))
		}
	}
}

// More copies of one text than the legs return hide no other document.
func TestCopiesHideNoOther(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	const notice = "The zebrafink notice: whoever feeds the zebrafink closes the door of the aviary and writes down the time, the food and the weight."
	var puts []ingest.Put
	for i := range 230 {
		puts = append(puts, c.write(fmt.Sprint(i), fmt.Sprint("Notice of room ", i), october, notice))
	}
	c.store(append(puts, c.write("other.md", "Minutes", october, "A zebrafink came. "+filler))...)
	for _, mode := range modes {
		res := c.search("zebrafink", mode, 10, 0)
		if len(res.Passages) != 2 || res.Passages[1].Title != "Minutes" {
			t.Fatalf("%s: %q; want one notice and the minutes", mode, titles(res))
		}
		if p := res.Passages[0]; len(p.AlsoIn) != 10 || p.AlsoInMore != 219 {
			t.Errorf("%s: also in %d and %d more; want 10 and 219", mode, len(p.AlsoIn), p.AlsoInMore)
		}
		if n := res.Facets["kind"]["page"]; n != 2 {
			t.Errorf("%s: facets count %d results, want 2", mode, n)
		}
	}
	passages, err := c.retriever.Passages(t.Context(), cairn.Query{Viewer: anybody, Text: "zebrafink"}, 50_000)
	c.check(err)
	if len(passages) != 2 || passages[1].Title != "Minutes" {
		t.Errorf("%d passages for an answer; want one notice and the minutes", len(passages))
	}
}

// The newest version stands for more versions than are read at once, although it has
// less of what is looked for and is found last.
func TestNewestVersionStandsForMany(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	const rule = "Whoever visits the narwhalport harbour pays fifty euro at the gate. The visit begins at nine and ends at noon, boots " +
		"are lent at the office, dogs stay outside, and children come with a grown person who signs the list of the guard. " +
		"Boats stay behind the second buoy, nobody whistles, the lamp at the pier is switched off by the last, and whoever finds a " +
		"tusk leaves it where it lies and tells the office, which writes it into the book of the year and sends it to the museum."
	newer := strings.NewReplacer("fifty", "ninety", "harbour ", "").Replace(rule)
	var puts []ingest.Put
	for i := range 35 {
		puts = append(puts, c.write(fmt.Sprint(i), "Narwhalport visits", october.AddDate(-1, 0, i), rule))
	}
	puts = append(puts, c.write("new", "Narwhalport visits", october, newer), c.write("other", "Minutes", october, "The narwhalport harbour was closed. "+filler))
	c.store(puts...)
	for _, mode := range modes {
		res := c.search("narwhalport harbour euro", mode, 10, 0)
		if len(res.Passages) != 2 || res.Passages[0].Text != newer || len(res.Passages[0].AlsoIn) != 10 || res.Passages[0].AlsoInMore != 25 {
			t.Fatalf("%s: %d results, the first of them: %+v", mode, len(res.Passages), res.Passages[0])
		}
		if older := res.Passages[0].AlsoIn[0]; !older.Older {
			t.Errorf("%s: also in %+v", mode, older)
		}
	}
	passages, err := c.retriever.Passages(t.Context(), cairn.Query{Viewer: anybody, Text: "narwhalport harbour euro"}, 50_000)
	c.check(err)
	if !slices.ContainsFunc(passages, func(p cairn.Passage) bool { return p.Text == newer }) || len(passages) != 3 {
		t.Errorf("%d passages for an answer; want both versions and the minutes", len(passages))
	}
}

// Facets count what is found in memory and what is read alike, whether it is fresh or
// packed, on every page, and nothing that the viewer may not read.
func TestFacetsCountAllThatIsFound(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	cellar := c.source("cellar", cairn.Allow(cairn.Everyone))
	var better, worse []ingest.Put
	for i := range 60 {
		text := fmt.Sprintf("Number %d of %s", i, strings.Repeat("zebrafink ", 1+(60-i)/10))
		better = append(better, c.write(fmt.Sprint("a", i), fmt.Sprint("Zebrafink of cage ", i), october, text))
		if i < 20 {
			hidden := c.write(fmt.Sprint("b", i), fmt.Sprint("Note ", i), october, text+" of the board")
			hidden.Document.ACL = cairn.Allow("group:cairn:board")
			worse = append(worse, hidden)
		}
		if i < 45 {
			worse = append(worse, c.write(fmt.Sprint("c", i), fmt.Sprint("Letter ", i), october, fmt.Sprintf("%d. The zebrafink. %s", i, filler)))
		}
	}
	c.store(better...)
	c.storeIn(cellar, worse...)
	want := map[string]map[string]int{"source": {"shelf": 60, "cellar": 45}, "kind": {"page": 105}}
	check := func(when string) {
		for _, offset := range []int{0, 10, 50, 100} {
			res := c.search("zebrafink", cairn.ModeLexical, 10, offset)
			if diff := gocmp.Diff(want, res.Facets); diff != "" {
				t.Errorf("%s, offset %d (-want +got):\n%s", when, offset, diff)
			}
		}
	}
	check("fresh")
	c.index.upkeep = eager
	c.check(c.index.Maintain(t.Context()))
	if packed, _ := c.index.current().Len(); packed == 0 {
		c.check(c.index.Load(t.Context()))
	}
	check("packed")
}
