package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (w *Workspace) auth(url.Values) any {
	return map[string]any{"ok": true, "team_id": TeamID, "user_id": BotID, "bot_id": "B0CAIRN"}
}

func (w *Workspace) userInfo(form url.Values) any {
	u := w.users[form.Get("user")]
	if u == nil {
		return no("user_not_found")
	}
	return map[string]any{"ok": true, "user": map[string]any{
		"id": u.ID, "team_id": u.Team, "is_bot": u.Bot, "is_restricted": u.Guest, "is_email_confirmed": !u.Unconfirmed,
		"profile": map[string]any{"email": u.Email, "team": u.Team},
	}}
}

// visible returns the channel of a request, if the bot may see who is in it.
func (w *Workspace) visible(form url.Values) *Channel {
	if c := w.channels[form.Get("channel")]; c != nil && !c.Unknown {
		return c
	}
	return nil
}

func (w *Workspace) info(form url.Values) any {
	c := w.visible(form)
	if c == nil {
		return no("channel_not_found")
	}
	return map[string]any{"ok": true, "channel": map[string]any{"id": c.ID, "is_channel": true, "is_shared": c.Shared, "is_ext_shared": c.Shared}}
}

func (w *Workspace) members(form url.Values) any {
	c := w.visible(form)
	if c == nil {
		return no("channel_not_found")
	}
	at, _ := strconv.Atoi(form.Get("cursor"))
	at = min(at, len(c.Members))
	end, next := min(at+2, len(c.Members)), ""
	if end < len(c.Members) {
		next = strconv.Itoa(end)
	}
	return map[string]any{"ok": true, "members": c.Members[at:end], "response_metadata": map[string]any{"next_cursor": next}}
}

// direct reports whether an id is that of a direct message.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

func (w *Workspace) add(form url.Values) *Message {
	w.last++
	m := &Message{Channel: form.Get("channel"), Thread: form.Get("thread_ts"), TS: fmt.Sprintf("%d.000100", 1_800_000_000+w.last), User: form.Get("user"), Blocks: form.Get("blocks"), changed: []time.Time{time.Now()}}
	w.messages = append(w.messages, m)
	return m
}

func (w *Workspace) post(form url.Values) any {
	if w.channels[form.Get("channel")] == nil && !direct(form.Get("channel")) {
		return no("channel_not_found")
	}
	if user := form.Get("user"); user != "" && !slices.Contains(w.channels[form.Get("channel")].Members, user) {
		return no("user_not_in_channel")
	}
	if thread := form.Get("thread_ts"); form.Get("user") != "" && thread != "" && !w.replied(form.Get("channel"), thread) {
		w.t.Error("slack: chat.postEphemeral: in a thread without replies nobody sees it")
	}
	m := w.add(form)
	w.keep(m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "message_ts": m.TS}
}

// replied reports whether a thread has a reply that all see.
func (w *Workspace) replied(channel, thread string) bool {
	return slices.ContainsFunc(w.messages, func(m *Message) bool { return m.Channel == channel && m.Thread == thread && m.User == "" })
}

func (w *Workspace) start(form url.Values) any {
	switch {
	case w.channels[form.Get("channel")] == nil && !direct(form.Get("channel")):
		return no("channel_not_found")
	case !direct(form.Get("channel")) && (form.Get("recipient_user_id") == "" || form.Get("recipient_team_id") != TeamID):
		w.t.Error("slack: chat.startStream: in a channel the recipient is missing")
		return no("missing_recipient_user_id")
	}
	m := w.add(form)
	m.Text, m.Streaming = form.Get("markdown_text"), true
	w.keep(m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS}
}

// named returns the message of a request.
func (w *Workspace) named(form url.Values) *Message {
	for _, m := range w.messages {
		if m.Channel == form.Get("channel") && m.TS == form.Get("ts") && m.User == "" {
			return m
		}
	}
	return nil
}

func (w *Workspace) appendTo(form url.Values) any {
	m := w.named(form)
	switch {
	case m == nil:
		return no("message_not_found")
	case !m.Streaming:
		return no("message_not_in_streaming_state")
	}
	m.Text += form.Get("markdown_text")
	m.Appends++
	w.keep(m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS}
}

func (w *Workspace) stop(form url.Values) any {
	m := w.named(form)
	switch {
	case m == nil:
		return no("message_not_found")
	case !m.Streaming:
		return no("message_not_in_streaming_state")
	}
	m.Text += form.Get("markdown_text")
	m.Blocks, m.Streaming = form.Get("blocks"), false
	w.keep(m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS}
}

func (w *Workspace) update(form url.Values) any {
	m := w.named(form)
	switch {
	case m == nil:
		return no("message_not_found")
	case m.Streaming:
		return no("streaming_state_conflict")
	}
	if n := len(m.changed); n > 1 && time.Since(m.changed[n-2]) < time.Second { // the one before may have been another server's
		w.t.Error("slack: chat.update: a message is changed more than once a second")
	}
	m.changed = append(m.changed, time.Now())
	m.Text, m.Blocks = "", form.Get("blocks")
	m.Appends++
	w.keep(m)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": ""}
}

// respond takes the answer to a command or a click: /respond/{channel}/{user}.
func (w *Workspace) respond(rw http.ResponseWriter, r *http.Request) {
	if code := w.refused["response_url"]; code != "" {
		http.Error(rw, code, http.StatusNotFound)
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/respond/"), "/")
	body, err := io.ReadAll(r.Body)
	var in struct {
		Type            string          `json:"response_type"`
		Text            string          `json:"text"`
		Blocks          json.RawMessage `json:"blocks"`
		ReplaceOriginal bool            `json:"replace_original"`
		DeleteOriginal  bool            `json:"delete_original"`
	}
	if err == nil {
		err = strictly(body, &in)
	}
	if err == nil && len(in.Blocks) > 0 {
		err = checkBlocks(in.Blocks)
	}
	if err != nil || len(parts) != 2 || in.Type != "ephemeral" {
		w.t.Errorf("slack: response_url: %s: %v", body, err)
		http.Error(rw, "invalid_payload", http.StatusBadRequest)
		return
	}
	m := w.add(url.Values{"channel": {parts[0]}, "user": {parts[1]}, "blocks": {string(in.Blocks)}})
	w.keep(m)
	_, _ = rw.Write([]byte("ok"))
}
