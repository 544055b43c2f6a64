package jira

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

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
			if !s.membersOf(ctx, g, yield) {
				return
			}
		}
	}
}

// membersOf yields a group and who is in it, and reports whether there was no error and
// more is wanted. A group that is not there, or not any more, is not named.
func (s *Site) membersOf(ctx context.Context, g group, yield func(connectors.Member, error) bool) bool {
	named := false
	name := func() bool {
		named = named || yield(connectors.Member{Group: g.Name}, nil)
		return named
	}
	for u, err := range s.api.members(ctx, g) {
		if errors.Is(err, connectors.ErrNotFound) && !named {
			return true
		}
		if err != nil {
			yield(connectors.Member{}, err)
			return false
		}
		if !name() {
			return false
		}
		if key, ok := s.who.user(u); ok && !yield(connectors.Member{Group: g.Name, Email: string(key[len("user:"):])}, nil) {
			return false
		}
	}
	return name()
}

// groupNames returns the names of the groups that may read something, where the site
// does not list its groups.
func (s *Site) groupNames(ctx context.Context) ([]string, error) {
	if s.cfg.Cloud {
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
