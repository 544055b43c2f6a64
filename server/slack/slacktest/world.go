package slacktest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Ids of the workspace and of the bot in it.
const (
	TeamID = "T0ACME"
	BotID  = "U0CAIRN"
)

// User is somebody of whom the workspace knows.
type User struct {
	ID, Email   string
	Team        string // empty: TeamID
	Guest, Bot  bool
	Unconfirmed bool
}

// Channel is a conversation.
type Channel struct {
	ID      string
	Members []string // ids of users
	Shared  bool     // with another workspace
	Unknown bool     // the bot is not in it
}

// Message is what the bot has posted. Versions are all texts that it ever had, with its
// blocks: whoever looked in time has read them.
type Message struct {
	Channel, Thread, TS string
	User                string // who alone sees it; empty: the channel
	Text                string // that was streamed
	Blocks              string // as JSON
	Streaming           bool
	Appends             int // how often it was added to or changed
	Versions            []string

	changed []time.Time
}

// keep notes how a message looks now.
func (w *Workspace) keep(m *Message) {
	m.Versions = append(m.Versions, m.Text+"\n"+m.Blocks)
	w.shown()
}

// shown wakes who waits for something to be shown.
func (w *Workspace) shown() {
	close(w.seen)
	w.seen = make(chan struct{})
}

// Await waits until something that was posted or shown satisfies done, which reads it by
// the methods of w, or ctx ends.
func (w *Workspace) Await(ctx context.Context, done func() bool) error {
	for {
		w.mu.Lock()
		seen := w.seen
		w.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-seen:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Person adds a full member with an address and returns the id.
func (w *Workspace) Person(email string) string { return w.Add(User{Email: email}) }

// Add adds somebody and returns the id.
func (w *Workspace) Add(u User) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.ID == "" {
		u.ID = fmt.Sprintf("U%04d", len(w.users))
	}
	if u.Team == "" {
		u.Team = TeamID
	}
	w.users[u.ID] = &u
	return u.ID
}

// Channel adds a channel with the bot and members, and returns the id.
func (w *Workspace) Channel(members ...string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := fmt.Sprintf("C%04d", len(w.channels))
	w.channels[id] = &Channel{ID: id, Members: append([]string{BotID}, members...)}
	return id
}

// Change changes a channel.
func (w *Workspace) Change(id string, change func(c *Channel)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w.channels[id])
}

// Join adds somebody to a channel.
func (w *Workspace) Join(channel, user string) {
	w.Change(channel, func(c *Channel) {
		if !slices.Contains(c.Members, user) {
			c.Members = append(c.Members, user)
		}
	})
}

// JoinAfter adds somebody to a channel right after the next call of a method.
func (w *Workspace) JoinAfter(method, channel, user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joining[method] = [2]string{channel, user}
}

// Messages returns copies of what was posted in a channel, in order.
func (w *Workspace) Messages(channel string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Message
	for _, m := range w.messages {
		if m.Channel == channel {
			c := *m
			c.Versions = slices.Clone(m.Versions)
			out = append(out, c)
		}
	}
	return out
}

// Refuse lets a method, or "response_url", answer an error, for ever; empty: no longer.
func (w *Workspace) Refuse(method, code string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[method] = code
}

// Limit lets the next calls of a method answer 429.
func (w *Workspace) Limit(method string, calls int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limited[method] = calls
}

// Calls returns how often a method was called.
func (w *Workspace) Calls(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[method]
}
