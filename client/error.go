package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"github.com/cairnhq/cairn"
)

// kinds maps the codes of the API to kinds of error.
var kinds = map[string]error{
	"invalid":         cairn.ErrInvalid,
	"unauthenticated": cairn.ErrUnauthenticated,
	"budget":          cairn.ErrBudget,
	"denied":          cairn.ErrDenied,
	"not_found":       cairn.ErrNotFound,
	"conflict":        cairn.ErrConflict,
	"too_large":       cairn.ErrTooLarge,
	"rate_limited":    cairn.ErrRateLimited,
	"unavailable":     cairn.ErrUnavailable,
	"internal":        errInternal,
}

// wireError is the body of every failure.
type wireError struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// err returns the failure as an error of its kind; nil when it is none.
func (w wireError) err() error {
	if w.Error.Code == "" || w.Error.Message == "" {
		return nil
	}
	if kind, ok := kinds[w.Error.Code]; ok {
		return &cairn.Error{Kind: kind, Message: w.Error.Message}
	}
	return errors.New(w.Error.Message) // of a newer server
}

// failure returns what a response with an error's status says.
func (c *Client) failure(res *http.Response) error {
	return withDelay(c.told(res), res.Header)
}

func (c *Client) told(res *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what cannot be read is no reply of ours
	var w wireError
	if json.Unmarshal(b, &w) == nil {
		if err := w.err(); err != nil {
			return err
		}
	}
	if to := res.Header.Get("Location"); to != "" && res.StatusCode >= 300 && res.StatusCode < 400 {
		return cairn.Errorf(cairn.ErrUnavailable, "%s answers with a redirect to %s; set CAIRN_URL to the server itself", c.base, to)
	}
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return cairn.Errorf(cairn.ErrUnavailable, "what stands before Cairn at %s says %s; is cairn serve running behind it?", c.base, res.Status)
	}
	return &cairn.Error{Kind: fmt.Errorf("%w: %w", cairn.ErrUnavailable, errNotCairn), Message: fmt.Sprintf(
		"%s answers, but not as Cairn does (%s); check CAIRN_URL", c.base, res.Status)}
}

// unreachable says that no connection was made.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	message := "no Cairn answers at " + c.base
	if !errors.Is(err, syscall.ECONNREFUSED) {
		message += " (" + cause(err).Error() + ")"
	}
	return &cairn.Error{Kind: fmt.Errorf("%w: %w", cairn.ErrUnavailable, errUnreachable), Message: message + ": start it with cairn serve, or set CAIRN_URL"}
}

// broken says that a connection ended in the middle of a reply.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return cairn.Errorf(cairn.ErrUnavailable, "the connection to %s ended in the middle of a reply (%v); try again", c.base, cause(err))
}

// cause drops the outermost layer, which repeats method and address.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
