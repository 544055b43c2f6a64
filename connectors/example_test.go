package connectors_test

import (
	"context"
	"io"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "notes": a service of shared notes.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:     "notes",
		ReadsACL: true,
		Settings: []connectors.Setting{
			{Name: "url", Required: true, Help: "address of the service, as in https://notes.example.com"},
			{Name: "token", Required: true, Secret: true, Help: "API token of an account that reads all notes"},
		},
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := remote.ParseURL("url", settings["url"])
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			c, err := remote.New(env, remote.Config{
				URL: settings["url"], Token: remote.Secret(env, "token"),
				Advice: "Tokens are made at Settings > API.",
				Rate:   connectors.Rate{Every: 100 * time.Millisecond, Burst: 10},
			})
			return notes{c}, err
		},
	}
}

// notes is the connector.
type notes struct{ client *remote.Client }

var (
	_ connectors.Lister = notes{}
	_ connectors.Tester = notes{}
)

// page is a page of the service's log of changes. Of each note it has the last change.
type page struct {
	Changes []struct {
		Number  int // of the change; they ascend
		ID      string
		Title   string
		Deleted bool
		Shared  string   // "all", "people"
		People  []string // addresses
	}
	More bool
}

// Changes implements connectors.Connector: the cursor is the number of a change.
func (n notes) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for p, err := range n.pages(ctx, string(since)) {
			if err != nil {
				yield(connectors.Change{}, err)
				return
			}
			for _, c := range p.Changes {
				number := strconv.Itoa(c.Number)
				change := connectors.Change{External: c.ID, Cursor: connectors.Cursor(number)}
				acl, known := aclOf(c.Shared, c.People)
				switch {
				case c.Deleted:
					change.Op = connectors.Delete
				case !known:
					change.Err = &connectors.DocumentError{Code: connectors.PermissionsNotUnderstood, Reason: "It is shared in a way that Cairn does not know."}
				default:
					change.ACL, change.Open = &acl, n.opener(c.ID)
					change.Metadata = connectors.Metadata{
						Title: c.Title, URL: n.client.Link("/notes/" + url.PathEscape(c.ID)), MediaType: "text/markdown", Revision: number,
					}
				}
				if !yield(change, nil) {
					return
				}
			}
		}
	}
}

// pages yields the log of changes after a number.
func (n notes) pages(ctx context.Context, since string) iter.Seq2[page, error] {
	request := func(after string) remote.Request {
		r := remote.Request{Path: "api/changes", Query: url.Values{"limit": {"2"}}, What: "the list of changes"}
		if after != "" {
			r.Query.Set("after", after)
		}
		return r
	}
	return remote.Pages(ctx, n.client, request(since), func(p page, _ *remote.Response) (remote.Request, bool) {
		if !p.More || len(p.Changes) == 0 {
			return remote.Request{}, false
		}
		return request(strconv.Itoa(p.Changes[len(p.Changes)-1].Number)), true
	})
}

// aclOf returns who may read a note; false when it is shared in an unknown way.
func aclOf(shared string, people []string) (cairn.ACL, bool) {
	switch shared {
	case "all":
		return cairn.Allow(cairn.Everyone), true
	case "people":
		keys := []cairn.PrincipalKey{}
		for _, address := range people {
			keys = append(keys, cairn.UserKey(address))
		}
		return cairn.Allow(keys...), true
	}
	return cairn.ACL{}, false
}

func (n notes) opener(id string) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		return n.client.Open(ctx, remote.Request{Path: "api/notes/" + url.PathEscape(id), What: "a note"})
	}
}

// Externals implements connectors.Lister.
func (n notes) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for c, err := range n.Changes(ctx, "") {
			if err == nil && c.Op == connectors.Delete {
				continue
			}
			if !yield(c.External, err) || err != nil {
				return
			}
		}
	}
}

// Test implements connectors.Tester.
func (n notes) Test(ctx context.Context) (string, error) {
	me, _, err := remote.Get[struct{ Name string }](ctx, n.client, remote.Request{Path: "api/me", What: "whose token it is"})
	if err != nil {
		return "", err
	}
	return "the token is that of " + me.Name, nil
}
