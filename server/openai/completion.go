package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// complete answers POST /chat/completions.
func (s *Service) complete(c *gin.Context) error {
	req, err := read(c)
	if err != nil {
		return err
	}
	asked, err := readMessages(req.Messages)
	if err != nil {
		return err
	}
	models := s.cfg.Ask.Models()
	if req.Model == "" {
		req.Model = models[0]
	}
	if !slices.Contains(models, req.Model) {
		return s.noModel(req.Model, "model")
	}
	ctx := c.Request.Context()
	viewer := auth.FromContext(ctx).Viewer
	started, err := s.cfg.Ask.Start(ctx, answer.Ask{
		Viewer: viewer, Question: asked.question, Model: req.Model, Filters: cairn.Filters{Sources: req.Cairn.Sources},
		Ephemeral: true, History: asked.history, Style: asked.style, MaxTokens: req.limit(),
	})
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	defer s.forget(ctx, viewer, started.Message)
	audit.FromContext(ctx).About(audit.KindMessage, started.Message)
	a := &answering{Service: s, c: c, req: req, message: started.Message, sink: s.sink(c, req, started.Message)}
	for _, m := range req.Messages {
		a.asked += len(m.Content)
	}
	return a.run()
}

// sink returns what the completion is given to.
func (s *Service) sink(c *gin.Context, req request, message string) sink {
	base := completion{ID: "chatcmpl-" + message, Created: s.cfg.Now().Unix(), Model: req.Model}
	if req.Stream {
		return newChunks(c, base, req.StreamOptions != nil && req.StreamOptions.IncludeUsage)
	}
	return &whole{c: c, base: base}
}

// forget erases the question and what was made of it, also when the program is gone.
func (s *Service) forget(ctx context.Context, v cairn.Viewer, message string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.cfg.Ask.Forget(ctx, v, message); err != nil {
		s.cfg.Log.ErrorContext(ctx, "a question could not be forgotten; it is erased within two days", slog.String("message", message), slog.Any("error", err))
	}
}

// base returns the address under which documents are linked that have none.
func (s *Service) base(r *http.Request) string {
	if s.cfg.BaseURL != "" {
		return s.cfg.BaseURL
	}
	return "http://" + r.Host
}

// answering is one completion being made. It is used by one goroutine.
type answering struct {
	*Service
	c       *gin.Context
	req     request
	message string
	asked   int // bytes
	sink    sink
	text    *content
}

// errGone says that what the answer is made from has been erased, or may not be read any more.
var errGone = cairn.Errorf(cairn.ErrConflict, "What the answer is made from has changed since the request began. Send it again.")

// run gives out the answer as it is made. Who waits for it is found out again meanwhile: a
// token may end, and permissions may change.
func (a *answering) run() error {
	a.restart()
	events := a.pump()
	defer func() { events.stop() }()
	silence, recheck := time.NewTicker(a.heartbeat), time.NewTicker(a.recheck)
	defer silence.Stop()
	defer recheck.Stop()
	for {
		age := a.recheck
		var item pumped
		came, still := false, false
		var settled <-chan time.Time
		if len(a.text.waiting) > 0 {
			settled = time.After(a.settle)
		}
		select {
		case <-a.c.Request.Context().Done():
		case <-server.Draining(a.c.Request.Context()).Done():
			return a.fail(cairn.Errorf(cairn.ErrUnavailable, "The server is stopping. Send the request again."))
		case <-silence.C:
			still = true
		case <-recheck.C:
			age = 0
		case <-settled:
		case item = <-events.items:
			came = true
			if item.last() {
				age = server.Promptly
			}
		}
		// Several of these may have been ready: first comes whether more may be given.
		changed, err := server.Reidentify(a.c, age)
		switch {
		case err != nil:
			return a.fail(err)
		case changed && a.sink.begun():
			return a.fail(errGone)
		case changed: // asked for again by who the caller is now
			events.stop()
			a.restart()
			events = a.pump()
			continue
		case a.c.Request.Context().Err() != nil:
			return nil // the program is gone
		}
		switch {
		case still:
			err = a.sink.beat()
		case !came:
			err = a.text.idle()
		default:
			silence.Reset(a.heartbeat)
			var done bool
			if done, err = a.take(item); done {
				return err
			}
		}
		if err != nil {
			return nil // the reader is gone
		}
	}
}

// restart begins the content anew.
func (a *answering) restart() {
	a.sink.restart()
	a.text = &content{stops: a.req.Stop, most: a.req.limit(), inline: a.req.Cairn.Inline, base: a.base(a.c.Request), give: a.sink.give}
}

// fail ends the completion with an error: as the reply where nothing has begun.
func (a *answering) fail(err error) error {
	if !a.sink.begun() {
		return err
	}
	a.sink.fail(err)
	return nil
}

// take takes an event of the message. An error that comes with done is for the caller,
// others mean that nobody reads any more.
func (a *answering) take(item pumped) (done bool, err error) {
	ctx := a.c.Request.Context()
	switch {
	case errors.Is(item.err, cairn.ErrNotFound):
		return true, a.fail(errGone)
	case item.err != nil:
		return true, a.fail(item.err)
	case item.event.Type == answer.EventDone && item.event.Answer != nil:
		return true, a.finish(*item.event.Answer)
	case item.last():
		return true, a.fail(errFailed)
	}
	audit.FromContext(ctx).Shown(item.event.Evidence...)
	if item.event.Type == answer.EventPassages {
		audit.FromContext(ctx).Tell(ctx) // the answer may take minutes
	}
	ended := a.text.truncated
	if err := a.text.event(item.event); err != nil {
		return false, err
	}
	if a.text.truncated != ended { // nobody wants what would follow
		if err := a.cfg.Ask.Stop(ctx, auth.FromContext(ctx).Viewer, a.message); err != nil {
			a.cfg.Log.WarnContext(ctx, "an answer of which nobody wants more goes on", slog.String("message", a.message), slog.Any("error", err))
		}
	}
	return false, nil
}

// errFailed says that there is no answer.
var errFailed = cairn.Errorf(cairn.ErrUnavailable, "The answer could not be finished. Send the request again.")

// finish gives out what is left, and the end.
func (a *answering) finish(all cairn.Answer) error {
	audit.FromContext(a.c.Request.Context()).Shown(all.Evidence...)
	if err := a.text.release(true); err != nil {
		return nil //nolint:nilerr // the reader is gone
	}
	if all.State == cairn.MessageFailed && a.text.chars == 0 {
		return a.fail(errFailed)
	}
	finish := a.text.truncated
	if finish == "" {
		finish = finishOf(all)
	}
	if all.Model == "" {
		all.Model = a.req.Model
	}
	_ = a.sink.end(finish, all, usageOf(all.Usage, a.asked, a.text.bytes)) // who has gone needs no end
	return nil
}
