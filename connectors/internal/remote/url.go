package remote

import (
	"net/url"
	"strings"

	"github.com/cairnhq/cairn"
)

// ParseURL reads the address in the setting called name. It must be one of http or
// https, with a host, and without a user, a query and a fragment. Errors are ErrInvalid.
func ParseURL(name, value string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(value))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s: give an address such as https://example.com", name)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s: the address must begin with https:// or http://", name)
	case u.User != nil:
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s: there is a user or password in the address; leave it out and give the credential as a secret setting", name)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s: leave out what begins with ? or # in the address", name)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// origin is scheme, host and port, which is all that a credential may be told by.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + port
}

// address returns the address of a request: its path below that of the source, or
// itself when it is whole, as links of sources are.
func (c *Client) address(r Request) (*url.URL, error) {
	u, err := url.Parse(r.Path)
	if err != nil {
		return nil, c.unexpected(r, "named an address that is none")
	}
	switch {
	case u.Scheme != "" || u.Host != "":
		u = c.base.ResolveReference(u)
	default:
		path, query := r.Path, ""
		if i := strings.IndexByte(path, '?'); i >= 0 {
			path, query = path[:i], path[i+1:]
		}
		u = c.base.JoinPath(path)
		u.RawQuery = query
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Hostname() == "" {
		return nil, c.unexpected(r, "named an address that is not asked")
	}
	if len(r.Query) > 0 {
		q := u.Query()
		for name, values := range r.Query {
			q[name] = values
		}
		u.RawQuery = q.Encode()
	}
	u.Fragment = ""
	return u, nil
}

// Link returns a reference of the source's, such as "/wiki/x?cursor=y", as the whole
// address that it has on the source's host: to be the Path of a request.
func (c *Client) Link(reference string) string {
	u, err := url.Parse(reference)
	if err != nil {
		return ":" // no address: the request with it fails
	}
	return c.base.ResolveReference(u).String()
}
