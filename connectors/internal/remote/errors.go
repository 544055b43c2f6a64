package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// fail makes an error of a request: "HOST did something when asked for something".
func (c *Client) fail(kind error, r Request, status int, did string) *connectors.Error {
	message := c.Host() + " " + did
	if r.What != "" {
		message += " when asked for " + r.What
	}
	if status >= 300 {
		message += " (status " + strconv.Itoa(status) + ")"
	}
	return &connectors.Error{Kind: kind, Message: message, Status: status}
}

func (c *Client) unexpected(r Request, did string) *connectors.Error {
	return c.fail(connectors.ErrUnexpected, r, 0, did)
}

// judge says what a reply means; nil when it is what was asked for.
func (c *Client) judge(r Request, res *Response) error {
	if c.cfg.Judge != nil {
		err := c.cfg.Judge(res)
		if e := (*connectors.Error)(nil); errors.As(err, &e) && e.Message == "" {
			told := c.ofKind(e.Kind, r, res)
			told.Wait = max(e.Wait, told.Wait)
			return told
		}
		if err != nil {
			return err
		}
	}
	if res.Status >= 200 && res.Status < 300 || res.Status == http.StatusNotModified || isRedirect(res.Status) {
		return nil
	}
	return c.ofKind(kindOf(res.Status), r, res)
}

func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return connectors.ErrUnauthorized
	case http.StatusForbidden:
		return connectors.ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return connectors.ErrNotFound
	case http.StatusTooManyRequests:
		return connectors.ErrRateLimited
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return connectors.ErrUnavailable
	}
	if status >= 500 {
		return connectors.ErrUnavailable
	}
	return connectors.ErrUnexpected
}

// ofKind makes the error of a kind for a reply.
func (c *Client) ofKind(kind error, r Request, res *Response) *connectors.Error {
	did := map[error]string{
		connectors.ErrUnauthorized: "refused the credential",
		connectors.ErrForbidden:    "does not allow it to this credential",
		connectors.ErrNotFound:     "has nothing there",
		connectors.ErrRateLimited:  "asks to send fewer requests",
		connectors.ErrUnavailable:  "failed",
		connectors.ErrTooLarge:     "answered more than is taken from it",
	}[kind]
	if did == "" {
		did = "did not understand the request"
	}
	err := c.fail(kind, r, res.Status, did)
	err.Wait = retryAfter(res.Header, c.env.Now())
	switch {
	case errors.Is(kind, connectors.ErrUnauthorized):
		err.Message += ": it is wrong, has expired or was revoked. Give the source another one with cairn source set NAME --secret"
		if c.cfg.Advice != "" {
			err.Message += ". " + c.cfg.Advice
		}
	case errors.Is(kind, connectors.ErrForbidden):
		err.Message += ": it lacks a permission or scope"
	}
	return err
}

// retryAfter reads how long a reply asks to wait: seconds or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(time.Duration(n)*time.Second, 0)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// errSilent and errSlow end a request to a source that does not go on.
var (
	errSilent = errors.New("silent")
	errSlow   = errors.New("slow")
)

// broken says what became of a request without a whole reply. Of the cause it tells the
// sort alone: its text may hold the address with its query.
func (c *Client) broken(ctx context.Context, r Request, err error) error {
	var known *connectors.Error
	var denied *cairn.Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var long *http.MaxBytesError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errSilent):
		return c.fail(connectors.ErrUnavailable, r, 0, fmt.Sprintf("said nothing for %s", c.env.Timeout))
	case errors.Is(cause, errSlow):
		return c.fail(connectors.ErrUnavailable, r, 0, fmt.Sprintf("took longer than %s", patience*c.env.Timeout))
	case cause != nil:
		return fmt.Errorf("ask %s: %w", c.Host(), cause)
	case errors.As(err, &known):
		return known
	case errors.As(err, &denied): // by the guard of the network
		return denied
	case errors.As(err, &long):
		return c.fail(connectors.ErrTooLarge, r, 0, fmt.Sprintf("answered more than %d bytes", long.Limit))
	case errors.As(err, &dns) && dns.IsNotFound:
		return c.unexpected(r, "is the name of no machine: check the address of the source")
	case errors.As(err, &certificate):
		return c.unexpected(r, "has a certificate that this server does not trust")
	case errors.Is(err, errRedirect):
		return c.unexpected(r, "leads on and on, or to where it may not be followed")
	}
	return c.fail(connectors.ErrUnavailable, r, 0, "could not be reached, or broke off")
}
