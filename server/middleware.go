package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
)

// contentSecurityPolicy lets pages load nothing but what this server serves and
// speak to nobody else, so that an injected link or image cannot carry text away.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; " +
	"require-trusted-types-for 'script'"

type requestIDKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// prepare gives the request an id and the context of draining, and the response
// the headers that every response has.
func (s *Server) prepare(c *gin.Context) {
	id := rand.Text()
	ctx := context.WithValue(c.Request.Context(), requestIDKey{}, id)
	c.Request = c.Request.WithContext(context.WithValue(ctx, drainKey{}, s.draining))
	h := c.Writer.Header()
	h.Set("X-Request-Id", id)
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if s.cfg.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("Cache-Control", "no-store")
	if err := s.cfg.Auth.CheckLocal(c.Request); err != nil {
		s.fail(c, err)
		c.Abort()
	}
}

// observe logs and counts the request when it has ended, be it broken off. Paths are
// logged as patterns: no query text, id or secret reaches the log.
func (s *Server) observe(c *gin.Context) {
	w := newPaced(c.Writer)
	c.Writer = w
	defer s.observed(c, w, time.Now())
	c.Next()
	w.extend()
}

func (s *Server) observed(c *gin.Context, w *pacedWriter, start time.Time) {
	took := time.Since(start)
	pattern := c.FullPath()
	if pattern == "" {
		pattern = "other"
	}
	s.metrics.observe(method(c.Request.Method), pattern, w.status(), took)
	ctx := c.Request.Context()
	s.cfg.Log.InfoContext(ctx, "request",
		slog.String("request_id", requestID(ctx)),
		slog.String("method", method(c.Request.Method)),
		slog.String("route", pattern),
		slog.Int("status", w.status()),
		slog.Int("bytes", max(w.Size(), 0)),
		slog.Duration("took", took))
}

// method returns the method, or "other" for one that a caller made up.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// recoverPanic turns a panic into an internal error.
func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // a panic value: net/http compares it so
			panic(p)
		}
		s.fail(c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		c.Abort()
	}()
	c.Next()
}
