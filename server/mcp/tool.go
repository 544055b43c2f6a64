package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// tool is what a client can call.
type tool[In, Out any] struct {
	name, title, about string
	scope              cairn.Scope
	action             audit.Action // empty: nothing is shown that the log would tell of
	patience           time.Duration
	// call does what the tool is for. The text is what a model reads; empty: the output as JSON.
	call func(ctx context.Context, u *use, in In) (out Out, text string, err error)
}

// need is which scope a tool needs, and what it is in the audit log.
type need struct {
	scope  cairn.Scope
	action audit.Action
}

// add gives the server a tool. It panics when types are no objects of JSON.
func add[In, Out any](s *Server, t tool[In, Out]) {
	no := false
	s.needs[t.name] = need{t.scope, t.action}
	sdk.AddTool(s.tools, &sdk.Tool{
		Name: t.name, Title: t.title, Description: t.about, InputSchema: schemaOf[In](), OutputSchema: schemaOf[Out](),
		Annotations: &sdk.ToolAnnotations{Title: t.title, ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: &no, OpenWorldHint: &no},
	}, func(ctx context.Context, req *sdk.CallToolRequest, in In) (*sdk.CallToolResult, Out, error) {
		out, text, err := run(ctx, s, t, req, in)
		if err != nil || text == "" {
			return nil, out, err
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, out, nil
	})
}

type callKey struct{}

// call is a request that may call a tool.
type call struct{ c *gin.Context }

// use is one call of a tool.
type use struct {
	c    *gin.Context
	base string // scheme and host of the server, for links
	// progress tells a client that wants to know how far the call is.
	progress func(ctx context.Context, phase string)
}

// identity returns who calls, as far as that is known now.
func (u *use) identity() auth.Identity { return auth.FromContext(u.c.Request.Context()) }

func (u *use) viewer() cairn.Viewer { return u.identity().Viewer }

// run calls a tool for who has sent the request, until that ends. What a client is told
// of a failure is the message of the error.
func run[In, Out any](ctx context.Context, s *Server, t tool[In, Out], req *sdk.CallToolRequest, in In) (out Out, text string, err error) {
	made, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return out, "", errors.New("the tool is called by nobody")
	}
	c := made.c
	// The library lets calls outlive their requests.
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	defer context.AfterFunc(c.Request.Context(), cancel)()
	entry := audit.FromContext(c.Request.Context())
	entry.As(t.action)
	entry.Detail("mcp")
	defer func() {
		if p := recover(); p != nil { // in a goroutine of the library's, where nobody else would notice
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			err = s.failed(ctx, t.name, entry, err)
		}
	}()
	permitted := func(_ context.Context, id auth.Identity) error { return id.Permit(t.scope, "") }
	if err := permitted(ctx, auth.FromContext(c.Request.Context())); err != nil {
		return out, "", err
	}
	server.PermitWhile(c, permitted)
	u := &use{c: c, base: s.cfg.BaseURL, progress: progressOf(req)}
	if u.base == "" {
		u.base = "http://" + c.Request.Host // which auth.CheckHost knows
	}
	return t.call(ctx, u, in)
}

// failed notes how a call has failed, and returns what a client is told.
func (s *Server) failed(ctx context.Context, name string, entry *audit.Entry, err error) error {
	f := server.FailureOf(err)
	if f.Code == "internal" {
		s.cfg.Log.ErrorContext(ctx, "tool failed", slog.String("tool", name), slog.Any("error", err))
	}
	// The reply succeeds and says that the tool has not.
	if err := entry.Conclude(context.WithoutCancel(ctx), audit.Outcome(f.Code), false); err != nil {
		s.cfg.Log.ErrorContext(ctx, "an event of the audit log is lost", slog.String("tool", name), slog.Any("error", err))
	}
	entry.Drop()
	return f
}

// progressOf returns what tells a client of progress, if it wants to know.
func progressOf(req *sdk.CallToolRequest) func(context.Context, string) {
	token := req.Params.GetProgressToken()
	if token == nil {
		return func(context.Context, string) {}
	}
	step := 0.0
	return func(ctx context.Context, phase string) {
		step++
		// Who has gone needs no progress.
		_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: step, Message: phase})
	}
}

// given returns an ErrInvalid unless a text has 1..most characters and none that
// PostgreSQL could not store.
func given(field, text string, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return cairn.Errorf(cairn.ErrInvalid, "%q is empty", field)
	case n > most:
		return cairn.Errorf(cairn.ErrInvalid, "%q has %d characters; %d are allowed", field, n, most)
	case strings.ContainsRune(text, 0):
		return cairn.Errorf(cairn.ErrInvalid, "%q holds a NUL character", field)
	}
	return nil
}

// optional is given for a text that may be empty.
func optional(field, text string, most int) error {
	if text == "" {
		return nil
	}
	return given(field, text, most)
}
