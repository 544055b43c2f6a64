package atlassian

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Page is a page of a list with numbers.
type Page[T any] interface {
	Elements() []T
	More() bool // something may follow
}

// tries is how often a list is read from its beginning when it changes meanwhile.
const tries = 3

// Numbers yields the elements of a list with numbers, of which the parameter start tells
// where a page begins. Such a list shifts when something is taken out of it meanwhile, and
// elements would be missed: so each page begins with the last element of the one before,
// and where it does not, the list is read anew, and elements come again. id names an
// element.
func Numbers[P Page[T], T any](ctx context.Context, c *remote.Client, r remote.Request, start string, id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for range tries {
			last, at := "", 0
			for {
				p, _, err := remote.Get[P](ctx, c, With(r, start, strconv.Itoa(at)))
				if err != nil {
					yield(zero, err)
					return
				}
				fresh := p.Elements()
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
				if !p.More() {
					return
				}
				if len(fresh) == 0 {
					break
				}
				at += len(p.Elements()) - 1
			}
		}
		yield(zero, Incomplete(c, r))
	}
}

// With returns a request with another value of a parameter.
func With(r remote.Request, name, value string) remote.Request {
	q := url.Values{}
	maps.Copy(q, r.Query)
	q.Set(name, value)
	r.Query = q
	return r
}

// Incomplete is the failure of a list that cannot be read to its end.
func Incomplete(c *remote.Client, r remote.Request) error {
	return &connectors.Error{Kind: connectors.ErrUnavailable, Message: c.Host() + " did not let " + r.What + " be read to its end"}
}

// missing says that spaces or projects which were asked for are not there.
type missing struct{ cause *connectors.Error }

// Error returns the message.
func (m *missing) Error() string { return m.cause.Message }

// Unwrap returns the cause.
func (m *missing) Unwrap() error { return m.cause }

// IsMissing reports whether an error says no more than that spaces or projects which were
// asked for are not there.
func IsMissing(err error) bool {
	m := (*missing)(nil)
	return errors.As(err, &m)
}

// Select returns those of the spaces or projects of a host that are to be read. When
// others that were asked for are not there, the error IsMissing.
func Select[T any](p Product, s Settings, host string, all iter.Seq2[T, error], key func(T) string, reads func(T) bool) ([]T, error) {
	var selected []T
	wanted, seen := maps.Clone(s.Include), map[string]bool{}
	for part, err := range all {
		if err != nil {
			return nil, err
		}
		k := key(part)
		if !seen[k] && reads(part) {
			selected = append(selected, part)
		}
		seen[k] = true
		delete(wanted, k)
	}
	switch {
	case len(seen) == 0:
		return nil, &connectors.Error{Kind: connectors.ErrForbidden, Message: host + " shows no " + p.Part + " to the account: let it " + p.See + " the " + p.Part + "s that are to be read"}
	case len(wanted) > 0:
		keys := strings.Join(slices.Sorted(maps.Keys(wanted)), ", ")
		return selected, &missing{&connectors.Error{
			Kind: connectors.ErrNotFound,
			Message: "these " + p.Part + "s do not exist, are archived, or the account may not " + p.See + " them: " + keys +
				". Their documents stay as they are. Let the account " + p.See + " them, or take them out of the setting " + p.Part + "s",
		}}
	}
	return selected, nil
}
