package confluence

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// restrictions returns the read restrictions of the pages of a space, many a request, as
// far as the search knows the pages: others are asked for one by one.
func (c *cloud) restrictions(ctx context.Context, sp space) (map[string]*readers, error) {
	type element struct {
		ID           string `json:"id"`
		Restrictions struct {
			Read *v1Restriction `json:"read"`
		} `json:"restrictions"`
	}
	request := remote.Request{
		Path: "rest/api/content/search", What: "the restrictions of the pages of a space",
		Query: url.Values{
			"cql":    {"space = " + quoted(sp.key) + " and type in (page, blogpost)"},
			"expand": {"restrictions.read.restrictions.user,restrictions.read.restrictions.group"},
			"limit":  {searchLimit},
		},
	}
	told := map[string]*readers{}
	for e, err := range cursors[element](ctx, c.client, request) {
		if err != nil {
			return nil, err
		}
		s, err := e.Restrictions.Read.subjects()
		if err != nil || s.users.full() || s.groups.full() {
			continue // asked for by itself, where it is told whole
		}
		told[e.ID] = s.readers(c.who, v1Person.person)
	}
	return told, nil
}

// quoted returns a text as CQL has it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// readers implements api.
func (c *cloud) readers(ctx context.Context, id string) (readers, error) {
	return restrictionOf(ctx, c.client, id, c.who, v1Person.person)
}

// principal is somebody who has a permission in a space.
type principal struct{ kind, id string }

// viewers implements api. There are two lists: permissions given one by one, and roles.
func (c *cloud) viewers(ctx context.Context, sp space) ([]cairn.PrincipalKey, error) {
	type permission struct {
		Principal struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		} `json:"principal"`
		Operation struct {
			Key        string `json:"key"`
			TargetType string `json:"targetType"`
		} `json:"operation"`
	}
	var all []principal
	for e, err := range cursors[permission](ctx, c.client, ofV2("the permissions of a space", nil, "spaces", sp.id, "permissions")) {
		if err != nil {
			return nil, err
		}
		if e.Operation.Key == "read" && e.Operation.TargetType == "space" {
			all = append(all, principal{strings.ToLower(e.Principal.Type), e.Principal.ID})
		}
	}
	byRole, err := c.byRole(ctx, sp)
	if err != nil {
		return nil, err
	}
	return c.keys(ctx, append(all, byRole...))
}

// byRole returns who may view a space by a role in it. Sites without roles answer with an
// error; what is not told lets nobody in.
func (c *cloud) byRole(ctx context.Context, sp space) ([]principal, error) {
	if err := c.readRoles(ctx); err != nil || len(c.roles) == 0 {
		return nil, err
	}
	type assignment struct {
		Principal struct {
			Type string `json:"principalType"`
			ID   string `json:"principalId"`
		} `json:"principal"`
		RoleID string `json:"roleId"`
	}
	var all []principal
	for e, err := range cursors[assignment](ctx, c.client, ofV2("the roles in a space", nil, "spaces", sp.id, "role-assignments")) {
		if err != nil {
			return nil, err
		}
		if c.roles[e.RoleID] {
			all = append(all, principal{strings.ToLower(e.Principal.Type), e.Principal.ID})
		}
	}
	return all, nil
}

// readRoles reads which roles let view a space; none where the site has no roles.
func (c *cloud) readRoles(ctx context.Context) error {
	if c.roles != nil {
		return nil
	}
	type role struct {
		ID          string   `json:"id"`
		Permissions []string `json:"spacePermissions"`
	}
	roles := map[string]bool{}
	for e, err := range cursors[role](ctx, c.client, ofV2("the roles of spaces", nil, "space-roles")) {
		if err != nil && !atlassian.ConcernsOne(err) {
			return err
		}
		if err == nil && slices.Contains(e.Permissions, "read/space") {
			roles[e.ID] = true
		}
	}
	c.roles = roles
	return nil
}

// keys returns the principals of who has a permission; what is of an unknown kind has
// none.
func (c *cloud) keys(ctx context.Context, all []principal) ([]cairn.PrincipalKey, error) {
	var accounts []string
	for _, p := range all {
		if p.kind == "user" {
			accounts = append(accounts, p.id)
		}
	}
	known, err := c.people(ctx, accounts)
	if err != nil {
		return nil, err
	}
	keys := []cairn.PrincipalKey{}
	for _, p := range all {
		switch p.kind {
		case "user":
			who := known[p.id]
			who.id = p.id
			if key, ok := c.who.user(who); ok {
				keys = append(keys, key)
			}
		case "group":
			name, err := c.groupName(ctx, p.id)
			if err != nil {
				return nil, err
			}
			if key, ok := c.who.Group(name); ok {
				keys = append(keys, key)
			}
		default: // role, access_class: who may sign in, or is not signed in
			if p.id == "anonymous-users" || c.who.Everyone[p.id] {
				keys = append(keys, cairn.Everyone)
			}
		}
	}
	return keys, nil
}

// groupName returns what a group is called; its id when the site does not list it.
func (c *cloud) groupName(ctx context.Context, id string) (string, error) {
	if c.byID == nil {
		byID := map[string]string{}
		for g, err := range c.groups(ctx) {
			if err != nil {
				return "", err
			}
			byID[g.id] = g.name
		}
		c.byID = byID
	}
	if name, ok := c.byID[id]; ok {
		return name, nil
	}
	return id, nil
}

func (c *cloud) groups(ctx context.Context) iter.Seq2[group, error] { return v1Groups(ctx, c.client) }

func (c *cloud) members(ctx context.Context, g group) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		for p, err := range v1Members(ctx, c.client, "rest/api/group/"+url.PathEscape(g.id)+"/membersByGroupId") {
			if !yield(p.person(), err) || err != nil {
				return
			}
		}
	}
}
