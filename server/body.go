package server

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// Why a body was not read. Each protocol has its own words for them.
var (
	ErrBodyTooLarge = errors.New("the body is larger than allowed")
	ErrBodyBroken   = errors.New("the body could not be read to its end")
)

// HasMediaType reports whether a request says that its body is of one of the types.
func HasMediaType(r *http.Request, types ...string) bool {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && slices.Contains(types, got)
}

// ReadBody reads the body of a request: at most limit bytes, which must come within
// patience. Errors are ErrBodyTooLarge, ErrBodyBroken and, for a sender who may no longer
// do what the request is for, the *cairn.Error that says so.
func ReadBody(c *gin.Context, limit int64, patience time.Duration) ([]byte, error) {
	var b bytes.Buffer
	err := ReadBodyInto(&b, c, limit, patience)
	return b.Bytes(), err
}

// ReadBodyInto is ReadBody for who has made room for the body.
func ReadBodyInto(b *bytes.Buffer, c *gin.Context, limit int64, patience time.Duration) error {
	rc := http.NewResponseController(c.Writer)
	if err := rc.SetReadDeadline(time.Now().Add(patience)); err == nil {
		// Else the deadline would end a stream that is written later.
		defer func() { _ = rc.SetReadDeadline(time.Time{}) }()
	}
	_, err := b.ReadFrom(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	var tooLarge *http.MaxBytesError
	var shown *cairn.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &shown):
		return err
	case errors.As(err, &tooLarge):
		return ErrBodyTooLarge
	}
	return ErrBodyBroken
}
