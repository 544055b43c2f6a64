package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// Event is one step of an answer that is being made.
type Event struct {
	ID   string          `json:"id"`    // to go on from; empty for an error of the connection
	Name string          `json:"event"` // start, status, passages, delta, citation, reset, done or error
	Data json.RawMessage `json:"data"`  // Started, Status, Passages, Delta, Citation, {}, Answer or an error
}

// Decode reads the data into the type that belongs to the name.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Data, v); err != nil {
		return cairn.Errorf(cairn.ErrUnavailable, "the server sent an event %q that cannot be read (%v); is it of another version?", e.Name, err)
	}
	if k, ok := v.(interface{ keep([]byte) }); ok {
		k.keep(e.Data)
	}
	return nil
}

// Started is the data of the event "start".
type Started struct {
	ConversationID string `json:"conversation_id"`
	MessageID      string `json:"message_id"`
}

// Status is the data of the event "status".
type Status struct {
	Phase string `json:"phase"` // searching, reading, answering or checking
}

// Passages is the data of the event "passages".
type Passages struct {
	Results []Passage `json:"results"`
}

// Delta is the data of the event "delta": a checked sentence.
type Delta struct {
	Text  string `json:"text"`  // to be appended to the text so far
	Start int    `json:"start"` // where the sentence lies in the text so far
	End   int    `json:"end"`
	// Support says whether the sources support the sentence.
	Support cairn.Support `json:"support"`
}

// schedule says how a broken stream is taken up again.
type schedule struct {
	first, longest time.Duration // between two attempts; doubled each time
	attempts       int           // in a row without any event
	silence        time.Duration // after which a connection counts as dead
}

// resumeSchedule lasts for about 40 seconds, long enough for a restart of the
// server. It sends a comment every 15 seconds.
var resumeSchedule = schedule{first: 250 * time.Millisecond, longest: 8 * time.Second, attempts: 9, silence: 45 * time.Second}

// Ask asks a question and yields the events of the answer as they come; the
// last is "done" with the Answer. When the connection breaks, the events that
// were missed are fetched over a new one, with growing pauses in between; no event comes twice. An
// error ends the sequence; the Event beside it is empty, or "error" when the
// answer itself failed. Ending the loop early leaves the answer to the server:
// see StopAnswer.
func (c *Client) Ask(ctx context.Context, req AskRequest) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		body := struct {
			AskRequest
			Stream bool `json:"stream"`
		}{req, true}
		res, err := c.send(ctx, http.MethodPost, api("ask"), body, nil) //nolint:bodyclose // run closes it
		if err != nil {
			yield(Event{}, err)
			return
		}
		s := &following{c: c, yield: yield}
		s.run(ctx, res)
	}
}

// following is one pass through the events of an answer, over as many
// connections as it takes.
type following struct {
	c       *Client
	yield   func(Event, error) bool
	message string // known after the event "start"
	last    string // id of the last event
}

// run yields the events of the first connection and of those that it opens after it.
func (s *following) run(ctx context.Context, res *http.Response) {
	failures, pause := 0, s.c.retry.first
	for {
		before := s.last
		over, err := s.read(ctx, res)
		if over {
			return
		}
		if s.last != before {
			failures, pause = 0, s.c.retry.first
		}
		for res = nil; res == nil; {
			failures++
			switch {
			case ctx.Err() != nil:
				err = context.Cause(ctx)
			case s.message == "": // nothing to go on from, and asking again would ask twice
			case failures <= s.c.retry.attempts && temporary(err):
				err = sleep(ctx, pause)
				pause = min(2*pause, s.c.retry.longest)
				if err == nil {
					res, err = s.resume(ctx) //nolint:bodyclose // read closes it
				}
				continue
			}
			s.yield(Event{}, err)
			return
		}
	}
}

// resume opens a new connection after the last event.
func (s *following) resume(ctx context.Context) (*http.Response, error) {
	var header map[string]string
	if s.last != "" {
		header = map[string]string{"Last-Event-ID": s.last}
	}
	return s.c.send(ctx, http.MethodGet, api("messages", s.message, "stream"), nil, header)
}

// temporary reports whether trying again may help.
func temporary(err error) bool {
	return (errors.Is(err, cairn.ErrUnavailable) && !errors.Is(err, errNotCairn)) || errors.Is(err, cairn.ErrRateLimited)
}

// read yields the events of one connection. When the sequence is not over, the
// error says why the connection is.
func (s *following) read(ctx context.Context, res *http.Response) (over bool, err error) {
	defer res.Body.Close()
	if res.StatusCode == http.StatusNoContent {
		return s.finish(ctx)
	}
	body := watch(res.Body, s.c.retry.silence)
	defer body.stop()
	for event, err := range events(body) {
		if err != nil {
			return false, s.c.broken(ctx, err)
		}
		if over, err := s.pass(event); over || err != nil {
			return over, err
		}
	}
	return false, s.c.broken(ctx, io.ErrUnexpectedEOF)
}

// pass yields one event. The error says that the connection is to be replaced.
func (s *following) pass(event Event) (over bool, err error) {
	switch event.Name {
	case "reconnect":
		return false, cairn.Errorf(cairn.ErrUnavailable, "%s is shutting down", s.c.base)
	case "start":
		var started Started
		if err := event.Decode(&started); err != nil {
			s.yield(event, err)
			return true, nil
		}
		s.message = started.MessageID
	case "error":
		err := failureIn(event)
		if event.ID == "" && temporary(err) && s.message != "" { // of the connection, not of the answer
			return false, err
		}
		s.yield(event, err)
		return true, nil
	}
	if event.ID != "" {
		s.last = event.ID
	}
	return !s.yield(event, nil) || event.Name == "done", nil
}

func failureIn(event Event) error {
	var w wireError
	if err := event.Decode(&w); err != nil {
		return err
	}
	if err := w.err(); err != nil {
		return err
	}
	return errors.New("the answer could not be finished; ask again")
}

// finish yields the stored answer when its stream has nothing more to tell.
func (s *following) finish(ctx context.Context) (over bool, err error) {
	message, err := fetch[struct {
		Answer json.RawMessage `json:"answer"`
	}](ctx, s.c, http.MethodGet, api("messages", s.message), nil)
	if err != nil {
		return false, err
	}
	s.yield(Event{ID: s.last, Name: "done", Data: message.Answer}, nil)
	return true, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
