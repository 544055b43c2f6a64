package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// Handler answers a request or returns why it cannot. The caller's identity is
// auth.FromContext(c.Request.Context()). An error that it returns after it has
// begun to write the response goes to the logs alone.
type Handler func(c *gin.Context) error

// Route is one route with who may use it. The zero values of Scope and Role
// admit every signed-in caller.
type Route struct {
	Method string
	Path   string
	Public bool // nobody needs to be signed in
	// Tokens is for routes of programs: sessions of browsers count for nothing there, so
	// that no page of another site can have one used.
	Tokens bool
	Scope  cairn.Scope // that a token must hold
	Role   cairn.Role  // that the account must have
	// Long routes may take longer than requestTimeout: streams and uploads.
	Long bool
	// Shows says that what is shown is up to what the caller may read, where Scope does
	// not say so, because the scope is up to the request.
	Shows bool
	// Resource says that access tokens of the issuer are accepted that were made for the
	// address of the path.
	Resource bool
	// OwnHost refuses requests to other names than the server's, and from pages of others,
	// whatever shows who sends them.
	OwnHost bool
	// Audit is what the audit log says of a request; empty where nothing is
	// done or shown that it would tell of.
	Audit  audit.Action
	Handle Handler
	// Fail writes the body of a failure; nil: in the envelope of the API.
	Fail func(c *gin.Context, f Failure)
}

// HookPath returns where the webhook of a source is.
func HookPath(source string) string { return "/hooks/" + source }

// requestTimeout ends requests that are not Long.
const requestTimeout = 60 * time.Second

// handle turns a route into gin's handler: it checks origin, identity, scope
// and role, and writes the failure when there is one. A response to a caller that has
// begun when its handler fails is broken off, so that nobody takes the part for the whole.
func (s *Server) handle(r Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		err := s.serve(c, r)
		if err == nil {
			return
		}
		begun := c.Writer.Written() && !r.Public // sign-ins that fail redirect
		if r.Resource && errors.Is(err, cairn.ErrUnauthenticated) {
			c.Writer.Header().Set("WWW-Authenticate", s.cfg.Auth.Challenge(c.Request, r.Path))
		}
		if s.failAs(c, err, r.Fail); begun {
			abort(c)
		}
	}
}

// abort breaks a response off that has begun.
func abort(c *gin.Context) {
	if w, ok := c.Writer.(*pacedWriter); ok {
		w.broken = true
	}
	panic(http.ErrAbortHandler)
}

// serve answers a request, and makes sure that the audit log tells of it.
func (s *Server) serve(c *gin.Context, r Route) (err error) {
	entry := s.audit(c, r)
	ended := false
	defer func() { // also when it panics
		if !ended {
			err = errPanicked
		}
		s.conclude(c, r, entry, err)
	}()
	err = s.answer(c, r, entry)
	ended = true
	return err
}

func (s *Server) answer(c *gin.Context, r Route, entry *audit.Entry) error {
	if err := checkText(c.Request.URL); err != nil {
		return err
	}
	if err := s.cfg.Auth.CheckOrigin(c.Request); err != nil {
		return err
	}
	if r.OwnHost {
		if err := s.cfg.Auth.CheckHost(c.Request); err != nil {
			return err
		}
	}
	if r.Resource {
		c.Request = auth.ForResource(c.Request, r.Path)
	}
	whole := c.Request
	if !r.Long {
		ctx, cancel := context.WithTimeout(whole.Context(), requestTimeout)
		defer cancel()
		c.Request = whole.WithContext(ctx)
	}
	if r.Public {
		return r.Handle(c)
	}
	return s.answerCaller(c, r, whole, entry)
}

// answerCaller answers a request of somebody who must be known, and is known for as
// long as that takes: the request as a whole may take longer than its handler, which
// has its time, when the reader is slow.
func (s *Server) answerCaller(c *gin.Context, r Route, whole *http.Request, entry *audit.Entry) error {
	asked := time.Now()
	id, err := s.cfg.Auth.Identify(c.Request)
	if err != nil {
		return err
	}
	if r.Tokens && id.Via == auth.ViaSession {
		return cairn.Errorf(cairn.ErrUnauthenticated, "send a token as \"Authorization: Bearer\"; sessions of browsers do not count here")
	}
	entry.By(id.Account.ID, string(id.Via), id.Token)
	entry.Under(id.Viewer.Grants)
	if err := id.Permit(r.Scope, r.Role); err != nil {
		return err
	}
	standing, release := s.stand(c, r, whole, entry, id, asked)
	defer release()
	return standing.verdict(r.Handle(c))
}

// checkText refuses addresses that PostgreSQL could not store: it has no NUL in
// text and no invalid UTF-8.
func checkText(u *url.URL) error {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil || !utf8.ValidString(query) || !utf8.ValidString(u.Path) || strings.Contains(query+u.Path, "\x00") {
		return cairn.Errorf(cairn.ErrInvalid, "the address is not valid UTF-8 text")
	}
	return nil
}

// fail writes an error in the API's envelope: see failAs.
func (s *Server) fail(c *gin.Context, err error) { s.failAs(c, err, nil) }

// failAs writes an error by body, or in the API's envelope when that is nil, and
// logs it, once, when it is nobody's but ours.
func (s *Server) failAs(c *gin.Context, err error, body func(*gin.Context, Failure)) {
	f := FailureOf(err)
	ctx := c.Request.Context()
	if f.Code == "internal" {
		s.cfg.Log.ErrorContext(ctx, "request failed", slog.String("request_id", requestID(ctx)), slog.Any("error", err))
		f.Message += " (request " + requestID(ctx) + ")"
	}
	if c.Writer.Written() {
		return
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	if f.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if after := retryAfter(err); after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	if body == nil {
		body = envelope
	}
	body(c, f)
}

// envelope writes a failure as the API does.
func envelope(c *gin.Context, f Failure) {
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	c.Writer.WriteHeader(f.Status)
	out := json.NewEncoder(c.Writer)
	out.SetEscapeHTML(false)                                        // people read it, too
	_ = out.Encode(map[string]detail{"error": {f.Code, f.Message}}) // who has gone needs no answer
}

// retryAfter returns how long a caller should wait before it tries again; 0 when
// the error does not tell.
func retryAfter(err error) time.Duration {
	var limited *auth.Limited
	var busy *Busy
	switch {
	case errors.As(err, &limited):
		return limited.After
	case errors.As(err, &busy):
		return busy.After
	}
	return 0
}
