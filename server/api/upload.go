package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

// uploads bounds the memory that pushed documents take while they are received
// and stored: so many of the largest at once, or more of smaller ones.
type uploads struct {
	room     *semaphore.Weighted // bytes of bodies
	patience time.Duration       // how long an upload waits for room
}

const largestAtOnce = 4

func newUploads() uploads {
	return uploads{room: semaphore.NewWeighted(largestAtOnce * maxUpload), patience: 30 * time.Second}
}

// enter waits until there is room for the request's body; leave gives it back
// after the request. A body whose size is not declared counts as one of the
// largest. Without room in time the error is a *server.Busy.
func (u uploads) enter(c *gin.Context) (leave func(), err error) {
	size := c.Request.ContentLength
	if size < 0 || size > maxUpload {
		size = maxUpload
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), u.patience)
	defer cancel()
	if err := u.room.Acquire(ctx, size); err != nil {
		return nil, &server.Busy{After: 10 * time.Second, Message: "many documents are being pushed just now; send this again in a moment"}
	}
	return func() { u.room.Release(size) }, nil
}

// content is bytes that JSON holds in base64. Large ones are decoded in one
// step, without a string in between.
type content []byte

// UnmarshalJSON reads a string; null is nil. Errors are ErrInvalid.
func (c *content) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = nil
		return nil
	}
	text := bytes.Trim(b, `"`)
	if b[0] != '"' || bytes.IndexByte(b, '\\') >= 0 { // an array, say, or escapes such as \/
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return cairn.Errorf(cairn.ErrInvalid, "\"content_base64\" must be a string")
		}
		text = []byte(s)
	}
	decoded, err := base64.StdEncoding.AppendDecode([]byte{}, text)
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "\"content_base64\" is no base64 (RFC 4648, with padding)")
	}
	*c = decoded
	return nil
}
