package web_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/connectors"
)

// node is an address of a random site.
type node struct {
	is    string // page, alias, moved, gone, hidden
	to    int    // of aliases and what has moved
	links []int
	text  int
}

// TestGraph crawls random sites of pages that are the same as others, have moved, are gone
// or ask not to be found, with runs that are killed: what is kept must be what a crawl
// finds that knows nothing, and no page may be lost between its addresses.
func TestGraph(t *testing.T) {
	b := newBench(t)
	b.settings["sitemap"] = "none"
	const n = 7
	rapid.Check(t, func(r *rapid.T) {
		if err := os.RemoveAll(b.remote.Env.WorkDir); err != nil {
			t.Fatal(err)
		}
		b.cursor, b.docs, b.revisions, b.failed = "", map[string]string{}, map[string]string{}, map[string]string{}
		for range rapid.IntRange(1, 3).Draw(r, "rounds") {
			nodes := drawSite(r, n)
			for i, v := range nodes {
				b.site.Handle(place(i), v.serve)
			}
			for range rapid.IntRange(0, 2).Draw(r, "kills") {
				if err := b.sync(t, rapid.IntRange(1, 5).Draw(r, "killed after")); err != nil && !errors.Is(err, errKilled) {
					r.Fatal(err)
				}
			}
			if err := b.sync(t, -1); err != nil || b.listErr != nil {
				r.Fatal(err, b.listErr)
			}
			got := map[string]string{}
			for external, text := range b.docs {
				got[strings.TrimPrefix(external, b.remote.URL)] = text
			}
			if d := cmp.Diff(fresh(t, b), got); d != "" {
				r.Fatalf("read change by change, it is not as read anew (-anew +changes):\n%s", d)
			}
			checkNothingLost(r, nodes, got)
		}
	})
}

func place(i int) string {
	if i == 0 {
		return "/docs/"
	}
	return fmt.Sprintf("/docs/%d", i)
}

func drawSite(r *rapid.T, n int) []node {
	nodes := make([]node, n)
	for i := range nodes {
		nodes[i] = node{
			is: rapid.SampledFrom([]string{"page", "page", "alias", "moved", "gone", "hidden"}).Draw(r, "is"),
			to: rapid.IntRange(0, n-1).Draw(r, "to"), text: rapid.IntRange(0, 2).Draw(r, "text"),
			links: rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 3).Draw(r, "links"),
		}
	}
	nodes[0].is = "page"
	for i := range nodes { // to itself is a failure, which TestRedirects has
		if nodes[i].is == "moved" && nodes[i].to == i {
			nodes[i].to = (i + 1) % n
		}
	}
	return nodes
}

func (v node) serve(w http.ResponseWriter, r *http.Request) {
	html := fmt.Sprintf("<p>Text %d.", v.text)
	for _, l := range v.links {
		html += `<a href="` + place(l) + `">x</a>`
	}
	switch v.is {
	case "alias":
		html += `<link rel="canonical" href="` + place(v.to) + `">`
	case "hidden":
		html += `<meta name="robots" content="noindex">`
	case "moved":
		http.Redirect(w, r, place(v.to), http.StatusMovedPermanently)
		return
	case "gone":
		http.NotFound(w, r)
		return
	}
	page(html)(w, r)
}

// fresh returns what a crawl finds that knows nothing, by path.
func fresh(t *testing.T, b *bench) map[string]string {
	t.Helper()
	anew := *b
	anew.remote.Env.WorkDir = t.TempDir()
	defer func(dir string) { b.remote.Env.WorkDir = dir }(b.remote.Env.WorkDir)
	c := anew.connect(t)
	docs := map[string]string{}
	for change, err := range c.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == connectors.Upsert {
			docs[strings.TrimPrefix(change.External, b.remote.URL)] = open(t, change)
		}
	}
	return docs
}

// checkNothingLost checks that each page that can be reached is a document, or leads to
// one, and that nothing else is a document.
func checkNothingLost(r *rapid.T, nodes []node, docs map[string]string) {
	reached, line := map[int]bool{0: true}, []int{0}
	for len(line) > 0 {
		v := nodes[line[0]]
		line = line[1:]
		next := v.links
		switch v.is {
		case "alias":
			next = append(slices.Clone(next), v.to)
		case "moved":
			next = []int{v.to}
		case "gone":
			next = nil
		}
		for _, i := range next {
			if !reached[i] {
				reached[i] = true
				line = append(line, i)
			}
		}
	}
	left := maps.Clone(docs)
	for i := range reached {
		delete(left, place(i))
		_, is := docs[place(i)]
		switch nodes[i].is {
		case "page":
			if !is {
				r.Fatalf("%s is no document", place(i))
			}
		case "alias":
			if !is && !leadsToDocument(nodes, i, docs) {
				r.Fatalf("%s is lost: no other address has it", place(i))
			}
		default:
			if is {
				r.Fatalf("%s is %s, and a document", place(i), nodes[i].is)
			}
		}
	}
	if len(left) > 0 {
		r.Fatalf("nothing leads to %v", left)
	}
}

func leadsToDocument(nodes []node, i int, docs map[string]string) bool {
	for range nodes {
		i = nodes[i].to
		if _, is := docs[place(i)]; is {
			return true
		}
		if nodes[i].is != "alias" && nodes[i].is != "moved" {
			return false
		}
	}
	return false
}
