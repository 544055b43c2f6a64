package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

const (
	maxAttempts  = 6                // of one request
	firstBackoff = time.Second      // doubled with each attempt, of which a random part is waited
	maxBackoff   = 30 * time.Second //
	maxRedirects = 5                //
	patience     = 10               // Timeouts in all, for a reply that comes drop by drop
	maxReply     = 32 << 20         // bytes of a reply in memory
	maxFailure   = 64 << 10         // bytes of the text of a failure
)

// do sends a request until accept, which may be nil, is content with the reply.
func (c *Client) do(ctx context.Context, r Request, accept func(*Response) error) (*Response, error) {
	return again(ctx, c, r, func(ctx context.Context, token Token) (*Response, error) {
		res, err := c.attempt(ctx, r, token, nil)
		if err == nil && accept != nil {
			err = accept(res)
		}
		return res, err
	})
}

// again calls try until it succeeds, fails for good, or has been called often enough.
func again[T any](ctx context.Context, c *Client, r Request, try func(ctx context.Context, token Token) (T, error)) (T, error) {
	var zero T
	renewed := false
	for attempt := 1; ; attempt++ {
		token, err := c.credential(ctx)
		if err == nil {
			err = c.pace(ctx, r)
		}
		var value T
		if err == nil {
			value, err = try(ctx, token)
		}
		if err == nil {
			c.repeats.earn()
			return value, nil
		}
		if ctx.Err() != nil {
			return zero, fmt.Errorf("ask %s: %w", c.Host(), context.Cause(ctx))
		}
		if errors.Is(err, connectors.ErrUnauthorized) && token.Value.Set() && !renewed {
			renewed = true
			fresh, failed := c.token.renew(ctx, token)
			if failed == nil && fresh.Value != token.Value {
				continue
			}
			if failed != nil {
				err = failed
			}
		}
		cause := err
		wait, err := c.backoff(ctx, r, attempt, cause)
		if err != nil {
			return zero, err
		}
		c.warn(cause, wait)
		if err := c.env.Sleep(ctx, wait); err != nil {
			return zero, fmt.Errorf("ask %s: %w", c.Host(), err)
		}
	}
}

// longLimited is how long a source must have let a run wait before that is worth a word.
const longLimited = time.Minute

// warn adds up how long the source has let the run wait because it asked too often.
func (c *Client) warn(err error, wait time.Duration) {
	if !errors.Is(err, connectors.ErrRateLimited) {
		return
	}
	if all := time.Duration(c.limited.Add(int64(wait))); all >= longLimited {
		c.env.Warn(connectors.Warning{Code: "rate_limited", Count: int(all / time.Second),
			Message: "Seconds that the run has waited because " + c.Host() + " asked it to: others may use the same account, or the source is due too often."})
	}
}

// credential returns the credential; the zero Token where none is configured.
func (c *Client) credential(ctx context.Context) (Token, error) {
	if c.token == nil {
		return Token{}, nil
	}
	return c.token.get(ctx)
}

// pace waits for the turn of a request.
func (c *Client) pace(ctx context.Context, r Request) error {
	if c.cfg.Budget > 0 && c.Sent() >= c.cfg.Budget {
		return c.unexpected(r, "would have to be asked more often than one run may")
	}
	wait, err := c.limiter.Reserve(ctx, c.account, c.cfg.Rate)
	if err != nil {
		return err
	}
	if wait <= 0 {
		return ctx.Err()
	}
	return c.env.Sleep(ctx, wait)
}

// backoff says how long to wait before a request that failed is sent again; what it
// returns as an error stays one.
func (c *Client) backoff(ctx context.Context, r Request, attempt int, err error) (time.Duration, error) {
	var e *connectors.Error
	limited := errors.Is(err, connectors.ErrRateLimited)
	if !errors.As(err, &e) || attempt >= maxAttempts || !limited && (!errors.Is(err, connectors.ErrUnavailable) || !r.repeatable()) {
		return 0, err
	}
	if e.Wait > c.cfg.MaxWait {
		return 0, more(e, fmt.Sprintf(", and to wait for %s. The next run goes on", e.Wait.Round(time.Second)))
	}
	if !limited && !c.repeats.spend() {
		return 0, more(e, ", as did too many requests of this run")
	}
	wait := e.Wait
	if wait == 0 {
		wait = rand.N(min(firstBackoff<<(attempt-1), maxBackoff)) // "full jitter"
	}
	if limited { // for everybody who uses the credential
		return wait, c.limiter.Hold(ctx, c.account, wait)
	}
	return wait, nil
}

// more returns e with more in its message.
func more(e *connectors.Error, text string) error {
	longer := *e
	longer.Message += text
	return &longer
}

// attempt sends a request once. The body goes to sink, or into the Response when that
// is nil or the status is none of success.
func (c *Client) attempt(ctx context.Context, r Request, token Token, sink io.Writer) (*Response, error) {
	to, err := c.address(r)
	if err != nil {
		return nil, err
	}
	ctx, alive, stop := c.watch(ctx)
	defer stop()
	res, from, err := c.send(ctx, r, to, token)
	if err != nil {
		return nil, c.broken(ctx, r, err)
	}
	defer res.Body.Close()
	out := &Response{Status: res.StatusCode, Header: res.Header, URL: from}
	failed := out.Status >= 300
	limit := cmp.Or(r.MaxBytes, maxReply)
	var body bytes.Buffer
	if failed || sink == nil {
		sink = &body
	}
	if failed {
		limit = maxFailure
	}
	_, err = io.Copy(sink, observed{http.MaxBytesReader(nil, res.Body, limit), alive})
	if err != nil && !failed { // a failure is one, whatever becomes of its text
		return nil, c.broken(ctx, r, err)
	}
	out.Body = body.Bytes()
	return out, c.judge(r, out)
}

// watch returns a context that ends when alive has not been called for as long as a
// source may be silent, or the whole takes too long.
func (c *Client) watch(ctx context.Context) (watched context.Context, alive, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	silence := time.AfterFunc(c.env.Timeout, func() { cancel(errSilent) })
	whole := time.AfterFunc(patience*c.env.Timeout, func() { cancel(errSlow) })
	return ctx, func() { silence.Reset(c.env.Timeout) }, func() {
		silence.Stop()
		whole.Stop()
		cancel(nil)
	}
}

// observed is a reader that gives a sign of life with each read.
type observed struct {
	io.Reader
	alive func()
}

// Read implements io.Reader.
func (o observed) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if n > 0 {
		o.alive()
	}
	return n, err
}

var errRedirect = errors.New("a redirect that is not followed")

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// send sends a request and follows where it is led; from is the address that replied.
// It is without the credential from the first other origin on, also back at the first
// one: the way there was another's choice.
func (c *Client) send(ctx context.Context, r Request, to *url.URL, token Token) (res *http.Response, from *url.URL, err error) {
	trusted := c.origins[origin(to)]
	for hop := 0; ; hop++ {
		req, err := c.build(ctx, r, to, token, trusted)
		if err != nil {
			return nil, nil, err
		}
		c.sent.Add(1)
		res, err := c.http.Do(req)
		if err != nil || !isRedirect(res.StatusCode) {
			return res, to, err
		}
		next, err := to.Parse(res.Header.Get("Location"))
		if err != nil || c.cfg.Follow != nil && !c.cfg.Follow(next) {
			return res, to, nil //nolint:nilerr // a redirect to nowhere is the reply
		}
		_ = res.Body.Close()
		if hop == maxRedirects || !mayFollow(r.method(), to, next) {
			return nil, nil, errRedirect
		}
		trusted = trusted && c.origins[origin(next)]
		to = next
	}
}

// mayFollow reports whether a redirect may be followed at all.
func mayFollow(method string, from, to *url.URL) bool {
	return (method == http.MethodGet || method == http.MethodHead) && to.User == nil && to.Hostname() != "" &&
		(to.Scheme == "https" || to.Scheme == "http" && from.Scheme == "http")
}
