package github

import (
	"context"
	"iter"

	"github.com/cairnhq/cairn/connectors"
)

// all returns what a page holds.
func (c connection[T]) all() []T { return append(c.Nodes, c.Edges...) }

// ofOwner yields what a query finds of an owner, page by page. The query takes $login and
// $after; connect returns the page that a reply holds. Without one the list is incomplete.
func ofOwner[R, T any](ctx context.Context, a *api, what, text string, variables map[string]any, connect func(*R) *connection[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for after := any(nil); ; {
			variables["after"] = after
			found, err := ask[R](ctx, a, what, text, variables)
			if err != nil {
				yield(zero, err)
				return
			}
			held := connect(found)
			if held == nil {
				yield(zero, a.partial(what))
				return
			}
			for _, thing := range held.all() {
				if !yield(thing, nil) {
					return
				}
			}
			next, err := a.next(what, held.PageInfo, after)
			if err != nil {
				yield(zero, err)
			}
			if next == nil {
				return
			}
			after = next
		}
	}
}

// rest returns what a connection holds: its first page, which is there, and the further
// ones, which the query further asks for.
func rest[T any](ctx context.Context, a *api, what, id, further string, first connection[T]) ([]T, error) {
	held := first.all()
	after, err := a.next(what, first.PageInfo, nil)
	for after != nil && err == nil {
		found, err := ask[struct {
			Node *struct{ Further *connection[T] }
		}](ctx, a, what, further, map[string]any{"id": id, "after": after})
		if err != nil {
			return nil, err
		}
		if found.Node == nil || found.Node.Further == nil {
			return nil, &connectors.Error{Kind: connectors.ErrNotFound, Message: a.client.Host() + " has lost what it was asked for while it was read: " + what}
		}
		held = append(held, found.Node.Further.all()...)
		if after, err = a.next(what, found.Node.Further.PageInfo, after); err != nil {
			return nil, err
		}
	}
	return held, err
}

// next returns the cursor of the page that follows one, which was asked for by after; nil
// behind the last. A page that leads back to itself is an error: it would go on for ever.
func (a *api) next(what string, at pageInfo, after any) (any, error) {
	switch {
	case !at.HasNextPage:
		return nil, nil
	case at.EndCursor == "" || after == at.EndCursor:
		return nil, a.partial(what)
	}
	return at.EndCursor, nil
}
