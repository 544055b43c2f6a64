package confluencetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// scopes are all that the connector needs.
var scopes = []string{
	"read:space:confluence", "read:page:confluence", "read:comment:confluence", "read:attachment:confluence", "read:folder:confluence",
	"read:user:confluence", "read:content-details:confluence", "read:group:confluence",
	"read:space.permission:confluence", "readonly:content.attachment:confluence",
}

// cloudRoutes are the routes of Confluence Cloud.
func (s *Site) cloudRoutes() []connectortest.Route {
	v2 := func(path, scope string, query string, handle http.HandlerFunc) connectortest.Route {
		return s.Route("GET /wiki/api/v2/"+path, scope, query, handle)
	}
	v1 := func(path, scope string, query string, handle http.HandlerFunc) connectortest.Route {
		return s.Route("GET /wiki/rest/api/"+path, scope, query, handle)
	}
	const paging = " cursor limit"
	routes := []connectortest.Route{
		v2("spaces", "read:space:confluence", "ids keys type status labels favorited-by not-favorited-by sort description-format include-icon"+paging, s.v2Spaces),
		v2("spaces/{id}/permissions", "read:space:confluence", paging, s.v2Permissions),
		v2("spaces/{id}/role-assignments", "read:space.permission:confluence", "role-id role-type principal-id principal-type"+paging, s.v2Roles),
		v2("space-roles", "read:space.permission:confluence", "space-id role-type principal-id principal-type"+paging, s.v2Roles),
		v2("spaces/{id}/pages", "read:page:confluence", "depth sort status title body-format"+paging, s.v2Pages("page")),
		v2("spaces/{id}/blogposts", "read:page:confluence", "sort status title body-format"+paging, s.v2Pages("blogpost")),
		v2("attachments", "read:attachment:confluence", "sort status mediaType filename"+paging, s.v2Attachments),
		s.Route("POST /wiki/api/v2/users-bulk", "read:user:confluence", "", s.v2Users),
		v1("content/search", "read:content-details:confluence", "cql! cqlcontext expand"+paging, s.search),
		v1("content/{id}/restriction/byOperation/read", "read:content-details:confluence", "expand start limit", s.restriction),
		v1("content/{id}/child/attachment/{attachment}/download", "readonly:content.attachment:confluence", "version", s.download),
		v1("group", "read:group:confluence", "start limit accessType", s.listGroups),
		v1("group/{id}/membersByGroupId", "read:group:confluence read:user:confluence", "start limit shouldReturnTotalSize expand", s.listMembers),
		v1("user/current", "read:content-details:confluence", "expand", s.currentUser),
	}
	for kind, path := range map[string]string{"page": "pages", "blogpost": "blogposts", "folder": "folders"} {
		scope, query := "read:page:confluence", "body-format get-draft status version include-labels include-properties include-operations include-versions include-version"
		if kind == "folder" {
			scope, query = "read:folder:confluence", ""
		}
		routes = append(routes, v2(path+"/{id}", scope, query, s.v2One(kind)))
	}
	for _, kind := range []string{"footer", "inline"} {
		list := kind + "-comments"
		routes = append(routes,
			v2(list, "read:comment:confluence", "body-format sort"+paging, s.v2Comments(kind, "all")),
			v2(list+"/{id}/children", "read:comment:confluence", "body-format sort"+paging, s.v2Comments(kind, "answers")),
			v2("pages/{id}/"+list, "read:comment:confluence", "body-format status sort"+paging, s.v2Comments(kind, "page")),
			v2("blogposts/{id}/"+list, "read:comment:confluence", "body-format status sort"+paging, s.v2Comments(kind, "blogpost")),
		)
	}
	return routes
}

// expands checks that what is to be expanded is known.
func (s *Site) expands(w http.ResponseWriter, r *http.Request, known ...string) (asked map[string]bool, ok bool) {
	asked = map[string]bool{}
	for part := range strings.SplitSeq(r.URL.Query().Get("expand"), ",") {
		if part != "" && !slices.Contains(known, part) {
			return nil, s.Reject(w, r, fmt.Sprintf("%q cannot be expanded", part))
		}
		asked[part] = true
	}
	return asked, true
}

// cursored answers with the part of a list that begins behind the element that the cursor
// names. Cursors belong to a path.
func cursored[T any](s *Site, w http.ResponseWriter, r *http.Request, next string, all []T, id func(T) string, element func(T) any) {
	q := r.URL.Query()
	begin := 0
	if cursor := q.Get("cursor"); cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		path, last, ok := strings.Cut(string(raw), "\n")
		if err != nil || !ok || path != next {
			s.Reject(w, r, "the cursor is none of this list")
			return
		}
		n, _ := strconv.Atoi(last)
		begin = slices.IndexFunc(all, func(e T) bool { return number(id(e)) > n })
		if begin < 0 {
			begin = len(all)
		}
	}
	end := min(begin+s.size, len(all))
	results := []any{}
	for _, e := range all[begin:end] {
		results = append(results, element(e))
	}
	links := map[string]any{"base": "https://acme.atlassian.net/wiki"}
	if end < len(all) {
		q.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(next+"\n"+strconv.Itoa(number(id(all[end-1]))))))
		links["next"] = next + "?" + q.Encode()
		w.Header().Set("Link", "<"+next+"?"+q.Encode()+`>; rel="next"`)
	}
	atlassiantest.Reply(w, map[string]any{"results": results, "_links": links})
}

func idOf(c *content) string { return c.id }

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *Site) v2Spaces(w http.ResponseWriter, r *http.Request) {
	if !s.Only(w, r, "status", "current", "archived") {
		return
	}
	var all []*space
	for _, sp := range s.spaces {
		all = append(all, sp)
	}
	slices.SortFunc(all, func(a, b *space) int { return number(a.id) - number(b.id) })
	cursored(s, w, r, r.URL.Path, all, func(sp *space) string { return sp.id }, func(sp *space) any {
		kind := "global"
		if sp.personal {
			kind = "personal"
		}
		return map[string]any{"id": sp.id, "key": sp.key, "name": sp.name, "type": kind, "status": "current"}
	})
}

func (s *Site) spaceOf(w http.ResponseWriter, r *http.Request) *space {
	for _, sp := range s.spaces {
		if sp.id == r.PathValue("id") || sp.key == r.PathValue("key") {
			return sp
		}
	}
	http.NotFound(w, r)
	return nil
}

func (s *Site) v2Permissions(w http.ResponseWriter, r *http.Request) {
	sp := s.spaceOf(w, r)
	if sp == nil {
		return
	}
	type entry struct{ id, kind, principal, key, target string }
	all := []entry{{kind: "user", principal: "Cid", key: "administer", target: "space"}, {kind: "group", principal: "g-0", key: "create", target: "page"}}
	for _, u := range sp.users {
		all = append(all, entry{kind: "user", principal: u, key: "read", target: "space"})
	}
	for _, g := range sp.groups {
		all = append(all, entry{kind: "group", principal: s.groups[g].id, key: "read", target: "space"})
	}
	if sp.anonymous {
		all = append(all, entry{kind: "role", principal: "anonymous-users", key: "read", target: "space"})
	}
	for i := range all {
		all[i].id = strconv.Itoa(i + 1)
	}
	cursored(s, w, r, r.URL.Path, all, func(e entry) string { return e.id }, func(e entry) any {
		return map[string]any{
			"id": e.id, "principal": map[string]any{"type": e.kind, "id": e.principal},
			"operation": map[string]any{"key": e.key, "targetType": e.target},
		}
	})
}

// v2Roles answers for roles and for who has them in a space. Sites without roles have
// neither.
func (s *Site) v2Roles(w http.ResponseWriter, r *http.Request) {
	if !s.roles {
		http.NotFound(w, r)
		return
	}
	type entry struct {
		id    string
		value map[string]any
	}
	var all []entry
	add := func(value map[string]any) { all = append(all, entry{strconv.Itoa(len(all) + 1), value}) }
	if r.PathValue("id") == "" {
		add(map[string]any{"id": "viewer", "type": "SYSTEM", "displayName": "Viewer", "spacePermissions": []string{"read/space"}})
		add(map[string]any{"id": "odd", "type": "CUSTOM", "displayName": "Odd", "spacePermissions": []string{"create/comment"}})
	} else if sp := s.spaceOf(w, r); sp != nil {
		for _, u := range sp.roleUsers {
			add(map[string]any{"principal": map[string]any{"principalType": "USER", "principalId": u}, "roleId": "viewer"})
		}
		for _, class := range sp.access {
			add(map[string]any{"principal": map[string]any{"principalType": "ACCESS_CLASS", "principalId": class}, "roleId": "viewer"})
		}
		add(map[string]any{"principal": map[string]any{"principalType": "USER", "principalId": "Bob"}, "roleId": "odd"})
	} else {
		return
	}
	cursored(s, w, r, r.URL.Path, all, func(e entry) string { return e.id }, func(e entry) any { return e.value })
}

func (s *Site) v2Version(c *content) map[string]any {
	return map[string]any{"number": c.version, "createdAt": stamp(c.modified), "authorId": c.author, "minorEdit": false, "message": ""}
}

func (s *Site) v2Content(c *content, withBody bool) map[string]any {
	out := map[string]any{
		"id": c.id, "status": c.status, "title": c.title, "spaceId": s.spaces[c.space].id, "authorId": c.author,
		"createdAt": stamp(c.created), "version": s.v2Version(c), "_links": map[string]any{"webui": webUI(c)},
	}
	if c.kind != "blogpost" && !c.orphan {
		out["parentId"], out["parentType"] = nil, nil
		if parent := s.contents[c.parent]; parent != nil {
			out["parentId"], out["parentType"] = parent.id, parent.kind
		}
	}
	if withBody {
		out["body"] = map[string]any{"storage": map[string]any{"representation": "storage", "value": c.body}}
	}
	return out
}

func (s *Site) v2Pages(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sp := s.spaceOf(w, r)
		if sp == nil || !s.Only(w, r, "status", "current") || !s.Only(w, r, "sort", "id") {
			return
		}
		all := s.current(func(c *content) bool { return c.kind == kind && c.space == sp.key })
		cursored(s, w, r, r.URL.Path, all, idOf, func(c *content) any { return s.v2Content(c, false) })
	}
}

func (s *Site) v2One(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := s.contents[r.PathValue("id")]
		switch {
		case !s.Only(w, r, "body-format", "storage"):
		case c == nil || c.kind != kind || c.status != "current":
			http.NotFound(w, r)
		case c.broken:
			http.Error(w, `{"statusCode":403}`, http.StatusForbidden)
		default:
			atlassiantest.Reply(w, s.v2Content(c, r.URL.Query().Has("body-format")))
		}
	}
}

func (s *Site) v2Attachments(w http.ResponseWriter, r *http.Request) {
	if !s.Only(w, r, "status", "current") {
		return
	}
	all := s.current(func(c *content) bool { return c.kind == "attachment" })
	cursored(s, w, r, r.URL.Path, all, idOf, func(c *content) any {
		out := map[string]any{
			"id": c.id, "status": "current", "title": c.title, "createdAt": stamp(c.created), "mediaType": c.mediaType,
			"fileSize": len(c.data), "version": s.v2Version(c), "fileId": "file-" + c.id,
			"webuiLink":    fmt.Sprintf("/pages/viewpageattachments.action?pageId=%s&preview=%%2F%s", c.parent, c.id),
			"downloadLink": fmt.Sprintf("/download/attachments/%s/%s?version=%d", c.parent, url.PathEscape(c.title), c.version),
		}
		out[map[string]string{"page": "pageId", "blogpost": "blogPostId"}[s.contents[c.parent].kind]] = c.parent
		return out
	})
}

// v2Comments answers for all comments of a kind, the first ones of a page, and the direct
// answers to one.
func (s *Site) v2Comments(kind, of string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.Only(w, r, "body-format", "storage") {
			return
		}
		on := s.contents[r.PathValue("id")]
		if of != "all" && (on == nil || of != "answers" && on.kind != of) {
			http.NotFound(w, r)
			return
		}
		all := s.current(func(c *content) bool {
			switch {
			case c.kind != kind:
				return false
			case of == "all":
				return true
			case of == "answers":
				return c.reply == on.id
			}
			return c.parent == on.id && c.reply == ""
		})
		cursored(s, w, r, r.URL.Path, all, idOf, func(c *content) any {
			out := map[string]any{"id": c.id, "status": "current", "title": "Re: it", "version": s.v2Version(c), "_links": map[string]any{"webui": "/x"}}
			if of != "answers" {
				out[map[string]string{"page": "pageId", "blogpost": "blogPostId"}[s.contents[c.parent].kind]] = c.parent
			}
			if c.reply != "" {
				out["parentCommentId"] = c.reply
			}
			if r.URL.Query().Has("body-format") {
				out["body"] = map[string]any{"storage": map[string]any{"representation": "storage", "value": c.body}}
			}
			if kind == "inline" {
				out["resolutionStatus"] = "open"
				out["properties"] = map[string]any{"inlineMarkerRef": "ref", "inlineOriginalSelection": c.quote}
			}
			return out
		})
	}
}

func (s *Site) v2Users(w http.ResponseWriter, r *http.Request) {
	var body struct {
		AccountIDs []string `json:"accountIds"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || len(body.AccountIDs) == 0 || len(body.AccountIDs) > 250 {
		s.Reject(w, r, fmt.Sprintf("%d accounts are asked for: %v", len(body.AccountIDs), err))
		return
	}
	results := []any{}
	for _, id := range body.AccountIDs {
		if u := s.users[id]; u != nil {
			results = append(results, map[string]any{
				"accountId": u.id, "accountType": "atlassian", "accountStatus": "active", "displayName": u.name, "publicName": u.name, "email": u.email,
			})
		}
	}
	atlassiantest.Reply(w, map[string]any{"results": results})
}

var cql = regexp.MustCompile(`^space = "([^"\\]+)" and type in \(page, blogpost\)$`)

func (s *Site) search(w http.ResponseWriter, r *http.Request) {
	m := cql.FindStringSubmatch(r.URL.Query().Get("cql"))
	if m == nil {
		s.Reject(w, r, "the query is not understood")
		return
	}
	asked, ok := s.expands(w, r, "restrictions.read.restrictions.user", "restrictions.read.restrictions.group")
	if !ok {
		return
	}
	all := s.current(func(c *content) bool {
		return (c.kind == "page" || c.kind == "blogpost") && c.space == m[1] && !c.hidden
	})
	cursored(s, w, r, "/rest/api/content/search", all, idOf, func(c *content) any {
		return map[string]any{"id": c.id, "type": c.kind, "status": "current", "title": c.title, "restrictions": map[string]any{"read": s.v1Restriction(c, 0, asked)}}
	})
}

func (s *Site) download(w http.ResponseWriter, r *http.Request) {
	c := s.contents[r.PathValue("attachment")]
	switch {
	case c == nil || c.status != "current" || c.parent != r.PathValue("id"):
		http.NotFound(w, r)
	case c.broken:
		http.Error(w, "no", http.StatusForbidden)
	default:
		base := s.media.URL
		if s.IsApp() {
			base = "https://api.media.atlassian.com"
		}
		http.Redirect(w, r, base+"/file/"+c.id+"?token=x", http.StatusFound)
	}
}

// serveMedia serves the bytes of attachments, which lie elsewhere: no credential may come
// there.
func (s *Site) serveMedia(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.T.Errorf("the credential comes to where attachments lie")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if c := s.contents[strings.TrimPrefix(r.URL.Path, "/file/")]; c != nil {
		w.Header().Set("Content-Type", c.mediaType)
		_, _ = w.Write(c.data)
		return
	}
	http.NotFound(w, r)
}
