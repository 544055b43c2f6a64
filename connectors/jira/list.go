package jira

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// Externals implements connectors.Lister.
func (s *Site) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for l, err := range s.list(ctx, func(project) ([]string, error) { return []string{"created"}, nil }) {
			if !yield(l.external, err) || err != nil {
				return
			}
		}
	}
}

// Permissions implements connectors.Permissions: a listing with the fields that ACLs
// follow from. The ACL of an attachment is tentative: the comments that it may belong to
// are not read.
func (s *Site) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		fields := func(p project) ([]string, error) {
			a, err := s.readAccess(ctx, p)
			if err != nil {
				return nil, err
			}
			return a.fields(), nil
		}
		for l, err := range s.list(ctx, fields) {
			if err != nil {
				yield(connectors.Permission{}, err)
				return
			}
			p := connectors.Permission{External: l.external, Tentative: l.external != l.issue.ID}
			if acl, unknown := s.accesses[l.project.ID].acl(l.issue, s.who); unknown != nil {
				p.Err = untold(unknown)
			} else {
				p.ACL = &acl
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// listed is a document in a listing: an issue or an attachment of it.
type listed struct {
	external string
	project  project
	issue    issue // with the fields that were asked for
}

// list yields each document of the site once; fields names what is asked for of the issues
// of a project. It ends with an error when something may be missing.
func (s *Site) list(ctx context.Context, fields func(project) ([]string, error)) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		err := s.begin(ctx)
		var projects []project
		if err == nil {
			projects, err = s.selected(ctx)
		}
		seen := map[string]bool{}
		for _, p := range projects {
			if err != nil && !isMissing(err) {
				break
			}
			names, failed := fields(p)
			if failed != nil {
				err = failed
				break
			}
			for l, failed := range s.listProject(ctx, p, names) {
				if failed != nil {
					err = failed
					break
				}
				if !seen[l.external] && !yield(l, nil) {
					return
				}
				seen[l.external] = true
			}
		}
		if err != nil {
			yield(listed{}, err)
		}
	}
}

// listProject yields the documents of a project.
func (s *Site) listProject(ctx context.Context, p project, fields []string) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		q := query{project: p.ID, by: "created", fields: fields, size: idPage}
		if s.cfg.attachments {
			q.fields, q.size = append(q.fields, "attachment"), filePage
		}
		for page, err := range s.api.search(ctx, q, s.zone) {
			if err != nil {
				yield(listed{}, err)
				return
			}
			for _, i := range page {
				externals := []string{i.ID}
				for _, file := range s.attachmentsOf(i) {
					externals = append(externals, externalOf(file))
				}
				for _, external := range externals {
					if !yield(listed{external, p, i}, context.Cause(ctx)) || ctx.Err() != nil {
						return
					}
				}
			}
		}
	}
}

// missingProjects says that projects which were asked for are not there.
type missingProjects struct{ cause *connectors.Error }

// Error returns the message.
func (m *missingProjects) Error() string { return m.cause.Message }

// Unwrap returns the cause.
func (m *missingProjects) Unwrap() error { return m.cause }

// isMissing reports whether an error says no more than that projects are not there.
func isMissing(err error) bool {
	missing := (*missingProjects)(nil)
	return errors.As(err, &missing)
}

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
