// Package confluence reads the pages, blog posts, comments and attachments of a site of
// Confluence, Cloud or Data Center.
//
// Every run lists all pages of the spaces that are read, a few hundred a request, with
// their versions, parents, restrictions, comments' versions and attachments, and opens
// those that changed. So a sync sees what no search for changed content tells: moves,
// deletions, new restrictions, deleted comments; and depends neither on the state of the
// site's search index nor on the time zone in which the site reads dates of CQL. There is
// no cursor: the revision of a document says whether it is as it was.
//
// Who may read a page is a conjunction: who may view the space, and for the page and for
// each of its ancestors that has read restrictions, who these let in.
package confluence

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "confluence".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "confluence",
		SyncEvery: time.Hour,
		ReadsACL:  true,
		Settings:  settingList(),
		Hook:      hook(),
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := parse(settings)
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			cfg, err := parse(settings)
			if err != nil {
				return nil, err
			}
			return open(env, cfg)
		},
	}
}

var (
	_ connectors.Lister      = (*Site)(nil)
	_ connectors.Permissions = (*Site)(nil)
	_ connectors.Directory   = (*Site)(nil)
	_ connectors.Tester      = (*Site)(nil)
)

// Site is the connector.
type Site struct {
	cfg    settings
	client *remote.Client
	api    api
	names  *names
}

func open(env connectors.Environment, cfg settings) (*Site, error) {
	client, err := product.NewClient(env, cfg.Settings)
	if err != nil {
		return nil, err
	}
	s := &Site{cfg: cfg, client: client}
	who := principals{atlassian.People{Addresses: cfg.People, Everyone: cfg.Everyone}}
	if cfg.Cloud {
		s.api = newCloud(client, who)
	} else {
		s.api = newDataCenter(client, who)
	}
	s.names = newNames(s.api.people)
	return s, nil
}

// Changes implements connectors.Connector. It yields every document: see the package.
func (s *Site) Changes(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		var batch []document
		flush := func() bool {
			ids := make([]string, len(batch))
			for i, d := range batch {
				ids[i] = d.author()
			}
			if err := s.names.learn(ctx, ids...); err != nil && !atlassian.ConcernsOne(err) {
				yield(connectors.Change{}, err)
				return false
			}
			for _, d := range batch {
				if ctx.Err() != nil {
					yield(connectors.Change{}, context.Cause(ctx))
					return false
				}
				if !yield(s.change(d), nil) {
					return false
				}
			}
			batch = batch[:0]
			return true
		}
		for d, err := range s.walk(ctx, want{readers: true, comments: true}) {
			if err != nil {
				if flush() {
					yield(connectors.Change{}, err)
				}
				return
			}
			if batch = append(batch, d); len(batch) == accountsAtOnce && !flush() {
				return
			}
		}
		flush()
	}
}

// accountsAtOnce is how many people are asked for at once.
const accountsAtOnce = 250

func (d document) author() string {
	if d.attachment != nil {
		return d.attachment.author
	}
	return d.page.author
}

// change makes a change of a document.
func (s *Site) change(d document) connectors.Change {
	c := connectors.Change{External: d.external()}
	switch {
	case d.unknown != nil:
		c.Err = untold(d.unknown)
	case d.attachment != nil && d.attachment.size > s.cfg.MaxSize:
		c.Err = &connectors.DocumentError{Code: "too_large", Reason: "The attachment is larger than the setting max_attachment_size allows."}
	case d.attachment != nil:
		c.ACL, c.Metadata, c.Open = &d.acl, s.attachmentMetadata(d), s.attachmentOpener(d.attachment)
	default:
		c.ACL, c.Metadata, c.Open = &d.acl, s.pageMetadata(d), s.pageOpener(d)
	}
	return c
}

// untold is the failure of a document whose readers are unknown.
func untold(err error) error {
	return atlassian.PermissionsError("The restrictions of the page, of an ancestor of it or of its space could not be read or were not understood.", err)
}

// made changes when pages are made into other text than before, so that they are read
// again.
const made = "2"

func (s *Site) pageMetadata(d document) connectors.Metadata {
	p := d.page
	kind := "page"
	if p.blog {
		kind = "blogpost"
	}
	m := connectors.Metadata{
		Title: p.title, URL: s.link(p.web), Author: s.names.of(p.author).name, MediaType: "text/html",
		Created: p.created, Modified: p.modified,
		Attributes: map[string]string{"space": d.space.key, "space_name": d.space.name, "type": kind},
	}
	m.Revision = fmt.Sprintf("%d-%s", p.version, atlassian.Digest(made, p.title, m.URL, p.comments))
	return m
}

func (s *Site) attachmentMetadata(d document) connectors.Metadata {
	a := d.attachment
	m := connectors.Metadata{
		Title: a.name, URL: s.link(a.web), Author: s.names.of(a.author).name, MediaType: a.mediaType, Filename: a.name, Size: a.size,
		Created: a.created, Modified: a.modified, Parent: d.page.id,
		Attributes: map[string]string{"space": d.space.key, "space_name": d.space.name, "type": "attachment"},
	}
	m.Revision = fmt.Sprintf("%d-%s", a.version, atlassian.Digest(a.name, m.URL, a.page))
	return m
}

// link returns the address of something at the site.
func (s *Site) link(path string) string {
	if path == "" {
		return ""
	}
	return s.cfg.Web + path
}

// Externals implements connectors.Lister.
func (s *Site) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for d, err := range s.walk(ctx, want{}) {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(d.external(), nil) {
				return
			}
		}
	}
}

// Permissions implements connectors.Permissions.
func (s *Site) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for d, err := range s.walk(ctx, want{readers: true}) {
			if err != nil {
				yield(connectors.Permission{}, err)
				return
			}
			p := connectors.Permission{External: d.external()}
			if d.unknown != nil {
				p.Err = untold(d.unknown)
			} else {
				p.ACL = &d.acl
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Members implements connectors.Directory. People without a known address are left out:
// they are nobody here.
func (s *Site) Members(ctx context.Context) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		who := principals{atlassian.People{Addresses: s.cfg.People}}
		for g, err := range s.api.groups(ctx) {
			if err != nil {
				yield(connectors.Member{}, err)
				return
			}
			if !cairn.GroupKey("site", g.name).Valid() {
				continue
			}
			if !yield(connectors.Member{Group: g.name}, nil) {
				return
			}
			for p, err := range s.api.members(ctx, g) {
				if err != nil {
					yield(connectors.Member{}, err)
					return
				}
				if key, ok := who.user(p); ok && !yield(connectors.Member{Group: g.name, Email: string(key[len("user:"):])}, nil) {
					return
				}
			}
		}
	}
}
