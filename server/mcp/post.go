package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

const (
	maxBody  = 1 << 20          // of a message
	readBody = 60 * time.Second // to send it
)

// message is what is looked at of a message before the library reads it. Nothing rests
// on it that matters: a tool asks for its scope by itself.
type message struct {
	Method string `json:"method"`
	Params struct {
		Name string `json:"name"`
		Meta struct {
			ProgressToken json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	} `json:"params"`
}

// post answers POST /mcp: one message of a client.
func (s *Server) post(c *gin.Context) error {
	body, err := readMessage(c)
	if err != nil {
		return err
	}
	var m message
	_ = json.Unmarshal(body, &m) // the library says what is wrong
	if needed, ok := s.needs[m.Params.Name]; ok && m.Method == "tools/call" {
		if err := auth.FromContext(c.Request.Context()).Permit(needed.scope, ""); err != nil {
			entry := audit.FromContext(c.Request.Context())
			entry.As(needed.action)
			entry.Detail("mcp")
			c.Writer.Header().Set("WWW-Authenticate", s.cfg.Auth.ChallengeScope(Path, needed.scope))
			return err
		}
	}
	r := c.Request.WithContext(context.WithValue(c.Request.Context(), callKey{}, &call{c}))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Header.Get("Accept") == "" { // whatever is sent
		r.Header = r.Header.Clone()
		r.Header.Set("Accept", "application/json, text/event-stream")
	}
	handler := s.whole
	if len(m.Params.Meta.ProgressToken) > 0 && m.Method == "tools/call" {
		handler = s.streamed
		c.Writer.Header().Set("X-Accel-Buffering", "no") // nginx would collect events otherwise
	}
	handler.ServeHTTP(c.Writer, r)
	return nil
}

// readMessage reads the body of a request. Several messages at once, which the protocol
// has given up, are refused: each is to be looked at by itself.
func readMessage(c *gin.Context) ([]byte, error) {
	b, err := server.ReadBody(c, maxBody, readBody)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, cairn.Errorf(cairn.ErrTooLarge, "the message is larger than %d MiB", maxBody>>20)
	case errors.Is(err, server.ErrBodyBroken):
		return nil, cairn.Errorf(cairn.ErrInvalid, "the message could not be read to its end")
	case err != nil:
		return nil, err
	case !utf8.Valid(b):
		return nil, cairn.Errorf(cairn.ErrInvalid, "the message is not valid UTF-8")
	case bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")):
		return nil, cairn.Errorf(cairn.ErrInvalid, "send one message at once: there are no batches any more")
	}
	return b, nil
}

// onlyPost answers methods that belong to sessions.
func onlyPost(c *gin.Context) error {
	c.Writer.Header().Set("Allow", http.MethodPost)
	c.Writer.WriteHeader(http.StatusMethodNotAllowed)
	c.Writer.WriteHeaderNow()
	return nil
}
