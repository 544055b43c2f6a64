package answer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

var leavePassages = []cairn.Passage{
	{Document: "d1", Version: "v1", Title: "Leave", Heading: []string{"Leave", "Yearly leave"}, Language: "en", Start: 100,
		Text: "Employees have 30 days of leave a year. Requests go to Dana Whitfield two weeks before. Unused days must not be carried into April."},
	{Document: "d2", Version: "v7", Title: "Travel", Language: "en", Start: 0,
		Text: "Hotels cost at most 120 EUR a night. Book them in Tripdesk."},
}

const leaveQuestion = "How many days of leave do employees have?"

// collect runs an answer and returns its events; it checks what holds of all.
func collect(t *testing.T, a *Answerer, question string, passages []cairn.Passage) ([]Event, cairn.Answer) {
	t.Helper()
	var events []Event
	for e, err := range a.Answer(t.Context(), Question{Text: question}, passages) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) == 0 || events[len(events)-1].Type != EventDone {
		t.Fatal("the last event is not done")
	}
	got := *events[len(events)-1].Answer
	checkEvents(t, events, got)
	checkCitations(t, got, passages)
	return events, got
}

// checkEvents reports events that do not add up to the answer.
func checkEvents(t *testing.T, events []Event, got cairn.Answer) {
	t.Helper()
	var text string
	var sentences []cairn.Sentence
	var citations []cairn.Citation
	for _, e := range events {
		switch e.Type {
		case EventReset:
			text, sentences, citations = "", nil, nil
		case EventDelta:
			text += e.Text
			sentences = append(sentences, e.Sentence)
		case EventCitation:
			citations = append(citations, *e.Citation)
		}
	}
	if text != got.Text {
		t.Errorf("deltas give %q, the answer has %q", text, got.Text)
	}
	if diff := cmp.Diff(sentences, got.Sentences); diff != "" {
		t.Errorf("sentences (-events +answer):\n%s", diff)
	}
	if diff := cmp.Diff(citations, got.Citations); diff != "" {
		t.Errorf("citations (-events +answer):\n%s", diff)
	}
}

// checkCitations reports citations that are not the text they say they are.
func checkCitations(t *testing.T, got cairn.Answer, passages []cairn.Passage) {
	t.Helper()
	for _, c := range got.Citations {
		found := false
		for _, p := range passages {
			if p.Document == c.Document && p.Version == c.Version && p.Start <= c.Start && c.End <= p.End+p.Start+len(p.Text) {
				found = found || p.Text[c.Start-p.Start:c.End-p.Start] == c.Quote
			}
		}
		if !found || c.Quote == "" {
			t.Errorf("citation %+v is in no passage", c)
		}
		if c.Number < 1 || c.AnswerStart < 0 || c.AnswerEnd > len(got.Text) || c.AnswerStart >= c.AnswerEnd {
			t.Errorf("citation %+v has no place in %q", c, got.Text)
		}
	}
}

func notices(a cairn.Answer) string {
	var codes []string
	for _, n := range a.Notices {
		codes = append(codes, n.Code)
	}
	return strings.Join(codes, " ")
}

func TestAnswerOfModelIsCheckedAndCited(t *testing.T) {
	model := llmtest.NewScript(llmtest.Text("Employees get 30 days of leave each year [1]. Requests go to Dana Whitfield [1]. A hotel may cost 120 EUR a night [2]."))
	events, got := collect(t, New(Config{LLM: model}), leaveQuestion, leavePassages)
	if got.State != cairn.MessageComplete || got.Outcome != cairn.OutcomeAnswered || got.Model != "script" {
		t.Errorf("state %s, outcome %s, model %s", got.State, got.Outcome, got.Model)
	}
	if want := "Employees get 30 days of leave each year. Requests go to Dana Whitfield. A hotel may cost 120 EUR a night."; got.Text != want {
		t.Errorf("text %q", got.Text)
	}
	var quotes []string
	for _, c := range got.Citations {
		quotes = append(quotes, c.Quote)
	}
	want := []string{"Employees have 30 days of leave a year.", "Requests go to Dana Whitfield two weeks before.", "Hotels cost at most 120 EUR a night."}
	if diff := cmp.Diff(want, quotes); diff != "" {
		t.Errorf("quotes (-want +got):\n%s", diff)
	}
	if got.Usage.OutputTokens == 0 {
		t.Error("the usage is lost")
	}
	if events[0].Type != EventStatus {
		t.Errorf("the first event is %s", events[0].Type)
	}
}

func TestCitationMovesToThePassageThatSupports(t *testing.T) {
	model := llmtest.NewScript(llmtest.Text("Employees have 30 days of leave a year [2]."))
	_, got := collect(t, New(Config{LLM: model}), leaveQuestion, leavePassages)
	if len(got.Citations) != 1 || got.Citations[0].Document != "d1" || got.Citations[0].Start != 100 {
		t.Errorf("citations %+v", got.Citations)
	}
}

func TestUncitedSentenceGetsItsCitation(t *testing.T) {
	model := llmtest.NewScript(llmtest.Text("Employees have 30 days of leave a year."))
	if _, got := collect(t, New(Config{LLM: model}), leaveQuestion, leavePassages); len(got.Citations) != 1 || got.Sentences[0].Support != cairn.Supported {
		t.Errorf("answer %+v", got)
	}
}

func TestUnsupportedSentenceIsMarked(t *testing.T) {
	model := llmtest.NewScript(llmtest.Text("Employees have 30 days of leave a year [1]. Requests go to Dana Whitfield [1]. Employees have 45 days of leave a year [1]."))
	_, got := collect(t, New(Config{LLM: model}), leaveQuestion, leavePassages)
	if got.Outcome != cairn.OutcomePartial || got.Sentences[2].Support != cairn.Unsupported || len(got.Citations) != 2 {
		t.Errorf("outcome %s, sentences %+v, %d citations", got.Outcome, got.Sentences, len(got.Citations))
	}
}

// TestFailingModelStillAnswers has every way in which a model's call can go
// wrong, before and after something was shown.
func TestFailingModelStillAnswers(t *testing.T) {
	const good, made = "Employees have 30 days of leave a year [1]. ", "Everybody gets a bicycle and 45 days in Rome [1]. "
	for _, tt := range []struct {
		name    string
		reply   llmtest.Reply
		state   cairn.MessageState
		outcome cairn.Outcome
		model   string
		notices string
	}{
		{"rate limited", llmtest.Reply{Fault: llmtest.RateLimited}, "complete", "answered", "extractive", "model_unavailable"},
		{"failed", llmtest.Reply{Fault: llmtest.Failed}, "complete", "answered", "extractive", "model_unavailable"},
		{"refused", llmtest.Reply{Fault: llmtest.Refused}, "complete", "answered", "extractive", "model_unavailable"},
		{"says nothing", llmtest.Reply{}, "complete", "answered", "extractive", "model_unavailable"},
		{"stalls at once", llmtest.Reply{Fault: llmtest.Stall}, "complete", "answered", "extractive", "model_unavailable"},
		{"slow to begin", llmtest.Reply{Pieces: []string{good}, First: time.Hour}, "complete", "answered", "extractive", "model_unavailable"},
		{"cut in the first sentence", llmtest.Reply{Pieces: []string{"Employees have 30"}, Fault: llmtest.Cut}, "complete", "answered", "extractive", "model_unavailable"},
		{"cut after a sentence", llmtest.Reply{Pieces: []string{good, "Requests go"}, Fault: llmtest.Cut}, "failed", "partial", "script", "model_interrupted"},
		{"truncated after a sentence", llmtest.Reply{Pieces: []string{good, "Requests go"}, Fault: llmtest.Truncated}, "failed", "partial", "script", "model_interrupted"},
		{"error event after a sentence", llmtest.Reply{Pieces: []string{good, "Requests go"}, Fault: llmtest.ErrorEvent}, "failed", "partial", "script", "model_interrupted"},
		{"stalls after a sentence", llmtest.Reply{Pieces: []string{good, "Requests go"}, Fault: llmtest.Stall}, "failed", "partial", "script", "model_interrupted"},
		{"cut after an invention", llmtest.Reply{Pieces: []string{made, "More is "}, Fault: llmtest.Cut}, "complete", "answered", "extractive", "model_unavailable"},
		{"too long", llmtest.Reply{Pieces: []string{good, "Requests go"}, Stop: llm.StopLength}, "complete", "partial", "script", "truncated"},
		{"too long at once", llmtest.Reply{Pieces: []string{"Requests go"}, Stop: llm.StopLength}, "complete", "answered", "extractive", "model_unavailable"},
		{"mostly invented", llmtest.Reply{Pieces: []string{good, made, made}}, "complete", "answered", "extractive", "model_unsupported"},
		{"knows that nothing answers", llmtest.Reply{Pieces: []string{"NOT_IN_", "PASSAGES."}}, "complete", "not_found", "script", ""},
		{"answers a part", llmtest.Reply{Pieces: []string{good, "The passages do not say who approves it."}}, "complete", "partial", "script", ""},
		{"answers and denies", llmtest.Reply{Pieces: []string{good, "NOT_IN_PASSAGES"}}, "complete", "partial", "script", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := New(Config{LLM: llmtest.NewScript(tt.reply), FirstToken: 30 * time.Millisecond, Stall: 30 * time.Millisecond})
			events, got := collect(t, a, leaveQuestion, leavePassages)
			if got.State != tt.state || got.Outcome != tt.outcome || got.Model != tt.model || notices(got) != tt.notices {
				t.Errorf("state %s, outcome %s, model %s, notices %q; want %s, %s, %s, %q\n%s",
					got.State, got.Outcome, got.Model, notices(got), tt.state, tt.outcome, tt.model, tt.notices, got.Text)
			}
			if strings.Contains(got.Text, "Requests go ") && got.Model == "script" || strings.Contains(got.Text, "NOT_IN") {
				t.Errorf("an incomplete sentence or the sentinel is shown: %q", got.Text)
			}
			if strings.Contains(got.Text, "bicycle") {
				t.Errorf("the invention stays: %q", got.Text)
			}
			resets := 0
			for _, e := range events {
				if e.Type == EventReset {
					resets++
				}
			}
			if shown := strings.HasPrefix(tt.name, "mostly") || strings.HasPrefix(tt.name, "cut after an"); shown != (resets == 1) {
				t.Errorf("%d resets", resets)
			}
		})
	}
}

func TestModelIsTheSameUnderEverySplit(t *testing.T) {
	const text = "Employees have 30 days of leave a year [1]. Hotels: **120 EUR** a night【2】.\n- Book them in Tripdesk [2]."
	want := cairn.Answer{}
	for i := range len(text) {
		model := llmtest.NewScript(llmtest.Reply{Pieces: llmtest.Cuts(text, i)})
		_, got := collect(t, New(Config{LLM: model}), leaveQuestion, leavePassages)
		got.Took = 0
		if i == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("split at %d (-whole +split):\n%s", i, diff)
		}
	}
}

func TestStoppedAnswerKeepsWhatWasChecked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	model := llmtest.NewScript(llmtest.Reply{Pieces: []string{"Employees have 30 days of leave a year [1]. Then ", "more."}, Fault: llmtest.Stall})
	var got *cairn.Answer
	for e, err := range New(Config{LLM: model}).Answer(ctx, Question{Text: leaveQuestion}, leavePassages) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == EventCitation {
			cancel()
		}
		if e.Type == EventDone {
			got = e.Answer
		}
	}
	if got == nil || got.State != cairn.MessageStopped || got.Outcome != cairn.OutcomePartial || len(got.Citations) != 1 {
		t.Errorf("answer %+v", got)
	}
	if model.Open() != 0 {
		t.Error("the call of the model was not ended")
	}
}

func TestLeavingTheLoopEndsTheCall(t *testing.T) {
	model := llmtest.NewScript(llmtest.Text("Employees have 30 days of leave a year [1]. Requests go to Dana Whitfield [1]."))
	for e, err := range New(Config{LLM: model}).Answer(t.Context(), Question{Text: leaveQuestion}, leavePassages) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == EventDelta {
			break
		}
	}
	if model.Open() != 0 {
		t.Error("the call of the model was not ended")
	}
}

func TestEmptyQuestionIsInvalid(t *testing.T) {
	for _, err := range New(Config{}).Answer(t.Context(), Question{Text: "  "}, nil) {
		if !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("error %v", err)
		}
	}
}

func TestFailingEmbedderIsNoFailure(t *testing.T) {
	embedder := llmtest.NewWords(64)
	embedder.Fail(errors.New("down"))
	if _, got := collect(t, New(Config{Embedder: embedder}), leaveQuestion, leavePassages); got.Outcome != cairn.OutcomeAnswered {
		t.Errorf("outcome %s", got.Outcome)
	}
}
