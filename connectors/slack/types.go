package slack

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the Web API answers, as far as it is used.

type auth struct {
	URL          string `json:"url"` // of the workspace: https://acme.slack.com/
	Team         string `json:"team"`
	TeamID       string `json:"team_id"`
	User         string `json:"user"`
	EnterpriseID string `json:"enterprise_id"`
	scopes       []string
}

type meta struct {
	Metadata struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

func (m meta) next() string { return m.Metadata.Cursor }

type usersPage struct {
	meta
	Members []user `json:"members"`
}

type channelsPage struct {
	meta
	Channels []channel `json:"channels"`
}

type membersPage struct {
	meta
	Members []string `json:"members"`
}

type messagesPage struct {
	meta
	More     bool              `json:"has_more"`
	Messages []json.RawMessage `json:"messages"`
}

type filesPage struct {
	Files  []file `json:"files"`
	Paging struct {
		Page  int `json:"page"`
		Pages int `json:"pages"`
	} `json:"paging"`
}

type channel struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IsChannel bool   `json:"is_channel"`
	IsGroup   bool   `json:"is_group"`
	IsIM      bool   `json:"is_im"`
	IsMPIM    bool   `json:"is_mpim"`
	IsPrivate *bool  `json:"is_private"`
	IsMember  bool   `json:"is_member"`
	Archived  bool   `json:"is_archived"`
}

// audience is who may read a conversation.
type audience int

const (
	unknown audience = iota // nobody: Slack says something new
	public                  // the workspace
	closed                  // its members
)

// audience tells public and closed conversations apart. What does not say of itself that it
// is public is not.
func (c channel) audience() audience {
	switch {
	case c.IsPrivate == nil || c.IsIM:
		return unknown
	case *c.IsPrivate && (c.IsGroup || c.IsMPIM || c.IsChannel):
		return closed
	case !*c.IsPrivate && c.IsChannel && !c.IsGroup && !c.IsMPIM:
		return public
	}
	return unknown
}

// reads reports whether the bot can read a conversation. It is not let into group DMs
// by itself, so that Slack lists those alone that it is in.
func (c channel) reads() bool { return c.ID != "" && !c.IsIM && (c.IsMember || c.IsMPIM) }

// label is what the conversation is called.
func (c channel) label() string {
	if c.IsMPIM {
		return "group DM"
	}
	return "#" + c.Name
}

type user struct {
	ID             string `json:"id"`
	TeamID         string `json:"team_id"`
	Name           string `json:"name"`
	Deleted        bool   `json:"deleted"`
	Bot            bool   `json:"is_bot"`
	Guest          bool   `json:"is_restricted"`
	SingleGuest    bool   `json:"is_ultra_restricted"`
	Stranger       bool   `json:"is_stranger"`
	EmailConfirmed *bool  `json:"is_email_confirmed"`
	Profile        struct {
		RealName    string `json:"real_name"`
		DisplayName string `json:"display_name"`
		Email       string `json:"email"`
	} `json:"profile"`
	Enterprise struct {
		ID    string   `json:"enterprise_id"`
		Teams []string `json:"teams"`
	} `json:"enterprise_user"`
}

type message struct {
	Type        string            `json:"type"`
	Subtype     string            `json:"subtype"`
	TS          string            `json:"ts"`
	ThreadTS    string            `json:"thread_ts"`
	User        string            `json:"user"`
	BotID       string            `json:"bot_id"`
	Username    string            `json:"username"`
	Text        string            `json:"text"`
	Hidden      bool              `json:"hidden"`
	Blocks      []json.RawMessage `json:"blocks"`
	Attachments []attachment      `json:"attachments"`
	Files       []file            `json:"files"`
	ReplyCount  int               `json:"reply_count"`
	LatestReply string            `json:"latest_reply"`
	Edited      struct {
		TS string `json:"ts"`
	} `json:"edited"`
	UserProfile struct {
		RealName    string `json:"real_name"`
		DisplayName string `json:"display_name"`
	} `json:"user_profile"`

	broken bool // it is not of this form: only TS and ThreadTS are known
}

type attachment struct {
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	Pretext  string            `json:"pretext"`
	Fallback string            `json:"fallback"`
	FromURL  string            `json:"from_url"` // of a page that Slack has previewed
	Blocks   []json.RawMessage `json:"blocks"`
	Fields   []struct {
		Title string `json:"title"`
		Value string `json:"value"`
	} `json:"fields"`
}

type file struct {
	ID         string `json:"id"`
	Created    int64  `json:"created"`
	Timestamp  int64  `json:"timestamp"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	Mimetype   string `json:"mimetype"`
	Mode       string `json:"mode"`
	User       string `json:"user"`
	Size       int64  `json:"size"`
	URLPrivate string `json:"url_private"`
	Permalink  string `json:"permalink"`
	External   bool   `json:"is_external"`
	Access     string `json:"file_access"`
}

// wanted reports whether a file has text that can be read. Left out are files that were
// deleted ("tombstone") or are hidden by the plan's limit, those that lie elsewhere,
// canvases and lists, and pictures, sound and film.
func (f file) wanted() bool {
	if f.ID == "" || f.External || f.Access != "" && f.Access != "visible" || f.Mode != "hosted" && f.Mode != "snippet" {
		return false
	}
	kind, _, _ := strings.Cut(f.Mimetype, "/")
	return !slices.Contains([]string{"image", "video", "audio"}, kind)
}

var timestamp = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6}$`)

// decode reads a message. What is not of the known form is broken; false when it has
// not even a timestamp.
func decode(raw json.RawMessage) (message, bool) {
	var m message
	if json.Unmarshal(raw, &m) != nil {
		var least struct {
			TS       string `json:"ts"`
			ThreadTS string `json:"thread_ts"`
		}
		_ = json.Unmarshal(raw, &least) // what it has is what there is
		m = message{TS: least.TS, ThreadTS: least.ThreadTS, broken: true}
	}
	if m.ThreadTS != "" && !timestamp.MatchString(m.ThreadTS) {
		m.ThreadTS = ""
	}
	return m, timestamp.MatchString(m.TS)
}

// isThread reports whether replies belong to the message.
func (m message) isThread() bool { return m.ReplyCount > 0 && (m.ThreadTS == "" || m.ThreadTS == m.TS) }

// isReply reports whether the message belongs to another one.
func (m message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// speaks reports whether a person says something in the message: not that somebody
// joined, and not a program.
func (m message) speaks() bool {
	switch m.Subtype {
	case "", "file_share", "me_message", "thread_broadcast":
		return !m.Hidden && m.BotID == ""
	}
	return false
}

// opens reports whether the message is shown at the beginning of its thread: also one of
// a program that people talk about, but not one that was deleted.
func (m message) opens() bool {
	return m.speaks() || m.Subtype == "bot_message" || m.Subtype == "" && m.BotID != ""
}

// at returns the time of a timestamp; the zero time when it is none.
func at(ts string) time.Time {
	seconds, micros, ok := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || !ok {
		return time.Time{}
	}
	us, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(s, us*1000).UTC()
}

// stamp is a time as a timestamp, cut to seconds.
func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) + ".000000" }
