package slack_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
)

// readers returns who may read a channel by the directory: addresses, in order.
func (r *reader) readers(t *testing.T, c *slacktest.Channel) []string {
	t.Helper()
	members := map[string][]connectors.Member{}
	for m, err := range r.connect(t).(connectors.Directory).Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		members[m.Group] = append(members[m.Group], m)
	}
	found := map[string]bool{}
	var add func(group string)
	add = func(group string) {
		for _, m := range members[group] {
			if m.Email != "" {
				found[m.Email] = true
			}
			if m.Subgroup != "" {
				add(m.Subgroup)
			}
		}
	}
	if len(members[c.ID]) == 0 {
		t.Errorf("the directory does not know the group of %s", c.Name)
	}
	add(c.ID)
	return slices.Sorted(maps.Keys(found))
}

func TestDirectory(t *testing.T) {
	r := newReader(t, "types", "public_channel,private_channel,mpim")
	channels := map[string]*slacktest.Channel{}
	r.Change(func(w *slacktest.World) {
		for name, change := range map[string]func(*slacktest.User){
			"guest": func(u *slacktest.User) { u.Guest = true }, "single": func(u *slacktest.User) { u.Guest, u.Single = true, true },
			"gone": func(u *slacktest.User) { u.Deleted = true }, "unconfirmed": func(u *slacktest.User) { u.Unconfirmed = true },
			"partner": func(u *slacktest.User) { u.Team = slacktest.Other }, "robot": func(u *slacktest.User) { u.Bot = true },
		} {
			change(w.Person(name + "@example.com"))
		}
		all := []string{"U_NOBODY_KNOWS"}
		for _, u := range w.Users {
			all = append(all, u.ID)
		}
		ann, guest := w.Person("ann@example.com").ID, w.Person("guest@example.com").ID
		for name, c := range map[string]slacktest.Channel{
			"open": {}, "open with guest": {Members: []string{guest}}, "shared": {Shared: true, Members: all},
			"closed": {Private: true, Members: []string{ann, guest}}, "crowd": {Private: true, Shared: true, Members: all},
			"empty": {Private: true}, "group": {MPIM: true, Members: []string{ann}},
			"untold": {Private: true, Untold: true, Members: all}, "strange": {Strange: true, Members: all},
		} {
			made := w.Channel(name)
			made.Private, made.MPIM, made.Shared, made.Members, made.Untold, made.Strange = c.Private, c.MPIM, c.Shared, c.Members, c.Untold, c.Strange
			channels[name] = made
		}
	})
	full := []string{"ann@example.com", "bob@example.com"}
	for name, want := range map[string][]string{
		"open": full, "open with guest": append(slices.Clone(full), "guest@example.com"),
		"shared": append(slices.Clone(full), "guest@example.com", "single@example.com"),
		"closed": {"ann@example.com", "guest@example.com"}, "crowd": append(slices.Clone(full), "guest@example.com", "single@example.com"),
		"empty": nil, "group": {"ann@example.com"}, "untold": nil, "strange": nil,
	} {
		if diff := cmp.Diff(want, r.readers(t, channels[name])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for m, err := range r.connect(t).(connectors.Directory).Members(t.Context()) {
		if untold := m.Group == channels["untold"].ID; err != nil || m.Untold != untold {
			t.Errorf("%+v, %v", m, err) // else it would look as if nobody were in it
		}
	}
}

func TestNoAddresses(t *testing.T) {
	r := newReader(t)
	r.Withhold("users:read.email")
	var failed error
	for _, err := range r.connect(t).(connectors.Directory).Members(t.Context()) {
		failed = err
	}
	if !errors.Is(failed, connectors.ErrForbidden) || !strings.Contains(failed.Error(), "users:read.email") {
		t.Errorf("without addresses, the groups are read with %v", failed)
	}
}

// TestUntold has channels of which nobody can tell who may read them.
func TestUntold(t *testing.T) {
	for name, change := range map[string]func(*slacktest.Channel){
		"members": func(c *slacktest.Channel) { c.Private, c.Untold = true, true },
		"kind":    func(c *slacktest.Channel) { c.Strange = true },
		"private": func(c *slacktest.Channel) { c.Strange, c.Private = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, "public", "everyone")
			r.Put(t, "plan", "The plan", "Flamingos.")
			r.Change(func(w *slacktest.World) {
				c := w.Channel("plan")
				root := w.Post(c, &slacktest.Message{TS: w.Stamp(ago(300)), User: w.Person("ann@example.com").ID, Text: "Old."})
				w.Post(c, &slacktest.Message{TS: w.Stamp(ago(300)), Thread: root.TS, User: root.User, Files: []*slacktest.File{{Name: "b.txt", Mimetype: "text/plain", Content: "x"}}})
				w.Post(c, &slacktest.Message{User: root.User, Text: "Alone.", Files: []*slacktest.File{{Name: "a.txt", Mimetype: "text/plain", Content: "x"}}})
				change(c)
			})
			r.read(t)
			if len(r.docs) != 3 {
				t.Errorf("there are %v", slices.Sorted(maps.Keys(r.docs)))
			}
			for id, c := range r.docs {
				if c.ACL != nil || failure(t, c.Err) != connectors.PermissionsNotUnderstood {
					t.Errorf("%s: %v, %v", id, c.ACL, c.Err)
				}
			}
			for p, err := range r.connect(t).(connectors.Parts).Parts(t.Context()) {
				if err != nil || p.ACL != nil || failure(t, p.Err) != connectors.PermissionsNotUnderstood {
					t.Errorf("the channel has %v, %v, %v", p.ACL, p.Err, err)
				}
			}
			if len(r.listed(t)) != 5 { // they stay
				t.Errorf("there are %v", r.listed(t))
			}
			r.Change(func(w *slacktest.World) {
				w.Channel("plan").Untold, w.Channel("plan").Strange = false, false
			})
			if came := r.read(t); len(came) != 5 || r.docs[came[0]].ACL == nil {
				t.Errorf("told at last, there are %v", came)
			}
		})
	}
}

// TestBecomesPrivate closes a public channel: all that was told of it, old and new, is
// told anew.
func TestBecomesPrivate(t *testing.T) {
	for _, setting := range []string{"members", "everyone"} {
		r := newReader(t, "public", setting)
		var c *slacktest.Channel
		r.Change(func(w *slacktest.World) {
			c = w.Channel("ops")
			ann := w.Person("ann@example.com").ID
			root := w.Post(c, &slacktest.Message{TS: w.Stamp(ago(300)), User: ann, Text: "Old"})
			w.Post(c, &slacktest.Message{TS: w.Stamp(ago(300)), Thread: root.TS, User: ann, Text: "See", Files: []*slacktest.File{{Name: "a.txt", Mimetype: "text/plain", Content: "x"}}})
			w.Post(c, &slacktest.Message{TS: w.Stamp(ago(200)), User: ann, Text: "Alone"})
		})
		r.read(t)
		group := cairn.Allow(connectors.SiteGroup(c.ID))
		want := map[string]cairn.ACL{"members": group, "everyone": cairn.Allow(cairn.Everyone)}[setting]
		check := func(when string, want cairn.ACL) {
			t.Helper()
			for id, d := range r.docs {
				if d.ACL == nil || d.ACL.Hash() != want.Hash() {
					t.Errorf("public=%s, %s: %s has %v", setting, when, id, d.ACL)
				}
			}
			for p, err := range r.connect(t).(connectors.Parts).Parts(t.Context()) {
				if err != nil || p.Err != nil || p.ACL == nil || p.ACL.Hash() != want.Hash() {
					t.Errorf("public=%s, %s: the channel has %v, %v, %v", setting, when, p.ACL, p.Err, err)
				}
			}
			if len(r.docs) != 3 {
				t.Errorf("public=%s, %s: there are %d documents", setting, when, len(r.docs))
			}
		}
		check("open", want)
		r.Change(func(w *slacktest.World) { c.Private, c.Members = true, []string{w.Person("bob@example.com").ID} })
		r.read(t)
		check("closed", group)
		if got := r.readers(t, c); !slices.Equal(got, []string{"bob@example.com"}) {
			t.Errorf("closed, %v may read it", got)
		}
		r.settings["public"] = "members"
		r.read(t)
		check("with public=members", group)
	}
}

// TestPrivateNames mentions a private channel in a public one: its name is not told.
func TestPrivateNames(t *testing.T) {
	r := newReader(t)
	r.Change(func(w *slacktest.World) {
		secret, open := w.Channel("project-swan"), w.Channel("ops")
		secret.Private = true
		w.Post(open, &slacktest.Message{User: w.Person("ann@example.com").ID, Text: fmt.Sprintf("See <#%s|> and <#%s|>", secret.ID, open.ID)})
	})
	r.read(t)
	for _, d := range r.docs {
		if said := connectortest.Text(t, d); strings.Contains(said, "swan") || !strings.Contains(said, "See #private-channel and #ops") {
			t.Errorf("it says %s", said)
		}
	}
}

func TestErrors(t *testing.T) {
	for code, want := range map[string]error{
		"invalid_auth": connectors.ErrUnauthorized, "token_revoked": connectors.ErrUnauthorized, "account_inactive": connectors.ErrUnauthorized,
		"ekm_access_denied": connectors.ErrForbidden, "ratelimited": connectors.ErrRateLimited, "internal_error": connectors.ErrUnavailable,
		"unknown_method": connectors.ErrUnexpected, "<b>odd</b>": connectors.ErrUnexpected, slacktest.Token: connectors.ErrUnexpected,
	} {
		r := newReader(t)
		r.Answer(code)
		var failed error
		for _, err := range r.connect(t).Changes(t.Context(), "") {
			failed = err
		}
		if !errors.Is(failed, want) || strings.Contains(fmt.Sprint(failed), "<") || strings.Contains(fmt.Sprint(failed), slacktest.Token) {
			t.Errorf("%s: %v", code, failed)
		}
		if n := r.Faults.Requests(); n > 6 {
			t.Errorf("%s: %d requests", code, n)
		}
	}
}

func TestMissingScope(t *testing.T) {
	for _, scope := range []string{"users:read", "channels:read", "channels:history", "groups:read"} {
		r := newReader(t)
		r.Put(t, "plan", "The plan", "Flamingos.")
		r.Withhold(scope)
		c := r.connect(t)
		var failed error
		for _, err := range c.Changes(t.Context(), "") {
			failed = err
		}
		if !errors.Is(failed, connectors.ErrForbidden) || !strings.Contains(failed.Error(), scope) {
			t.Errorf("%s: %v", scope, failed)
		}
		if _, err := c.(connectors.Tester).Test(t.Context()); err == nil || !strings.Contains(err.Error(), scope) {
			t.Errorf("%s: the test says %v", scope, err)
		}
	}
}

func TestTester(t *testing.T) {
	r := newReader(t)
	test := func() (string, error) { return r.connect(t).(connectors.Tester).Test(t.Context()) }
	if _, err := test(); err == nil || !strings.Contains(err.Error(), "/invite @cairn") {
		t.Errorf("in no channel: %v", err)
	}
	r.Put(t, "plan", "The plan", "Flamingos.")
	r.Change(func(w *slacktest.World) {
		w.Channel("elsewhere").Left = true
		w.Channel("closed").Private = true
	})
	if got, err := test(); err != nil || got != "the token is that of cairn in the workspace Acme and reads 1 of 2 public channels, and 1 others" {
		t.Errorf("it says %q, %v", got, err)
	}
	r.Change(func(w *slacktest.World) {
		for n := range 20 {
			w.Post(w.Channel("plan"), &slacktest.Message{User: w.Person("ann@example.com").ID, Text: fmt.Sprint(n)})
		}
	})
	r.SetPages(15)
	if _, err := test(); !errors.Is(err, connectors.ErrRateLimited) || !strings.Contains(err.Error(), "custom app") {
		t.Errorf("with 15 messages at a time: %v", err)
	}
	r.SetPages(100)
	if _, err := test(); err != nil {
		t.Errorf("with 100 messages at a time: %v", err)
	}
	r.Change(func(w *slacktest.World) { w.Channel("plan").Messages = w.Channel("plan").Messages[2:17] })
	if _, err := test(); err != nil {
		t.Errorf("with 15 messages in all: %v", err)
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"url", "slack.com", "url: give an address"}, {"types", "public_channel,im", "direct messages (im) are not read"}, {"types", "channels", `there is no "channels"`},
		{"types", ",", "choose from"}, {"public", "all", "neither members nor everyone"}, {"files", "maybe", "neither yes nor no"},
		{"since", "31.1.2024", "write it as 2024-01-31"}, {"window", "0", "from 1 to 365"}, {"window", "x", "from 1 to 365"}, {"max_file_size", "1GB", "from 1 to 512"},
		{"team", "T1", `no setting "team"`},
	} {
		err := slack.Kind().Validate(connectors.Environment{}, map[string]string{tt.name: tt.value})
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: %v", tt.name, tt.value, err)
		}
	}
	good := map[string]string{"types": "mpim", "channels": "#ops, C1", "since": "2024-01-31", "window": "7", "public": "everyone", "files": "no", "max_file_size": "10", "url": "https://slack-gov.com"}
	if err := slack.Kind().Validate(connectors.Environment{}, good); err != nil {
		t.Error(err)
	}
}

// TestVanishing lists a channel that the bot is put out of before it is read: the list is
// not complete, and the reading goes on.
func TestVanishing(t *testing.T) {
	r := newReader(t)
	r.Put(t, "plan", "The plan", "Flamingos.")
	r.Put(t, "other", "Another", "Herons.")
	c := r.connect(t)
	r.Change(func(w *slacktest.World) { w.Channel("plan").Vanishing = true })
	came := 0
	for change, err := range c.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == connectors.Upsert {
			came++
		}
	}
	if came != 1 {
		t.Errorf("%d documents came", came)
	}
	var failed error
	for _, err := range c.(connectors.Lister).Externals(t.Context()) {
		failed = err
	}
	if failed == nil {
		t.Error("the list passes for complete")
	}
}
