package server

import (
	"errors"
	"log/slog"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// errPanicked is the outcome of a request whose handler has panicked.
var errPanicked = errors.New("panic")

// audit puts an entry of the audit log into the context of a request. This is
// the one place where requests get theirs, so that no route can forget it.
func (s *Server) audit(c *gin.Context, r Route) *audit.Entry {
	ctx := c.Request.Context()
	e := audit.Begin(s.cfg.Audit, audit.Event{
		Action: r.Audit, Address: s.cfg.Auth.ClientAddr(c.Request), Request: requestID(ctx),
	})
	c.Request = c.Request.WithContext(audit.NewContext(ctx, e))
	return e
}

// untried reports whether somebody who wants to sign in was refused for the form of
// the request alone, or for the page that it comes from.
func untried(err error) bool {
	var refused auth.Refused
	return !errors.As(err, &refused) &&
		(errors.Is(err, cairn.ErrInvalid) || errors.Is(err, cairn.ErrTooLarge) || errors.Is(err, cairn.ErrDenied))
}

// conclude tells the audit log how a request has ended, unless the change that
// it made did. An attempt to sign in is written before it is refused.
func (s *Server) conclude(c *gin.Context, r Route, e *audit.Entry, err error) {
	outcome := audit.OK
	if err != nil {
		known := auth.FromContext(c.Request.Context()).Account.ID != ""
		if r.Audit != audit.SignIn && errors.Is(err, cairn.ErrUnauthenticated) && !known {
			return // by nobody who is known: see the server's log and its metrics
		}
		if errors.Is(err, cairn.ErrRateLimited) {
			return // not tried; else whoever tries too often would fill the log
		}
		if r.Audit == audit.SignIn && untried(err) && s.cfg.Auth.AllowMalformed(c.Request) != nil {
			return // likewise
		}
		outcome = audit.Outcome(FailureOf(err).Code)
	}
	ctx := c.Request.Context()
	if err := e.Conclude(ctx, outcome, r.Audit == audit.SignIn); err != nil {
		s.cfg.Log.ErrorContext(ctx, "an event of the audit log is lost", slog.String("request_id", requestID(ctx)),
			slog.String("action", string(r.Audit)), slog.Any("error", err))
	}
}
