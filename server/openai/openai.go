package openai

import (
	"context"
	_ "embed" // openapi.yaml
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
)

// Asker answers questions that are kept only while they are answered.
type Asker interface {
	// Models returns the names of the models that can be asked, the default first.
	Models() []string
	// Start stores a question and begins to answer it, independently of ctx's end.
	Start(ctx context.Context, a answer.Ask) (answer.Started, error)
	// Events yields the events of a message after the one numbered after, and waits for
	// more until the last. A message that v may not see is ErrNotFound.
	Events(ctx context.Context, v cairn.Viewer, message string, after int) iter.Seq2[answer.Event, error]
	// Stop ends the answering of a message, whose last event is still to come.
	Stop(ctx context.Context, v cairn.Viewer, message string) error
	// Forget erases an ephemeral message, and ends the answering.
	Forget(ctx context.Context, v cairn.Viewer, message string) error
}

// Config is what the service works with.
type Config struct {
	Ask Asker
	// BaseURL is the scheme and host under which people reach the server: documents without
	// an address of their own are linked there. Empty: that of each request.
	BaseURL string
	Log     *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Service answers the requests under /v1. It may be used by several goroutines at once.
type Service struct {
	cfg       Config
	heartbeat time.Duration // between comments on a silent stream
	recheck   time.Duration // between checks of who waits for an answer
	settle    time.Duration // after which no further citation of a sentence is waited for
}

// New returns the service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, heartbeat: 15 * time.Second, recheck: 3 * time.Second, settle: 100 * time.Millisecond}
}

// Routes returns every route with who may use it: tokens with the scope "ask".
func (s *Service) Routes() []server.Route {
	routes := []server.Route{
		{Method: http.MethodPost, Path: "/v1/chat/completions", Audit: audit.Ask, Handle: s.complete, Long: true},
		{Method: http.MethodGet, Path: "/v1/models", Handle: s.listModels},
		{Method: http.MethodGet, Path: "/v1/models/*id", Handle: s.getModel}, // names may hold slashes
	}
	for i := range routes {
		r := &routes[i]
		r.Scope, r.Tokens, r.Fail, r.Handle = cairn.ScopeAsk, true, fail, handle(r.Handle)
	}
	return append(routes, server.Route{Method: http.MethodGet, Path: "/v1/openapi.yaml", Public: true, Handle: describe})
}

//go:embed openapi.yaml
var openAPI []byte

// Spec returns the description of the routes.
func Spec() []byte { return openAPI }

// describe answers GET /v1/openapi.yaml.
func describe(c *gin.Context) error {
	c.Writer.Header().Set("Content-Type", "application/yaml")
	_, _ = c.Writer.Write(openAPI)
	return nil
}
