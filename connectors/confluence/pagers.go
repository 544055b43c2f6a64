package confluence

import (
	"context"
	"iter"
	"net/url"

	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// paged is a page of a list with cursors: API v2 and the search of v1 have the same form.
type paged[T any] struct {
	Results []T `json:"results"`
	Links   struct {
		Next string `json:"next"`
	} `json:"_links"`
}

// cursors yields the elements of a list with cursors. Of the link to the next page it
// takes the cursor alone: its path is another one behind the gateway of Atlassian.
func cursors[T any](ctx context.Context, c *remote.Client, r remote.Request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		broken := false
		next := func(p paged[T], _ *remote.Response) (remote.Request, bool) {
			if p.Links.Next == "" {
				return r, false
			}
			link, err := url.Parse(p.Links.Next)
			if err != nil || link.Query().Get("cursor") == "" {
				broken = true
				return r, false
			}
			return atlassian.With(r, "cursor", link.Query().Get("cursor")), true
		}
		for p, err := range remote.Pages(ctx, c, r, next) {
			if err != nil {
				yield(zero, err)
				return
			}
			for _, element := range p.Results {
				if !yield(element, nil) {
					return
				}
			}
		}
		if broken {
			yield(zero, atlassian.Incomplete(c, r))
		}
	}
}

// numbered is a page of a list with numbers, of v1.
type numbered[T any] struct {
	Results []T `json:"results"`
	Start   int `json:"start"`
	Limit   int `json:"limit"`
	Size    int `json:"size"`
	Links   struct {
		Next string `json:"next"`
	} `json:"_links"`
}

// Elements implements atlassian.Page.
func (n numbered[T]) Elements() []T { return n.Results }

// More implements atlassian.Page.
func (n numbered[T]) More() bool { return n.full() }

// full reports whether there may be more than the page holds.
func (n numbered[T]) full() bool {
	return n.Links.Next != "" || n.Limit > 0 && len(n.Results) >= n.Limit
}

// numbers yields the elements of a list with numbers.
func numbers[T any](ctx context.Context, c *remote.Client, r remote.Request, id func(T) string) iter.Seq2[T, error] {
	return atlassian.Numbers[numbered[T]](ctx, c, r, "start", id)
}
