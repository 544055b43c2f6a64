package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// AppToken is the app-level token that the workspace knows.
const AppToken = "xapp-fake-token-of-the-app" //nolint:gosec // of nobody

// Ticket begins the secrets in the addresses of connections.
const Ticket = "canary-of-a-ticket"

// AckPatience is how long Slack waits for an acknowledgement.
const AckPatience = 3 * time.Second

const (
	linkPath    = "/link"
	maxSockets  = 10               // connections of an app
	maxAnswer   = 20 << 10         // bytes of an acknowledgement
	maxRetries  = 3                // how often an envelope is sent again
	pushTimeout = 20 * time.Second // in which an envelope must arrive
)

// sockets are the connections of Socket Mode.
type sockets struct {
	mu       sync.Mutex
	tickets  map[string]bool
	open     []*socket
	most     int
	patience time.Duration
	opened   int
	turned   int // away, since there were too many
	sent     int
	next     int // whose turn it is
}

func newSockets() sockets {
	return sockets{tickets: map[string]bool{}, most: maxSockets, patience: AckPatience}
}

// socket is a connection.
type socket struct {
	conn    *websocket.Conn
	write   sync.Mutex
	waiting map[string]*waiting // envelopes that were not acknowledged, by id
	gone    chan struct{}       // closed when it has ended
}

type waiting struct {
	answers bool // an answer may come with the acknowledgement
	acked   chan json.RawMessage
}

func (s *socket) send(v any) error {
	s.write.Lock()
	defer s.write.Unlock()
	return s.conn.WriteJSON(v)
}

func (w *Workspace) openConnection(token string, _ []byte) any {
	if token != AppToken {
		return no("not_allowed_token_type")
	}
	w.sockets.mu.Lock()
	defer w.sockets.mu.Unlock()
	ticket := fmt.Sprintf(Ticket+"-%d", len(w.sockets.tickets))
	w.sockets.tickets[ticket] = true
	return map[string]any{"ok": true, "url": "ws" + strings.TrimPrefix(w.URL, "http") + linkPath + "?ticket=" + ticket + "&app_id=A0CAIRN"}
}

// link serves a connection.
func (w *Workspace) link(rw http.ResponseWriter, r *http.Request) {
	s := &socket{waiting: map[string]*waiting{}, gone: make(chan struct{})}
	w.sockets.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	valid := w.sockets.tickets[ticket]
	w.sockets.tickets[ticket] = false // it is for one connection
	w.sockets.mu.Unlock()
	if !valid {
		http.Error(rw, "invalid ticket", http.StatusForbidden)
		return
	}
	conn, err := (&websocket.Upgrader{}).Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	s.conn = conn
	w.sockets.mu.Lock()
	full := len(w.sockets.open) >= w.sockets.most
	n := len(w.sockets.open) + 1
	w.sockets.mu.Unlock()
	if full {
		w.sockets.mu.Lock()
		w.sockets.turned++
		w.sockets.mu.Unlock()
		_ = s.send(map[string]any{"type": "disconnect", "reason": "too_many_websockets", "debug_info": map[string]any{"host": "applink-1"}})
		return
	}
	hello := map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": "A0CAIRN"},
		"debug_info": map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
	}
	if s.send(hello) != nil {
		return
	}
	w.sockets.mu.Lock()
	w.sockets.open = append(w.sockets.open, s)
	w.sockets.opened++
	w.sockets.mu.Unlock()
	w.hear(s)
	w.forget(s)
	close(s.gone)
}

// forget gives a connection no more envelopes.
func (w *Workspace) forget(s *socket) {
	w.sockets.mu.Lock()
	defer w.sockets.mu.Unlock()
	w.sockets.open = slices.DeleteFunc(w.sockets.open, func(o *socket) bool { return o == s })
}

// hear takes acknowledgements until the connection ends.
func (w *Workspace) hear(s *socket) {
	for {
		_, message, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			ID     string          `json:"envelope_id"`
			Answer json.RawMessage `json:"payload"`
		}
		err = strictly(message, &ack)
		w.sockets.mu.Lock()
		waits := s.waiting[ack.ID]
		delete(s.waiting, ack.ID)
		w.sockets.mu.Unlock()
		if err != nil || waits == nil || len(message) >= maxAnswer || len(ack.Answer) > 0 && !waits.answers {
			w.t.Errorf("slack: socket: no acknowledgement of what waits for one: %s: %v", message, err)
			return
		}
		waits.acked <- ack.Answer
	}
}

// Acknowledged is how an envelope was taken.
type Acknowledged struct {
	Answer string        // that came with the acknowledgement
	Sent   int           // how often it was sent
	After  time.Duration // from when it was sent the last time
}

// Push sends what would be the body of a request over one of the connections, another each
// time, and returns when it was acknowledged. What is not, or was sent over a connection that
// ended, is sent again, three times at most.
func (w *Workspace) Push(body string) Acknowledged {
	w.t.Helper()
	kind, payload := envelopeOf(body)
	for sent := 0; sent <= maxRetries; sent++ {
		if a, ok := w.pushOnce(kind, payload, sent); ok {
			return a
		}
	}
	w.t.Fatalf("slack: socket: an envelope was not acknowledged: %s", body)
	return Acknowledged{}
}

func (w *Workspace) pushOnce(kind string, payload json.RawMessage, before int) (Acknowledged, bool) {
	w.t.Helper()
	s, patience := w.turn()
	waits := &waiting{answers: kind == "slash_commands" || kind == "interactive", acked: make(chan json.RawMessage, 1)}
	w.sockets.mu.Lock()
	w.sockets.sent++
	id := fmt.Sprintf("envelope-%d", w.sockets.sent)
	s.waiting[id] = waits
	w.sockets.mu.Unlock()
	envelope := map[string]any{"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": waits.answers}
	if kind == "events_api" {
		envelope["retry_attempt"], envelope["retry_reason"] = before, ""
		if before > 0 {
			envelope["retry_reason"] = "timeout"
		}
	}
	began := time.Now()
	if s.send(envelope) != nil {
		return Acknowledged{}, false
	}
	select {
	case answer := <-waits.acked:
		return Acknowledged{Answer: string(answer), Sent: before + 1, After: time.Since(began)}, true
	case <-s.gone:
	case <-time.After(patience): // a late acknowledgement is taken, and changes nothing
	}
	return Acknowledged{}, false
}

// turn returns the connection whose turn it is, once there is one.
func (w *Workspace) turn() (*socket, time.Duration) {
	w.t.Helper()
	for deadline := time.Now().Add(pushTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		w.sockets.mu.Lock()
		if n := len(w.sockets.open); n > 0 {
			w.sockets.next++
			s := w.sockets.open[w.sockets.next%n]
			w.sockets.mu.Unlock()
			return s, w.sockets.patience
		}
		w.sockets.mu.Unlock()
	}
	w.t.Fatal("slack: socket: nobody is connected")
	return nil, 0
}

// envelopeOf returns the type and the payload of an envelope, from the body of a request.
func envelopeOf(body string) (kind string, payload json.RawMessage) {
	if strings.HasPrefix(body, "{") {
		return "events_api", json.RawMessage(body)
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		panic(err) // it was made by this package
	}
	if p := form.Get("payload"); p != "" {
		return "interactive", json.RawMessage(p)
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	return "slash_commands", json.RawMessage(encode(fields))
}

// Sockets returns how many connections are open, how many were opened so far, and how many
// were turned away.
func (w *Workspace) Sockets() (open, opened, turned int) {
	w.sockets.mu.Lock()
	defer w.sockets.mu.Unlock()
	return len(w.sockets.open), w.sockets.opened, w.sockets.turned
}

// LimitSockets sets how many connections may be open, and how long an acknowledgement may
// take.
func (w *Workspace) LimitSockets(most int, patience time.Duration) {
	w.sockets.mu.Lock()
	defer w.sockets.mu.Unlock()
	w.sockets.most, w.sockets.patience = most, patience
}

// Disconnect asks all connections to be opened anew. As Slack does, it sends nothing more
// over those that were told, except what waits for an acknowledgement there.
func (w *Workspace) Disconnect(reason string) {
	for _, s := range w.all() {
		w.forget(s)
		_ = s.send(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-1"}})
	}
}

// hangUp ends all connections without a word.
func (w *Workspace) hangUp() {
	for _, s := range w.all() {
		_ = s.conn.Close()
	}
}

// HangUp ends all connections without a word and waits until they are gone.
func (w *Workspace) HangUp() {
	all := w.all()
	w.hangUp()
	for _, s := range all {
		<-s.gone
	}
}

func (w *Workspace) all() []*socket {
	w.sockets.mu.Lock()
	defer w.sockets.mu.Unlock()
	return slices.Clone(w.sockets.open)
}
