package slack

import (
	"context"
	"errors"

	"github.com/slack-go/slack"
)

// notification is what a device shows of a message whose text is in blocks.
const notification = "Cairn has answered"

// refused reports whether Slack has refused what it was asked, for another reason than its
// pace: it will not do so when asked again.
func refused(err error) bool {
	var r slack.SlackErrorResponse
	return errors.As(err, &r)
}

// post posts a message in a thread, without previews of what it links to.
func (b *Bot) post(ctx context.Context, channel, thread string, options ...slack.MsgOption) (ts string, err error) {
	options = append(options, slack.MsgOptionText(notification, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	err = b.call(ctx, func() (err error) {
		_, ts, err = b.api.PostMessageContext(ctx, channel, options...)
		return err
	})
	if err != nil {
		return "", problem("chat.postMessage", err)
	}
	return ts, nil
}

// say tells something to who has asked alone.
func (b *Bot) say(ctx context.Context, t Task, text string) error {
	return b.whisper(ctx, t, textBlock(text))
}

// whisper shows blocks to who has asked alone.
func (b *Bot) whisper(ctx context.Context, t Task, blocks ...slack.Block) error {
	switch {
	case t.Response != "":
		return b.respond(ctx, t, blocks)
	case direct(t.Channel):
		_, err := b.post(ctx, t.Channel, t.Thread, slack.MsgOptionBlocks(blocks...))
		return err
	}
	options := []slack.MsgOption{slack.MsgOptionText(notification, false), slack.MsgOptionBlocks(blocks...)}
	if t.Thread != "" && (!t.First || t.Reply != "") { // in a thread without replies Slack shows it to nobody
		options = append(options, slack.MsgOptionTS(t.Thread))
	}
	err := b.call(ctx, func() error {
		_, err := b.api.PostEphemeralContext(ctx, t.Channel, t.User, options...)
		return err
	})
	if err != nil {
		return problem("chat.postEphemeral", err)
	}
	return nil
}

// respond answers a command or a click, for who has made it alone.
func (b *Bot) respond(ctx context.Context, t Task, blocks []slack.Block) error {
	msg := &slack.WebhookMessage{Text: notification, ResponseType: slack.ResponseTypeEphemeral, Blocks: &slack.Blocks{BlockSet: blocks}}
	err := b.call(ctx, func() error { return slack.PostWebhookCustomHTTPContext(ctx, t.Response, b.cfg.HTTP, msg) })
	if err != nil {
		return problem("response_url", err)
	}
	return nil
}
