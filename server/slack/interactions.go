package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/cairnhq/cairn"
)

// interacted is what is read of a click, of the shortcut of a message, and of the form that
// the shortcut opens.
type interacted struct {
	Type     string `json:"type"`
	Callback string `json:"callback_id"`
	Trigger  string `json:"trigger_id"`
	Response string `json:"response_url"`
	Team     struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Actions []struct {
		ID    string `json:"action_id"`
		Value string `json:"value"`
		TS    string `json:"action_ts"`
	} `json:"actions"`
	Message struct {
		Text   string `json:"text"`
		TS     string `json:"ts"`
		Thread string `json:"thread_ts"`
	} `json:"message"`
	View view `json:"view"`
}

// interactionForm takes POST /slack/interactions.
func (b *Bot) interactionForm(ctx context.Context, body []byte) (any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body is no form")
	}
	return b.interaction(ctx, []byte(form.Get("payload")))
}

// interaction takes what somebody has done with what is shown.
func (b *Bot) interaction(ctx context.Context, payload []byte) (any, error) {
	var in interacted
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the payload is no JSON object")
	}
	if err := b.home(in.Team.ID); err != nil {
		return nil, err
	}
	if !slackID.MatchString(in.User.ID) {
		return nil, nil
	}
	var t Task
	var id string
	ok := false
	switch in.Type {
	case "block_actions":
		t, id, ok = b.clicked(in)
	case "message_action":
		t, id, ok = b.pointedAt(in)
	case "view_submission":
		t, id, ok = b.submitted(in)
	}
	if !ok {
		return nil, nil
	}
	t.User, t.Stranger = in.User.ID, in.User.Team != "" && in.User.Team != b.cfg.Workspace
	return nil, b.add(ctx, t, id, payload)
}

// clicked returns what a click asks for, if anything: the link to the browser does not.
func (b *Bot) clicked(in interacted) (t Task, id string, ok bool) {
	if len(in.Actions) != 1 || !slackID.MatchString(in.Channel.ID) {
		return Task{}, "", false
	}
	a := in.Actions[0]
	value, rest, _ := strings.Cut(a.Value, " ")
	t = Task{Channel: in.Channel.ID, Response: b.response(in.Response), Message: value}
	switch a.ID {
	case shareAction:
		t.Kind = Share
		if timestamp.MatchString(rest) {
			t.Thread = rest
		}
	case feedbackAction:
		t.Kind, t.Up = Feedback, rest == upValue
	default:
		return Task{}, "", false
	}
	return t, in.Trigger + ":" + a.TS, true
}

// response returns an address for answers, if it is one of Slack's.
func (b *Bot) response(address string) string {
	if !b.responds(address) {
		return ""
	}
	return address
}
