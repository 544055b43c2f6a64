package client

import (
	"context"
	"net/http"
)

// CodeRequest is what to look for in source code. Only Query is required.
type CodeRequest struct {
	Query  string `json:"query"`
	Repo   string `json:"repo,omitempty"`   // its name, the last part of it, or a pattern; empty: all
	Path   string `json:"path,omitempty"`   // a pattern such as server/**/*.go, or a folder; empty: all
	Branch string `json:"branch,omitempty"` // its name, or a pattern; empty: all
	Lang   string `json:"lang,omitempty"`   // empty: all
	Kind   string `json:"kind,omitempty"`   // literal (when it is empty), regex, symbol, reference
	Limit  int    `json:"limit,omitempty"`  // 1 to 100; 0: 20
}

// CodeResponse is what was found, best first.
type CodeResponse struct {
	Results    []CodeResult `json:"results"`
	More       bool         `json:"more"`       // than the limit
	Incomplete bool         `json:"incomplete"` // the time was over before all files were looked at, or lines were too long for the expression
	TookMS     int64        `json:"took_ms"`
	Reply
}

// CodeResult are lines of a file as a commit left it.
type CodeResult struct {
	DocumentID string      `json:"document_id"`
	Version    string      `json:"version"`
	Source     string      `json:"source"`
	Repo       string      `json:"repo"`
	Path       string      `json:"path"`
	Commit     string      `json:"commit"` // empty where the source has none
	Lang       string      `json:"lang"`
	StartLine  int         `json:"start_line"` // from 1
	EndLine    int         `json:"end_line"`
	Lines      []string    `json:"lines"` // cut where they are long
	Matches    []CodeMatch `json:"matches"`
	Symbol     string      `json:"symbol"` // what is defined here, or stands around; may be empty
	SymbolKind string      `json:"symbol_kind"`
	URL        string      `json:"url"` // may be empty
}

// CodeMatch is the first match on a line. Start and End are bytes of that line.
type CodeMatch struct {
	Line  int `json:"line"`
	Start int `json:"start"`
	End   int `json:"end"`
}

// SearchCode returns lines of the files that the caller may read.
func (c *Client) SearchCode(ctx context.Context, req CodeRequest) (CodeResponse, error) {
	return fetch[CodeResponse](ctx, c, http.MethodPost, api("code", "search"), req)
}
