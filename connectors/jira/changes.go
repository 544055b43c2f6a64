package jira

import (
	"context"
	"iter"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// Page sizes: of whole issues, of their ids with few other fields, and with attachments.
const (
	issuePage = 50
	idPage    = 1000
	filePage  = 250
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
		if failed != nil && !atlassian.IsMissing(failed) {
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
		case kept.all || kept.names[file.Filename]:
			c.Err = &connectors.DocumentError{Code: connectors.PermissionsNotUnderstood, Reason: "The attachment may belong to a comment that not all who see the issue may read."}
		case unknown != nil:
			c.Err = untold(unknown)
		case file.Size > s.cfg.MaxSize:
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
	return atlassian.PermissionsError("The permission scheme of the project or the security level of the issue could not be read or was not understood.", err)
}

// made changes when issues are made into other text than before, so that they are read
// again.
const made = "2"

// link is the address of an issue.
func (s *Site) link(i issue) string { return s.cfg.Web + "/browse/" + i.Key }

func title(i issue) string { return i.Key + ": " + value[string](i, "summary") }

func (s *Site) metadata(p project, i issue) connectors.Metadata {
	m := connectors.Metadata{
		Title: title(i), URL: s.link(i), MediaType: "text/html",
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
	m.Revision = value[string](i, "updated") + "-" + atlassian.Digest(s.cfg.content, m.Title, m.URL)
	return m
}

func attributes(p project) map[string]string {
	return map[string]string{"project": p.Key, "project_name": p.Name}
}
