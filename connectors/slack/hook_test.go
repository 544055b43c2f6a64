package slack

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// The example of "Verifying requests from Slack".
const (
	hookSecret    = "8f742231b10e8888abcd99yyyzzz85a5"
	hookTime      = 1531420618
	hookSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	hookBody      = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

func TestHookSignature(t *testing.T) {
	t.Parallel()
	stamp := strconv.Itoa(hookTime)
	for _, c := range []struct {
		name, secret, stamp, signature, body string
		later                                time.Duration
		want                                 error
	}{
		{"Slack's example", hookSecret, stamp, hookSignature, hookBody, 0, nil},
		{"nearly five minutes later", hookSecret, stamp, hookSignature, hookBody, 5 * time.Minute, nil},
		{"five minutes later", hookSecret, stamp, hookSignature, hookBody, 5*time.Minute + time.Second, connectors.ErrStale},
		{"from the future", hookSecret, stamp, hookSignature, hookBody, -5*time.Minute - time.Second, connectors.ErrStale},
		{"with a fresh time", hookSecret, strconv.Itoa(hookTime + 600), hookSignature, hookBody, 10 * time.Minute, connectors.ErrUnsigned},
		{"of another body", hookSecret, stamp, hookSignature, hookBody + " ", 0, connectors.ErrUnsigned},
		{"of another secret", hookSecret + "x", stamp, hookSignature, hookBody, 0, connectors.ErrUnsigned},
		{"without its version", hookSecret, stamp, hookSignature[3:], hookBody, 0, connectors.ErrUnsigned},
		{"without a time", hookSecret, "", hookSignature, hookBody, 0, connectors.ErrUnsigned},
		{"without a signature", hookSecret, stamp, "", hookBody, 0, connectors.ErrUnsigned},
	} {
		d := connectors.Delivery{
			Header: http.Header{"X-Slack-Signature": {c.signature}, "X-Slack-Request-Timestamp": {c.stamp}},
			Body:   []byte(c.body), At: time.Unix(hookTime, 0).Add(c.later),
		}
		if err := verifyHook(cairn.NewSecret(c.secret), d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestHookTells(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"skip_channels": "C0SKIPPED"}
	event := func(event string) string {
		return `{"token": "x", "team_id": "T1", "type": "event_callback", "event_id": "Ev08MFMKH6", "event": ` + event +
			`, "authorizations": [{"team_id": "T1", "user_id": "U0BOT", "is_bot": true}]}`
	}
	for _, c := range []struct {
		body string
		want connectors.Tells
	}{
		{event(`{"type": "message", "channel": "C1", "channel_type": "channel", "text": "x"}`), connectors.TellsChange},
		{event(`{"type": "message", "subtype": "message_deleted", "channel": "C1", "channel_type": "group"}`), connectors.TellsChange},
		{event(`{"type": "message", "channel": "D1", "channel_type": "im"}`), connectors.TellsNothing},
		{event(`{"type": "message", "channel": "C0SKIPPED", "channel_type": "channel"}`), connectors.TellsNothing},
		{event(`{"type": "channel_rename", "channel": {"id": "C1", "name": "new"}}`), connectors.TellsChange},
		{event(`{"type": "channel_deleted", "channel": "C1"}`), connectors.TellsRemoval},
		{event(`{"type": "channel_left", "channel": "C1"}`), connectors.TellsRemoval},
		{event(`{"type": "member_left_channel", "channel": "C1", "user": "U1"}`), connectors.TellsPermissions},
		{event(`{"type": "member_joined_channel", "channel": "C1", "user": "U1"}`), connectors.TellsPermissions},
		{event(`{"type": "member_joined_channel", "channel": "C1", "user": "U0BOT"}`), connectors.TellsChange}, // there is more to be read
		{event(`{"type": "subteam_members_changed"}`), connectors.TellsPermissions},
		{event(`{"type": "user_change", "user": {"id": "U1", "deleted": true}}`), connectors.TellsPermissions},
		{event(`{"type": "user_change", "user": {"id": "U1", "profile": {"status_text": "at lunch"}}}`), connectors.TellsNothing},
		{event(`{"type": "reaction_added"}`), connectors.TellsNothing},
		{event(`"x"`), connectors.TellsNothing},
		{`{"type": "app_rate_limited", "event_id": "Ev08MFMKH6", "minute_rate_limited": 1518467820}`, connectors.TellsChange},
	} {
		news, err := readHook(settings, connectors.Delivery{Body: []byte(c.body)})
		if err != nil || news.Tells != c.want || news.ID != "Ev08MFMKH6" || news.Challenge != "" {
			t.Errorf("%s: %+v, %v; want %s", c.body, news, err, c.want)
		}
		if (news.Part == "C1") != (news.Event == "message" && news.Tells == connectors.TellsChange) {
			t.Errorf("%s is of the channel %q alone", c.body, news.Part)
		}
	}
	news, err := readHook(settings, connectors.Delivery{Body: []byte(`{"token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", "type": "url_verification"}`)})
	if err != nil || news.Tells != connectors.TellsNothing || news.Challenge != "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" {
		t.Errorf("the challenge: %+v, %v", news, err)
	}
}

// What happens in channels that are not read tells nothing, as far as an event says which
// these are.
func TestHookTellsOfChannelsThatAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value, event string
		want               connectors.Tells
	}{
		{"channels", "C1, G2", `"channel": "C1", "channel_type": "channel"`, connectors.TellsChange},
		{"channels", "C1, G2", `"channel": "G2", "channel_type": "group"`, connectors.TellsChange},
		{"channels", "C1, G2", `"channel": "C3", "channel_type": "channel"`, connectors.TellsNothing},
		{"channels", "C1, general", `"channel": "C3", "channel_type": "channel"`, connectors.TellsChange}, // which may be general
		{"channels", "2024", `"channel": "C3", "channel_type": "channel"`, connectors.TellsChange},
		{"skip_channels", "C1", `"channel": "C1"`, connectors.TellsNothing},
		{"skip_channels", "C1", `"channel": "C2"`, connectors.TellsChange},
		{"types", "public_channel", `"channel": "C1", "channel_type": "channel"`, connectors.TellsChange},
		{"types", "public_channel", `"channel": "C1", "channel_type": "group"`, connectors.TellsNothing},
		{"types", "private_channel", `"channel": "C1", "channel_type": "channel"`, connectors.TellsNothing},
		{"types", "private_channel", `"channel": "C1"`, connectors.TellsChange},
		{"types", "", `"channel": "G3", "channel_type": "mpim"`, connectors.TellsNothing},
		{"types", "mpim", `"channel": "G3", "channel_type": "mpim"`, connectors.TellsChange},
	} {
		body := `{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", ` + c.event + `}}`
		news, err := readHook(map[string]string{c.name: c.value}, connectors.Delivery{Body: []byte(body)})
		if err != nil || news.Tells != c.want {
			t.Errorf("%s=%s: %s tells %q, %v; want %q", c.name, c.value, c.event, news.Tells, err, c.want)
		}
	}
}

func FuzzHook(f *testing.F) {
	f.Add([]byte(`{"type": "event_callback", "event": {"type": "message", "channel": "C1"}}`), hookSignature, strconv.Itoa(hookTime))
	f.Add([]byte(hookBody), hookSignature, "-1")
	f.Fuzz(func(t *testing.T, body []byte, signature, stamp string) {
		d := connectors.Delivery{Header: http.Header{"X-Slack-Signature": {signature}, "X-Slack-Request-Timestamp": {stamp}}, Body: body, At: time.Unix(hookTime, 0)}
		if err := verifyHook(cairn.NewSecret(hookSecret), d); err == nil {
			if sum, err := hex.DecodeString(signature[len("v0="):]); err != nil || len(sum) != 32 {
				t.Errorf("%q is believed", signature)
			}
		}
		news, err := readHook(map[string]string{}, d)
		if (err == nil) != (news.Tells != "") {
			t.Errorf("%+v, %v", news, err)
		}
	})
}
