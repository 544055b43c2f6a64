// Package jira reads the issues, comments and attachments of a site of Jira, Cloud or
// Data Center.
//
// A run reads, project by project, the issues that were updated since the run before, as
// a search finds them. Who may read an issue is a conjunction: who has the permission
// BROWSE_PROJECTS in the project, and who is in the issue's security level or in the
// roles that it is restricted to. No issue is updated when those change: so each run reads
// them first, and where they are others than before, all issues of the project.
//
// What not all who see an issue may see is left out: comments with a visibility of their
// own, internal comments, what other issues are called, and attachments that may belong
// to such a comment.
package jira

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "jira".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:       "jira",
		ReadsACL:   true,
		Settings:   settingList(),
		PruneEvery: time.Hour,
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := parse(settings)
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			cfg, err := parse(settings)
			if err != nil {
				return nil, err
			}
			return open(env, cfg)
		},
	}
}

var (
	_ connectors.Lister    = (*Site)(nil)
	_ connectors.Directory = (*Site)(nil)
	_ connectors.Tester    = (*Site)(nil)
)

// Site is the connector.
type Site struct {
	cfg          settings
	client       *remote.Client
	api          api
	who          principals
	applications []applicationRole // nil: not asked yet

	// What begin finds out.
	begun        bool
	account      user
	zone         *time.Location    // of the account; nil: unknown
	texts        []string          // ids of custom fields that are read
	choices      []string          // those of them that are no texts
	headings     map[string]string // of fields that are texts, by id
	epics        []string          // ids of the fields that name the epic, Data Center
	restrictions bool              // issues can be restricted to roles
}

func open(env connectors.Environment, cfg settings) (*Site, error) {
	client, err := newClient(env, cfg)
	if err != nil {
		return nil, err
	}
	s := &Site{cfg: cfg, client: client, who: principals{addresses: cfg.people, everyone: cfg.everyone}}
	if cfg.cloud {
		s.api = newCloud(client)
	} else {
		s.api = newDataCenter(client, cfg.levels)
	}
	return s, nil
}

// begin asks for what a run needs to know of the site.
func (s *Site) begin(ctx context.Context) error {
	if s.begun {
		return nil
	}
	me, err := s.api.me(ctx)
	if err != nil {
		return err
	}
	all, err := s.api.fields(ctx)
	if err != nil {
		return err
	}
	s.account, s.zone = me, location(me.TimeZone)
	s.chooseFields(all)
	missing := maps.Clone(s.cfg.fields)
	for _, f := range all {
		delete(missing, f.Name)
	}
	if len(missing) > 0 {
		return &connectors.Error{
			Kind:    connectors.ErrNotFound,
			Message: "there are no custom fields of these names that the account sees: " + strings.Join(slices.Sorted(maps.Keys(missing)), ", ") + ". Correct the setting fields",
		}
	}
	s.begun = true
	return nil
}

// customText begins the kinds of custom fields that come with Jira.
const customText = "com.atlassian.jira.plugin.system.customfieldtypes:"

// chooseFields finds the fields that are read.
func (s *Site) chooseFields(all []field) {
	s.headings = map[string]string{"environment": "Environment"}
	for _, f := range all {
		isText := f.Schema.Custom == customText+"textfield" || f.Schema.Custom == customText+"textarea"
		switch {
		case f.ID == restrictionField:
			s.restrictions = true
		case f.Schema.Custom == "com.pyxis.greenhopper.jira:gh-epic-link":
			s.epics = append(s.epics, f.ID)
		case f.Custom && (s.cfg.fields[f.Name] || s.cfg.fields == nil && isText):
			s.texts = append(s.texts, f.ID)
			s.headings[f.ID] = f.Name
			if !isText {
				s.choices = append(s.choices, f.ID)
			}
		}
	}
	slices.Sort(s.texts)
}

// wanted are the fields that a reading asks for.
func (s *Site) wanted(a *access) []string {
	fields := []string{
		"summary", "description", "environment", "project", "created", "updated", "security", "parent", "subtasks", "issuelinks", "comment",
	}
	for _, f := range facts {
		fields = append(fields, f.field)
	}
	if s.cfg.attachments {
		fields = append(fields, "attachment")
	}
	fields = append(append(fields, s.texts...), s.epics...)
	if a.roles != nil {
		fields = append(fields, restrictionField)
	}
	for _, c := range append(slices.Collect(maps.Values(a.levels)), a.browse) {
		for name := range c.fields {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// Page sizes: of whole issues, and of their ids alone.
const (
	issuePage = 50
	idPage    = 1000
)

// Changes implements connectors.Connector: see the package and positions.
func (s *Site) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		fail := func(err error) { yield(connectors.Change{}, err) }
		if err := s.begin(ctx); err != nil {
			fail(err)
			return
		}
		projects, failed := s.selected(ctx)
		missing := (*missingProjects)(nil)
		if failed != nil && !errors.As(failed, &missing) {
			fail(failed)
			return
		}
		before := decode(since)
		now := positions{}
		for _, p := range projects {
			if at, ok := before[p.ID]; ok {
				now[p.ID] = at
			}
		}
		for _, p := range projects {
			if !s.walk(ctx, p, now, yield) {
				return
			}
		}
		if c := now.cursor(); len(projects) > 0 && c != since && !yield(connectors.Change{Op: connectors.Checkpoint, Cursor: c}, nil) {
			return
		}
		if failed != nil {
			fail(failed)
		}
	}
}

// walk yields what changed in a project, and notes how far it was read. It reports
// whether to go on.
func (s *Site) walk(ctx context.Context, p project, now positions, yield func(connectors.Change, error) bool) bool {
	a, err := s.readAccess(ctx, p)
	if err != nil {
		yield(connectors.Change{}, err)
		return false
	}
	at := now[p.ID]
	if at.Access != a.digest {
		at = position{Access: a.digest}
	}
	q := query{project: p.ID, by: "updated", since: at.since(), fields: s.wanted(a), size: issuePage}
	for page, err := range s.api.search(ctx, q, s.zone) {
		var changes []connectors.Change
		for _, i := range page {
			if err == nil {
				var some []connectors.Change
				some, err = s.changes(ctx, p, a, i)
				changes = append(changes, some...)
			}
			at = at.read(i.when("updated"))
		}
		if err != nil {
			yield(connectors.Change{}, err)
			return false
		}
		now[p.ID] = at
		for n, c := range changes {
			if n == len(changes)-1 {
				c.Cursor = now.cursor()
			}
			if err := context.Cause(ctx); err != nil {
				yield(connectors.Change{}, err)
				return false
			}
			if !yield(c, nil) {
				return false
			}
		}
	}
	now[p.ID] = at
	return true
}

// changes returns those of an issue and of its attachments. An error concerns the site.
func (s *Site) changes(ctx context.Context, p project, a *access, i issue) ([]connectors.Change, error) {
	acl, unknown := a.acl(i, s.who)
	c := connectors.Change{External: i.ID}
	if unknown != nil {
		c.Err = untold(unknown)
	} else {
		c.ACL, c.Metadata, c.Open = &acl, s.metadata(p, i), s.opener(p, i)
	}
	all := []connectors.Change{c}
	attached := s.attachmentsOf(i)
	if len(attached) == 0 {
		return all, nil
	}
	kept, err := s.kept(ctx, p, i)
	if err != nil {
		return nil, err
	}
	for _, file := range attached {
		c := connectors.Change{External: externalOf(file)}
		switch {
		case unknown != nil:
			c.Err = untold(unknown)
		case kept.all || kept.names[file.Filename]:
			c.Err = &connectors.DocumentError{Code: connectors.PermissionsUnknown, Reason: "The attachment may belong to a comment that not all who see the issue may read."}
		case file.Size > s.cfg.maxSize:
			c.Err = &connectors.DocumentError{Code: "too_large", Reason: "The attachment is larger than the setting max_attachment_size allows."}
		default:
			c.ACL, c.Metadata, c.Open = &acl, s.attachmentMetadata(p, i, file), s.attachmentOpener(file)
		}
		all = append(all, c)
	}
	return all, nil
}

// untold is the failure of a document whose readers are unknown.
func untold(err error) error {
	return &connectors.DocumentError{
		Code:   connectors.PermissionsUnknown,
		Reason: "The permission scheme of the project or the security level of the issue could not be read or was not understood.",
		Err:    err,
	}
}

// made changes when issues are made into other text than before, so that they are read
// again.
const made = "1"

func title(i issue) string { return i.Key + ": " + value[string](i, "summary") }

func (s *Site) metadata(p project, i issue) connectors.Metadata {
	m := connectors.Metadata{
		Title: title(i), URL: s.cfg.web + "/browse/" + i.Key, MediaType: "text/html",
		Created: i.when("created"), Modified: i.when("updated"), Attributes: attributes(p),
	}
	if reporter := value[*user](i, "reporter"); reporter != nil {
		m.Author = reporter.DisplayName
	}
	m.Attributes["key"] = i.Key
	for _, f := range facts {
		if texts := labels(i.Fields[f.field]); len(texts) > 0 {
			m.Attributes[f.attribute] = strings.Join(texts, ", ")
		}
	}
	m.Revision = value[string](i, "updated") + "-" + digest(s.cfg.digest, m.Title, m.URL)
	return m
}

func attributes(p project) map[string]string {
	return map[string]string{"project": p.Key, "project_name": p.Name}
}

// digest is a short name of texts.
func digest(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Externals implements connectors.Lister.
func (s *Site) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		fail := func(err error) { yield("", err) }
		if err := s.begin(ctx); err != nil {
			fail(err)
			return
		}
		projects, err := s.selected(ctx)
		if err != nil {
			fail(err)
			return
		}
		seen := map[string]bool{}
		for _, p := range projects {
			q := query{project: p.ID, by: "created", fields: []string{"created"}, size: idPage}
			if s.cfg.attachments {
				q.fields, q.size = append(q.fields, "attachment"), issuePage
			}
			for page, err := range s.api.search(ctx, q, s.zone) {
				if err != nil {
					fail(err)
					return
				}
				for _, external := range s.externals(page) {
					if err := context.Cause(ctx); err != nil {
						fail(err)
						return
					}
					if !seen[external] && !yield(external, nil) {
						return
					}
					seen[external] = true
				}
			}
		}
	}
}

// externals returns the ids of issues and of their attachments.
func (s *Site) externals(page []issue) []string {
	var all []string
	for _, i := range page {
		all = append(all, i.ID)
		for _, file := range s.attachmentsOf(i) {
			all = append(all, externalOf(file))
		}
	}
	return all
}

// missingProjects says that projects which were asked for are not there.
type missingProjects struct{ cause *connectors.Error }

// Error returns the message.
func (m *missingProjects) Error() string { return m.cause.Message }

// Unwrap returns the cause.
func (m *missingProjects) Unwrap() error { return m.cause }

// selected returns the projects that are to be read. The error is a missingProjects when
// all but those are among them.
func (s *Site) selected(ctx context.Context) ([]project, error) {
	var projects []project
	missing := maps.Clone(s.cfg.include)
	seen := map[string]bool{}
	for p, err := range s.api.projects(ctx) {
		if err != nil {
			return nil, err
		}
		if !seen[p.ID] && s.cfg.reads(p) {
			projects = append(projects, p)
		}
		seen[p.ID] = true
		delete(missing, p.Key)
	}
	switch {
	case len(seen) == 0:
		return nil, &connectors.Error{Kind: connectors.ErrForbidden, Message: s.client.Host() + " shows no project to the account: let it browse the projects that are to be read"}
	case len(missing) > 0:
		keys := strings.Join(slices.Sorted(maps.Keys(missing)), ", ")
		return projects, &missingProjects{&connectors.Error{
			Kind:    connectors.ErrNotFound,
			Message: "these projects do not exist, are archived, or the account may not browse them: " + keys + ". Their documents stay as they are. Let the account browse them, or take them out of the setting projects",
		}}
	}
	return projects, nil
}

// Members implements connectors.Directory. People without a known address are left out:
// they are nobody here.
func (s *Site) Members(ctx context.Context) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		names, err := s.groupNames(ctx)
		if err != nil {
			yield(connectors.Member{}, err)
			return
		}
		for g, err := range s.api.groups(ctx, names) {
			if err != nil {
				yield(connectors.Member{}, err)
				return
			}
			if !cairn.GroupKey("site", g.Name).Valid() {
				continue
			}
			if !yield(connectors.Member{Group: g.Name}, nil) {
				return
			}
			for u, err := range s.api.members(ctx, g) {
				if errors.Is(err, connectors.ErrNotFound) {
					break // it was removed meanwhile
				}
				if err != nil {
					yield(connectors.Member{}, err)
					return
				}
				if key, ok := s.who.user(u); ok && !yield(connectors.Member{Group: g.Name, Email: string(key[len("user:"):])}, nil) {
					return
				}
			}
		}
	}
}

// groupNames returns the names of the groups that may read something, where the site
// does not list its groups.
func (s *Site) groupNames(ctx context.Context) ([]string, error) {
	if s.cfg.cloud {
		return nil, nil
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	projects, err := s.selected(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range projects {
		a, err := s.readAccess(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, c := range append(slices.Collect(maps.Values(a.levels)), a.browse) {
			names = append(names, c.groupsOf()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
