package api

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

type results struct {
	Results []struct {
		Document string `json:"document_id"`
		Snippet  string
		Start    int
		End      int
		Explain  *struct {
			Rank int `json:"lexical_rank"`
		}
	}
	Facets  map[string]map[string]int
	Next    *string `json:"next_cursor"`
	Notices []notice
}

func (w *world) search(who actor, body string) results {
	w.Helper()
	got := w.call(who, "POST", "/api/v1/search", body)
	if got.status != 200 {
		w.Fatalf("%s: %d %s", body, got.status, got.body)
	}
	var r results
	got.into(w.T, &r)
	return r
}

func TestSearchShowsWhatTheCallerMayRead(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[*actor]string{&w.ann: "travel meals salaries", &w.bob: "travel meals", &w.root: "travel meals"} {
		r := w.search(*who, `{"query":"Meals"}`)
		var ids []string
		for _, p := range r.Results {
			ids = append(ids, p.Document)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s finds %q; want %q", who.account.Email, got, want)
		}
	}
}

func TestNoticesOfASearch(t *testing.T) {
	w := newWorld(t)
	if r := w.search(w.bob, `{"query":"Meals"}`); r.Notices == nil || len(r.Notices) != 0 {
		t.Errorf("notices are %+v; want an empty list", r.Notices)
	}
	w.m.notices = []cairn.Notice{{Code: "phrase_truncated", Message: "Not all were checked."}}
	if r := w.search(w.bob, `{"query":"Meals"}`); len(r.Notices) != 1 || r.Notices[0] != notice(w.m.notices[0]) {
		t.Errorf("notices are %+v", r.Notices)
	}
}

func TestSnippetIsTheRangeOfTheDocument(t *testing.T) {
	w := newWorld(t)
	r := w.search(w.bob, `{"query":"Zürich:  50 EUR a day.\n","explain":true}`)
	if len(r.Results) != 1 {
		t.Fatalf("%+v", r)
	}
	p := r.Results[0]
	var d struct{ Text string }
	w.call(w.bob, "GET", "/api/v1/documents/"+p.Document, "").into(t, &d)
	if d.Text[p.Start:p.End] != p.Snippet || p.Snippet != "Zürich:  50 EUR a day.\n" {
		t.Errorf("snippet %q, range %q", p.Snippet, d.Text[p.Start:p.End])
	}
	if p.Explain == nil || p.Explain.Rank != 1 {
		t.Errorf("explain: %+v", p.Explain)
	}
}

func TestSearchPages(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		text := fmt.Sprintf("page %d of many", i)
		w.m.documents = append(w.m.documents, StoredDocument{SourceName: "handbook", State: cairn.CitationCurrent, Document: cairn.Document{
			ID: cairn.DocumentID(fmt.Sprint("p", i)), Body: []byte(text), Version: cairn.VersionOf([]byte(text)), ACL: cairn.Allow(cairn.Everyone),
		}})
	}
	var seen []string
	cursor := ""
	for {
		r := w.search(w.bob, `{"query":"of many","limit":3,"cursor":"`+cursor+`"}`)
		for _, p := range r.Results {
			seen = append(seen, p.Document)
		}
		if r.Next == nil {
			break
		}
		cursor = *r.Next
	}
	if got := strings.Join(seen, " "); got != "p0 p1 p2 p3 p4 p5 p6" {
		t.Errorf("pages hold %s", got)
	}
	first := w.search(w.bob, `{"query":"of many","limit":3}`)
	for _, body := range []string{
		`{"query":"another","cursor":"` + *first.Next + `"}`,
		`{"query":"of many","limit":4,"cursor":"` + *first.Next + `"}`,
		`{"query":"of many","sources":["handbook"],"cursor":"` + *first.Next + `"}`,
		`{"query":"of many","cursor":"AAAA"}`,
		`{"query":"of many","cursor":"%%%"}`,
	} {
		if got := w.call(w.bob, "POST", "/api/v1/search", body); got.status != 400 || got.code(t) != "invalid" {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

func TestSearchRequestsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	cases := []struct{ body, names string }{
		{`{"query":"x","sourcs":["handbook"]}`, "sourcs"},
		{`{"query":"x","filters":{"authr":"ann"}}`, "authr"},
		{`{"query":"x","Limit":3}`, `unknown field \"Limit\"`},
		{`{"query":"x","filters":{"attributes":{"Team":"x"},"Kind":"page"}}`, `unknown field \"Kind\"`},
		{`{"query":"x","filters":{"updated_after":"yesterday"}}`, "yesterday"},
		{`{"query":"x","filters":{"updated_after":7}}`, "2026-11-23T09:30:00Z"},
		{`{"query":"x","filters":{"updated_after":"2026-02-01T00:00:00Z","updated_before":"2026-01-01T00:00:00Z"}}`, "updated_after"},
		{`{"query":"x","sources":["Hand book"]}`, "Hand book"},
		{`{"query":"x","sources":"handbook"}`, "sources"},
		{`{"query":"x","limit":0}`, "limit"},
		{`{"query":"x","limit":101}`, "limit"},
		{`{"query":"x","limit":1.5}`, "limit"},
		{`{"query":"x","mode":"fuzzy"}`, "fuzzy"},
		{`{"query":""}`, "query"},
		{`{"query":"  \n"}`, "query"},
		{`{"query":7}`, "query"},
		{`{"limit":3}`, "query"},
		{`{"query":"a\u0000b"}`, "NUL"},
		{"{\"query\":\"\xff\"}", "UTF-8"},
		{`{"query":"x"} {"query":"y"}`, "more than one"},
		{`[]`, "object"},
		{`null`, "query"},
		{`{"query":"x"`, "JSON"},
		{`{"query":"` + strings.Repeat("x", 4001) + `"}`, "4001"},
	}
	for _, c := range cases {
		got := w.call(w.bob, "POST", "/api/v1/search", c.body)
		if got.status != 400 || got.code(t) != "invalid" || !strings.Contains(string(got.body), c.names) {
			t.Errorf("%.80s: %d %s; want 400 that names %q", c.body, got.status, got.body, c.names)
		}
	}
	if got := w.call(w.bob, "POST", "/api/v1/search", `{"query":"x"}`, "Content-Type", "text/plain"); got.status != 400 || !strings.Contains(string(got.body), "application/json") {
		t.Errorf("text/plain: %d %s", got.status, got.body)
	}
	if got := w.call(w.bob, "POST", "/api/v1/search", ""); got.status != 400 {
		t.Errorf("no body: %d", got.status)
	}
	if got := w.call(w.bob, "POST", "/api/v1/search", `{"query":"`+strings.Repeat("x", 2<<20)+`"}`); got.status != 413 || got.code(t) != "too_large" {
		t.Errorf("2 MiB: %d %s", got.status, got.body)
	}
	// An escaped backslash before u0000 is no NUL.
	w.search(w.bob, `{"query":"\\u0000"}`)
	// Unknown parameters of the address are refused as well: a misspelt version
	// must not give another version.
	if got := w.call(w.bob, "GET", "/api/v1/documents/travel?versoin=1", ""); got.status != 400 || !strings.Contains(string(got.body), "versoin") {
		t.Errorf("misspelt parameter: %d %s", got.status, got.body)
	}
}

func TestDocumentVersions(t *testing.T) {
	w := newWorld(t)
	old := cairn.VersionOf([]byte("Meals are paid up to 30 EUR a day."))
	var d struct{ Text, State, Version string }
	w.call(w.bob, "GET", "/api/v1/documents/travel", "").into(t, &d)
	if d.State != "current" || !strings.Contains(d.Text, "40 EUR") {
		t.Errorf("newest: %+v", d)
	}
	w.call(w.bob, "GET", "/api/v1/documents/travel?version="+string(old), "").into(t, &d)
	if d.State != "changed" || !strings.Contains(d.Text, "30 EUR") || d.Version != string(old) {
		t.Errorf("old: %+v", d)
	}
}

func TestSuggestions(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[*actor]string{&w.ann: `"Salaries"`, &w.bob: `[]`} {
		if got := w.call(*who, "GET", "/api/v1/suggest?q=sal", ""); !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", who.account.Email, got.body)
		}
	}
	if got := w.call(w.bob, "GET", "/api/v1/suggest?q=%20", ""); got.status != 400 {
		t.Errorf("blank: %d", got.status)
	}
}

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.IntRange(0, maxOffset).Draw(t, "offset")
		a := searchRequest{Query: rapid.String().Draw(t, "a")}.fingerprint()
		b := searchRequest{Query: rapid.String().Draw(t, "b")}.fingerprint()
		cursor := encodeCursor(offset, a)
		if got, err := decodeCursor(cursor, a); err != nil || got != offset {
			t.Fatalf("got %d, %v; want %d", got, err, offset)
		}
		if _, err := decodeCursor(cursor, b); a != b && err == nil {
			t.Fatal("the cursor of another search was taken")
		}
	})
}

func FuzzCursor(f *testing.F) {
	fp := searchRequest{Query: "x"}.fingerprint()
	f.Add(encodeCursor(10, fp))
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}))
	f.Fuzz(func(t *testing.T, cursor string) {
		if n, err := decodeCursor(cursor, fp); n < 0 || n > maxOffset || (err != nil && n != 0) {
			t.Errorf("%q: %d, %v", cursor, n, err)
		}
	})
}
