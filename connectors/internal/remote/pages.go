package remote

import (
	"context"
	"hash/maphash"
	"iter"
	"net/http"
	"strings"
)

// Pages asks for one page after the other and yields each, decoded from JSON. next
// returns the request for the page that follows one, and false after the last. The
// sequence ends with the first error. A source that leads back to a page is an error: it
// would go on for ever.
func Pages[T any](ctx context.Context, c *Client, first Request, next func(page T, res *Response) (Request, bool)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		seen, seed := map[uint64]bool{}, maphash.MakeSeed()
		for r, more := first, true; more; {
			to, err := c.address(r)
			if err == nil && r.method() == http.MethodGet {
				page := maphash.String(seed, to.String())
				if seen[page] {
					err = c.unexpected(r, "leads back to a page that was read")
				}
				seen[page] = true
			}
			if err != nil {
				yield(zero, err)
				return
			}
			page, res, err := Get[T](ctx, c, r)
			if !yield(page, err) || err != nil {
				return
			}
			r, more = next(page, res)
		}
	}
}

// NextLink returns the address that a reply's Link header calls next (RFC 8288), to be
// the Path of a request; false when there is none.
func NextLink(res *Response) (string, bool) {
	for _, header := range res.Header.Values("Link") {
		for link := range strings.SplitSeq(header, "<") {
			target, params, _ := strings.Cut(link, ">")
			for param := range strings.FieldsFuncSeq(params, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
				name, value, _ := strings.Cut(param, "=")
				if strings.EqualFold(name, "rel") && strings.Trim(value, `"`) == "next" {
					return target, true
				}
			}
		}
	}
	return "", false
}
