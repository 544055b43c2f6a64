package jiratest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn/connectors/connectortest"
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

// route makes a route whose handler has the lock. query are the names of parameters.
func (s *Site) route(pattern, scope, query string, handle http.HandlerFunc) connectortest.Route {
	route := connectortest.Route{Pattern: pattern, Query: strings.Fields(query), Accept: "application/json"}
	if strings.HasPrefix(pattern, "POST") {
		route.Body = "application/json"
	}
	if strings.Contains(pattern, "/attachment/") {
		route.Accept = ""
	}
	route.Handle = func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests[pattern]++
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		if s.permits(w, r, scope) && s.bounded(w, r) {
			handle(w, r)
		}
	}
	return route
}

// bounded checks maxResults and startAt.
func (s *Site) bounded(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	for name, most := range map[string]int{"maxResults": 200, "startAt": 1 << 30} {
		if n, err := strconv.Atoi(q.Get(name)); q.Has(name) && (err != nil || n < 0 || n > most) {
			return s.refuse(w, r, "the parameter "+name+" is out of bounds")
		}
	}
	return s.only(w, r, "orderBy", "created", "key") && s.only(w, r, "status", "live") &&
		s.only(w, r, "expand", "all", "lead", "renderedBody,properties")
}

func (s *Site) refuse(w http.ResponseWriter, r *http.Request, wrong string) bool {
	s.t.Errorf("the fake site refuses a request: %s\n%s %s", wrong, r.Method, r.URL)
	http.Error(w, wrong, http.StatusBadRequest)
	return false
}

// only checks that a parameter has one of some values, or is not there.
func (s *Site) only(w http.ResponseWriter, r *http.Request, name string, values ...string) bool {
	got := r.URL.Query().Get(name)
	return got == "" || slices.Contains(values, got) || s.refuse(w, r, fmt.Sprintf("the parameter %s is %q", name, got))
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// forbid answers what the account may not know.
func forbid(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"errorMessages":["You are not authorized to perform this action. Administrator privileges are required."],"errors":{}}`))
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
	reply(w, map[string]any{"self": "https://acme.atlassian.net" + r.URL.Path, "startAt": start, "maxResults": pageSize, "total": len(all), "isLast": end == len(all), "values": values})
}
