package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
)

const maxQuestion = 8000 // characters

type askInput struct {
	Question     string   `json:"question"`
	Sources      []string `json:"sources,omitempty" jsonschema:"names of sources to answer from; left out: all"`
	Conversation string   `json:"conversation_id,omitempty" jsonschema:"of an answer before, to ask on"`
}

// ask answers the tool ask.
func (s *Server) ask(ctx context.Context, u *use, in askInput) (askOutput, string, error) {
	if err := in.check(); err != nil {
		return askOutput{}, "", err
	}
	started, err := s.cfg.Ask.Start(ctx, answer.Ask{
		Viewer: u.viewer(), Question: in.Question, Conversation: in.Conversation, Filters: cairn.Filters{Sources: in.Sources},
	})
	if err != nil {
		return askOutput{}, "", fmt.Errorf("ask: %w", err)
	}
	audit.FromContext(ctx).About(audit.KindMessage, started.Message)
	a, err := s.await(ctx, u, started)
	if err != nil {
		return askOutput{}, "", err
	}
	showAnswer(ctx, a)
	out := u.answer(a)
	return out, out.text(), nil
}

func (in askInput) check() error {
	if err := given("question", in.Question, maxQuestion); err != nil {
		return err
	}
	if len(in.Sources) > 100 {
		return cairn.Errorf(cairn.ErrInvalid, "at most 100 sources can be named")
	}
	for _, name := range in.Sources {
		if err := given("sources", name, 64); err != nil {
			return err
		}
	}
	return optional("conversation_id", in.Conversation, 100)
}

// step is an event of an answer, or why there are no more.
type step struct {
	event answer.Event
	err   error
}

// follow tells the events of a message to a channel, which it closes at the end, until ctx ends.
func (s *Server) follow(ctx context.Context, v cairn.Viewer, message string) <-chan step {
	steps := make(chan step)
	go func() {
		defer close(steps)
		for event, err := range s.cfg.Ask.Events(ctx, v, message, 0) {
			select {
			case steps <- step{event, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return steps
}

// await returns the finished answer. Who asked is found out again while it takes: when
// what she may read has changed, the message is asked for anew, as who she is now.
func (s *Server) await(ctx context.Context, u *use, started answer.Started) (cairn.Answer, error) {
	for {
		a, changed, err := s.awaitAs(ctx, u, started)
		if !changed {
			return a, err
		}
	}
}

func (s *Server) awaitAs(ctx context.Context, u *use, started answer.Started) (a cairn.Answer, changed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps := s.follow(ctx, u.viewer(), started.Message)
	recheck := time.NewTicker(s.recheck)
	defer recheck.Stop()
	for {
		age, next, open := server.Promptly, step{}, true
		select {
		case <-ctx.Done():
			return a, false, ctx.Err()
		case <-server.Draining(ctx).Done():
			return a, false, cairn.Errorf(cairn.ErrUnavailable, "the server restarts; ask again in a moment")
		case <-recheck.C:
			age = 0
		case next, open = <-steps:
			if open && next.err == nil && !final(next.event) {
				if next.event.Type == answer.EventStatus {
					u.progress(ctx, next.event.Phase)
				}
				continue
			}
		}
		changed, err := server.Reidentify(u.c, age)
		switch {
		case err != nil || changed:
			return a, changed, err
		case next.err != nil:
			return a, false, fmt.Errorf("ask: %w", next.err)
		case next.event.Type == answer.EventDone && next.event.Answer != nil:
			return *next.event.Answer, false, nil
		case !open || next.event.Type == answer.EventFailed:
			return s.stored(ctx, u, started.Message)
		}
	}
}

func final(e answer.Event) bool { return e.Type == answer.EventDone || e.Type == answer.EventFailed }

// stored returns an answer as it is stored: what was checked of one that failed is kept.
func (s *Server) stored(ctx context.Context, u *use, message string) (cairn.Answer, bool, error) {
	m, err := s.cfg.Store.Message(ctx, u.viewer(), message)
	if err != nil {
		return cairn.Answer{}, false, fmt.Errorf("ask: %w", err)
	}
	if m.Withheld {
		return cairn.Answer{}, false, cairn.Errorf(cairn.ErrConflict, "what you may read has changed since you asked; ask again")
	}
	return m.Answer, false, nil
}

// showAnswer notes the documents that an answer was made from, cites or names as nearest.
func showAnswer(ctx context.Context, a cairn.Answer) {
	e := audit.FromContext(ctx)
	e.Shown(a.Evidence...)
	for _, c := range a.Citations {
		if c.State != cairn.CitationGone {
			e.Shown(c.Document)
		}
	}
	for _, p := range a.Nearest {
		e.Shown(p.Document)
	}
}
