package slack

import (
	"context"
	"errors"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// share posts an answer of the asker's for all to see, if everybody who is in the channel
// at this moment may read all that it was made from, cited or not.
func (b *Bot) share(ctx context.Context, w *work, asker cairn.Viewer) error {
	t := w.task
	if t.Reply != "" { // an attempt before has posted it
		return b.say(ctx, t, sharedText)
	}
	here, err := b.audience(ctx, t.Channel)
	if err != nil {
		return err
	}
	if here.closed != "" {
		return b.say(ctx, t, "I did not share this: "+here.closed+".")
	}
	// As all of them may see it: what it was made from may have been replaced by a text that
	// more people may read.
	m, err := b.cfg.Store.Message(ctx, asker.Among(here.members...), t.Message)
	switch {
	case errors.Is(err, cairn.ErrNotFound):
		return b.say(ctx, t, lost)
	case err != nil:
		return err
	case m.Answer.State != cairn.MessageComplete:
		return b.say(ctx, t, lost)
	}
	all := !m.Withheld
	if all {
		all, err = b.allRead(ctx, append(here.members, asker), append(cited(m.Answer), m.Answer.Evidence...))
	}
	if err != nil {
		return err
	}
	entry := audit.Begin(b.cfg.Audit, audit.Event{Action: audit.AnswerRead, Account: asker.Account, Via: "slack", Detail: "share", Object: audit.Object{Kind: audit.KindMessage, ID: m.ID}})
	outcome, posted := audit.OK, ""
	if all {
		entry.Shown(cited(m.Answer)...)
		blocks := []slack.Block{slack.NewContextBlock("", mrkdwn("Shared by <@"+t.User+">: "+escaped(short(m.Question, shownQuestion)))), textBlock(sendable(marked(m.Answer)))}
		blocks = append(append(append(blocks, rest(marked(m.Answer))...), sources(m.Answer)...), rating(m.ID))
		posted, err = b.post(ctx, t.Channel, t.Thread, slack.MsgOptionBlocks(blocks...))
	} else {
		outcome = "denied"
	}
	if err != nil {
		return err
	}
	if err := entry.Conclude(context.WithoutCancel(ctx), outcome, false); err != nil {
		b.cfg.Log.ErrorContext(ctx, "an event of the audit log is lost", "error", err)
	}
	if !all {
		return b.say(ctx, t, unshared)
	}
	if err := w.replied(ctx, posted); err != nil {
		return err
	}
	return b.say(ctx, t, sharedText)
}

const shownQuestion = 500 // characters of a question that is shared

// short returns at most n characters of a text, with a mark where some are missing.
func short(text string, n int) string {
	if shown := cut(text, n); shown != text {
		return cut(shown, n-1) + "…"
	}
	return text
}

// rate stores what somebody thinks of an answer: of an answer of hers, the last click
// counts. Others see the buttons, too; theirs count for nothing.
func (b *Bot) rate(ctx context.Context, t Task, asker cairn.Viewer) error {
	err := b.cfg.Store.Rate(ctx, asker, t.Message, t.Up)
	if errors.Is(err, cairn.ErrNotFound) {
		return nil
	}
	return err
}
