package atlassian

import (
	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// People makes principals of the people and groups of a site.
type People struct {
	Addresses map[string]string // by account, where the site does not tell them
	Everyone  map[string]bool   // groups, and the like, that stand for everybody
}

// User returns the principal of a person with an address and the names of the account,
// of which the last that is known wins; false when the address is unknown, so that there
// is none.
func (p People) User(address string, accounts ...string) (cairn.PrincipalKey, bool) {
	for _, account := range accounts {
		if told, ok := p.Addresses[account]; ok {
			address = told
		}
	}
	key := cairn.UserKey(address)
	return key, key.Valid()
}

// Group returns the principal of a group; false when there can be none of its name.
func (p People) Group(name string) (cairn.PrincipalKey, bool) {
	if p.Everyone[name] {
		return cairn.Everyone, true
	}
	return connectors.SiteGroup(name), cairn.GroupKey("site", name).Valid()
}
