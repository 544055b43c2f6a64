package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client/clienttest"
)

// anAnswer is a stream as the server writes it, event by event.
var anAnswer = []string{
	`{"conversation_id":"C1","message_id":"M1"}`,
	`{"phase":"searching"}`,
	`{"results":[]}`,
	`{"text":"Meals: 40 €.","start":0,"end":14,"support":"supported"}`,
	`{"text":" More.","start":15,"end":20,"support":"none"}`,
	`{"conversation_id":"C1","message_id":"M1","text":"Meals: 40 €. More."}`,
}

var names = []string{"start", "status", "passages", "delta", "delta", "done"}

// wire is the stream after the event numbered last.
func wire(last int) string {
	var b strings.Builder
	for i := last; i < len(anAnswer); i++ {
		fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %s\n\n: still here\n\n", i+1, names[i], anAnswer[i])
	}
	return b.String()
}

// cutter serves anAnswer and breaks connections off.
type cutter struct {
	cuts     []int // how many bytes each connection gives, in turn; then all
	statuses []int // of the connections after the first, in turn; 0: 200
	asked    int
	last     []string // Last-Event-ID of each connection
	done     atomic.Bool
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		c.asked++
	}
	c.last = append(c.last, r.Header.Get("Last-Event-ID"))
	n := len(c.last) - 1
	if n > 0 && n <= len(c.statuses) && c.statuses[n-1] != 0 {
		w.WriteHeader(c.statuses[n-1])
		return
	}
	last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	stream := wire(last)
	w.Header().Set("Content-Type", "text/event-stream")
	if n < len(c.cuts) && c.cuts[n] < len(stream) {
		_, _ = io.WriteString(w, stream[:c.cuts[n]])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, stream)
	c.done.Store(true)
}

// ask collects the events of one question as "id name".
func ask(ctx context.Context, c *Client) (got []string, err error) {
	for e, err := range c.Ask(ctx, AskRequest{Question: "How much?"}) {
		if err != nil {
			return got, err
		}
		got = append(got, e.ID+" "+e.Name+" "+string(e.Data))
	}
	return got, nil
}

func whole() []string {
	var want []string
	for i, data := range anAnswer {
		want = append(want, fmt.Sprintf("%d %s %s", i+1, names[i], data))
	}
	return want
}

// However often and wherever the connection breaks after the first event, every
// event comes exactly once and the question is asked once.
func TestAskSurvivesCuts(t *testing.T) {
	begin := strings.Index(wire(0), "\n\n") + 2
	rapid.Check(t, func(rt *rapid.T) {
		s := &cutter{cuts: []int{rapid.IntRange(begin, len(wire(0))).Draw(rt, "first cut")}}
		s.cuts = append(s.cuts, rapid.SliceOfN(rapid.IntRange(0, 300), 0, 3).Draw(rt, "cuts")...)
		s.statuses = rapid.SliceOfN(rapid.SampledFrom([]int{0, 502, 503}), 0, 2).Draw(rt, "statuses")
		server := httptest.NewServer(s)
		defer server.Close()
		got, err := ask(t.Context(), newClient(t, server.URL))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(whole(), got); diff != "" {
			rt.Fatalf("events (-want +got):\n%s", diff)
		}
		if s.asked != 1 {
			rt.Fatalf("asked %d times", s.asked)
		}
	})
}

// Asking again would make a second answer: before there is a message to follow,
// a broken connection is an error.
func TestAskCutBeforeTheFirstEvent(t *testing.T) {
	s := &cutter{cuts: []int{10}}
	server := httptest.NewServer(s)
	defer server.Close()
	got, err := ask(t.Context(), newClient(t, server.URL))
	if !errors.Is(err, cairn.ErrUnavailable) || len(got) != 0 || len(s.last) != 1 {
		t.Errorf("got %q, %v after %d requests", got, err, len(s.last))
	}
}

func TestAskGivesUp(t *testing.T) {
	s := &cutter{cuts: []int{80}, statuses: slices.Repeat([]int{503}, 100)}
	server := httptest.NewServer(s)
	defer server.Close()
	c := newClient(t, server.URL)
	got, err := ask(t.Context(), c)
	if !errors.Is(err, cairn.ErrUnavailable) || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
	if want := 1 + c.retry.attempts; len(s.last) != want {
		t.Errorf("%d requests, want %d", len(s.last), want)
	}
}

// What is not temporary is not tried again.
func TestAskStopsAtARefusal(t *testing.T) {
	fake := clienttest.New(t)
	fake.Handle("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) { stream(w, wire(0)[:100]) })
	fake.Reply("GET /api/v1/messages/{id}/stream", 404, `{"error":{"code":"not_found","message":"not found"}}`)
	_, err := ask(t.Context(), newClient(t, fake.URL))
	if !errors.Is(err, cairn.ErrNotFound) || len(fake.Requests()) != 2 {
		t.Errorf("%v after %q", err, fake.Requests())
	}
}

func stream(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, text)
}

func TestAskRefused(t *testing.T) {
	fake := clienttest.New(t)
	fake.Reply("POST /api/v1/ask", 402, `{"error":{"code":"budget","message":"spent until tomorrow"}}`)
	if _, err := ask(t.Context(), newClient(t, fake.URL)); !errors.Is(err, cairn.ErrBudget) || err.Error() != "spent until tomorrow" {
		t.Error(err)
	}
	if got := fake.Requests()[0]; got != `POST /api/v1/ask {"question":"How much?","stream":true}` {
		t.Error(got)
	}
}

// A server that shuts down says so; the answer goes on at another one.
func TestAskReconnects(t *testing.T) {
	fake := clienttest.New(t)
	fake.Handle("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) {
		stream(w, wire(0)[:strings.Index(wire(0), "id: 3")]+"event: reconnect\ndata: {}\n\n")
	})
	fake.Handle("GET /api/v1/messages/{id}/stream", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "M1" || r.Header.Get("Last-Event-ID") != "2" {
			t.Errorf("asked for %s after %q", r.PathValue("id"), r.Header.Get("Last-Event-ID"))
		}
		stream(w, wire(2))
	})
	got, err := ask(t.Context(), newClient(t, fake.URL))
	if diff := cmp.Diff(whole(), got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// When the stream has nothing more to tell, the stored answer is its end.
func TestAskEndsWithTheStoredAnswer(t *testing.T) {
	answer := `{"conversation_id":"C1","message_id":"M1","state":"complete","outcome":"answered","text":"A.","sentences":[],"citations":[],"nearest":[],"model":"extractive","usage":{"input_tokens":0,"cached_tokens":0,"output_tokens":0,"cost_usd":0},"notices":[],"took_ms":1}`
	fake := clienttest.New(t)
	fake.Handle("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) { stream(w, wire(0)[:100]) })
	fake.Reply("GET /api/v1/messages/{id}/stream", 204, "")
	fake.Reply("GET /api/v1/messages/{id}", 200, `{"id":"M1","parent_message_id":null,"question":"q","withheld":false,"created_at":"2026-10-02T09:30:00Z","answer":`+answer+`}`)
	got, err := ask(t.Context(), newClient(t, fake.URL))
	if want := "1 done " + answer; err != nil || len(got) != 2 || got[1] != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// An answer that failed is told with its event; an error of the connection alone
// is tried again.
func TestAskFails(t *testing.T) {
	fake := clienttest.New(t)
	start := wire(0)[:strings.Index(wire(0), "id: 2")]
	fake.Handle("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) {
		stream(w, start+"event: error\ndata: {\"error\":{\"code\":\"unavailable\",\"message\":\"too slow\"}}\n\n")
	})
	fake.Handle("GET /api/v1/messages/{id}/stream", func(w http.ResponseWriter, _ *http.Request) {
		stream(w, "id: 2\nevent: error\ndata: {\"error\":{\"code\":\"unavailable\",\"message\":\"the model is down\"}}\n\n")
	})
	var last Event
	var err error
	for last, err = range newClient(t, fake.URL).Ask(t.Context(), AskRequest{Question: "q"}) {
		if err != nil {
			break
		}
	}
	if err == nil || err.Error() != "the model is down" || !errors.Is(err, cairn.ErrUnavailable) || last.Name != "error" {
		t.Errorf("got %+v, %v", last, err)
	}
}

func TestAskNoticesSilence(t *testing.T) {
	fake := clienttest.New(t)
	fake.Handle("POST /api/v1/ask", func(w http.ResponseWriter, r *http.Request) {
		stream(w, wire(0)[:100])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	fake.Handle("GET /api/v1/messages/{id}/stream", func(w http.ResponseWriter, _ *http.Request) { stream(w, wire(1)) })
	c := newClient(t, fake.URL)
	c.retry.silence = 30 * time.Millisecond
	got, err := ask(t.Context(), c)
	if diff := cmp.Diff(whole(), got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	gone := make(chan struct{})
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream(w, wire(0)[:100])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer fake.Close()
	var err error
	for _, err = range newClient(t, fake.URL).Ask(ctx, AskRequest{Question: "q"}) {
		cancel()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestAskLoopMayEndEarly(t *testing.T) {
	gone := make(chan struct{})
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream(w, wire(0)[:100])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer fake.Close()
	for range newClient(t, fake.URL).Ask(t.Context(), AskRequest{Question: "q"}) {
		break
	}
	select {
	case <-gone: // the connection was closed
	case <-time.After(5 * time.Second):
		t.Error("the connection stays open")
	}
}

func TestEvents(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "id: 1\nevent: delta\ndata: {}\n\n", "1/delta/{};"},
		{"no blanks, CRLF", "id:1\r\nevent:delta\r\ndata:{}\r\n\r\n", "1/delta/{};"},
		{"two lines of data", "event: x\ndata: [1,\ndata: 2]\n\n", "/x/[1,\n2];"},
		{"comments and unknown fields", ": hello\nretry: 5\nfoo\ndata: 1\n\n", "//1;"},
		{"without data", "event: x\n\nevent: y\ndata: 1\n\n", "/y/1;"},
		{"cut off", "data: 1\n\nid: 2\ndata: 2\n", "//1;"},
		{"empty", "", ""},
	} {
		got := ""
		for e, err := range events(strings.NewReader(tt.in)) {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			got += e.ID + "/" + e.Name + "/" + string(e.Data) + ";"
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Whatever comes, the parser ends, and no event is without data.
func FuzzEvents(f *testing.F) {
	f.Add(wire(0))
	f.Add("data:\n\n")
	f.Add("\n\n\r\n:\n")
	f.Fuzz(func(t *testing.T, in string) {
		n := 0
		for e, err := range events(strings.NewReader(in)) {
			if n++; err == nil && len(e.Data) == 0 {
				t.Errorf("event without data: %+v", e)
			}
		}
		if n > strings.Count(in, "\n") {
			t.Errorf("%d events in %d lines", n, strings.Count(in, "\n"))
		}
	})
}
