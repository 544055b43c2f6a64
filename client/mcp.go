package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"

	"github.com/cairnhq/cairn"
)

// MCP sends one message of the Model Context Protocol, a JSON object, to the server with
// headers of the protocol, and yields the messages of its reply as they come: none to a
// notification, else the response last. A failure that is a message by itself is yielded
// as one; other errors end the sequence.
func (c *Client) MCP(ctx context.Context, message json.RawMessage, header map[string]string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		all := map[string]string{"Accept": "application/json, text/event-stream"}
		for name, value := range header {
			all[name] = value
		}
		res, err := c.exchange(ctx, http.MethodPost, "/mcp", message, all)
		if err != nil {
			yield(nil, err)
			return
		}
		defer res.Body.Close()
		if mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); mediaType == "text/event-stream" {
			c.mcpEvents(ctx, res.Body, yield)
			return
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
		switch {
		case err != nil:
			yield(nil, c.broken(ctx, err))
		case isRPC(b):
			yield(b, nil)
		case res.StatusCode < 200 || res.StatusCode > 299:
			res.Body = io.NopCloser(bytes.NewReader(b))
			yield(nil, c.mcpFailure(res, b))
		case len(bytes.TrimSpace(b)) > 0:
			yield(nil, cairn.Errorf(cairn.ErrUnavailable, "%s sent a reply that is no message; is it of another version?", c.base))
		}
	}
}

// mcpEvents yields the messages of a stream.
func (c *Client) mcpEvents(ctx context.Context, body io.Reader, yield func(json.RawMessage, error) bool) {
	for event, err := range events(body) {
		if err != nil {
			yield(nil, c.broken(ctx, err))
			return
		}
		if isRPC(event.Data) && !yield(event.Data, nil) {
			return
		}
	}
}

// mcpFailure says what a response with an error's status says. What is wrong with a message
// itself is told in plain words.
func (c *Client) mcpFailure(res *http.Response, b []byte) error {
	mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if text := strings.TrimSpace(string(b)); res.StatusCode == http.StatusBadRequest && mediaType == "text/plain" && text != "" {
		return cairn.Errorf(cairn.ErrInvalid, "%s", text)
	}
	return c.failure(res)
}

// isRPC reports whether something is a message of JSON-RPC.
func isRPC(b []byte) bool {
	var m struct {
		Version string `json:"jsonrpc"`
	}
	return json.Unmarshal(b, &m) == nil && m.Version == "2.0"
}
