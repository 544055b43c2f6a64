package server

import (
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

// lateBody is a body at whose end, when it took longer than Promptly to come, it is
// asked again whether its sender may do what it says: also when the request had to
// wait before it was read.
type lateBody struct {
	io.ReadCloser
	standing *standing
}

func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if refused := b.standing.unchanged(Promptly); refused != nil {
		return 0, refused
	}
	return n, err
}

// permittedWriter writes for a caller who may still see what the request is for; it
// refuses what is for somebody else by now.
type permittedWriter struct {
	gin.ResponseWriter
	standing *standing
}

// Unwrap lets http.ResponseController find the connection.
func (w *permittedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *permittedWriter) Write(b []byte) (int, error) {
	return inPieces(b, func(b []byte) (int, error) {
		if err := w.standing.mayWrite(w.Written()); err != nil {
			return 0, err
		}
		return w.ResponseWriter.Write(b)
	})
}

func (w *permittedWriter) WriteString(text string) (int, error) { return w.Write([]byte(text)) }

// WriteHeaderNow begins the response, unless something of it was refused: then it is
// to be the refusal.
func (w *permittedWriter) WriteHeaderNow() {
	if w.standing.verdict(nil) == nil {
		w.ResponseWriter.WriteHeaderNow()
	}
}

// Flush sends what was written, and begins the response as WriteHeaderNow does.
func (w *permittedWriter) Flush() {
	if w.standing.verdict(nil) == nil {
		w.ResponseWriter.Flush()
	}
}

// mayWrite returns nil when something may be written to the caller, begun or not. The
// receipt of a change is given in any case: it was made while the caller might, and may be what
// has put an end to that. What is shown under a grant is in the audit log before. What
// was refused once stays so.
func (s *standing) mayWrite(begun bool) error {
	receipt := !begun && s.entry.Changed()
	err := s.blockage()
	switch {
	case err != nil || receipt:
	case begun:
		err = s.check(s.relied)
	default:
		err = s.unchanged(Promptly)
	}
	if err == nil {
		err = s.entry.Vouch(s.req.Context())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.blocked = err
		return err
	}
	s.shown = s.shown || !receipt
	return nil
}

func (s *standing) blockage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocked
}
