package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

const (
	fairSentence = "During a trade fair you may exceed the limit by up to 40 percent if three hotels within two kilometres were full or dearer."
	osloSentence = "The limit per night in Oslo is €180."
	modelText    = "During a trade fair you may exceed the limit by up to 40 percent if three hotels within two kilometres were full or dearer [1]. " +
		"The limit per night in Oslo is €180 [1]."
)

// newAsked starts a server with the sample company on a database of its own and
// a model that replies as respond says, and waits until the sample is indexed.
func newAsked(t *testing.T, respond func(llmtest.Call) llmtest.Reply) (*program, *postgrestest.DB) {
	t.Helper()
	db := postgrestest.New(t)
	model := llmtest.OpenAI(t, respond)
	p := &program{t: t, data: openTempDir(t), addr: freeAddr(t), env: []string{
		"CAIRN_DATABASE_URL=" + db.URL, "CAIRN_SAMPLE=on", "CAIRN_LLM_URL=" + model.URL, "CAIRN_LLM_MODEL=small-1", "CAIRN_LLM_API_KEY=" + llmtest.Key,
	}}
	p.start()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var reply struct{ Runs []runReply }
		p.call("GET", "/sources/acme/runs", nil, &reply)
		if len(reply.Runs) > 0 && reply.Runs[0].final() {
			return p, db
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sample is not indexed: %+v\n%s", reply, p.log)
		}
	}
}

// answered is an answer as the API documents it, as far as it is looked at here.
type answered struct {
	Message   string `json:"message_id"`
	State     string
	Outcome   string
	Text      string
	Model     string
	Citations []struct {
		Document string `json:"document_id"`
		Version  string
		Start    int
		End      int
		Quote    string
		State    string
	}
	Notices []struct{ Code string }
}

// checkQuotes compares the citations with the documents.
func (p *program) checkQuotes(a answered) {
	p.t.Helper()
	if len(a.Citations) == 0 {
		p.t.Errorf("an answer without citations: %+v", a)
	}
	for _, c := range a.Citations {
		var d struct{ Text string }
		p.call("GET", "/documents/"+c.Document+"?version="+c.Version, nil, &d)
		if c.Quote == "" || c.Quote != d.Text[c.Start:c.End] {
			p.t.Errorf("the quote is %q, the document has %q", c.Quote, d.Text[c.Start:c.End])
		}
	}
}

// streamed is a server-sent event.
type streamed struct{ ID, Event, Data string }

// stream opens a stream and calls each with its events until that says to stop
// or the stream ends.
func (p *program) stream(method, path, body, last string, each func(streamed) bool) {
	p.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.data, "local.token"))
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.addr+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Last-Event-ID", last)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "text/event-stream" {
		p.t.Fatalf("%s %s: %s %s", method, path, reply.Status, reply.Header.Get("Content-Type"))
	}
	var e streamed
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			e.ID = value
		case "event":
			e.Event = value
		case "data":
			e.Data = value
		case "":
			if e.Event != "" && !each(e) {
				return
			}
			e = streamed{}
		}
	}
}

// all returns the events of a stream, to its end.
func (p *program) all(method, path, body, last string) []streamed {
	p.t.Helper()
	var events []streamed
	p.stream(method, path, body, last, func(e streamed) bool { events = append(events, e); return true })
	return events
}

// done returns the answer of the last event, which must be the end.
func done(t *testing.T, events []streamed) (a answered) {
	t.Helper()
	if len(events) == 0 || events[len(events)-1].Event != "done" {
		t.Fatalf("the stream does not end with done: %+v", events)
	}
	if err := json.Unmarshal([]byte(events[len(events)-1].Data), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

const question = `{"question": "What is the hotel limit in Oslo, and during a trade fair?", "stream": %v}`

func TestAskOverHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server")
	}
	p, _ := newAsked(t, llmtest.Replies(llmtest.Text(modelText)))
	var a answered
	p.call("POST", "/ask", json.RawMessage(fmt.Sprintf(question, false)), &a)
	if a.State != "complete" || a.Outcome != "answered" || a.Text != fairSentence+" "+osloSentence || a.Model != "small-1" {
		t.Errorf("answer: %+v", a)
	}
	p.checkQuotes(a)

	events := p.all("POST", "/ask", fmt.Sprintf(question, true), "")
	b := done(t, events)
	p.checkQuotes(b)
	a.Message = b.Message
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("answers (-whole +streamed):\n%s", diff)
	}
	for i, e := range events {
		if e.ID != fmt.Sprint(i+1) {
			t.Errorf("event %d has the id %q", i+1, e.ID)
		}
	}
	middle := slices.IndexFunc(events, func(e streamed) bool { return e.Event == "citation" })
	if diff := cmp.Diff(events[middle:], p.all("GET", "/messages/"+b.Message+"/stream", "", events[middle-1].ID)); diff != "" {
		t.Errorf("resumed (-first time +after %s):\n%s", events[middle-1].ID, diff)
	}
	p.stop()
}

// TestKilledServerKeepsWhatWasChecked kills the server in the middle of an answer.
func TestKilledServerKeepsWhatWasChecked(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts two servers")
	}
	p, db := newAsked(t, llmtest.Replies(llmtest.Reply{Pieces: strings.SplitAfter(modelText[:strings.Index(modelText, " per night")], " "), Fault: llmtest.Stall}))
	var before []streamed
	p.stream("POST", "/ask", fmt.Sprintf(question, true), "", func(e streamed) bool {
		before = append(before, e)
		return e.Event != "citation"
	})
	last := before[len(before)-1]
	if last.Event != "citation" {
		t.Fatalf("the answer ended before the kill: %+v", before)
	}
	p.kill()
	endLeases(t, db) // instead of waiting for them to run out
	p.start()
	var started struct {
		Message string `json:"message_id"`
	}
	if err := json.Unmarshal([]byte(before[0].Data), &started); err != nil {
		t.Fatal(err)
	}
	path := "/messages/" + started.Message + "/stream"
	rest := p.all("GET", path, "", last.ID)
	a := done(t, rest)
	if a.State != "failed" || a.Outcome != "partial" || a.Text != fairSentence || a.Model != "small-1" || len(a.Notices) != 1 || a.Notices[0].Code != "interrupted" {
		t.Errorf("answer: %+v", a)
	}
	p.checkQuotes(a)
	if diff := cmp.Diff(append(before, rest...), p.all("GET", path, "", "")); diff != "" {
		t.Errorf("all events (-before and after the kill +from the start):\n%s", diff)
	}
	var m struct{ Answer answered }
	p.call("GET", "/messages/"+started.Message, nil, &m)
	if diff := cmp.Diff(a, m.Answer); diff != "" {
		t.Errorf("message (-streamed +stored):\n%s", diff)
	}
	p.stop()
}

func endLeases(t *testing.T, db *postgrestest.DB) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tag, err := conn.Exec(t.Context(), `UPDATE messages SET lease_until = now() - interval '1 second' WHERE state = 'running'`)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("%d answers were being written: %v", tag.RowsAffected(), err)
	}
}
