package slack

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
)

// question answers a question, where it was asked.
func (b *Bot) question(ctx context.Context, w *work, asker cairn.Viewer) error {
	t := w.task
	words, about := t.asks()
	if words == "" || strings.EqualFold(words, helpWord) {
		return b.say(ctx, t, helpText)
	}
	var err error
	switch t.Kind {
	case Direct:
		err = b.directly(ctx, w, asker, words)
	case Command, About:
		err = b.privately(ctx, w, asker, words, about, "")
	default:
		err = b.inChannel(ctx, w, asker, words)
	}
	switch {
	case errors.Is(err, cairn.ErrInvalid), errors.Is(err, cairn.ErrTooLarge):
		return b.say(ctx, t, escaped(err.Error()))
	}
	return err
}

// directly answers a direct message, which nobody else sees.
func (b *Bot) directly(ctx context.Context, w *work, asker cairn.Viewer, words string) error {
	t := w.task
	before, err := b.cfg.Store.ThreadConversation(ctx, t.Channel, t.Thread, asker.Account)
	if err != nil {
		return err
	}
	b.status(ctx, t)
	out := b.newStream(ctx, w)
	a, err := b.ask(ctx, asking{work: w, viewer: asker, words: words, thread: t.Thread, out: out})
	if err != nil {
		return err
	}
	if err := b.show(ctx, out, a, foundNothing); err != nil {
		return err
	}
	if before == "" {
		b.title(ctx, t, words)
	}
	return nil
}

// privately answers for who has asked alone, about a message if there is one; note says
// why, where it is not what she expects.
func (b *Bot) privately(ctx context.Context, w *work, asker cairn.Viewer, words, about, note string) error {
	a, err := b.ask(ctx, asking{work: w, viewer: asker, words: words, about: about, thread: private(w.task.Thread)})
	if err != nil {
		return err
	}
	return b.give(ctx, w.task, a, note)
}

// private names the conversation of what is answered privately in a thread: it is not that
// of the answers that all see.
func private(thread string) string {
	if thread == "" {
		return ""
	}
	return thread + " private"
}

// give shows an answer to who has asked alone, with the button to share it.
func (b *Bot) give(ctx context.Context, t Task, a cairn.Answer, note string) error {
	words := marked(a)
	if words == "" {
		words = foundNothing
	}
	var blocks []slack.Block
	if note != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(escaped(note))))
	}
	blocks = append(blocks, textBlock(sendable(words)))
	blocks = append(append(blocks, rest(words)...), sources(a)...)
	blocks = append(blocks, rating(a.Message))
	blocks = append(blocks, b.buttons(a, len(a.Citations) > 0, t.Thread)...)
	return b.whisper(ctx, t, blocks...)
}

// show completes an answer that was streamed.
func (b *Bot) show(ctx context.Context, out *stream, a cairn.Answer, nothing string) error {
	if out.text == "" {
		out.text = marked(a)
	}
	if out.text == "" {
		out.text = nothing
	}
	blocks := append(append(rest(out.text), sources(a)...), rating(a.Message))
	return out.finish(ctx, append(blocks, b.buttons(a, false, "")...)...)
}

// inChannel answers a mention: for all to see from what all may read, and for the asker
// alone from what she may read beyond.
func (b *Bot) inChannel(ctx context.Context, w *work, asker cairn.Viewer, words string) error {
	here, err := b.audience(ctx, w.task.Channel)
	if err != nil {
		return err
	}
	if here.closed != "" {
		return b.privately(ctx, w, asker, words, "", "Only you can see this: "+here.closed+".")
	}
	out := b.newStream(ctx, w)
	viewer := asker.Among(here.members...)
	a, err := b.ask(ctx, asking{work: w, viewer: viewer, words: words, thread: w.task.Thread, out: out, guard: b.guard(w.task.Channel, asker)})
	switch {
	case errors.Is(err, errHidden) && out.ts == "": // nothing of it was shown
		return b.privately(ctx, w, asker, words, "", "Only you can see this: who is in this channel, or what they may read, has just changed.")
	case errors.Is(err, errHidden):
		out.reset(ctx)
		out.text = hidden
		return out.finish(ctx)
	case err != nil:
		return err
	}
	if err := b.show(ctx, out, a, foundNothingHere); err != nil {
		return err
	}
	return b.more(ctx, w, asker, viewer, words)
}

// guard returns what is asked before something of documents is posted in a channel: whether
// all who are there now may read them, asker among them.
func (b *Bot) guard(channel string, asker cairn.Viewer) func(context.Context, []cairn.DocumentID) (bool, error) {
	return func(ctx context.Context, documents []cairn.DocumentID) (bool, error) {
		now, err := b.audience(ctx, channel)
		if err != nil || now.closed != "" {
			return false, err
		}
		return b.allRead(ctx, append(now.members, asker), documents)
	}
}

// passageBudget is of how many bytes of passages it is asked whether the asker may read more.
const passageBudget = 24_000

// more answers the asker alone from what she may read and not all in the channel may, if
// that is another answer.
func (b *Bot) more(ctx context.Context, w *work, asker, viewer cairn.Viewer, words string) error {
	passages, err := b.cfg.Finder.Passages(ctx, cairn.Query{Viewer: asker, Text: words, Limit: 20}, passageBudget)
	if err != nil {
		return err
	}
	found := make([]cairn.DocumentID, len(passages))
	for i, p := range passages {
		found[i] = p.Document
	}
	if all, err := b.cfg.Store.Readable(ctx, viewer, found); err != nil || all {
		return err
	}
	a, err := b.ask(ctx, asking{work: w, viewer: asker, words: words, thread: private(w.task.Thread)})
	if err != nil {
		return err
	}
	if all, err := b.cfg.Store.Readable(ctx, viewer, cited(a)); err != nil || all {
		return err
	}
	return b.give(ctx, w.task, a, moreForYou)
}

func cited(a cairn.Answer) []cairn.DocumentID {
	ids := make([]cairn.DocumentID, len(a.Citations))
	for i, c := range a.Citations {
		ids[i] = c.Document
	}
	return ids
}
