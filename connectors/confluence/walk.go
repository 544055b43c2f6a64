package confluence

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
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
		w.attachments, w.takes = s.cfg.attachments, s.cfg.takes
		w.comments = w.comments && s.cfg.comments
		spaces, err := s.selected(ctx)
		missing := (*missingSpaces)(nil)
		if err != nil && !errors.As(err, &missing) {
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

// missingSpaces says that spaces which were asked for are not there.
type missingSpaces struct{ cause *connectors.Error }

// Error returns the message.
func (m *missingSpaces) Error() string { return m.cause.Message }

// Unwrap returns the cause.
func (m *missingSpaces) Unwrap() error { return m.cause }

// selected returns the spaces that are to be read. The error is a missingSpaces when all
// but those are among them.
func (s *Site) selected(ctx context.Context) ([]space, error) {
	var spaces []space
	missing := maps.Clone(s.cfg.include)
	seen := 0
	for sp, err := range s.api.spaces(ctx) {
		if err != nil {
			return nil, err
		}
		seen++
		delete(missing, sp.key)
		if s.cfg.reads(sp) {
			spaces = append(spaces, sp)
		}
	}
	switch {
	case seen == 0:
		return nil, &connectors.Error{Kind: connectors.ErrForbidden, Message: s.client.Host() + " shows no space to the account: let it view the spaces that are to be read"}
	case len(missing) > 0:
		keys := strings.Join(slices.Sorted(maps.Keys(missing)), ", ")
		return spaces, &missingSpaces{&connectors.Error{
			Kind:    connectors.ErrNotFound,
			Message: "these spaces do not exist, are archived, or the account may not view them: " + keys + ". Their documents stay as they are. Let the account view them, or take them out of the setting spaces",
		}}
	}
	return spaces, nil
}
