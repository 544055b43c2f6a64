package mcp

import (
	"context"
	"strings"
)

// listed is how many sources are listed at once.
const listed = 100

type sourcesInput struct {
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the list before"`
}

type sourcesOutput struct {
	Sources []source `json:"sources"`
	Next    string   `json:"next_cursor,omitempty"`
}

type source struct {
	Name string `json:"name"`
}

// listSources answers the tool list_sources.
func (s *Server) listSources(ctx context.Context, u *use, in sourcesInput) (sourcesOutput, string, error) {
	if err := optional("cursor", in.Cursor, 1000); err != nil {
		return sourcesOutput{}, "", err
	}
	names, next, err := s.cfg.Store.ReadableSources(ctx, u.viewer(), listed, in.Cursor)
	if err != nil {
		return sourcesOutput{}, "", err
	}
	out := sourcesOutput{Sources: make([]source, len(names)), Next: next}
	for i, name := range names {
		out.Sources[i].Name = name
	}
	text := "There are no sources in which you may read something."
	if len(names) > 0 {
		text = strings.Join(names, "\n")
	}
	if next != "" {
		text += "\n(more: cursor " + next + ")"
	}
	return out, text, nil
}
