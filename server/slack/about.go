package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// The shortcut of a message, and the form that it opens.
const (
	aboutCallback = "cairn_about"
	questionBlock = "cairn_question"
	questionInput = "question"

	metadataLimit = 3000 // characters that Slack keeps with a form
	aboutLimit    = 2000 // characters of the message that are kept
)

// view is what is read of a form that was sent.
type view struct {
	ID       string `json:"id"`
	Callback string `json:"callback_id"`
	Metadata string `json:"private_metadata"`
	State    struct {
		Values map[string]map[string]struct {
			Value string `json:"value"`
		} `json:"values"`
	} `json:"state"`
}

// about is what a form keeps of the message that it was opened for.
type about struct {
	Channel  string `json:"c"`
	Thread   string `json:"t"`
	Response string `json:"r"`
	Text     string `json:"m"`
}

// pointedAt returns the task of the shortcut: to open the form.
func (b *Bot) pointedAt(in interacted) (t Task, id string, ok bool) {
	t = Task{Kind: Shortcut, Channel: in.Channel.ID, Thread: in.Message.Thread, Text: in.Message.Text, Response: b.response(in.Response), Trigger: in.Trigger}
	if t.Thread == "" {
		t.Thread = in.Message.TS
	}
	return t, in.Trigger, in.Callback == aboutCallback && slackID.MatchString(t.Channel) && timestamp.MatchString(t.Thread) && t.Response != "" && t.Trigger != ""
}

// submitted returns the question of a form.
func (b *Bot) submitted(in interacted) (t Task, id string, ok bool) {
	var kept about
	if in.View.Callback != aboutCallback || in.View.ID == "" || json.Unmarshal([]byte(in.View.Metadata), &kept) != nil {
		return Task{}, "", false
	}
	t = Task{
		Kind: About, Channel: kept.Channel, Thread: kept.Thread, Response: b.response(kept.Response), About: kept.Text,
		Text: in.View.State.Values[questionBlock][questionInput].Value,
	}
	return t, in.View.ID, slackID.MatchString(t.Channel) && timestamp.MatchString(t.Thread) && t.Response != ""
}

// form opens the form of the shortcut. Slack takes it for three seconds.
func (b *Bot) form(ctx context.Context, t Task) error {
	text := cut(question(t.Text), aboutLimit)
	metadata := about{Channel: t.Channel, Thread: t.Thread, Response: t.Response, Text: text}.encode()
	err := b.call(ctx, func() error {
		_, err := b.api.OpenViewContext(ctx, t.Trigger, aboutForm(text, metadata))
		return err
	})
	switch {
	case hasCode(err, "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"):
		return b.say(ctx, t, tooLate)
	case err != nil:
		return problem("views.open", err)
	}
	return nil
}

func aboutForm(text, metadata string) slack.ModalViewRequest {
	input := slack.NewPlainTextInputBlockElement(nil, questionInput)
	input.MaxLength = aboutLimit
	blocks := []slack.Block{slack.NewInputBlock(questionBlock, plain("Your question"), plain(aboutHint), input).WithOptional(text != "")}
	if text != "" {
		blocks = append([]slack.Block{slack.NewSectionBlock(plain(text), nil, nil)}, blocks...)
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: aboutCallback, PrivateMetadata: metadata,
		Title: plain("Ask about this"), Submit: plain("Ask"), Close: plain("Cancel"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// encode returns what Slack keeps with the form, of the message as much as there is room for.
func (a about) encode() string {
	for {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(a); err != nil {
			return "" // strings can be encoded
		}
		s := string(bytes.TrimSpace(b.Bytes()))
		over := utf8.RuneCountInString(s) - metadataLimit
		if over <= 0 || a.Text == "" {
			return s
		}
		a.Text = cut(a.Text, max(utf8.RuneCountInString(a.Text)-over, 0))
	}
}

// asks returns the words of a question and the message that it is about, as far as it was
// asked about one: with no words of its own the message is the question.
func (t Task) asks() (words, about string) {
	words, about = question(t.Text), t.About
	if words == "" {
		return about, ""
	}
	return words, about
}

// cut returns at most n characters of a text.
func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n])
	}
	return text
}
