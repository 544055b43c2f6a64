package mcp

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/server/audit"
)

const (
	codePage   = 50       // passages that are asked for at once
	codePages  = 4        // that are looked at for one reply
	codeFew    = 10       // pieces where no limit is given
	codeMost   = 50       // pieces
	codeBudget = 24 << 10 // bytes of code in one reply
	codePiece  = 4 << 10  // bytes of one piece
)

type codeInput struct {
	Query  string `json:"query" jsonschema:"words, identifiers or a description of what the code does; or what kind says"`
	Kind   string `json:"kind,omitempty" jsonschema:"left out: by words and meaning. literal: text as it stands on one line. regex: an expression of RE2. symbol: where this name, as Decode or Decoder.Decode, is defined. reference: where this name is used"`
	Repo   string `json:"repo,omitempty" jsonschema:"only this repository, or source of that name"`
	Path   string `json:"path,omitempty" jsonschema:"only files whose path begins with this, such as internal/server/; with a kind also a pattern, such as server/**/*.go"`
	Branch string `json:"branch,omitempty" jsonschema:"only files of this branch; with a kind also a pattern, such as release/*"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many pieces, 1 to 50; left out: 10"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the same search"`
}

type codeOutput struct {
	Results []code `json:"results"`
	Next    string `json:"next_cursor,omitempty"`
	// More and Incomplete are of searches of a kind, which have no cursor.
	More       bool `json:"more,omitempty" jsonschema:"there is more than was asked for"`
	Incomplete bool `json:"incomplete,omitempty" jsonschema:"the time was over before all files were looked at or lines were too long for the expression: narrow the search"`
}

// code is a piece of a file.
type code struct {
	Place  string `json:"location" jsonschema:"repo/path:L10-L20@commit"`
	ID     string `json:"id" jsonschema:"for fetch"`
	Repo   string `json:"repo"`
	Path   string `json:"path"`
	Commit string `json:"commit,omitempty"`
	Start  int    `json:"start_line"`
	End    int    `json:"end_line"`
	Text   string `json:"text"`
	URL    string `json:"url"`
}

// place is where a document of code lies.
type place struct{ repo, path, commit string }

func placeOf(d Document) place {
	p := place{d.Attributes["repo"], d.Attributes["path"], d.Attributes["commit"]}
	if p.repo == "" {
		p.repo = d.SourceName
	}
	if p.path == "" {
		p.path = d.External
	}
	return p
}

// at returns how lines of the document are cited.
func (p place) at(first, last int) string {
	out := fmt.Sprintf("%s/%s:L%d-L%d", p.repo, p.path, first, last)
	if p.commit != "" {
		out += "@" + p.commit
	}
	return out
}

// codeSearch is one search for code while it is made.
type codeSearch struct {
	*Server
	u    *use
	in   codeInput
	docs map[cairn.DocumentID]Document
	out  []code
	size int
}

// searchCode answers the tool search_code: it searches the documents that are code.
func (s *Server) searchCode(ctx context.Context, u *use, in codeInput) (codeOutput, string, error) {
	for _, err := range []error{given("query", in.Query, maxQuery), optional("repo", in.Repo, maxPath), optional("path", in.Path, maxPath), optional("branch", in.Branch, maxPath)} {
		if err != nil {
			return codeOutput{}, "", err
		}
	}
	if in.Limit < 0 || in.Limit > codeMost {
		return codeOutput{}, "", cairn.Errorf(cairn.ErrInvalid, "\"limit\" is a whole number from 1 to %d", codeMost)
	}
	if in.Limit == 0 {
		in.Limit = codeFew
	}
	if in.Kind != "" {
		return s.exactCode(ctx, u, in)
	}
	at, err := parseCursor(in.Cursor, in.Query, in.Repo, in.Path, in.Branch)
	if err != nil {
		return codeOutput{}, "", err
	}
	search := &codeSearch{Server: s, u: u, in: in, docs: map[cairn.DocumentID]Document{}, out: []code{}}
	next, more, err := search.run(ctx, at)
	if err != nil {
		return codeOutput{}, "", err
	}
	out := codeOutput{Results: search.out}
	if more {
		out.Next = next.encode(in.Query, in.Repo, in.Path, in.Branch)
	}
	return out, out.text(), nil
}

// run collects pieces from a position on, and returns where the next reply goes on.
func (s *codeSearch) run(ctx context.Context, at position) (next position, more bool, err error) {
	for range codePages {
		found, err := s.page(ctx, at.page)
		if err != nil {
			return position{}, false, err
		}
		for i := at.skip; i < len(found.Passages); i++ {
			full, err := s.take(ctx, found.Passages[i])
			if err != nil {
				return position{}, false, err
			}
			if full {
				return position{at.page, i}, true, nil
			}
		}
		if at = (position{at.page + 1, 0}); !found.More || at.page == maxPages {
			return position{}, false, nil
		}
	}
	return at, true, nil
}

func (s *codeSearch) page(ctx context.Context, page int) (retrieval.Results, error) {
	q := cairn.Query{Viewer: s.u.viewer(), Text: s.in.Query, Limit: codePage, Offset: page * codePage, Filters: cairn.Filters{Kind: cairn.KindCode}}
	found, err := s.cfg.Search.Search(ctx, q)
	if err != nil {
		return found, fmt.Errorf("search code: %w", err)
	}
	return found, nil
}

// take adds a passage, if it is of the files that are wanted. full says that it did not
// fit any more.
func (s *codeSearch) take(ctx context.Context, p cairn.Passage) (full bool, err error) {
	d, ok := s.docs[p.Document]
	if !ok {
		d, err = s.cfg.Store.Document(ctx, s.u.viewer(), p.Document, p.Version)
		if err != nil {
			return false, ignoreMissing(err)
		}
		if !s.wants(d) {
			d.Body = nil // of many files
		}
		s.docs[p.Document] = d
	}
	if d.Version != p.Version || !s.wants(d) {
		return false, nil
	}
	where := placeOf(d)
	text := strings.TrimRight(short(p.Text, codePiece), "\n")
	if len(s.out) == s.in.Limit || len(s.out) > 0 && s.size+len(text) > codeBudget {
		return true, nil
	}
	s.size += len(text)
	first, last := lineOf(d.Body, p.Start), lineOf(d.Body, max(p.Start, p.End-1))
	audit.FromContext(ctx).Shown(d.ID)
	s.out = append(s.out, code{
		Place: where.at(first, last), ID: partOf(d.ID, p.Start), Repo: where.repo, Path: where.path, Commit: where.commit,
		Start: first, End: last, Text: text, URL: s.u.link(p.URL, d.ID),
	})
	return false, nil
}

// wants reports whether a document lies where is looked.
func (s *codeSearch) wants(d Document) bool {
	where := placeOf(d)
	return (s.in.Repo == "" || s.in.Repo == where.repo || s.in.Repo == d.SourceName) && strings.HasPrefix(where.path, s.in.Path) &&
		(s.in.Branch == "" || s.in.Branch == d.Attributes["branch"])
}

func (o codeOutput) text() string {
	if len(o.Results) == 0 {
		return "Nothing was found in the code that you may read."
	}
	var b strings.Builder
	for _, c := range o.Results {
		fmt.Fprintf(&b, "%s\n%s\n\n%s\n\n", c.Place, c.URL, numbered(c.Text, c.Start))
	}
	switch {
	case o.Next != "":
		b.WriteString("(more: cursor " + o.Next + ")\n")
	case o.Incomplete:
		b.WriteString("(not all was looked at: narrow the search)\n")
	case o.More:
		b.WriteString("(there is more: narrow the search)\n")
	}
	return b.String()
}
