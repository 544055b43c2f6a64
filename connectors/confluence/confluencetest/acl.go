package confluencetest

import (
	"github.com/cairnhq/cairn"
)

// ACL returns who may read something, with groups of the site as their connector names
// them.
func (s *Site) ACL(name string) cairn.ACL {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	if c.kind == "attachment" {
		c = s.contents[c.parent]
	}
	sp := s.spaces[c.space]
	viewers := s.keys(append(append([]string{}, sp.users...), sp.roleUsers...), sp.groups)
	if sp.anonymous {
		viewers = append(viewers, cairn.Everyone)
	}
	for _, class := range sp.access {
		if class == "anonymous-users" {
			viewers = append(viewers, cairn.Everyone)
		}
	}
	acl := cairn.ACL{Allow: [][]cairn.PrincipalKey{viewers}}
	for ; c != nil; c = s.contents[c.parent] {
		if len(c.users)+len(c.groups) > 0 {
			acl.Allow = append(acl.Allow, s.keys(c.users, c.groups))
		}
	}
	return acl.Canonical()
}

func (s *Site) keys(users, groups []string) []cairn.PrincipalKey {
	keys := []cairn.PrincipalKey{}
	for _, u := range users {
		if who := s.users[u]; who != nil && !who.private {
			keys = append(keys, cairn.UserKey(who.email))
		}
	}
	for _, g := range groups {
		keys = append(keys, cairn.PrincipalKey("group::"+g))
	}
	return keys
}

// Above returns the ids of what a content lies in, its parent first.
func (s *Site) Above(name string) []string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	var ids []string
	for c := s.contents[s.named(name).parent]; c != nil; c = s.contents[c.parent] {
		ids = append(ids, c.id)
	}
	return ids
}
