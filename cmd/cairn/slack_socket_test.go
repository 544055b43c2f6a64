package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/server/slack/slacktest"
)

// TestSlackSocket asks over Socket Mode: what comes twice, by whichever way, is done once,
// connections are opened again, and each server has one.
func TestSlackSocket(t *testing.T) {
	t.Parallel()
	s := newSlackSite(t)
	s.handbook()
	ann := s.employee("ann")
	t.Run("once by both ways", func(t *testing.T) {
		s := s.with(t)
		channel := s.w.Channel(ann.user)
		body := slacktest.Mention("Ev-both", ann.user, channel, limitQuestion, "1700000000.000200", "")
		if got := s.w.Push(body); got.Sent != 1 || got.After > slacktest.AckPatience {
			t.Errorf("it was acknowledged so: %+v", got)
		}
		s.accept("events", body)
		s.w.Push(body)
		s.settle()
		if m := s.one(channel, ""); !strings.Contains(m.Text, "180 euros") {
			t.Errorf("%+v", m)
		}
		command := s.w.Command("t-socket", ann.user, channel, limitQuestion)
		if got := s.w.Push(command); !strings.Contains(got.Answer, "Looking") {
			t.Errorf("the command is acknowledged with %q", got.Answer)
		}
		s.accept("commands", command)
		s.settle()
		value := shareValue(t, s.one(channel, ann.user))
		click := s.w.Click("c-socket", ann.user, channel, "cairn_share", value)
		s.w.Push(click)
		s.accept("interactions", click)
		s.settle()
		if all := s.to(channel, ""); len(all) != 2 {
			t.Errorf("%d messages for all, want the answer and what was shared: %+v", len(all), all)
		}
	})
	t.Run("another workspace", func(t *testing.T) {
		s := s.with(t)
		channel := s.w.Channel(ann.user)
		before := s.tasks()
		for _, body := range []string{
			slacktest.Mention("Ev-foreign", ann.user, channel, limitQuestion, "1700000000.000300", ""),
			s.w.Command("t-foreign", ann.user, channel, limitQuestion), s.w.PointAt("p-foreign", ann.user, channel, ann.user, "Hi", "1700000000.000300"),
		} {
			s.w.Push(strings.ReplaceAll(body, slacktest.TeamID, "T0OTHER"))
		}
		if n := s.tasks() - before; n != 0 {
			t.Errorf("%d tasks of another workspace", n)
		}
	})
	t.Run("connections end", func(t *testing.T) {
		s := s.with(t)
		for name, end := range map[string]func(){
			"refreshed": func() { s.w.Disconnect("refresh_requested") }, "warned": func() { s.w.Disconnect("warning") },
			"turned off": func() { s.w.Disconnect("link_disabled") }, "cut": s.w.HangUp,
		} {
			_, before, _ := s.w.Sockets()
			end()
			s.until("another connection after it was "+name, func() bool { open, opened, _ := s.w.Sockets(); return open == 1 && opened > before })
			s.askedByPush(ann, name)
		}
	})
	t.Run("several servers", func(t *testing.T) {
		s := s.with(t)
		s.w.LimitSockets(1, slacktest.AckPatience)
		other := &program{t: t, data: openTempDir(t), addr: freeAddr(t), env: s.env}
		other.start()
		s.until("one connection too many", func() bool { _, _, turned := s.w.Sockets(); return turned > 0 })
		s.askedByPush(ann, "while one is turned away")
		s.w.LimitSockets(10, slacktest.AckPatience)
		s.until("a connection of each", func() bool { open, _, _ := s.w.Sockets(); return open == 2 })
		for i := range 4 {
			s.askedByPush(ann, fmt.Sprint("of two, ", i))
		}
		other.kill()
		s.askedByPush(ann, "after one has died")
	})
}

// askedByPush asks over a socket and checks that it is answered once.
func (s *slackSite) askedByPush(who slackPerson, when string) {
	s.t.Helper()
	channel := s.w.Channel(who.user)
	body := slacktest.Mention("Ev-"+channel, who.user, channel, limitQuestion, "1700000000.000400", "")
	s.w.Push(body)
	s.w.Push(body)
	s.settle()
	if m := s.one(channel, ""); !strings.Contains(shown(m), "180 euros") {
		s.t.Errorf("%s: %+v", when, m)
	}
}

// tasks returns how many there ever were.
func (s *slackSite) tasks() (n int) {
	s.t.Helper()
	s.check(s.db.Worker().QueryRow(s.t.Context(), `SELECT count(*) FROM slack_tasks`).Scan(&n))
	return n
}
