package answer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
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
	kept     cairn.Answer
}

// storePatience is how long a step may take to be stored. Steps are stored
// whole even when the answer is stopped meanwhile, so that the numbers go on.
const storePatience = 10 * time.Second

// run answers the question. Whatever happens, the message is finished: with
// what was checked so far when it was stopped or something failed.
func (j *job) run(ctx context.Context) {
	stopKeeping := j.keep(ctx)
	err := j.answer(ctx)
	stopKeeping()
	switch {
	case err == nil:
		return
	case errors.Is(err, errGone):
		j.cfg.Log.Info("a question is no longer to be answered", "message", j.started.Message)
		j.live.signal()
		return
	}
	if err := j.finish(ctx, j.broken(err)); err != nil {
		j.cfg.Log.Error("an answer could not be stored", "message", j.started.Message, "error", err)
	}
}

// broken returns what was checked of an answer that err ended.
func (j *job) broken(err error) cairn.Answer {
	a := j.kept
	a.State, a.Outcome = cairn.MessageFailed, cairn.OutcomePartial
	switch {
	case errors.Is(err, errStopped):
		a.State = cairn.MessageStopped
	case errors.Is(err, errClosing):
		a.Notices = append(a.Notices, interrupted)
	default:
		j.cfg.Log.Error("a question could not be answered", "message", j.started.Message, "error", err)
		a.Notices = append(a.Notices, cairn.Notice{Code: "failed", Message: "Something went wrong while this was answered. Ask again."})
	}
	return a
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
				j.live.cancel(errStopped)
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// answer makes the answer and stores it. A panic is an error of this answer,
// not the end of the server and of all others.
func (j *job) answer(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("answer: panic: %v\n%s", p, debug.Stack())
		}
		if cause := context.Cause(ctx); err != nil && !errors.Is(err, errGone) && cause != nil {
			err = cause // what else failed failed because of it
		}
	}()
	passages, err := j.find(ctx)
	if err != nil {
		return err
	}
	q := Question{Text: j.ask.Question, Context: j.ask.Context, History: j.history, Style: j.ask.Style, MaxTokens: j.ask.MaxTokens}
	for e, err := range j.answerer.Answer(ctx, q, passages) {
		if err != nil {
			return errorf("answer", err)
		}
		if e.Type == EventDone {
			return j.complete(ctx, *e.Answer, passages)
		}
		note(&j.kept, e)
		if err := j.store(ctx, e); err != nil {
			return err
		}
	}
	return errors.New("answer: it ended without an end")
}

// find returns the passages to answer from, stored as the evidence and shown.
func (j *job) find(ctx context.Context) ([]cairn.Passage, error) {
	if err := j.store(ctx, Event{Type: EventStart}, Event{Type: EventStatus, Phase: "searching"}); err != nil {
		return nil, err
	}
	query := cairn.Query{Viewer: j.ask.Viewer, Text: withContext(SelfContained(j.ask.Question, j.history), j.ask.Context), Filters: j.ask.Filters, Limit: 20}
	passages, err := j.cfg.Finder.Passages(ctx, query, j.answerer.Context())
	if err != nil {
		return nil, errorf("find passages", err)
	}
	passages, err = j.cfg.Record.SetEvidence(ctx, j.ask.Viewer, j.started.Message, passages)
	if err != nil {
		return nil, errorf("store evidence", gone(err))
	}
	return passages, j.store(ctx, Event{Type: EventPassages, Passages: passages})
}

// searchedContext is how many bytes of the text with a question are searched for with
// it: an error message begins or ends with what it is about.
const searchedContext = 600

// withContext returns what is searched for: the question and both ends of the text that
// came with it.
func withContext(question, text string) string {
	text = oneLine(text)
	if len(text) <= searchedContext {
		return strings.TrimSpace(question + " " + text)
	}
	end := text[len(text)-searchedContext/2:]
	return question + " " + strings.ToValidUTF8(text[:searchedContext/2]+" "+end, "")
}

// complete stores the answer that the answerer gave, unless it was broken off.
func (j *job) complete(ctx context.Context, a cairn.Answer, passages []cairn.Passage) error {
	if err := context.Cause(ctx); err != nil {
		j.kept = a
		return err
	}
	if a.Outcome == cairn.OutcomeNotFound && a.Nearest == nil {
		a.Nearest = nearest(passages)
	}
	return j.finish(ctx, a)
}

// nearest returns the first passages, one of each document: what came closest
// to a question that nothing answers.
func nearest(passages []cairn.Passage) []cairn.Passage {
	var out []cairn.Passage
	for _, p := range passages {
		known := slices.ContainsFunc(out, func(o cairn.Passage) bool { return o.Document == p.Document })
		if !known && len(out) < nearestShown {
			out = append(out, p)
		}
	}
	return out
}

// errGone says that the message was erased, or given up on by another replica.
var errGone = errors.New("the message is gone")

// gone returns errGone for the ErrNotFound of a Record.
func gone(err error) error {
	if errors.Is(err, cairn.ErrNotFound) {
		return errGone
	}
	return err
}

// finish stores the end, also when ctx has ended.
func (j *job) finish(ctx context.Context, a cairn.Answer) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	a.Conversation, a.Message = j.started.Conversation, j.started.Message
	a.Took = time.Since(j.began)
	if err := j.cfg.Record.Finish(ctx, j.started.Message, j.seq+1, a); err != nil {
		return errorf("store", gone(err))
	}
	j.seq++
	j.live.signal()
	return nil
}

// store appends events and tells those who follow.
func (j *job) store(ctx context.Context, events ...Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	if err := j.cfg.Record.Append(ctx, j.started.Message, j.seq+1, events); err != nil {
		return errorf("store events", gone(err))
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
