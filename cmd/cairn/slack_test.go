package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/slack/slacktest"
)

const signingSecret = "canary-of-the-signing-secret-of-slack"

// slackSite is a site whose bot is in a fake workspace.
type slackSite struct {
	*site
	w      *slacktest.Workspace
	events *int // that were sent
}

func newSlackSite(t *testing.T, env ...string) *slackSite {
	t.Helper()
	w := slacktest.New(t)
	var s *site
	t.Cleanup(func() { // when the server has ended
		if s == nil {
			return
		}
		if log := s.log.String(); strings.Contains(log, signingSecret) || strings.Contains(log, slacktest.Token) || strings.Contains(log, slacktest.AppToken) || strings.Contains(log, slacktest.Ticket) {
			t.Error("a secret is in the log")
		}
	})
	s = newSite(t, append([]string{
		"CAIRN_ALLOWED_NETWORKS=127.0.0.0/8", "CAIRN_PUBLIC_URL=https://cairn.example", "CAIRN_SLACK_WORKSPACE=" + slacktest.TeamID, "CAIRN_SLACK_DOMAINS=acme.test",
		"CAIRN_SLACK_SIGNING_SECRET=" + signingSecret, "CAIRN_SLACK_BOT_TOKEN=" + slacktest.Token, "CAIRN_SLACK_APP_TOKEN=" + slacktest.AppToken, "CAIRN_SLACK_API_URL=" + w.APIURL(),
	}, env...)...)
	s.must(s.admin, "POST", `/api/v1/sources {"name":"handbook","kind":"push"}`, nil)
	return &slackSite{site: s, w: w, events: new(int)}
}

// with returns the site for a subtest.
func (s *slackSite) with(t *testing.T) *slackSite {
	return &slackSite{site: s.site.with(t), w: s.w, events: s.events}
}

// put makes a document that the holders of keys may read.
func (s *slackSite) put(id, title, text string, keys ...cairn.PrincipalKey) {
	s.t.Helper()
	s.putACL(id, title, text, cairn.Allow(keys...))
}

func (s *slackSite) putACL(id, title, text string, acl cairn.ACL) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"title": title, "text": text, "url": "https://docs.acme.test/" + id, "updated_at": "2026-10-02T08:00:00Z", "acl": acl})
	s.check(err)
	s.must(s.admin, "PUT", "/api/v1/sources/handbook/documents?id="+id+" "+string(body), nil)
}

// slackPerson is somebody with an account and a user in Slack.
type slackPerson struct {
	person
	user string
}

func (s *slackSite) employee(name string) slackPerson {
	s.t.Helper()
	return slackPerson{s.personAt(name+"@acme.test", cairn.RoleMember), s.w.Person(name + "@acme.test")}
}

// deliver sends what Slack sends, signed now.
func (s *slackSite) deliver(route, body string) response {
	s.t.Helper()
	return s.deliverAt(route, body, signingSecret, time.Now())
}

func (s *slackSite) deliverAt(route, body, secret string, at time.Time) response {
	s.t.Helper()
	header := slacktest.Sign(secret, body, at)
	if !strings.HasPrefix(body, "{") {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	return s.send("POST", "/slack/"+route+" "+body, header...)
}

func (s *slackSite) accept(route, body string) {
	s.t.Helper()
	if got := s.deliver(route, body); got.status != 200 {
		s.t.Fatalf("%s: %d %s", route, got.status, got.body)
	}
}

// next returns a number that no event has had.
func (s *slackSite) next() int {
	*s.events++
	return *s.events
}

// mention asks in a channel and returns the message of the question.
func (s *slackSite) mention(user, channel, words string) (ts string) {
	s.t.Helper()
	n := s.next()
	ts = fmt.Sprintf("17000%05d.000100", n)
	s.accept("events", slacktest.Mention(fmt.Sprintf("Ev%d", n), user, channel, words, ts, ""))
	return ts
}

// settle waits until all tasks are done.
func (s *slackSite) settle() {
	s.t.Helper()
	s.until("the end of all tasks of Slack", func() bool { return s.undone() == 0 })
}

func (s *slackSite) undone() (n int) {
	s.t.Helper()
	s.check(s.db.Worker().QueryRow(s.t.Context(), `SELECT count(*) FROM slack_tasks WHERE done_at IS NULL`).Scan(&n))
	return n
}

// shown returns all that a message ever showed.
func shown(m slacktest.Message) string { return strings.Join(m.Versions, "\n") }

// to returns what was posted in a channel for one person alone; for all with an empty user.
func (s *slackSite) to(channel, user string) (out []slacktest.Message) {
	for _, m := range s.w.Messages(channel) {
		if m.User == user {
			out = append(out, m)
		}
	}
	return out
}

// one returns the only message of to.
func (s *slackSite) one(channel, user string) slacktest.Message {
	s.t.Helper()
	all := s.to(channel, user)
	if len(all) != 1 {
		s.t.Fatalf("%d messages in %s for %q, want 1: %+v", len(all), channel, user, s.w.Messages(channel))
	}
	return all[0]
}

const limitQuestion = "What is the hotel limit in Oslo?"

func (s *slackSite) handbook() {
	s.put("travel", "Travel | guide <@U1>", "The hotel limit in Oslo is 180 euros a night. See https://evil.example/x and <!channel> for more.", cairn.Everyone)
}

// TestSlack asks in every way there is, over HTTP, against a Slack that refuses what the
// real one would.
func TestSlack(t *testing.T) {
	t.Parallel()
	s := newSlackSite(t)
	s.handbook()
	ann, bob := s.employee("ann"), s.employee("bob")

	t.Run("a mention is answered once, streamed, in its thread", func(t *testing.T) {
		s := s.with(t)
		channel := s.w.Channel(ann.user, bob.user)
		body := slacktest.Mention("Ev-one", ann.user, channel, limitQuestion, "1700000000.000200", "")
		for range 3 {
			began := time.Now()
			s.accept("events", body)
			if took := time.Since(began); took > time.Second {
				t.Errorf("it was acknowledged after %s", took)
			}
		}
		s.settle()
		m := s.one(channel, "")
		if m.Thread != "1700000000.000200" || m.Streaming || !strings.Contains(m.Text, "180 euros a night") || !strings.Contains(m.Text, "[1]") {
			t.Errorf("%+v", m)
		}
		for _, want := range []string{"<https://docs.acme.test/travel|", "2 Oct 2026", "cairn_feedback", "https://cairn.example/c/"} {
			if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(m.Blocks, `\u003c`, "<"), `\u003e`, ">"), want) {
				t.Errorf("the blocks lack %q: %s", want, m.Blocks)
			}
		}
		for _, no := range []string{"<!channel>", "https://evil", "<@U1>"} {
			if strings.Contains(shown(m), no) {
				t.Errorf("%q is in %s", no, shown(m))
			}
		}
		if s.w.Calls("chat.startStream") != 1 || s.w.Calls("chat.stopStream") != 1 {
			t.Errorf("%d streams were begun, %d ended", s.w.Calls("chat.startStream"), s.w.Calls("chat.stopStream"))
		}
		if rest := s.to(channel, ann.user); len(rest) > 0 {
			t.Errorf("beside it: %+v", rest)
		}
		s.until("the audit log", func() bool {
			var n int
			s.check(s.db.Worker().QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE via = 'slack' AND action = 'ask' AND outcome = 'ok' AND account_id = $1 AND cardinality(documents) = 1`, ann.ID).Scan(&n))
			return n == 1
		})
		// The same thread is the same conversation.
		s.accept("events", slacktest.Mention("Ev-two", ann.user, channel, "And what is the hotel limit in Oslo a night?", "1700000001.000200", "1700000000.000200"))
		s.settle()
		var list struct{ Conversations []struct{ ID string } }
		s.must(ann.person, "GET", "/api/v1/conversations", &list)
		if len(list.Conversations) != 1 {
			t.Errorf("%d conversations", len(list.Conversations))
		}
	})
	t.Run("a direct message", func(t *testing.T) {
		s := s.with(t)
		s.put("mine", "Notes", "The badge code of the cellar is 4711.", cairn.AccountKey(ann.ID))
		s.accept("events", slacktest.Direct("Ev-direct", ann.user, "D1", "What is the badge code of the cellar?", "1700000000.000300"))
		s.settle()
		if m := s.one("D1", ""); !strings.Contains(m.Text, "4711") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("the command, and sharing", func(t *testing.T) {
		s := s.with(t)
		carl := s.employee("carl")
		s.put("pair", "Rota", "The rota of the boiler room is weekly.", "user:bob@acme.test", "user:carl@acme.test")
		channel := s.w.Channel(bob.user, carl.user)
		command := s.w.Command("t1", bob.user, channel, "How often does the rota of the boiler room change?")
		s.accept("commands", command)
		s.accept("commands", command)
		s.settle()
		value := shareValue(t, s.one(channel, bob.user))
		share := func(user, trigger string) {
			s.accept("interactions", s.w.Click(trigger, user, channel, "cairn_share", value))
			s.settle()
		}
		share(carl.user, "c1") // whose answer it is not
		s.w.Join(channel, ann.user)
		share(bob.user, "c2") // who has joined may not read it
		if got := s.to(channel, ""); len(got) > 0 {
			t.Fatalf("it was shared: %+v", got)
		}
		s.w.Change(channel, func(c *slacktest.Channel) { c.Members = []string{slacktest.BotID, bob.user, carl.user} })
		share(bob.user, "c3")
		share(bob.user, "c3")
		if m := s.one(channel, ""); !strings.Contains(m.Blocks, "weekly") || !strings.Contains(m.Blocks, "cairn_feedback") {
			t.Errorf("%+v", m)
		}
		rated := func(user, trigger, value string) (ratings string) {
			s.accept("interactions", s.w.Click(trigger, user, channel, "cairn_feedback", value))
			s.settle()
			s.check(s.db.Worker().QueryRow(t.Context(), `SELECT coalesce(string_agg(rating, ' '), '') FROM feedback`).Scan(&ratings))
			return ratings
		}
		if got := rated(carl.user, "f1", value+" down") + rated(bob.user, "f2", value+" up") + rated(bob.user, "f3", value+" down"); got != "updown" {
			t.Errorf("ratings: %q", got)
		}
	})
	t.Run("what has been replaced is not shared", func(t *testing.T) {
		s := s.with(t)
		s.put("rate", "Rates", "The day rate of the plumber is 700 euros.", "user:bob@acme.test")
		channel := s.w.Channel(ann.user, bob.user)
		s.accept("commands", s.w.Command("t-rate", bob.user, channel, "What is the day rate of the plumber?"))
		s.settle()
		value := shareValue(t, s.one(channel, bob.user))
		s.put("rate", "Rates", "The day rate of the plumber is confidential.", cairn.Everyone)
		s.accept("interactions", s.w.Click("c-rate", bob.user, channel, "cairn_share", value))
		s.settle()
		if got := s.to(channel, ""); len(got) > 0 {
			t.Errorf("what only bob could read was shared: %+v", got)
		}
	})
	t.Run("it is shared once where nobody can be told so", func(t *testing.T) {
		s := s.with(t)
		channel := s.w.Channel(ann.user)
		s.accept("commands", s.w.Command("t-once", ann.user, channel, limitQuestion))
		s.settle()
		value := shareValue(t, s.one(channel, ann.user))
		s.w.Refuse("response_url", "expired_url")
		defer s.w.Refuse("response_url", "")
		s.accept("interactions", s.w.Click("c-once", ann.user, channel, "cairn_share", value))
		s.settle()
		s.one(channel, "")
	})
	t.Run("what is denied to somebody in the channel", func(t *testing.T) {
		s := s.with(t)
		s.personAt("eve@elsewhere.test", cairn.RoleMember) // whom nobody has approved
		denied := []cairn.PrincipalKey{"user:eve@elsewhere.test", "user:zoe@elsewhere.test"}
		s.putACL("party", "Party", "The party for the colleagues is on Friday.", cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}, Deny: denied})
		for _, address := range []string{"eve@elsewhere.test", "zoe@elsewhere.test"} { // she has no account
			channel := s.w.Channel(ann.user, s.w.Person(address))
			s.mention(ann.user, channel, "When is the party for the colleagues?")
			s.settle()
			if m := s.one(channel, ""); strings.Contains(shown(m), "Friday") || strings.Contains(shown(m), "docs.acme.test/party") {
				t.Errorf("%s is shown it: %+v", address, m)
			}
			if m := s.one(channel, ann.user); !strings.Contains(shown(m), "Friday") {
				t.Errorf("%+v", m)
			}
		}
	})
	t.Run("somebody joins while it is answered", func(t *testing.T) {
		s := s.with(t)
		s.put("vault", "Vault", "The vault of the harbour opens at seven.", "user:ann@acme.test")
		channel := s.w.Channel(ann.user)
		s.w.JoinAfter("conversations.members", channel, bob.user)
		s.accept("events", slacktest.Mention("Ev-join", ann.user, channel, "When does the vault of the harbour open?", "1700000000.000600", ""))
		s.settle()
		if got := s.to(channel, ""); len(got) > 0 {
			t.Errorf("bob has seen it: %+v", got)
		}
		if m := s.one(channel, ann.user); !strings.Contains(shown(m), "seven") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("who is refused", func(t *testing.T) {
		s := s.with(t)
		s.employee("gus")
		s.personAt("gus@elsewhere.test", cairn.RoleMember)
		off := s.employee("off")
		s.must(s.admin, "PATCH", "/api/v1/users/"+string(off.ID)+` {"disabled":true}`, nil)
		for name, user := range map[string]string{
			"a guest":                   s.w.Add(slacktest.User{Email: "gus@acme.test", Guest: true}),
			"of another workspace":      s.w.Add(slacktest.User{Email: "gus@acme.test", Team: "T0OTHER"}),
			"an unconfirmed address":    s.w.Add(slacktest.User{Email: "gus@acme.test", Unconfirmed: true}),
			"of another domain":         s.w.Person("gus@elsewhere.test"),
			"without an account":        s.w.Person("nobody@acme.test"),
			"with a disabled account":   off.user,
			"a user who does not exist": "U9NOBODY",
		} {
			channel := s.w.Channel(user)
			s.accept("events", slacktest.Mention("Ev-"+user, user, channel, limitQuestion, "1700000000.000400", ""))
			s.settle()
			if got := s.to(channel, ""); len(got) > 0 {
				t.Errorf("%s is answered for all: %+v", name, got)
			}
			if m := s.one(channel, user); strings.Contains(shown(m), "180") || !strings.Contains(shown(m), "administrator") {
				t.Errorf("%s: %s", name, shown(m))
			}
		}
	})
	t.Run("approved one by one", func(t *testing.T) {
		s := s.with(t)
		dora := s.personAt("dora@acme.test", cairn.RoleMember)
		s.put("hers", "Notes", "The locker of the gym opens with 4242.", cairn.AccountKey(dora.ID))
		user := s.w.Person("dora@agency.test")
		ask := func() slacktest.Message {
			t.Helper()
			channel := fmt.Sprintf("D9%d", s.next())
			s.accept("events", slacktest.Direct("Ev-"+channel, user, channel, "What does the locker of the gym open with?", "1700000000.000700"))
			s.settle()
			return s.one(channel, "")
		}
		approve := func(method, workspace, body string) {
			t.Helper()
			s.must(s.admin, method, "/api/v1/slack/people/"+workspace+"/Dora@agency.test"+body, nil)
		}
		refused := func(when string) {
			t.Helper()
			if m := ask(); !strings.Contains(shown(m), "administrator") || strings.Contains(shown(m), "4242") {
				t.Errorf("%s: %+v", when, m)
			}
		}
		refused("nobody has approved her")
		approve("PUT", "T0OTHER", ` {"user":"dora@acme.test"}`)
		refused("in another workspace")
		approve("PUT", slacktest.TeamID, ` {"user":"dora@acme.test"}`)
		if m := ask(); !strings.Contains(shown(m), "4242") {
			t.Errorf("approved: %+v", m)
		}
		approve("DELETE", slacktest.TeamID, "")
		refused("it was taken back")
	})
	t.Run("channels that are not answered for all", func(t *testing.T) {
		s := s.with(t)
		guest := s.w.Add(slacktest.User{Email: "guest@acme.test", Guest: true})
		shared := s.w.Channel(ann.user)
		s.w.Change(shared, func(c *slacktest.Channel) { c.Shared = true })
		unknown := s.w.Channel(ann.user)
		s.w.Change(unknown, func(c *slacktest.Channel) { c.Unknown = true })
		left := s.w.Channel(ann.user)
		s.w.Change(left, func(c *slacktest.Channel) { c.Members = []string{ann.user} })
		large := s.w.Channel(ann.user)
		for i := range 51 {
			s.w.Join(large, s.w.Person(fmt.Sprintf("p%d@acme.test", i)))
		}
		for name, channel := range map[string]string{"with a guest": s.w.Channel(ann.user, guest), "shared": shared, "unknown": unknown, "without the bot": left, "large": large} {
			s.accept("events", slacktest.Mention("Ev-"+channel, ann.user, channel, limitQuestion, "1700000000.000500", ""))
			s.settle()
			if got := s.to(channel, ""); len(got) > 0 {
				t.Errorf("%s: answered for all: %+v", name, got)
			}
			if m := s.one(channel, ann.user); !strings.Contains(shown(m), "180 euros") || !strings.Contains(shown(m), "Only you") {
				t.Errorf("%s: %s", name, shown(m))
			}
		}
	})
}

// shareValue returns the value of the button of a message that shares it.
func shareValue(t *testing.T, m slacktest.Message) string {
	t.Helper()
	var blocks []struct {
		Elements []struct {
			Action string `json:"action_id"`
			Value  string
		}
	}
	if err := json.Unmarshal([]byte(m.Blocks), &blocks); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		for _, e := range b.Elements {
			if e.Action == "cairn_share" {
				return e.Value
			}
		}
	}
	t.Fatalf("there is no button to share: %s", m.Blocks)
	return ""
}

// TestA12_42_SlackRefuses sends what Slack has not sent, or not now, or not to us.
func TestA12_42_SlackRefuses(t *testing.T) {
	t.Parallel()
	s := newSlackSite(t)
	s.handbook()
	ann := s.employee("ann")
	channel := s.w.Channel(ann.user)
	event := slacktest.Mention("Ev1", ann.user, channel, limitQuestion, "1700000000.000100", "")
	click := s.w.Click("c", ann.user, channel, "cairn_share", "x")
	command := s.w.Command("t", ann.user, channel, limitQuestion)
	now := time.Now()
	for route, body := range map[string]string{"events": event, "interactions": click, "commands": command} {
		for what, got := range map[string]response{
			"forged":   s.deliverAt(route, body, "another secret", now),
			"stale":    s.deliverAt(route, body, signingSecret, now.Add(-301*time.Second)),
			"early":    s.deliverAt(route, body, signingSecret, now.Add(310*time.Second)),
			"unsigned": s.send("POST", "/slack/"+route+" "+body),
			"changed":  s.send("POST", "/slack/"+route+" "+body+" ", slacktest.Sign(signingSecret, body, now)...),
		} {
			if got.status != 401 {
				t.Errorf("%s, %s: %d %s", route, what, got.status, got.body)
			}
		}
		foreign := strings.ReplaceAll(body, slacktest.TeamID, "T0OTHER")
		if got := s.deliver(route, foreign); got.status != 403 {
			t.Errorf("%s of another workspace: %d %s", route, got.status, got.body)
		}
	}
	elsewhere := strings.Replace(command, url.QueryEscape(s.w.URL), url.QueryEscape("https://evil.example"), 1)
	if got := s.deliver("commands", elsewhere); got.status != 400 {
		t.Errorf("an answer would go to another host: %d", got.status)
	}
	if got := s.deliver("events", `{"type":"url_verification","challenge":"c1"}`); got.status != 200 || !strings.Contains(got.body, "c1") {
		t.Errorf("the challenge: %d %s", got.status, got.body)
	}
	// A copy of a signed request does nothing, also after the end of the task.
	header := slacktest.Sign(signingSecret, event, now)
	for range 2 {
		if got := s.send("POST", "/slack/events "+event, header...); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
		s.settle()
	}
	s.one(channel, "")
	var left int
	s.check(s.db.Worker().QueryRow(t.Context(), `SELECT count(*) FROM slack_tasks WHERE task <> ''`).Scan(&left))
	if left > 0 {
		t.Errorf("%d tasks that are done keep what was asked", left)
	}
}

// TestSlackUnderLimits has Slack ask for time, and refuse to stream: answers are complete.
func TestSlackUnderLimits(t *testing.T) {
	t.Parallel()
	s := newSlackSite(t)
	s.handbook()
	ann := s.employee("ann")
	for method, calls := range map[string]int{"users.info": 2, "conversations.members": 1, "chat.startStream": 1, "chat.stopStream": 1} {
		s.w.Limit(method, calls)
	}
	slow := s.w.Channel(ann.user)
	s.mention(ann.user, slow, limitQuestion)
	s.settle()
	if m := s.one(slow, ""); !strings.Contains(m.Text, "180 euros") || !strings.Contains(m.Blocks, "docs.acme.test") || m.Streaming {
		t.Errorf("limited: %+v", m)
	}
	s.w.Refuse("chat.startStream", "feature_not_enabled")
	old := s.w.Channel(ann.user)
	s.mention(ann.user, old, limitQuestion)
	s.settle()
	if m := s.one(old, ""); !strings.Contains(m.Blocks, "180 euros") || !strings.Contains(m.Blocks, "docs.acme.test") {
		t.Errorf("without streams: %+v", m)
	}
}

// TestSlackSurvivesRestart kills the server after it has acknowledged a question: the
// next one answers it.
func TestSlackSurvivesRestart(t *testing.T) {
	t.Parallel()
	s := newSlackSite(t)
	s.handbook()
	ann := s.employee("ann")
	channel := s.w.Channel(ann.user)
	s.w.Limit("users.info", 5) // it is in the middle of it for five seconds
	s.mention(ann.user, channel, limitQuestion)
	s.until("the question is at work", func() bool { return s.w.Calls("users.info") > 0 })
	s.kill()
	if s.undone() != 1 {
		t.Fatal("it was done before")
	}
	// Its lease would end in half a minute.
	_, err := s.db.Worker().Exec(t.Context(), `UPDATE slack_tasks SET due_at = now() WHERE done_at IS NULL`)
	s.check(err)
	s.start()
	s.settle()
	if m := s.one(channel, ""); !strings.Contains(m.Text, "180 euros") {
		t.Errorf("%+v", m)
	}
}
