package jira_test

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
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

// reader reads a site again and again, as its source does.
type reader struct {
	t        *testing.T
	site     *jiratest.Site
	remote   *connectortest.Remote
	settings map[string]string
	cursor   connectors.Cursor
}

func read(t *testing.T, site *jiratest.Site, settings map[string]string) *reader {
	t.Helper()
	r := serve(t, site)
	all := site.SettingsAt(r.URL)
	maps.Copy(all, settings)
	return &reader{t: t, site: site, remote: r, settings: all}
}

func (r *reader) connect() connectors.Connector {
	return connectortest.Open(r.t, jira.Kind(), r.remote.Env, r.settings)
}

// run returns what changed since the run before, by external id, and how it ended.
func (r *reader) run() (map[string]connectors.Change, error) {
	r.t.Helper()
	found := map[string]connectors.Change{}
	for c, err := range r.connect().Changes(r.t.Context(), r.cursor) {
		if err != nil {
			return found, err
		}
		if c.Op == connectors.Upsert {
			found[c.External] = c
		}
		if c.Cursor != "" {
			r.cursor = c.Cursor
		}
	}
	return found, nil
}

// must is run without an error.
func (r *reader) must() map[string]connectors.Change {
	r.t.Helper()
	found, err := r.run()
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// code returns the code of a document that failed.
func code(c connectors.Change) string {
	var failed *connectors.DocumentError
	errors.As(c.Err, &failed)
	if failed == nil {
		return ""
	}
	return failed.Code
}

// editions runs a test on a site of each edition.
func editions(t *testing.T, test func(t *testing.T, site *jiratest.Site)) {
	t.Run("Cloud", func(t *testing.T) { test(t, jiratest.New(t)) })
	t.Run("DataCenter", func(t *testing.T) { test(t, jiratest.NewDataCenter(t)) })
}

func TestIssue(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "epic", "A secret epic", "Epic.")
		site.Put(t, "fault", "Printer <burns>", "It burns & burns.")
		site.Put(t, "part", "A secret part", "Part.")
		site.Put(t, "other", "A secret neighbour", "Other.")
		site.Below("fault", "epic")
		site.Below("part", "fault")
		site.LinkTo("fault", "other")
		site.Assign("fault", "Bob")
		site.Fill("fault", jiratest.Criteria, jiratest.Plain("", "No smoke."))
		site.Fill("fault", jiratest.Customer, "Acme & Co")
		first := site.Comment("fault", "Bob", jiratest.Plain("", "First answer."))
		second := site.Comment("fault", "Cid", jiratest.Plain("", "Second answer."))
		c := read(t, site, nil).must()[site.ID("fault")]
		anchor := func(id string) string { return strings.TrimPrefix(site.CommentLink("fault", id), site.Link("fault")) }
		want := `<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>DOCS-2: Printer &lt;burns&gt;</title></head><body><main>
<ul>
<li>Key: DOCS-2</li>
<li>Type: Bug</li>
<li>Status: In Progress</li>
<li>Priority: High</li>
<li>Assignee: Bob Smith</li>
<li>Reporter: Ann Smith</li>
<li>Labels: urgent, printer</li>
<li>Components: Frontend</li>
<li>Fix versions: 2.0</li>
<li>Parent: DOCS-1</li>
<li>Subtasks: DOCS-3</li>
<li>blocks: DOCS-4</li>
</ul>
<h2>Details</h2><p>It burns &amp; burns.</p>
<h1>Acceptance criteria</h1>
<p>No smoke.</p>
<h1>Customer</h1>
<p>Acme &amp; Co</p>
<h1>Comments</h1>
<article><h2><a rel="bookmark" href="` + anchor(first) + `">Bob Smith, 2024-03-01</a></h2>
<p>First answer.</p></article>
<article><h2><a rel="bookmark" href="` + anchor(second) + `">Cid Smith, 2024-03-01</a></h2>
<p>Second answer.</p></article>

</main></body></html>
`
		if d := cmp.Diff(want, connectortest.Text(t, c)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		m := c.Metadata
		if m.Title != "DOCS-2: Printer <burns>" || m.Author != "Ann Smith" || !strings.HasSuffix(m.URL, "/browse/DOCS-2") || m.MediaType != "text/html" {
			t.Errorf("%+v", m)
		}
		attributes := map[string]string{
			"key": "DOCS-2", "project": "DOCS", "project_name": "Project DOCS", "type": "Bug", "status": "In Progress", "priority": "High",
			"assignee": "Bob Smith", "reporter": "Ann Smith", "labels": "urgent, printer", "components": "Frontend", "fix_versions": "2.0",
		}
		if d := cmp.Diff(attributes, m.Attributes); d != "" {
			t.Errorf("attributes (-want +got):\n%s", d)
		}
	})
}

func TestFields(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "fault", "Fault", "Text.")
		site.Fill("fault", jiratest.Criteria, jiratest.Plain("", "No smoke."))
		site.Fill("fault", jiratest.Team, map[string]any{"id": "1", "value": "Hardware", "child": map[string]any{"value": "Printers"}})
		for _, tt := range []struct{ fields, has, hasNot string }{
			{"", "No smoke.", "Hardware"}, {"off", "Details", "No smoke."}, {"Team", "<h1>Team</h1>\n<p>Hardware, Printers</p>", "No smoke."},
		} {
			got := connectortest.Text(t, read(t, site, map[string]string{"fields": tt.fields}).must()[site.ID("fault")])
			if !strings.Contains(got, tt.has) || strings.Contains(got, tt.hasNot) {
				t.Errorf("fields %q: %s", tt.fields, got)
			}
		}
		_, err := read(t, site, map[string]string{"fields": "Team, Teem"}).run()
		if !errors.Is(err, connectors.ErrNotFound) || !strings.Contains(err.Error(), "Teem") {
			t.Errorf("a field that is not there: %v", err)
		}
	})
}

func TestComments(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Project("HELP", "service_desk")
		site.Browse("HELP", jiratest.Holder{Type: "group", Parameter: "staff"})
		site.Put(t, "fault", "Fault", "Text.")
		site.PutIn(t, "HELP", "ticket", "Ticket", jiratest.Plain("", "Text."))
		var ids []string
		for _, name := range []string{"fault", "ticket"} {
			for _, said := range []string{"One.", "Two.", "Three.", "Four.", "Five."} {
				ids = append(ids, site.Comment(name, "Bob", jiratest.Plain("", said)))
			}
			site.Restricted(name, "group", "eng", jiratest.Plain("", "For eng alone."))
			site.Restricted(name, "role", "Administrators", jiratest.Plain("", "For administrators alone."))
		}
		site.Internal("ticket", jiratest.Plain("", "The customer is wrong."))
		r := read(t, site, nil)
		before := r.must()
		for _, name := range []string{"fault", "ticket"} {
			got := connectortest.Text(t, before[site.ID(name)])
			if at := order(got, "One.", "Two.", "Three.", "Four.", "Five."); at != "" {
				t.Errorf("%s: %s is missing or in another place:\n%s", name, at, got)
			}
			if strings.Contains(got, "alone") || strings.Contains(got, "wrong") {
				t.Errorf("%s has comments that not all may read:\n%s", name, got)
			}
		}
		if got := connectortest.Text(t, read(t, site, map[string]string{"internal_comments": "on"}).must()[site.ID("ticket")]); !strings.Contains(got, "wrong") || strings.Contains(got, "alone") {
			t.Errorf("with internal comments:\n%s", got)
		}
		if got := connectortest.Text(t, read(t, site, map[string]string{"comments": "off"}).must()[site.ID("ticket")]); strings.Contains(got, "One.") {
			t.Errorf("without comments:\n%s", got)
		}

		if r.settings["edition"] == "datacenter" {
			site.Hide("properties")
			if got := connectortest.Text(t, read(t, site, nil).must()[site.ID("ticket")]); strings.Contains(got, "One.") {
				t.Errorf("comments of a service project of which it is not told whether they are internal:\n%s", got)
			}
			site.Show("properties")
		}

		edited := jiratest.Plain("", "Changed.")
		site.EditComment("fault", ids[1], &edited)
		site.EditComment("fault", ids[0], nil)
		after := r.must()[site.ID("fault")]
		if after.Metadata.Revision == before[site.ID("fault")].Metadata.Revision {
			t.Error("comments changed, the revision did not")
		}
		if got := connectortest.Text(t, after); !strings.Contains(got, "Changed.") || strings.Contains(got, "Two.") || strings.Contains(got, "One.") {
			t.Errorf("after an edit and a deletion:\n%s", got)
		}
	})
}

// order returns the first text that does not come behind the one before it.
func order(in string, texts ...string) string {
	for _, s := range texts {
		_, rest, ok := strings.Cut(in, s)
		if !ok {
			return s
		}
		in = rest
	}
	return ""
}

func TestAttachments(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "fault", "Fault", "Text.")
		log := site.Attach("fault", "print log.txt", "text/plain", "PC LOAD LETTER")
		image := site.Attach("fault", "fire.png", "image/png", "PNG")
		big := site.Attach("fault", "big.txt", "text/plain", strings.Repeat("x", 2000))
		r := read(t, site, map[string]string{"max_attachment_size": "1kB"})
		found := r.must()
		c := found["attachment-"+log]
		if got := connectortest.Text(t, c); got != "PC LOAD LETTER" {
			t.Errorf("the attachment is %q", got)
		}
		issue := found[site.ID("fault")]
		if d := cmp.Diff(issue.ACL, c.ACL); d != "" || c.Metadata.Parent != issue.External {
			t.Errorf("it belongs to %q, (-issue +attachment):\n%s", c.Metadata.Parent, d)
		}
		if !strings.HasSuffix(c.Metadata.URL, "/secure/attachment/"+log+"/print%20log.txt") {
			t.Errorf("its address is %s", c.Metadata.URL)
		}
		if _, ok := found["attachment-"+image]; ok {
			t.Error("an image is read")
		}
		if got := code(found["attachment-"+big]); got != "too_large" {
			t.Errorf("the large one: %q", got)
		}
		site.Hide(log)
		body, err := c.Open(t.Context())
		if refused := (*connectors.DocumentError)(nil); !errors.As(err, &refused) || body != nil {
			t.Errorf("a file that the account may not see: %v", err)
		}
		site.Detach("fault", log)
		if listed := connectortest.List(t, r.connect()); slices.Contains(listed, "attachment-"+log) || !slices.Contains(listed, "attachment-"+big) {
			t.Errorf("after one was removed, there are %v", listed)
		}
		if n := len(read(t, site, map[string]string{"attachments": "off"}).must()); n != 1 {
			t.Errorf("without attachments there are %d documents", n)
		}
	})
}

// TestKeptAttachments attaches files to comments that not all may read: they, and where
// nobody knows which they are, all files of the issue are kept from everybody.
func TestKeptAttachments(t *testing.T) {
	media := func(alt string) jiratest.Text {
		return jiratest.Text{
			ADF:  []byte(`{"type":"doc","version":1,"content":[{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"file","id":"x","alt":"` + alt + `"}}]}]}`),
			Wiki: "!" + alt + "|thumbnail!", HTML: "<img>",
		}
	}
	editions(t, func(t *testing.T, site *jiratest.Site) {
		files := map[string][2]string{}
		for _, name := range []string{"open", "named", "unnamed", "late"} {
			site.Put(t, name, name, "Text.")
			files[name] = [2]string{site.Attach(name, "secret.txt", "text/plain", "s"), site.Attach(name, "plain.txt", "text/plain", "p")}
		}
		site.Comment("open", "Bob", media("secret.txt"))
		site.Restricted("open", "group", "eng", jiratest.Plain("", "No file! Done."))
		site.Restricted("named", "group", "eng", media("secret.txt"))
		site.Restricted("unnamed", "group", "eng", media("another name"))
		for range 4 {
			site.Comment("late", "Bob", jiratest.Plain("", "And"))
		}
		site.Restricted("late", "group", "eng", media("who knows"))
		found := read(t, site, nil).must()
		for name, want := range map[string][2]bool{"open": {true, true}, "named": {false, true}, "unnamed": {false, false}, "late": {false, false}} {
			for n, id := range files[name] {
				c := found["attachment-"+id]
				if (c.Err == nil) != want[n] || !want[n] && code(c) != connectors.PermissionsNotUnderstood {
					t.Errorf("%s, file %d: %v", name, n, c.Err)
				}
			}
			if found[site.ID(name)].Err != nil {
				t.Errorf("%s: %v", name, found[site.ID(name)].Err)
			}
		}
		for p, err := range read(t, site, nil).connect().(connectors.Permissions).Permissions(t.Context()) {
			if attached := strings.HasPrefix(p.External, "attachment-"); err != nil || p.Err != nil || p.ACL == nil || p.Tentative != attached {
				t.Errorf("the permission %+v, %v", p, err)
			}
		}
	})
}

// TestUntoldComments reads an issue whose further comments the site keeps back: neither
// it nor its attachments are read.
func TestUntoldComments(t *testing.T) {
	site := jiratest.New(t)
	site.Put(t, "fault", "Fault", "Text.")
	file := site.Attach("fault", "a.txt", "text/plain", "a")
	for range 3 {
		site.Comment("fault", "Bob", jiratest.Plain("", "And"))
	}
	site.Hide("comments")
	found := read(t, site, nil).must()
	if got := code(found["attachment-"+file]); got != connectors.PermissionsNotUnderstood {
		t.Errorf("the attachment: %q", got)
	}
	_, err := found[site.ID("fault")].Open(t.Context())
	if failed := (*connectors.DocumentError)(nil); !errors.As(err, &failed) || failed.Code != "unreadable" {
		t.Errorf("the issue: %v", err)
	}
}

func TestProjects(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		for _, key := range []string{"OPS", "HR"} {
			site.Project(key, "software")
			site.Browse(key, jiratest.Holder{Type: "group", Parameter: "staff"})
			site.PutIn(t, key, key, "In "+key, jiratest.Plain("", "Text."))
		}
		site.Put(t, "doc", "In DOCS", "Text.")
		for _, tt := range []struct {
			settings map[string]string
			want     []string
		}{
			{nil, []string{"doc", "OPS", "HR"}},
			{map[string]string{"projects": "OPS, HR"}, []string{"OPS", "HR"}},
			{map[string]string{"exclude_projects": "HR"}, []string{"doc", "OPS"}},
		} {
			r := read(t, site, tt.settings)
			var want []string
			for _, name := range tt.want {
				want = append(want, site.ID(name))
			}
			slices.Sort(want)
			if d := cmp.Diff(want, slices.Sorted(maps.Keys(r.must()))); d != "" {
				t.Errorf("%v (-want +got):\n%s", tt.settings, d)
			}
			if d := cmp.Diff(want, connectortest.List(t, r.connect())); d != "" {
				t.Errorf("%v, listed (-want +got):\n%s", tt.settings, d)
			}
		}

		r := read(t, site, map[string]string{"projects": "OPS, HR"})
		r.must()
		ops := site.ID("OPS")
		site.Unproject("HR")
		site.Touch("OPS")
		found, err := r.run()
		if !errors.Is(err, connectors.ErrNotFound) || !strings.Contains(err.Error(), "HR") || found[ops].Open == nil {
			t.Errorf("of a project that is missing: %v, with %d changes", err, len(found))
		}
		var listed []string
		var external string
		for external, err = range r.connect().(connectors.Lister).Externals(t.Context()) {
			if err == nil {
				listed = append(listed, external)
			}
		}
		if !errors.Is(err, connectors.ErrNotFound) || !slices.Equal(listed, []string{ops}) {
			t.Errorf("without a project that is to be read, %v are listed, and then %v", listed, err)
		}
		for _, key := range []string{"OPS", "DOCS"} {
			site.Unproject(key)
		}
		if _, err := read(t, site, nil).run(); !errors.Is(err, connectors.ErrForbidden) {
			t.Errorf("an account that sees nothing: %v", err)
		}
	})
}

// TestGone brings back a project that the account did not see for a while.
func TestGone(t *testing.T) {
	site := jiratest.New(t)
	site.Project("OPS", "software")
	site.Browse("OPS", jiratest.Holder{Type: "group", Parameter: "staff"})
	site.Put(t, "doc", "In DOCS", "Text.")
	site.PutIn(t, "OPS", "ops", "In OPS", jiratest.Plain("", "Text."))
	site.Wait(time.Hour)
	site.PutIn(t, "OPS", "ops2", "Also in OPS", jiratest.Plain("", "Text."))
	r := read(t, site, nil)
	r.must()
	r.settings["exclude_projects"] = "OPS"
	r.must()
	delete(r.settings, "exclude_projects")
	if found := r.must(); found[site.ID("ops")].Open == nil {
		t.Errorf("back again, there is %v", found)
	}
}

func TestMembers(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.User("Dan", "")
		site.Group("staff", "Ann", "Bob", "Cid", "Dan")
		// A group that is gone is not one without members.
		site.Browse("DOCS", jiratest.Holder{Type: "group", Parameter: "staff"}, jiratest.Holder{Type: "group", Parameter: "ghosts"})
		r := read(t, site, nil)
		cloud := r.settings["edition"] == "cloud"
		account := "Dan"
		if !cloud {
			account = "name-Dan"
		}
		r.settings["people"] = account + "=dan@example.com"
		want := map[string][]string{"staff": {"", "ann@example.com", "bob@example.com", "cid@example.com", "dan@example.com"}}
		if cloud {
			want["eng"], want["ops"] = []string{"", "ann@example.com"}, []string{""}
		}
		got := map[string][]string{}
		for m, err := range r.connect().(connectors.Directory).Members(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[m.Group] = append(got[m.Group], m.Email)
		}
		for _, members := range got {
			slices.Sort(members)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		site.Demote()
		var failed error
		for _, failed = range r.connect().(connectors.Directory).Members(context.Background()) {
			continue
		}
		if !errors.Is(failed, connectors.ErrForbidden) {
			t.Errorf("an account that may not list members: %v", failed)
		}
	})
}
