package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// query is the root of the schema.
func (s *Site) query(e *execution) object {
	return object{
		"__typename": "Query",
		"viewer":     s.user(e, "root"),
		"node":       resolver(func(a map[string]any) any { return s.node(e, a["id"].(string)) }),
		"organization": resolver(func(a map[string]any) any {
			if !strings.EqualFold(a["login"].(string), s.world.Organization) {
				return failed{"NOT_FOUND", "Could not resolve to an Organization"}
			}
			return s.owner(e)
		}),
		"repository": resolver(func(a map[string]any) any { // the fake knows no former names
			for _, r := range s.world.Repositories {
				if strings.EqualFold(s.world.full(r), a["owner"].(string)+"/"+a["name"].(string)) {
					return s.repository(e, r)
				}
			}
			return failed{"NOT_FOUND", "Could not resolve to a Repository with the name"}
		}),
		"repositoryOwner": resolver(func(a map[string]any) any {
			if !strings.EqualFold(a["login"].(string), s.world.Organization) {
				return nil
			}
			return s.owner(e)
		}),
	}
}

// node finds a thing by its id: a letter for the kind, and a number or name.
func (s *Site) node(e *execution, id string) any {
	for _, r := range s.world.Repositories {
		if repositoryID(r) == id {
			return s.repository(e, r)
		}
		for _, i := range r.Items {
			if itemID(i) == id {
				return s.item(e, i)
			}
			for _, c := range i.Comments {
				if commentID(c) == id {
					return s.comment(e, i, c, "DiscussionComment")
				}
			}
			for _, t := range i.Threads {
				if threadID(t) == id {
					return s.thread(e, i, t)
				}
			}
		}
	}
	for _, t := range s.world.Teams {
		if "T_"+t.Slug == id {
			return s.team(e, t)
		}
	}
	return failed{"NOT_FOUND", "Could not resolve to a node with the global id"}
}

func repositoryID(r *Repository) string { return fmt.Sprintf("R_%d", r.id) }
func itemID(i *Item) string             { return fmt.Sprintf("I_%d", i.id) }
func commentID(c *Comment) string       { return fmt.Sprintf("C_%d", c.id) }
func threadID(t *Thread) string         { return fmt.Sprintf("PRRT_%d", t.id) }

func (s *Site) user(e *execution, login string) any {
	if login == "ghost" {
		return nil
	}
	return object{
		"__typename": "User", "id": "U_" + login, "login": login,
		"organizationVerifiedDomainEmails": resolver(func(a map[string]any) any {
			if s.scopes["addresses"] {
				return failed{"FORBIDDEN", "root must be an owner of the organization"}
			}
			if a["login"] != s.world.Organization {
				e.site.t.Errorf("addresses of %v are asked for", a["login"])
			}
			return append([]string{}, s.world.Verified[login]...)
		}),
	}
}

// needs notes that a field needs a scope.
func (e *execution) needs(scope string, value any) resolver {
	return func(arguments map[string]any) any {
		if e.site.scopes[scope] {
			e.scopes[scope] = true
			return nil
		}
		if resolve, ok := value.(resolver); ok {
			return resolve(arguments)
		}
		return value
	}
}

func (s *Site) owner(e *execution) object {
	w := &s.world
	var members, teams, repositories []object
	for _, login := range w.Members {
		role := "MEMBER"
		if slices.Contains(w.Owners, login) {
			role = "ADMIN"
		}
		members = append(members, object{"role": role, "node": s.user(e, login)})
	}
	for _, t := range w.Teams {
		teams = append(teams, s.team(e, t).(object))
	}
	for _, r := range w.Repositories {
		repositories = append(repositories, s.repository(e, r))
	}
	return object{
		"__typename": "Organization", "id": "O_1", "login": w.Organization,
		"membersWithRole": e.needs("read:org", e.connection("membersWithRole", members)), "teams": e.needs("read:org", e.connection("teams", teams)),
		"repositories":         e.connection("repositories", repositories),
		"samlIdentityProvider": e.needs("admin:org", s.identityProvider(e)),
	}
}

func (s *Site) identityProvider(e *execution) any {
	if s.scopes["owner"] {
		return failed{"FORBIDDEN", "root must be an owner of the organization"}
	}
	if s.world.SAML == nil {
		return nil
	}
	var identities []object
	for _, login := range slices.Sorted(maps.Keys(s.world.SAML)) {
		identities = append(identities, object{
			"__typename": "ExternalIdentity", "id": "EI_" + login, "guid": login, "user": s.user(e, login),
			"samlIdentity": object{"__typename": "ExternalIdentitySamlAttributes", "nameId": s.world.SAML[login], "username": login},
		})
	}
	return object{"__typename": "OrganizationIdentityProvider", "id": "IP_1", "externalIdentities": e.connection("externalIdentities", identities)}
}

func (s *Site) team(e *execution, t *Team) any {
	var parent any
	var members, repositories []object
	for _, other := range s.world.Teams {
		if other.Slug == t.Parent {
			parent = object{"__typename": "Team", "id": "T_" + other.Slug, "slug": other.Slug}
		}
	}
	for _, login := range t.Members {
		members = append(members, s.user(e, login).(object))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Repositories)) {
		repositories = append(repositories, object{"permission": t.Repositories[name], "node": s.repository(e, s.world.Repository(name))})
	}
	return object{
		"__typename": "Team", "id": "T_" + t.Slug, "slug": t.Slug, "parentTeam": parent,
		"repositories": e.connection("repositories", repositories),
		"members": resolver(func(a map[string]any) any {
			if a["membership"] != "IMMEDIATE" {
				e.site.t.Errorf("the fake knows members of a team itself alone, not %v", a["membership"])
			}
			return e.connection("members", members)(a)
		}),
	}
}

func (s *Site) repository(e *execution, r *Repository) object {
	numbered := func(kinds ...Kind) resolver {
		return func(a map[string]any) any {
			n, _ := number(a["number"])
			for _, i := range r.Items {
				if i.number == n && slices.Contains(kinds, i.Kind) && n > 0 {
					return s.item(e, i)
				}
			}
			return failed{"NOT_FOUND", fmt.Sprintf("Could not resolve to an issue or pull request with the number of %d.", n)}
		}
	}
	return object{
		"__typename": "Repository", "id": repositoryID(r), "databaseId": r.id, "name": r.Name, "nameWithOwner": s.world.full(r),
		"url": s.URL + "/" + s.world.full(r), "visibility": r.Visibility, "hasWikiEnabled": !r.NoWiki, "owner": object{"__typename": "Organization", "id": "O_1", "login": s.world.Organization},
		"issues": s.items(e, r, Issue), "pullRequests": s.items(e, r, Pull), "discussions": s.items(e, r, Discussion), "releases": s.items(e, r, Release),
		"issueOrPullRequest": numbered(Issue, Pull), "discussion": numbered(Discussion),
		"collaborators": resolver(func(a map[string]any) any { return s.collaborators(e, r, a) }),
	}
}

func (s *Site) collaborators(e *execution, r *Repository, arguments map[string]any) any {
	if arguments["affiliation"] != "DIRECT" {
		e.site.t.Errorf("the collaborators of an organisation's repository are asked for by %v", arguments["affiliation"])
	}
	if r.Untold {
		return failed{"FORBIDDEN", "You do not have permission to view repository collaborators."}
	}
	var edges []object
	for _, login := range slices.Sorted(maps.Keys(r.Collaborators)) {
		edges = append(edges, object{"permission": r.Collaborators[login], "node": s.user(e, login)})
	}
	return e.connection("collaborators", edges)(arguments)
}

// items are those of one kind in a repository, in the order that is asked for.
func (s *Site) items(e *execution, r *Repository, kind Kind) resolver {
	return func(a map[string]any) any {
		if kind == Discussion && s.scopes["discussions"] {
			return failed{"FORBIDDEN", "Resource not accessible by personal access token"}
		}
		var list []*Item
		states, _ := a["states"].([]any)
		for _, i := range r.Items {
			if i.Kind == kind && (len(states) == 0 || slices.Contains(states, any(i.State))) {
				list = append(list, i)
			}
		}
		if order, ok := a["orderBy"].(map[string]any); ok {
			slices.SortFunc(list, func(x, y *Item) int {
				c := int(x.id - y.id)
				if order["field"] == "UPDATED_AT" {
					c = cmpTime(x, y)
				}
				if order["direction"] == "DESC" {
					c = -c
				}
				return c
			})
		}
		things := make([]object, len(list))
		for n, i := range list {
			things[n] = s.itemFields(e, i)
		}
		return e.connection(string(kind)+"s", things)(a)
	}
}

// item is one item when it is asked for by itself.
func (s *Site) item(e *execution, i *Item) any {
	if i.Broken {
		return failed{"", "Something went wrong while executing your query. Please include the request id when reporting this issue."}
	}
	return s.itemFields(e, i)
}

func (s *Site) itemFields(e *execution, i *Item) object {
	o := object{
		"id": itemID(i), "databaseId": i.id, "number": i.number, "title": i.Title, "bodyHTML": i.HTML, "url": s.URL + s.world.path(i),
		"author": s.user(e, i.Author), "createdAt": stamp(i.created), "updatedAt": stamp(i.updated), "state": i.State,
	}
	comments := func(kind string) resolver {
		var list []object
		for _, c := range i.Comments {
			list = append(list, s.comment(e, i, c, kind))
		}
		return e.connection("comments", list)
	}
	switch i.Kind {
	case Issue:
		merge(o, object{"__typename": "Issue", "comments": comments("IssueComment"), "stateReason": orNil(i.Reason)})
	case Pull:
		merge(o, object{
			"__typename": "PullRequest", "comments": comments("IssueComment"), "isDraft": i.Draft, "baseRefName": "main", "headRefName": "topic",
			"reviews": s.reviews(e, i), "reviewThreads": s.threads(e, i),
		})
	case Discussion:
		merge(o, object{
			"__typename": "Discussion", "comments": comments("DiscussionComment"), "closed": i.State == "CLOSED",
			"category": object{"__typename": "DiscussionCategory", "id": "DIC_1", "name": "Q&A"},
		})
	case Release:
		merge(o, object{
			"__typename": "Release", "name": orNil(i.Title), "tagName": fmt.Sprintf("v%d", i.id), "isDraft": i.Draft, "isPrerelease": i.Reason == "PRERELEASE",
			"descriptionHTML": i.HTML,
		})
	}
	return o
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// fragments are the anchors of comments by what they are.
var fragments = map[string]string{"IssueComment": "issuecomment-", "DiscussionComment": "discussioncomment-", "PullRequestReviewComment": "discussion_r"}

func (s *Site) comment(e *execution, i *Item, c *Comment, kind string) object {
	var replies []object
	for _, reply := range c.Replies {
		replies = append(replies, s.comment(e, i, reply, kind))
	}
	return object{
		"__typename": kind, "id": commentID(c), "url": fmt.Sprintf("%s%s#%s%d", s.URL, s.world.path(i), fragments[kind], c.id), "author": s.user(e, c.Author),
		"bodyHTML": c.HTML, "createdAt": stamp(c.at), "isMinimized": c.Minimized != "", "minimizedReason": orNil(c.Minimized),
		"isAnswer": c.Answer, "replies": e.connection("replies", replies),
	}
}

func (s *Site) reviews(e *execution, i *Item) resolver {
	var list []object
	for _, r := range i.Reviews {
		list = append(list, object{
			"__typename": "PullRequestReview", "id": fmt.Sprintf("PRR_%d", r.id), "url": fmt.Sprintf("%s%s#pullrequestreview-%d", s.URL, s.world.path(i), r.id),
			"author": s.user(e, r.Author), "bodyHTML": r.HTML, "createdAt": stamp(r.at), "state": r.State,
		})
	}
	return e.connection("reviews", list)
}

func (s *Site) threads(e *execution, i *Item) resolver {
	var list []object
	for _, t := range i.Threads {
		list = append(list, s.thread(e, i, t))
	}
	return e.connection("reviewThreads", list)
}

func (s *Site) thread(e *execution, i *Item, t *Thread) object {
	var comments []object
	for _, c := range t.Comments {
		comments = append(comments, s.comment(e, i, c, "PullRequestReviewComment"))
	}
	var line any
	if t.Line > 0 {
		line = t.Line
	}
	return object{
		"__typename": "PullRequestReviewThread", "id": threadID(t), "path": t.Path, "line": line, "isResolved": t.Resolved,
		"comments": e.connection("comments", comments),
	}
}
