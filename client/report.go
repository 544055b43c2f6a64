package client

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Oversharing tells which documents with something sensitive in them many may read.
type Oversharing struct {
	Accounts  int                  `json:"accounts"`
	MoreThan  int                  `json:"more_than"`  // so many readers are not yet too many
	ScannedAt *time.Time           `json:"scanned_at"` // nil: not yet
	Pending   int                  `json:"pending"`    // documents to be looked at
	Sources   []OversharedSource   `json:"sources"`
	Days      []OversharedDay      `json:"days"`
	Documents []OversharedDocument `json:"documents"` // the first ones
	Next      *string              `json:"next_cursor"`
	Reply
}

// OversharedSource counts the documents of a source.
type OversharedSource struct {
	Source    string         `json:"source"`
	Documents int            `json:"documents"`
	Everyone  int            `json:"everyone"` // of them: that whoever signs in may read
	Kinds     map[string]int `json:"kinds"`    // documents by what was found
}

// OversharedDay counts the documents with a kind of a source on a day.
type OversharedDay struct {
	Day       string `json:"day"`
	Source    string `json:"source"`
	Kind      string `json:"kind"`
	Documents int    `json:"documents"`
	Everyone  int    `json:"everyone"`
}

// OversharedDocument is a document with what was found in it.
type OversharedDocument struct {
	DocumentID string         `json:"document_id"`
	Source     string         `json:"source"`
	Kinds      map[string]int `json:"kinds"`
	Readers    struct {
		Everyone bool `json:"everyone"`
		Accounts int  `json:"accounts"`
	} `json:"readers"`
}

// OversharingRequest says what to report.
type OversharingRequest struct {
	MoreThan *int // so many readers are not yet too many; nil: half of the accounts
	Days     int  // of which counts are given; 0: 30
	Limit    int  // documents; 0: 50
}

// Oversharing returns the report with its first documents.
func (c *Client) Oversharing(ctx context.Context, req OversharingRequest) (Oversharing, error) {
	days, limit := "", ""
	if req.Days > 0 {
		days = strconv.Itoa(req.Days)
	}
	if req.Limit > 0 {
		limit = strconv.Itoa(req.Limit)
	}
	path := with(api("reports", "oversharing"), "more_than", threshold(req.MoreThan), "days", days, "limit", limit)
	return fetch[Oversharing](ctx, c, http.MethodGet, path, nil)
}

// OversharingCSV writes all documents of the report as a table.
func (c *Client) OversharingCSV(ctx context.Context, moreThan *int, w io.Writer) error {
	res, err := c.send(ctx, http.MethodGet, with(api("reports", "oversharing"), "more_than", threshold(moreThan), "format", "csv"), nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(w, res.Body); err != nil {
		return c.broken(ctx, err)
	}
	return nil
}

// ScanOversharing makes the detectors look within a minute at what is new or changed.
func (c *Client) ScanOversharing(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, api("reports", "oversharing", "scan"), nil, nil)
}

func threshold(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
