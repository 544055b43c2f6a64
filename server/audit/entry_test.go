package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// steps runs a request and returns what the log then says, an event a line.
func steps(t *testing.T, action audit.Action, do func(ctx context.Context, e *audit.Entry)) (lines string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		w := audit.NewWriter(l, quiet())
		e := audit.Begin(w, audit.Event{Action: action})
		ctx := audit.NewContext(t.Context(), e)
		do(ctx, audit.FromContext(ctx))
		w.Close(ctx)
		for _, ev := range l.events {
			lines += fmt.Sprintf("%s %s %s%s %v\n", ev.Action, ev.Outcome, ev.Account, ev.Object.ID, ev.Documents)
		}
	})
	return lines
}

func TestEntry(t *testing.T) {
	for _, c := range []struct {
		name   string
		action audit.Action
		do     func(ctx context.Context, e *audit.Entry)
		want   string
	}{
		{"a search", audit.Search, func(ctx context.Context, e *audit.Entry) {
			e.Shown("d1", "d2", "d1", "")
			_ = e.Conclude(ctx, audit.OK, false)
		}, "search ok  [d1 d2]\n"},
		{"a stream that tells what it has shown", audit.Ask, func(ctx context.Context, e *audit.Entry) {
			e.About(audit.KindMessage, "m")
			e.Shown("d1")
			e.Tell(ctx)
			e.Shown("d1")
			_ = e.Conclude(ctx, audit.OK, false)
		}, "ask ok m [d1]\n"},
		{"a stream that shows more afterwards", audit.Ask, func(ctx context.Context, e *audit.Entry) {
			e.Shown("d1")
			e.Tell(ctx)
			e.Shown("d1", "d2")
			_ = e.Conclude(ctx, audit.OK, false)
		}, "ask ok  [d1]\nask ok  [d2]\n"},
		{"a route of which nothing is told", "", func(ctx context.Context, e *audit.Entry) {
			_ = e.Conclude(ctx, audit.OK, false)
			_ = e.Conclude(ctx, "denied", false)
		}, ""},
		{"a change in its transaction", audit.GroupCreate, func(ctx context.Context, e *audit.Entry) {
			_, committed, _ := e.Change(audit.GroupCreate, audit.Object{}, "")
			committed()
			_ = e.Conclude(ctx, audit.OK, false)
		}, ""},
		{"a change that was not committed", audit.GroupCreate, func(ctx context.Context, e *audit.Entry) {
			_, _, _ = e.Change(audit.GroupCreate, audit.Object{}, "")
			_ = e.Conclude(ctx, "conflict", false)
		}, "group.create conflict  []\n"},
		{"another change than the route is for", audit.DocumentPush, func(ctx context.Context, e *audit.Entry) {
			_, committed, _ := e.Change(audit.DocumentDelete, audit.Object{}, "")
			committed()
			_ = e.Conclude(ctx, audit.OK, false)
		}, "document.push ok  []\n"},
		{"a failure after the change", audit.AccountUpdate, func(ctx context.Context, e *audit.Entry) {
			e.By("root", "session", "")
			_, committed, _ := e.Change(audit.AccountUpdate, audit.Object{}, "")
			committed()
			_ = e.Conclude(ctx, "internal", false)
		}, "account.update internal root []\n"},
		{"written before it is answered", audit.AuditRead, func(ctx context.Context, e *audit.Entry) {
			_ = e.Write(ctx)
			_ = e.Conclude(ctx, audit.OK, false)
		}, "audit.read ok  []\n"},
	} {
		if got := steps(t, c.action, c.do); got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
	e := audit.Begin(nil, audit.Event{Action: audit.SignIn, Address: "::1"})
	ev, _, _ := e.Change(audit.SignIn, audit.Object{Kind: audit.KindAccount, ID: "ann"}, "ann")
	if ev.Account != "ann" || ev.Address != "::1" || ev.Outcome != audit.OK || ev.At.IsZero() {
		t.Errorf("who signs in: %+v", ev)
	}
}

// What the log did not take is told of by the next event, and asked for again.
func TestEntryOfALogThatFails(t *testing.T) {
	l := &log{}
	e := audit.Begin(audit.NewWriter(l, quiet()), audit.Event{Action: audit.Search})
	e.Under([]cairn.GrantID{"g1"})
	e.Shown("d1")
	l.setFail(errors.New("the disk is full"))
	for range 2 {
		if err := e.Vouch(t.Context()); err == nil {
			t.Error("a log that fails vouches")
		}
	}
	l.setFail(nil)
	if err := e.Vouch(t.Context()); err != nil || len(l.events) != 1 || len(l.events[0].Documents) != 1 {
		t.Errorf("%v; the log has %+v", err, l.events)
	}
	if err := e.Vouch(t.Context()); err != nil || len(l.events) != 1 {
		t.Errorf("again: %v; the log has %+v", err, l.events)
	}
}
