package openai

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// script is an Asker that gives prepared events, and waits before each hold.
type script struct {
	mu        sync.Mutex
	events    []answer.Event
	hold      chan struct{} // what is received lets one event through; nil: all come at once
	refuse    error         // of Start
	lost      error         // of Events, after all events
	asks      []answer.Ask
	stopped   int
	forgotten []string
}

func (s *script) Models() []string { return []string{"small", cairn.ExtractiveModel, "group/large"} }

func (s *script) Start(_ context.Context, a answer.Ask) (answer.Started, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return answer.Started{}, s.refuse
	}
	s.asks = append(s.asks, a)
	return answer.Started{Conversation: "c1", Message: "m1"}, nil
}

func (s *script) Events(ctx context.Context, _ cairn.Viewer, _ string, after int) iter.Seq2[answer.Event, error] {
	return func(yield func(answer.Event, error) bool) {
		for i, e := range s.events[after:] {
			if s.hold != nil {
				select {
				case <-s.hold:
				case <-ctx.Done():
					yield(answer.Event{}, ctx.Err())
					return
				}
			}
			e.Seq = after + i + 1
			if !yield(e, nil) {
				return
			}
		}
		if s.lost != nil {
			yield(answer.Event{}, s.lost)
		}
	}
}

func (s *script) Stop(context.Context, cairn.Viewer, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped++
	return nil
}

func (s *script) Forget(_ context.Context, _ cairn.Viewer, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = append(s.forgotten, message)
	return nil
}

// last returns the newest question.
func (s *script) last() answer.Ask {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks[len(s.asks)-1]
}

func (s *script) all() (forgotten []string, stopped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.forgotten), s.stopped
}

// events returns the steps of an answer of pieces. A piece that begins with "!" is not
// supported, one with "-" claims nothing; others are cited as many times as they begin
// with "+", or once.
func events(pieces ...string) []answer.Event {
	all := []answer.Event{{Type: answer.EventStart}, {Type: answer.EventPassages}}
	a := cairn.Answer{State: cairn.MessageComplete, Outcome: cairn.OutcomeAnswered, Model: cairn.ExtractiveModel}
	for _, p := range pieces {
		n, support := 1, cairn.Supported
		switch {
		case strings.HasPrefix(p, "!"):
			n, support = 0, cairn.Unsupported
		case strings.HasPrefix(p, "-"):
			n, support = 0, cairn.SupportNone
		case strings.HasPrefix(p, "++"):
			n = 2
		}
		p = strings.TrimLeft(p, "!-+")
		start := len(a.Text) + len(p) - len(strings.TrimLeft(p, " \n"))
		s := cairn.Sentence{Start: start, End: len(a.Text) + len(p), Support: support}
		a.Text += p
		all = append(all, answer.Event{Type: answer.EventDelta, Text: p, Sentence: s, Model: a.Model})
		for i := range n {
			c := cairn.Citation{
				Number: i + 1, AnswerStart: s.Start, AnswerEnd: s.End, Document: cairn.DocumentID("D" + string(rune('1'+i))), Version: "V",
				Quote: "quote", Support: support, Title: "Travel " + string(rune('1'+i)), Source: "wiki",
				URL: "https://wiki.acme.test/" + string(rune('1'+i)),
			}
			all = append(all, answer.Event{Type: answer.EventCitation, Citation: &c})
		}
	}
	return append(all, answer.Event{Type: answer.EventDone, Answer: &a})
}

// done changes the end of events.
func done(all []answer.Event, change func(a *cairn.Answer)) []answer.Event {
	a := *all[len(all)-1].Answer
	change(&a)
	return append(all[:len(all)-1:len(all)-1], answer.Event{Type: answer.EventDone, Answer: &a})
}

// world is a server over a script.
type world struct {
	*testing.T
	store   *authtest.Store
	ask     *script
	service *Service
	server  *server.Server
	http    *httptest.Server
	ann     cairn.Account
	token   string // of ann, with the scope ask alone
}

func newWorld(t *testing.T, pieces ...string) *world {
	t.Helper()
	w := &world{T: t, store: authtest.New(), ask: &script{events: events(pieces...)}}
	log := slog.New(slog.DiscardHandler)
	a, err := auth.New(auth.Config{Store: w.store, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.service = New(Config{Ask: w.ask, BaseURL: "https://cairn.acme.test", Log: log, Now: func() time.Time { return time.Unix(1764500000, 0) }})
	w.server, err = server.New(server.Config{
		Auth: a, Routes: w.service.Routes(), Log: log, Ready: func(context.Context) error { return nil },
		Readable: func(context.Context, cairn.Viewer, []cairn.DocumentID) (bool, error) { return true, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(w.server.Handler())
	t.Cleanup(w.http.Close)
	w.ann = w.store.Add(cairn.Account{Email: "ann@acme.test", Role: cairn.RoleMember})
	w.token = w.store.Token(w.ann.ID, time.Now(), cairn.ScopeAsk)
	return w
}

// got is what came back.
type got struct {
	status int
	header http.Header
	body   string
}

func (w *world) open(method, path, body string, header ...string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	return res
}

// send sends a request, and holds what comes back against openapi.yaml.
func (w *world) send(method, path, body string, header ...string) got {
	w.Helper()
	res := w.open(method, path, body, header...)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	check(w.T, method, path, body, res, b)
	return got{res.StatusCode, res.Header, string(b)}
}

// chat sends a completion with one question and more fields.
func (w *world) chat(more string) got {
	w.Helper()
	return w.send("POST", "/v1/chat/completions", `{"model":"small","messages":[{"role":"user","content":"How much?"}]`+more+`}`)
}

// completed decodes a whole completion.
func (g got) completed(t *testing.T) (completion, reply) {
	t.Helper()
	var c completion
	if err := json.Unmarshal([]byte(g.body), &c); err != nil || g.status != http.StatusOK || len(c.Choices) != 1 || c.Choices[0].Message == nil {
		t.Fatalf("%v: %d %s", err, g.status, g.body)
	}
	return c, *c.Choices[0].Message
}

// chunks decodes a stream, which must end as it should.
func (g got) chunks(t *testing.T) []completion {
	t.Helper()
	body, ok := strings.CutSuffix(g.body, "data: [DONE]\n\n")
	if !ok || g.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v %s", g.header, g.body)
	}
	var all []completion
	for line := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		if strings.HasPrefix(line, ":") {
			continue
		}
		data, ok := strings.CutPrefix(line, "data: ")
		var c completion
		if err := json.Unmarshal([]byte(data), &c); err != nil || !ok {
			t.Fatalf("%q: %v", line, err)
		}
		conforms(t, "Chunk", data)
		all = append(all, c)
	}
	return all
}

// joined returns the content and the annotations of a stream.
func joined(all []completion) (text string, annotations []annotation, finish string) {
	for _, c := range all {
		for _, one := range c.Choices {
			if one.Delta.Content != nil {
				text += *one.Delta.Content
			}
			annotations = append(annotations, one.Delta.Annotations...)
			if one.Finish != nil {
				finish = *one.Finish
			}
		}
	}
	return text, annotations, finish
}

type specification struct {
	doc    *openapi3.T
	router routers.Router
}

var theSpec = sync.OnceValues(func() (specification, error) {
	doc, err := openapi3.NewLoader().LoadFromData(Spec())
	if err != nil {
		return specification{}, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return specification{}, err
	}
	for _, mediaType := range []string{"text/event-stream", "application/yaml"} {
		openapi3filter.RegisterBodyDecoder(mediaType, func(r io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
			b, err := io.ReadAll(r)
			return string(b), err
		})
	}
	doc.Paths.Find("/v1/chat/completions").Post.Responses.Value("200").Value.Content["text/event-stream"].Schema = nil // lines are checked one by one
	router, err := gorillamux.NewRouter(doc)
	return specification{doc, router}, err
})

// check holds a response, and a request that was accepted, against openapi.yaml.
func check(t *testing.T, method, path, body string, res *http.Response, got []byte) {
	t.Helper()
	spec, err := theSpec()
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	route, params, err := spec.router.FindRoute(req)
	if err != nil {
		t.Errorf("%s %s is not in openapi.yaml: %v", method, path, err)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if res.StatusCode < 400 && method == http.MethodPost {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s was accepted, but is not as described: %v", body, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options}
	out.SetBodyBytes(got)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%d is not as described: %v\n%s", res.StatusCode, err, got)
	}
}

// conforms holds a JSON value against a schema of openapi.yaml.
func conforms(t *testing.T, schema, data string) {
	t.Helper()
	spec, err := theSpec()
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatal(err)
	}
	if err := spec.doc.Components.Schemas[schema].Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s is no %s: %v", data, schema, err)
	}
}
