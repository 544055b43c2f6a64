package jira

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

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
