package mcp

import (
	"context"
	"fmt"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

const (
	maxQuery = 4000 // characters
	// A search looks at so many passages, and names so many documents.
	lookedAt = 40
	named    = 20
)

type searchInput struct {
	Query string `json:"query" jsonschema:"what to look for: a question or keywords"`
}

type searchOutput struct {
	Results []result `json:"results"`
}

// result is a document that was found.
type result struct {
	ID    string `json:"id" jsonschema:"for fetch"`
	Title string `json:"title"`
	URL   string `json:"url" jsonschema:"where people read it"`
}

// search answers the tool search.
func (s *Server) search(ctx context.Context, u *use, in searchInput) (searchOutput, string, error) {
	if err := given("query", in.Query, maxQuery); err != nil {
		return searchOutput{}, "", err
	}
	found, err := s.cfg.Search.Search(ctx, cairn.Query{Viewer: u.viewer(), Text: in.Query, Limit: lookedAt})
	if err != nil {
		return searchOutput{}, "", fmt.Errorf("search: %w", err)
	}
	best := documents(found.Passages)
	for _, p := range best {
		audit.FromContext(ctx).Shown(p.Document)
	}
	return searchOutput{Results: u.results(best)}, "", nil
}

// documents returns the best passage of each document, of as many as are named.
func documents(passages []cairn.Passage) []cairn.Passage {
	var out []cairn.Passage
	met := map[cairn.DocumentID]bool{}
	for _, p := range passages {
		if !met[p.Document] && len(out) < named {
			met[p.Document] = true
			out = append(out, p)
		}
	}
	return out
}

func (u *use) results(passages []cairn.Passage) []result {
	out := make([]result, len(passages))
	for i, p := range passages {
		out[i] = result{ID: partOf(p.Document, p.Start), Title: short(p.Title, maxTitle), URL: u.link(p.URL, p.Document)}
	}
	return out
}
