package confluence

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// What follows is of API v1, which both editions have.

type v1Person struct {
	Type        string `json:"type"`
	AccountID   string `json:"accountId"` // Cloud
	UserKey     string `json:"userKey"`   // Data Center
	Username    string `json:"username"`  // Data Center
	DisplayName string `json:"displayName"`
	Email       string `json:"email"` // empty where the profile hides it
}

// person returns the person, under the id of the edition.
func (p v1Person) person() person {
	id := p.AccountID
	if id == "" {
		id = p.UserKey
	}
	return person{id: id, name: p.DisplayName, email: p.Email}
}

type v1Group struct {
	ID   string `json:"id"` // Cloud
	Name string `json:"name"`
}

// v1Restriction is who may do one thing with a content.
type v1Restriction struct {
	Restrictions map[string]json.RawMessage `json:"restrictions"`
}

// subjects are the people and groups of a restriction, or a page of them.
type subjects struct {
	users  numbered[v1Person]
	groups numbered[v1Group]
}

// errShape says that a restriction is of a form that is not known. What is not understood
// might keep people out.
var errShape = errors.New("a restriction is of a form that is not known")

// subjects reads a restriction. Both of its lists must be there, and nothing beside them.
func (r *v1Restriction) subjects() (s subjects, err error) {
	if r == nil {
		return s, errShape
	}
	for name, raw := range r.Restrictions {
		switch name {
		case "user":
			err = json.Unmarshal(raw, &s.users)
		case "group":
			err = json.Unmarshal(raw, &s.groups)
		case "_expandable", "_links":
		default:
			err = errShape
		}
		if err != nil {
			return s, errShape
		}
	}
	if s.users.Results == nil || s.groups.Results == nil {
		return s, errShape
	}
	return s, nil
}

// keys returns the principals of the people and groups; it is not nil.
func (s subjects) keys(who principals, personOf func(v1Person) person) []cairn.PrincipalKey {
	keys := []cairn.PrincipalKey{}
	for _, p := range s.users.Results {
		if key, ok := who.user(personOf(p), p.Username); ok {
			keys = append(keys, key)
		}
	}
	for _, g := range s.groups.Results {
		if key, ok := who.Group(g.Name); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// readers returns who a restriction that was told whole lets read.
func (s subjects) readers(who principals, personOf func(v1Person) person) *readers {
	return &readers{restricted: len(s.users.Results)+len(s.groups.Results) > 0, keys: s.keys(who, personOf)}
}

// restrictionPage is how many people and groups of a restriction are asked for at once.
const restrictionPage = 100

// restrictionOf asks for the read restriction of one content, all of its people and
// groups.
func restrictionOf(ctx context.Context, c *remote.Client, id string, who principals, personOf func(v1Person) person) (readers, error) {
	out := readers{keys: []cairn.PrincipalKey{}}
	request := remote.Request{
		Path:  "rest/api/content/" + url.PathEscape(id) + "/restriction/byOperation/read",
		Query: url.Values{"expand": {"restrictions.user,restrictions.group"}, "limit": {strconv.Itoa(restrictionPage)}},
		What:  "the restrictions of a page",
	}
	for start := 0; ; {
		r, _, err := remote.Get[v1Restriction](ctx, c, atlassian.With(request, "start", strconv.Itoa(start)))
		if err != nil {
			return readers{}, err
		}
		s, err := r.subjects()
		if err != nil {
			return readers{}, &connectors.Error{Kind: connectors.ErrUnexpected, Message: err.Error()}
		}
		some := s.readers(who, personOf)
		out.restricted = out.restricted || some.restricted
		out.keys = append(out.keys, some.keys...)
		most := max(len(s.users.Results), len(s.groups.Results))
		if most == 0 || !s.users.full() && !s.groups.full() {
			return out, nil
		}
		start += most
	}
}

// v1Groups yields the groups of a site.
func v1Groups(ctx context.Context, c *remote.Client) iter.Seq2[group, error] {
	request := remote.Request{Path: "rest/api/group", Query: url.Values{"limit": {groupLimit}}, What: "the list of groups"}
	return func(yield func(group, error) bool) {
		for g, err := range numbers(ctx, c, request, func(g v1Group) string { return g.Name + "\n" + g.ID }) {
			if !yield(group{id: g.ID, name: g.Name}, err) || err != nil {
				return
			}
		}
	}
}

// v1Members yields the members of a group, which are at a path.
func v1Members(ctx context.Context, c *remote.Client, path string) iter.Seq2[v1Person, error] {
	request := remote.Request{Path: path, Query: url.Values{"limit": {groupLimit}}, What: "the members of a group"}
	return numbers(ctx, c, request, func(p v1Person) string { return p.person().id + "\n" + p.Username })
}
