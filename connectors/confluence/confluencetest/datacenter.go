package confluencetest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// dataCenterRoutes are the routes of Confluence Data Center, below its context path.
func (s *Site) dataCenterRoutes() []connectortest.Route {
	v1 := func(path, query string, handle http.HandlerFunc) connectortest.Route {
		return s.Route("GET /confluence/rest/api/"+path, "", query, handle)
	}
	const paging = " expand start limit"
	return []connectortest.Route{
		v1("space", "spaceKey type status label contentLabel favourite"+paging, s.dcSpaces),
		v1("space/{key}/permissions", "", s.dcPermissions),
		v1("space/{key}/permissions/anonymous", "", s.dcAnonymous),
		v1("content", "type! spaceKey title status postingDay"+paging, s.dcContents),
		v1("content/{id}", "expand status version", s.dcContent),
		v1("content/{id}/child/attachment", "filename mediaType"+paging, s.dcBelow("attachment")),
		v1("content/{id}/child/comment", "parentVersion location depth"+paging, s.dcBelow("footer", "inline")),
		v1("content/{id}/descendant/comment", paging, s.dcBelow("footer", "inline")),
		v1("content/{id}/restriction/byOperation/read", paging, s.restriction),
		v1("group", paging, s.listGroups),
		v1("group/{name}/member", paging, s.listMembers),
		v1("admin/users/list/active", paging, s.dcUsers),
		v1("user", "key username expand", s.dcUser),
		v1("user/current", "expand", s.currentUser),
		s.Route("GET /confluence/download/attachments/{page}/{file}", "", "version modificationDate api", s.dcDownload),
	}
}

// zoned is a time as Data Center writes it, in the zone of the site.
func zoned(at time.Time) string { return at.Format("2006-01-02T15:04:05.000-07:00") }

func (s *Site) dcSpaces(w http.ResponseWriter, r *http.Request) {
	if !s.Only(w, r, "status", "current", "archived") {
		return
	}
	all := slices.SortedFunc(maps.Values(s.spaces), func(a, b *space) int { return number(a.id) - number(b.id) })
	numbered(s, w, r, all, func(sp *space) any {
		kind := "global"
		if sp.personal {
			kind = "personal"
		}
		return map[string]any{"id": number(sp.id), "key": sp.key, "name": sp.name, "type": kind, "status": "CURRENT"}
	})
}

// dcPermissions answers with status 500 to who is no administrator, as the site does.
func (s *Site) dcPermissions(w http.ResponseWriter, r *http.Request) {
	sp := s.spaceOf(w, r)
	if sp == nil {
		return
	}
	if !s.admin {
		http.Error(w, `{"statusCode":500,"message":"NotPermittedException"}`, http.StatusInternalServerError)
		return
	}
	all := []any{}
	add := func(key, target string, subject map[string]any) {
		all = append(all, map[string]any{
			"operation": map[string]any{"targetType": target, "operationKey": key}, "subject": subject, "spaceKey": sp.key, "spaceId": number(sp.id),
		})
	}
	add("administer", "space", map[string]any{"type": "user", "userKey": "Cid"})
	add("create", "page", map[string]any{"type": "group", "name": "ops"})
	for _, u := range sp.users {
		add("read", "space", map[string]any{"type": "user", "userKey": u})
	}
	for _, g := range sp.groups {
		add("read", "space", map[string]any{"type": "group", "name": g})
	}
	atlassiantest.Reply(w, all)
}

func (s *Site) dcAnonymous(w http.ResponseWriter, r *http.Request) {
	if sp := s.spaceOf(w, r); sp != nil {
		all := []any{}
		if sp.anonymous {
			all = append(all, map[string]any{"operation": map[string]any{"targetType": "space", "operationKey": "read"}, "spaceKey": sp.key, "spaceId": number(sp.id)})
		}
		atlassiantest.Reply(w, all)
	}
}

// expansions are what can be expanded of a content.
var expansions = []string{
	"version", "history", "ancestors", "space", "container", "body.storage", "restrictions.read.restrictions.user", "restrictions.read.restrictions.group",
	"children.attachment.version", "children.attachment.history", "descendants.comment.version", "extensions.inlineProperties",
}

func (s *Site) dcContents(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	asked, ok := s.expands(w, r, expansions...)
	if !ok || !s.Only(w, r, "type", "page", "blogpost") || !s.Only(w, r, "status", "current") {
		return
	}
	all := s.current(func(c *content) bool { return c.kind == q.Get("type") && c.space == q.Get("spaceKey") })
	numbered(s, w, r, all, func(c *content) any { return s.dcOne(c, asked) })
}

func (s *Site) dcContent(w http.ResponseWriter, r *http.Request) {
	asked, ok := s.expands(w, r, expansions...)
	c := s.contents[r.PathValue("id")]
	switch {
	case !ok:
	case c == nil || c.status != "current":
		http.NotFound(w, r)
	case c.broken:
		http.Error(w, `{"statusCode":403}`, http.StatusForbidden)
	default:
		atlassiantest.Reply(w, s.dcOne(c, asked))
	}
}

// dcOne returns a content with what is expanded of it.
func (s *Site) dcOne(c *content, asked map[string]bool) map[string]any {
	kind := c.kind
	if kind == "footer" || kind == "inline" {
		kind = "comment"
	}
	out := map[string]any{"id": c.id, "type": kind, "status": "current", "title": c.title, "_links": map[string]any{"webui": webUI(c)}, "extensions": map[string]any{}}
	if asked["version"] {
		out["version"] = map[string]any{"number": c.version, "when": zoned(c.modified), "by": s.v1User(c.author)}
	}
	if asked["history"] {
		out["history"] = map[string]any{"createdDate": zoned(c.created), "createdBy": s.v1User(c.author), "latest": true}
	}
	if asked["ancestors"] && !c.orphan {
		out["ancestors"] = s.dcAncestors(c)
	}
	if asked["body.storage"] {
		out["body"] = map[string]any{"storage": map[string]any{"representation": "storage", "value": c.body}}
	}
	if asked["restrictions.read.restrictions.user"] {
		out["restrictions"] = map[string]any{"read": s.v1Restriction(c, 0, asked)}
	}
	if asked["extensions.inlineProperties"] && c.quote != "" {
		out["extensions"] = map[string]any{"location": "inline", "inlineProperties": map[string]any{"originalSelection": c.quote, "markerRef": "ref"}}
	}
	both := map[string]bool{"version": true, "history": true}
	if asked["children.attachment.version"] {
		out["children"] = map[string]any{"attachment": s.slice(s.dcParts(c, both, "attachment"), 0)}
	}
	if asked["descendants.comment.version"] {
		out["descendants"] = map[string]any{"comment": s.slice(s.dcParts(c, both, "footer", "inline"), 0)}
	}
	if kind == "attachment" {
		out["metadata"] = map[string]any{"mediaType": c.mediaType}
		out["extensions"] = map[string]any{"mediaType": c.mediaType, "fileSize": len(c.data)}
		out["_links"] = map[string]any{
			"webui":    fmt.Sprintf("/pages/viewpage.action?pageId=%s&preview=%%2F%s", c.parent, c.id),
			"download": fmt.Sprintf("/download/attachments/%s/%s?version=%d&modificationDate=1&api=v2", c.parent, url.PathEscape(c.title), c.version),
		}
	}
	return out
}

// dcAncestors returns the ancestors of a page, from the top, or the comments that one
// answers.
func (s *Site) dcAncestors(c *content) []any {
	out := []any{}
	above := func(c *content) *content { return s.contents[c.parent] }
	if c.kind == "footer" || c.kind == "inline" {
		above = func(c *content) *content { return s.contents[c.reply] }
	}
	for at := above(c); at != nil; at = above(at) {
		out = append([]any{map[string]any{"id": at.id, "type": "page", "title": at.title}}, out...)
	}
	return out
}

// dcParts returns what belongs to a content.
func (s *Site) dcParts(on *content, asked map[string]bool, kinds ...string) []any {
	all := s.current(func(c *content) bool { return slices.Contains(kinds, c.kind) && c.parent == on.id })
	return all2any(all, func(c *content) any { return s.dcOne(c, asked) })
}

func (s *Site) dcBelow(kinds ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked, ok := s.expands(w, r, expansions...)
		c := s.contents[r.PathValue("id")]
		switch {
		case !ok || !s.Only(w, r, "depth", "all"):
		case c == nil || c.status != "current":
			http.NotFound(w, r)
		default:
			atlassiantest.Reply(w, s.part(r, s.dcParts(c, asked, kinds...)))
		}
	}
}

// dcUsers tells the addresses of active users, to administrators.
func (s *Site) dcUsers(w http.ResponseWriter, r *http.Request) {
	if !s.admin {
		http.Error(w, `{"statusCode":403}`, http.StatusForbidden)
		return
	}
	all := slices.SortedFunc(maps.Values(s.users), func(a, b *user) int { return strings.Compare(a.id, b.id) })
	numbered(s, w, r, all, func(u *user) any {
		return map[string]any{"type": "known", "username": "name-" + u.id, "userKey": u.id, "displayName": u.name, "email": u.email}
	})
}

func (s *Site) dcUser(w http.ResponseWriter, r *http.Request) {
	if s.users[r.URL.Query().Get("key")] == nil {
		http.NotFound(w, r)
		return
	}
	atlassiantest.Reply(w, s.v1User(r.URL.Query().Get("key")))
}

func (s *Site) dcDownload(w http.ResponseWriter, r *http.Request) {
	for _, c := range s.contents {
		if c.kind == "attachment" && c.status == "current" && c.parent == r.PathValue("page") && c.title == r.PathValue("file") {
			if c.broken {
				http.Error(w, "no", http.StatusForbidden)
				return
			}
			w.Header().Set("Content-Type", c.mediaType)
			_, _ = w.Write(c.data)
			return
		}
	}
	http.NotFound(w, r)
}
