package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/client/clienttest"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// event is one event of a stream.
type event struct{ name, data string }

func citation(number, start, end int, more string) string {
	return fmt.Sprintf(`{"number":%d,"answer_start":%d,"answer_end":%d,"document_id":"D%d","version":"v1","start":0,"end":5,"quote":"Meals","title":"Travel","url":"","heading":["Travel","Meals"],"source":"handbook","updated_at":"2026-10-02T09:30:00Z","support":"supported","state":"current"%s}`, number, start, end, number, more)
}

// theAnswer has a sentence with a citation, one that nothing supports, and one that
// is supported in part.
var (
	answerText    = "Meals: 40 \u20ac.\x1b[2J Drinks too. And cake."
	answerEvents  = []event{{"start", `{"conversation_id":"C1","message_id":"M1"}`}, {"status", `{"phase":"searching"}`}, {"passages", `{"results":[` + thePassage + `]}`}}
	theCitation   = citation(1, 0, 14, "")
	theAnswer     = answerJSON("answered", answerText, `{"start":0,"end":18,"support":"supported"},{"start":19,"end":30,"support":"unsupported"},{"start":31,"end":40,"support":"partial"}`, theCitation, "", `{"code":"old","message":"The wiki is a day old."}`)
	answerSuccess = append(answerEvents[:3:3],
		event{"delta", delta("Meals: 40 \u20ac.\x1b[2J", 0, 18, "supported")}, event{"citation", theCitation},
		event{"delta", delta(" Drinks too.", 19, 30, "unsupported")},
		event{"delta", delta(" And cake.", 31, 40, "partial")}, event{"done", theAnswer})
)

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func delta(text string, start, end int, support string) string {
	return fmt.Sprintf(`{"text":%s,"start":%d,"end":%d,"support":%q}`, quoted(text), start, end, support)
}

func answerJSON(outcome, text, sentences, citations, nearest, notices string) string {
	return fmt.Sprintf(`{"conversation_id":"C1","message_id":"M1","state":"complete","outcome":%q,"text":%s,"sentences":[%s],"citations":[%s],"nearest":[%s],"model":"extractive","usage":{"input_tokens":0,"cached_tokens":0,"output_tokens":0,"cost_usd":0},"notices":[%s],"took_ms":1200}`,
		outcome, quoted(text), sentences, citations, nearest, notices)
}

func stream(w http.ResponseWriter, events []event) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i, e := range events {
		fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", i+1, e.name, e.data)
	}
}

func (s *shell) answers(events []event) {
	s.Handle("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) { stream(w, events) })
}

func TestAskCommand(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	s.expect(exitDone, `
Meals: 40 €.[1]␛[2J Drinks too.[?] And cake.[~]

[?] no document supports this sentence

[~] the documents support this sentence only in part

Note: The wiki is a day old.

Sources
[1] Travel › Meals
    handbook · 2026-10-02 · cairn doc get D1
`, "", "ask", "How", "much?", "--conversation", "C0", "--model", "m", "--source", "handbook")
	s.asked(`POST /api/v1/ask {"question":"How much?","conversation_id":"C0","sources":["handbook"],"model":"m","stream":true}`)
	s.expectJSON(exitDone, theAnswer, "ask", "How much?")
	s.stdin = "From a pipe?\n"
	s.run("ask", "-")
	s.asked(`POST /api/v1/ask {"question":"From a pipe?","stream":true}`)
	s.expect(exitUsage, "", "--stream belongs to --json", "ask", "x", "--stream")
	s.expect(exitUsage, "", "", "ask")
}

func TestAskJSONStream(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	code, out, _ := s.run("ask", "q", "--json", "--stream")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if code != exitDone || len(lines) != len(answerSuccess) {
		t.Fatalf("exit code %d, %d lines", code, len(lines))
	}
	for i, line := range lines {
		want := fmt.Sprintf(`{"id":"%d","event":%q,"data":%s}`, i+1, answerSuccess[i].name, answerSuccess[i].data)
		var a, b any
		if json.Unmarshal([]byte(line), &a) != nil || json.Unmarshal([]byte(want), &b) != nil || !cmp.Equal(a, b) {
			t.Errorf("line %d: %s\nwant %s", i, line, want)
		}
	}
}

func TestAskFindsNothing(t *testing.T) {
	s := newShell(t)
	nothing := answerJSON("not_found", "I found nothing.", `{"start":0,"end":16,"support":"none"}`, "", thePassage, "")
	s.answers(append(answerEvents[:3:3], event{"delta", delta("I found nothing.", 0, 16, "none")}, event{"done", nothing}))
	s.expect(exitNotFound, `
I found nothing.

Searched: handbook; passages looked at: 1.

The nearest documents
 1. Travel › Hotels
    handbook · page · 2026-10-02
    Hotels: Oslo ␛[2J €180
    cairn doc get D1
    Older version: Trips (wiki)
`, "", "ask", "xyzzy?", "--source", "handbook")
	s.expectJSON(exitNotFound, nothing, "ask", "xyzzy?")
}

func TestAskEndsBadly(t *testing.T) {
	for _, tt := range []struct{ name, answer, stderr string }{
		{"blocked", answerJSON("blocked", "No.", "", "", "", ""), "forbids"},
		{"failed", strings.Replace(theAnswer, `"complete"`, `"failed"`, 1), "could not be finished"},
		{"stopped", strings.Replace(theAnswer, `"complete"`, `"stopped"`, 1), "stopped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			s.answers(append(answerEvents[:3:3], event{"done", tt.answer}))
			if code, _, stderr := s.run("ask", "q"); code != exitFailed || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
	s := newShell(t)
	failed := event{"error", `{"error":{"code":"unavailable","message":"the model is down"}}`}
	s.answers(append(answerEvents[:3:3], failed))
	s.expect(exitFailed, "", "cairn: the model is down", "ask", "q")
	s.expect(exitFailed, "", "cairn: the model is down", "ask", "q", "--json")
	if _, out, _ := s.run("ask", "q", "--json", "--stream"); !strings.Contains(out, `"event":"error"`) {
		t.Errorf("the last line should tell: %s", out)
	}
}

// onTerminal shows events as on a terminal of 60 columns without colours.
func onTerminal(t *testing.T, events []event) string {
	t.Helper()
	var out bytes.Buffer
	screen := &terminal.Screen{Writer: &out, Terminal: true, Width: 60}
	p := &prose{out: screen, err: &terminal.Screen{Writer: io.Discard}}
	p.flow = terminal.NewFlow(screen, "")
	for _, e := range events {
		if err := p.event(client.Event{Name: e.name, Data: json.RawMessage(e.data)}); err != nil {
			t.Fatal(err)
		}
		if e.name == "done" {
			var a client.Answer
			if err := json.Unmarshal([]byte(e.data), &a); err != nil {
				t.Fatal(err)
			}
			if err := p.done(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out.String()
}

// On a terminal the sentences come one by one and make the same text in the end.
func TestAskOnATerminal(t *testing.T) {
	got := onTerminal(t, answerSuccess)
	if !strings.HasPrefix(got, "Meals: 40 €.[1]␛[2J Drinks too.[?] And cake.[~]\n") || strings.Count(got, "[1]") != 2 {
		t.Errorf("got\n%s", got)
	}
	if partly := onTerminal(t, answerSuccess[:6]); partly != "Meals: 40 €.[1]␛[2J" {
		t.Errorf("after the second sentence began: %q", partly)
	}
	withdrawn := append(answerEvents[:3:3], event{"delta", delta("Wrong.", 0, 6, "supported")}, event{"delta", delta(" Also.", 7, 12, "supported")}, event{"reset", "{}"})
	got = onTerminal(t, append(withdrawn, answerSuccess[3:]...))
	if !strings.HasPrefix(got, "Wrong.\n\nThat did not hold; a second attempt:\n\nMeals: 40 €.[1]") {
		t.Errorf("after a reset:\n%s", got)
	}
	// The end has what no event told: after a resumption by the stored answer.
	got = onTerminal(t, append(answerSuccess[:5:5], answerSuccess[7]))
	if !strings.HasPrefix(got, "Meals: 40 €.[1]␛[2J Drinks too.[?] And cake.[~]\n") {
		t.Errorf("without the middle:\n%s", got)
	}
}

func TestSourcesAreGrouped(t *testing.T) {
	var out bytes.Buffer
	p := &prose{out: &terminal.Screen{Writer: &out}}
	var cited []client.Citation
	same := func(n int) string { return strings.Replace(citation(n, 0, 1, ""), fmt.Sprintf("D%d", n), "D1", 1) }
	for _, c := range []string{
		same(2), same(1), same(1),
		strings.Replace(citation(3, 0, 1, ""), `"current"`, `"changed"`, 1),
		strings.Replace(citation(4, 0, 1, ""), `"current"`, `"gone"`, 1),
		strings.Replace(citation(5, 0, 1, ""), `"url":""`, `"url":"https://x.example/#meals"`, 1),
	} {
		var one client.Citation
		if err := json.Unmarshal([]byte(c), &one); err != nil {
			t.Fatal(err)
		}
		cited = append(cited, one)
	}
	p.printSources(cited)
	want := `
Sources
[1] [2] Travel › Meals
    handbook · 2026-10-02 · cairn doc get D1
[3] Travel › Meals
    handbook · 2026-10-02 · changed since · cairn doc get D3 --version v1
[4] Travel › Meals
    handbook · 2026-10-02 · no longer there · cairn doc get D4
[5] Travel › Meals
    handbook · 2026-10-02 · https://x.example/#meals
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever presses Ctrl-C does not want the answer any more.
func TestAskInterrupted(t *testing.T) {
	s := newShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	s.Handle("POST /api/v1/ask", func(w http.ResponseWriter, r *http.Request) {
		stream(w, answerEvents)
		_ = http.NewResponseController(w).Flush()
		time.AfterFunc(50*time.Millisecond, cancel)
		<-r.Context().Done()
	})
	s.Handle("DELETE /api/v1/messages/{id}/stream", func(w http.ResponseWriter, _ *http.Request) {
		close(stopped)
		clienttest.Write(w, 204, "")
	})
	var out, err bytes.Buffer
	if code := run(ctx, []string{"ask", "q"}, strings.NewReader(""), &out, &err); code != exitFailed || !strings.Contains(err.String(), "interrupted") {
		t.Errorf("exit code %d, %q", code, err.String())
	}
	select {
	case <-stopped:
	default:
		t.Error("the server was not told")
	}
}
