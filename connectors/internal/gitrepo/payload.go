package gitrepo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// payload is the body of a request as git makes it, and the reply where it is long.
type payload struct {
	body   []byte
	whole  bool    // the reply is short
	stream *stream // the reply, unless it is whole
}

type payloadKey struct{}

// raw is a network that sends the payload of a request's context. A long reply is taken
// out of the hands of package remote, which would keep it in memory and bound its time:
// that sees an empty one.
type raw struct{ connectors.Network }

// RoundTrip implements http.RoundTripper.
func (n raw) RoundTrip(r *http.Request) (*http.Response, error) {
	p, ok := r.Context().Value(payloadKey{}).(*payload)
	if !ok {
		return n.Network.RoundTrip(r)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	bound := context.AfterFunc(r.Context(), cancel)
	out := r.Clone(ctx)
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(p.body)), int64(len(p.body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil }
	res, err := n.Network.RoundTrip(out)
	if err != nil {
		cancel()
		return nil, err
	}
	body := &stream{ReadCloser: res.Body, cancel: cancel}
	if p.whole || res.StatusCode != http.StatusOK {
		res.Body = body
		return res, nil
	}
	if !bound() { // the context has ended meanwhile
		_ = body.Close()
		return nil, context.Cause(r.Context())
	}
	p.stream = body
	res.Body, res.ContentLength = http.NoBody, 0
	return res, nil
}

// stream is a reply that is read while it comes.
type stream struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// readWithin reads, and ends the reply when nothing comes for as long as silence.
func (s *stream) readWithin(p []byte, silence time.Duration) (int, error) {
	timer := time.AfterFunc(silence, s.cancel)
	defer timer.Stop()
	return s.Read(p)
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.cancel()
	return s.ReadCloser.Close()
}
