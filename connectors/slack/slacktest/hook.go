package slacktest

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Delivery returns headers and body with which the Events API tells of what Put made: that
// it is "edited" or "deleted", or that its "readers" are others.
func (s *Site) Delivery(t testing.TB, secret, name, what string) (header map[string]string, body string) {
	t.Helper()
	s.Change(func(w *World) {
		event := map[string]any{
			"type": "message", "subtype": "message_changed", "channel": s.homes[name].ID, "channel_type": "channel",
			"message": map[string]any{"type": "message", "ts": s.named[name].TS},
		}
		switch what {
		case "deleted":
			event["subtype"], event["deleted_ts"] = "message_deleted", s.named[name].TS
			delete(event, "message")
		case "readers":
			event = map[string]any{"type": "member_left_channel", "channel": s.homes[name].ID, "channel_type": "C", "user": w.Person("ann@example.com").ID}
		}
		b, err := json.Marshal(map[string]any{
			"team_id": TeamID, "api_app_id": "A0000CAIRN", "type": "event_callback", "event_id": w.id("Ev"), "event_time": time.Now().Unix(),
			"authorizations": []any{map[string]any{"team_id": TeamID, "user_id": BotID, "is_bot": true}},
			"event":          event,
		})
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	})
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	return map[string]string{
		"Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + connectortest.Sign(secret, "v0:", stamp, ":", body),
	}, body
}
