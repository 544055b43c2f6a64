package github

import (
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// shared is a repository with those who were let in one by one.
type shared struct {
	ID            string
	DatabaseID    int64
	NameWithOwner string
	Visibility    string
	Collaborators *connection[collaboration] // nil: the credential is not told
}

type collaboration struct {
	Permission string
	Node       *account
}

// affiliation is whose permissions are asked for: in an organisation, teams and members
// come as groups.
func affiliation(organization bool) string {
	if organization {
		return "DIRECT"
	}
	return "ALL"
}

// restricted returns the repositories of an owner that not everybody may read.
func (d *directory) restricted(owner string, organization bool) ([]shared, error) {
	var out []shared
	variables := map[string]any{"login": owner, "affiliation": affiliation(organization)}
	for after := any(nil); ; {
		variables["after"] = after
		const what = "who may read repositories"
		found, failed, _, err := query[ownedBy[shared]](d.ctx, d.api, what, access, variables)
		switch {
		case err != nil:
			return nil, err
		case found.RepositoryOwner == nil:
			return nil, d.noOwner(owner)
		case !onlyUntold(failed):
			return nil, d.partial(what, failed...)
		}
		for _, r := range found.RepositoryOwner.Repositories.Nodes {
			if r.DatabaseID != 0 && d.settings.wants(r.NameWithOwner) && r.Visibility != "PUBLIC" {
				out = append(out, r)
			}
		}
		if after, err = d.next(what, found.RepositoryOwner.Repositories.PageInfo, after); err != nil || after == nil {
			return out, err
		}
	}
}

// onlyUntold reports whether all errors say of a repository that its collaborators are
// not told: that takes the permission to write to it. Nobody is let in then but by teams.
func onlyUntold(failed []graphQLError) bool {
	for _, e := range failed {
		last := ""
		if n := len(e.Path); n > 0 {
			last, _ = e.Path[n-1].(string)
		}
		if e.Type != "FORBIDDEN" || last != "collaborators" {
			return false
		}
	}
	return true
}

// repository yields who may read a repository, teams aside.
func (d *directory) repository(owner string, organization bool, base string, r shared) error {
	group := (&repository{DatabaseID: r.DatabaseID}).group()
	members := []connectors.Member{{Group: group}}
	if organization {
		members = append(members, connectors.Member{Group: group, Subgroup: owner + " owners"})
		if mayRead[strings.ToUpper(base)] {
			members = append(members, connectors.Member{Group: group, Subgroup: owner})
		}
	}
	if err := d.emit(members...); err != nil {
		return err
	}
	if !organization {
		if err := d.person(group, owner); err != nil {
			return err
		}
	}
	if r.Collaborators == nil {
		return nil
	}
	people, err := rest(d.ctx, d.api, "the collaborators of a repository", r.ID,
		further("Repository", "collaborators", ", affiliation: "+affiliation(organization), "edges", collaborator), *r.Collaborators)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.Node == nil || !mayRead[p.Permission] {
			continue
		}
		if err := d.person(group, p.Node.Login); err != nil {
			return err
		}
	}
	return nil
}
