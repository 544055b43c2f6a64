package slack

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/webhook"
)

// hook understands the Events API, as https://docs.slack.dev/apis/events-api describes
// it, with version v0 of signatures.
func hook() *connectors.Hook { return &connectors.Hook{Verify: verifyHook, Read: readHook} }

// fresh is how far the time of a signature may be from ours.
const fresh = 5 * time.Minute

// verifyHook checks the signature over "v0", the time and the body.
func verifyHook(secret cairn.Secret, d connectors.Delivery) error {
	stamp := d.Header.Get("X-Slack-Request-Timestamp")
	if !webhook.Matches(secret, d.Header.Get("X-Slack-Signature"), "v0=", []byte("v0:"+stamp+":"), d.Body) {
		return connectors.ErrUnsigned
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || d.At.Sub(time.Unix(seconds, 0)).Abs() > fresh {
		return connectors.ErrStale
	}
	return nil
}

// The events that tell of something, by what they tell. That a document is gone is
// mostly seen by an incremental reading; a listing reads all channels from their
// beginning, and is not made for every message that somebody deletes.
var (
	messages = []string{"message", "channel_history_changed", "group_history_changed"} // of a channel
	changing = []string{
		"file_created", "file_shared", "file_change", "file_public", "file_unshared", "file_deleted",
		"channel_created", "channel_rename", "channel_archive", "channel_unarchive",
		"group_rename", "group_archive", "group_unarchive", "group_open", "app_rate_limited",
	}
	removing  = []string{"channel_deleted", "channel_left", "group_deleted", "group_left", "group_close"}
	permitted = []string{"member_joined_channel", "member_left_channel", "channel_shared", "channel_unshared", "team_join"}
)

// ofBot reports whether an event is about the bot itself: a channel is to be read that it
// was added to.
func ofBot(body, event webhook.Fields) bool {
	return slices.ContainsFunc(body.Objects("authorizations"), func(a webhook.Fields) bool { return a.Text("user_id") == event.Text("user") })
}

// eventTypes are the types of conversations, as events name them.
var eventTypes = map[string]string{"channel": "public_channel", "group": "private_channel", "mpim": "mpim"}

// mayWant reports whether the settings may let a channel be read of which an event tells
// the id and the type. It is not known by its name.
func (c config) mayWant(id, eventType string) bool {
	if kind := eventTypes[eventType]; kind != "" && !slices.Contains(c.types, kind) || slices.Contains(c.skip, id) {
		return false
	}
	return len(c.only) == 0 || slices.Contains(c.only, id) || !onlyIDs(c.only)
}

// onlyIDs reports whether names and ids of channels are ids: these are written in capital
// letters, and names never are.
func onlyIDs(channels []string) bool {
	return !slices.ContainsFunc(channels, func(c string) bool { return c != strings.ToUpper(c) || c[0] != 'C' && c[0] != 'G' })
}

// readHook returns what a delivery tells.
func readHook(settings map[string]string, d connectors.Delivery) (connectors.News, error) {
	cfg, err := parse(settings)
	if err != nil {
		return connectors.News{}, err
	}
	body, err := webhook.Read(d)
	if err != nil {
		return connectors.News{}, err
	}
	news := connectors.News{ID: body.Text("event_id"), Event: body.Text("type"), Tells: connectors.TellsNothing}
	if news.Event == "url_verification" {
		news.Challenge = body.Text("challenge")
		return news, nil
	}
	event := body.Object("event")
	if news.Event == "event_callback" {
		news.Event = event.Text("type")
	}
	switch channel := event.Text("channel"); {
	case news.Event == "message" && event.Text("channel_type") == "im":
	case channel != "" && !cfg.mayWant(channel, event.Text("channel_type")):
	case slices.Contains(messages, news.Event):
		news.Tells, news.Part = connectors.TellsChange, channel
	case slices.Contains(changing, news.Event), news.Event == "member_joined_channel" && ofBot(body, event):
		news.Tells = connectors.TellsChange
	case slices.Contains(removing, news.Event):
		news.Tells = connectors.TellsRemoval
	case slices.Contains(permitted, news.Event), strings.HasPrefix(news.Event, "subteam_"),
		news.Event == "user_change" && event.Object("user").True("deleted"): // else it comes with every new status
		news.Tells = connectors.TellsPermissions
	}
	return news, nil
}
