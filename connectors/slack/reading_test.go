package slack_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
)

// reader is what a caller knows of a site.
type reader struct {
	*slacktest.Site
	settings map[string]string
	cursor   connectors.Cursor
	docs     map[string]connectors.Change
}

func newReader(t *testing.T, settings ...string) *reader {
	r := &reader{Site: slacktest.New(t), docs: map[string]connectors.Change{}}
	r.settings = r.Settings()
	for i := 0; i < len(settings); i += 2 {
		r.settings[settings[i]] = settings[i+1]
	}
	return r
}

func (r *reader) connect(t *testing.T) connectors.Connector {
	t.Helper()
	return connectortest.Open(t, slack.Kind(), r.Env, r.settings)
}

// read reads on and returns the ids of what came, deletions left out.
func (r *reader) read(t *testing.T) []string {
	t.Helper()
	var came []string
	for c, err := range r.connect(t).Changes(t.Context(), r.cursor) {
		if err != nil {
			t.Fatal(err)
		}
		switch c.Op {
		case connectors.Upsert:
			r.docs[c.External] = c
			came = append(came, c.External)
		case connectors.Delete:
			delete(r.docs, c.External)
		}
		if c.Cursor != "" {
			r.cursor = c.Cursor
		}
	}
	slices.Sort(came)
	return came
}

func (r *reader) listed(t *testing.T) []string {
	t.Helper()
	ids := map[string]bool{}
	for id, err := range r.connect(t).(connectors.Lister).Externals(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func failure(t *testing.T, err error) string {
	t.Helper()
	var d *connectors.DocumentError
	if !errors.As(err, &d) {
		t.Fatalf("no failure of a document: %v", err)
	}
	return d.Code
}

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

func TestDocuments(t *testing.T) {
	r := newReader(t)
	var root *slacktest.Message
	var c *slacktest.Channel
	r.Change(func(w *slacktest.World) {
		ann, bob := w.Person("ann@example.com").ID, w.Person("bob@example.com").ID
		c = w.Channel("ops")
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: ann, Text: "The heron has landed."})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: bob, Text: "Tell <@" + ann + ">."})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: slacktest.BotID, BotID: "B1", Text: "Build 7 is green."})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: ann, Subtype: "channel_topic", Text: "set the topic"})
		root = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(1)), User: slacktest.BotID, BotID: "B1", Subtype: "bot_message", Text: "*Disk* full on db1\nmore"})
		w.Post(c, &slacktest.Message{Thread: root.TS, User: bob, Text: "I emptied /tmp."})
		w.Post(c, &slacktest.Message{Thread: root.TS, User: slacktest.BotID, BotID: "B1", Text: "Resolved by itself."})
		w.Post(c, &slacktest.Message{Thread: root.TS, User: ann, Subtype: "thread_broadcast", Text: "All is well."})
		w.Channel("empty")
	})
	r.read(t)
	single, thread := c.ID+"/"+dayOf(ago(2)), c.ID+"/"+root.TS
	if got := slices.Sorted(maps.Keys(r.docs)); !slices.Equal(got, []string{thread, single}) {
		t.Fatalf("the documents are %v", got)
	}
	if diff := cmp.Diff(r.listed(t), []string{thread, single}); diff != "" {
		t.Errorf("the list differs:\n%s", diff)
	}
	m := r.docs[thread].Metadata
	if m.Title != "Disk full on db1" || m.URL != slacktest.Permalink(c, root) || m.Author != "Cairn" || m.Attributes["channel"] != "#ops" || m.Modified.Before(time.Now().Add(-2*time.Hour)) {
		t.Errorf("the thread is %+v", m)
	}
	if m := r.docs[single].Metadata; m.Title != "#ops, "+ago(2).UTC().Format("2 January 2006") || !strings.HasPrefix(m.URL, slacktest.Address+"archives/"+c.ID+"/p") {
		t.Errorf("the day is %+v", m)
	}
	said, day := connectortest.Text(t, r.docs[thread]), connectortest.Text(t, r.docs[single])
	for _, tt := range []struct {
		page, phrase string
		times        int
	}{
		{said, "I emptied /tmp.", 1}, {said, "All is well.", 1}, {said, "Resolved by itself", 0}, {said, "Bob Example", 1}, {said, "more", 1},
		{day, "The heron has landed.", 1}, {day, "Tell @Ann Example.", 1}, {day, "Build 7", 0}, {day, "topic", 0}, {day, "All is well", 0},
	} {
		if n := strings.Count(tt.page, tt.phrase); n != tt.times {
			t.Errorf("%q stands %d times, not %d, in\n%s", tt.phrase, n, tt.times, tt.page)
		}
	}
}

// TestAnchors extracts a thread: each message is a section with the message's anchor.
func TestAnchors(t *testing.T) {
	r := newReader(t)
	r.Put(t, "deploy", "How do we deploy?", "With <care> & on Mondays.")
	r.read(t)
	for _, c := range r.docs {
		if c.Metadata.URL != r.Thread("deploy") || c.Metadata.Title != "How do we deploy?" {
			t.Errorf("it is %+v", c.Metadata)
		}
		page, err := markup.HTML([]byte(connectortest.Text(t, c)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range page.Sections {
			got = append(got, s.Heading[len(s.Heading)-1][:3]+" "+s.Link(c.Metadata.URL))
		}
		want := []string{"How " + r.Thread("deploy"), "Ann " + r.Thread("deploy"), "Bob " + r.Link("deploy"), "Det " + r.Link("deploy")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the sections (-want +got):\n%s", diff)
		}
		if !strings.Contains(string(page.Body), "With <care> & on Mondays.") {
			t.Errorf("the text is %s", page.Body)
		}
	}
}

func TestSingleBecomesThreadAndBack(t *testing.T) {
	r := newReader(t)
	var c *slacktest.Channel
	var m, reply *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		m = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(3)), User: w.Person("ann@example.com").ID, Text: "Anybody?"})
	})
	r.read(t)
	day, thread := c.ID+"/"+dayOf(ago(3)), c.ID+"/"+m.TS
	want := func(when string, ids ...string) {
		t.Helper()
		r.read(t)
		if got := slices.Sorted(maps.Keys(r.docs)); !slices.Equal(got, ids) || !slices.Equal(r.listed(t), ids) {
			t.Errorf("%s: the documents are %v, listed %v, want %v", when, got, r.listed(t), ids)
		}
	}
	want("alone", day)
	r.Change(func(w *slacktest.World) {
		reply = w.Post(c, &slacktest.Message{Thread: m.TS, User: w.Person("bob@example.com").ID, Text: "Me."})
	})
	want("answered", thread)
	r.Change(func(*slacktest.World) { c.Delete(m) })
	want("a tombstone", thread)
	if said := connectortest.Text(t, r.docs[thread]); strings.Contains(said, "deleted") || !strings.Contains(said, "Me.") || !strings.HasPrefix(r.docs[thread].Metadata.Title, "Thread in #ops") {
		t.Errorf("under a tombstone stands %q: %s", r.docs[thread].Metadata.Title, said)
	}
	r.Change(func(*slacktest.World) {
		*m = slacktest.Message{TS: m.TS, Thread: "", User: m.User, Text: "Anybody?"}
		c.Delete(reply)
	})
	want("without replies", day)
}

// TestSettledThread reads a thread whose last reply is old: it is asked for again only
// when its first message says that something changed.
func TestSettledThread(t *testing.T) {
	r := newReader(t)
	r.SetPages(100)
	var c *slacktest.Channel
	var root, last *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		bob := w.Person("bob@example.com").ID
		root = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(20)), User: bob, Text: "Which version?"})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(19)), Thread: root.TS, User: bob, Text: "Seven."})
		last = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(18)), Thread: root.TS, User: bob, Text: "Eight."})
	})
	requests := func() int {
		r.Faults.Heal()
		r.read(t)
		return r.Faults.Requests()
	}
	id := c.ID + "/" + root.TS
	if n := requests(); n != 5 { // auth.test, users.list, conversations.list, history, replies
		t.Errorf("read for the first time, it takes %d requests", n)
	}
	first := r.docs[id].Metadata
	if n := requests(); n != 4 {
		t.Errorf("unchanged, it takes %d requests", n)
	}
	if diff := cmp.Diff(first, r.docs[id].Metadata); diff != "" {
		t.Errorf("unchanged, it differs:\n%s", diff)
	}
	r.Change(func(w *slacktest.World) { w.Edit(root, "Which version of Go?") })
	r.read(t)
	if r.docs[id].Metadata.Revision == first.Revision || !strings.Contains(connectortest.Text(t, r.docs[id]), "Eight.") {
		t.Error("the first message was edited, and nothing changed")
	}
	edited := r.docs[id].Metadata.Revision
	r.Change(func(*slacktest.World) { c.Delete(last) })
	r.read(t)
	if r.docs[id].Metadata.Revision == edited || strings.Contains(connectortest.Text(t, r.docs[id]), "Eight.") {
		t.Error("a reply was deleted, and nothing changed")
	}
	r.Change(func(w *slacktest.World) {
		w.Post(c, &slacktest.Message{Thread: root.TS, User: root.User, Text: "Nine.", Files: []*slacktest.File{{Name: "nine.txt", Mimetype: "text/plain", Content: "9"}}})
	})
	if came := r.read(t); len(came) != 2 || !strings.Contains(connectortest.Text(t, r.docs[id]), "Nine.") {
		t.Errorf("a reply with a file came, and there are %v", came)
	}
}

// TestOldThread answers a thread that began before the window: it is found when the
// channel is read as a whole again, a week later.
func TestOldThread(t *testing.T) {
	r := newReader(t, "window", "10")
	var c *slacktest.Channel
	var root *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		root = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(60)), User: w.Person("bob@example.com").ID, Text: "Which version?"})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(59)), Thread: root.TS, User: root.User, Text: "Seven."})
	})
	r.read(t)
	r.Change(func(w *slacktest.World) {
		w.Post(c, &slacktest.Message{Thread: root.TS, User: root.User, Text: "Eight.", Files: []*slacktest.File{{Name: "eight.txt", Mimetype: "text/plain", Content: "8"}}})
	})
	if came := r.read(t); len(came) != 0 {
		t.Errorf("in the window there are %v", came)
	}
	if err := r.Env.Sleep(t.Context(), 8*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if came := r.read(t); len(came) != 2 || !strings.Contains(connectortest.Text(t, r.docs[c.ID+"/"+root.TS]), "Eight.") {
		t.Errorf("a week later there are %v", came)
	}
}

func TestFiles(t *testing.T) {
	r := newReader(t, "max_file_size", "1")
	hosted := &slacktest.File{Name: "plan.txt", Title: "The plan", Mimetype: "text/plain", Content: "Flamingos first."}
	snippet := &slacktest.File{Name: "x.sh", Mimetype: "text/plain", Mode: "snippet", Content: "echo heron"}
	large := &slacktest.File{Name: "film.zip", Mimetype: "application/zip", Size: 2 << 20, Content: "x"}
	var c *slacktest.Channel
	var root *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		ann := w.Person("ann@example.com").ID
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: ann, Subtype: "file_share", Files: []*slacktest.File{
			hosted, {Mode: "tombstone"}, {Mode: "hidden_by_limit"}, {Name: "cat.png", Mimetype: "image/png", Content: "x"},
			{Name: "doc", Mimetype: "text/html", Mode: "external", External: true, Content: "x"}, {Name: "canvas", Mimetype: "application/vnd.slack-docs", Mode: "canvas", Content: "x"},
		}})
		root = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(20)), User: ann, Text: "Look:"})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(20)), Thread: root.TS, User: ann, Files: []*slacktest.File{snippet, large}})
	})
	r.read(t)
	day, thread := c.ID+"/"+dayOf(ago(2)), c.ID+"/"+root.TS
	want := []string{day, thread, c.ID + "/" + hosted.ID, c.ID + "/" + snippet.ID, c.ID + "/" + large.ID}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(r.docs)); !slices.Equal(got, want) || !slices.Equal(r.listed(t), want) {
		t.Errorf("the documents are %v, listed %v, want %v", got, r.listed(t), want)
	}
	plan, script := r.docs[c.ID+"/"+hosted.ID], r.docs[c.ID+"/"+snippet.ID]
	if m := plan.Metadata; m.Parent != day || m.Title != "The plan" || m.Filename != "plan.txt" || m.MediaType != "text/plain" || m.Size != 16 || m.Author != "Ann Example" || plan.ACL == nil {
		t.Errorf("the file is %+v", plan)
	}
	if script.Metadata.Parent != thread || connectortest.Text(t, plan) != "Flamingos first." || connectortest.Text(t, script) != "echo heron" {
		t.Errorf("the files are %q and %q", connectortest.Text(t, plan), connectortest.Text(t, script))
	}
	if code := failure(t, r.docs[c.ID+"/"+large.ID].Err); code != "too_large" {
		t.Errorf("the large file is %s", code)
	}
	if !strings.Contains(connectortest.Text(t, r.docs[day]), "File: The plan") {
		t.Errorf("the message names no file: %s", connectortest.Text(t, r.docs[day]))
	}
	r.Withhold("files:read")
	if _, err := plan.Open(t.Context()); failure(t, err) != "unreadable" {
		t.Errorf("with a sign-in page instead, it fails with %v", err)
	}
	r.settings["files"] = "no"
	r.docs = map[string]connectors.Change{}
	r.read(t)
	if len(r.docs) != 2 || len(r.listed(t)) != 2 {
		t.Errorf("without files there are %v, listed %v", slices.Sorted(maps.Keys(r.docs)), r.listed(t))
	}
}

// TestHosts reads Slack at its own addresses: the token goes to slack.com and
// files.slack.com, and nowhere else.
func TestHosts(t *testing.T) {
	r := newReader(t)
	delete(r.settings, "url")
	r.Instead("slack.com", "files.slack.com")
	f := &slacktest.File{Name: "a.txt", Mimetype: "text/plain", Content: "Heron."}
	r.Change(func(w *slacktest.World) {
		w.Post(w.Channel("ops"), &slacktest.Message{User: w.Person("ann@example.com").ID, Files: []*slacktest.File{f}})
	})
	r.read(t)
	for id, c := range r.docs {
		if strings.HasSuffix(id, f.ID) && connectortest.Text(t, c) != "Heron." {
			t.Errorf("the file is %q", connectortest.Text(t, c))
		}
	}
	if len(r.docs) != 2 {
		t.Errorf("there are %d documents", len(r.docs))
	}
}

// TestElsewhere fetches no file from an address that is not one of Slack's.
func TestElsewhere(t *testing.T) {
	for _, address := range []string{"https://files.example.com/x", "http://169.254.169.254/latest", "https://ann@files.slack.com/x", "https://files.slack.com.example.com/x", "file:///etc/passwd", "/x", "user"} {
		r := newReader(t)
		f := &slacktest.File{Name: "a.txt", Mimetype: "text/plain", Content: "Heron.", URL: address}
		if address == "user" {
			f.URL = strings.Replace(r.URL, "http://", "http://ann@", 1) + "/files-pri/x"
		}
		r.Change(func(w *slacktest.World) {
			w.Post(w.Channel("ops"), &slacktest.Message{User: w.Person("ann@example.com").ID, Files: []*slacktest.File{f}})
		})
		r.read(t)
		for id, c := range r.docs {
			if strings.HasSuffix(id, f.ID) && failure(t, c.Err) != "unreadable" {
				t.Errorf("%s: %v", address, c.Err)
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	r := newReader(t)
	var c *slacktest.Channel
	var root *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		ann := w.Person("ann@example.com").ID
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(2)), User: ann, Malformed: true})
		w.Post(c, &slacktest.Message{TS: w.Stamp(ago(3)), User: ann, Text: "Fine."})
		root = w.Post(c, &slacktest.Message{TS: w.Stamp(ago(4)), User: ann, Text: "Also fine."})
		w.Post(c, &slacktest.Message{Thread: root.TS, User: ann, Malformed: true})
	})
	r.read(t)
	for id, code := range map[string]string{c.ID + "/" + dayOf(ago(2)): "unreadable", c.ID + "/" + root.TS: "unreadable"} {
		if got := failure(t, r.docs[id].Err); got != code {
			t.Errorf("%s fails with %s", id, got)
		}
	}
	if !strings.Contains(connectortest.Text(t, r.docs[c.ID+"/"+dayOf(ago(3))]), "Fine.") {
		t.Error("another day suffers from it")
	}
}

func TestChannelsComeAndGo(t *testing.T) {
	r := newReader(t, "skip_channels", "noise, #random")
	var c *slacktest.Channel
	r.Change(func(w *slacktest.World) {
		ann := w.Person("ann@example.com").ID
		for _, name := range []string{"ops", "noise", "random", "left"} {
			w.Post(w.Channel(name), &slacktest.Message{TS: w.Stamp(ago(90)), User: ann, Text: "In " + name})
		}
		w.Channel("left").Left = true
		c = w.Channel("ops")
	})
	id := c.ID + "/" + dayOf(ago(90))
	if came := r.read(t); !slices.Equal(came, []string{id}) {
		t.Fatalf("there are %v", came)
	}
	r.Change(func(*slacktest.World) { c.Left = true })
	if came := r.read(t); len(came) > 0 || len(r.listed(t)) > 0 {
		t.Errorf("without the bot, there are %v", came)
	}
	r.Change(func(*slacktest.World) { c.Left = false })
	if came := r.read(t); !slices.Equal(came, []string{id}) {
		t.Errorf("added again, it is not read from its beginning: %v", came)
	}
	r.Change(func(*slacktest.World) { c.Archived = true })
	if r.read(t); !slices.Equal(r.listed(t), []string{id}) {
		t.Errorf("archived, it has %v", r.listed(t))
	}
	r.settings["since"] = dayOf(ago(30))
	if came := r.read(t); len(came) > 0 || len(r.listed(t)) > 0 {
		t.Errorf("since a month ago there are %v", came)
	}
}

// TestGoesOn is killed in the middle of a long channel: the next run does not begin anew,
// and finds what changed meanwhile in what was read before.
func TestGoesOn(t *testing.T) {
	r := newReader(t, "window", "5")
	var c *slacktest.Channel
	var newest *slacktest.Message
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		for n := range 60 {
			m := w.Post(c, &slacktest.Message{TS: w.Stamp(ago(n)), User: w.Person("ann@example.com").ID, Text: "Said."})
			if n == 0 {
				newest = m
			}
		}
	})
	r.Faults.Heal()
	r.read(t)
	whole := r.Faults.Requests()
	r.cursor, r.docs = "", map[string]connectors.Change{}
	for change, err := range r.connect(t).Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if change.Cursor != "" {
			r.cursor = change.Cursor
		}
		if r.docs[change.External] = change; len(r.docs) == 50 {
			break
		}
	}
	r.Change(func(w *slacktest.World) { w.Edit(newest, "Said otherwise.") })
	r.Faults.Heal()
	r.read(t)
	delete(r.docs, "")
	if n := r.Faults.Requests(); n > whole/2 {
		t.Errorf("it takes %d requests, of %d for all", n, whole)
	}
	if len(r.docs) != 60 || !strings.Contains(connectortest.Text(t, r.docs[c.ID+"/"+dayOf(ago(0))]), "otherwise") {
		t.Errorf("there are %d documents", len(r.docs))
	}
}

// TestCancelled ends the context after each change: the reading must not pass for
// complete, also when no request was left.
func TestCancelled(t *testing.T) {
	r := newReader(t)
	r.SetPages(100)
	r.Put(t, "plan", "The plan", "Flamingos.")
	for after := 1; ; after++ {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var failed error
		for _, err := range r.connect(t).Changes(ctx, "") {
			failed = err
			if n++; n == after {
				cancel()
			}
		}
		cancel()
		if n < after {
			t.Fatal("it was never cancelled")
		}
		if failed == nil && n > after || failed == nil && after == 1 {
			t.Errorf("cancelled after %d of %d changes, it ended without an error", after, n)
		}
		if failed == nil {
			return // after the last one
		}
	}
}

// TestDeletions are found without a list: the last message of a day, and a file.
func TestDeletions(t *testing.T) {
	r := newReader(t)
	var c *slacktest.Channel
	var kept, gone *slacktest.Message
	file := &slacktest.File{Name: "a.txt", Mimetype: "text/plain", Content: "x"}
	r.Change(func(w *slacktest.World) {
		c = w.Channel("ops")
		ann := w.Person("ann@example.com").ID
		post := func(days int) *slacktest.Message {
			return w.Post(c, &slacktest.Message{TS: w.Stamp(ago(days)), User: ann, Text: "Said."})
		}
		kept, gone = post(5), post(4)
		post(29)
		post(1)
		kept.Files = []*slacktest.File{file}
		file.ID = "F1"
	})
	r.read(t)
	if len(r.docs) != 5 {
		t.Fatalf("there are %v", slices.Sorted(maps.Keys(r.docs)))
	}
	r.Change(func(*slacktest.World) {
		c.Delete(gone)
		file.Mode = "tombstone"
	})
	r.read(t)
	want := []string{c.ID + "/" + dayOf(ago(1)), c.ID + "/" + dayOf(ago(29)), c.ID + "/" + dayOf(ago(5))}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(r.docs)); !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	r.Change(func(*slacktest.World) { c.Messages = nil })
	if r.read(t); len(r.docs) > 0 {
		t.Errorf("in an empty channel there are %v", slices.Sorted(maps.Keys(r.docs)))
	}
}

// Channels that the app was not added to are not read; the run says how many. Archived
// ones, and those that the settings leave out, do not count.
func TestChannelsThatAreNotJoined(t *testing.T) {
	r := newReader(t, "skip_channels", "skipped")
	r.Change(func(w *slacktest.World) {
		w.Channel("general")
		for _, name := range []string{"one", "two", "old", "skipped"} {
			w.Channel(name).Left = true
		}
		w.Channel("old").Archived = true
	})
	var told []connectors.Warning
	r.Env.Warned = func(w connectors.Warning) { told = append(told, w) }
	r.read(t)
	if len(told) != 1 || told[0].Code != "channels_not_joined" || told[0].Count != 2 {
		t.Errorf("%+v", told)
	}
}
