package answer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// Finder finds the passages from which a question is answered.
type Finder interface {
	// Passages returns passages that q's viewer may read, best first and
	// numbered from 1, together not much longer than budget bytes.
	Passages(ctx context.Context, q cairn.Query, budget int) ([]cairn.Passage, error)
}

// Record keeps questions and their answers. A message that is not the viewer's
// is ErrNotFound exactly as one that does not exist.
type Record interface {
	// Begin stores a question as a running message and returns it with the turns
	// before it that the viewer may still read, oldest first. An empty
	// conversation is created.
	Begin(ctx context.Context, a Ask) (Started, []Turn, error)
	// SetEvidence stores which documents the answer is made from, together with
	// those of the turns before it, and returns the passages that v may still
	// read, numbered anew. It comes before anything of them is shown.
	SetEvidence(ctx context.Context, v cairn.Viewer, message string, passages []cairn.Passage) ([]cairn.Passage, error)
	// Append stores events; their numbers go on from seq. Like SetEvidence and
	// Finish it fails with ErrNotFound when the message was erased, or given up
	// on by another replica.
	Append(ctx context.Context, message string, seq int, events []Event) error
	// Keep gives a sign of life and reports whether the answer is still wanted.
	Keep(ctx context.Context, message string) (wanted bool, err error)
	// Finish stores the whole answer with its last event, numbered seq or above.
	Finish(ctx context.Context, message string, seq int, a cairn.Answer) error
	// Events returns the stored events after a number, and whether the message
	// is final: then no more will come. Final messages end with EventDone.
	Events(ctx context.Context, v cairn.Viewer, message string, after int) (events []Event, final bool, err error)
	// Stop makes Keep report that the answer is not wanted.
	Stop(ctx context.Context, v cairn.Viewer, message string) error
	// Forget erases an ephemeral question of v's with its conversation; what is not there
	// any more is no error.
	Forget(ctx context.Context, v cairn.Viewer, message string) error
	// Abandoned returns the running messages whose process has died, with their events.
	// Those that are ephemeral it erases.
	Abandoned(ctx context.Context) (map[string][]Event, error)
}

// AskerConfig says what an Asker works with.
type AskerConfig struct {
	Finder  Finder
	Record  Record
	Answers map[string]*Answerer // by name of the model; cairn.ExtractiveModel is always there
	Default string               // the model that answers when none was named
	Log     *slog.Logger
}

// The bounds of answering.
const (
	historyTurns   = 4  // earlier turns in a prompt
	answersAtOnce  = 32 // of everybody
	answersPerUser = 4
	keepEvery      = 3 * time.Second
	pollEvery      = 250 * time.Millisecond // for events of another replica
	answerTimeout  = 5 * time.Minute
	questionLength = 8_000 // characters
	titleLength    = 80    // runes
	nearestShown   = 3     // passages with an answer that found nothing
)

// Asker answers questions independently of the connection that they came by:
// every step is stored, and whoever may read the message can follow it, on any
// replica, from any step. It may be used by several goroutines at once.
type Asker struct {
	cfg AskerConfig

	mu       sync.Mutex
	live     map[string]*live        // messages that this process answers
	perUser  map[cairn.AccountID]int // answers of an account
	total    int                     // answers of everybody
	closing  bool                    // no answer may begin
	breaking bool                    // those that are being made end
	running  sync.WaitGroup
}

// The reasons for which an answer is ended before it is whole.
var (
	errStopped = errors.New("the person stopped the answer")
	errClosing = errors.New("the server is stopping")
	errTooLong = errors.New("the answer took too long")
)

// live is a message that this process answers.
type live struct {
	cancel  context.CancelCauseFunc
	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever an event was stored
}

func (l *live) signal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *live) wait() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// NewAsker returns an Asker. Close it to end the answers that it is making.
func NewAsker(cfg AskerConfig) *Asker {
	return &Asker{cfg: cfg, live: make(map[string]*live), perUser: make(map[cairn.AccountID]int)}
}

// Close lets running answers go on for as long as ctx, then breaks them off;
// what was checked of them is kept. No answer begins any more.
func (a *Asker) Close(ctx context.Context) {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	done := make(chan struct{})
	go func() { a.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		a.mu.Lock()
		a.breaking = true
		for _, l := range a.live {
			l.cancel(errClosing)
		}
		a.mu.Unlock()
		<-done
	}
}

// Models returns the names of the models that can be asked, the default first.
func (a *Asker) Models() []string {
	names := []string{a.defaultModel()}
	for name := range a.cfg.Answers {
		if name != names[0] {
			names = append(names, name)
		}
	}
	return names
}

func (a *Asker) defaultModel() string { return cmp.Or(a.cfg.Default, cairn.ExtractiveModel) }

// Start stores a question and begins to answer it, independently of ctx's end.
// A conversation or parent that is not the viewer's is ErrNotFound, a model that
// does not exist or a question without words ErrInvalid.
func (a *Asker) Start(ctx context.Context, ask Ask) (Started, error) {
	ask.Question = strings.TrimSpace(ask.Question)
	if ask.Question == "" {
		return Started{}, cairn.Errorf(cairn.ErrInvalid, "the question is empty")
	}
	if utf8.RuneCountInString(ask.Question) > questionLength {
		return Started{}, cairn.Errorf(cairn.ErrTooLarge, "the question is longer than %d characters", questionLength)
	}
	answerer, ok := a.cfg.Answers[cmp.Or(ask.Model, a.defaultModel())]
	if !ok {
		return Started{}, cairn.Errorf(cairn.ErrInvalid, "there is no model %q; there are: %s", ask.Model, strings.Join(a.Models(), ", "))
	}
	if err := a.admit(ask.Viewer.Account); err != nil {
		return Started{}, err
	}
	started, history, err := a.cfg.Record.Begin(ctx, ask)
	if err != nil {
		a.leave(ask.Viewer.Account, "")
		return Started{}, err
	}
	if ask.Ephemeral {
		history = ask.History[max(0, len(ask.History)-historyTurns):]
	}
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l := &live{cancel: cancel, changed: make(chan struct{})}
	a.enter(started.Message, l)
	go func() {
		defer a.leave(ask.Viewer.Account, started.Message)
		defer cancel(nil)
		late := time.AfterFunc(answerTimeout, func() { cancel(errTooLong) })
		defer late.Stop()
		job := &job{Asker: a, live: l, ask: ask, started: started, history: history, answerer: answerer, began: time.Now()}
		job.run(work)
	}()
	return started, nil
}

// admit counts an answer in, or says why not.
func (a *Asker) admit(account cairn.AccountID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closing:
		return cairn.Errorf(cairn.ErrUnavailable, "the server is stopping; ask again in a moment")
	case a.perUser[account] >= answersPerUser:
		return cairn.Errorf(cairn.ErrRateLimited, "%d of your questions are being answered; wait for one of them", answersPerUser)
	case a.total >= answersAtOnce:
		return cairn.Errorf(cairn.ErrRateLimited, "many questions are being answered just now; ask again in a moment")
	}
	a.perUser[account]++
	a.total++
	a.running.Add(1)
	return nil
}

// enter makes a message known as one that this process answers.
func (a *Asker) enter(message string, l *live) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.live[message] = l
	if a.breaking {
		l.cancel(errClosing)
	}
}

func (a *Asker) leave(account cairn.AccountID, message string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.live, message)
	a.total--
	if a.perUser[account]--; a.perUser[account] == 0 {
		delete(a.perUser, account)
	}
	a.running.Done()
}

// Events yields the events of a message after the one numbered after, waiting
// for more until the last, whichever replica makes them. A message that is not
// the viewer's is ErrNotFound.
func (a *Asker) Events(ctx context.Context, v cairn.Viewer, message string, after int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			changed := a.changed(message) // before reading, so that nothing is missed
			events, final, err := a.cfg.Record.Events(ctx, v, message, after)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range events {
				after = e.Seq
				if !yield(e, nil) {
					return
				}
			}
			if final {
				return
			}
			select {
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			case <-changed:
			case <-time.After(pollEvery):
			}
		}
	}
}

// Recover finishes the answers whose process has died: they have failed, and
// keep what was checked.
func (a *Asker) Recover(ctx context.Context) error {
	abandoned, err := a.cfg.Record.Abandoned(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for message, events := range abandoned {
		last := 0
		if len(events) > 0 {
			last = events[len(events)-1].Seq
		}
		kept := replay(events)
		kept.State, kept.Outcome = cairn.MessageFailed, cairn.OutcomePartial
		kept.Notices = append(kept.Notices, interrupted)
		err := a.cfg.Record.Finish(ctx, message, last+1, kept)
		if err != nil && !errors.Is(err, cairn.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// interrupted is the notice of an answer whose process ended.
var interrupted = cairn.Notice{Code: "interrupted", Message: "The server stopped while this was answered. Ask again."}

// replay returns what the events have shown of an answer.
func replay(events []Event) cairn.Answer {
	var a cairn.Answer
	for _, e := range events {
		note(&a, e)
	}
	return a
}

// note adds what an event shows to an answer.
func note(a *cairn.Answer, e Event) {
	switch e.Type {
	case EventDelta:
		a.Model = e.Model
		a.Text += e.Text
		a.Sentences = append(a.Sentences, e.Sentence)
	case EventCitation:
		a.Citations = append(a.Citations, *e.Citation)
	case EventReset:
		*a = cairn.Answer{}
	}
}

// changed returns a channel that is closed when this process stores the next
// event of a message; it never is for messages of other processes.
func (a *Asker) changed(message string) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.live[message]; ok {
		return l.wait()
	}
	return nil
}

// Stop ends the answering of a message; one that has ended is no error.
func (a *Asker) Stop(ctx context.Context, v cairn.Viewer, message string) error {
	if err := a.cfg.Record.Stop(ctx, v, message); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.live[message]; ok {
		l.cancel(errStopped)
	}
	return nil
}

// Forget erases an ephemeral question with its answer, and ends the answering. It is
// called in the process that answers.
func (a *Asker) Forget(ctx context.Context, v cairn.Viewer, message string) error {
	if err := a.cfg.Record.Forget(ctx, v, message); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l, ok := a.live[message]; ok {
		l.cancel(errStopped)
	}
	return nil
}

// Title returns what a conversation that begins with a question is called.
func Title(question string) string {
	words := strings.Join(strings.Fields(question), " ")
	runes := []rune(words)
	if len(runes) <= titleLength {
		return words
	}
	return strings.TrimSpace(string(runes[:titleLength-1])) + "…"
}

// errorf marks an error of the asking itself.
func errorf(what string, err error) error { return fmt.Errorf("answer: %s: %w", what, err) }
