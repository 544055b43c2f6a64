package langchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// wire stands between the library and the network. It corrects requests,
// turns whatever comes back into the plainest form of the provider's format,
// which the library reads without fault, and notes failures in the exchange
// that the request's context carries.
type wire struct {
	client  *http.Client
	key     string
	connect time.Duration
	// edit corrects the fields of a request's body.
	edit func(fields map[string]json.RawMessage) error
	// reply wraps the body of a reply with status 200.
	reply func(x *exchange, body io.ReadCloser) io.ReadCloser
}

// noKey is given to the library, which insists on a key, where there is none.
const noKey = "none"

// errConnect is the cause of a call that was given up while connecting.
var errConnect = errors.New("no connection in time")

// Do sends a request. Its errors say nothing; the exchange does.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	ctx, cancel := context.WithCancelCause(req.Context())
	req, err := w.prepare(req.WithContext(w.limitConnect(ctx, cancel)))
	if err != nil {
		cancel(nil)
		return nil, x.fail(&llm.Error{Kind: llm.ErrRejected, Err: err})
	}
	resp, err := w.client.Do(req)
	if err != nil {
		err = unreachable(ctx, req.URL, err)
		cancel(nil)
		return nil, x.broke(err)
	}
	if resp.StatusCode != http.StatusOK {
		defer cancel(nil)
		defer resp.Body.Close()
		return nil, x.fail(x.refusal(resp, time.Now()))
	}
	resp.Body = w.reply(x, &cancelBody{resp.Body, func() { cancel(nil) }})
	return resp, nil
}

// cancelBody is a body whose closing ends the request's context.
type cancelBody struct {
	io.ReadCloser
	cancel func()
}

// Close ends the request first, which unblocks a Read of another goroutine.
func (b *cancelBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// limitConnect returns ctx with a limit on the time until there is a connection.
// It is kept by hooks, so that it holds with any client that is passed in.
func (w *wire) limitConnect(ctx context.Context, cancel context.CancelCauseFunc) context.Context {
	var timer *time.Timer
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			timer = time.AfterFunc(w.connect, func() { cancel(errConnect) })
		},
		GotConn: func(httptrace.GotConnInfo) {
			if timer != nil {
				timer.Stop()
			}
		},
	})
}

// unreachable describes a call that got no reply, without the library's and
// net/http's repetition of the whole URL.
func unreachable(ctx context.Context, u *url.URL, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s cannot be reached: %w", u.Host, err)
}

// prepare returns the request with its body edited.
func (w *wire) prepare(req *http.Request) (*http.Request, error) {
	if w.key == "" {
		req.Header.Del("Authorization")
		req.Header.Del("X-Api-Key")
	}
	req.Header.Set("User-Agent", "cairn")
	if w.edit == nil {
		return req, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if err := w.edit(fields); err != nil {
		return nil, err
	}
	if body, err = json.Marshal(fields); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return req, nil
}
