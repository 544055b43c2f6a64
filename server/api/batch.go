package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server"
)

// batchLine is one document of a batch, or the removal of one.
type batchLine struct {
	ID     string `json:"id"`
	Delete bool   `json:"delete"`
	pushRequest
}

type batchResult struct {
	ID       string           `json:"id"`
	Document cairn.DocumentID `json:"document_id,omitempty"`
	Error    *notice          `json:"error,omitempty"`
}

const maxBatch = 1000 // lines

// pushBatch answers POST /sources/{name}/documents/batch. The batch is read
// before the first document is stored, so that one that is too large stores
// nothing. Results are sent as documents are stored; when the database fails
// before the first, the request fails, later the lines that are left. A caller who may
// no longer push has nothing more stored, and the response is broken off.
func (a *API) pushBatch(c *gin.Context) error {
	if err := unconditional(c); err != nil {
		return err
	}
	s, err := a.writable(c)
	if err != nil {
		return err
	}
	leave, err := a.uploads.enter(c)
	if err != nil {
		return err
	}
	defer leave()
	b, err := body(c, maxUpload, readUpload, "application/x-ndjson", false)
	if err != nil {
		return err
	}
	batch := &pushedBatch{API: a, c: c, source: s.Name}
	if err := batch.read(b); err != nil {
		return err
	}
	for o, err := range a.Push.Batch(c.Request.Context(), s.ID, batch.edits) {
		if err != nil {
			if batch.sent == 0 || c.Request.Context().Err() != nil {
				return err
			}
			batch.fail(err)
			break
		}
		batch.enter(o)
		if err := batch.send(batch.settled()); err != nil {
			return err
		}
	}
	return batch.send(len(batch.results))
}

// pushedBatch is a batch while it is stored.
type pushedBatch struct {
	*API
	c       *gin.Context
	source  string
	results []batchResult // by line
	edits   []ingest.Edit
	lines   []int // for each edit, its place among the results
	done    int   // edits with an outcome
	sent    int   // results
	flushed time.Time
}

// read takes the lines that are not blank. A line that is wrong has its result;
// the others become edits.
func (b *pushedBatch) read(body []byte) error {
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(b.results) == maxBatch {
			return cairn.Errorf(cairn.ErrTooLarge, "the batch has more than %d lines; send at most so many at once", maxBatch)
		}
		result, edit, err := readLine(line, number)
		if err != nil {
			result.Error = b.notice(err)
		} else {
			b.edits, b.lines = append(b.edits, edit), append(b.lines, len(b.results))
		}
		b.results = append(b.results, result)
	}
	return nil
}

// readLine reads a line, which is the one of that number in the body.
func readLine(b []byte, number int) (batchResult, ingest.Edit, error) {
	var line batchLine
	if err := unmarshal(b, &line); err != nil {
		id := idOf(b)
		if id == "" {
			err = cairn.Errorf(cairn.ErrInvalid, "line %d: %s; send one JSON object a line", number, strings.Replace(server.FailureOf(err).Message, "the body", "it", 1))
		}
		return batchResult{ID: id}, ingest.Edit{}, err
	}
	out, edit := batchResult{ID: line.ID}, ingest.Edit{Delete: line.Delete}
	if strings.TrimSpace(line.ID) == "" {
		return out, edit, cairn.Errorf(cairn.ErrInvalid, "line %d: \"id\" is missing or empty", number)
	}
	if err := checkLength("id", line.ID, 1, maxExternal); err != nil {
		return out, edit, err
	}
	if line.Delete {
		edit.External = line.ID
		return out, edit, nil
	}
	var err error
	edit.Push, err = line.toPush(line.ID)
	return out, edit, err
}

// idOf returns the id of a line that is otherwise wrong, if it has one.
func idOf(b []byte) string {
	var line struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(b, &line)
	return line.ID
}

func (b *pushedBatch) notice(err error) *notice {
	f := server.FailureOf(err)
	if f.Code == "internal" {
		b.Log.ErrorContext(b.c.Request.Context(), "document of a batch not stored", slog.String("source", b.source), slog.Any("error", err))
	}
	return &notice{f.Code, f.Message}
}

// enter takes the outcome of the next edit.
func (b *pushedBatch) enter(o ingest.Outcome) {
	result := &b.results[b.lines[b.done]]
	b.done++
	if o.Err != nil {
		result.Error = b.notice(o.Err)
		return
	}
	result.Document = o.ID
}

// fail gives the edits that have no outcome an error.
func (b *pushedBatch) fail(err error) {
	n := b.notice(err)
	for _, line := range b.lines[b.done:] {
		b.results[line].Error = n
	}
}

// settled returns how many of the first results are known.
func (b *pushedBatch) settled() int {
	if b.done < len(b.lines) {
		return b.lines[b.done]
	}
	return len(b.results)
}

// send writes the results up to a place. It fails when nobody may read or reads them
// any more; what was stored stays.
func (b *pushedBatch) send(upTo int) error {
	if err := b.c.Request.Context().Err(); err != nil {
		return err
	}
	if b.sent == 0 {
		b.c.Writer.Header().Set("Content-Type", "application/x-ndjson")
		b.c.Writer.WriteHeader(http.StatusOK)
	}
	for ; b.sent < upTo; b.sent++ {
		out, err := encode(b.results[b.sent])
		if err != nil {
			return fmt.Errorf("encode a result: %w", err)
		}
		if _, err := b.c.Writer.Write(out); err != nil {
			return context.Canceled // nobody reads them
		}
	}
	if time.Since(b.flushed) > flushAfter {
		b.c.Writer.Flush()
		b.flushed = time.Now()
	}
	return nil
}

// flushAfter is how long results may wait in a buffer, so that the caller's
// patience does not end while large files are read.
const flushAfter = time.Second
