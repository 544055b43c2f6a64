package jira

import (
	"context"
	"fmt"
)

// Test implements connectors.Tester: it asks for one of each thing that a run needs.
func (s *Site) Test(ctx context.Context) (string, error) {
	if err := s.begin(ctx); err != nil {
		return "", err
	}
	projects, err := s.selected(ctx)
	if err != nil {
		return "", err
	}
	who := s.account.DisplayName
	if len(projects) == 0 {
		return fmt.Sprintf("the credential is that of %s, who sees no project that the settings let be read", who), nil
	}
	p := projects[0]
	a, err := s.readAccess(ctx, p)
	if err != nil {
		return "", err
	}
	if a.unknown != nil {
		return "", a.unknown
	}
	hidden, err := s.hiddenAddresses(ctx)
	if err != nil {
		return "", err
	}
	q := query{project: p.ID, by: "updated", fields: s.wanted(a), size: 1}
	for _, err := range s.api.search(ctx, q, s.zone) {
		if err != nil {
			return "", err
		}
		break
	}
	found := fmt.Sprintf("the credential is that of %s and reads %d projects, such as %s", who, len(projects), p.Key)
	if len(a.browse.keys)+len(a.browse.fields) == 0 {
		found += "; nobody here may read that one: no group and no known address may browse it at the site"
	}
	if a.secured && len(a.levels) == 0 {
		found += "; who is in its security levels is not told: issues that have one are left out (docs/connectors/jira.md)"
	}
	return found + hidden, nil
}

// someMembers is how many people of a group are looked at.
const someMembers = 200

// hiddenAddresses looks at the first group that has members, and says how many of them
// are nobody here because their addresses are unknown; nothing when none is.
func (s *Site) hiddenAddresses(ctx context.Context) (string, error) {
	names, err := s.groupNames(ctx)
	if err != nil {
		return "", err
	}
	for g, err := range s.api.groups(ctx, names) {
		if err != nil {
			return "", err
		}
		seen, hidden := 0, 0
		for u, err := range s.api.members(ctx, g) {
			if err != nil {
				return "", err
			}
			if _, ok := s.who.user(u); !ok {
				hidden++
			}
			if seen++; seen == someMembers {
				break
			}
		}
		if hidden > 0 {
			return fmt.Sprintf("; of %d people in the group %s the addresses of %d are unknown, who are nobody here: see the setting people", seen, g.Name, hidden), nil
		}
		if seen > 0 {
			break
		}
	}
	return "", nil
}
