package slacktest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The workspace, its bot, and another one.
const (
	Address = "https://acme.slack.com/"
	TeamID  = "T0000ACME"
	BotID   = "U0000CAIRN"
	Other   = "T0000OTHER"
)

// World is what a workspace holds.
type World struct {
	Users    []*User
	Channels []*Channel
	last     int       // number of an id
	now      time.Time // of the last message
}

// User is a person or a bot.
type User struct {
	ID, Name, Email, Team       string
	Deleted, Bot, Guest, Single bool
	Unconfirmed                 bool // the address
}

// Channel is a conversation.
type Channel struct {
	ID, Name         string
	Private, MPIM    bool
	Archived, Shared bool
	Left             bool // the bot is not in it
	Members          []string
	Strange          bool // of a kind that nobody knows
	Untold           bool // Slack fails to tell its members
	Vanishing        bool // it is listed, and Slack knows it no more
	Messages         []*Message
	Mute             map[string]bool // threads, by timestamp, that Slack does not find
}

// Message is a message. Thread is the timestamp of the first one of its thread.
type Message struct {
	TS, Thread, User, BotID, Subtype, Text, Edited string
	Blocks                                         []any
	Attachments                                    []any
	Files                                          []*File
	Malformed                                      bool
	rooted                                         bool // it had replies
}

// File is a file that was shared.
type File struct {
	ID, Name, Title, Mimetype, Mode, Content string
	External                                 bool
	Size                                     int    // 0: that of Content
	URL                                      string // empty: where the site has it
}

// Person returns the full member with an address, who is added when there is none.
func (w *World) Person(email string) *User {
	for _, u := range w.Users {
		if u.Email == email {
			return u
		}
	}
	local, _, _ := strings.Cut(email, "@")
	u := &User{ID: w.id("U"), Name: strings.ToUpper(local[:1]) + local[1:] + " Example", Email: email, Team: TeamID}
	w.Users = append(w.Users, u)
	return u
}

// Channel returns the channel called name: a public one that the bot is in, when there
// was none.
func (w *World) Channel(name string) *Channel {
	for _, c := range w.Channels {
		if c.Name == name {
			return c
		}
	}
	c := &Channel{ID: w.id("C"), Name: name, Mute: map[string]bool{}}
	w.Channels = append(w.Channels, c)
	return c
}

// Post adds a message to a channel: now, or when its timestamp says.
func (w *World) Post(c *Channel, m *Message) *Message {
	if m.TS == "" {
		m.TS = w.Stamp(w.now)
	}
	for _, f := range m.Files {
		if f.ID == "" {
			f.ID = w.id("F")
		}
	}
	i, _ := slices.BinarySearchFunc(c.Messages, m.TS, func(o *Message, ts string) int { return strings.Compare(o.TS, ts) })
	c.Messages = slices.Insert(c.Messages, i, m)
	return m
}

// Stamp makes a timestamp of a time, and one of its own.
func (w *World) Stamp(at time.Time) string {
	w.last++
	return fmt.Sprintf("%010d.%06d", at.Unix(), w.last)
}

// Edit gives a message another text.
func (w *World) Edit(m *Message, text string) {
	if m.Text != text {
		m.Text, m.Edited, m.Blocks = text, w.Stamp(w.now), nil
	}
}

// Thread returns a message and its replies.
func (c *Channel) Thread(root *Message) []*Message {
	var out []*Message
	for _, m := range c.Messages {
		if m.TS == root.TS || m.Thread == root.TS {
			out = append(out, m)
		}
	}
	return out
}

// Delete deletes a message. One with replies leaves a stone.
func (c *Channel) Delete(m *Message) {
	if m.Subtype != "tombstone" && len(c.Thread(m)) > 1 {
		*m = Message{TS: m.TS, Subtype: "tombstone", User: "USLACKBOT", Text: "This message was deleted."}
		return
	}
	c.Messages = slices.DeleteFunc(c.Messages, func(o *Message) bool {
		o.rooted = o.rooted || o.TS == m.Thread
		return o == m
	})
}

func (w *World) id(kind string) string {
	w.last++
	return fmt.Sprintf("%s%08d", kind, w.last)
}

// find returns the channel with an id.
func (w *World) find(id string) *Channel {
	for _, c := range w.Channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}
