package confluence

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// advise adds what is known of a status.
func advise(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	longer := *e
	switch e.Status {
	case http.StatusInternalServerError:
		longer.Message += ". Confluence Data Center answers so when the account is no administrator of Confluence, who alone may read permissions"
	case http.StatusNotFound:
		longer.Message += ". Confluence Data Center tells permissions of spaces from version 9.1 on"
	}
	return &longer
}

// directory reads the active users, whose addresses Data Center tells to administrators.
// Where it does not, those in the setting people are known alone.
func (d *datacenter) directory(ctx context.Context) error {
	if d.active != nil {
		return nil
	}
	active := map[string]v1Person{}
	request := ofV1("the list of users", plainLimit, "", "admin", "users", "list", "active")
	for p, err := range numbers(ctx, d.client, request, func(p v1Person) string { return p.UserKey }) {
		if len(active) == 0 && (errors.Is(err, connectors.ErrForbidden) || errors.Is(err, connectors.ErrNotFound)) {
			break
		}
		if err != nil {
			return err
		}
		active[p.UserKey] = p
	}
	d.active = active
	return nil
}

// personOf returns a person with the address that the list of users has.
func (d *datacenter) personOf(p v1Person) person {
	who := p.person()
	if known, ok := d.active[p.UserKey]; ok && who.email == "" {
		who.email = known.Email
	}
	return who
}

// note keeps what a person is called that came with a content.
func (d *datacenter) note(p v1Person) {
	if p.UserKey == "" || p.DisplayName == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named[p.UserKey] = p.person()
}

// people implements api.
func (d *datacenter) people(ctx context.Context, ids []string) (map[string]person, error) {
	found := map[string]person{}
	for _, id := range ids {
		d.mu.Lock()
		who, ok := d.named[id]
		d.mu.Unlock()
		if ok {
			found[id] = who
			continue
		}
		request := remote.Request{Path: "rest/api/user", Query: url.Values{"key": {id}}, What: "the name of a person"}
		p, _, err := remote.Get[v1Person](ctx, d.client, request)
		if err != nil {
			if atlassian.ConcernsOne(err) {
				continue
			}
			return nil, err
		}
		found[id] = person{id: id, name: p.DisplayName, email: p.Email}
	}
	return found, nil
}

func (d *datacenter) groups(ctx context.Context) iter.Seq2[group, error] {
	return v1Groups(ctx, d.client)
}

func (d *datacenter) members(ctx context.Context, g group) iter.Seq2[person, error] {
	return func(yield func(person, error) bool) {
		if err := d.directory(ctx); err != nil {
			yield(person{}, err)
			return
		}
		for p, err := range v1Members(ctx, d.client, "rest/api/group/"+url.PathEscape(g.name)+"/member") {
			who := d.personOf(p)
			if told, ok := d.who.Addresses[p.Username]; ok && p.Username != "" {
				who.email = told
			}
			if !yield(who, err) || err != nil {
				return
			}
		}
	}
}
