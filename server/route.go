package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
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
	Public bool        // nobody needs to be signed in
	Scope  cairn.Scope // that a token must hold
	Role   cairn.Role  // that the account must have
	// Long routes may take longer than requestTimeout: streams and uploads.
	Long bool
	// Audit is what the audit log says of a request; empty where nothing is
	// done or shown that it would tell of.
	Audit  audit.Action
	Handle Handler
	// Fail writes the body of a failure; nil: in the envelope of the API.
	Fail func(c *gin.Context, f Failure)
}

// requestTimeout ends requests that are not Long.
const requestTimeout = 60 * time.Second

// handle turns a route into gin's handler: it checks origin, identity, scope
// and role, and writes the failure when there is one.
func (s *Server) handle(r Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := s.serve(c, r); err != nil {
			s.failAs(c, err, r.Fail)
		}
	}
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
	ctx := c.Request.Context()
	if !r.Long {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	c.Request = c.Request.WithContext(ctx)
	if !r.Public {
		id, err := s.cfg.Auth.Identify(c.Request)
		if err != nil {
			return err
		}
		entry.By(id.Account.ID, string(id.Via), id.Token)
		entry.Under(id.Viewer.Grants)
		if err := id.Permit(r.Scope, r.Role); err != nil {
			return err
		}
		c.Request = c.Request.WithContext(auth.NewContext(ctx, id))
		c.Request.Body = &lateBody{ReadCloser: c.Request.Body, since: time.Now(), again: func() error { return s.stillMay(c.Request, r, id) }}
	}
	return r.Handle(c)
}

// stillMay finds out anew who sends a request, who was id when it began.
func (s *Server) stillMay(req *http.Request, r Route, id auth.Identity) error {
	now, err := s.cfg.Auth.Identify(req)
	if err == nil {
		err = now.Permit(r.Scope, r.Role)
	}
	if err != nil {
		return err
	}
	if now.Account.Role != id.Account.Role || !slices.Equal(now.Viewer.Keys, id.Viewer.Keys) || !slices.Equal(now.Viewer.Grants, id.Viewer.Grants) {
		return cairn.Errorf(cairn.ErrConflict, "what you may do has changed while the request was being sent; send it again")
	}
	return nil
}

// promptly is how long a body may take to come before its sender is identified anew.
const promptly = time.Second

// lateBody is a body at whose end, when it took longer than promptly to come, it is
// asked again whether its sender may do what it says: a request that was begun before a
// permission was withdrawn and held back is worth no more than one that is made later.
type lateBody struct {
	io.ReadCloser
	since time.Time
	again func() error
}

func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if !errors.Is(err, io.EOF) || time.Since(b.since) < promptly {
		return n, err
	}
	if refused := b.again(); refused != nil {
		return 0, refused
	}
	return n, err
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
		return // the response has begun; its reader sees it end early
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	if f.Status == http.StatusUnauthorized {
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
	b, _ := json.Marshal(map[string]detail{"error": {f.Code, f.Message}})
	c.Writer.Header().Set("Content-Type", "application/json")
	c.Writer.WriteHeader(f.Status)
	_, _ = c.Writer.Write(append(b, '\n')) // who has gone needs no answer
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
