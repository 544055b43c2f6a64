// Package client speaks to a Cairn server over HTTP, as described by
// server/api/openapi.yaml. The command line is built on it.
//
// Every method takes a context, sends one request (lists: one for each page)
// and returns what the server replied. Errors are of the kinds of package cairn
// (errors.Is(err, cairn.ErrNotFound)) and have the server's own message. When
// nothing answers, or something that is not Cairn, the error is of kind
// cairn.ErrUnavailable and says which address was tried.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// Config says which server to speak to.
type Config struct {
	URL   string // where the server is: http or https, possibly with a path before /api
	Token string // bearer token; empty sends none
	// HTTPClient sends the requests. Nil: one that waits ten seconds for a
	// connection and follows no redirects, so that no other server sees the token.
	HTTPClient *http.Client
}

// Client is a client of one server. It may be used concurrently.
type Client struct {
	base  string // without a slash at the end
	token string
	http  *http.Client
	retry schedule // of streams
	again schedule // of batches
}

// New returns a client. The error is of kind cairn.ErrInvalid.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%q is no address of a server; write it as in https://cairn.example.com", cfg.URL)
	}
	if strings.ContainsAny(cfg.Token, "\r\n\x00") {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the token holds a line break; copy it again")
	}
	c := &Client{base: strings.TrimRight(u.String(), "/"), token: cfg.Token, http: cfg.HTTPClient, retry: resumeSchedule, again: pushSchedule}
	if c.http == nil {
		c.http = newHTTPClient()
	}
	return c, nil
}

// URL returns the address of the server, without a slash at the end.
func (c *Client) URL() string { return c.base }

// longestWait bounds how long a server may take to begin its reply. It ends ordinary
// requests after a minute itself; a large index is rebuilt for longer.
const longestWait = 2 * time.Hour

func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: longestWait, IdleConnTimeout: 90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Reply is part of everything that the server sent as one document.
type Reply struct {
	// JSON is the reply as it came, with fields that this package does not know.
	JSON json.RawMessage `json:"-"`
}

func (r *Reply) keep(b []byte) { r.JSON = b }

// maxReply bounds what is read of a reply: far above the largest document.
const maxReply = 512 << 20

// call sends a request and decodes the reply into out, unless it is nil.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	res, err := c.send(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return c.broken(ctx, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return cairn.Errorf(cairn.ErrUnavailable, "%s sent a reply that cannot be read (%v); is it of another version?", c.base, err)
	}
	if k, ok := out.(interface{ keep([]byte) }); ok {
		k.keep(b)
	}
	return nil
}

// fetch sends a request and returns the reply as a T.
func fetch[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var out T
	if err := c.call(ctx, method, path, body, &out); err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// send returns the response to a request when it has succeeded; the caller
// closes its body.
func (c *Client) send(ctx context.Context, method, path string, body any, header map[string]string) (*http.Response, error) {
	res, err := c.exchange(ctx, method, path, body, header)
	if err == nil && (res.StatusCode < 200 || res.StatusCode > 299) {
		defer res.Body.Close()
		return nil, c.failure(res)
	}
	return res, err
}

// exchange returns the response to a request, whatever it says; the caller closes its body.
func (c *Client) exchange(ctx context.Context, method, path string, body any, header map[string]string) (*http.Response, error) {
	var reader io.Reader
	mediaType := ""
	switch body := body.(type) {
	case nil:
	case ndjson:
		reader, mediaType = bytes.NewReader(body), "application/x-ndjson"
	default:
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		reader, mediaType = bytes.NewReader(b), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return res, nil
}

// Health returns nil when the process answers. The time is the server's clock,
// to the second; zero when it does not tell.
func (c *Client) Health(ctx context.Context) (time.Time, error) {
	res, err := c.send(ctx, http.MethodGet, "/healthz", nil, nil)
	if err != nil {
		return time.Time{}, err
	}
	defer res.Body.Close()
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil // a server without a clock is healthy
	}
	return at, nil
}

// Ready returns nil when the server can serve requests.
func (c *Client) Ready(ctx context.Context) error {
	res, err := c.send(ctx, http.MethodGet, "/readyz", nil, nil)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// api returns the path of a route of the API from its parts, each escaped.
func api(parts ...string) string {
	var b strings.Builder
	b.WriteString("/api/v1")
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// with appends query parameters; empty values are left out.
func with(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// required refuses an empty part of a path, which would name another route.
func required(what, value string) error {
	if value == "" || value == "." || value == ".." {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no %s", value, what)
	}
	return nil
}

var (
	errNotCairn = errors.New("not the reply of a Cairn server")
	// errUnreachable: no connection was made.
	errUnreachable = errors.New("no connection")
)
