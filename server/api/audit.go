package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// auditEvent is a row of the audit log as it is sent.
type auditEvent struct {
	Seq       int64              `json:"seq"`
	At        time.Time          `json:"at"`
	Action    audit.Action       `json:"action"`
	Outcome   audit.Outcome      `json:"outcome"`
	Account   cairn.AccountID    `json:"account_id"`
	Via       string             `json:"via"`
	Token     string             `json:"token_id"`
	Address   string             `json:"address"`
	Request   string             `json:"request_id"`
	Object    auditObject        `json:"object"`
	Detail    string             `json:"detail"`
	Documents []cairn.DocumentID `json:"documents"`
	Previous  string             `json:"previous"`
	Hash      string             `json:"hash"`
}

type auditObject struct {
	Kind audit.Kind `json:"kind"`
	ID   string     `json:"id"`
}

func auditEventOf(r audit.Row) auditEvent {
	return auditEvent{
		Seq: r.Seq, At: r.At.UTC(), Action: r.Action, Outcome: r.Outcome, Account: r.Account, Via: r.Via, Token: r.Token,
		Address: r.Address, Request: r.Request, Object: auditObject(r.Object), Detail: r.Detail, Documents: list(r.Documents),
		Previous: r.Previous.String(), Hash: r.Hash.String(),
	}
}

// auditParams are the parameters by which the audit log is narrowed.
var auditParams = []string{"account", "action", "outcome", "object", "object_id", "document", "since", "until"}

// auditFilter reads the parameters of the address.
func (a *API) auditFilter(ctx context.Context, values map[string]string) (AuditFilter, error) {
	f := AuditFilter{
		Action: values["action"], Outcome: audit.Outcome(values["outcome"]), Document: cairn.DocumentID(values["document"]),
		Object: audit.Object{Kind: audit.Kind(values["object"]), ID: values["object_id"]},
	}
	for name, to := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if values[name] == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, values[name])
		if err != nil {
			return f, cairn.Errorf(cairn.ErrInvalid, "%s is %q; write a time as in 2026-11-23T09:30:00Z", name, values[name])
		}
		*to = at.UTC()
	}
	if name := values["account"]; name != "" {
		account, err := a.account(ctx, name)
		if err != nil {
			// An account that is gone is still in the log, by its id.
			account.ID = cairn.AccountID(name)
		}
		f.Account = account.ID
	}
	return f, nil
}

// listAudit answers GET /audit. That somebody reads the log is in the log before
// it is read.
func (a *API) listAudit(c *gin.Context) error {
	values, err := params(c, append([]string{"limit", "cursor"}, auditParams...)...)
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	f, err := a.auditFilter(ctx, values)
	if err != nil {
		return err
	}
	if err := record(ctx); err != nil {
		return err
	}
	rows, next, err := a.Store.ListAudit(ctx, f, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Events []auditEvent `json:"events"`
		Next   *string      `json:"next_cursor"`
	}{mapped(rows, auditEventOf), after(next)})
}

// record writes the request into the audit log now, behind what requests before
// it have shown.
func record(ctx context.Context) error {
	e := audit.FromContext(ctx)
	e.Settle(ctx)
	return e.Write(ctx)
}

// exportAudit answers GET /audit/export with a line for each row, the oldest
// first. An error after the first line ends the response early.
func (a *API) exportAudit(c *gin.Context) error {
	values, err := params(c, auditParams...)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	f, err := a.auditFilter(ctx, values)
	if err != nil {
		return err
	}
	if err := record(ctx); err != nil {
		return err
	}
	for row, err := range a.Store.AuditRows(ctx, f) {
		if err != nil {
			return err
		}
		line, err := encode(auditEventOf(row))
		if err != nil {
			return err
		}
		beginExport(c)
		if _, err := c.Writer.Write(line); err != nil {
			return nil // nobody reads it any more
		}
	}
	beginExport(c)
	return nil
}

// beginExport writes the header of the response, once.
func beginExport(c *gin.Context) {
	if !c.Writer.Written() {
		c.Writer.Header().Set("Content-Type", "application/x-ndjson")
		c.Writer.WriteHeader(http.StatusOK)
		c.Writer.WriteHeaderNow()
	}
}

// auditVerification is what a check of the log has found, as it is sent.
type auditVerification struct {
	Intact bool         `json:"intact"`
	Rows   int64        `json:"rows"`
	First  int64        `json:"first"`
	Mark   string       `json:"mark"`
	Broken *auditBroken `json:"broken,omitempty"`
}

type auditBroken struct {
	Seq  int64  `json:"seq"`
	What string `json:"what"`
}

// verifyAudit answers POST /audit/verify.
func (a *API) verifyAudit(c *gin.Context) error {
	var req struct {
		Known []string `json:"known"`
	}
	if err := decode(c, &req, true); err != nil {
		return err
	}
	if len(req.Known) > 100 {
		return cairn.Errorf(cairn.ErrInvalid, "name at most 100 marks")
	}
	var known []audit.Mark
	for _, text := range req.Known {
		m, err := audit.ParseMark(text)
		if err != nil {
			return err
		}
		known = append(known, m)
	}
	ctx := c.Request.Context()
	if err := record(ctx); err != nil {
		return err
	}
	v, err := a.Store.VerifyAudit(ctx, known)
	if err != nil {
		return err
	}
	out := auditVerification{Intact: v.Broken == nil, Rows: v.Rows, First: v.First, Mark: v.Last.String()}
	if v.Broken != nil {
		out.Broken = &auditBroken{v.Broken.Seq, v.Broken.What}
	}
	return reply(c, http.StatusOK, out)
}
