package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/cairnhq/cairn"
)

// callback is what is read of a request of the Events API.
type callback struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	Team      string `json:"team_id"`
	EventID   string `json:"event_id"`
	Event     struct {
		Type        string `json:"type"`
		Subtype     string `json:"subtype"`
		Channel     string `json:"channel"`
		ChannelType string `json:"channel_type"`
		User        string `json:"user"`
		Bot         string `json:"bot_id"`
		Text        string `json:"text"`
		TS          string `json:"ts"`
		Thread      string `json:"thread_ts"`
		Team        string `json:"team"`
		UserTeam    string `json:"user_team"`
		Tab         string `json:"tab"`
		// Pane is the thread of the assistant's pane that somebody has opened.
		Pane struct {
			User    string `json:"user_id"`
			Channel string `json:"channel_id"`
			Thread  string `json:"thread_ts"`
		} `json:"assistant_thread"`
	} `json:"event"`
}

// event takes what the Events API sends, and returns what is answered at once.
func (b *Bot) event(ctx context.Context, body []byte) (any, error) {
	var in callback
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body is no JSON object")
	}
	if in.Type == "url_verification" {
		return map[string]string{"challenge": in.Challenge}, nil
	}
	if err := b.home(in.Team); err != nil {
		return nil, err
	}
	if in.Type != "event_callback" {
		return nil, nil
	}
	t, ok := b.asked(in)
	if !ok {
		t, ok = opened(in)
	}
	if !ok {
		return nil, nil
	}
	return nil, b.add(ctx, t, in.EventID, body)
}

// opened returns the pane that an event tells of: a thread of it or, in Slack's newer view
// of agents, the conversation with the bot.
func opened(in callback) (Task, bool) {
	switch e := in.Event; e.Type {
	case "app_home_opened":
		return Task{Kind: Pane, User: e.User, Channel: e.Channel}, e.Tab == "messages" && slackID.MatchString(e.User) && slackID.MatchString(e.Channel) && direct(e.Channel)
	case "assistant_thread_started", "assistant_thread_context_changed":
		p := e.Pane
		return Task{Kind: Pane, User: p.User, Channel: p.Channel, Thread: p.Thread}, known(p.User, p.Channel, p.Thread) && direct(p.Channel)
	}
	return Task{}, false
}

// direct reports whether a channel is a conversation with the bot alone.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// asked returns the question of an event, if it is one: of a person, not of a bot.
func (b *Bot) asked(in callback) (Task, bool) {
	e := in.Event
	if e.Subtype != "" || e.Bot != "" || !known(e.User, e.Channel, e.TS) {
		return Task{}, false
	}
	t := Task{User: e.User, Channel: e.Channel, Text: e.Text, Thread: e.Thread}
	if t.Thread == "" {
		t.Thread, t.First = e.TS, true
	}
	t.Stranger = e.Team != "" && e.Team != b.cfg.Workspace || e.UserTeam != "" && e.UserTeam != b.cfg.Workspace
	switch {
	case e.Type == "app_mention" && !direct(e.Channel):
		t.Kind = Mention
	case e.Type == "message" && e.ChannelType == "im" && direct(e.Channel):
		t.Kind = Direct
	default:
		return Task{}, false
	}
	return t, true
}

var slackID = regexp.MustCompile(`^[A-Z0-9]{2,30}$`)

// known reports whether ids have the form of Slack's.
func known(user, channel, ts string) bool {
	return slackID.MatchString(user) && slackID.MatchString(channel) && timestamp.MatchString(ts)
}

var timestamp = regexp.MustCompile(`^[0-9]{1,16}\.[0-9]{1,8}$`)

// slashed is what is read of a slash command.
type slashed struct {
	Team     string `json:"team_id"`
	User     string `json:"user_id"`
	Channel  string `json:"channel_id"`
	Text     string `json:"text"`
	Response string `json:"response_url"`
	Trigger  string `json:"trigger_id"`
}

// commandForm takes POST /slack/commands.
func (b *Bot) commandForm(ctx context.Context, body []byte) (any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body is no form")
	}
	in := slashed{
		Team: form.Get("team_id"), User: form.Get("user_id"), Channel: form.Get("channel_id"), Text: form.Get("text"),
		Response: form.Get("response_url"), Trigger: form.Get("trigger_id"),
	}
	return b.command(ctx, in, body)
}

// command takes a slash command, and returns what is answered at once.
func (b *Bot) command(ctx context.Context, in slashed, body []byte) (any, error) {
	if err := b.home(in.Team); err != nil {
		return nil, err
	}
	if !slackID.MatchString(in.User) || !slackID.MatchString(in.Channel) || !b.responds(in.Response) {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the command lacks who asks, where, or a response_url of Slack's")
	}
	if strings.TrimSpace(in.Text) == "" {
		return ephemeral(helpText), nil
	}
	t := Task{Kind: Command, User: in.User, Channel: in.Channel, Text: in.Text, Response: in.Response}
	if err := b.add(ctx, t, in.Trigger, body); err != nil {
		return nil, err
	}
	return ephemeral("Looking…"), nil
}

func ephemeral(text string) any {
	return map[string]string{"response_type": "ephemeral", "text": text}
}

// responds reports whether an address is one of Slack's for answers: what is answered goes
// nowhere else.
func (b *Bot) responds(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	if b.cfg.APIURL != defaultAPIURL {
		own, err := url.Parse(b.cfg.APIURL)
		if err == nil && u.Scheme == own.Scheme && u.Host == own.Host {
			return true
		}
	}
	return u.Scheme == "https" && (u.Host == "hooks.slack.com" || u.Host == "hooks.slack-gov.com")
}
