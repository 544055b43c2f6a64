package api

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/auth"
)

func ask(who actor) answer.Ask {
	return answer.Ask{Viewer: auth.ViewerOf(auth.Holder{Account: who.account}), Question: "How much for meals?"}
}

func doneEvent(conversation, message string) answer.Event {
	return answer.Event{Type: answer.EventDone, Answer: &cairn.Answer{
		Conversation: conversation, Message: message, State: cairn.MessageComplete, Outcome: cairn.OutcomeAnswered,
		Text: "Meals are paid up to 40 EUR.", Model: cairn.ExtractiveModel, Took: 12 * time.Millisecond,
		Sentences: []cairn.Sentence{{Start: 0, End: 28, Support: cairn.Supported}},
		Citations: []cairn.Citation{aCitation()},
		Notices:   []cairn.Notice{{Code: "extractive", Message: "No model is set."}},
	}}
}

func aCitation() cairn.Citation {
	return cairn.Citation{
		Number: 1, AnswerStart: 0, AnswerEnd: 28, Document: "travel", Version: cairn.VersionOf([]byte("Meals are paid up to 40 EUR a day.")),
		Start: 0, End: 34, Quote: "Meals are paid up to 40 EUR a day.", Support: cairn.Supported, Title: "Travel", Source: "handbook",
		URL: "https://acme.example/travel", Modified: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), State: cairn.CitationCurrent,
	}
}

// answered is a whole answer, every type of event included.
func answered(conversation, message string) []answer.Event {
	c := aCitation()
	return []answer.Event{
		{Type: answer.EventStatus, Phase: "searching"},
		{Type: answer.EventPassages, Passages: []cairn.Passage{{Document: "travel", Text: "Meals", End: 5, Source: "handbook"}}},
		{Type: answer.EventDelta, Text: "A first attempt.", Sentence: cairn.Sentence{Start: 0, End: 16, Support: cairn.Unsupported}},
		{Type: answer.EventReset},
		{Type: answer.EventDelta, Text: "Meals are paid\nup to 40 EUR.", Sentence: cairn.Sentence{Start: 0, End: 28, Support: cairn.Supported}},
		{Type: answer.EventCitation, Citation: &c},
		doneEvent(conversation, message),
	}
}

// event is one server-sent event as a browser reads it.
type event struct{ ID, Type, Data string }

// events reads a stream to its end, or up to n events when n > 0.
func events(t *testing.T, res *http.Response, n int) []event {
	t.Helper()
	var all []event
	var e event
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			e.ID = value
		case "event":
			e.Type = value
		case "data":
			e.Data += value
		case "":
			if value == "" && e != (event{}) {
				all, e = append(all, e), event{}
				if len(all) == n {
					return all
				}
			} else if value != "" { // a comment
				all = append(all, event{Type: "comment", Data: value})
				if len(all) == n {
					return all
				}
			}
		}
	}
	return all
}

// open begins a stream; the caller reads it.
func (w *world) open(ctx context.Context, who actor, method, path, body, last string) *http.Response {
	w.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // a stream that should end and does not
	w.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, w.http.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+who.token)
	req.Header.Set("Content-Type", "application/json")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { res.Body.Close() })
	return res
}

func TestAskStreams(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	res := w.open(t.Context(), w.ann, "POST", "/ask", `{"question":"How much for meals?","stream":true}`, "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Accel-Buffering") != "no" ||
		res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	got := events(t, res, 0)
	var types []string
	schemas := map[string]string{
		"start": "StartEvent", "status": "StatusEvent", "passages": "PassagesEvent", "delta": "DeltaEvent", "citation": "Citation", "done": "Answer",
	}
	for i, e := range got {
		types = append(types, e.Type)
		if e.ID != strconv.Itoa(i+1) {
			t.Errorf("event %d has the id %q", i+1, e.ID)
		}
		if schema := schemas[e.Type]; schema != "" {
			w.spec.data(t, schema, []byte(e.Data))
		}
	}
	if diff := cmp.Diff([]string{"start", "status", "passages", "delta", "reset", "delta", "citation", "done"}, types); diff != "" {
		t.Error(diff)
	}
	if got[5].Data != `{"text":"Meals are paid\nup to 40 EUR.","start":0,"end":28,"support":"supported"}` {
		t.Errorf("delta: %s", got[5].Data)
	}
}

func TestAskReplies(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	got := w.call(w.ann, "POST", "/api/v1/ask",
		`{"question":"How much?","sources":["handbook"],"filters":{"kind":"page"},"model":"small"}`)
	var a answerBody
	got.into(t, &a)
	if got.status != 200 || a.State != "complete" || len(a.Citations) != 1 || a.Citations[0].Quote == "" || a.Model != "extractive" {
		t.Errorf("%d %s", got.status, got.body)
	}
	q := w.asker.started[0]
	if q.Model != "small" || q.Filters.Kind != "page" || q.Filters.Sources[0] != "handbook" || q.Viewer.Account != w.ann.account.ID {
		t.Errorf("asked %+v", q)
	}
	if got := w.call(w.ann, "POST", "/api/v1/ask", `{"question":"x","model":"spent"}`); got.status != 402 || got.code(t) != "budget" {
		t.Errorf("spent budget: %d %s", got.status, got.body)
	}
}

func TestAskReplyOfAFailedAnswerKeepsWhatWasChecked(t *testing.T) {
	w := newWorld(t)
	w.asker.script = func(conversation, message string) []answer.Event {
		w.m.mu.Lock()
		defer w.m.mu.Unlock()
		a := &w.m.messages[len(w.m.messages)-1].Answer
		a.State, a.Text, a.Notices = cairn.MessageFailed, "Half.", []cairn.Notice{{Code: "interrupted", Message: "The process ended."}}
		return []answer.Event{{Type: answer.EventFailed, Failure: &cairn.Notice{Code: "unavailable", Message: "gone"}}}
	}
	got := w.call(w.ann, "POST", "/api/v1/ask", `{"question":"How much?"}`)
	var a answerBody
	got.into(t, &a)
	if got.status != 200 || a.State != "failed" || a.Text != "Half." || len(a.Notices) != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestStreamGoesOnFromAnyEvent(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	s, err := w.asker.Start(t.Context(), ask(w.ann))
	if err != nil {
		t.Fatal(err)
	}
	path := "/messages/" + s.Message + "/stream"
	whole := events(t, w.open(t.Context(), w.ann, "GET", path, "", ""), 0)
	if len(whole) != 8 {
		t.Fatalf("%d events", len(whole))
	}
	for i := range whole[:7] {
		rest := events(t, w.open(t.Context(), w.ann, "GET", path, "", whole[i].ID), 0)
		if diff := cmp.Diff(whole[i+1:], rest); diff != "" {
			t.Errorf("after %s: %s", whole[i].ID, diff)
		}
	}
	if res := w.open(t.Context(), w.ann, "GET", path, "", "8"); res.StatusCode != 204 {
		t.Errorf("after the last: %d; want 204", res.StatusCode)
	}
	for _, bad := range []string{"x", "-1", "99999999999999999999"} {
		if res := w.open(t.Context(), w.ann, "GET", path, "", bad); res.StatusCode != 400 {
			t.Errorf("Last-Event-ID %s: %d", bad, res.StatusCode)
		}
	}
}

func TestStreamOfARunningAnswerIsLive(t *testing.T) {
	w := newWorld(t)
	w.api.heartbeat = 20 * time.Millisecond
	s, err := w.asker.Start(t.Context(), ask(w.ann))
	if err != nil {
		t.Fatal(err)
	}
	res := w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "")
	first := events(t, res, 2)
	if first[0].Type != "start" || first[1].Type != "comment" {
		t.Fatalf("%+v; want the start and a heartbeat", first)
	}
	// The reader goes away; the answer does not.
	res.Body.Close()
	w.asker.add(s.Message, answered(s.Conversation, s.Message)...)
	rest := events(t, w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "1"), 0)
	if len(rest) != 7 || rest[6].Type != "done" {
		t.Errorf("%+v", rest)
	}
}

func TestA11_01_StrangersCannotStopAnswers(t *testing.T) {
	w := newWorld(t)
	s, _ := w.asker.Start(t.Context(), ask(w.ann))
	path := "/api/v1/messages/" + s.Message + "/stream"
	if got := w.call(w.bob, "DELETE", path, ""); got.status != 404 || w.asker.stopped[s.Message] {
		t.Errorf("bob: %d", got.status)
	}
	if got := w.call(w.ann, "DELETE", path, ""); got.status != 204 || !w.asker.stopped[s.Message] {
		t.Errorf("ann: %d", got.status)
	}
}

func TestA11_13_StreamEndsWithTheSession(t *testing.T) {
	cases := map[string]struct {
		change func(w *world)
		want   string
	}{
		"disabled": {func(w *world) {
			a := w.ann.account
			a.Disabled = true
			w.m.Add(a)
		}, "error"},
		"token revoked": {func(w *world) {
			_ = w.m.RevokeToken(w.Context(), "", w.m.AllTokens(w.ann.account.ID)[0].ID, time.Now())
		}, "error"},
		"left a group":  {func(w *world) { _ = w.m.SetGroup(w.Context(), "finance", nil, nil) }, "reconnect"},
		"a grant ended": {func(w *world) { w.m.SetGrants(w.ann.account.ID) }, "reconnect"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.recheck = 10 * time.Millisecond
			w.m.SetGrants(w.ann.account.ID, "g1")
			s, _ := w.asker.Start(t.Context(), ask(w.ann))
			res := w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "")
			if first := events(t, res, 1); first[0].Type != "start" {
				t.Fatalf("%+v", first)
			}
			c.change(w)
			begun := time.Now()
			rest := events(t, res, 0) // ends by itself
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("the stream went on for %v", took)
			}
			if len(rest) != 1 || rest[0].Type != c.want || rest[0].ID != "" {
				t.Errorf("%+v; want one %s without an id", rest, c.want)
			}
		})
	}
}

// TestA11_13_AwaitedAnswerEndsWithTheSession: so does a reply that waits for the whole
// answer.
func TestA11_13_AwaitedAnswerEndsWithTheSession(t *testing.T) {
	w := newWorld(t)
	w.api.recheck = 10 * time.Millisecond
	waiting := make(chan replied, 1)
	go func() { waiting <- w.call(w.ann, "POST", "/api/v1/ask", `{"question":"How much?"}`) }()
	w.asker.await(1)
	if err := w.m.RevokeToken(t.Context(), "", w.m.AllTokens(w.ann.account.ID)[0].ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got.status != http.StatusUnauthorized {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestMessagesShowOwnFeedback(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	s := w.asked()
	for _, path := range []string{"/messages/" + s[1], "/conversations/" + s[0]} {
		if got := w.call(w.ann, "GET", "/api/v1"+path, ""); strings.Contains(string(got.body), "feedback") {
			t.Errorf("%s, before: %s", path, got.body)
		}
	}
	given := `{"rating":"down","reason":"outdated","comment":"It is thirty."}`
	if got := w.call(w.ann, "POST", "/api/v1/messages/"+s[1]+"/feedback", given); got.status != 204 {
		t.Fatalf("feedback: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/messages/" + s[1], "/conversations/" + s[0]} {
		if got := w.call(w.ann, "GET", "/api/v1"+path, ""); got.status != 200 || !strings.Contains(string(got.body), `"feedback":`+given) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestWithheldMessagesShowNothing(t *testing.T) {
	w := newWorld(t)
	w.asker.script = answered
	s := w.asked()
	w.call(w.ann, "POST", "/api/v1/messages/"+s[1]+"/feedback", `{"rating":"up","comment":"EUR 30, thanks"}`)
	w.m.messages[0].Withheld = true
	w.m.messages[0].Answer = *doneEvent(s[0], s[1]).Answer
	for _, path := range []string{"/messages/" + s[1], "/conversations/" + s[0]} {
		got := w.call(w.ann, "GET", "/api/v1"+path, "")
		if got.status != 200 || strings.Contains(string(got.body), "EUR") || strings.Contains(string(got.body), "How much for meals?\",\"withheld") ||
			!strings.Contains(string(got.body), `"withheld":true`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	stream := events(t, w.open(t.Context(), w.ann, "GET", "/messages/"+s[1]+"/stream", "", ""), 0)
	if len(stream) != 1 || stream[0].Type != "done" || strings.Contains(stream[0].Data, "EUR") {
		t.Errorf("stream: %+v", stream)
	}
}

func TestGoneCitationsShowNoText(t *testing.T) {
	c := aCitation()
	c.State = cairn.CitationGone
	b, err := encode(citationOf(c))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Meals", "Travel", "acme.example", "handbook", "2026"} {
		if strings.Contains(string(b), s) {
			t.Errorf("a gone citation shows %q: %s", s, b)
		}
	}
}

func TestDrain(t *testing.T) {
	w := newWorld(t)
	s, _ := w.asker.Start(t.Context(), ask(w.ann))
	const readers = 20
	var open []*http.Response
	for range readers {
		res := w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "")
		if first := events(t, res, 1); first[0].Type != "start" {
			t.Fatalf("%+v", first)
		}
		open = append(open, res)
	}
	waiting := make(chan replied, 1) // a question whose asker wants the whole answer
	go func() { waiting <- w.call(w.ann, "POST", "/api/v1/ask", `{"question":"How much?"}`) }()
	w.asker.await(2)
	if err := w.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, res := range open {
		rest := events(t, res, 0)
		if len(rest) != 1 || rest[0] != (event{Type: "reconnect", Data: "{}"}) {
			t.Errorf("reader %d: %+v", i, rest)
		}
	}
	var a answerBody
	got := <-waiting
	got.into(t, &a)
	if got.status != 200 || a.State != cairn.MessageRunning || a.Message == "" {
		t.Errorf("the waiting question: %d %s", got.status, got.body)
	}
}
