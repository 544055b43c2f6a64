package confluence

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// cloud asks a site of Confluence Cloud: API v2, and v1 for what v2 does not have, which
// are restrictions, groups, the account itself and downloads.
type cloud struct {
	client *remote.Client
	who    principals
	roles  map[string]bool // ids of the space roles that let view a space; nil: not asked yet
	byID   map[string]string
}

func newCloud(c *remote.Client, who principals) *cloud { return &cloud{client: c, who: who} }

// page sizes: the most that a request may ask for.
const (
	v2Limit     = "250"
	searchLimit = "200"
	groupLimit  = "200"
)

// ofV2 makes a request for a list of API v2.
func ofV2(what string, query url.Values, path ...string) remote.Request {
	r := remote.Request{Path: "api/v2", Query: url.Values{"limit": {v2Limit}}, What: what}
	for _, part := range path {
		r.Path += "/" + url.PathEscape(part)
	}
	for name, values := range query {
		r.Query[name] = values
	}
	return r
}

// one makes a request for one thing of API v2.
func one(what string, query url.Values, path ...string) remote.Request {
	r := ofV2(what, query, path...)
	delete(r.Query, "limit")
	return r
}

func (c *cloud) spaces(ctx context.Context) iter.Seq2[space, error] {
	type element struct {
		ID   string `json:"id"`
		Key  string `json:"key"`
		Name string `json:"name"`
		Type string `json:"type"`
	}
	return func(yield func(space, error) bool) {
		for e, err := range cursors[element](ctx, c.client, ofV2("the list of spaces", url.Values{"status": {"current"}}, "spaces")) {
			if !yield(space{id: e.ID, key: e.Key, name: e.Name, personal: e.Type == "personal"}, err) || err != nil {
				return
			}
		}
	}
}

// cloudVersion is a version in API v2.
type cloudVersion struct {
	CreatedAt string `json:"createdAt"`
	Number    int    `json:"number"`
	AuthorID  string `json:"authorId"`
}

// cloudPage is a page or a blog post in API v2.
type cloudPage struct {
	ID         string       `json:"id"`
	Title      string       `json:"title"`
	ParentID   cloudParent  `json:"parentId"`
	ParentType string       `json:"parentType"`
	AuthorID   string       `json:"authorId"`
	CreatedAt  string       `json:"createdAt"`
	Version    cloudVersion `json:"version"`
	Body       struct {
		Storage struct {
			Value string `json:"value"`
		} `json:"storage"`
	} `json:"body"`
	Links struct {
		WebUI string `json:"webui"`
	} `json:"_links"`
}

// cloudParent is the id of a parent, which is null at the top of a space.
type cloudParent struct {
	told bool
	id   string
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *cloudParent) UnmarshalJSON(b []byte) error {
	p.told = true
	return json.Unmarshal(b, &p.id)
}

// ref returns the parent. One that was not told might be restricted: it is of no known
// kind, so that nobody knows who may read what lies in it.
func (e cloudPage) ref() ref {
	switch {
	case !e.ParentID.told:
		return ref{id: "parent of " + e.ID}
	case e.ParentID.id == "":
		return ref{}
	}
	return ref{kind: e.ParentType, id: e.ParentID.id}
}

func (e cloudPage) page(blog bool) *page {
	p := &page{
		id: e.ID, title: e.Title, blog: blog, version: e.Version.Number, author: e.AuthorID,
		created: atlassian.Moment(e.CreatedAt), modified: atlassian.Moment(e.Version.CreatedAt), web: e.Links.WebUI,
	}
	if !blog { // which lie in nothing
		p.parent = e.ref()
	}
	return p
}

// cloudListing is a walk through a site. What API v2 lists for the whole site alone is
// read before the spaces.
type cloudListing struct {
	*cloud
	want        want
	attachments map[string][]*attachment // by page
	comments    map[string][]string      // their versions, by page
}

func (c *cloud) list(ctx context.Context, w want) (listing, error) {
	l := &cloudListing{cloud: c, want: w, attachments: map[string][]*attachment{}, comments: map[string][]string{}}
	if w.attachments {
		if err := l.listAttachments(ctx); err != nil {
			return nil, err
		}
	}
	if w.comments {
		for _, kind := range []string{"footer-comments", "inline-comments"} {
			for e, err := range cursors[cloudComment](ctx, c.client, ofV2("the list of comments", nil, kind)) {
				if err != nil {
					return nil, err
				}
				on := e.PageID + e.BlogPostID
				l.comments[on] = append(l.comments[on], e.version())
			}
		}
	}
	return l, nil
}

func (l *cloudListing) listAttachments(ctx context.Context) error {
	type element struct {
		ID         string       `json:"id"`
		Title      string       `json:"title"`
		PageID     string       `json:"pageId"`
		BlogPostID string       `json:"blogPostId"`
		MediaType  string       `json:"mediaType"`
		FileSize   int64        `json:"fileSize"`
		CreatedAt  string       `json:"createdAt"`
		WebUI      string       `json:"webuiLink"`
		Version    cloudVersion `json:"version"`
	}
	request := ofV2("the list of attachments", url.Values{"status": {"current"}}, "attachments")
	for e, err := range cursors[element](ctx, l.client, request) {
		if err != nil {
			return err
		}
		on := e.PageID + e.BlogPostID
		if on == "" {
			continue // of custom content, which is not read
		}
		a := &attachment{
			id: e.ID, name: e.Title, mediaType: e.MediaType, page: on, size: e.FileSize, version: e.Version.Number,
			created: atlassian.Moment(e.CreatedAt), modified: atlassian.Moment(e.Version.CreatedAt), author: e.Version.AuthorID, web: e.WebUI,
		}
		if l.want.takes == nil || l.want.takes(a) {
			l.attachments[on] = append(l.attachments[on], a)
		}
	}
	return nil
}

func (l *cloudListing) pages(ctx context.Context, sp space) iter.Seq2[*page, error] {
	return func(yield func(*page, error) bool) {
		var pages []*page
		for _, kind := range []string{"pages", "blogposts"} {
			request := ofV2("the list of pages", url.Values{"status": {"current"}, "sort": {"id"}}, "spaces", sp.id, kind)
			for e, err := range cursors[cloudPage](ctx, l.client, request) {
				if err != nil {
					yield(nil, err)
					return
				}
				pages = append(pages, e.page(kind == "blogposts"))
			}
		}
		told := map[string]*readers{}
		if l.want.readers && len(pages) > 0 {
			var err error
			if told, err = l.restrictions(ctx, sp); err != nil {
				yield(nil, err)
				return
			}
		}
		for _, p := range pages {
			p.readers, p.attachments = told[p.id], l.attachments[p.id]
			slices.Sort(l.comments[p.id])
			p.comments, p.commented = atlassian.Digest(l.comments[p.id]...), len(l.comments[p.id]) > 0
			if !yield(p, nil) {
				return
			}
		}
	}
}

// parent implements api: the parent of a page may also be a folder, a whiteboard, a
// database or an embedded link.
func (c *cloud) parent(ctx context.Context, r ref) (ref, error) {
	path, ok := map[string]string{"page": "pages", "folder": "folders", "whiteboard": "whiteboards", "database": "databases", "embed": "embeds"}[r.kind]
	if !ok {
		return ref{}, &connectors.Error{Kind: connectors.ErrUnexpected, Message: "the parent of a page is of an unknown kind"}
	}
	e, _, err := remote.Get[cloudPage](ctx, c.client, one("the parent of a page", nil, path, r.id))
	return e.ref(), err
}

// probe implements api: it asks for the first elements of lists that have scopes of their
// own.
func (c *cloud) probe(ctx context.Context, w want) error {
	var paths []string
	if w.attachments {
		paths = append(paths, "attachments")
	}
	if w.comments {
		paths = append(paths, "footer-comments", "inline-comments")
	}
	for _, path := range paths {
		request := ofV2("the list of "+strings.ReplaceAll(path, "-", " "), url.Values{"limit": {"1"}}, path)
		if _, _, err := remote.Get[paged[struct{}]](ctx, c.client, request); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloud) body(ctx context.Context, p *page) (string, error) {
	e, _, err := remote.Get[cloudPage](ctx, c.client, one("a page", url.Values{"body-format": {"storage"}}, p.path(), p.id))
	return e.Body.Storage.Value, err
}

// path returns what API v2 calls pages or blog posts.
func (p *page) path() string {
	if p.blog {
		return "blogposts"
	}
	return "pages"
}

func (c *cloud) download(a *attachment) remote.Request {
	return remote.Request{
		Path: "rest/api/content/" + url.PathEscape(a.page) + "/child/attachment/" + url.PathEscape(a.id) + "/download",
		What: "an attachment",
	}
}

func (c *cloud) me(ctx context.Context) (string, error) {
	return currentUser(ctx, c.client)
}

// currentUser returns what the account is called, which v1 tells in both editions.
func currentUser(ctx context.Context, c *remote.Client) (string, error) {
	e, _, err := remote.Get[v1Person](ctx, c, remote.Request{Path: "rest/api/user/current", What: "whose credential it is"})
	if err == nil && e.Type == "anonymous" {
		err = &connectors.Error{Kind: connectors.ErrUnauthorized, Message: c.Host() + " takes the credential for that of nobody: it is wrong or has expired"}
	}
	return e.DisplayName, err
}
