package slack

import (
	"context"
	"time"

	"github.com/slack-go/slack"
)

const (
	appendAfter = time.Second // after the last time
	appendBytes = 512         // or as soon as there is as much
)

// stream is a message in Slack that is written while an answer is made: by the methods for
// streams or, where Slack refuses them, by changing a message at most once a second.
type stream struct {
	b    *Bot
	w    *work
	text string // so far, with marks

	ts      string // of the message; empty before there is one
	changes bool   // it is changed as a whole
	sent    int    // bytes of sendable(text) that are there, unless changes
	last    time.Time
}

// newStream returns the stream of a task: into the message of an attempt before, when
// there is one.
func (b *Bot) newStream(ctx context.Context, w *work) *stream {
	s := &stream{b: b, w: w, ts: w.task.Reply}
	if s.ts != "" {
		s.stop(ctx)
	}
	return s
}

// reset forgets the text: what was shown of it is replaced.
func (s *stream) reset(ctx context.Context) {
	s.text, s.sent = "", 0
	if s.ts != "" && !s.changes {
		s.stop(ctx)
	}
}

// stop ends a stream whose message is changed as a whole from now on. That it had ended is
// no error.
func (s *stream) stop(ctx context.Context) {
	s.changes = true
	err := s.b.call(ctx, func() error {
		_, _, err := s.b.api.StopStreamContext(ctx, s.w.task.Channel, s.ts)
		return err
	})
	if err != nil {
		s.b.cfg.Log.DebugContext(ctx, "a stream could not be ended", "error", problem("chat.stopStream", err))
	}
}

// flush sends what has come, if it is time.
func (s *stream) flush(ctx context.Context) error {
	text := sendable(s.text)
	late := time.Since(s.last) >= appendAfter
	switch {
	case text == "" || !s.changes && len(text) == s.sent:
		return nil
	case s.ts == "":
		return s.begin(ctx, text)
	case s.changes:
		if !late || len(text) == s.sent {
			return nil
		}
		return s.change(ctx, text)
	case !late && len(text)-s.sent < appendBytes:
		return nil
	}
	err := s.b.call(ctx, func() error {
		_, _, err := s.b.api.AppendStreamContext(ctx, s.w.task.Channel, s.ts, slack.MsgOptionMarkdownText(text[s.sent:]))
		return err
	})
	s.last = time.Now()
	switch {
	case refused(err):
		s.stop(ctx)
		return nil
	case err != nil:
		return problem("chat.appendStream", err)
	}
	s.sent = len(text)
	return nil
}

// begin makes the message.
func (s *stream) begin(ctx context.Context, text string) error {
	t := s.w.task
	options := []slack.MsgOption{slack.MsgOptionTS(t.Thread), slack.MsgOptionMarkdownText(text)}
	if t.Kind != Direct {
		options = append(options, slack.MsgOptionRecipientTeamID(s.b.cfg.Workspace), slack.MsgOptionRecipientUserID(t.User))
	}
	err := s.b.call(ctx, func() (err error) {
		_, s.ts, err = s.b.api.StartStreamContext(ctx, t.Channel, options...)
		return err
	})
	if refused(err) {
		s.changes = true
		if err = s.post(ctx, slack.MsgOptionBlocks(textBlock(text))); err != nil {
			return err
		}
	} else if err != nil {
		return problem("chat.startStream", err)
	}
	s.sent, s.last = len(text), time.Now()
	return s.w.replied(ctx, s.ts)
}

// post makes the message as one that is changed.
func (s *stream) post(ctx context.Context, options ...slack.MsgOption) (err error) {
	s.ts, err = s.b.post(ctx, s.w.task.Channel, s.w.task.Thread, options...)
	return err
}

// change replaces the message.
func (s *stream) change(ctx context.Context, text string, more ...slack.Block) error {
	err := s.b.call(ctx, func() error {
		_, _, _, err := s.b.api.UpdateMessageContext(ctx, s.w.task.Channel, s.ts,
			slack.MsgOptionText(notification, false), slack.MsgOptionBlocks(append([]slack.Block{textBlock(text)}, more...)...))
		return err
	})
	s.sent, s.last = len(text), time.Now()
	if err != nil {
		return problem("chat.update", err)
	}
	return nil
}

// finish completes the message with what stands below the text.
func (s *stream) finish(ctx context.Context, blocks ...slack.Block) error {
	text := sendable(s.text)
	if s.ts == "" {
		err := s.post(ctx, slack.MsgOptionBlocks(append([]slack.Block{textBlock(text)}, blocks...)...))
		if err != nil {
			return err
		}
		return s.w.replied(ctx, s.ts)
	}
	if !s.changes {
		options := []slack.MsgOption{slack.MsgOptionBlocks(blocks...)}
		if len(text) > s.sent {
			options = append(options, slack.MsgOptionMarkdownText(text[s.sent:]))
		}
		err := s.b.call(ctx, func() error {
			_, _, err := s.b.api.StopStreamContext(ctx, s.w.task.Channel, s.ts, options...)
			return err
		})
		if !refused(err) {
			if err != nil {
				return problem("chat.stopStream", err)
			}
			return nil
		}
	}
	if err := pause(ctx, appendAfter-time.Since(s.last)); err != nil {
		return err
	}
	return s.change(ctx, text, blocks...)
}

// pause waits; less than nothing not at all.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
