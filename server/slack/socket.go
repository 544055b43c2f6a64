package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
)

const (
	socketShake   = 20 * time.Second // to open a connection
	socketQuiet   = 45 * time.Second // without a word of Slack's, which pings more often, a connection is dead
	socketStore   = 2 * time.Second  // to store what an envelope asks for; Slack waits for three seconds
	socketOverlap = 10 * time.Second // that an old connection is heard beside the new one
	socketSteady  = time.Minute      // a connection that lives as long was a good one
	socketBuffer  = 32 << 10         // Slack does not put fragments together; its limit is 20 kB

	firstAgain   = 250 * time.Millisecond // before a connection is opened again, times a random factor
	longestAgain = time.Minute
)

// Listen receives what Slack sends over Socket Mode until ctx ends. It opens connections
// again as often as it must, later and later while that fails. Without an app token it
// returns at once. Every server listens: Slack gives each envelope to one of them.
func (b *Bot) Listen(ctx context.Context) {
	if !b.on() || !b.cfg.AppToken.Set() {
		return
	}
	var open sync.WaitGroup
	defer open.Wait()
	for failed := 0; ctx.Err() == nil; {
		began := time.Now()
		err := b.connect(ctx, &open)
		if err == nil || time.Since(began) > socketSteady {
			failed = 0
		} else {
			failed++
		}
		wait := again(failed, err)
		if err != nil && ctx.Err() == nil {
			b.cfg.Log.WarnContext(ctx, "the connection with Slack is opened again", "error", err, "in", wait)
		}
		if pause(ctx, wait) != nil {
			return
		}
	}
}

// again returns how long to wait after so many failures. Chance spreads the servers.
func again(failed int, err error) time.Duration {
	wait := min(firstAgain<<min(failed, 20), longestAgain)
	wait = wait/2 + rand.N(wait)
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		wait += min(limited.RetryAfter, longestAgain)
	}
	return wait
}

// connect opens a connection and returns when another is to be opened: nil when Slack has
// asked for it, and the old one is still heard for a moment; an error when it has ended.
func (b *Bot) connect(ctx context.Context, open *sync.WaitGroup) error {
	conn, err := b.dial(ctx)
	if err != nil {
		return err
	}
	left := make(chan error, 2)
	open.Go(func() {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		s := &socket{b: b, conn: conn, leave: func() { left <- nil }}
		left <- s.read(ctx)
	})
	return <-left
}

// dial asks Slack for the address of a connection, which is a secret, and opens it.
func (b *Bot) dial(ctx context.Context) (*websocket.Conn, error) {
	_, address, err := b.api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, problem("apps.connections.open", err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "wss" && (u.Scheme != "ws" || strings.HasPrefix(b.cfg.APIURL, "https:")) {
		return nil, errors.New("slack: apps.connections.open: the address does not begin with wss://")
	}
	dialer := websocket.Dialer{NetDialContext: b.cfg.Dial, HandshakeTimeout: socketShake, WriteBufferSize: socketBuffer}
	conn, res, err := dialer.DialContext(ctx, address, nil)
	status := "no reply"
	if res != nil {
		defer res.Body.Close()
		status = res.Status
	}
	if err != nil {
		return nil, fmt.Errorf("slack: socket: %w (%s)", err, status)
	}
	conn.SetReadLimit(maxBody)
	return conn, nil
}

// socket is a connection over which Slack sends envelopes. One goroutine uses it.
type socket struct {
	b       *Bot
	conn    *websocket.Conn
	leave   func()    // says that another connection is to be opened
	leaving time.Time // when this one is given up; zero: not yet
}

// envelope is what Slack sends over a socket.
type envelope struct {
	Type    string          `json:"type"`
	ID      string          `json:"envelope_id"`
	Payload json.RawMessage `json:"payload"`
	Answer  bool            `json:"accepts_response_payload"`
	Reason  string          `json:"reason"` // of the type disconnect
}

// acknowledgement is what is sent for an envelope.
type acknowledgement struct {
	ID     string `json:"envelope_id"`
	Answer any    `json:"payload,omitempty"`
}

// read takes envelopes until the connection ends.
func (s *socket) read(ctx context.Context) error {
	s.conn.SetPingHandler(func(data string) error {
		err := s.alive()
		if err == nil {
			err = s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(socketStore))
		}
		return err
	})
	for {
		if err := s.alive(); err != nil {
			return fmt.Errorf("slack: socket: %w", err)
		}
		_, message, err := s.conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("slack: socket: %w", err)
		}
		var e envelope
		if err := json.Unmarshal(message, &e); err != nil {
			return errors.New("slack: socket: what came is no JSON object")
		}
		if err := s.take(ctx, e); err != nil {
			return err
		}
	}
}

// alive puts off the time at which the connection counts as dead.
func (s *socket) alive() error {
	until := time.Now().Add(socketQuiet)
	if !s.leaving.IsZero() && s.leaving.Before(until) {
		until = s.leaving
	}
	return s.conn.SetReadDeadline(until)
}

// take does what an envelope asks for, and acknowledges it once that is stored. What
// cannot be stored it leaves: Slack sends it again.
func (s *socket) take(ctx context.Context, e envelope) error {
	switch {
	case e.Type == "hello":
		s.b.cfg.Log.InfoContext(ctx, "connected with Slack by Socket Mode")
		return nil
	case e.Type == "disconnect" && (e.Reason == "warning" || e.Reason == "refresh_requested"):
		if s.leaving.IsZero() {
			s.leaving = time.Now().Add(socketOverlap)
			s.leave()
		}
		return nil
	case e.Type == "disconnect":
		return fmt.Errorf("slack: socket: Slack has ended it: %q", e.Reason)
	case e.ID == "":
		return nil
	}
	stored, cancel := context.WithTimeout(ctx, socketStore)
	defer cancel()
	answer, err := s.b.enveloped(stored, e)
	switch {
	case errors.Is(err, cairn.ErrInvalid), errors.Is(err, cairn.ErrDenied):
		s.b.cfg.Log.WarnContext(ctx, "something of Slack's is refused", "type", e.Type, "error", err)
	case err != nil:
		s.b.cfg.Log.ErrorContext(ctx, "something of Slack's could not be stored; Slack sends it again", "type", e.Type, "error", err)
		return nil
	}
	ack := acknowledgement{ID: e.ID}
	if e.Answer {
		ack.Answer = answer
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(socketStore)); err != nil {
		return fmt.Errorf("slack: socket: %w", err)
	}
	if err := s.conn.WriteJSON(ack); err != nil {
		return fmt.Errorf("slack: socket: %w", err)
	}
	return nil
}

// enveloped takes what would else come as a request, and returns what is answered at once.
func (b *Bot) enveloped(ctx context.Context, e envelope) (any, error) {
	switch e.Type {
	case "events_api":
		return b.event(ctx, e.Payload)
	case "interactive":
		return b.interaction(ctx, e.Payload)
	case "slash_commands":
		var in slashed
		if err := json.Unmarshal(e.Payload, &in); err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "the command is no JSON object")
		}
		return b.command(ctx, in, e.Payload)
	}
	return nil, nil
}
