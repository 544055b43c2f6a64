package answer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// gate is a finder after which something happens.
type gate struct {
	answer.Finder
	then func(found []cairn.Passage)
}

func (g gate) Passages(ctx context.Context, q cairn.Query, budget int) ([]cairn.Passage, error) {
	found, err := g.Finder.Passages(ctx, q, budget)
	g.then(found)
	return found, err
}

const secret = "# Oslo\n\nThe secret hotel limit in Oslo is 999 EUR a night.\n"

// withdrawals are the ways in which Ann can lose a document.
var withdrawals = map[string]func(o *office){
	"revoked":                       func(o *office) { o.put("secret", secret, cairn.AccountKey(o.bob.Account)) },
	"hidden":                        func(o *office) { o.hide("secret") },
	"vanished from the permissions": func(o *office) { o.permit(map[string]cairn.PrincipalKey{"travel": cairn.Everyone}) },
	"closed by the permissions": func(o *office) {
		o.permit(map[string]cairn.PrincipalKey{"travel": cairn.Everyone, "secret": cairn.AccountKey(o.bob.Account)})
	},
	"erased": func(o *office) { check(o.t, o.pusher.Delete(o.t.Context(), o.source.ID, "secret")) },
	"expired": func(o *office) {
		o.hide("secret")
		o.exec(`UPDATE documents SET hidden_at = now() - interval '1 year' WHERE hidden_at IS NOT NULL`)
		check(o.t, o.db.EraseExpired(o.t.Context()))
	},
}

// TestA12_04_WithdrawnBeforeItIsShown: what Ann lost after it was found is neither in
// the prompt nor in an event nor in the database.
func TestA12_04_WithdrawnBeforeItIsShown(t *testing.T) {
	t.Parallel()
	for name, withdraw := range withdrawals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.put("travel", travel)
			o.put("secret", secret, cairn.Everyone)
			model := llmtest.NewScript(llmtest.Text(sayOslo))
			a := o.asker(func(c *answer.AskerConfig) {
				c.Finder = gate{o.retriever, func(found []cairn.Passage) {
					if !slices.ContainsFunc(found, func(p cairn.Passage) bool { return strings.Contains(p.Text, "999") }) {
						t.Error("the secret was not found")
					}
					withdraw(o)
				}}
			}, model)
			m := o.ask(a, answer.Ask{Question: askOslo})
			if m.Withheld || m.Answer.Text != oslo || m.Answer.State != cairn.MessageComplete {
				t.Errorf("%+v", m)
			}
			if requests := model.Requests(); len(requests) != 1 || strings.Contains(requests[0].Messages[0].Text, "999") ||
				!strings.Contains(requests[0].Messages[0].Text, "PASSAGE 1 ") {
				t.Errorf("the model was told %+v", requests)
			}
			if tables := o.held("999 EUR"); len(tables) > 0 {
				t.Errorf("the text is left in %v", tables)
			}
		})
	}
}

// TestWithdrawnWhileItIsWritten: the answer that rests on it shows nothing, to
// those who follow it, in the history and, after an erasure, in the database.
func TestWithdrawnWhileItIsWritten(t *testing.T) {
	t.Parallel()
	for name, withdraw := range withdrawals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.put("secret", secret, cairn.Everyone)
			model := newTypist()
			a := o.asker(nil, model)
			started := o.start(a, answer.Ask{Question: "What is the secret hotel limit in Oslo?"})
			model.pieces <- "The secret hotel limit in Oslo is 999 EUR a night [1]. And the"
			o.until(a, started.Message, answer.EventCitation)
			withdraw(o)
			for e, err := range a.Events(t.Context(), o.ann.Viewer, started.Message, 0) {
				if !errors.Is(err, cairn.ErrNotFound) {
					t.Errorf("an event: %+v, %v", e, err)
				}
			}
			select { // the writing may have ended already
			case model.pieces <- " secret is 999 EUR. And":
				close(model.pieces)
			case <-time.After(5 * time.Second):
				t.Error("the model is not listened to")
			}
			a.Close(t.Context())
			s := o.site(a)
			for _, path := range []string{"/messages/" + started.Message, "/messages/" + started.Message + "/stream", "/conversations/" + started.Conversation, "/conversations"} {
				if status, body := s.call(o.ann, "GET", path, "", nil); strings.Contains(body, "999") || strings.Contains(body, "secret") {
					t.Errorf("GET %s: %d %s", path, status, body)
				}
			}
			m, err := o.db.Message(t.Context(), o.ann.Viewer, started.Message)
			if tables := o.held("999 EUR"); o.isErased(name) && (len(tables) > 0 || !errors.Is(err, cairn.ErrNotFound)) {
				t.Errorf("left of the erased answer: %v, %v", tables, err)
			}
			if !o.isErased(name) && (err != nil || !m.Withheld || m.Answer.State != cairn.MessageComplete) {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

// mortal is a record of a process that can die: nothing it does arrives then.
type mortal struct {
	answer.Record
	dead atomic.Bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) Append(ctx context.Context, message string, seq int, events []answer.Event) error {
	if m.dead.Load() {
		return errDead
	}
	return m.Record.Append(ctx, message, seq, events)
}

func (m *mortal) Keep(ctx context.Context, message string) (bool, error) {
	if m.dead.Load() {
		return false, errDead
	}
	return m.Record.Keep(ctx, message)
}

func (m *mortal) Finish(ctx context.Context, message string, seq int, a cairn.Answer) error {
	if m.dead.Load() {
		return errDead
	}
	return m.Record.Finish(ctx, message, seq, a)
}

func TestRecoverFinishesWhatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	record := &mortal{Record: postgres.NewAnswers(o.db)}
	model := newTypist()
	a := o.asker(func(c *answer.AskerConfig) { c.Record = record }, model)
	started := o.start(a, answer.Ask{Question: askOslo})
	model.pieces <- sayOslo + "The hotel limit in"
	o.until(a, started.Message, answer.EventCitation)
	other := o.asker(nil)
	check(t, other.Recover(t.Context())) // it is alive
	record.dead.Store(true)
	check(t, other.Recover(t.Context())) // nobody knows yet
	if m, err := o.db.Message(t.Context(), o.ann.Viewer, started.Message); err != nil || m.Answer.State != cairn.MessageRunning {
		t.Fatalf("before its lease has ended: %+v, %v", m, err)
	}
	check(t, o.db.EndLeases(t.Context()))
	check(t, errors.Join(other.Recover(t.Context()), other.Recover(t.Context())))
	m := o.checked(other, started.Message, o.follow(other, started.Message, 0))
	if m.Answer.State != cairn.MessageFailed || m.Answer.Outcome != cairn.OutcomePartial || m.Answer.Text != oslo || len(m.Answer.Citations) != 1 ||
		m.Answer.Model != "typist" || !slices.Equal(m.Answer.codes(), []string{"interrupted"}) {
		t.Errorf("%+v", m.Answer)
	}
}

// TestProcessThatWakesUpTooLate was taken for dead: what it writes then is not stored.
func TestProcessThatWakesUpTooLate(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	model := newTypist()
	a, other := o.asker(nil, model), o.asker(nil)
	started := o.start(a, answer.Ask{Question: askOslo})
	model.pieces <- sayOslo + "The hotel limit in"
	o.until(a, started.Message, answer.EventCitation)
	check(t, o.db.EndLeases(t.Context()))
	check(t, other.Recover(t.Context()))
	events := o.follow(other, started.Message, 0)
	model.pieces <- " Lisbon is 140 EUR a night [1]. And so on"
	close(model.pieces)
	a.Close(t.Context())
	if diff := cmp.Diff(events, o.follow(a, started.Message, 0)); diff != "" {
		t.Errorf("after its end the message has changed (-then +now):\n%s", diff)
	}
	if m := o.checked(a, started.Message, events); m.Answer.State != cairn.MessageFailed || m.Answer.Text != oslo {
		t.Errorf("%+v", m.Answer)
	}
}

// interfering is a record that does something before a sentence is stored.
type interfering struct {
	answer.Record
	before func(message string)
}

func (r interfering) Append(ctx context.Context, message string, seq int, events []answer.Event) error {
	if events[0].Type == answer.EventDelta {
		r.before(message)
	}
	return r.Record.Append(ctx, message, seq, events)
}

// TestStopWhileAStepIsStored: a sentence is stored whole or not at all.
func TestStopWhileAStepIsStored(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	var a *answer.Asker
	a = o.asker(func(c *answer.AskerConfig) {
		c.Record = interfering{c.Record, func(message string) { check(t, a.Stop(t.Context(), o.ann.Viewer, message)) }}
	}, llmtest.NewScript(llmtest.Text(sayOslo+sayLisbon)))
	m := o.ask(a, answer.Ask{Question: askOslo})
	if m.Answer.State != cairn.MessageStopped || m.Answer.Text != oslo || len(m.Answer.Citations) != 1 {
		t.Errorf("%+v", m.Answer)
	}
}
