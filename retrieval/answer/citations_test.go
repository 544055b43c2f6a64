package answer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// messageReply is GET /messages/{id} as the API documents it.
type messageReply struct {
	ID       string      `json:"id"`
	Question string      `json:"question"`
	Withheld bool        `json:"withheld"`
	Answer   answerReply `json:"answer"`
}

type answerReply struct {
	Conversation string             `json:"conversation_id"`
	Message      string             `json:"message_id"`
	State        cairn.MessageState `json:"state"`
	Outcome      cairn.Outcome      `json:"outcome"`
	Text         string             `json:"text"`
	Sentences    []cairn.Sentence   `json:"sentences"`
	Citations    []citationReply    `json:"citations"`
	Nearest      []struct {
		Document cairn.DocumentID `json:"document_id"`
		Version  cairn.Version    `json:"version"`
		Snippet  string           `json:"snippet"`
		Start    int              `json:"start"`
		End      int              `json:"end"`
	} `json:"nearest"`
	Model   string         `json:"model"`
	Usage   cairn.Usage    `json:"usage"`
	Notices []cairn.Notice `json:"notices"`
}

type citationReply struct {
	Number      int                 `json:"number"`
	AnswerStart int                 `json:"answer_start"`
	AnswerEnd   int                 `json:"answer_end"`
	Document    cairn.DocumentID    `json:"document_id"`
	Version     cairn.Version       `json:"version"`
	Start       int                 `json:"start"`
	End         int                 `json:"end"`
	Quote       string              `json:"quote"`
	Title       string              `json:"title"`
	URL         string              `json:"url"`
	Heading     []string            `json:"heading"`
	Source      string              `json:"source"`
	Updated     string              `json:"updated_at"`
	Support     cairn.Support       `json:"support"`
	State       cairn.CitationState `json:"state"`
}

type documentReply struct {
	Text     string `json:"text"`
	URL      string `json:"url"`
	State    cairn.CitationState
	Sections []struct {
		Heading []string `json:"heading"`
		Start   int      `json:"start"`
		End     int      `json:"end"`
		Anchor  string   `json:"anchor"`
	} `json:"sections"`
}

func (a answerReply) codes() []string {
	codes := []string{}
	for _, n := range a.Notices {
		codes = append(codes, n.Code)
	}
	return codes
}

// checked returns a finished message as the API gives it to ann, after checking
// what must hold for every answer: the events number themselves and replay from
// everywhere, they show what is stored, and every citation is what it says.
func (o *office) checked(a *answer.Asker, message string, events []answer.Event) messageReply {
	o.t.Helper()
	s := o.site(a)
	var m messageReply
	if status, body := s.call(o.ann, "GET", "/messages/"+message, "", &m); status != 200 {
		o.t.Fatalf("GET of the message: %d %s", status, body)
	}
	s.checkCitations(o.ann, m.Answer)
	for i, e := range events {
		if e.Seq != events[0].Seq+i {
			o.t.Errorf("event %d is numbered %d", i, e.Seq)
		}
	}
	if last := events[len(events)-1]; last.Type != answer.EventDone || last.Answer == nil {
		o.t.Fatalf("the last event is %+v", last)
	}
	s.checkStream(m, events)
	return m
}

// checkStream compares what the stream has shown with what is stored.
func (s site) checkStream(m messageReply, events []answer.Event) {
	s.o.t.Helper()
	stream := readEvents(s.o.t, s.open(s.o.ann, "GET", "/messages/"+m.ID+"/stream", "").Body, 0)
	if len(stream) != len(events) {
		s.o.t.Errorf("%d events are streamed, %d were followed", len(stream), len(events))
	}
	shown := answerReply{Citations: []citationReply{}}
	for i, e := range stream {
		if e.ID != fmt.Sprint(i+1) {
			s.o.t.Errorf("event %d has the id %q", i, e.ID)
		}
		switch e.Event {
		case "delta":
			var d struct {
				Text string `json:"text"`
				cairn.Sentence
			}
			check(s.o.t, json.Unmarshal([]byte(e.Data), &d))
			shown.Text += d.Text
			shown.Sentences = append(shown.Sentences, d.Sentence)
		case "citation":
			var c citationReply
			check(s.o.t, json.Unmarshal([]byte(e.Data), &c))
			shown.Citations = append(shown.Citations, c)
		case "reset":
			shown = answerReply{Citations: []citationReply{}}
		case "done":
			var done answerReply
			check(s.o.t, json.Unmarshal([]byte(e.Data), &done))
			if diff := cmp.Diff(m.Answer, done); diff != "" {
				s.o.t.Errorf("the done event (-stored +streamed):\n%s", diff)
			}
		}
	}
	if shown.Text != m.Answer.Text || !slices.Equal(shown.Sentences, m.Answer.Sentences) {
		s.o.t.Errorf("shown %q %v\nstored %q %v", shown.Text, shown.Sentences, m.Answer.Text, m.Answer.Sentences)
	}
	if diff := cmp.Diff(m.Answer.Citations, shown.Citations); diff != "" {
		s.o.t.Errorf("citations (-stored +streamed):\n%s", diff)
	}
}

// checkCitations compares every citation with the version of the document that
// it names, as GET of the document gives it to who.
func (s site) checkCitations(who person, a answerReply) {
	s.o.t.Helper()
	t := s.o.t
	for i, c := range a.Citations {
		if c.AnswerStart < 0 || c.AnswerStart >= c.AnswerEnd || c.AnswerEnd > len(a.Text) {
			t.Errorf("citation %d lies at [%d, %d) of a text of %d bytes", i, c.AnswerStart, c.AnswerEnd, len(a.Text))
		}
		if !slices.ContainsFunc(a.Sentences, func(x cairn.Sentence) bool { return x.Start == c.AnswerStart && x.End == c.AnswerEnd }) {
			t.Errorf("citation %d belongs to no sentence", i)
		}
		var d documentReply
		status, _ := s.call(who, "GET", fmt.Sprintf("/documents/%s?version=%s", c.Document, c.Version), "", &d)
		if c.State == cairn.CitationGone {
			if status != 404 || c.Quote+c.Title+c.URL+c.Source+c.Updated != "" || len(c.Heading) > 0 {
				t.Errorf("citation %d is gone (GET says %d) and shows %+v", i, status, c)
			}
			continue
		}
		if status != 200 || c.State != d.State {
			t.Errorf("citation %d is %s, GET of its version says %d %s", i, c.State, status, d.State)
			continue
		}
		if c.Quote == "" || c.Quote != d.Text[c.Start:c.End] {
			t.Errorf("citation %d quotes %q, its version has %q there", i, c.Quote, d.Text[c.Start:c.End])
		}
		for _, section := range d.Sections {
			if section.Start <= c.Start && c.Start < section.End && (!slices.Equal(section.Heading, c.Heading) || c.URL != d.URL+section.Anchor) {
				t.Errorf("citation %d has %v and %s, its section %v and %s", i, c.Heading, c.URL, section.Heading, d.URL+section.Anchor)
			}
		}
	}
	for _, x := range a.Sentences {
		borneOut := x.Support == cairn.Supported || x.Support == cairn.Partial
		cited := slices.ContainsFunc(a.Citations, func(c citationReply) bool { return c.AnswerStart == x.Start })
		if borneOut != cited {
			t.Errorf("sentence %q is %s, cited: %v", a.Text[x.Start:x.End], x.Support, cited)
		}
	}
	for _, n := range a.Nearest {
		var d documentReply
		if status, _ := s.call(who, "GET", fmt.Sprintf("/documents/%s?version=%s", n.Document, n.Version), "", &d); status != 200 || d.Text[n.Start:n.End] != n.Snippet {
			t.Errorf("nearest %+v: %d", n, status)
		}
	}
}

// TestCitationsNameTheirSection asks for one section and gets told of another.
func TestCitationsNameTheirSection(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	m := o.ask(o.asker(nil, llmtest.NewScript(llmtest.Text(sayOslo+sayLisbon))), answer.Ask{Question: askOslo})
	got := [][]string{}
	for _, c := range m.Answer.Citations {
		got = append(got, append(c.Heading, c.URL, c.Quote))
	}
	want := [][]string{
		{"Travel", "Oslo", "https://acme.test/travel#oslo", oslo},
		{"Travel", "Lisbon", "https://acme.test/travel#lisbon", lisbon},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("citations (-want +got):\n%s", diff)
	}
}

// TestCitationsOutliveTheirDocument changes, withdraws, gives back and erases
// what an answer cites.
func TestCitationsOutliveTheirDocument(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	a := o.asker(nil, llmtest.NewScript(llmtest.Text(sayOslo+sayLisbon)))
	m := o.ask(a, answer.Ask{Question: askOslo})
	s := o.site(a)
	see := func(what string, status int, withheld bool, state cairn.CitationState) {
		t.Helper()
		var now messageReply
		if got, body := s.call(o.ann, "GET", "/messages/"+m.ID, "", &now); got != status {
			t.Fatalf("%s: %d %s", what, got, body)
		}
		if now.Withheld != withheld {
			t.Errorf("%s: withheld is %v", what, now.Withheld)
		}
		s.checkCitations(o.ann, now.Answer)
		for i, c := range now.Answer.Citations {
			if c.State != state || c.Quote != m.Answer.Citations[i].Quote {
				t.Errorf("%s: citation %d is %s with %q", what, i, c.State, c.Quote)
			}
		}
		if shown := now.Question+now.Answer.Text != "" || len(now.Answer.Citations) > 0; shown == (withheld || status == 404) {
			t.Errorf("%s: shown is %v: %+v", what, shown, now)
		}
	}
	see("as it was", 200, false, cairn.CitationCurrent)
	o.put("travel", "# Travel\n\nThe rules are being written anew.\n")
	see("changed", 200, false, cairn.CitationChanged)
	o.put("travel", "# Travel\n\nThe rules are being written anew.\n", cairn.AccountKey(o.bob.Account))
	see("no longer permitted", 200, true, "")
	o.put("travel", travel)
	see("as it was again", 200, false, cairn.CitationCurrent)
	o.hide("travel")
	see("vanished from its source", 200, true, "")
	_, err := o.db.EraseSource(t.Context(), o.source.ID, "")
	check(t, err)
	see("erased", 404, false, "")
}

// TestGoneCitationShowsNothing: of a version that is gone nobody knows any more who could
// read it; the answer from it is withheld.
func TestGoneCitationShowsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	a := o.asker(nil)
	m := o.ask(a, answer.Ask{Question: askOslo})
	o.put("travel", "# Travel\n\nThe rules are being written anew.\n")
	o.exec(`DELETE FROM bodies b USING documents d WHERE d.id = b.document_id AND b.version <> d.version`)
	s := o.site(a)
	var now messageReply
	s.call(o.ann, "GET", "/messages/"+m.ID, "", &now)
	s.checkCitations(o.ann, now.Answer)
	if len(now.Answer.Citations) > 0 || strings.Contains(now.Answer.Text, "Oslo") {
		t.Errorf("of a version that was erased is shown %+v", now.Answer)
	}
}

// TestPassageOfSeveralPages: what is quoted is shown under its own page.
func TestPassageOfSeveralPages(t *testing.T) {
	t.Parallel()
	first := "Employees travel by train where they can.\n\n"
	p := cairn.Passage{
		Document: "d", Version: "v", Title: "Rules", Source: "wiki", Start: 100, Text: first + oslo, End: 100 + len(first+oslo),
		Heading: []string{"Page 1"}, URL: "https://acme.test/rules.pdf#page=1",
		Places: []cairn.Place{
			{Start: 40, Heading: []string{"Page 1"}, URL: "https://acme.test/rules.pdf#page=1"},
			{Start: 100 + len(first), Heading: []string{"Page 2"}, URL: "https://acme.test/rules.pdf#page=2"},
			{Start: 900, Heading: []string{"Page 3"}, URL: "https://acme.test/rules.pdf#page=3"},
		},
	}
	for e, err := range answer.New(answer.Config{}).Answer(t.Context(), answer.Question{Text: askOslo}, []cairn.Passage{p}) {
		check(t, err)
		if e.Type != answer.EventDone {
			continue
		}
		if want := "**Rules › Page 2**\n\n" + oslo; e.Answer.Text != want || len(e.Answer.Citations) != 1 {
			t.Fatalf("answer: %q, want %q", e.Answer.Text, want)
		}
		if c := e.Answer.Citations[0]; c.URL != "https://acme.test/rules.pdf#page=2" || !slices.Equal(c.Heading, []string{"Page 2"}) {
			t.Errorf("citation: %+v", c)
		}
	}
}
