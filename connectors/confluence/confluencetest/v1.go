package confluencetest

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// numbered answers with the part of a list that begins at start.
func numbered[T any](s *Site, w http.ResponseWriter, r *http.Request, all []T, element func(T) any) {
	atlassiantest.Reply(w, s.part(r, all2any(all, element)))
}

func all2any[T any](all []T, element func(T) any) []any {
	out := []any{}
	for _, e := range all {
		out = append(out, element(e))
	}
	return out
}

// part returns the part of a list that a request asks for.
func (s *Site) part(r *http.Request, all []any) map[string]any {
	start, _ := strconv.Atoi(r.URL.Query().Get("start"))
	out := s.slice(all, start)
	links := map[string]any{"base": "http://wiki.example.com/confluence", "context": "/confluence"}
	if start+s.size < len(all) {
		q := r.URL.Query()
		q.Set("start", strconv.Itoa(start+s.size))
		links["next"] = r.URL.Path + "?" + q.Encode()
	}
	out["_links"] = links
	return out
}

// slice is a list in a list: its first elements.
func (s *Site) slice(all []any, start int) map[string]any {
	begin := min(start, len(all))
	some := all[begin:min(begin+s.size, len(all))]
	return map[string]any{"results": append([]any{}, some...), "start": start, "limit": s.size, "size": len(some)}
}

// v1User returns a person as the edition shows one.
func (s *Site) v1User(id string) any {
	u := s.users[id]
	if u == nil {
		return map[string]any{"type": "unknown", "displayName": "Former user"}
	}
	if s.Cloud {
		return map[string]any{"type": "known", "accountId": u.id, "accountType": "atlassian", "email": u.email, "displayName": u.name, "publicName": u.name}
	}
	return map[string]any{"type": "known", "username": "name-" + u.id, "userKey": u.id, "displayName": u.name}
}

func (s *Site) v1GroupOf(name string) any {
	out := map[string]any{"type": "group", "name": name}
	if g := s.groups[name]; g != nil && s.Cloud {
		out["id"] = g.id
	}
	return out
}

// v1Restriction returns the read restriction of a content, with people and groups where
// they are asked for.
func (s *Site) v1Restriction(c *content, start int, asked map[string]bool) map[string]any {
	restrictions := map[string]any{"_expandable": map[string]any{}}
	out := map[string]any{"operation": "read", "restrictions": restrictions, "_links": map[string]any{}}
	if c.puzzle {
		restrictions["user"], restrictions["group"] = s.slice(nil, 0), s.slice(nil, 0)
		restrictions["moon"] = map[string]any{"results": []any{"full"}}
		return out
	}
	for _, prefix := range []string{"", "restrictions.read."} {
		if asked[prefix+"restrictions.user"] {
			restrictions["user"] = s.slice(all2any(c.users, s.v1User), start)
		}
		if asked[prefix+"restrictions.group"] {
			restrictions["group"] = s.slice(all2any(c.groups, s.v1GroupOf), start)
		}
	}
	return out
}

func (s *Site) restriction(w http.ResponseWriter, r *http.Request) {
	asked, ok := s.expands(w, r, "restrictions.user", "restrictions.group", "content")
	c := s.contents[r.PathValue("id")]
	switch {
	case !ok:
	case c == nil || c.status != "current":
		http.NotFound(w, r)
	case c.refused:
		http.Error(w, `{"statusCode":403}`, http.StatusForbidden)
	default:
		start, _ := strconv.Atoi(r.URL.Query().Get("start"))
		atlassiantest.Reply(w, s.v1Restriction(c, start, asked))
	}
}

func (s *Site) listGroups(w http.ResponseWriter, r *http.Request) {
	var all []*group
	for _, g := range s.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	numbered(s, w, r, all, func(g *group) any { return s.v1GroupOf(g.name) })
}

func (s *Site) listMembers(w http.ResponseWriter, r *http.Request) {
	for _, g := range s.groups {
		if s.Cloud && g.id == r.PathValue("id") || !s.Cloud && g.name == r.PathValue("name") {
			numbered(s, w, r, g.members, s.v1User)
			return
		}
	}
	http.NotFound(w, r)
}

func (s *Site) currentUser(w http.ResponseWriter, _ *http.Request) {
	atlassiantest.Reply(w, s.v1User("Bot"))
}
