package api

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

type codeRequest struct {
	Query  string    `json:"query"`
	Repo   string    `json:"repo"`
	Path   string    `json:"path"`
	Branch string    `json:"branch"`
	Lang   string    `json:"lang"`
	Kind   code.Kind `json:"kind"`
	Limit  *int      `json:"limit"`
}

type codeMatch struct {
	Line  int `json:"line"`
	Start int `json:"start"`
	End   int `json:"end"`
}

type codeResult struct {
	Document   cairn.DocumentID `json:"document_id"`
	Version    cairn.Version    `json:"version"`
	Source     string           `json:"source"`
	Repo       string           `json:"repo"`
	Path       string           `json:"path"`
	Commit     string           `json:"commit"`
	Language   string           `json:"lang"`
	StartLine  int              `json:"start_line"`
	EndLine    int              `json:"end_line"`
	Lines      []string         `json:"lines"`
	Matches    []codeMatch      `json:"matches"`
	Symbol     string           `json:"symbol"`
	SymbolKind string           `json:"symbol_kind"`
	URL        string           `json:"url"`
}

type codeResponse struct {
	Results    []codeResult `json:"results"`
	More       bool         `json:"more"`
	Incomplete bool         `json:"incomplete"`
	Took       int64        `json:"took_ms"`
}

// Results of a code search: how many unless asked for more, and how many of one file.
const (
	defaultCodeLimit = 20
	codePerFile      = 5
)

// searchCode answers POST /code/search.
func (a *API) searchCode(c *gin.Context) error {
	var req codeRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	q := code.Query{Text: req.Query, Kind: cmp.Or(req.Kind, code.Literal), Repo: req.Repo, Path: req.Path, Branch: req.Branch, Language: req.Lang, Limit: defaultCodeLimit, PerFile: codePerFile}
	if req.Limit != nil {
		q.Limit = *req.Limit
	}
	if q.Limit < 1 || q.Limit > maxLimit {
		return cairn.Errorf(cairn.ErrInvalid, "\"limit\" must be a whole number from 1 to %d", maxLimit)
	}
	if err := checkLength("lang", req.Lang, 0, 50); err != nil {
		return err
	}
	q.Viewer = auth.FromContext(c.Request.Context()).Viewer
	began := time.Now()
	found, err := a.Code.Search(c.Request.Context(), q)
	if err != nil {
		return fmt.Errorf("search code: %w", err)
	}
	out := codeResponse{Results: make([]codeResult, len(found.Results)), More: found.More, Incomplete: found.Incomplete, Took: time.Since(began).Milliseconds()}
	entry := audit.FromContext(c.Request.Context())
	for i, r := range found.Results {
		entry.Shown(r.Document)
		out.Results[i] = codeResultOf(r)
	}
	return reply(c, http.StatusOK, out)
}

func codeResultOf(r code.Result) codeResult {
	matches := make([]codeMatch, len(r.Matches))
	for i, m := range r.Matches {
		matches[i] = codeMatch(m)
	}
	lines := r.Lines
	if lines == nil {
		lines = []string{}
	}
	return codeResult{
		Document: r.Document, Version: r.Version, Source: r.Source, Repo: r.Repo, Path: r.Path, Commit: r.Commit, Language: r.Language,
		StartLine: r.StartLine, EndLine: r.EndLine, Lines: lines, Matches: matches, Symbol: r.Symbol, SymbolKind: r.SymbolKind, URL: r.URL,
	}
}
