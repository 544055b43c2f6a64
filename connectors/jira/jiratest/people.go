package jiratest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

func (s *Site) myself(w http.ResponseWriter, _ *http.Request) {
	me, _ := s.person("Bot").(map[string]any)
	me["timeZone"] = s.zone.String()
	atlassiantest.Reply(w, me)
}

func (s *Site) listFields(w http.ResponseWriter, _ *http.Request) {
	const own = "com.atlassian.jira.plugin.system.customfieldtypes:"
	all := []any{}
	for _, name := range standardFields() {
		all = append(all, map[string]any{"id": name, "name": name, "custom": false, "schema": map[string]any{"type": "string", "system": name}})
	}
	for _, f := range []struct{ id, name, kind, custom string }{
		{Criteria, "Acceptance criteria", "string", "textarea"}, {Customer, "Customer", "string", "textfield"}, {Team, "Team", "option", "select"},
		{Watchers, "Watchers in charge", "array", "multiuserpicker"}, {Teams, "Teams", "array", "multigrouppicker"},
	} {
		all = append(all, map[string]any{"id": f.id, "name": f.name, "custom": true, "schema": map[string]any{"type": f.kind, "custom": own + f.custom}})
	}
	if s.Cloud {
		all = append(all, map[string]any{"id": "issuerestriction", "name": "Restrict to", "custom": false, "schema": map[string]any{"type": "issuerestriction", "system": "issuerestriction"}})
	}
	atlassiantest.Reply(w, all)
}

func (s *Site) showProject(p *project) any {
	out := map[string]any{"id": p.id, "key": p.key, "name": p.name, "lead": s.person(p.lead), "projectTypeKey": p.kind}
	if s.Cloud {
		out["simplified"] = p.simplified
		lead, _ := out["lead"].(map[string]any)
		delete(lead, "emailAddress")
	}
	return out
}

func (s *Site) allProjects() []*project {
	return sorted(s.projects, func(p *project) int { return number(p.id) })
}

func (s *Site) searchProjects(w http.ResponseWriter, r *http.Request) {
	numbered(w, r, s.allProjects(), s.showProject)
}

func (s *Site) listProjects(w http.ResponseWriter, _ *http.Request) {
	out := []any{map[string]any{"id": "1", "key": "OLD", "name": "Old", "archived": true}}
	for _, p := range s.allProjects() {
		out = append(out, s.showProject(p))
	}
	atlassiantest.Reply(w, out)
}

// holder returns a holder as the edition shows one.
func (s *Site) holder(h Holder) any {
	out := map[string]any{"type": h.Type}
	if h.Parameter != "" {
		out["parameter"], out["value"] = h.Parameter, h.Parameter
	}
	switch h.Type {
	case "group":
		if g := s.groups[h.Parameter]; g != nil && s.Cloud {
			out["value"] = g.id
		}
	case "user":
		out["user"] = s.person(h.Parameter)
	case "projectRole":
		for _, p := range s.projects {
			if role := p.roles[h.Parameter]; role != nil {
				out["parameter"], out["value"] = role.id, role.id
			}
		}
	}
	return out
}

func (s *Site) permissionScheme(w http.ResponseWriter, r *http.Request) {
	p := s.projectOf(r)
	switch {
	case p == nil:
		absent(w)
		return
	case p.closed:
		forbid(w)
		return
	}
	out := map[string]any{"id": 10000, "name": "Scheme of " + p.key}
	if r.URL.Query().Has("expand") {
		permissions := []any{map[string]any{"id": 1, "permission": "CREATE_ISSUES", "holder": map[string]any{"type": "anyone"}}}
		for n, h := range p.browse {
			permissions = append(permissions, map[string]any{"id": 2 + n, "permission": "BROWSE_PROJECTS", "holder": s.holder(h)})
		}
		out["permissions"] = permissions
	}
	atlassiantest.Reply(w, out)
}

func (s *Site) listRoles(w http.ResponseWriter, r *http.Request) {
	p, out := s.projectOf(r), map[string]string{}
	if p == nil || p.closed {
		absent(w)
		return
	}
	for name, role := range p.roles {
		out[name] = "https://acme.atlassian.net/rest/api/3/project/" + p.id + "/role/" + role.id
	}
	atlassiantest.Reply(w, out)
}

func (s *Site) role(w http.ResponseWriter, r *http.Request) {
	if p := s.projectOf(r); p != nil && !p.closed {
		for name, role := range p.roles {
			if role.id == r.PathValue("role") {
				atlassiantest.Reply(w, map[string]any{"id": number(role.id), "name": name, "actors": s.actors(role)})
				return
			}
		}
	}
	absent(w)
}

func (s *Site) actors(role *role) []any {
	out := []any{}
	for _, id := range role.users {
		a := map[string]any{"id": len(out), "displayName": id, "type": "atlassian-user-role-actor"}
		if s.Cloud {
			a["actorUser"] = map[string]any{"accountId": id}
		} else {
			a["name"] = "name-" + id
		}
		out = append(out, a)
	}
	for _, name := range role.groups {
		out = append(out, map[string]any{
			"id": len(out), "displayName": name, "type": "atlassian-group-role-actor", "name": name, "actorGroup": s.actorGroup(name),
		})
	}
	return out
}

func (s *Site) actorGroup(name string) any {
	out := map[string]any{"name": name, "displayName": name}
	if g := s.groups[name]; g != nil && s.Cloud {
		out["groupId"] = g.id
	}
	return out
}

// securityID is the id of the only issue security scheme.
const securityID = "10500"

func (s *Site) securedProjects(w http.ResponseWriter, r *http.Request) {
	if !s.admin {
		forbid(w)
		return
	}
	all := slices.DeleteFunc(s.allProjects(), func(p *project) bool { return p.simplified || len(s.levels) == 0 })
	numbered(w, r, all, func(p *project) any { return map[string]any{"issueSecuritySchemeId": securityID, "projectId": p.id} })
}

func (s *Site) allLevels() []*level {
	return sorted(s.levels, func(l *level) int { return number(l.id) })
}

func (s *Site) listLevels(w http.ResponseWriter, r *http.Request) {
	if !s.admin {
		forbid(w)
		return
	}
	numbered(w, r, s.allLevels(), func(l *level) any { return map[string]any{"id": l.id, "issueSecuritySchemeId": securityID} })
}

func (s *Site) listLevelMembers(w http.ResponseWriter, r *http.Request) {
	if !s.admin {
		forbid(w)
		return
	}
	all := []any{}
	for _, l := range s.allLevels() {
		for n, h := range l.members {
			all = append(all, map[string]any{"id": fmt.Sprint(number(l.id)*100 + n), "issueSecurityLevelId": l.id, "issueSecuritySchemeId": securityID, "holder": s.holder(h)})
		}
	}
	numbered(w, r, all, func(m any) any { return m })
}

// securityScheme is what Data Center tells of issue security.
func (s *Site) securityScheme(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.admin:
		forbid(w)
	case s.projectOf(r) == nil || len(s.levels) == 0:
		absent(w)
	default:
		all := []any{}
		for name, l := range s.levels {
			all = append(all, map[string]any{"id": l.id, "name": name})
		}
		atlassiantest.Reply(w, map[string]any{"id": number(securityID), "name": "Security", "levels": all})
	}
}

func (s *Site) applicationRoles(w http.ResponseWriter, _ *http.Request) {
	if !s.admin {
		forbid(w)
		return
	}
	atlassiantest.Reply(w, []any{
		map[string]any{"key": "jira-software", "name": "Jira Software", "groups": []string{"eng", "ops"}, "defined": true},
		map[string]any{"key": "jira-servicedesk", "name": "Jira Service Management", "groups": []string{"staff"}, "defined": true},
	})
}

func (s *Site) bulkUsers(w http.ResponseWriter, r *http.Request) {
	var all []string
	for id := range strings.SplitSeq(r.URL.Query().Get("accountId"), ",") {
		if s.users[id] != nil {
			all = append(all, id)
		}
	}
	numbered(w, r, all, s.person)
}

func (s *Site) oneUser(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for id := range s.users {
		if q.Get("username") == "name-"+id || q.Get("key") == "JIRAUSER"+id {
			atlassiantest.Reply(w, s.person(id))
			return
		}
	}
	absent(w)
}

func (s *Site) bulkGroups(w http.ResponseWriter, r *http.Request) {
	numbered(w, r, sorted(s.groups, func(g *group) int { return number(g.id) }), func(g *group) any { return map[string]any{"groupId": g.id, "name": g.name} })
}

func (s *Site) listMembers(w http.ResponseWriter, r *http.Request) {
	if !s.admin {
		forbid(w)
		return
	}
	if n, _ := strconv.Atoi(r.URL.Query().Get("maxResults")); n > 50 { // "between 1 and 50"
		s.Reject(w, r, "that are more members than a page has")
		return
	}
	for _, g := range s.groups {
		if s.Cloud && g.id == r.URL.Query().Get("groupId") || !s.Cloud && g.name == r.URL.Query().Get("groupname") {
			numbered(w, r, g.members, s.person)
			return
		}
	}
	absent(w)
}

// ACL returns who may read an issue, with groups of the site as their connector names
// them. On a site of Data Center, security levels are no part of it.
func (s *Site) ACL(name string) cairn.ACL {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	i := s.named(name)
	acl := cairn.Allow(s.keys(i, s.projects[i.project].browse)...)
	if i.level != "" && s.Cloud {
		acl.Allow = append(acl.Allow, s.keys(i, s.levels[i.level].members))
	}
	if len(i.restricted) > 0 {
		var roles []Holder
		for name, role := range s.projects[i.project].roles {
			if slices.Contains(i.restricted, role.id) {
				roles = append(roles, Holder{"projectRole", name})
			}
		}
		acl.Allow = append(acl.Allow, s.keys(i, roles))
	}
	return acl.Canonical()
}

func (s *Site) keys(i *issue, holders []Holder) []cairn.PrincipalKey {
	keys := []cairn.PrincipalKey{}
	person := func(id string) {
		if u := s.users[id]; u != nil && !u.private {
			keys = append(keys, cairn.UserKey(u.email))
		}
	}
	for _, h := range holders {
		switch h.Type {
		case "anyone":
			keys = append(keys, cairn.Everyone)
		case "group":
			keys = append(keys, cairn.PrincipalKey("group::"+h.Parameter))
		case "user":
			person(h.Parameter)
		case "projectLead":
			person(s.projects[i.project].lead)
		case "reporter":
			person(i.reporter)
		case "assignee":
			person(i.assignee)
		case "projectRole":
			if role := s.projects[i.project].roles[h.Parameter]; role != nil {
				for _, id := range role.users {
					person(id)
				}
				for _, g := range role.groups {
					keys = append(keys, cairn.PrincipalKey("group::"+g))
				}
			}
		}
	}
	return keys
}
