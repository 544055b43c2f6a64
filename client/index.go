package client

import (
	"context"
	"net/http"
)

// IndexReport is what a comparison of the index with what it is derived from found.
type IndexReport struct {
	Segments int            `json:"segments"`
	Packed   int            `json:"packed"` // passages in segments
	Fresh    int            `json:"fresh"`  // passages in none yet
	Rows     int            `json:"rows"`
	Code     int            `json:"code_files"` // in the index of code
	Problems []IndexProblem `json:"problems"`
	Reply
}

// IndexProblem is something of the index that is not as it should be; what is alike
// in a segment is one.
type IndexProblem struct {
	Segment int32  `json:"segment"` // 0: of none
	What    string `json:"what"`
}

// VerifyIndex compares the index with what it is derived from; quick leaves out
// texts and vectors.
func (c *Client) VerifyIndex(ctx context.Context, quick bool) (IndexReport, error) {
	return fetch[IndexReport](ctx, c, http.MethodPost, api("index", "verify"), map[string]bool{"quick": quick})
}

// RebuiltIndex says how much was indexed anew.
type RebuiltIndex struct {
	Chunks int `json:"chunks"`
	Reply
}

// RebuildIndex derives the index anew. It returns when that is done.
func (c *Client) RebuildIndex(ctx context.Context) (RebuiltIndex, error) {
	return fetch[RebuiltIndex](ctx, c, http.MethodPost, api("index", "rebuild"), nil)
}
