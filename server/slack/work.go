package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
)

const (
	keepEvery   = 10 * time.Second
	attempts    = 5
	retryAfter  = 5 * time.Second // times the attempts so far
	taskTimeout = 10 * time.Minute
	lastWords   = 15 * time.Second // for what is done after the end of a task
)

// work is a task that this process works on.
type work struct {
	b    *Bot
	mu   sync.Mutex
	task Task
}

// replied notes the message that answers the task.
func (w *work) replied(ctx context.Context, ts string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task.Reply = ts
	return w.b.cfg.Store.Keep(ctx, w.task)
}

// keep gives signs of life until ctx ends; when the task is somebody else's it ends it.
func (w *work) keep(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		err := w.b.cfg.Store.Keep(ctx, w.task)
		w.mu.Unlock()
		if errors.Is(err, cairn.ErrConflict) {
			cancel(err)
			return
		}
	}
}

// Work does the task with an id, if it is to be done and nobody else is at it.
func (b *Bot) Work(ctx context.Context, id string) error {
	if !b.on() {
		return nil
	}
	t, err := b.cfg.Store.Take(ctx, id)
	if errors.Is(err, cairn.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("slack: %w", err)
	}
	w := &work{b: b, task: t}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, done := context.WithTimeout(ctx, taskTimeout)
	defer done()
	go w.keep(limited, cancel)
	err = b.do(limited, w)
	cancel(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	return b.conclude(context.WithoutCancel(ctx), w.task, err)
}

// errInterrupted says that the server stopped while a question was answered.
var errInterrupted = errors.New("the server stopped while this was answered")

// conclude ends a task, or gives it back to be tried again.
func (b *Bot) conclude(ctx context.Context, t Task, err error) error {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	switch {
	case err == nil:
		return b.cfg.Store.Finish(ctx, t)
	case errors.Is(err, cairn.ErrConflict):
		return nil // somebody else is at it
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return taken(b.cfg.Store.Release(ctx, t, 0))
	case t.Attempts < attempts && !hopeless(err):
		b.cfg.Log.WarnContext(ctx, "a task of Slack failed and will be tried again", slog.Any("error", err))
		return taken(b.cfg.Store.Release(ctx, t, time.Duration(t.Attempts)*retryAfter))
	}
	words := sorry
	if errors.Is(err, cairn.ErrRateLimited) {
		words = busy
	}
	if said := b.say(ctx, t, words); said != nil {
		err = errors.Join(err, said)
	}
	return errors.Join(err, b.cfg.Store.Finish(ctx, t))
}

// taken drops the error that a task is somebody else's by now.
func taken(err error) error {
	if errors.Is(err, cairn.ErrConflict) {
		return nil
	}
	return err
}

// do does a task.
func (b *Bot) do(ctx context.Context, w *work) error {
	t := w.task
	if t.Stranger {
		return b.refuse(ctx, t, outsider)
	}
	h, standing, err := b.holder(ctx, t.User, true)
	if err != nil {
		return err
	}
	if standing != member {
		return b.refuse(ctx, t, standing)
	}
	asker := viewerOf(h)
	switch t.Kind {
	case Mention, Direct, Command, About:
		return b.question(ctx, w, asker)
	case Pane:
		return b.pane(ctx, t, asker)
	case Shortcut:
		return b.form(ctx, t)
	case Share:
		return b.share(ctx, w, asker)
	case Feedback:
		return b.rate(ctx, t, asker)
	}
	return nil
}

// refuse says politely why somebody is not answered. Who has only looked is told nothing.
func (b *Bot) refuse(ctx context.Context, t Task, s standing) error {
	if t.Kind == Pane && t.Thread == "" {
		return nil
	}
	return b.say(ctx, t, refusals[s])
}
