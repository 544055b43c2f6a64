package answer

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// job is one question being answered.
type job struct {
	*Asker
	live     *live
	ask      Ask
	started  Started
	history  []Turn
	answerer *Answerer
	began    time.Time
	seq      int
	stopped  bool // by the person
	kept     cairn.Answer
}

// run answers the question. Whatever happens, the message is finished: with
// what was checked so far when it was stopped or something failed.
func (j *job) run(ctx context.Context) {
	stopKeeping := j.keep(ctx)
	err := j.answer(ctx)
	stopKeeping()
	if err == nil {
		return
	}
	a := j.kept
	a.State, a.Outcome = cairn.MessageFailed, cairn.OutcomePartial
	if j.wasStopped(ctx) {
		a.State = cairn.MessageStopped
	} else {
		j.cfg.Log.Error("a question could not be answered", "message", j.started.Message, "error", err)
		a.Notices = append(a.Notices, cairn.Notice{Code: "failed", Message: "Something went wrong while this was answered. Ask again."})
	}
	// The end is stored even when ctx has ended.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := j.finish(last, a); err != nil {
		j.cfg.Log.Error("an answer could not be stored", "message", j.started.Message, "error", err)
	}
}

// keep gives signs of life until the returned function is called, and ends the
// answer when it is no longer wanted.
func (j *job) keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if wanted, err := j.cfg.Record.Keep(ctx, j.started.Message); err == nil && !wanted {
				j.live.cancel()
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// wasStopped reports whether the person ended the answer.
func (j *job) wasStopped(ctx context.Context) bool {
	if ctx.Err() == nil {
		return false
	}
	check, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	wanted, err := j.cfg.Record.Keep(check, j.started.Message)
	return err == nil && !wanted
}

func (j *job) answer(ctx context.Context) error {
	if err := j.store(ctx, Event{Type: EventStart}, Event{Type: EventStatus, Phase: "searching"}); err != nil {
		return err
	}
	query := cairn.Query{Viewer: j.ask.Viewer, Text: SelfContained(j.ask.Question, j.history), Filters: j.ask.Filters, Limit: 20}
	passages, err := j.cfg.Finder.Passages(ctx, query, contextBudget)
	if err != nil {
		return errorf("find passages", err)
	}
	if err := j.cfg.Record.SetEvidence(ctx, j.started.Message, passages); err != nil {
		return errorf("store evidence", err)
	}
	if err := j.store(ctx, Event{Type: EventPassages, Passages: passages}); err != nil {
		return err
	}
	q := Question{Text: j.ask.Question, History: j.history}
	for e, err := range j.answerer.Answer(ctx, q, passages) {
		if err != nil {
			return errorf("answer", err)
		}
		if e.Type == EventDone {
			return j.complete(ctx, *e.Answer)
		}
		note(&j.kept, e)
		if err := j.store(ctx, e); err != nil {
			return err
		}
	}
	return errors.New("answer: it ended without an end")
}

// complete stores the answer that the answerer gave, unless it was stopped.
func (j *job) complete(ctx context.Context, a cairn.Answer) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return j.finish(ctx, a)
}

func (j *job) finish(ctx context.Context, a cairn.Answer) error {
	a.Conversation, a.Message = j.started.Conversation, j.started.Message
	a.Took = time.Since(j.began)
	if err := j.cfg.Record.Finish(ctx, j.started.Message, j.seq+1, a); err != nil {
		return errorf("store", err)
	}
	j.seq++
	j.live.signal()
	return nil
}

// store appends events and tells those who follow.
func (j *job) store(ctx context.Context, events ...Event) error {
	if err := j.cfg.Record.Append(ctx, j.started.Message, j.seq+1, events); err != nil {
		return errorf("store events", err)
	}
	j.seq += len(events)
	j.live.signal()
	return nil
}

// SelfContained returns the text to search for: the question, and the one
// before it when this one does not stand alone ("And in Lyon?", "How long does
// it take?").
func SelfContained(question string, history []Turn) string {
	if len(history) == 0 || !leans(question) {
		return question
	}
	return history[len(history)-1].Question + "\n" + question
}

// leans reports whether a question probably refers to the one before: it is
// short, or begins as a continuation, or points with a pronoun.
func leans(question string) bool {
	words := strings.FieldsFunc(strings.ToLower(question), func(r rune) bool { return strings.ContainsRune(" \t\n?!.,;:", r) })
	if utf8.RuneCountInString(question) < 25 || len(words) <= 4 {
		return true
	}
	switch words[0] {
	case "and", "but", "or", "then", "also", "und", "aber", "et", "mais", "y", "pero":
		return true
	}
	for _, w := range words {
		switch w {
		case "it", "its", "that", "this", "they", "them", "their", "those", "these", "he", "she", "there", "dort", "dafür", "davon", "diese", "dieser", "ce", "cela", "ça", "eso", "esto":
			return true
		}
	}
	return false
}
