// Package server is how people and programs reach Cairn over HTTP: the part
// that all surfaces share. It checks who is calling, writes failures, serves
// the web UI, and stops without losing a stream. The surfaces themselves are
// packages below it, which give it their routes.
package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// Config is what a Server works with.
type Config struct {
	Auth   *auth.Authenticator
	Routes []Route // of all surfaces
	// Web is the built web UI with index.html at its root; nil serves none.
	Web fs.FS
	// Readable reports whether v may read all of the documents now. It is asked in
	// requests that last longer than Promptly and show some. nil: nobody may any more.
	Readable func(ctx context.Context, v cairn.Viewer, documents []cairn.DocumentID) (bool, error)
	// Ready returns nil when requests can be served, else why not.
	Ready   func(ctx context.Context) error
	Log     *slog.Logger
	Audit   *audit.Writer        // writes the audit log; nil: none is kept
	Metrics *prometheus.Registry // nil: a new one
	Secure  bool                 // browsers reach the server over https
	// DrainDelay is how long, at shutdown, requests are still accepted after
	// /readyz began to say no, so that a load balancer notices; 0 outside of clusters.
	DrainDelay time.Duration
}

// Server serves HTTP. It may be used by several goroutines at once.
type Server struct {
	cfg     Config
	engine  *gin.Engine
	http    *http.Server
	metrics metrics
	web     *web
	relied  time.Duration // see relied

	draining context.Context
	drain    context.CancelFunc
	stopping atomic.Bool // /readyz says no
}

// New returns a Server for the routes of cfg and its own: /healthz, /readyz,
// /metrics and the web UI. It fails when the web UI lacks index.html or a metric is
// registered twice, and panics when two routes are the same.
func New(cfg Config) (*Server, error) {
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	s := &Server{cfg: cfg, relied: relied}
	s.draining, s.drain = context.WithCancel(context.Background())
	var err error
	if s.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, err
	}
	if s.web, err = newWeb(cfg.Web); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // else it prints to standard output
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false // an address has one spelling
	s.engine.Use(s.observe, s.recoverPanic, s.prepare)
	for _, r := range append(s.routes(), cfg.Routes...) {
		s.engine.Handle(r.Method, r.Path, s.handle(r))
	}
	s.engine.NoRoute(s.handle(Route{Public: true, Handle: s.other}))
	s.http = &http.Server{
		Handler:           s.engine,
		ConnContext:       withConn,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func (s *Server) routes() []Route {
	routes := []Route{{Method: http.MethodGet, Path: "/metrics", Public: true, Handle: s.metricsHandler}}
	for _, method := range []string{http.MethodGet, http.MethodHead} { // some load balancers send HEAD
		routes = append(routes,
			Route{Method: method, Path: "/healthz", Public: true, Handle: text("ok\n")},
			Route{Method: method, Path: "/readyz", Public: true, Handle: s.ready})
	}
	return routes
}

// Handler returns the handler of all routes.
func (s *Server) Handler() http.Handler { return s.engine }

// Routes returns method and path of every route, as in "GET /api/v1/documents/:id". What
// none of them is for is the web UI's.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.engine.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// Serve answers requests on l until Shutdown; it then returns nil.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(l)
	if s.stopping.Load() {
		return nil
	}
	return err
}

// Shutdown stops the server in steps: /readyz says no, and after DrainDelay
// streams end with the event reconnect, no connection is accepted any more, and
// requests in progress finish. When ctx ends first, they are cut off and its
// error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	select {
	case <-time.After(s.cfg.DrainDelay):
	case <-ctx.Done():
	}
	s.drain()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func (s *Server) ready(c *gin.Context) error {
	if s.stopping.Load() {
		return cairn.Errorf(cairn.ErrUnavailable, "the server is shutting down")
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), 5*time.Second)
	defer cancel()
	if err := s.cfg.Ready(ctx); err != nil {
		s.cfg.Log.WarnContext(ctx, "not ready", slog.Any("error", err))
		return cairn.Errorf(cairn.ErrUnavailable, "the database is not reachable or not migrated")
	}
	return text("ok\n")(c)
}

func text(body string) Handler {
	return func(c *gin.Context) error {
		c.Writer.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := c.Writer.WriteString(body)
		return err
	}
}
