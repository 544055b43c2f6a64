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
	n := 0
	for m, err := range s.Members(ctx) {
		if err != nil {
			return "", err
		}
		if n++; m.Email != "" || n == 20 {
			break
		}
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
	return found, nil
}
