package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// clause is a condition of an ACL as a project has it: keys that are the same for all of
// its issues, and fields of an issue whose people or groups belong to it, too.
type clause struct {
	keys   []cairn.PrincipalKey
	fields map[string]bool // true: of groups
}

// of returns the clause for one issue.
func (c clause) of(i issue, who principals) []cairn.PrincipalKey {
	keys := append([]cairn.PrincipalKey{}, c.keys...)
	for name, groups := range c.fields {
		keys = append(keys, who.inField(i.Fields[name], groups)...)
	}
	return keys
}

// String returns a text that changes whenever the clause does.
func (c clause) String() string {
	keys := slices.Clone(c.keys)
	slices.Sort(keys)
	return fmt.Sprintf("%q%v", slices.Compact(keys), c.fields)
}

// access is who may read the issues of a project.
type access struct {
	browse  clause
	unknown error             // why browse is not known
	levels  map[string]clause // by id of a security level
	secured bool              // the project has security levels
	roles   map[string]clause // by id, in projects whose issues may be restricted to them
	digest  string
}

// errAccess says that a permission is of a form that is not known. What is not understood
// might keep people out.
var errAccess = errors.New("a permission is of a form that is not known")

// acl returns who may read an issue. The error says why that cannot be told.
func (a *access) acl(i issue, who principals) (cairn.ACL, error) {
	if a.unknown != nil {
		return cairn.ACL{}, a.unknown
	}
	acl := cairn.ACL{Allow: [][]cairn.PrincipalKey{a.browse.of(i, who)}}
	security, told := i.Fields["security"]
	switch {
	case !told && a.secured:
		return cairn.ACL{}, errAccess // it may have a level, which Jira does not tell
	case !isNull(security):
		level := value[struct {
			ID flexible `json:"id"`
		}](i, "security")
		members, ok := a.levels[string(level.ID)]
		if !ok {
			return cairn.ACL{}, errAccess
		}
		acl.Allow = append(acl.Allow, members.of(i, who))
	}
	if a.roles != nil {
		restricted, keys, err := a.restriction(i, who)
		if err != nil {
			return cairn.ACL{}, err
		}
		if restricted {
			acl.Allow = append(acl.Allow, keys)
		}
	}
	return acl.Canonical(), nil
}

// restrictionField is the field "Restrict to" of issues in projects that their team
// manages.
const restrictionField = "issuerestriction"

// restriction returns the roles that an issue is restricted to.
func (a *access) restriction(i issue, who principals) (restricted bool, keys []cairn.PrincipalKey, err error) {
	raw, told := i.Fields[restrictionField]
	if !told {
		return false, nil, errAccess
	}
	if isNull(raw) {
		return false, nil, nil
	}
	var field struct {
		Restrictions map[string][]json.RawMessage `json:"issuerestrictions"`
	}
	if json.Unmarshal(raw, &field) != nil || field.Restrictions == nil {
		return false, nil, errAccess
	}
	keys = []cairn.PrincipalKey{}
	for kind, all := range field.Restrictions {
		for _, one := range all {
			members, ok := a.roles[roleID(one)]
			if !ok || kind != "projectrole" {
				return false, nil, errAccess
			}
			restricted = true
			keys = append(keys, members.of(i, who)...)
		}
	}
	return restricted, keys, nil
}

// roleID reads the id of a role, which may come as it is or in an object.
func roleID(raw json.RawMessage) string {
	var id flexible
	if json.Unmarshal(raw, &id) == nil {
		return string(id)
	}
	var in struct {
		ID flexible `json:"id"`
	}
	if json.Unmarshal(raw, &in) == nil {
		return string(in.ID)
	}
	return ""
}

// readAccess reads who may read the issues of a project, unless that was done in this run.
// An error concerns the site; why this project's permissions are not known is kept.
func (s *Site) readAccess(ctx context.Context, p project) (*access, error) {
	if a, ok := s.accesses[p.ID]; ok {
		return a, nil
	}
	a := &access{levels: map[string]clause{}}
	r := &resolver{Site: s, project: p, byRole: map[string]clause{}}
	grants, err := s.api.scheme(ctx, p)
	if err == nil {
		var browsing []holder
		for _, g := range grants {
			if g.Permission == "BROWSE_PROJECTS" {
				browsing = append(browsing, g.Holder)
			}
		}
		a.browse, err = r.clause(ctx, browsing)
	}
	if err == nil {
		err = r.readLevels(ctx, a)
	}
	if err == nil && p.Simplified && s.restrictions {
		err = r.readRoles(ctx, a)
	}
	if err != nil && !atlassian.ConcernsOne(err) {
		return nil, err
	}
	a.unknown = err
	parts := []string{s.cfg.digest, a.browse.String(), strconv.FormatBool(a.secured), strconv.FormatBool(a.unknown != nil)}
	for _, of := range []map[string]clause{a.levels, a.roles} {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			parts = append(parts, id, of[id].String())
		}
		parts = append(parts, "")
	}
	a.digest = atlassian.Digest(parts...)
	s.accesses[p.ID] = a
	return a, nil
}

// resolver makes clauses of the holders of permissions in a project.
type resolver struct {
	*Site
	project project
	byRole  map[string]clause
}

func (r *resolver) readLevels(ctx context.Context, a *access) error {
	l, err := r.api.levels(ctx, r.project)
	if err != nil {
		return err
	}
	a.secured = l.any
	for id, members := range l.members {
		if a.levels[id], err = r.clause(ctx, members); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) readRoles(ctx context.Context, a *access) error {
	ids, err := r.api.roles(ctx, r.project)
	if err != nil {
		return err
	}
	a.roles = map[string]clause{}
	for _, id := range ids {
		if a.roles[id], err = r.role(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// clause returns who the holders are. Those of a kind that is not known are nobody.
func (r *resolver) clause(ctx context.Context, holders []holder) (clause, error) {
	c := clause{keys: []cairn.PrincipalKey{}, fields: map[string]bool{}}
	var accounts []string
	for _, h := range holders {
		switch h.Type {
		case "anyone":
			c.keys = append(c.keys, cairn.Everyone)
		case "group":
			c.addGroup(r.who, h.groupName())
		case "user":
			switch {
			case h.User != nil:
				c.addUser(r.who, *h.User)
			default:
				accounts = append(accounts, h.Parameter)
			}
		case "projectLead":
			if lead := r.project.Lead; lead != nil {
				c.addUser(r.who, *lead)
				accounts = append(accounts, lead.AccountID, lead.Name)
			}
		case "projectRole":
			role, err := r.role(ctx, h.Parameter)
			if err != nil {
				return clause{}, err
			}
			c.keys = append(c.keys, role.keys...)
		case "applicationRole":
			if err := r.addApplication(ctx, &c, h.Parameter); err != nil {
				return clause{}, err
			}
		case "reporter", "assignee":
			c.fields[h.Type] = false
		case "userCustomField":
			c.fields[h.Parameter] = false
		case "groupCustomField":
			c.fields[h.Parameter] = true
		}
	}
	return c, r.addAccounts(ctx, &c, accounts)
}

func (h holder) groupName() string {
	if h.Parameter == "" && h.Group != nil {
		return h.Group.Name
	}
	return h.Parameter
}

func (c *clause) addUser(who principals, u user) {
	if key, ok := who.user(u); ok {
		c.keys = append(c.keys, key)
	}
}

func (c *clause) addGroup(who principals, name string) {
	if key, ok := who.Group(name); ok {
		c.keys = append(c.keys, key)
	}
}

// addAccounts adds people of whom only the account is known.
func (r *resolver) addAccounts(ctx context.Context, c *clause, accounts []string) error {
	accounts = slices.DeleteFunc(accounts, func(id string) bool { return id == "" })
	known, err := r.api.people(ctx, accounts)
	if err != nil {
		return err
	}
	for _, id := range accounts {
		if u, ok := known[id]; ok {
			c.addUser(r.who, u)
		}
	}
	return nil
}

// role returns who has a role in the project.
func (r *resolver) role(ctx context.Context, id string) (clause, error) {
	if c, ok := r.byRole[id]; ok {
		return c, nil
	}
	actors, err := r.api.role(ctx, r.project, id)
	if err != nil {
		return clause{}, err
	}
	c := clause{keys: []cairn.PrincipalKey{}}
	var accounts []string
	for _, a := range actors {
		switch a.Type {
		case "atlassian-group-role-actor":
			name := a.Name
			if a.Group != nil {
				name = a.Group.Name
			}
			c.addGroup(r.who, name)
		case "atlassian-user-role-actor":
			account := a.Name
			if a.ActorUser != nil && a.ActorUser.AccountID != "" {
				account = a.ActorUser.AccountID
			}
			accounts = append(accounts, account)
		}
	}
	if err := r.addAccounts(ctx, &c, accounts); err != nil {
		return clause{}, err
	}
	r.byRole[id] = c
	return c, nil
}

// anyApplication stands, in the setting everyone, for whoever may sign in to the site.
const anyApplication = "applicationRole"

// addApplication adds the users of an application; without a name, those of any.
func (r *resolver) addApplication(ctx context.Context, c *clause, name string) error {
	if r.who.Everyone[name] || name == "" && r.who.Everyone[anyApplication] {
		c.keys = append(c.keys, cairn.Everyone)
		return nil
	}
	if r.applications == nil {
		all, err := r.api.applicationRoles(ctx)
		if err != nil && !atlassian.ConcernsOne(err) {
			return err // others say that the account may not know: nobody is in it then
		}
		r.applications = append([]applicationRole{}, all...)
	}
	for _, a := range r.applications {
		if name == "" || a.Key == name {
			for _, g := range a.Groups {
				c.addGroup(r.who, g)
			}
		}
	}
	return nil
}

// groupsOf returns the names of the groups of the site in a clause.
func (c clause) groupsOf() []string {
	var names []string
	for _, k := range c.keys {
		if name, ok := strings.CutPrefix(string(k), "group::"); ok {
			names = append(names, name)
		}
	}
	return names
}
