package github

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// The groups of a source:
//
//	acme              the members of the organisation
//	acme owners       those of them who own it; no team has a blank in its name
//	acme/platform     a team, with its child teams in it
//	repository-4711   who may read a private or internal repository: people who were let in
//	                  one by one, teams, owners, and all members where the organisation's
//	                  base permission lets them
//
// Whoever's address is not known is in none of them.

// Members implements connectors.Directory.
func (s *source) Members(ctx context.Context) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		d := &directory{source: s, ctx: ctx, yield: yield, addresses: map[string]map[string]bool{}}
		err := d.run()
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Member{}, err)
		}
	}
}

// directory is one reading of the groups.
type directory struct {
	*source
	ctx       context.Context
	yield     func(connectors.Member, error) bool
	addresses map[string]map[string]bool // by login in lower case
}

func (d *directory) run() error {
	for _, owner := range d.settings.owners {
		if err := d.ofOwner(owner); err != nil {
			return err
		}
	}
	return nil
}

// ofOwner yields the groups of an owner; none where all repositories are public, for
// which a credential need not reach the members.
func (d *directory) ofOwner(name string) error {
	organization, login, err := d.owner(name)
	if err != nil {
		return err
	}
	restricted, err := d.restricted(login, organization)
	if err != nil || len(restricted) == 0 {
		return err
	}
	base := ""
	if organization {
		if base, err = d.organization(login); err != nil {
			return err
		}
	}
	for _, r := range restricted {
		if err := d.repository(login, organization, base, r); err != nil {
			return err
		}
	}
	return nil
}

// emit yields members.
func (d *directory) emit(members ...connectors.Member) error {
	for _, m := range members {
		if err := context.Cause(d.ctx); err != nil {
			return err
		}
		if !d.yield(m, nil) {
			return errStopped
		}
	}
	return nil
}

// person yields a person as a member of a group, by each address that is known.
func (d *directory) person(group, login string) error {
	login = strings.ToLower(login)
	known := d.addresses[login]
	if address, ok := d.settings.people[login]; ok {
		known = map[string]bool{strings.ToLower(address): true}
	}
	for _, address := range slices.Sorted(maps.Keys(known)) {
		if err := d.emit(connectors.Member{Group: group, Email: address}); err != nil {
			return err
		}
	}
	return nil
}

// knows notes an address that GitHub, or an organisation's identity provider, has verified.
func (d *directory) knows(login, address string) {
	if login, address = strings.ToLower(login), strings.ToLower(strings.TrimSpace(address)); login == "" || !cairn.UserKey(address).Valid() {
		return
	} else if d.addresses[login] == nil {
		d.addresses[login] = map[string]bool{address: true}
	} else {
		d.addresses[login][address] = true
	}
}

// owner says whether an owner is an organisation, and how its name is written.
func (d *directory) owner(name string) (organization bool, login string, err error) {
	found, err := ask[struct {
		RepositoryOwner *struct {
			Typename string `json:"__typename"`
			Login    string
		}
	}](d.ctx, d.api, "an owner of repositories", `query($login: String!) { repositoryOwner(login: $login) { __typename login } }`, map[string]any{"login": name})
	if err != nil {
		return false, "", err
	}
	if found.RepositoryOwner == nil {
		return false, "", d.noOwner(name)
	}
	return found.RepositoryOwner.Typename == "Organization", found.RepositoryOwner.Login, nil
}

// organization yields the members and teams of an organisation, and returns what its
// members may do in every repository of it.
func (d *directory) organization(login string) (base string, err error) {
	if err := d.identities(login); err != nil {
		return "", err
	}
	if err := d.members(login); err != nil {
		return "", err
	}
	if err := d.teams(login); err != nil {
		return "", err
	}
	found, _, err := get[struct {
		DefaultRepositoryPermission string `json:"default_repository_permission"` // told to owners
	}](d.ctx, d.api, remote.Request{Path: "orgs/" + login, What: "an organisation"})
	return found.DefaultRepositoryPermission, err
}

// identities learns the addresses of people from the names that they have at an
// organisation's identity provider. Only owners are told.
func (d *directory) identities(organization string) error {
	type identity struct {
		User         *account
		SAMLIdentity *struct{ NameID string }
	}
	type found struct {
		Organization *struct {
			SAMLIdentityProvider *struct{ ExternalIdentities connection[identity] }
		}
	}
	page := func(f *found) *connection[identity] {
		if f.Organization == nil {
			return nil
		}
		if f.Organization.SAMLIdentityProvider == nil {
			return &connection[identity]{}
		}
		return &f.Organization.SAMLIdentityProvider.ExternalIdentities
	}
	for i, err := range tolerant(ofOwner(d.ctx, d.api, "the identities of an organisation", identities, map[string]any{"login": organization}, page)) {
		if err != nil {
			return err
		}
		if i.User != nil && i.SAMLIdentity != nil {
			d.knows(i.User.Login, i.SAMLIdentity.NameID)
		}
	}
	return nil
}

// tolerant ends a sequence without an error where the credential is not allowed it.
func tolerant[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if errors.Is(err, connectors.ErrForbidden) || !yield(v, err) {
				return
			}
		}
	}
}

// member is a member of an organisation.
type member struct {
	Role string
	Node *struct {
		Login                            string
		OrganizationVerifiedDomainEmails []string
	}
}

// members yields the members of an organisation. Their addresses are told to owners, and
// not by every plan: where they are not, the members are.
func (d *directory) members(organization string) error {
	if err := d.emit(connectors.Member{Group: organization}, connectors.Member{Group: organization + " owners"}); err != nil {
		return err
	}
	err := d.membersWith(organization, true)
	if errors.Is(err, connectors.ErrForbidden) {
		return d.membersWith(organization, false)
	}
	return err
}

func (d *directory) membersWith(organization string, addresses bool) error {
	type found struct {
		Organization *struct{ MembersWithRole connection[member] }
	}
	page := func(f *found) *connection[member] {
		if f.Organization == nil {
			return nil
		}
		return &f.Organization.MembersWithRole
	}
	variables := map[string]any{"login": organization, "addresses": addresses}
	for m, err := range ofOwner(d.ctx, d.api, "the members of an organisation", members, variables, page) {
		if err != nil {
			return err
		}
		if m.Node == nil {
			continue
		}
		for _, address := range m.Node.OrganizationVerifiedDomainEmails {
			d.knows(m.Node.Login, address)
		}
		if err := d.person(organization, m.Node.Login); err != nil {
			return err
		}
		if m.Role == "ADMIN" {
			if err := d.person(organization+" owners", m.Node.Login); err != nil {
				return err
			}
		}
	}
	return nil
}

// team is a team with the first of those in it and of the repositories that it reaches.
type team struct {
	ID           string
	Slug         string
	ParentTeam   *struct{ Slug string }
	Members      connection[account]
	Repositories connection[permitted]
}

// permitted is a repository that a team reaches.
type permitted struct {
	Permission string
	Node       *struct{ DatabaseID int64 }
}

// mayRead are the permissions that GitHub knows; all of them let read.
var mayRead = map[string]bool{"READ": true, "TRIAGE": true, "WRITE": true, "MAINTAIN": true, "ADMIN": true}

func (d *directory) teams(organization string) error {
	type found struct {
		Organization *struct{ Teams connection[team] }
	}
	page := func(f *found) *connection[team] {
		if f.Organization == nil {
			return nil
		}
		return &f.Organization.Teams
	}
	for t, err := range ofOwner(d.ctx, d.api, "the teams of an organisation", teams, map[string]any{"login": organization}, page) {
		if err != nil {
			return err
		}
		if err := d.team(organization, t); err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) team(organization string, t team) error {
	group := organization + "/" + t.Slug
	if err := d.emit(connectors.Member{Group: group}); err != nil {
		return err
	}
	if t.ParentTeam != nil {
		if err := d.emit(connectors.Member{Group: organization + "/" + t.ParentTeam.Slug, Subgroup: group}); err != nil {
			return err
		}
	}
	held, err := rest(d.ctx, d.api, "the members of a team", t.ID, further("Team", "members", ", membership: IMMEDIATE", "nodes", teamMember), t.Members)
	if err != nil {
		return err
	}
	for _, m := range held {
		if err := d.person(group, m.Login); err != nil {
			return err
		}
	}
	reached, err := rest(d.ctx, d.api, "the repositories of a team", t.ID, further("Team", "repositories", "", "edges", teamRepository), t.Repositories)
	if err != nil {
		return err
	}
	for _, r := range reached {
		if r.Node == nil || r.Node.DatabaseID == 0 || !mayRead[r.Permission] {
			continue
		}
		repo := &repository{DatabaseID: r.Node.DatabaseID}
		if err := d.emit(connectors.Member{Group: repo.group(), Subgroup: group}); err != nil {
			return err
		}
	}
	return nil
}
