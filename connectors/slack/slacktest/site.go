// Package slacktest has a fake of Slack that refuses what Slack would.
//
// It is written from Slack's OpenAPI description of the Web API (slackapi/slack-api-specs,
// version 1.7.0, the last that was published), and, for what is newer, from the method pages
// of the Web API reference at docs.slack.dev/reference/methods as of November 2026: auth.test,
// users.list, users.conversations, conversations.list, conversations.members,
// conversations.history, conversations.replies and files.list, asked by GET with a bearer token; from the pages of the scopes that they name, and from
// docs.slack.dev/reference/objects/file-object for files. As there, a history has its newest
// page first, each page of a thread begins with the thread's first message, a missing scope
// is told with what is needed, and a file that the token may not read is a sign-in page.
// Pages have two things, whatever limit is asked for: Slack says that they may have fewer.
package slacktest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Token is the bot token that the site knows.
const Token = "xoxb-fake-token"

// Scopes are those that the token has.
var scopes = []string{
	"channels:history", "channels:read", "files:read", "groups:history", "groups:read",
	"mpim:history", "mpim:read", "users:read", "users:read.email",
}

// Site is a fake workspace called acme. It may be used by several goroutines at once.
type Site struct {
	*connectortest.Remote

	t testing.TB

	mu     sync.Mutex
	world  World
	scopes map[string]bool
	page   int
	error  string // that every method answers
	named  map[string]*Message
	homes  map[string]*Channel
}

// New serves a site until the test ends. Its full members are Ann and Bob
// (ann@example.com, bob@example.com); it has a bot and no channels.
func New(t testing.TB) *Site {
	t.Helper()
	s := &Site{t: t, page: 2, scopes: map[string]bool{}, named: map[string]*Message{}, homes: map[string]*Channel{}}
	for _, scope := range scopes {
		s.scopes[scope] = true
	}
	s.world = World{last: 1, now: time.Now().Add(-time.Hour)}
	s.world.Users = []*User{{ID: "USLACKBOT", Name: "Slackbot", Team: TeamID, Bot: true}, {ID: BotID, Name: "Cairn", Team: TeamID, Bot: true}}
	s.world.Person("ann@example.com")
	s.world.Person("bob@example.com")
	const accept = "application/json"
	get := func(method string, query []string, answer func(*http.Request) any) connectortest.Route {
		return connectortest.Route{Pattern: "GET /api/" + method, Query: query, Accept: accept, Handle: s.method(answer)}
	}
	list := []string{"cursor", "limit"}
	s.Remote = connectortest.NewRemote(t, connectortest.NewFake(t, known,
		get("auth.test", nil, s.auth),
		get("users.list", append(list, "include_locale", "team_id"), s.users),
		get("users.conversations", append(list, "user", "types", "exclude_archived", "team_id"), s.conversationsOf),
		get("conversations.list", append(list, "types", "exclude_archived", "team_id"), s.conversations),
		get("conversations.members", append(list, "channel!"), s.members),
		get("conversations.history", append(list, "channel!", "oldest", "latest", "inclusive", "include_all_metadata"), s.history),
		get("conversations.replies", append(list, "channel!", "ts!", "oldest", "latest", "inclusive", "include_all_metadata"), s.replies),
		get("files.list", []string{"channel", "count", "page", "ts_from", "ts_to", "types", "user", "team_id", "show_files_hidden_by_limit"}, s.files),
		connectortest.Route{Pattern: "GET /files-pri/{id}/{name}", Handle: s.file},
	), s.Secrets())
	return s
}

func known(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+Token }

// Change changes what the workspace holds.
func (s *Site) Change(change func(w *World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.world)
}

// SetPages sets how many things pages have at most.
func (s *Site) SetPages(size int) { s.page = size }

// Withhold takes a scope from the token.
func (s *Site) Withhold(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.scopes, scope)
}

// Answer lets every method answer an error; empty: none.
func (s *Site) Answer(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.error = code
}

// Settings returns the settings of a source that reads the site.
func (s *Site) Settings() map[string]string { return map[string]string{"url": s.URL} }

// Secrets returns the secret settings of a source that reads the site.
func (s *Site) Secrets() map[string]string { return map[string]string{"token": Token} }

// Put makes a thread in a channel of its own, or changes it: its first message is the
// title, and a reply has the text below the heading Details. All full members may read it
// until Allow.
func (s *Site) Put(t testing.TB, name, title, text string) {
	t.Helper()
	s.Change(func(w *World) {
		blocks := []any{
			map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": "Details"}},
			map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": Escape(text)}},
		}
		if m := s.named[name]; m != nil {
			c := s.homes[name]
			w.Edit(m, Escape(title))
			reply := c.Thread(m)[1]
			w.Edit(reply, "Details: "+Escape(text))
			reply.Blocks = blocks
			return
		}
		c := s.homes[name]
		if c == nil {
			c = w.Channel(strings.ToLower(strings.ReplaceAll(name, " ", "-")))
			s.homes[name] = c
		}
		m := w.Post(c, &Message{User: w.Person("ann@example.com").ID, Text: Escape(title)})
		w.Post(c, &Message{User: w.Person("bob@example.com").ID, Thread: m.TS, Text: "Details: " + Escape(text), Blocks: blocks})
		s.named[name] = m
	})
}

// Remove deletes what Put made.
func (s *Site) Remove(t testing.TB, name string) {
	t.Helper()
	s.Change(func(w *World) {
		if s.named[name] == nil {
			t.Fatalf("there is no %q", name)
		}
		c := s.homes[name]
		for _, m := range c.Thread(s.named[name]) {
			c.Delete(m)
		}
		c.Delete(s.named[name]) // the tombstone
		delete(s.named, name)
	})
}

// Allow makes people the only ones who may read what Put made: the channel becomes
// private, with them and the bot as its members.
func (s *Site) Allow(_ testing.TB, name string, emails ...string) {
	s.Change(func(w *World) {
		c := s.homes[name]
		c.Private, c.Members = true, nil
		for _, address := range emails {
			c.Members = append(c.Members, w.Person(address).ID)
		}
	})
}

// Thread returns the permalink of the thread that Put made.
func (s *Site) Thread(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Permalink(s.homes[name], s.named[name])
}

// Link returns that of the reply with the text.
func (s *Site) Link(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.homes[name]
	return Permalink(c, c.Thread(s.named[name])[1])
}

// Discuss adds a reply to the thread that Put made, and returns its permalink.
func (s *Site) Discuss(_ testing.TB, name, text string) (link string) {
	s.Change(func(w *World) {
		c := s.homes[name]
		link = Permalink(c, w.Post(c, &Message{User: w.Person("bob@example.com").ID, Thread: s.named[name].TS, Text: Escape(text)}))
	})
	return link
}

// Permalink returns the address of a message, as chat.getPermalink does.
func Permalink(c *Channel, m *Message) string {
	link := Address + "archives/" + c.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.Thread != "" && m.Thread != m.TS {
		link += "?thread_ts=" + m.Thread + "&cid=" + c.ID
	}
	return link
}

// Escape makes text of Slack's that has no markup.
func Escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
