package confluence

import (
	"context"
	"fmt"

	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// Test implements connectors.Tester: it asks for one of each thing that a run needs.
func (s *Site) Test(ctx context.Context) (string, error) {
	me, err := s.api.me(ctx)
	if err != nil {
		return "", err
	}
	spaces, err := s.selected(ctx)
	if err != nil {
		return "", err
	}
	if len(spaces) == 0 {
		return fmt.Sprintf("the credential is that of %s, who sees no space that the settings let be read", me), nil
	}
	viewers, err := s.api.viewers(ctx, spaces[0])
	if err != nil {
		return "", err
	}
	hidden, err := s.hiddenAddresses(ctx)
	if err != nil {
		return "", err
	}
	if err := s.api.probe(ctx, want{attachments: s.cfg.Attachments, comments: s.cfg.Comments}); err != nil {
		return "", err
	}
	if err := s.testPage(ctx, spaces[0]); err != nil {
		return "", err
	}
	found := fmt.Sprintf("the credential is that of %s and reads %d spaces, such as %s", me, len(spaces), spaces[0].key)
	if len(viewers) == 0 {
		found += "; nobody here may read that one: no group and no known address may view it at the site"
	}
	return found + hidden, nil
}

// someMembers is how many people of a group are looked at.
const someMembers = 200

// hiddenAddresses looks at the first group that has members, and says how many of them
// are nobody here because their addresses are unknown; nothing when none is.
func (s *Site) hiddenAddresses(ctx context.Context) (string, error) {
	who := principals{atlassian.People{Addresses: s.cfg.People}}
	for g, err := range s.api.groups(ctx) {
		if err != nil {
			return "", err
		}
		seen, hidden := 0, 0
		for p, err := range s.api.members(ctx, g) {
			if err != nil {
				return "", err
			}
			if _, ok := who.user(p); !ok {
				hidden++
			}
			if seen++; seen == someMembers {
				break
			}
		}
		if hidden > 0 {
			return fmt.Sprintf("; of %d people in the group %s the addresses of %d are unknown, who are nobody here: see the setting people", seen, g.name, hidden), nil
		}
		if seen > 0 {
			break
		}
	}
	return "", nil
}

// testPage reads the first page of a space, with its restrictions.
func (s *Site) testPage(ctx context.Context, sp space) error {
	list, err := s.api.list(ctx, want{})
	if err != nil {
		return err
	}
	for p, err := range list.pages(ctx, sp) {
		if err != nil {
			return err
		}
		if _, err := s.api.readers(ctx, p.id); err != nil {
			return err
		}
		_, err := s.api.body(ctx, p)
		return err
	}
	return nil
}
