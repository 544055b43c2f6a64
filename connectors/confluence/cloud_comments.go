package confluence

import (
	"context"
	"net/url"
	"strconv"

	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// cloudComment is a comment in API v2.
type cloudComment struct {
	ID         string       `json:"id"`
	PageID     string       `json:"pageId"`
	BlogPostID string       `json:"blogPostId"`
	Version    cloudVersion `json:"version"`
	Body       struct {
		Storage struct {
			Value string `json:"value"`
		} `json:"storage"`
	} `json:"body"`
	Properties struct {
		Selection string `json:"inlineOriginalSelection"`
	} `json:"properties"`
}

// version names the version of a comment.
func (e cloudComment) version() string { return e.ID + "." + strconv.Itoa(e.Version.Number) }

// mostComments bounds how many comments of a page are read.
const mostComments = 1000

// comments implements api. API v2 tells the first comments of a page, and of each the
// direct answers.
func (c *cloud) comments(ctx context.Context, p *page) ([]comment, error) {
	var all []comment
	for _, kind := range []string{"footer-comments", "inline-comments"} {
		if err := c.thread(ctx, kind, "", &all, p.path(), p.id, kind); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// thread appends the comments at a path, each with its answers behind it.
func (c *cloud) thread(ctx context.Context, kind, parent string, all *[]comment, path ...string) error {
	request := ofV2("comments of a page", url.Values{"body-format": {"storage"}}, path...)
	for e, err := range cursors[cloudComment](ctx, c.client, request) {
		if err != nil {
			return err
		}
		if len(*all) == mostComments {
			return nil
		}
		*all = append(*all, comment{
			id: e.ID, parent: parent, author: e.Version.AuthorID, created: atlassian.Moment(e.Version.CreatedAt),
			quote: e.Properties.Selection, body: e.Body.Storage.Value,
		})
		if err := c.thread(ctx, kind, e.ID, all, kind, e.ID, "children"); err != nil {
			return err
		}
	}
	return nil
}

// people implements api.
func (c *cloud) people(ctx context.Context, ids []string) (map[string]person, error) {
	type element struct {
		AccountID   string `json:"accountId"`
		DisplayName string `json:"displayName"`
		PublicName  string `json:"publicName"`
		Email       string `json:"email"`
	}
	found := map[string]person{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), accountsAtOnce)]
		ids = ids[len(some):]
		request := remote.Request{
			Path: "api/v2/users-bulk", JSON: map[string]any{"accountIds": some}, Repeat: true, What: "the names of people",
		}
		list, _, err := remote.Get[paged[element]](ctx, c.client, request)
		if err != nil {
			return nil, err
		}
		for _, e := range list.Results {
			name := e.DisplayName
			if name == "" {
				name = e.PublicName
			}
			found[e.AccountID] = person{id: e.AccountID, name: name, email: e.Email}
		}
	}
	return found, nil
}
