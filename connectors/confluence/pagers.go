package confluence

import (
	"context"
	"iter"
	"net/url"
	"strconv"

	"github.com/cairnhq/cairn/connectors"
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
			following := r
			following.Query = url.Values{}
			for name, values := range r.Query {
				following.Query[name] = values
			}
			following.Query.Set("cursor", link.Query().Get("cursor"))
			return following, true
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
			yield(zero, incomplete(c, r))
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

// full reports whether there may be more than the page holds.
func (n numbered[T]) full() bool {
	return n.Links.Next != "" || n.Limit > 0 && len(n.Results) >= n.Limit
}

// tries is how often a list is read from its beginning when it changes meanwhile.
const tries = 3

// numbers yields the elements of a list with numbers. Such a list shifts when something
// is taken out of it meanwhile, and elements would be missed: so each page begins with
// the last element of the one before, and where it does not, the list is read anew, and
// elements come again. id names an element.
func numbers[T any](ctx context.Context, c *remote.Client, r remote.Request, id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for range tries {
			last, start := "", 0
			for {
				p, _, err := remote.Get[numbered[T]](ctx, c, from(r, start))
				if err != nil {
					yield(zero, err)
					return
				}
				fresh := p.Results
				if last != "" {
					if len(fresh) == 0 || id(fresh[0]) != last {
						break // it has shifted
					}
					fresh = fresh[1:]
				}
				for _, element := range fresh {
					if last = id(element); !yield(element, nil) {
						return
					}
				}
				if !p.full() {
					return
				}
				if len(fresh) == 0 {
					break
				}
				start += len(p.Results) - 1
			}
		}
		yield(zero, incomplete(c, r))
	}
}

// from returns the request for the part of a list that begins at start.
func from(r remote.Request, start int) remote.Request {
	q := url.Values{}
	for name, values := range r.Query {
		q[name] = values
	}
	q.Set("start", strconv.Itoa(start))
	r.Query = q
	return r
}

// incomplete is the failure of a list that cannot be read to its end.
func incomplete(c *remote.Client, r remote.Request) error {
	return &connectors.Error{Kind: connectors.ErrUnavailable, Message: c.Host() + " did not let " + r.What + " be read to its end"}
}
