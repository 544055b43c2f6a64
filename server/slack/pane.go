package slack

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
)

const (
	panePrompts  = 3               // of Slack's four; the last one is for help
	paneTitle    = 80              // characters of a question that name its thread
	panePatience = 3 * time.Second // for what an answer does not wait for
)

// pane proposes questions in the assistant's pane, unless its thread has some: about what
// the person may read.
func (b *Bot) pane(ctx context.Context, t Task, asker cairn.Viewer) error {
	if t.Thread != "" {
		asked, err := b.cfg.Store.ThreadConversation(ctx, t.Channel, t.Thread, asker.Account)
		if err != nil || asked != "" {
			return err
		}
	}
	titles, err := b.cfg.Store.Titles(ctx, asker, panePrompts)
	if err != nil {
		return err
	}
	in := slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: t.Channel, ThreadTS: t.Thread, Title: promptsTitle}
	for _, title := range titles {
		title = inert(short(title, titleLength))
		in.AddPrompt(title, "What does “"+title+"” say?")
	}
	in.AddPrompt(promptHelp, helpWord)
	err = b.call(ctx, func() error { return b.api.SetAssistantThreadsSuggestedPromptsContext(ctx, in) })
	switch {
	case refused(err): // it is proposed nothing, and can be asked all the same
		b.cfg.Log.WarnContext(ctx, "no questions could be proposed", "error", problem("assistant.threads.setSuggestedPrompts", err))
	case err != nil:
		return problem("assistant.threads.setSuggestedPrompts", err)
	}
	return nil
}

// status shows in a thread with the bot that an answer is coming; the answer ends that.
func (b *Bot) status(ctx context.Context, t Task) {
	b.adorn(ctx, "assistant.threads.setStatus", func(ctx context.Context) error {
		return b.api.SetAssistantThreadsStatusContext(ctx, slack.AssistantThreadsSetStatusParameters{ChannelID: t.Channel, ThreadTS: t.Thread, Status: paneStatus})
	})
}

// title names a thread with the bot after its first question.
func (b *Bot) title(ctx context.Context, t Task, words string) {
	b.adorn(ctx, "assistant.threads.setTitle", func(ctx context.Context) error {
		return b.api.SetAssistantThreadsTitleContext(ctx, slack.AssistantThreadsSetTitleParameters{ChannelID: t.Channel, ThreadTS: t.Thread, Title: inert(short(words, paneTitle))})
	})
}

// adorn does something to a thread without which the answer is as good. Slack refuses it where
// the app has no pane.
func (b *Bot) adorn(ctx context.Context, method string, do func(context.Context) error) {
	limited, cancel := context.WithTimeout(ctx, panePatience)
	defer cancel()
	if err := do(limited); err != nil {
		b.cfg.Log.DebugContext(ctx, "the assistant's pane could not be changed", "error", problem(method, err))
	}
}
