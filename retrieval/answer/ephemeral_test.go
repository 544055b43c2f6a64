package answer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// An ephemeral question is asked with the history and the style that the asker gives, and
// with nothing of what she has asked before.
func TestEphemeralQuestions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	model := llmtest.NewScript(llmtest.Text(sayOslo))
	a := o.asker(nil, model)
	o.ask(a, answer.Ask{Question: askOslo})
	history := []answer.Turn{{Question: "first?", Answer: "1"}, {Question: "a?", Answer: "2"}, {Question: "b?", Answer: "3"}, {Question: "c?", Answer: "4"}, {Question: askOslo, Answer: "5"}}
	m := o.ask(a, answer.Ask{Question: "And in Oslo?", Ephemeral: true, History: history, Style: "In verse.", MaxTokens: 77})
	if len(m.Answer.Citations) == 0 {
		t.Errorf("%+v", m)
	}
	req := model.Requests()[1]
	if last := req.Messages[len(req.Messages)-1].Text; req.MaxTokens != 77 || len(req.Messages) != 9 || req.Messages[0].Text != "a?" || !strings.Contains(last, "In verse.") {
		t.Errorf("%+v", req)
	}
	if req := model.Requests()[0]; req.MaxTokens != 1024 {
		t.Errorf("%d tokens without a bound", req.MaxTokens)
	}
}

// Forgetting ends the answering, and leaves nothing.
func TestForgetEndsTheAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	model := newTypist()
	a := o.asker(nil, model)
	started := o.start(a, answer.Ask{Question: askOslo, Ephemeral: true})
	model.pieces <- sayOslo + "The hotel limit in"
	o.until(a, started.Message, answer.EventCitation)
	check(t, a.Forget(t.Context(), o.ann.Viewer, started.Message))
	for _, err := range a.Events(t.Context(), o.ann.Viewer, started.Message, 0) {
		if !errors.Is(err, cairn.ErrNotFound) {
			t.Errorf("events of what was forgotten: %v", err)
		}
	}
	if rows := o.held(oslo); len(rows) > 0 {
		t.Errorf("left in %q", rows)
	}
	ended := make(chan struct{})
	go func() { a.Close(t.Context()); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the answering goes on")
	}
}
