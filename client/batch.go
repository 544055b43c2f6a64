package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// sends as many requests as it takes, one after the other. What has no result because the
// server is busy or restarts is sent again, after as long as the server asks for and with
// growing pauses, for some minutes: nothing is stored twice by that. An error ends the
// sequence; the lines without a result can be sent again.
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
		b := &batch{c: c, source: source, yield: yield}
		for line, err := range lines {
			if err != nil {
				if b.send(ctx) {
					yield(BatchResult{}, err)
				}
				return
			}
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if !b.fits(line) && !b.send(ctx) {
				return
			}
			b.add(line)
		}
		b.send(ctx)
	}
}

// batch is the lines of one request, and what is done with their results.
type batch struct {
	c        *Client
	source   string
	yield    func(BatchResult, error) bool
	lines    ndjson
	ends     []int         // of the lines
	held     []BatchResult // failures of the server that no result of another kind follows yet
	answered bool          // by the server, at least once
	over     bool          // the caller has had enough
}

func (b *batch) fits(line []byte) bool {
	return len(b.ends) == 0 || len(b.ends) < batchLines && len(b.lines)+len(line) <= batchBytes
}

func (b *batch) add(line []byte) {
	b.lines = append(append(b.lines, line...), '\n')
	b.ends = append(b.ends, len(b.lines))
}

// send carries out the lines, yields their results and empties the batch; more is false
// when there is nothing to go on with.
func (b *batch) send(ctx context.Context) (more bool) {
	if len(b.ends) == 0 {
		return true
	}
	defer func() { b.lines, b.ends, b.held = nil, nil, nil }()
	tries := b.c.again.begin()
	for first := 0; ; b.held = nil {
		done, err := b.request(ctx, first, tries.failures > 0)
		if done > 0 {
			tries = b.c.again.begin()
		}
		first += done
		switch {
		case b.over:
			return false
		case err == nil && len(b.held) == 0:
			return true
		case err == nil:
			err = b.held[0].Err
		}
		if b.answered || !errors.Is(err, errUnreachable) { // else its address may be wrong
			err = tries.wait(ctx, err)
		}
		switch {
		case err == nil:
		case first+len(b.held) == len(b.ends): // what the server says of each
			return b.release()
		default:
			b.yield(BatchResult{}, err)
			return false
		}
	}
}

// request sends the lines from first on and yields their results, of which done are
// final. again says that they may have been carried out before.
func (b *batch) request(ctx context.Context, first int, again bool) (done int, err error) {
	body := b.lines
	if first > 0 {
		body = body[b.ends[first-1]:]
	}
	res, err := b.c.send(ctx, http.MethodPost, api("sources", b.source, "documents", "batch"), body, nil)
	b.answered = b.answered || !errors.Is(err, errUnreachable)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	results := bufio.NewReader(io.LimitReader(res.Body, maxReply))
	for n := first; n < len(b.ends); n++ {
		line, err := results.ReadBytes('\n')
		if err != nil {
			err = fmt.Errorf("the results of %d lines are missing: %w", len(b.ends)-n, err)
			return n - first - len(b.held), b.c.broken(ctx, fmt.Errorf("read: %w", err))
		}
		var r BatchResult
		if err := json.Unmarshal(line, &r); err != nil {
			return n - first - len(b.held), &cairn.Error{Kind: fmt.Errorf("%w: %w", cairn.ErrUnavailable, errNotCairn), Message: fmt.Sprintf(
				"%s sent a reply that cannot be read (%v); is it of another version?", b.c.base, err)}
		}
		if again && errors.Is(r.Err, cairn.ErrNotFound) { // erased by a request whose reply was lost
			r.Err, r.JSON = nil, fmt.Appendf(nil, `{"id":%s}`, idIn(r.JSON))
		}
		if !b.take(r) {
			return 0, nil
		}
	}
	return len(b.ends) - first - len(b.held), nil
}

// take yields a result, or holds it back when sending the line again may help.
func (b *batch) take(r BatchResult) (more bool) {
	if _, again := RetryAfter(r.Err); again {
		b.held = append(b.held, r)
		return true
	}
	return b.release() && b.give(r)
}

// release yields what was held back as it is.
func (b *batch) release() (more bool) {
	for _, r := range b.held {
		if !b.give(r) {
			return false
		}
	}
	b.held = nil
	return true
}

func (b *batch) give(r BatchResult) (more bool) {
	b.over = !b.yield(r, nil)
	return !b.over
}

// idIn returns the id of a result as JSON.
func idIn(result json.RawMessage) json.RawMessage {
	var wire struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(result, &wire) // it was read before
	return wire.ID
}

// ndjson is a body that is sent as it is.
type ndjson []byte
