package confluence

import (
	"context"
	"iter"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// api is what the connector asks of a site. Its two implementations, cloud and
// datacenter, differ in how they ask; what they return is the same.
type api interface {
	// spaces yields the spaces that the account sees, without archived ones.
	spaces(ctx context.Context) iter.Seq2[space, error]
	// viewers returns who may view a space.
	viewers(ctx context.Context, sp space) ([]cairn.PrincipalKey, error)
	// list begins a listing of what is in spaces.
	list(ctx context.Context, w want) (listing, error)
	// readers returns who the read restrictions of one content let read it, without
	// those of its ancestors.
	readers(ctx context.Context, id string) (readers, error)
	// parent returns the parent of something that is in no listing.
	parent(ctx context.Context, r ref) (ref, error)
	// body returns the text of a page in storage format.
	body(ctx context.Context, p *page) (string, error)
	// comments returns the comments of a page, each behind the one that it answers.
	comments(ctx context.Context, p *page) ([]comment, error)
	// download is the request for the bytes of an attachment.
	download(a *attachment) remote.Request
	// groups yields the groups of the site.
	groups(ctx context.Context) iter.Seq2[group, error]
	// members yields who is in a group.
	members(ctx context.Context, g group) iter.Seq2[person, error]
	// people returns what the site tells of accounts, by id; those that it does not know
	// are missing.
	people(ctx context.Context, ids []string) (map[string]person, error)
	// probe asks for a little of each thing that the account may be kept from.
	probe(ctx context.Context, w want) error
	// me returns what the account is called.
	me(ctx context.Context) (string, error)
}

// listing lists what is in spaces, for one walk through the site.
type listing interface {
	// pages yields all current pages and blog posts of a space. An error means that they
	// are not all.
	pages(ctx context.Context, sp space) iter.Seq2[*page, error]
}

// want is what a listing is for.
type want struct {
	readers, attachments, comments bool

	takes func(a *attachment) bool // which attachments; nil: all
}

type space struct {
	id, key, name string
	personal      bool
}

// ref names something in the tree of a space; the zero ref is its top.
type ref struct{ kind, id string }

// page is a page or a blog post.
type page struct {
	id, title   string
	blog        bool
	parent      ref
	version     int
	created     time.Time
	modified    time.Time
	author      string // account
	web         string // its address, relative to that of the site
	readers     *readers
	attachments []*attachment
	comments    string // changes whenever the comments do
	commented   bool
}

// readers is who the restrictions of one content let read it; the zero readers is
// everybody who may read what it is in.
type readers struct {
	restricted bool
	keys       []cairn.PrincipalKey
}

type attachment struct {
	id, name, mediaType string
	page                string // id of the page that it belongs to
	size                int64
	version             int
	created, modified   time.Time
	author              string
	web, download       string // addresses, relative to that of the site
}

type comment struct {
	id, parent string
	author     string
	created    time.Time
	quote      string // the text of the page that it is about
	body       string // storage format
}

type group struct{ id, name string }

type person struct{ id, name, email string }
