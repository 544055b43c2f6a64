package slack_test

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
)

// harness keeps documents by name: threads in a channel of all, and threads and days of
// single messages in channels of their own.
type harness struct {
	*slacktest.Site
	messages map[string]*slacktest.Message
	homes    map[string]*slacktest.Channel
	settings map[string]string
}

func newHarness(t *testing.T) *harness {
	h := &harness{Site: slacktest.New(t), messages: map[string]*slacktest.Message{}, homes: map[string]*slacktest.Channel{}}
	h.settings = h.Settings()
	h.settings["types"] = "public_channel,private_channel,mpim"
	h.Change(func(w *slacktest.World) {
		c := w.Channel("general")
		for n := range 4 {
			w.Post(c, &slacktest.Message{TS: w.Stamp(ago(n * 5)), User: slacktest.BotID, Subtype: "channel_join", Text: "<@U1> has joined the channel"})
		}
		w.Channel("elsewhere").Left = true
		w.Users[2].Single = true // Ann is a guest
	})
	return h
}

func ago(days int) time.Time { return time.Now().AddDate(0, 0, -days) }

// alone has the documents that are in a channel of their own, and single those that are
// no threads.
var (
	alone  = map[string]bool{"alpha": true, "beta": true, "gamma": true}
	single = map[string]bool{"alpha": true, "gamma": true}
)

func (h *harness) home(w *slacktest.World, name string) *slacktest.Channel {
	if !alone[name] {
		return w.Channel("general")
	}
	c := w.Channel(name)
	switch name {
	case "beta":
		c.Private = true
	case "gamma":
		c.MPIM = true
	}
	return c
}

func (h *harness) put(_ *testing.T, name, text string) {
	h.Change(func(w *slacktest.World) {
		c := h.home(w, name)
		if m := h.messages[name]; m != nil {
			if !single[name] {
				m = c.Thread(m)[2]
			}
			w.Edit(m, text)
			return
		}
		hash := fnv.New32()
		_, _ = hash.Write([]byte(name))
		m := &slacktest.Message{TS: w.Stamp(ago(int(hash.Sum32() % 20))), User: w.Person("bob@example.com").ID, Text: "Document " + name}
		if single[name] {
			m.Text = text
		}
		h.messages[name], h.homes[name] = w.Post(c, m), c
		for n := 0; n < 3 && !single[name]; n++ { // more than a page
			reply := &slacktest.Message{User: w.Person("ann@example.com").ID, Thread: m.TS, Text: fmt.Sprintf("Reply %d", n)}
			if n == 1 {
				reply.Text = text
			}
			w.Post(c, reply)
		}
	})
}

func (h *harness) remove(_ *testing.T, name string) {
	h.Change(func(*slacktest.World) {
		c, m := h.homes[name], h.messages[name]
		for _, m := range c.Thread(m) {
			c.Delete(m)
		}
		c.Delete(m)
		delete(h.messages, name)
	})
}

func (h *harness) external(name string) string {
	c, m := h.homes[name], h.messages[name]
	switch {
	case m == nil:
		return "removed " + name
	case single[name]:
		var seconds int64
		_, _ = fmt.Sscanf(m.TS, "%d.", &seconds)
		return c.ID + "/" + time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	}
	return c.ID + "/" + m.TS
}

func (h *harness) source() connectortest.Source {
	return connectortest.Source{
		Remote: h.Remote,
		Connect: func(t *testing.T) connectors.Connector {
			return connectortest.Open(t, slack.Kind(), h.Env, h.settings)
		},
		Put: h.put, Remove: h.remove, External: h.external,
		Break: func(_ *testing.T, name string) {
			h.Change(func(*slacktest.World) { h.homes[name].Mute[h.messages[name].TS] = true })
		},
		Permit: func(_ *testing.T, name string, n int) {
			h.Change(func(w *slacktest.World) {
				c := h.homes[name]
				c.Private, c.Members = n%2 == 1, nil
				for i := range n / 2 {
					c.Members = append(c.Members, w.Person([]string{"ann@example.com", "bob@example.com"}[i]).ID)
				}
			})
		},
		ACL: func(name string) *cairn.ACL {
			acl := cairn.Allow(connectors.SiteGroup(h.homes[name].ID))
			return &acl
		},
		Content: func(r *http.Request, _ string) bool {
			return !slices.Contains([]string{"auth.test", "users.list", "users.conversations", "conversations.list", "conversations.members"}, path.Base(r.URL.Path))
		},
		PermissionRequests: 20,
		Puzzle: func(_ *testing.T, name string) {
			h.Change(func(*slacktest.World) { h.homes[name].Strange = true })
		},
	}
}

func TestConformance(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source { return newHarness(t).source() })
}
