package github_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/github"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
)

func connect(t testing.TB, s *githubtest.Site, settings ...string) connectors.Connector {
	t.Helper()
	all := s.Settings()
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return connectortest.Open(t, github.Kind(), s.Env, all)
}

// read returns the changes since a cursor, and the newest cursor.
func read(t testing.TB, c connectors.Connector, since connectors.Cursor) ([]connectors.Change, connectors.Cursor) {
	t.Helper()
	var all []connectors.Change
	for change, err := range c.Changes(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Cursor != "" {
			since = change.Cursor
		}
		if change.Op != connectors.Checkpoint {
			all = append(all, change)
		}
	}
	return all, since
}

// sections returns what extraction makes of a document: its headings with their links.
func sections(t *testing.T, c connectors.Change) []string {
	t.Helper()
	text, err := markup.HTML([]byte(connectortest.Text(t, c)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range text.Sections {
		body := strings.TrimSpace(string(text.Body[s.Start:s.End]))
		_, body, _ = strings.Cut(body, "\n")
		out = append(out, strings.Join(s.Heading, " > ")+" | "+s.Anchor+" | "+strings.Join(strings.Fields(body), " "))
	}
	return out
}

// A passage is cited by the permalink of the comment that it is in, in the order in which
// it was said.
func TestPermalinks(t *testing.T) {
	s := githubtest.New(t)
	s.SetClock(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), time.Second)
	s.Change(func(w *githubtest.World) {
		r := w.Repository("handbook")
		w.Add(r, &githubtest.Item{Kind: githubtest.Issue, Title: "Printer <on> fire", HTML: "<h2>Where</h2><p>Floor 3</p>", State: "CLOSED", Reason: "NOT_PLANNED", Comments: []*githubtest.Comment{
			{Author: "bob", HTML: "<p>Which one?</p><h1>Ours?</h1><p>The red one</p>"},
			{Author: "spammer", HTML: "<p>Buy</p>", Minimized: "spam"},
			{Author: "ghost", HTML: "<p>Fixed</p>", Minimized: "outdated"},
		}})
		pull := w.Add(r, &githubtest.Item{Kind: githubtest.Pull, Title: "Use water", HTML: "<p>Water helps</p>", State: "MERGED", Comments: []*githubtest.Comment{{Author: "bob", HTML: "<p>First</p>"}}})
		pull.Threads = []*githubtest.Thread{{Path: "pump.go", Line: 7, Resolved: true, Comments: []*githubtest.Comment{
			{Author: "eve", HTML: "<p>Too slow</p>"}, {Author: "ann", HTML: "<p>Faster now</p>"}, {Author: "eve", HTML: "<p>Thanks</p>"},
		}}}
		w.Touch(pull)
		pull.Reviews = []*githubtest.Review{
			{Author: "eve", State: "COMMENTED"}, {Author: "eve", State: "APPROVED", HTML: "<p>Good</p>"}, {Author: "eve", State: "PENDING", HTML: "<p>Secret draft</p>"},
		}
		w.Touch(pull)
		w.Add(r, &githubtest.Item{Kind: githubtest.Discussion, Title: "Which extinguisher?", HTML: "<p>I wonder</p>", Comments: []*githubtest.Comment{
			{Author: "bob", HTML: "<p>Foam</p>", Answer: true, Replies: []*githubtest.Comment{{Author: "ann", HTML: "<p>Why?</p>"}, {Author: "bob", HTML: "<p>Oil</p>"}, {Author: "ann", HTML: "<p>I see</p>"}}},
		}})
		w.Add(r, &githubtest.Item{Kind: githubtest.Release, Title: "Pump 2", HTML: "<h2>Changes</h2><p>Faster</p>"})
		w.Add(r, &githubtest.Item{Kind: githubtest.Release, Title: "Unreleased", HTML: "<p>Not yet</p>", Draft: true})
	})
	changes, _ := read(t, connect(t, s), "")
	if len(changes) != 4 {
		t.Fatalf("%d documents: %+v", len(changes), changes)
	}
	var got []string
	for _, c := range changes {
		got = append(got, strings.TrimPrefix(c.Metadata.URL, s.URL)+" "+string(c.Metadata.Kind)+" "+c.Metadata.Author)
		for _, line := range sections(t, c) {
			got = append(got, "  "+line)
		}
	}
	if diff := cmp.Diff(wantPermalinks, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var wantPermalinks = []string{
	"/acme/handbook/issues/1 ticket ann",
	"  Printer <on> fire |  | Issue #1 in acme/handbook: closed as not planned, opened by ann on 2 March 2026.",
	"  Printer <on> fire > Where | #issue-1002 | Floor 3",
	"  Printer <on> fire > Comment by bob, 2 March 2026 | #issuecomment-1003 | Which one?",
	"  Printer <on> fire > Comment by bob, 2 March 2026 > Ours? | #issuecomment-1003 | The red one",
	"  Printer <on> fire > Comment by ghost, 2 March 2026 | #issuecomment-1005 | Fixed",
	"/acme/handbook/pull/2 pull_request ann",
	"  Use water |  | Pull request #2 in acme/handbook from topic into main: merged, opened by ann on 2 March 2026. Water helps",
	"  Use water > Comment by bob, 2 March 2026 | #issuecomment-1007 | First",
	"  Use water > Comment on pump.go, line 7 (resolved) by eve, 2 March 2026 | #discussion_r1009 | Too slow",
	"  Use water > Comment on pump.go, line 7 (resolved) by eve, 2 March 2026 > Reply by ann, 2 March 2026 | #discussion_r1010 | Faster now",
	"  Use water > Comment on pump.go, line 7 (resolved) by eve, 2 March 2026 > Reply by eve, 2 March 2026 | #discussion_r1011 | Thanks",
	"  Use water > Approval by eve, 2 March 2026 | #pullrequestreview-1013 | Good",
	"/acme/handbook/discussions/3 discussion ann",
	"  Which extinguisher? |  | Discussion #3 in acme/handbook in the category Q&A: open, opened by ann on 2 March 2026. I wonder",
	"  Which extinguisher? > Answer by bob, 2 March 2026 | #discussioncomment-1016 | Foam",
	"  Which extinguisher? > Answer by bob, 2 March 2026 > Reply by ann, 2 March 2026 | #discussioncomment-1017 | Why?",
	"  Which extinguisher? > Answer by bob, 2 March 2026 > Reply by bob, 2 March 2026 | #discussioncomment-1018 | Oil",
	"  Which extinguisher? > Answer by bob, 2 March 2026 > Reply by ann, 2 March 2026 | #discussioncomment-1019 | I see",
	"/acme/handbook/releases/tag/v1020 release ann",
	"  Pump 2 |  | Release v1020 of acme/handbook by ann, 2 March 2026.",
	"  Pump 2 > Changes |  | Faster",
}

// While a repository is read, its issues change: none is missed.
func TestChangesWhileItIsRead(t *testing.T) {
	s := githubtest.New(t)
	s.SetClock(time.Now().AddDate(-1, 0, 0), 10*time.Minute) // so that going back makes up for nothing
	var items []*githubtest.Item
	s.Change(func(w *githubtest.World) {
		for i := range 20 {
			items = append(items, w.Add(w.Repository("handbook"), &githubtest.Item{Kind: githubtest.Issue, Title: fmt.Sprint(i)}))
		}
	})
	seen := map[string]bool{}
	n := 0
	var cursor connectors.Cursor
	for c, err := range connect(t, s).Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		seen[c.Metadata.Title] = true
		if c.Cursor != "" {
			cursor = c.Cursor
		}
		if n++; n < 20 {
			s.Change(func(w *githubtest.World) { w.Touch(items[n/2]) }) // it moves to the end
		}
	}
	rest, _ := read(t, connect(t, s), cursor)
	for _, c := range rest {
		seen[c.Metadata.Title] = true
	}
	if delete(seen, ""); len(seen) != 20 {
		t.Errorf("%d of 20 issues were seen", len(seen))
	}
	if got := connectortest.List(t, connect(t, s)); len(got) != 20 {
		t.Errorf("%d of 20 issues are listed", len(got))
	}
}

// More issues than a page holds changed at one time, which no time tells apart.
func TestChangesOfOneSecond(t *testing.T) {
	s := githubtest.New(t)
	s.SetClock(time.Now().AddDate(0, 0, -1), 0)
	s.Change(func(w *githubtest.World) {
		for range 7 {
			w.Add(w.Repository("handbook"), &githubtest.Item{Kind: githubtest.Issue})
		}
	})
	s.SetClock(time.Now().AddDate(0, 0, -1).Add(time.Minute), time.Second)
	s.Change(func(w *githubtest.World) {
		for range 3 {
			w.Add(w.Repository("handbook"), &githubtest.Item{Kind: githubtest.Issue})
		}
	})
	if changes, _ := read(t, connect(t, s), ""); len(changes) != 10 {
		t.Errorf("%d of 10 issues were read", len(changes))
	}
}

// A change that GitHub shows later than it dates it is read all the same.
func TestLateChange(t *testing.T) {
	for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Discussion} {
		s := githubtest.New(t)
		add := func(title string, at time.Time) {
			s.SetClock(at, 0)
			s.Change(func(w *githubtest.World) { w.Add(w.Repository("handbook"), &githubtest.Item{Kind: kind, Title: title}) })
		}
		add("first", time.Now())
		_, cursor := read(t, connect(t, s), "")
		add("late", time.Now().Add(-2*time.Minute))
		changes, _ := read(t, connect(t, s), cursor)
		if !slices.ContainsFunc(changes, func(c connectors.Change) bool { return c.Metadata.Title == "late" }) {
			t.Errorf("%s: %+v", kind, changes)
		}
	}
}

// What is edited again in the second in which it was read, is read again.
func TestEditedTwice(t *testing.T) {
	for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion, githubtest.Release} {
		s := githubtest.New(t)
		s.SetClock(time.Now(), 0)
		i := &githubtest.Item{Kind: kind, HTML: "one"}
		s.Change(func(w *githubtest.World) { w.Add(w.Repository("handbook"), i) })
		_, cursor := read(t, connect(t, s), "")
		s.Change(func(w *githubtest.World) {
			i.HTML = "two"
			w.Touch(i)
		})
		if changes, _ := read(t, connect(t, s), cursor); len(changes) != 1 || !strings.Contains(connectortest.Text(t, changes[0]), "two") {
			t.Errorf("%s: %+v", kind, changes)
		}
	}
}

// A second edit within a second, the unit of GitHub's times, is another revision.
func TestRevision(t *testing.T) {
	s := githubtest.New(t)
	var items []*githubtest.Item
	s.Change(func(w *githubtest.World) {
		for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion, githubtest.Release} {
			items = append(items, w.Add(w.Repository("handbook"), &githubtest.Item{Kind: kind, HTML: "one"}))
		}
	})
	before, _ := read(t, connect(t, s), "")
	s.Change(func(*githubtest.World) {
		for _, i := range items {
			i.HTML = "two"
		}
	})
	after, _ := read(t, connect(t, s), "")
	for i, c := range before {
		if c.External != after[i].External || c.Metadata.Revision == after[i].Metadata.Revision {
			t.Errorf("%s, edited, has the revision %q", c.External, after[i].Metadata.Revision)
		}
	}
}

// What cannot be read, and what is gone before it is, is told apart, and keeps nothing else.
func TestUnreadable(t *testing.T) {
	s := githubtest.New(t)
	items := map[string]*githubtest.Item{}
	s.Change(func(w *githubtest.World) {
		for _, title := range []string{"good", "broken", "gone", "fine"} {
			items[title] = w.Add(w.Repository("handbook"), &githubtest.Item{Kind: githubtest.Issue, Title: title})
		}
	})
	s.SetPages(100)
	changes, _ := read(t, connect(t, s), "")
	s.Change(func(w *githubtest.World) {
		items["broken"].Broken = true
		w.Delete(items["gone"])
	})
	got := map[string]string{}
	for _, c := range changes {
		_, err := c.Open(t.Context())
		var explained *connectors.DocumentError
		if errors.As(err, &explained) {
			got[c.Metadata.Title] = explained.Code
		} else if err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff(map[string]string{"broken": "unreadable", "gone": "vanished"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What did not change costs one query for 25 repositories, and texts come ten a query.
func TestCost(t *testing.T) {
	const wikis = 20 // which nobody has written, are asked for once
	s := githubtest.New(t)
	s.SetPages(100)
	s.SetClock(time.Now().AddDate(0, 0, -1), time.Second)
	s.Change(func(w *githubtest.World) {
		for i := range 20 {
			for n := range 30 {
				kind := []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion}[n%3]
				w.Add(w.Repository(fmt.Sprint("r", i)), &githubtest.Item{Kind: kind, Title: "T", HTML: "<p>x</p>"})
			}
			w.Add(w.Repository(fmt.Sprint("r", i)), &githubtest.Item{Kind: githubtest.Release, Title: "T", HTML: "<p>x</p>"})
		}
	})
	s.Faults.Heal()
	changes, cursor := read(t, connect(t, s), "")
	if n := s.Faults.Requests(); len(changes) != 620 || n != 1+20*4+wikis {
		t.Errorf("%d documents in %d requests", len(changes), n)
	}
	s.Faults.Heal()
	for _, c := range changes {
		connectortest.Text(t, c)
	}
	if n := s.Faults.Requests(); n != 20*3 {
		t.Errorf("their texts took %d requests", n)
	}
	s.Faults.Heal()
	if again, after := read(t, connect(t, s), cursor); len(again) != 0 || after != cursor || s.Faults.Requests() != 1+wikis {
		t.Errorf("unchanged, %d changes in %d requests, and another cursor: %v", len(again), s.Faults.Requests(), after != cursor)
	}
	s.Faults.Heal()
	if n := len(connectortest.List(t, connect(t, s))); n != 620 || s.Faults.Requests() != 2*1+wikis {
		t.Errorf("%d listed in %d requests", n, s.Faults.Requests())
	}
}

// What is closed leaves a source that holds what is open, and comes back when opened.
func TestState(t *testing.T) {
	s := githubtest.New(t)
	items := map[githubtest.Kind]*githubtest.Item{}
	s.Change(func(w *githubtest.World) {
		for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion} {
			items[kind] = w.Add(w.Repository("handbook"), &githubtest.Item{Kind: kind, Title: string(kind)})
		}
	})
	changes, cursor := read(t, connect(t, s, "state", "open"), "")
	if len(changes) != 3 || len(connectortest.List(t, connect(t, s, "state", "open"))) != 3 {
		t.Fatalf("%d changes", len(changes))
	}
	s.Change(func(w *githubtest.World) {
		for kind, i := range items {
			i.State = "CLOSED"
			if kind == githubtest.Pull {
				i.State = "MERGED"
			}
			w.Touch(i)
		}
	})
	changes, cursor = read(t, connect(t, s, "state", "open"), cursor)
	for _, c := range changes {
		if c.Op != connectors.Delete {
			t.Errorf("%s is closed, and the change is %v", c.External, c.Op)
		}
	}
	if got := connectortest.List(t, connect(t, s, "state", "open")); len(changes) != 3 || len(got) != 0 {
		t.Errorf("%d changes, listed %v", len(changes), got)
	}
	if got := connectortest.List(t, connect(t, s, "state", "closed")); len(got) != 3 {
		t.Errorf("closed ones: %v", got)
	}
	if changes, _ = read(t, connect(t, s, "state", "all"), cursor); len(changes) != 3 {
		t.Errorf("with another setting, %d are read", len(changes))
	}
}

// Repositories and kinds that the settings leave out are neither read nor listed.
func TestSelection(t *testing.T) {
	s := githubtest.New(t)
	s.Change(func(w *githubtest.World) {
		for _, name := range []string{"handbook", "infra-a", "infra-b", "old"} {
			for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion, githubtest.Release} {
				w.Add(w.Repository(name), &githubtest.Item{Kind: kind, Title: name + " " + string(kind)})
			}
		}
	})
	for _, tt := range []struct {
		settings []string
		want     []string
	}{
		{[]string{"repos", "infra-*, !acme/*-b", "read", "pulls,releases"}, []string{"infra-a pull", "infra-a release"}},
		{[]string{"repos", "ACME/{old,handbook}", "read", "issues"}, []string{"handbook issue", "old issue"}},
		{[]string{"repos", "!infra-*", "read", "discussions"}, []string{"handbook discussion", "old discussion"}},
	} {
		c := connect(t, s, tt.settings...)
		changes, _ := read(t, c, "")
		titles, externals := map[string]bool{}, []string{}
		for _, c := range changes {
			titles[c.Metadata.Title] = true
			externals = append(externals, c.External)
		}
		slices.Sort(externals)
		if d := cmp.Diff(tt.want, slices.Sorted(maps.Keys(titles))); d != "" {
			t.Errorf("%v: (-want +got):\n%s", tt.settings, d)
		}
		if d := cmp.Diff(externals, connectortest.List(t, c)); d != "" {
			t.Errorf("%v: (-read +listed):\n%s", tt.settings, d)
		}
	}
}

// A cursor of another program, or half of one, is the beginning.
func TestForeignCursor(t *testing.T) {
	s := githubtest.New(t)
	s.Put(t, "a", "A", "text")
	_, cursor := read(t, connect(t, s), "")
	for _, c := range []connectors.Cursor{"x", "{}", "null", `{"v":1,"places":{"1001":null}}`, `{"v":2}`, cursor[:len(cursor)/2]} {
		if changes, _ := read(t, connect(t, s), c); len(changes) != 1 {
			t.Errorf("after %q, %d changes", c, len(changes))
		}
	}
}

// A repository whose visibility changes has its documents told again, with who may read
// them, and the ACL is never wider than the new one.
func TestVisibility(t *testing.T) {
	s := githubtest.New(t)
	s.Put(t, "a", "A", "text")
	first, cursor := read(t, connect(t, s), "")
	s.Allow(t, "a", "ann@example.com")
	second, _ := read(t, connect(t, s), cursor)
	if len(first) != 1 || len(second) != 1 || first[0].Metadata.Revision != second[0].Metadata.Revision {
		t.Fatalf("%+v, then %+v", first, second)
	}
	if !first[0].ACL.Admits(cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}}) || second[0].ACL.Admits(cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}}) {
		t.Errorf("%+v, then %+v", first[0].ACL, second[0].ACL)
	}
	if !strings.HasPrefix(second[0].Metadata.URL, s.Link("a")) {
		t.Errorf("%s is not below %s", second[0].Metadata.URL, s.Link("a"))
	}
}

// A repository that the credential is kept from stops no other.
func TestForbiddenRepository(t *testing.T) {
	s := githubtest.New(t)
	for _, name := range []string{"a", "b", "c"} {
		s.Put(t, name, name, "text")
	}
	s.Change(func(w *githubtest.World) { w.Repository("b").Blocked = true })
	var titles []string
	var failed error
	for c, err := range connect(t, s).Changes(context.Background(), "") {
		if failed = err; err == nil && c.Op == connectors.Upsert {
			titles = append(titles, c.Metadata.Title)
		}
	}
	if strings.Join(titles, "") != "ac" || failed == nil {
		t.Errorf("read %v, then %v", titles, failed)
	}
}

// GitHub's limits are waited for, in each of its ways, and nothing is missed.
func TestLimits(t *testing.T) {
	for way, least := range map[string]time.Duration{"primary": 90 * time.Second, "secondary": time.Minute, "secondary without a time": time.Minute, "points": 90 * time.Second} {
		s := githubtest.New(t)
		for i := range 6 {
			s.Put(t, fmt.Sprint("d", i), "T", "text")
		}
		s.Faults.Heal()
		read(t, connect(t, s), "")
		usual, slept := s.Faults.Requests(), s.Clock.Slept()
		if way == "points" { // which requests of the REST API have none of
			s.Change(func(w *githubtest.World) {
				for _, r := range w.Repositories {
					r.Items[0].Kind = githubtest.Discussion
				}
			})
		}
		s.Limit(way)
		s.Faults.Heal()
		changes, _ := read(t, connect(t, s), "")
		if n := s.Faults.Requests(); len(changes) != 6 || n > 2*usual {
			t.Errorf("%s: %d documents in %d requests, usually %d", way, len(changes), n, usual)
		}
		if waited := s.Clock.Slept() - slept; waited < least {
			t.Errorf("%s: it waited %v", way, waited)
		}
	}
}

// A site whose pages lead in a circle is left with an error, and its list is none.
func TestCircle(t *testing.T) {
	for _, kind := range []githubtest.Kind{githubtest.Issue, githubtest.Discussion, githubtest.Release} {
		s := githubtest.New(t)
		s.SetClock(time.Now().Add(-time.Hour), 0)
		s.Change(func(w *githubtest.World) {
			for range 5 {
				w.Add(w.Repository("handbook"), &githubtest.Item{Kind: kind})
			}
		})
		s.Circle()
		s.Faults.Heal()
		var failed error
		for _, err := range connect(t, s).Changes(t.Context(), "") {
			failed = err
		}
		for _, err := range connect(t, s).(connectors.Lister).Externals(t.Context()) {
			if err == nil {
				continue
			}
			if n := s.Faults.Requests(); !errors.Is(err, connectors.ErrUnexpected) || !errors.Is(failed, connectors.ErrUnexpected) || n > 20 {
				t.Errorf("%s: %v, %v, after %d requests", kind, failed, err, n)
			}
			failed = nil
		}
		if failed != nil {
			t.Errorf("%s: the list passes for complete, and reading ended with %v", kind, failed)
		}
	}
}
