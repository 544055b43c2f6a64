package slack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/audit"
)

// asking is a question to the asker.
type asking struct {
	work   *work
	viewer cairn.Viewer
	words  string
	about  string  // somebody's message that the question is about: neither evidence nor instructions
	thread string  // whose conversation it is of; empty: one of its own
	out    *stream // shows the answer while it is made; nil: nobody sees it before it is whole
	// guard is asked before something that was made from documents is shown; nil: nothing
	// is asked beyond what the viewer may read.
	guard func(context.Context, []cairn.DocumentID) (bool, error)
}

// errHidden says that an answer may not be shown where it was to be.
var errHidden = errors.New("not everybody may read what the answer was made from")

const glance = 100 * time.Millisecond // between looks at whether something is to be sent

// ask answers a question and returns the whole answer, which out has not been finished with.
func (b *Bot) ask(ctx context.Context, q asking) (cairn.Answer, error) {
	started, err := b.start(ctx, q)
	if err != nil {
		return cairn.Answer{}, err
	}
	entry := audit.Begin(b.cfg.Audit, audit.Event{Action: audit.Ask, Account: q.viewer.Account, Via: "slack", Object: audit.Object{Kind: audit.KindMessage, ID: started.Message}})
	a, err := b.follow(ctx, q, started.Message)
	outcome := audit.OK
	if err == nil {
		entry.Shown(cited(a)...)
	} else {
		outcome = "unavailable"
	}
	if err := entry.Conclude(context.WithoutCancel(ctx), outcome, false); err != nil {
		b.cfg.Log.ErrorContext(ctx, "an event of the audit log is lost", "error", err)
	}
	return a, err
}

// start stores the question, in the conversation of its thread.
func (b *Bot) start(ctx context.Context, q asking) (answer.Started, error) {
	store, channel, account := b.cfg.Store, q.work.task.Channel, q.viewer.Account
	conversation := ""
	if q.thread != "" {
		var err error
		if conversation, err = store.ThreadConversation(ctx, channel, q.thread, account); err != nil {
			return answer.Started{}, err
		}
	}
	ask := answer.Ask{Viewer: q.viewer, Question: q.words, Context: q.about, Conversation: conversation}
	started, err := b.cfg.Asker.Start(ctx, ask)
	if conversation != "" && errors.Is(err, cairn.ErrNotFound) { // it was deleted
		ask.Conversation = ""
		started, err = b.cfg.Asker.Start(ctx, ask)
	}
	if err != nil || q.thread == "" || started.Conversation == conversation {
		return started, err
	}
	return started, store.SetThreadConversation(ctx, channel, q.thread, account, started.Conversation)
}

// event is what the asker tells.
type event struct {
	answer.Event
	err error
}

// follow waits for the answer to a message, and shows it while it is made.
func (b *Bot) follow(ctx context.Context, q asking, message string) (cairn.Answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan event)
	go func() {
		defer close(events)
		for e, err := range b.cfg.Asker.Events(ctx, q.viewer, message, 0) {
			select {
			case events <- event{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	f := following{asking: q}
	for {
		select {
		case <-ctx.Done():
			return cairn.Answer{}, ctx.Err()
		case <-tick.C:
			if err := f.flush(ctx); err != nil {
				return cairn.Answer{}, err
			}
		case e, open := <-events:
			a, err := f.take(ctx, e, open)
			if err != nil || a != nil {
				return whole(a), err
			}
		}
	}
}

func whole(a *cairn.Answer) cairn.Answer {
	if a == nil {
		return cairn.Answer{}
	}
	return *a
}

// following is a question whose answer is being followed.
type following struct {
	asking
	guarded []cairn.DocumentID // what the guard has let pass
}

func (f *following) flush(ctx context.Context) error {
	if f.out == nil {
		return nil
	}
	return f.out.flush(ctx)
}

// take takes an event in, and returns the answer when it is whole.
func (f *following) take(ctx context.Context, e event, open bool) (*cairn.Answer, error) {
	switch {
	case !open:
		return nil, cairn.Errorf(cairn.ErrUnavailable, "the answer has no end")
	case errors.Is(e.err, cairn.ErrNotFound):
		return nil, errHidden
	case e.err != nil:
		return nil, e.err
	}
	switch e.Type {
	case answer.EventDelta, answer.EventCitation, answer.EventDone:
		documents := e.Evidence
		if e.Answer != nil {
			documents = append(slices.Clone(documents), e.Answer.Evidence...)
		}
		if err := f.pass(ctx, documents); err != nil {
			return nil, err
		}
	case answer.EventFailed:
		return nil, cairn.Errorf(cairn.ErrUnavailable, "the answer failed")
	}
	if e.Type == answer.EventDone {
		for _, n := range e.Answer.Notices {
			if n.Code == "interrupted" {
				return nil, errInterrupted
			}
		}
		return e.Answer, nil
	}
	if f.out == nil {
		return nil, nil
	}
	switch e.Type {
	case answer.EventDelta:
		f.out.text += e.Text
	case answer.EventCitation:
		if mark := mark(e.Citation.Number); !strings.HasSuffix(f.out.text, mark) {
			f.out.text += mark
		}
	case answer.EventReset:
		f.out.reset(ctx)
		return nil, nil
	default:
		return nil, nil
	}
	return nil, f.out.flush(ctx)
}

// pass asks the guard about documents that it has not let pass yet.
func (f *following) pass(ctx context.Context, documents []cairn.DocumentID) error {
	if f.guard == nil || !slices.ContainsFunc(documents, func(d cairn.DocumentID) bool { return !slices.Contains(f.guarded, d) }) {
		return nil
	}
	ok, err := f.guard(ctx, documents)
	switch {
	case err != nil:
		return err
	case !ok:
		return errHidden
	}
	f.guarded = slices.Clone(documents)
	return nil
}
