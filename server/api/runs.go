package api

import (
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

type run struct {
	ID        string         `json:"id"`
	State     cairn.RunState `json:"state"`
	Full      bool           `json:"full"`
	DryRun    bool           `json:"dry_run"`
	Reason    string         `json:"reason"`
	Created   time.Time      `json:"created_at"`
	Started   *time.Time     `json:"started_at"`
	Finished  *time.Time     `json:"finished_at"`
	Total     int            `json:"total"`
	Scanned   int            `json:"scanned"`
	Added     int            `json:"added"`
	Modified  int            `json:"modified"`
	Deleted   int            `json:"deleted"`
	Failed    int            `json:"failed"`
	Unchanged int            `json:"unchanged"`

	PermissionsOnly bool `json:"permissions_only"`
	PartsOnly       bool `json:"parts_only"`
	Scheduled       bool `json:"scheduled"`

	// While it runs.
	Phase     string  `json:"phase"`
	Rate      float64 `json:"rate"`
	Remaining *int    `json:"remaining_s"`

	Warnings []cairn.RunWarning `json:"warnings,omitempty"`
	Preview  *cairn.RunPreview  `json:"preview,omitempty"`
}

func runOf(r cairn.Run) run {
	out := run{
		ID: r.ID, State: r.State, Full: r.Full, DryRun: r.DryRun, Reason: r.Reason, Created: r.Created.UTC(),
		Started: moment(r.Started), Finished: moment(r.Finished), Total: r.Total, Scanned: r.Scanned, Added: r.Added,
		Modified: r.Modified, Deleted: r.Deleted, Failed: r.Failed, Unchanged: r.Unchanged,
		PermissionsOnly: r.PermissionsOnly, PartsOnly: r.PartsOnly, Scheduled: r.Scheduled, Phase: r.Phase, Rate: r.Rate, Warnings: r.Warnings,
	}
	if left := r.Remaining(); left > 0 {
		seconds := int(math.Ceil(left.Seconds()))
		out.Remaining = &seconds
	}
	out.Preview = previewOf(r.Preview)
	return out
}

// previewOf returns a preview whose lists are lists, also when they are empty.
func previewOf(p *cairn.RunPreview) *cairn.RunPreview {
	if p == nil {
		return nil
	}
	out := &cairn.RunPreview{Added: list(p.Added), Modified: list(p.Modified), Deleted: list(p.Deleted)}
	if p.Access == nil {
		return out
	}
	access := *p.Access
	access.Lose.First, access.Gain.First = list(access.Lose.First), list(access.Gain.First)
	access.Groups.First = list(access.Groups.First)
	access.First = mapped(access.First, func(d cairn.DocumentAccess) cairn.DocumentAccess {
		d.Lose.First, d.Gain.First = list(d.Lose.First), list(d.Gain.First)
		return d
	})
	out.Access = &access
	return out
}

// syncSource answers POST /sources/{name}/sync.
func (a *API) syncSource(c *gin.Context) error {
	var req struct {
		Full    bool `json:"full"`
		DryRun  bool `json:"dry_run"`
		Confirm bool `json:"confirm"`

		PermissionsOnly bool `json:"permissions_only"`
	}
	if err := decode(c, &req, true); err != nil {
		return err
	}
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	r, err := a.Jobs.Sync(ctx, s.ID, cairn.SyncOptions(req))
	if err != nil {
		return err
	}
	return reply(c, http.StatusAccepted, runOf(r))
}

// cancelSync answers POST /sources/{name}/cancel.
func (a *API) cancelSync(c *gin.Context) error {
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	if err := a.Jobs.Cancel(ctx, s.ID); err != nil {
		return err
	}
	return noContent(c)
}

// listRuns answers GET /sources/{name}/runs.
func (a *API) listRuns(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	runs, next, err := a.Store.ListRuns(ctx, s.ID, p)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(runs, func(r cairn.Run) bool { return r.Preview != nil }) {
		e := audit.FromContext(ctx)
		e.As(audit.SourceRuns)
		e.About(audit.KindSource, string(s.ID))
	}
	return reply(c, http.StatusOK, struct {
		Runs []run   `json:"runs"`
		Next *string `json:"next_cursor"`
	}{mapped(runs, runOf), after(next)})
}

type documentError struct {
	External string    `json:"external_id"`
	URL      string    `json:"url"`
	Reason   string    `json:"reason"`
	Code     string    `json:"code"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
}

// listErrors answers GET /sources/{name}/errors.
func (a *API) listErrors(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindSource, string(s.ID))
	errs, next, err := a.Store.ListErrors(ctx, s.ID, p)
	if err != nil {
		return err
	}
	toWire := func(e cairn.DocumentError) documentError {
		return documentError{e.External, e.URL, e.Reason, e.Code, e.Attempts, e.At.UTC()}
	}
	return reply(c, http.StatusOK, struct {
		Errors []documentError `json:"errors"`
		Next   *string         `json:"next_cursor"`
	}{mapped(errs, toWire), after(next)})
}

// retryErrors answers POST /sources/{name}/errors/retry.
func (a *API) retryErrors(c *gin.Context) error {
	var req struct {
		Externals []string `json:"external_ids"`
	}
	if err := decode(c, &req, true); err != nil {
		return err
	}
	if len(req.Externals) > 1000 {
		return cairn.Errorf(cairn.ErrInvalid, "name at most 1000 documents, or none to retry all")
	}
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	n, err := a.Store.RetryErrors(ctx, s.ID, req.Externals)
	if err != nil {
		return err
	}
	out := struct {
		Retrying int  `json:"retrying"`
		Run      *run `json:"run,omitempty"`
	}{Retrying: n}
	if n > 0 {
		r, err := a.Jobs.Sync(ctx, s.ID, cairn.SyncOptions{})
		if err != nil {
			return err
		}
		queued := runOf(r)
		out.Run = &queued
	}
	return reply(c, http.StatusAccepted, out)
}
