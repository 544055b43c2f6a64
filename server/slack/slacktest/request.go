package slacktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Sign returns the headers of a request that Slack sends at a time, as names and values.
func Sign(secret, body string, at time.Time) []string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	return []string{"X-Slack-Request-Timestamp", stamp, "X-Slack-Signature", "v0=" + hex.EncodeToString(mac.Sum(nil))}
}

// Mention returns the body of the event of a message that mentions the bot.
func Mention(event, user, channel, text, ts, thread string) string {
	return callback(event, map[string]any{"type": "app_mention", "user": user, "channel": channel, "text": "<@" + BotID + "> " + text, "ts": ts, "event_ts": ts, "thread_ts": thread, "team": TeamID})
}

// Direct returns that of a direct message.
func Direct(event, user, channel, text, ts string) string {
	return callback(event, map[string]any{"type": "message", "channel_type": "im", "user": user, "channel": channel, "text": text, "ts": ts, "event_ts": ts, "team": TeamID})
}

func callback(event string, what map[string]any) string {
	if what["thread_ts"] == "" {
		delete(what, "thread_ts")
	}
	return encode(map[string]any{"type": "event_callback", "token": "x", "team_id": TeamID, "api_app_id": "A0CAIRN", "event_id": event, "event_time": 1, "event": what})
}

// Command returns the body of a slash command.
func (w *Workspace) Command(trigger, user, channel, text string) string {
	return url.Values{
		"team_id": {TeamID}, "user_id": {user}, "channel_id": {channel}, "command": {"/cairn"}, "text": {text}, "trigger_id": {trigger},
		"response_url": {w.URL + "/respond/" + channel + "/" + user},
	}.Encode()
}

// Click returns the body of a click on a button.
func (w *Workspace) Click(trigger, user, channel, action, value string) string {
	return url.Values{"payload": {encode(map[string]any{
		"type": "block_actions", "trigger_id": trigger, "team": map[string]any{"id": TeamID}, "user": map[string]any{"id": user, "team_id": TeamID},
		"channel": map[string]any{"id": channel}, "response_url": w.URL + "/respond/" + channel + "/" + user,
		"actions": []any{map[string]any{"action_id": action, "value": value, "action_ts": "1.000001"}},
	})}}.Encode()
}

// PointAt returns the body of the shortcut "Ask about this" of a message.
func (w *Workspace) PointAt(trigger, user, channel, author, text, ts string) string {
	return url.Values{"payload": {w.pointAt(trigger, user, channel, author, text, ts)}}.Encode()
}

func (w *Workspace) pointAt(trigger, user, channel, author, text, ts string) string {
	return encode(map[string]any{
		"type": "message_action", "callback_id": "cairn_about", "trigger_id": trigger, "action_ts": ts, "message_ts": ts, "token": "x",
		"team": map[string]any{"id": TeamID, "domain": "acme"}, "user": map[string]any{"id": user, "name": "x", "team_id": TeamID},
		"channel": map[string]any{"id": channel, "name": "x"}, "response_url": w.URL + "/respond/" + channel + "/" + user,
		"message": map[string]any{"type": "message", "user": author, "text": text, "ts": ts},
	})
}

// Submit returns the body of a form that somebody sends with a question.
func Submit(f Form, user, words string) string {
	return url.Values{"payload": {encode(map[string]any{
		"type": "view_submission", "trigger_id": f.Trigger + "-sent", "team": map[string]any{"id": TeamID, "domain": "acme"},
		"user": map[string]any{"id": user, "name": "x", "team_id": TeamID}, "response_urls": []any{},
		"view": map[string]any{
			"id": "V" + f.Trigger, "type": "modal", "hash": "1.a", "callback_id": f.Callback, "private_metadata": f.Metadata,
			"state": map[string]any{"values": map[string]any{"cairn_question": map[string]any{"question": map[string]any{"type": "plain_text_input", "value": words}}}},
		},
	})}}.Encode()
}

// InPane returns the body of the event of a message in a thread of the assistant's pane.
func InPane(event, user, channel, text, ts, thread string) string {
	return callback(event, map[string]any{"type": "message", "channel_type": "im", "user": user, "channel": channel, "text": text, "ts": ts, "event_ts": ts, "thread_ts": thread, "team": TeamID})
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is above can be encoded
	}
	return string(b)
}
