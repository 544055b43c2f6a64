package confluence

import (
	"context"
	"iter"

	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// datacenter asks a site of Confluence Data Center, 9.1 or later: REST v1.
type datacenter struct {
	client *remote.Client
	who    principals
	active map[string]v1Person // by user key; nil: not asked yet

	mu    sync.Mutex
	named map[string]person // that came with contents, by user key
}

func newDataCenter(c *remote.Client, who principals) *datacenter {
	return &datacenter{client: c, who: who, named: map[string]person{}}
}

const (
	contentLimit = "100" // of contents with all that is asked of them
	plainLimit   = "200"
)

func ofV1(what, limit, expand string, path ...string) remote.Request {
	r := remote.Request{Path: "rest/api", Query: url.Values{"limit": {limit}}, What: what}
	for _, part := range path {
		r.Path += "/" + url.PathEscape(part)
	}
	if expand != "" {
		r.Query.Set("expand", expand)
	}
	return r
}

func (d *datacenter) spaces(ctx context.Context) iter.Seq2[space, error] {
	type element struct {
		Key  string `json:"key"`
		Name string `json:"name"`
		Type string `json:"type"`
	}
	request := ofV1("the list of spaces", plainLimit, "", "space")
	request.Query.Set("status", "current")
	return func(yield func(space, error) bool) {
		for e, err := range numbers(ctx, d.client, request, func(e element) string { return e.Key }) {
			if !yield(space{id: e.Key, key: e.Key, name: e.Name, personal: e.Type == "personal"}, err) || err != nil {
				return
			}
		}
	}
}

type v1Version struct {
	Number int      `json:"number"`
	When   string   `json:"when"`
	By     v1Person `json:"by"`
}

// v1Content is a page, a blog post, an attachment or a comment.
type v1Content struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Version v1Version `json:"version"`
	History struct {
		CreatedDate string   `json:"createdDate"`
		CreatedBy   v1Person `json:"createdBy"`
	} `json:"history"`
	Ancestors    []v1Content `json:"ancestors"`
	Restrictions struct {
		Read *v1Restriction `json:"read"`
	} `json:"restrictions"`
	Children struct {
		Attachment *numbered[v1Content] `json:"attachment"`
	} `json:"children"`
	Descendants struct {
		Comment *numbered[v1Content] `json:"comment"`
	} `json:"descendants"`
	Body struct {
		Storage struct {
			Value string `json:"value"`
		} `json:"storage"`
	} `json:"body"`
	Metadata struct {
		MediaType string `json:"mediaType"`
	} `json:"metadata"`
	Extensions struct {
		MediaType        string `json:"mediaType"`
		FileSize         int64  `json:"fileSize"`
		InlineProperties struct {
			Selection string `json:"originalSelection"`
		} `json:"inlineProperties"`
	} `json:"extensions"`
	Links struct {
		WebUI    string `json:"webui"`
		Download string `json:"download"`
	} `json:"_links"`
}

func contentID(e v1Content) string { return e.ID }

// dcListing is a walk through a site.
type dcListing struct {
	*datacenter
	want want
}

func (d *datacenter) list(_ context.Context, w want) (listing, error) {
	return &dcListing{datacenter: d, want: w}, nil
}

// expand names what is asked of each page that is listed.
func (l *dcListing) expand() string {
	parts := []string{"version", "history", "ancestors"}
	if l.want.readers {
		parts = append(parts, "restrictions.read.restrictions.user", "restrictions.read.restrictions.group")
	}
	if l.want.attachments {
		parts = append(parts, "children.attachment.version", "children.attachment.history")
	}
	if l.want.comments {
		parts = append(parts, "descendants.comment.version")
	}
	return strings.Join(parts, ",")
}

func (l *dcListing) pages(ctx context.Context, sp space) iter.Seq2[*page, error] {
	return func(yield func(*page, error) bool) {
		for _, kind := range []string{"page", "blogpost"} {
			request := ofV1("the list of pages", contentLimit, l.expand(), "content")
			request.Query.Set("spaceKey", sp.key)
			request.Query.Set("type", kind)
			request.Query.Set("status", "current")
			for e, err := range numbers(ctx, l.client, request, contentID) {
				var p *page
				if err == nil {
					p, err = l.page(ctx, e, kind == "blogpost")
				}
				if !yield(p, err) || err != nil {
					return
				}
			}
		}
	}
}

// page makes a page of a content, and asks for what was not told whole.
func (l *dcListing) page(ctx context.Context, e v1Content, blog bool) (*page, error) {
	p := &page{
		id: e.ID, title: e.Title, blog: blog, version: e.Version.Number, author: e.History.CreatedBy.UserKey,
		created: atlassian.Moment(e.History.CreatedDate), modified: atlassian.Moment(e.Version.When), web: e.Links.WebUI,
	}
	l.note(e.History.CreatedBy)
	if !blog {
		p.parent = e.parent()
	}
	if l.want.readers {
		if err := l.directory(ctx); err != nil {
			return nil, err
		}
		if s, err := e.Restrictions.Read.subjects(); err == nil && !s.users.full() && !s.groups.full() {
			p.readers = s.readers(l.who, l.personOf)
		}
	}
	if l.want.attachments {
		attached, err := l.whole(ctx, e.Children.Attachment, ofV1("the attachments of a page", plainLimit, "version,history", "content", e.ID, "child", "attachment"))
		if err != nil {
			return nil, err
		}
		for _, c := range attached {
			l.note(c.Version.By)
			if a := c.attachment(e.ID); l.want.takes == nil || l.want.takes(a) {
				p.attachments = append(p.attachments, a)
			}
		}
	}
	if !l.want.comments {
		return p, nil
	}
	comments, err := l.whole(ctx, e.Descendants.Comment, ofV1("the comments of a page", plainLimit, "version", "content", e.ID, "descendant", "comment"))
	if err != nil {
		return nil, err
	}
	versions := make([]string, len(comments))
	for i, c := range comments {
		versions[i] = c.ID + "." + strconv.Itoa(c.Version.Number)
	}
	slices.Sort(versions)
	p.comments, p.commented = atlassian.Digest(versions...), len(versions) > 0
	return p, nil
}

// whole returns a list that came with a page, and asks for it when it is not whole.
func (d *datacenter) whole(ctx context.Context, told *numbered[v1Content], request remote.Request) ([]v1Content, error) {
	if told != nil && told.Results != nil && !told.full() {
		return told.Results, nil
	}
	var all []v1Content
	seen := map[string]bool{}
	for e, err := range numbers(ctx, d.client, request, contentID) {
		if err != nil {
			return nil, err
		}
		if !seen[e.ID] {
			seen[e.ID] = true
			all = append(all, e)
		}
	}
	return all, nil
}

func (e v1Content) attachment(page string) *attachment {
	a := &attachment{
		id: e.ID, name: e.Title, mediaType: e.Extensions.MediaType, page: page, size: e.Extensions.FileSize, version: e.Version.Number,
		created: atlassian.Moment(e.History.CreatedDate), modified: atlassian.Moment(e.Version.When), author: e.Version.By.UserKey,
		web: e.Links.WebUI, download: e.Links.Download,
	}
	if a.mediaType == "" {
		a.mediaType = e.Metadata.MediaType
	}
	return a
}

// parent implements api: every parent is a page here.
func (d *datacenter) parent(ctx context.Context, r ref) (ref, error) {
	request := ofV1("the parent of a page", "", "ancestors", "content", r.id)
	delete(request.Query, "limit")
	e, _, err := remote.Get[v1Content](ctx, d.client, request)
	if err == nil && e.Ancestors == nil {
		err = &connectors.Error{Kind: connectors.ErrUnexpected, Message: d.client.Host() + " does not tell the ancestors of a page"}
	}
	return e.parent(), err
}

// parent returns the parent of a page. Ancestors that were not told might be restricted:
// they are asked for under a name that nothing has, so that nobody knows who may read what
// lies in them.
func (e v1Content) parent() ref {
	switch n := len(e.Ancestors); {
	case e.Ancestors == nil:
		return ref{kind: "page", id: "parent of " + e.ID}
	case n == 0:
		return ref{}
	default:
		return ref{kind: "page", id: e.Ancestors[n-1].ID}
	}
}

// probe implements api: what Data Center keeps from accounts is asked for elsewhere.
func (d *datacenter) probe(context.Context, want) error { return nil }

func (d *datacenter) readers(ctx context.Context, id string) (readers, error) {
	if err := d.directory(ctx); err != nil {
		return readers{}, err
	}
	return restrictionOf(ctx, d.client, id, d.who, d.personOf)
}

func (d *datacenter) body(ctx context.Context, p *page) (string, error) {
	request := ofV1("a page", "", "body.storage", "content", p.id)
	delete(request.Query, "limit")
	e, _, err := remote.Get[v1Content](ctx, d.client, request)
	return e.Body.Storage.Value, err
}

func (d *datacenter) comments(ctx context.Context, p *page) ([]comment, error) {
	request := ofV1("the comments of a page", contentLimit, "body.storage,version,history,ancestors,extensions.inlineProperties", "content", p.id, "child", "comment")
	request.Query.Set("depth", "all")
	var all []comment
	for e, err := range numbers(ctx, d.client, request, contentID) {
		if err != nil {
			return nil, err
		}
		if len(all) == mostComments {
			break
		}
		d.note(e.History.CreatedBy)
		c := comment{
			id: e.ID, author: e.History.CreatedBy.UserKey, created: atlassian.Moment(e.History.CreatedDate),
			quote: e.Extensions.InlineProperties.Selection, body: e.Body.Storage.Value,
		}
		if n := len(e.Ancestors); n > 0 {
			c.parent = e.Ancestors[n-1].ID
		}
		all = append(all, c)
	}
	return threads(all), nil
}

// threads puts each comment behind the one that it answers.
func threads(all []comment) []comment {
	answers, there := map[string][]comment{}, map[string]bool{}
	for _, c := range all {
		there[c.id] = true
	}
	for _, c := range all {
		if !there[c.parent] {
			c.parent = ""
		}
		answers[c.parent] = append(answers[c.parent], c)
	}
	var out []comment
	var follow func(parent string)
	follow = func(parent string) {
		some := answers[parent]
		delete(answers, parent) // no circle is followed twice
		for _, c := range some {
			out = append(out, c)
			follow(c.id)
		}
	}
	follow("")
	return out
}

func (d *datacenter) download(a *attachment) remote.Request {
	return remote.Request{Path: strings.TrimPrefix(a.download, "/"), What: "an attachment"}
}

func (d *datacenter) me(ctx context.Context) (string, error) { return currentUser(ctx, d.client) }

// viewers implements api. Data Center tells permissions to administrators alone; others
// get status 500 (CONFSERVER-99908).
func (d *datacenter) viewers(ctx context.Context, sp space) ([]cairn.PrincipalKey, error) {
	type permission struct {
		Operation struct {
			TargetType   string `json:"targetType"`
			OperationKey string `json:"operationKey"`
		} `json:"operation"`
		Subject *struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			UserKey string `json:"userKey"`
		} `json:"subject"`
	}
	if err := d.directory(ctx); err != nil {
		return nil, err
	}
	keys := []cairn.PrincipalKey{}
	for _, path := range []string{"permissions", "permissions/anonymous"} {
		request := remote.Request{Path: "rest/api/space/" + url.PathEscape(sp.key) + "/" + path, What: "the permissions of a space"}
		all, _, err := remote.Get[[]permission](ctx, d.client, request)
		if err != nil {
			return nil, advise(err)
		}
		for _, p := range all {
			if p.Operation.OperationKey != "read" || p.Operation.TargetType != "space" {
				continue
			}
			key, ok := cairn.Everyone, path == "permissions/anonymous"
			switch {
			case ok || p.Subject == nil:
			case p.Subject.Type == "group":
				key, ok = d.who.Group(p.Subject.Name)
			case p.Subject.Type == "user":
				who := d.active[p.Subject.UserKey]
				who.UserKey = p.Subject.UserKey
				key, ok = d.who.user(who.person(), who.Username)
			}
			if ok {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}
