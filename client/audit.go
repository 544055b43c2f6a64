package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// AuditEvent is a row of the audit log.
type AuditEvent struct {
	Seq       int64       `json:"seq"`
	At        time.Time   `json:"at"`
	Action    string      `json:"action"`
	Outcome   string      `json:"outcome"` // "ok", or the code of an error
	AccountID string      `json:"account_id"`
	Via       string      `json:"via"`
	TokenID   string      `json:"token_id"`
	Address   string      `json:"address"`
	RequestID string      `json:"request_id"`
	Object    AuditObject `json:"object"`
	Detail    string      `json:"detail"`
	Documents []string    `json:"documents"` // that were shown, or erased
	Previous  string      `json:"previous"`  // hash of the row before
	Hash      string      `json:"hash"`
}

// AuditObject is what an action was done to.
type AuditObject struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// AuditFilter narrows what is read of the audit log; empty fields narrow nothing.
type AuditFilter struct {
	Account  string // id or e-mail address
	Action   string // an action, or the part before its dot
	Outcome  string
	Object   string // kind
	ObjectID string
	Document string
	Since    string // time
	Until    string // time, exclusive
}

func (f AuditFilter) query() []string {
	return []string{
		"account", f.Account, "action", f.Action, "outcome", f.Outcome, "object", f.Object, "object_id", f.ObjectID,
		"document", f.Document, "since", f.Since, "until", f.Until,
	}
}

// Audit lists the newest rows of the audit log, at most so many; 0: all.
func (c *Client) Audit(ctx context.Context, f AuditFilter, most int) (List[AuditEvent], error) {
	return list[AuditEvent](ctx, c, api("audit"), "events", most, f.query()...)
}

// ExportAudit yields the rows of the audit log as lines of JSON, without their
// ends, the oldest first.
func (c *Client) ExportAudit(ctx context.Context, f AuditFilter) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		res, err := c.send(ctx, http.MethodGet, with(api("audit", "export"), f.query()...), nil, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer res.Body.Close()
		lines := bufio.NewReaderSize(res.Body, 64<<10)
		for {
			line, err := lines.ReadBytes('\n')
			switch {
			case errors.Is(err, io.EOF) && len(line) == 0:
				return
			case err != nil: // a line without an end was cut short
				yield(nil, c.broken(ctx, err))
				return
			}
			if !yield(line[:len(line)-1], nil) {
				return
			}
		}
	}
}

// AuditReport is what a check of the audit log found.
type AuditReport struct {
	Intact bool         `json:"intact"`
	Rows   int64        `json:"rows"`  // that are right
	First  int64        `json:"first"` // number of the oldest row
	Mark   string       `json:"mark"`  // of the newest right row
	Broken *AuditBroken `json:"broken,omitempty"`
	Reply  `json:"-"`
}

// AuditBroken is the first row at which the log is not what was written.
type AuditBroken struct {
	Seq  int64  `json:"seq"`
	What string `json:"what"`
}

// String says what was found.
func (r AuditReport) String() string {
	if r.Broken != nil {
		return fmt.Sprintf("The audit log is broken at row %d: %s.", r.Broken.Seq, r.Broken.What)
	}
	if r.Rows == 0 {
		return "The audit log is empty."
	}
	return fmt.Sprintf("The audit log is whole: %d rows from %d on.\nNote this mark of the newest row elsewhere, and give it the next time with --known:\n%s", r.Rows, r.First, r.Mark)
}

// VerifyAudit checks the whole audit log, and that rows whose marks were noted
// before are still in it.
func (c *Client) VerifyAudit(ctx context.Context, known []string) (AuditReport, error) {
	return fetch[AuditReport](ctx, c, http.MethodPost, api("audit", "verify"), map[string][]string{"known": known})
}
