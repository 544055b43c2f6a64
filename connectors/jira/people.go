package jira

import (
	"encoding/json"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// user is a person as both editions show one.
type user struct {
	AccountID    string `json:"accountId"` // Cloud
	AccountType  string `json:"accountType"`
	Key          string `json:"key"`  // Data Center
	Name         string `json:"name"` // Data Center
	DisplayName  string `json:"displayName"`
	EmailAddress string `json:"emailAddress"` // empty where the profile hides it
	TimeZone     string `json:"timeZone"`
}

// principals makes principals of the people and groups of a site.
type principals struct{ atlassian.People }

// user returns the principal of a person; false when there is none, and of customers, who
// see requests in a portal alone.
func (p principals) user(u user) (cairn.PrincipalKey, bool) {
	if u.AccountType == "customer" {
		return "", false
	}
	return p.User(u.EmailAddress, u.Name, u.Key, u.AccountID)
}

// inField returns the principals of the people, or groups, in a field of an issue: one
// or a list of them. What is of another form is nobody.
func (p principals) inField(raw json.RawMessage, groups bool) []cairn.PrincipalKey {
	type either struct {
		user
		Name string `json:"name"` // of a user or a group
	}
	var all []either
	if json.Unmarshal(raw, &all) != nil {
		var one *either
		if json.Unmarshal(raw, &one) != nil || one == nil {
			return nil
		}
		all = []either{*one}
	}
	var keys []cairn.PrincipalKey
	for _, e := range all {
		key, ok := p.Group(e.Name)
		if !groups {
			e.user.Name = e.Name
			key, ok = p.user(e.user)
		}
		if ok {
			keys = append(keys, key)
		}
	}
	return keys
}
