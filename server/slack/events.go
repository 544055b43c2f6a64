package slack

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

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
	} `json:"event"`
}

// event answers POST /slack/events.
func (b *Bot) event(c *gin.Context, body []byte) error {
	var in callback
	if err := json.Unmarshal(body, &in); err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "the body is no JSON object")
	}
	if in.Type == "url_verification" {
		return reply(c, map[string]string{"challenge": in.Challenge})
	}
	if err := b.home(in.Team); err != nil {
		return err
	}
	if t, ok := b.asked(in); ok {
		if err := b.add(c, t, in.EventID, body); err != nil {
			return err
		}
	}
	return reply(c, map[string]bool{"ok": true})
}

// asked returns the question of an event, if it is one: of a person, not of a bot.
func (b *Bot) asked(in callback) (Task, bool) {
	e := in.Event
	if in.Type != "event_callback" || e.Subtype != "" || e.Bot != "" || !known(e.User, e.Channel, e.TS) {
		return Task{}, false
	}
	t := Task{User: e.User, Channel: e.Channel, Text: e.Text, Thread: e.Thread}
	if t.Thread == "" {
		t.Thread = e.TS
	}
	t.Stranger = e.Team != "" && e.Team != b.cfg.Workspace || e.UserTeam != "" && e.UserTeam != b.cfg.Workspace
	switch {
	case e.Type == "app_mention" && !strings.HasPrefix(e.Channel, "D"):
		t.Kind = Mention
	case e.Type == "message" && e.ChannelType == "im" && strings.HasPrefix(e.Channel, "D"):
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

// command answers POST /slack/commands.
func (b *Bot) command(c *gin.Context, body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "the body is no form")
	}
	if err := b.home(form.Get("team_id")); err != nil {
		return err
	}
	t := Task{Kind: Command, User: form.Get("user_id"), Channel: form.Get("channel_id"), Text: form.Get("text"), Response: form.Get("response_url")}
	if !slackID.MatchString(t.User) || !slackID.MatchString(t.Channel) || !b.responds(t.Response) {
		return cairn.Errorf(cairn.ErrInvalid, "the command lacks who asks, where, or a response_url of Slack's")
	}
	if strings.TrimSpace(t.Text) == "" {
		return reply(c, ephemeral(helpText))
	}
	if err := b.add(c, t, form.Get("trigger_id"), body); err != nil {
		return err
	}
	return reply(c, ephemeral("Looking…"))
}

func ephemeral(text string) any {
	return map[string]string{"response_type": "ephemeral", "text": text}
}

// interacted is what is read of a click.
type interacted struct {
	Type     string `json:"type"`
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
}

// interaction answers POST /slack/interactions.
func (b *Bot) interaction(c *gin.Context, body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "the body is no form")
	}
	var in interacted
	if err := json.Unmarshal([]byte(form.Get("payload")), &in); err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "the payload is no JSON object")
	}
	if err := b.home(in.Team.ID); err != nil {
		return err
	}
	if t, ok := b.clicked(in); ok {
		if err := b.add(c, t, in.Trigger+":"+in.Actions[0].TS, body); err != nil {
			return err
		}
	}
	return reply(c, struct{}{})
}

// clicked returns what a click asks for, if anything: the link to the browser does not.
func (b *Bot) clicked(in interacted) (Task, bool) {
	if in.Type != "block_actions" || len(in.Actions) != 1 || !slackID.MatchString(in.User.ID) || !slackID.MatchString(in.Channel.ID) {
		return Task{}, false
	}
	a := in.Actions[0]
	t := Task{User: in.User.ID, Channel: in.Channel.ID, Stranger: in.User.Team != "" && in.User.Team != b.cfg.Workspace}
	if b.responds(in.Response) {
		t.Response = in.Response
	}
	value, rest, _ := strings.Cut(a.Value, " ")
	t.Message = value
	switch a.ID {
	case shareAction:
		t.Kind = Share
		if timestamp.MatchString(rest) {
			t.Thread = rest
		}
	case feedbackAction:
		t.Kind, t.Up = Feedback, rest == upValue
	default:
		return Task{}, false
	}
	return t, true
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
