package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// follow answers GET /messages/{id}/stream.
func (a *API) follow(c *gin.Context) error {
	last := 0
	if id := c.Request.Header.Get("Last-Event-ID"); id != "" {
		n, err := strconv.Atoi(id)
		if err != nil || n < 0 || n > 1e9 {
			return cairn.Errorf(cairn.ErrInvalid, "Last-Event-ID must be the id of an event of this message")
		}
		last = n
	}
	ctx := c.Request.Context()
	m, err := a.Store.Message(ctx, auth.FromContext(ctx).Viewer, c.Param("id"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindMessage, m.ID)
	if m.Withheld {
		s := newSSE(c)
		return ignore(s.event(strconv.Itoa(last+1), string(answer.EventDone), answerOfMessage(m)))
	}
	return a.stream(c, answer.Started{Conversation: m.Conversation, Message: m.ID}, last)
}

// stream writes the events of a message after the one numbered last. Nothing is
// written before the first event or heartbeat, so that an error before that is an ordinary
// reply, and so is the absence of any event: 204, which ends the reconnecting
// of browsers.
func (a *API) stream(c *gin.Context, started answer.Started, last int) error {
	ctx := c.Request.Context()
	events := a.pump(ctx, started.Message, last)
	defer events.stop()
	s := newSSE(c)
	silence, recheck := time.NewTicker(a.heartbeat), time.NewTicker(a.recheck)
	defer silence.Stop()
	defer recheck.Stop()
	for {
		age := a.recheck
		var item pumpedItem
		came, open, still := false, true, false
		select {
		case <-ctx.Done():
		case <-server.Draining(ctx).Done():
			return ignore(s.event("", "reconnect", struct{}{}))
		case <-silence.C:
			still = true
		case <-recheck.C:
			age = 0
		case item, open = <-events.items:
			came = true
		}
		// Several of these may have been ready: first comes whether more may be given.
		if stop, err := a.recheckReader(c, s, age); stop || ctx.Err() != nil {
			return err
		}
		switch {
		case still:
			if s.comment("still here") != nil {
				return nil
			}
		case came:
			silence.Reset(a.heartbeat)
			if stop, err := a.give(c, s, started, item, open); stop {
				return err
			}
		}
	}
}

// give writes what came of the events of a message, whose end is not open, and
// reports whether the stream ends with it.
func (a *API) give(c *gin.Context, s *sse, started answer.Started, item pumpedItem, open bool) (stop bool, err error) {
	switch {
	case !open && !s.begun:
		return true, noContent(c)
	case !open:
		return true, nil
	case item.err != nil && !s.begun:
		return true, item.err
	case item.err != nil:
		return true, ignore(s.failure(item.err))
	}
	ctx := c.Request.Context()
	showEvent(ctx, item.event)
	if err := s.answerEvent(started, item.event); err != nil || final(item.event) {
		return true, ignore(err)
	}
	if item.event.Type == answer.EventPassages {
		audit.FromContext(ctx).Tell(ctx) // the stream may go on for minutes
	}
	return false, nil
}

// recheckReader ends the stream of a reader whose session or token ended, and
// makes one whose permissions changed ask again, so that they are checked anew. Nobody
// is asked about who is known for less than age.
func (a *API) recheckReader(c *gin.Context, s *sse, age time.Duration) (stop bool, err error) {
	changed, err := server.Reidentify(c, age)
	switch {
	case err != nil && !s.begun:
		return true, err
	case err != nil:
		return true, ignore(s.failure(err))
	case changed:
		return true, ignore(s.event("", "reconnect", struct{}{}))
	}
	return false, nil
}

func final(e answer.Event) bool { return e.Type == answer.EventDone || e.Type == answer.EventFailed }

// ignore drops an error of writing: the reader is gone, and nobody else cares.
func ignore(error) error { return nil }

// pumped carries the events of a message from the goroutine that waits for them.
type pumped struct {
	items <-chan pumpedItem // closed at the end
	stop  context.CancelFunc
}

type pumpedItem struct {
	event answer.Event
	err   error
}

// pump follows a message in a goroutine of its own, which ends with ctx or stop.
func (a *API) pump(ctx context.Context, message string, after int) pumped {
	ctx, cancel := context.WithCancel(ctx)
	items := make(chan pumpedItem)
	viewer := auth.FromContext(ctx).Viewer
	go func() {
		defer close(items)
		for event, err := range a.Ask.Events(ctx, viewer, message, after) {
			select {
			case items <- pumpedItem{event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return pumped{items, cancel}
}

// sse writes server-sent events. When a reader does not accept one, the connection is
// closed; the answer goes on and can be followed again.
type sse struct {
	c     *gin.Context
	rc    *http.ResponseController
	begun bool
}

func newSSE(c *gin.Context) *sse { return &sse{c: c, rc: http.NewResponseController(c.Writer)} }

func (s *sse) write(b []byte) error { return s.writeTo(s.c.Writer, b) }

func (s *sse) writeTo(w gin.ResponseWriter, b []byte) error {
	if !s.begun {
		s.begun = true
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // nginx would collect events otherwise
		w.WriteHeader(http.StatusOK)
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *sse) comment(text string) error { return s.write([]byte(": " + text + "\n\n")) }

// event writes one event.
func (s *sse) event(id, name string, data any) error {
	b, err := eventText(id, name, data)
	if err != nil {
		return err
	}
	return s.write(b)
}

// eventText returns an event as it is sent; data is a single line because it is JSON.
func eventText(id, name string, data any) ([]byte, error) {
	line, err := encode(data)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", name, err)
	}
	var b bytes.Buffer
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(line) // with its line end
	b.WriteString("\n")
	return b.Bytes(), nil
}

// failure writes an error that is no event of the message and has no id, also for who
// may read nothing else any more.
func (s *sse) failure(err error) error {
	f := server.FailureOf(err)
	b, err := eventText("", string(answer.EventFailed), map[string]notice{"error": {f.Code, f.Message}})
	if err != nil {
		return err
	}
	return s.writeTo(server.Unguarded(s.c), b)
}

// answerEvent writes an event of a message.
func (s *sse) answerEvent(started answer.Started, e answer.Event) error {
	return s.event(strconv.Itoa(e.Seq), string(e.Type), eventData(started, e))
}

func eventData(started answer.Started, e answer.Event) any {
	switch e.Type {
	case answer.EventStart:
		return struct {
			Conversation string `json:"conversation_id"`
			Message      string `json:"message_id"`
		}{started.Conversation, started.Message}
	case answer.EventStatus:
		return map[string]string{"phase": e.Phase}
	case answer.EventPassages:
		return map[string][]passage{"results": passagesOf(e.Passages, nil)}
	case answer.EventDelta:
		return struct {
			Text string `json:"text"`
			sentence
		}{e.Text, sentence(e.Sentence)}
	case answer.EventCitation:
		if e.Citation != nil {
			return citationOf(*e.Citation)
		}
	case answer.EventDone:
		if e.Answer != nil {
			return answerOf(*e.Answer)
		}
	case answer.EventFailed:
		if e.Failure != nil {
			return map[string]notice{"error": notice(*e.Failure)}
		}
		return map[string]notice{"error": {"internal", "the answer could not be finished; ask again"}}
	}
	return struct{}{}
}
