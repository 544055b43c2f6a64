package client

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client/clienttest"
)

// batches is a server that stores what is pushed and keeps the bodies.
func batches(t *testing.T, reply func(line string) string) (*Client, *[]string) {
	t.Helper()
	s := clienttest.New(t)
	var bodies []string
	s.Handle("POST /api/v1/sources/{name}/documents/batch", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Error(r.Header, err)
		}
		bodies = append(bodies, string(body))
		w.Header().Set("Content-Type", "application/x-ndjson")
		for line := range strings.Lines(string(body)) {
			_, _ = io.WriteString(w, reply(line))
		}
	})
	return newClient(t, s.URL), &bodies
}

func TestPutBatch(t *testing.T) {
	c, bodies := batches(t, func(line string) string {
		switch {
		case strings.Contains(line, "delete"):
			return `{"id":"b"}` + "\n"
		case strings.Contains(line, "wrong"):
			return `{"id":"c","error":{"code":"invalid","message":"it is wrong"}}` + "\n"
		}
		return `{"id":"a","document_id":"D1","new_field":1}` + "\n"
	})
	var results []BatchResult
	for r, err := range c.PutBatch(t.Context(), "wiki", slices.Values([]BatchLine{
		{ID: "a", Push: &Push{Title: "A", Text: "x", Content: nil}}, {ID: "b", Delete: true}, {ID: "c", Push: &Push{Title: "wrong"}},
	})) {
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	if want := `{"id":"a","title":"A","text":"x"}` + "\n" + `{"id":"b","delete":true}` + "\n" + `{"id":"c","title":"wrong"}` + "\n"; len(*bodies) != 1 || (*bodies)[0] != want {
		t.Errorf("sent %q, want %q", *bodies, want)
	}
	if len(results) != 3 || results[0].DocumentID != "D1" || results[0].Err != nil || results[1].ID != "b" || results[1].Err != nil ||
		!errors.Is(results[2].Err, cairn.ErrInvalid) || results[2].Err.Error() != "it is wrong" || !strings.Contains(string(results[0].JSON), "new_field") {
		t.Errorf("%+v", results)
	}
}

// TestPutBatchOfMany sends more than one request holds, stops where the caller
// does, and passes on an error between the lines.
func TestPutBatchOfMany(t *testing.T) {
	c, bodies := batches(t, func(string) string { return `{"id":"a","document_id":"D1"}` + "\n" })
	broken := errors.New("the file is torn")
	lines := func(n, size int, last error) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for i := range n {
				if !yield(fmt.Appendf(nil, `{"id":"%d","title":"T","text":"%s"}`, i, strings.Repeat("x", size)), nil) {
					return
				}
			}
			if last != nil {
				yield(nil, last)
			}
		}
	}
	count := func(n, size int, last error) (results int, err error) {
		for _, err := range c.PutLines(t.Context(), "wiki", lines(n, size, last)) {
			if err != nil {
				return results, err
			}
			results++
		}
		return results, nil
	}
	if n, err := count(2001, 1, nil); n != 2001 || err != nil || len(*bodies) != 3 {
		t.Errorf("%d results of 2001 lines in %d requests: %v", n, len(*bodies), err)
	}
	*bodies = nil
	if n, err := count(2, 21<<20, nil); n != 2 || err != nil || len(*bodies) != 2 {
		t.Errorf("%d results of two large lines in %d requests: %v", n, len(*bodies), err)
	}
	if n, err := count(7, 1, broken); n != 7 || !errors.Is(err, broken) {
		t.Errorf("%d results, %v; want 7 and the error of the lines", n, err)
	}
	*bodies = nil
	for _, err := range c.PutLines(t.Context(), "wiki", lines(5000, 1, nil)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if len(*bodies) != 1 {
		t.Errorf("%d requests for a caller who reads one result", len(*bodies))
	}
}

func TestPutBatchCutShort(t *testing.T) {
	n := 0
	c, _ := batches(t, func(string) string {
		if n++; n > 1 {
			return ""
		}
		return `{"id":"a","document_id":"D1"}` + "\n"
	})
	results := 0
	for _, err := range c.PutBatch(t.Context(), "wiki", slices.Values([]BatchLine{{ID: "a", Delete: true}, {ID: "b", Delete: true}})) {
		if results++; (err != nil) != (results == 2) || err != nil && !errors.Is(err, cairn.ErrUnavailable) {
			t.Errorf("result %d: %v", results, err)
		}
	}
	if results != 2 {
		t.Errorf("%d results", results)
	}
	for _, err := range c.PutBatch(t.Context(), "", slices.Values([]BatchLine{})) {
		if !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("no source: %v", err)
		}
	}
}
