package api

import (
	"context"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
)

// codeFinder finds a text in documents that the viewer may read, as if they were code.
type codeFinder struct{ m *memory }

func (f codeFinder) Search(ctx context.Context, q code.Query) (code.Results, error) {
	if q.Kind == code.Regex {
		return code.Results{}, cairn.Errorf(cairn.ErrInvalid, "the expression cannot be read")
	}
	found, err := finder(f).Search(ctx, cairn.Query{Viewer: q.Viewer, Text: q.Text, Limit: q.Limit})
	var res code.Results
	for _, p := range found.Passages {
		res.Results = append(res.Results, code.Result{
			Document: p.Document, Version: p.Version, Source: p.Source, Repo: q.Repo, Path: p.Title, StartLine: 1, EndLine: 1,
			Lines: []string{p.Text}, Matches: []code.Match{{Line: 1, End: len(p.Text)}}, URL: p.URL,
		})
	}
	res.More = found.More
	return res, err
}

func TestCodeSearchShowsWhatTheCallerMayRead(t *testing.T) {
	w := newWorld(t)
	for who, want := range map[*actor]string{&w.ann: "travel meals salaries", &w.bob: "travel meals", &w.root: "travel meals"} {
		got := w.call(*who, "POST", "/api/v1/code/search", `{"query":"Meals","repo":"acme/tools"}`)
		var r struct {
			Results []struct {
				Document string `json:"document_id"`
				Repo     string
				Lines    []string
			}
		}
		if got.into(t, &r); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		var ids []string
		for _, p := range r.Results {
			if ids = append(ids, p.Document); p.Repo != "acme/tools" || p.Lines[0] != "Meals" {
				t.Errorf("a result is %+v", p)
			}
		}
		if found := strings.Join(ids, " "); found != want {
			t.Errorf("%s finds %q; want %q", who.account.Email, found, want)
		}
	}
	for _, body := range []string{`{"query":"(","kind":"regex"}`, `{"query":"a","limit":0}`, `{"query":"a","limit":101}`, `{"query":"a","sources":["x"]}`} {
		if got := w.call(w.bob, "POST", "/api/v1/code/search", body); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}
