package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cairnhq/cairn/connectors"
)

// maxDocument is how many bytes of a document are taken when a request does not say.
const maxDocument = 512 << 20

// Open returns the bytes of a document, which are fetched whole first, so that a lost
// connection is made again, and lie in a file without a name meanwhile. A document that
// is gone, kept from the credential or too large is a *connectors.DocumentError; other
// errors are as those of Do. The caller closes what it returns.
func (c *Client) Open(ctx context.Context, r Request) (io.ReadCloser, error) {
	if r.MaxBytes == 0 {
		r.MaxBytes = maxDocument
	}
	file, err := again(ctx, c, r, func(ctx context.Context, token Token) (*spool, error) {
		s, err := newSpool(ctx)
		if err != nil {
			return nil, err
		}
		res, err := c.attempt(ctx, r, token, s)
		if s.failed != nil {
			err = fmt.Errorf("keep a document: %w", s.failed)
		}
		if err == nil && res.Status >= 300 {
			err = c.fail(connectors.ErrUnexpected, r, res.Status, "has no document there")
		}
		if err == nil {
			_, err = s.file.Seek(0, io.SeekStart)
		}
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		return s, nil
	})
	if err != nil {
		return nil, ofDocument(err)
	}
	return file, nil
}

// ofDocument makes failures that concern one document those of a document.
func ofDocument(err error) error {
	for _, known := range []struct {
		kind         error
		code, reason string
	}{
		{connectors.ErrNotFound, "vanished", "The document was removed before it could be read."},
		{connectors.ErrForbidden, "unreadable", "The source does not let the credential read this document."},
		{connectors.ErrTooLarge, "too_large", "The document is larger than what is read of one."},
	} {
		if errors.Is(err, known.kind) {
			return &connectors.DocumentError{Code: known.code, Reason: known.reason, Err: err}
		}
	}
	return err
}

// spool keeps bytes in a file that has no name any more.
type spool struct {
	ctx    context.Context // reading ends with it
	file   *os.File
	failed error // of writing
}

func newSpool(ctx context.Context) (*spool, error) {
	file, err := os.CreateTemp("", "cairn-document-*")
	if err != nil {
		return nil, fmt.Errorf("keep a document: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("keep a document: %w", err)
	}
	return &spool{ctx: ctx, file: file}, nil
}

// Write implements io.Writer.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.failed = err
	return n, err
}

// Read implements io.Reader.
func (s *spool) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, fmt.Errorf("read a document: %w", context.Cause(s.ctx))
	}
	return s.file.Read(p)
}

// Close implements io.Closer.
func (s *spool) Close() error { return s.file.Close() }
