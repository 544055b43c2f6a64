package mcp

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnhq/cairn"
	search "github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/server/audit"
)

// CodeSearcher finds text, expressions, definitions and references in code.
type CodeSearcher interface {
	// Search returns what a query finds in the files that its viewer may read.
	Search(ctx context.Context, q search.Query) (search.Results, error)
}

// codePerFile is how many results of one file are given.
const codePerFile = 5

// exactCode answers a search_code that says how its query is meant.
func (s *Server) exactCode(ctx context.Context, u *use, in codeInput) (codeOutput, string, error) {
	if in.Cursor != "" {
		return codeOutput{}, "", cairn.Errorf(cairn.ErrInvalid, "a search with a kind has no cursor: narrow it by repo and path, or raise limit")
	}
	found, err := s.cfg.Code.Search(ctx, search.Query{
		Viewer: u.viewer(), Text: in.Query, Kind: search.Kind(in.Kind), Repo: in.Repo, Path: in.Path, Branch: in.Branch, Limit: in.Limit, PerFile: codePerFile,
	})
	if err != nil {
		return codeOutput{}, "", fmt.Errorf("search code: %w", err)
	}
	out, size := codeOutput{Results: []code{}, More: found.More, Incomplete: found.Incomplete}, 0
	for _, r := range found.Results {
		text := short(strings.Join(r.Lines, "\n"), codePiece)
		if len(out.Results) > 0 && size+len(text) > codeBudget {
			out.More = true
			break
		}
		size += len(text)
		audit.FromContext(ctx).Shown(r.Document)
		at := place{r.Repo, r.Path, r.Commit}
		out.Results = append(out.Results, code{
			Place: at.at(r.StartLine, r.EndLine), ID: string(r.Document), Repo: r.Repo, Path: r.Path, Commit: r.Commit,
			Start: r.StartLine, End: r.EndLine, Text: text, URL: u.link(r.URL, r.Document),
		})
	}
	return out, out.text(), nil
}
