package jira

import (
	"context"
	"iter"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
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
			if err != nil && !atlassian.IsMissing(err) {
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
		if s.cfg.Attachments {
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

// selected returns the projects that are to be read: see atlassian.Select.
func (s *Site) selected(ctx context.Context) ([]project, error) {
	return atlassian.Select(product, s.cfg.Settings, s.client.Host(), s.api.projects(ctx), func(p project) string { return p.Key }, s.cfg.reads)
}
