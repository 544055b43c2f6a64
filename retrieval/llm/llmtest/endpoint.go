package llmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Key is the API key that the fake endpoints demand.
const Key = "sk-test-0123456789abcdef"

// Endpoint is a fake of a provider's HTTP endpoint on the loopback interface.
// What it is sent must be what the provider documents: a wrong path, header or
// body is answered as the provider would and fails the test as well. A wrong
// key is only answered.
type Endpoint struct {
	// URL is the base that a client is configured with; it ends in "/v1".
	URL string

	t       testing.TB
	respond func(Call) Reply
	closing chan struct{}

	mu    sync.Mutex
	calls []Call
	open  int
	slice int
	crlf  bool
}

// Call is a request that an endpoint received.
type Call struct {
	Number  int // from 0
	Path    string
	Model   string
	Request llm.Request
	Inputs  []string // of an embeddings request
	Header  http.Header
	Body    []byte
}

// Replies returns a responder for an endpoint: the replies in order, then the
// last one for ever.
func Replies(replies ...Reply) func(Call) Reply {
	return func(c Call) Reply {
		if len(replies) == 0 {
			return Reply{}
		}
		return replies[min(c.Number, len(replies)-1)]
	}
}

// Slice makes the endpoint send its streams in writes of n bytes, wherever
// that cuts them; 0 sends every event whole.
func (e *Endpoint) Slice(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.slice = n
}

// CRLF makes the endpoint end the lines of its streams with "\r\n".
func (e *Endpoint) CRLF() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.crlf = true
}

// Calls returns the requests so far, in order of arrival.
func (e *Endpoint) Calls() []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// Open returns the number of requests that are being answered.
func (e *Endpoint) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

// WaitIdle fails the test when requests are still being answered after 3 s.
func (e *Endpoint) WaitIdle(t testing.TB) {
	t.Helper()
	for range 300 {
		if e.Open() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d requests are still open", e.Open())
}

// serve starts an endpoint that is closed when the test ends.
func serve(t testing.TB, respond func(Call) Reply, routes map[string]func(*exchange)) *Endpoint {
	t.Helper()
	if respond == nil {
		respond = Replies()
	}
	e := &Endpoint{t: t, respond: respond, closing: make(chan struct{})}
	mux := http.NewServeMux()
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			e.track(1)
			defer e.track(-1)
			handle(&exchange{e: e, w: w, r: r})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the endpoint has no %s %s", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		close(e.closing)
		srv.Close()
	})
	e.URL = srv.URL + "/v1"
	return e
}

func (e *Endpoint) track(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open += n
}

// answer records the call and returns the reply to it.
func (e *Endpoint) answer(c Call) Reply {
	e.mu.Lock()
	c.Number = len(e.calls)
	e.calls = append(e.calls, c)
	e.mu.Unlock()
	r := e.respond(c)
	for _, p := range r.Pieces {
		if !utf8.ValidString(p) {
			e.t.Errorf("piece %q of a reply splits a rune, which JSON cannot carry", p)
		}
	}
	return r
}

// exchange is one request and what is sent back.
type exchange struct {
	e       *Endpoint
	w       http.ResponseWriter
	r       *http.Request
	started bool
}

// decode reads a JSON body into v and refuses fields that v does not have.
func (x *exchange) decode(body []byte, v any) error {
	if got := x.r.Header.Get("Content-Type"); got != "application/json" {
		return fmt.Errorf("the Content-Type is %q", got)
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// json sends one JSON object.
func (x *exchange) json(status int, v any) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	if err := json.NewEncoder(x.w).Encode(v); err != nil {
		x.e.t.Errorf("write the reply: %v", err)
	}
}

// event sends one server-sent event; name may be empty, data is a string that
// is sent as it is or a value that becomes JSON.
func (x *exchange) event(name string, data any) {
	if !x.started {
		x.started = true
		x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		x.w.WriteHeader(http.StatusOK)
	}
	text, ok := data.(string)
	if !ok {
		b, err := json.Marshal(data)
		if err != nil {
			x.e.t.Errorf("encode an event: %v", err)
		}
		text = string(b)
	}
	var b strings.Builder
	if name != "" {
		b.WriteString("event: " + name + "\n")
	}
	b.WriteString("data: " + text + "\n\n")
	x.write(b.String())
}

// write sends a piece of a stream as the endpoint's knobs say. Errors are left
// to the transport: a client may go away.
func (x *exchange) write(text string) {
	x.e.mu.Lock()
	n, crlf := x.e.slice, x.e.crlf
	x.e.mu.Unlock()
	if crlf {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if n <= 0 {
		n = len(text)
	}
	for part := range slices.Chunk([]byte(text), n) {
		_, _ = x.w.Write(part)
		_ = http.NewResponseController(x.w).Flush()
	}
}

// pause waits unless the client or the test has gone, which it reports as false.
func (x *exchange) pause(d time.Duration) bool {
	if d <= 0 {
		return x.r.Context().Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-x.r.Context().Done():
	case <-x.e.closing:
	}
	return false
}

// stall keeps the connection open until the client or the test has gone.
func (x *exchange) stall() {
	_ = http.NewResponseController(x.w).Flush()
	select {
	case <-x.r.Context().Done():
	case <-x.e.closing:
	}
}

// cut breaks the connection.
func (x *exchange) cut() { panic(http.ErrAbortHandler) }
