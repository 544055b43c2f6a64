package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
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
// before the first document is stored, so that one that is too large stores nothing.
func (a *API) pushBatch(c *gin.Context) error {
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
	lines := batchLines(b)
	if len(lines) > maxBatch {
		return cairn.Errorf(cairn.ErrTooLarge, "the batch has %d lines; send at most %d at once", len(lines), maxBatch)
	}
	c.Writer.Header().Set("Content-Type", "application/x-ndjson")
	c.Writer.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(c.Writer)
	defer func() { _ = rc.SetWriteDeadline(time.Time{}) }()
	for _, line := range lines {
		if c.Request.Context().Err() != nil {
			return nil // nobody reads the results; what was stored stays
		}
		out, err := encode(a.pushLine(c, s, line))
		if err != nil {
			return err
		}
		_ = rc.SetWriteDeadline(time.Now().Add(writePatience))
		if _, err := c.Writer.Write(out); err != nil {
			return nil
		}
		c.Writer.Flush()
	}
	return nil
}

// batchLines returns the lines that are not blank.
func batchLines(b []byte) [][]byte {
	var lines [][]byte
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func (a *API) pushLine(c *gin.Context, s cairn.Source, b []byte) batchResult {
	ctx := c.Request.Context()
	var line batchLine
	err := unmarshal(b, &line)
	if err != nil {
		line.ID = idOf(b)
	} else {
		err = checkLength("id", line.ID, 1, maxExternal)
	}
	out := batchResult{ID: line.ID}
	switch {
	case err != nil:
	case line.Delete:
		err = a.Push.Delete(ctx, s.ID, line.ID)
	default:
		pushed, putErr := a.put(ctx, s, line.ID, line.pushRequest)
		out.Document, err = pushed.ID, putErr
	}
	if err != nil {
		f := server.FailureOf(err)
		if f.Code == "internal" {
			a.Log.ErrorContext(ctx, "document of a batch not stored", slog.String("source", s.Name), slog.Any("error", err))
		}
		out.Document, out.Error = "", &notice{f.Code, f.Message}
	}
	return out
}

// idOf returns the id of a line that is otherwise wrong, if it has one.
func idOf(b []byte) string {
	var line struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(b, &line)
	return line.ID
}
