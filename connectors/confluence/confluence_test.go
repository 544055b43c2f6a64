package confluence_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
)

// place is a site with a source that reads it.
type place struct {
	*confluencetest.Site
	remote   *connectortest.Remote
	settings map[string]string
}

func newPlace(t *testing.T, site *confluencetest.Site, settings ...string) *place {
	t.Helper()
	r := serve(t, site)
	p := &place{Site: site, remote: r, settings: site.SettingsAt(r.URL)}
	for i := 0; i < len(settings); i += 2 {
		p.settings[settings[i]] = settings[i+1]
	}
	return p
}

// editions runs a test on a site of each edition.
func editions(t *testing.T, test func(t *testing.T, p *place)) {
	t.Run("Cloud", func(t *testing.T) { test(t, newPlace(t, confluencetest.New(t))) })
	t.Run("DataCenter", func(t *testing.T) { test(t, newPlace(t, confluencetest.NewDataCenter(t))) })
}

func (p *place) connect(t *testing.T) connectors.Connector {
	t.Helper()
	return connectortest.Open(t, confluence.Kind(), p.remote.Env, p.settings)
}

// read returns the changes of a run, by external id.
func (p *place) read(t *testing.T) (map[string]connectors.Change, error) {
	t.Helper()
	changes := map[string]connectors.Change{}
	for c, err := range p.connect(t).Changes(t.Context(), "") {
		if err != nil {
			return changes, err
		}
		if _, twice := changes[c.External]; twice {
			t.Errorf("%s comes twice", c.External)
		}
		changes[c.External] = c
	}
	return changes, nil
}

// one returns the change of one document.
func (p *place) one(t *testing.T, name string) connectors.Change {
	t.Helper()
	changes, err := p.read(t)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := changes[p.ID(name)]
	if !ok {
		t.Fatalf("%s is not read: %v", name, slices.Sorted(maps.Keys(changes)))
	}
	return c
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestAttachments(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.settings["max_attachment_size"] = "1KB"
		p.Put(t, "page", "page", "x")
		p.Attach("page", "my notes.md", "application/octet-stream", "# Notes")
		p.Attach("page", "map.png", "image/png", "png")
		p.Attach("page", "big.txt", "text/plain", strings.Repeat("x", 2000))
		changes := must(p.read(t))
		c := changes[p.ID("page/my notes.md")]
		if got := connectortest.Text(t, c); got != "# Notes" {
			t.Errorf("the attachment is %q", got)
		}
		if m := c.Metadata; m.Parent != p.ID("page") || m.Filename != "my notes.md" || m.Author != "Ann Smith" || m.Size != 7 || !strings.Contains(m.URL, p.ID("page")) {
			t.Errorf("%+v", m)
		}
		if _, there := changes[p.ID("page/map.png")]; there {
			t.Error("an image is read")
		}
		var large *connectors.DocumentError
		if !errors.As(changes[p.ID("page/big.txt")].Err, &large) || large.Code != "too_large" {
			t.Errorf("a large attachment: %+v", changes[p.ID("page/big.txt")])
		}
		p.Attach("page", "my notes.md", "text/plain", strings.Repeat("y", 2000)) // after it was listed
		if _, err := c.Open(t.Context()); !errors.As(err, &large) || large.Code != "too_large" {
			t.Errorf("an attachment that has grown: %v", err)
		}
		p.Attach("page", "my notes.md", "text/markdown", "# Other")
		again := p.one(t, "page/my notes.md")
		if again.Metadata.Revision == c.Metadata.Revision || connectortest.Text(t, again) != "# Other" {
			t.Error("the new version is not read")
		}
		p.settings["attachment_types"] = "image/*"
		if changes = must(p.read(t)); changes[p.ID("page/map.png")].Open == nil {
			t.Error("an image that is asked for is not read")
		}
		p.settings["attachments"] = "off"
		if changes = must(p.read(t)); len(changes) != 1 || changes[p.ID("page")].Open == nil {
			t.Errorf("without attachments there are %d documents", len(changes))
		}
	})
}

func TestComments(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.Put(t, "page", "page", "x")
		before := p.one(t, "page")
		p.Comment("first", "page", "", "", `<p>Why <ac:link><ri:user ri:account-id="Cid" ri:userkey="Cid" /></ac:link>?</p>`)
		p.Comment("answer", "page", "first", "", "<p>Because.</p>")
		p.Comment("second", "page", "", "", "<h1>Head</h1>")
		p.Comment("third", "page", "", "a quote", "<p>On it.</p>")
		c := p.one(t, "page")
		if c.Metadata.Revision == before.Metadata.Revision {
			t.Error("new comments do not change the revision")
		}
		extracted, err := markup.HTML([]byte(connectortest.Text(t, c)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		for _, s := range extracted.Sections {
			at[s.Link(c.Metadata.URL)] += string(extracted.Body[s.Start:s.End])
		}
		for name, want := range map[string]string{"first": "Why @Cid Smith?", "answer": "Because.", "second": "# Head", "third": "a quote"} {
			host := strings.TrimSuffix(c.Metadata.URL, p.Link("page"))
			if got := at[host+p.CommentLink("page", name)]; !strings.Contains(got, want) {
				t.Errorf("the comment %s is %q", name, got)
			}
		}
		whole := string(extracted.Body)
		if strings.Index(whole, "Because.") < strings.Index(whole, "Why") || strings.Index(whole, "Because.") > strings.Index(whole, "Head") {
			t.Errorf("the answer is not behind its question:\n%s", whole)
		}
		for i, change := range []func(){
			func() { p.Comment("answer", "page", "first", "", "<p>Really.</p>") },
			func() { p.Remove(t, "second") },
		} {
			change()
			after := p.one(t, "page")
			if after.Metadata.Revision == c.Metadata.Revision {
				t.Errorf("change %d of comments does not change the revision", i)
			}
			c = after
		}
		if got := connectortest.Text(t, c); !strings.Contains(got, "Really.") || strings.Contains(got, "Head") {
			t.Errorf("the comments are not those of now: %s", got)
		}
		p.settings["comments"] = "off"
		if got := connectortest.Text(t, p.one(t, "page")); strings.Contains(got, "Comments") {
			t.Errorf("comments are read: %s", got)
		}
	})
}

func TestPage(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.PutBody("page", "My Page", "<h2>Set up</h2><p>text</p>")
		p.Post("post", "News", "posted")
		c := p.one(t, "page")
		m := c.Metadata
		if m.Title != "My Page" || m.Author != "Ann Smith" || m.Attributes["space"] != "DOCS" || m.Attributes["type"] != "page" || m.Created.IsZero() || m.Modified.IsZero() {
			t.Errorf("%+v", m)
		}
		if want := p.remote.URL + p.Link("page"); m.URL != want {
			t.Errorf("the address is %s, not %s", m.URL, want)
		}
		anchor := `id="Set-up"`
		if strings.Contains(m.URL, "/confluence/") {
			anchor = `id="MyPage-Setup"`
		}
		if got := connectortest.Text(t, c); !strings.Contains(got, anchor) || !strings.Contains(got, "text") {
			t.Errorf("%s", got)
		}
		if post := p.one(t, "post"); post.Metadata.Attributes["type"] != "blogpost" || !strings.Contains(connectortest.Text(t, post), "posted") {
			t.Errorf("%+v", post.Metadata)
		}
	})
}

func TestSpaces(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.Put(t, "page", "page", "x")
		p.Space("~ann", true)
		p.Space("OPS", false)
		p.PutIn("OPS", "ops", "ops", "x")
		p.PutIn("~ann", "own", "own", "x")
		for _, tt := range []struct {
			settings []string
			want     []string
		}{
			{nil, []string{"ops", "page"}},
			{[]string{"personal_spaces", "on"}, []string{"ops", "own", "page"}},
			{[]string{"spaces", "~ann, DOCS"}, []string{"own", "page"}},
			{[]string{"exclude_spaces", "DOCS"}, []string{"ops"}},
		} {
			q := *p
			q.settings = maps.Clone(p.settings)
			for i := 0; i < len(tt.settings); i += 2 {
				q.settings[tt.settings[i]] = tt.settings[i+1]
			}
			var got []string
			for id := range must(q.read(t)) {
				for _, name := range []string{"page", "ops", "own"} {
					if id == p.ID(name) {
						got = append(got, name)
					}
				}
			}
			if slices.Sort(got); !slices.Equal(got, tt.want) {
				t.Errorf("%v: %v, want %v", tt.settings, got, tt.want)
			}
		}
		p.settings["spaces"] = "DOCS,GONE"
		changes, err := p.read(t)
		if !errors.Is(err, connectors.ErrNotFound) || !strings.Contains(err.Error(), "GONE") || len(changes) != 1 {
			t.Errorf("with a space that is not there, %d documents and %v", len(changes), err)
		}
		complete := true
		for _, err := range p.connect(t).(connectors.Lister).Externals(t.Context()) {
			complete = err == nil
		}
		if complete {
			t.Error("with a space that is not there, the list passes for complete")
		}
	})
}

func TestTest(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.Put(t, "page", "page", "x")
		got, err := p.connect(t).(connectors.Tester).Test(t.Context())
		if want := "the credential is that of Bot Smith and reads 1 spaces, such as DOCS"; err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
		p.User("Zoe", "")
		p.Group("eng", "Ann", "Zoe")
		got, err = p.connect(t).(connectors.Tester).Test(t.Context())
		if want := "of 2 people in the group eng the addresses of 1 are unknown"; err != nil || !strings.Contains(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestNoAdministrator(t *testing.T) {
	p := newPlace(t, confluencetest.NewDataCenter(t))
	p.Put(t, "page", "page", "x")
	p.Demote()
	_, err := p.connect(t).(connectors.Tester).Test(t.Context())
	if !errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), "administrator") {
		t.Errorf("%v", err)
	}
	if changes, err := p.read(t); err == nil || len(changes) > 0 {
		t.Errorf("%d documents and %v", len(changes), err)
	}
}

func TestOAuth(t *testing.T) {
	site := confluencetest.New(t)
	site.OAuth()
	p := newPlace(t, site)
	p.Put(t, "page", "page", "x")
	p.Attach("page", "a.txt", "text/plain", "attached")
	if got := connectortest.Text(t, p.one(t, "page/a.txt")); got != "attached" {
		t.Errorf("%q", got)
	}
	stored, err := p.remote.Secrets.Secret(context.Background(), "refresh_token")
	if err != nil || stored.Reveal() != site.Secrets()["refresh_token"] || stored.Reveal() == "refresh-0" {
		t.Errorf("the refresh token that is stored is not the newest: %v", err)
	}

	without := confluencetest.New(t)
	without.OAuth("read:comment:confluence")
	q := newPlace(t, without)
	q.Put(t, "page", "page", "x")
	if _, err := q.connect(t).(connectors.Tester).Test(t.Context()); !errors.Is(err, connectors.ErrForbidden) || !strings.Contains(err.Error(), "scope") {
		t.Errorf("without a scope: %v", err)
	}
}

func TestSettings(t *testing.T) {
	const cloud = "https://acme.atlassian.net"
	for _, tt := range []struct {
		want     string // in the error; empty: none
		settings []string
	}{
		{"", []string{"url", cloud, "email", "a@b.c"}},
		{"", []string{"url", cloud + "/wiki/", "email", "a@b.c", "cloud_id", "x"}},
		{"", []string{"url", cloud, "client_id", "c", "cloud_id", "x"}},
		{"", []string{"url", "https://wiki.example.com/confluence"}},
		{"", []string{"url", "https://wiki.example.com", "edition", "cloud", "email", "a@b.c"}},
		{"url", []string{"url", "wiki.example.com"}},
		{"url", []string{"url", cloud + "/wiki/spaces/X", "email", "a@b.c"}},
		{"edition", []string{"url", cloud, "edition", "server"}},
		{"email", []string{"url", cloud}},
		{"email", []string{"url", cloud, "email", "a@b.c", "client_id", "c", "cloud_id", "x"}},
		{"cloud_id", []string{"url", cloud, "client_id", "c"}},
		{"personal access token", []string{"url", "https://wiki.example.com", "email", "a@b.c"}},
		{"personal_spaces", []string{"url", "https://wiki.example.com", "personal_spaces", "yes"}},
		{"max_attachment_size", []string{"url", "https://wiki.example.com", "max_attachment_size", "huge"}},
		{"people", []string{"url", "https://wiki.example.com", "people", "ann"}},
		{"exclude_spaces", []string{"url", "https://wiki.example.com", "spaces", "A,B", "exclude_spaces", "B"}},
		{"no setting", []string{"url", "https://wiki.example.com", "colour", "red"}},
	} {
		settings := map[string]string{}
		for i := 0; i < len(tt.settings); i += 2 {
			settings[tt.settings[i]] = tt.settings[i+1]
		}
		err := confluence.Kind().Validate(connectors.Environment{}, settings)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v: %v", tt.settings, err)
		}
	}
}
