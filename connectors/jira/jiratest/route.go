package jiratest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

const paging = " startAt maxResults"

// cloudRoutes are the routes of Jira Cloud.
func (s *Site) cloudRoutes() []connectortest.Route {
	const work, people, admin = "read:jira-work", "read:jira-user", "manage:jira-configuration"
	v3 := func(path, scope, query string, handle http.HandlerFunc) connectortest.Route {
		return s.route("GET /rest/api/3/"+path, scope, query, handle)
	}
	return []connectortest.Route{
		v3("myself", people, "expand", s.myself),
		v3("field", work, "", s.listFields),
		v3("project/search", work, "orderBy id keys query typeKey categoryId action expand status properties propertyQuery"+paging, s.searchProjects),
		s.route("POST /rest/api/3/search/jql", work, "", s.searchByToken),
		v3("issue/{id}/comment", work, "orderBy expand"+paging, s.listComments),
		v3("project/{project}/permissionscheme", work, "expand", s.permissionScheme),
		v3("project/{project}/role", work, "", s.listRoles),
		v3("project/{project}/role/{role}", work, "excludeInactiveUsers", s.role),
		v3("issuesecurityschemes/project", admin, "issueSecuritySchemeId projectId"+paging, s.securedProjects),
		v3("issuesecurityschemes/level", admin, "id schemeId onlyDefault"+paging, s.listLevels),
		v3("issuesecurityschemes/level/member", admin, "id schemeId levelId expand"+paging, s.listLevelMembers),
		v3("applicationrole", admin, "", s.applicationRoles),
		v3("user/bulk", people, "username key accountId!"+paging, s.bulkUsers),
		v3("group/bulk", people, "groupId groupName accessType applicationKey"+paging, s.bulkGroups),
		v3("group/member", admin, "groupname groupId includeInactiveUsers"+paging, s.listMembers),
		v3("attachment/content/{id}", work, "redirect", s.redirectToFile),
	}
}

// dataCenterRoutes are the routes of Jira Data Center.
func (s *Site) dataCenterRoutes() []connectortest.Route {
	v2 := func(path, query string, handle http.HandlerFunc) connectortest.Route {
		return s.route("GET /jira/rest/api/2/"+path, "", query, handle)
	}
	return []connectortest.Route{
		v2("myself", "", s.myself),
		v2("field", "", s.listFields),
		v2("project", "includeArchived expand recent browseArchive", s.listProjects),
		s.route("POST /jira/rest/api/2/search", "", "", s.searchByNumber),
		v2("issue/{id}/comment", "orderBy expand"+paging, s.listComments),
		v2("project/{project}/permissionscheme", "expand", s.permissionScheme),
		v2("project/{project}/issuesecuritylevelscheme", "", s.securityScheme),
		v2("project/{project}/role", "", s.listRoles),
		v2("project/{project}/role/{role}", "", s.role),
		v2("applicationrole", "", s.applicationRoles),
		v2("user", "username key includeDeleted", s.oneUser),
		v2("group/member", "groupname! includeInactiveUsers"+paging, s.listMembers),
		s.route("GET /jira/secure/attachment/{id}/{name}", "", "", s.refer),
		{Pattern: "GET /jira/login.jsp", Query: []string{"permissionViolation"}, Handle: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html>Sign in</html>"))
		}},
	}
}

// route makes a route; the site tells its time with each reply.
func (s *Site) route(pattern, scope, query string, handle http.HandlerFunc) connectortest.Route {
	return s.Route(pattern, scope, query, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		handle(w, r)
	})
}

// forbid answers what the account may not know.
func forbid(w http.ResponseWriter) {
	refuse(w, http.StatusForbidden, "You are not authorized to perform this action. Administrator privileges are required.")
}

// absent answers what is not there.
func absent(w http.ResponseWriter) {
	refuse(w, http.StatusNotFound, "It does not exist, or you do not have permission to see it.")
}

// refuse answers with the ErrorCollection of the description.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errorMessages": []string{message}, "errors": map[string]any{}})
}

// numbered answers with the part of a list that begins at startAt, in pages of Atlassian.
func numbered[T any](w http.ResponseWriter, r *http.Request, all []T, element func(T) any) {
	start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	begin := min(start, len(all))
	end := min(begin+pageSize, len(all))
	values := []any{}
	for _, e := range all[begin:end] {
		values = append(values, element(e))
	}
	atlassiantest.Reply(w, map[string]any{"self": "https://acme.atlassian.net" + r.URL.Path, "startAt": start, "maxResults": pageSize, "total": len(all), "isLast": end == len(all), "values": values})
}
