package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"

	"github.com/cairnhq/cairn"
)

// BatchLine is a document to store, or with Delete to erase.
type BatchLine struct {
	ID     string `json:"id"` // the caller's own
	Delete bool   `json:"delete,omitempty"`
	*Push         // nil with Delete
}

// BatchResult is what became of a line.
type BatchResult struct {
	ID         string // the caller's own; empty when the line has none
	DocumentID string // empty for a document that was erased, and with Err
	Err        error  // why the line was not carried out
	Reply
}

// UnmarshalJSON reads a line of the reply and keeps it.
func (r *BatchResult) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID         string `json:"id"`
		DocumentID string `json:"document_id"`
		wireError
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*r = BatchResult{ID: wire.ID, DocumentID: wire.DocumentID, Err: wire.err(), Reply: Reply{JSON: bytes.Clone(b)}}
	return nil
}

// What the server takes at once, with some room.
const (
	batchLines = 1000
	batchBytes = 40 << 20
)

// PutBatch carries out lines in their order and yields what became of each. It
// sends as many requests as it takes, one after the other; an error of one of
// them ends the sequence, and the lines without a result can be sent again.
func (c *Client) PutBatch(ctx context.Context, source string, lines iter.Seq[BatchLine]) iter.Seq2[BatchResult, error] {
	return c.PutLines(ctx, source, func(yield func([]byte, error) bool) {
		for line := range lines {
			b, err := json.Marshal(line)
			if err != nil {
				err = fmt.Errorf("encode the document %q: %w", line.ID, err)
			}
			if !yield(b, err) {
				return
			}
		}
	})
}

// PutLines is PutBatch of lines that are JSON already. An error among them ends
// the sequence after the results of the lines before it.
func (c *Client) PutLines(ctx context.Context, source string, lines iter.Seq2[[]byte, error]) iter.Seq2[BatchResult, error] {
	return func(yield func(BatchResult, error) bool) {
		if err := required("name of a source", source); err != nil {
			yield(BatchResult{}, err)
			return
		}
		var body ndjson
		n := 0
		send := func() bool {
			more := n == 0 || c.sendBatch(ctx, source, body, n, yield)
			body, n = nil, 0
			return more
		}
		for line, err := range lines {
			if err != nil {
				if send() {
					yield(BatchResult{}, err)
				}
				return
			}
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if (n == batchLines || len(body)+len(line) > batchBytes) && !send() {
				return
			}
			body, n = append(append(body, line...), '\n'), n+1
		}
		send()
	}
}

// ndjson is a body that is sent as it is.
type ndjson []byte

// sendBatch sends n lines and yields their results; more is false when there is
// nothing to go on with.
func (c *Client) sendBatch(ctx context.Context, source string, body ndjson, n int, yield func(BatchResult, error) bool) (more bool) {
	res, err := c.send(ctx, http.MethodPost, api("sources", source, "documents", "batch"), body, nil)
	if err != nil {
		yield(BatchResult{}, err)
		return false
	}
	defer res.Body.Close()
	results := bufio.NewScanner(res.Body)
	results.Buffer(nil, 1<<20)
	for ; n > 0 && results.Scan(); n-- {
		var r BatchResult
		if err := json.Unmarshal(results.Bytes(), &r); err != nil {
			yield(BatchResult{}, cairn.Errorf(cairn.ErrUnavailable, "%s sent a reply that cannot be read (%v); is it of another version?", c.base, err))
			return false
		}
		if !yield(r, nil) {
			return false
		}
	}
	if n > 0 {
		err := results.Err()
		if err == nil {
			err = fmt.Errorf("%w: the results of %d lines", errCutShort, n)
		}
		yield(BatchResult{}, c.broken(ctx, err))
		return false
	}
	return true
}
