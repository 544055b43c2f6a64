package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

type askRequest struct {
	Question     string   `json:"question"`
	Context      string   `json:"context"`
	Conversation string   `json:"conversation_id"`
	Parent       string   `json:"parent_message_id"`
	Sources      []string `json:"sources"`
	Filters      filters  `json:"filters"`
	Model        string   `json:"model"`
	Stream       bool     `json:"stream"`
}

const (
	maxQuestion = 8_000  // characters
	maxContext  = 16_000 // characters
)

// ask answers POST /ask.
func (a *API) ask(c *gin.Context) error {
	var req askRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if err := checkLength("question", req.Question, 1, maxQuestion); err != nil {
		return err
	}
	if err := checkLength("context", req.Context, 0, maxContext); err != nil {
		return err
	}
	f, err := req.Filters.with(req.Sources)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	started, err := a.Ask.Start(ctx, answer.Ask{
		Viewer: auth.FromContext(ctx).Viewer, Question: req.Question, Context: req.Context,
		Conversation: req.Conversation, Parent: req.Parent, Filters: f, Model: req.Model,
	})
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	audit.FromContext(ctx).About(audit.KindMessage, started.Message)
	if req.Stream {
		return a.stream(c, started, 0)
	}
	return a.await(c, started)
}

// await replies with the finished answer or, when the server shuts down before,
// with one in the state running, which can be followed elsewhere. Who asked is found
// out again while it takes: a session may end, and permissions may change.
func (a *API) await(c *gin.Context, started answer.Started) error {
	events := a.pump(c.Request.Context(), started.Message, 0)
	defer func() { events.stop() }()
	recheck := time.NewTicker(a.recheck)
	defer recheck.Stop()
	for {
		age := server.Promptly
		var item pumpedItem
		open := true
		select {
		case <-recheck.C:
			age = 0
		case <-server.Draining(c.Request.Context()).Done():
			return reply(c, http.StatusOK, answerOf(cairn.Answer{
				Conversation: started.Conversation, Message: started.Message, State: cairn.MessageRunning,
			}))
		case item, open = <-events.items:
			if open && item.err == nil && !final(item.event) {
				continue
			}
		}
		changed, err := server.Reidentify(c, age)
		switch {
		case err != nil:
			return err
		case changed:
			events.stop()
			events = a.pump(c.Request.Context(), started.Message, 0)
		case item.err != nil:
			return fmt.Errorf("ask: %w", item.err)
		case item.event.Type == answer.EventDone && item.event.Answer != nil:
			showAnswer(c.Request.Context(), *item.event.Answer)
			return reply(c, http.StatusOK, answerOf(*item.event.Answer))
		case !open || item.event.Type == answer.EventFailed:
			return a.replyStored(c, started.Message)
		}
	}
}

// replyStored replies with an answer as it is stored: what was checked of one
// that failed is kept, and its state and notices say what happened.
func (a *API) replyStored(c *gin.Context, message string) error {
	ctx := c.Request.Context()
	m, err := a.Store.Message(ctx, auth.FromContext(ctx).Viewer, message)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	showMessage(ctx, m)
	return reply(c, http.StatusOK, answerOfMessage(m))
}

// stop answers DELETE /messages/{id}/stream.
func (a *API) stop(c *gin.Context) error {
	ctx := c.Request.Context()
	if err := a.Ask.Stop(ctx, auth.FromContext(ctx).Viewer, c.Param("id")); err != nil {
		return err
	}
	return noContent(c)
}
