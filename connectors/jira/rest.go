package jira

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// rest asks for what both editions answer alike, but for the version of the API.
type rest struct {
	client *remote.Client
	base   string // rest/api/2 or rest/api/3
}

// get makes a request for something below the API.
func (r rest) get(what string, query url.Values, parts ...string) remote.Request {
	to := r.base
	for _, part := range parts {
		to += "/" + url.PathEscape(part)
	}
	return remote.Request{Path: to, Query: query, What: what}
}

func (r rest) me(ctx context.Context) (user, error) {
	u, _, err := remote.Get[user](ctx, r.client, r.get("whose credential it is", nil, "myself"))
	return u, err
}

func (r rest) fields(ctx context.Context) ([]field, error) {
	all, _, err := remote.Get[[]field](ctx, r.client, r.get("the list of fields", nil, "field"))
	return all, err
}

func (r rest) scheme(ctx context.Context, p project) ([]grant, error) {
	type scheme struct {
		Permissions []grant `json:"permissions"`
	}
	s, _, err := remote.Get[scheme](ctx, r.client, r.get("the permission scheme of a project", url.Values{"expand": {"all"}}, "project", p.ID, "permissionscheme"))
	if err == nil && s.Permissions == nil {
		err = &connectors.Error{Kind: connectors.ErrUnexpected, Message: r.client.Host() + " does not tell what the permission scheme of a project grants"}
	}
	return s.Permissions, err
}

func (r rest) roles(ctx context.Context, p project) ([]string, error) {
	links, _, err := remote.Get[map[string]string](ctx, r.client, r.get("the roles of a project", nil, "project", p.ID, "role"))
	var ids []string
	for _, link := range links {
		ids = append(ids, path.Base(link))
	}
	return ids, err
}

func (r rest) role(ctx context.Context, p project, id string) ([]actor, error) {
	type role struct {
		Actors []actor `json:"actors"`
	}
	got, _, err := remote.Get[role](ctx, r.client, r.get("who has a role in a project", nil, "project", p.ID, "role", id))
	return got.Actors, err
}

func (r rest) applicationRoles(ctx context.Context) ([]applicationRole, error) {
	all, _, err := remote.Get[[]applicationRole](ctx, r.client, r.get("the application roles", nil, "applicationrole"))
	return all, err
}

// commentPage is how many comments are asked for at once.
const commentPage = 100

func (r rest) comments(ctx context.Context, id string, expand string) ([]comment, error) {
	query := url.Values{"maxResults": {strconv.Itoa(commentPage)}, "orderBy": {"created"}}
	if expand != "" {
		query.Set("expand", expand)
	}
	var all []comment
	// One that is deleted meanwhile shifts the others; the issue then counts as updated,
	// and is read again.
	for {
		query.Set("startAt", strconv.Itoa(len(all)))
		p, _, err := remote.Get[commentField](ctx, r.client, r.get("the comments of an issue", query, "issue", id, "comment"))
		if err != nil {
			return nil, err
		}
		all = append(all, p.Comments...)
		if len(p.Comments) == 0 || len(all) >= p.Total {
			return all, nil
		}
	}
}

// numbered is a page of a list with numbers.
type numbered[T any] struct {
	Values  []T   `json:"values"`
	StartAt int   `json:"startAt"`
	Total   *int  `json:"total"`
	IsLast  *bool `json:"isLast"`
}

// Elements implements atlassian.Page.
func (n numbered[T]) Elements() []T { return n.Values }

// More implements atlassian.Page.
func (n numbered[T]) More() bool {
	switch {
	case n.IsLast != nil:
		return !*n.IsLast
	case n.Total != nil:
		return n.StartAt+len(n.Values) < *n.Total
	}
	return len(n.Values) > 0
}

// numbers yields the elements of a list with numbers.
func numbers[T any](ctx context.Context, c *remote.Client, r remote.Request, id func(T) string) iter.Seq2[T, error] {
	return atlassian.Numbers[numbered[T]](ctx, c, r, "startAt", id)
}

// searchBytes is how large a page of issues may be.
const searchBytes = 128 << 20

// pageOf checks what came of a search: each issue must have what it is told apart by.
func pageOf(c *remote.Client, issues []issue) error {
	for _, i := range issues {
		if i.ID == "" || i.Fields == nil {
			return &connectors.Error{Kind: connectors.ErrUnexpected, Message: c.Host() + " found issues of a form that is not known"}
		}
	}
	return nil
}

// location returns the time zone of an account; nil when it is not known.
func location(name string) *time.Location {
	if name == "" || name == "Local" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// isNull reports whether a value of JSON says nothing.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
