package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/cairnhq/cairn/connectors"
)

// Request is one request. The zero Request asks for the address of the source itself.
type Request struct {
	Method string // empty: GET, or POST with JSON
	// Path is relative to Config.URL, escaped by url.PathEscape where it holds names; it
	// may have a query. A whole address is taken as it is: a link that the source gave, or
	// the address of a file elsewhere, which is then asked without the credential.
	Path   string
	Query  url.Values
	Header http.Header // beside User-Agent and the credential
	JSON   any         // body, as JSON; nil: none
	Form   url.Values  // body, as a form, when JSON is nil
	// Repeat says that the request may be sent twice although it is a POST: it only asks.
	Repeat bool
	// What is asked for, in messages: "the list of pages". It must not name a document.
	What     string
	MaxBytes int64 // of the reply, unpacked; 0: 32 MiB, of Open: 512 MiB
}

// Response is a reply whose status is 2xx or 304, or that Config.Judge takes.
type Response struct {
	Status int
	Header http.Header
	Body   []byte   // whole; nil for Open
	URL    *url.URL // where it came from: after redirects, another than was asked
}

func (r Request) method() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.JSON != nil || r.Form != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// repeatable reports whether the request may be sent a second time when nobody knows
// what became of the first.
func (r Request) repeatable() bool {
	switch r.method() {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return r.Repeat
}

// build makes the request for one hop. Whoever is not trusted gets neither credential
// nor headers of the connector's but Accept.
func (c *Client) build(ctx context.Context, r Request, to *url.URL, token Token, trusted bool) (*http.Request, error) {
	var body io.Reader
	kind := ""
	switch {
	case r.JSON != nil:
		b, err := json.Marshal(r.JSON)
		if err != nil {
			return nil, fmt.Errorf("write a request to %s: %w", c.Host(), err)
		}
		body, kind = bytes.NewReader(b), "application/json"
	case r.Form != nil:
		body, kind = bytes.NewReader([]byte(r.Form.Encode())), "application/x-www-form-urlencoded"
	}
	req, err := http.NewRequestWithContext(ctx, r.method(), to.String(), body)
	if err != nil {
		return nil, c.unexpected(r, "named an address that is none")
	}
	if trusted {
		maps.Copy(req.Header, r.Header.Clone())
	} else if accept := r.Header.Get("Accept"); accept != "" {
		req.Header.Set("Accept", accept)
	}
	if kind != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("User-Agent", "Cairn/"+c.env.Version)
	if !trusted || !token.Value.Set() {
		return req, nil
	}
	if c.cfg.Sign != nil {
		c.cfg.Sign(req, token.Value.Reveal())
	} else {
		req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
	}
	return req, nil
}

// Do sends a request and reads its whole reply. It waits for its turn, and tries again
// what may be: a lost connection, a reply that ends early, 408, 425, 429 and 5xx. Errors
// are *connectors.Error, that of the network, or that of the context.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	return c.do(ctx, r, nil)
}

// Get sends a request and returns its reply from JSON. A reply that is no JSON is asked
// for again, since it may have been cut off, but not where a web page comes instead.
func Get[T any](ctx context.Context, c *Client, r Request) (T, *Response, error) {
	var value T
	if r.Header.Get("Accept") == "" {
		r.Header = r.Header.Clone()
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("Accept", "application/json")
	}
	res, err := c.do(ctx, r, func(res *Response) error {
		var fresh T
		if res.Status == http.StatusNotModified || res.Status == http.StatusNoContent {
			return nil
		}
		if err := json.Unmarshal(res.Body, &fresh); err != nil {
			return c.notJSON(r, res)
		}
		value = fresh
		return nil
	})
	return value, res, err
}

// notJSON says why a reply is no JSON.
func (c *Client) notJSON(r Request, res *Response) error {
	if start := bytes.TrimLeft(res.Body, " \t\r\n\ufeff"); bytes.HasPrefix(start, []byte("<")) {
		return c.unexpected(r, "answered with a web page instead of data: check the address of the source, and whether a sign-in page stands before it")
	}
	if json.Valid(res.Body) {
		return c.unexpected(r, "answered in another form than is known of it")
	}
	return c.fail(connectors.ErrUnavailable, r, res.Status, "answered only in part")
}
