package slacktest

import (
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var timestamp = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)

// history answers with the messages of a channel, without replies: newest first, but the
// oldest page first where oldest is given without latest, as channels.history, whose place
// it took, was described.
func (s *Site) history(r *http.Request) any {
	c, refused := s.conversation(r, "history", true)
	if refused != nil {
		return refused
	}
	oldest, latest := s.bounds(r)
	all := slices.DeleteFunc(slices.Clone(c.Messages), func(m *Message) bool {
		return m.Thread != "" && m.Subtype != "thread_broadcast" || m.TS < oldest || m.TS > latest ||
			r.FormValue("inclusive") != "true" && (m.TS == oldest || m.TS == latest)
	})
	if r.FormValue("oldest") == "" || r.FormValue("latest") != "" {
		slices.Reverse(all)
	}
	page, more := pageOf(all, func(m *Message) string { return m.TS }, s.cursor(r, "next_ts:"), s.limit(r))
	out := []any{}
	for _, m := range page {
		out = append(out, s.message(r, c, m))
	}
	return map[string]any{"messages": out, "has_more": more != "", "pin_count": 0, "response_metadata": next("next_ts:", more)}
}

// bounds returns the times that a request names.
func (s *Site) bounds(r *http.Request) (oldest, latest string) {
	oldest, latest = "0", "9999999999.999999"
	for name, at := range map[string]*string{"oldest": &oldest, "latest": &latest} {
		if v := r.FormValue(name); v != "" {
			if !timestamp.MatchString(v) {
				s.t.Errorf("%s: %s is %q, which is no timestamp", r.URL.Path, name, v)
			}
			*at = v
		}
	}
	return oldest, latest
}

// replies answers with a thread: each page begins with its first message.
func (s *Site) replies(r *http.Request) any {
	c, refused := s.conversation(r, "history", true)
	if refused != nil {
		return refused
	}
	i := slices.IndexFunc(c.Messages, func(m *Message) bool { return m.TS == r.FormValue("ts") })
	if i < 0 || c.Mute[r.FormValue("ts")] {
		return no("thread_not_found")
	}
	all := c.Thread(c.Messages[i])
	page, more := pageOf(all[1:], func(m *Message) string { return m.TS }, s.cursor(r, "next_ts:"), s.limit(r))
	out := []any{s.message(r, c, all[0])}
	for _, m := range page {
		out = append(out, s.message(r, c, m))
	}
	return map[string]any{"messages": out, "has_more": more != "", "response_metadata": next("next_ts:", more)}
}

// message is a message as Slack tells it.
func (s *Site) message(r *http.Request, c *Channel, m *Message) any {
	out := map[string]any{"type": "message", "ts": m.TS, "user": m.User, "text": m.Text, "team": TeamID}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	set("subtype", m.Subtype)
	set("bot_id", m.BotID)
	set("thread_ts", m.Thread)
	if m.rooted {
		set("thread_ts", m.TS)
	}
	if m.Malformed {
		out["text"] = []any{"neither", "text"}
	}
	if m.Edited != "" {
		out["edited"] = map[string]any{"user": m.User, "ts": m.Edited}
	}
	if m.Subtype == "tombstone" {
		out["hidden"] = true
	}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	if thread := c.Thread(m); len(thread) > 1 {
		out["thread_ts"], out["reply_count"], out["latest_reply"] = m.TS, len(thread)-1, thread[len(thread)-1].TS
		out["reply_users_count"], out["subscribed"], out["is_locked"] = 1, false, false
	}
	if len(m.Files) > 0 {
		var files []any
		for _, f := range m.Files {
			files = append(files, object(r, f, m.User, m.TS))
		}
		out["files"], out["upload"] = files, false
	}
	return out
}

func object(r *http.Request, f *File, user, ts string) any {
	if f.Mode == "tombstone" || f.Mode == "hidden_by_limit" {
		return map[string]any{"id": f.ID, "mode": f.Mode}
	}
	seconds, _, _ := strings.Cut(ts, ".")
	created, _ := strconv.Atoi(seconds)
	size := f.Size
	if size == 0 {
		size = len(f.Content)
	}
	base := "http://" + r.Host
	if r.Host == "slack.com" {
		base = "https://files.slack.com"
	}
	mode := f.Mode
	if mode == "" {
		mode = "hosted"
	}
	address := f.URL
	if address == "" {
		address = base + "/files-pri/" + TeamID + "-" + f.ID + "/" + f.Name
	}
	return map[string]any{
		"id": f.ID, "created": created, "timestamp": created, "name": f.Name, "title": f.Title, "mimetype": f.Mimetype, "mode": mode, "user": user,
		"size": size, "is_external": f.External, "url_private": address, "permalink": Address + "files/" + user + "/" + f.ID + "/" + f.Name,
		"file_access": "visible",
	}
}

// files answers with the files that were shared in a channel.
func (s *Site) files(r *http.Request) any {
	if refused := s.lacks("files:read"); refused != nil {
		return refused
	}
	c := s.world.find(r.FormValue("channel"))
	if c == nil {
		return no("channel_not_found")
	}
	all := []any{}
	for _, m := range c.Messages {
		for _, f := range m.Files {
			if f.Mode != "tombstone" && f.Mode != "hidden_by_limit" {
				all = append(all, object(r, f, m.User, m.TS))
			}
		}
	}
	n, _ := strconv.Atoi(r.FormValue("page"))
	count, _ := strconv.Atoi(r.FormValue("count"))
	if n < 1 || count < 1 || count > 1000 {
		s.t.Errorf("files.list: page %q of %q", r.FormValue("page"), r.FormValue("count"))
	}
	count = min(count, s.page)
	start, end := min((n-1)*count, len(all)), min(n*count, len(all))
	return map[string]any{"files": all[start:end], "paging": map[string]any{
		"count": count, "total": len(all), "page": n, "pages": int(math.Ceil(float64(len(all)) / float64(count))),
	}}
}

// file answers with the bytes of a file, or a sign-in page.
func (s *Site) file(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.world.Channels {
		for _, m := range c.Messages {
			for _, f := range m.Files {
				if TeamID+"-"+f.ID != r.PathValue("id") {
					continue
				}
				if !s.scopes["files:read"] {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					_, _ = io.WriteString(w, "<!DOCTYPE html><title>Sign in to Slack</title>")
					return
				}
				w.Header().Set("Content-Type", f.Mimetype)
				_, _ = io.WriteString(w, f.Content)
				return
			}
		}
	}
	http.NotFound(w, r)
}
