package confluence

import (
	"context"
	"iter"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// document is something that is found on a walk: a page, or an attachment of it.
type document struct {
	space      space
	page       *page
	attachment *attachment // nil: the page itself
	acl        cairn.ACL
	unknown    error // why the ACL is not known
}

func (d document) external() string {
	if d.attachment != nil {
		return d.attachment.id
	}
	return d.page.id
}

// walk yields every document of the site once, with who may read it when that is
// wanted. It ends with an error when something may be missing.
func (s *Site) walk(ctx context.Context, w want) iter.Seq2[document, error] {
	return func(yield func(document, error) bool) {
		w.attachments, w.takes = s.cfg.Attachments, s.cfg.takes
		w.comments = w.comments && s.cfg.Comments
		spaces, err := s.selected(ctx)
		if err != nil && !atlassian.IsMissing(err) {
			yield(document{}, err)
			return
		}
		list, failed := s.api.list(ctx, w)
		if failed != nil {
			yield(document{}, failed)
			return
		}
		seen := map[string]bool{}
		for _, sp := range spaces {
			for d, err := range s.walkSpace(ctx, w, list, sp) {
				if err == nil && seen[d.external()] {
					continue // it was moved meanwhile
				}
				if !yield(d, err) || err != nil {
					return
				}
				seen[d.external()] = true
			}
		}
		if err != nil {
			yield(document{}, err)
		}
	}
}

// walkSpace yields the documents of a space. All of its pages are listed first: the
// restrictions of one hold for those below it.
func (s *Site) walkSpace(ctx context.Context, w want, list listing, sp space) iter.Seq2[document, error] {
	return func(yield func(document, error) bool) {
		t := &tree{}
		if w.readers {
			var err error
			if t, err = newTree(ctx, s.api, sp); err != nil {
				yield(document{}, err)
				return
			}
		}
		var pages []*page
		for p, err := range list.pages(ctx, sp) {
			if err != nil {
				yield(document{}, err)
				return
			}
			pages = append(pages, p)
			if w.readers {
				t.add(p)
			}
		}
		for _, p := range pages {
			d := document{space: sp, page: p}
			err := context.Cause(ctx)
			if w.readers && err == nil {
				d.acl, d.unknown, err = t.acl(ctx, p)
			}
			if !yield(d, err) || err != nil {
				return
			}
			for _, a := range p.attachments {
				d.attachment = a
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// selected returns the spaces that are to be read: see atlassian.Select.
func (s *Site) selected(ctx context.Context) ([]space, error) {
	return atlassian.Select(product, s.cfg.Settings, s.client.Host(), s.api.spaces(ctx), func(sp space) string { return sp.key }, s.cfg.reads)
}
