package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client/clienttest"
)

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status        int
		code, header  string
		least, within time.Duration
		again         bool
	}{
		{503, "unavailable", "10", 10 * time.Second, 10 * time.Second, true},
		{429, "rate_limited", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 50 * time.Second, time.Minute, true},
		{429, "rate_limited", "99999999", longestAfter, longestAfter, true},
		{503, "unavailable", "-3", 0, 0, true},
		{503, "unavailable", "soon", 0, 0, true},
		{500, "internal", "", 0, 0, true},
		{400, "invalid", "", 0, 0, false},
		{404, "not_found", "5", 5 * time.Second, 5 * time.Second, false},
	} {
		s := clienttest.New(t)
		s.Handle("PUT /api/v1/sources/{name}/documents", func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			clienttest.Write(w, c.status, `{"error":{"code":"`+c.code+`","message":"no"}}`)
		})
		_, err := newClient(t, s.URL).PutDocument(t.Context(), "wiki", "a", Push{Title: "A", Text: "x"})
		least, again := RetryAfter(err)
		var shown *cairn.Error
		if least < c.least || least > c.within || again != c.again || !errors.As(err, &shown) || err.Error() != "no" {
			t.Errorf("%d %s %q: %v, %v, %t", c.status, c.code, c.header, err, least, again)
		}
	}
	if least, again := RetryAfter(nil); least != 0 || again {
		t.Error("no error is to be tried again")
	}
}

// script answers one batch after the other by functions.
func script(t *testing.T, replies ...func(w http.ResponseWriter, lines []string)) (*Client, func() int) {
	t.Helper()
	s := clienttest.New(t)
	n := 0
	s.Handle("POST /api/v1/sources/{name}/documents/batch", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n++
		w.Header().Set("Content-Type", "application/x-ndjson")
		replies[min(n, len(replies))-1](w, strings.Split(strings.TrimSpace(string(body)), "\n"))
	})
	return newClient(t, s.URL), func() int { return n }
}

// stores answers the lines from..to as stored; of what begins with a minus, as erased.
func stores(w io.Writer, lines []string) {
	for _, line := range lines {
		_, id, _ := strings.Cut(line, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		if strings.Contains(line, "delete") {
			fmt.Fprintf(w, `{"id":"%s"}`+"\n", id)
		} else {
			fmt.Fprintf(w, `{"id":"%s","document_id":"D-%s"}`+"\n", id, id)
		}
	}
}

func busy(w http.ResponseWriter, _ []string) {
	clienttest.Write(w, http.StatusServiceUnavailable, `{"error":{"code":"unavailable","message":"busy"}}`)
}

// told sends four lines, of which c removes a document, and returns what is said of each.
func told(t *testing.T, c *Client) (said []string) {
	t.Helper()
	lines := []BatchLine{{ID: "a", Push: &Push{Title: "A", Text: "x"}}, {ID: "b", Push: &Push{Title: "B", Text: "x"}}, {ID: "c", Delete: true}, {ID: "d", Push: &Push{Title: "D", Text: "x"}}}
	for r, err := range c.PutBatch(t.Context(), "wiki", slices.Values(lines)) {
		switch {
		case err != nil:
			said = append(said, "! "+err.Error())
		case r.Err != nil:
			said = append(said, r.ID+" "+r.Err.Error())
		default:
			said = append(said, r.ID+" "+r.DocumentID)
		}
	}
	return said
}

func TestPutBatchIsRepeated(t *testing.T) {
	all := []string{"a D-a", "b D-b", "c ", "d D-d"}
	part := func(n int) func(w http.ResponseWriter, lines []string) {
		return func(w http.ResponseWriter, lines []string) { stores(w, lines[:n]) }
	}
	whole := func(w http.ResponseWriter, lines []string) { stores(w, lines) }
	fails := func(n int, code string) func(w http.ResponseWriter, lines []string) {
		return func(w http.ResponseWriter, lines []string) {
			stores(w, lines[:n])
			for range lines[n:] {
				fmt.Fprintf(w, `{"id":"x","error":{"code":"%s","message":"failed"}}`+"\n", code)
			}
		}
	}
	for name, c := range map[string]struct {
		replies  []func(w http.ResponseWriter, lines []string)
		want     []string
		requests int
	}{
		"busy":                  {[]func(http.ResponseWriter, []string){busy, busy, whole}, all, 3},
		"cut short":             {[]func(http.ResponseWriter, []string){part(2), part(0), part(1), whole}, all, 4},
		"the database goes":     {[]func(http.ResponseWriter, []string){fails(1, "internal"), fails(0, "unavailable"), whole}, all, 3},
		"for good":              {[]func(http.ResponseWriter, []string){busy}, []string{"! busy"}, 6},
		"for good, later":       {[]func(http.ResponseWriter, []string){part(2), busy}, []string{"a D-a", "b D-b", "! busy"}, 6},
		"the database again":    {[]func(http.ResponseWriter, []string){fails(2, "internal")}, []string{"a D-a", "b D-b", "c ", "d D-d"}, 2},
		"the database for good": {[]func(http.ResponseWriter, []string){fails(0, "internal")}, []string{"x failed", "x failed", "x failed", "x failed"}, 6},
		"no use":                {[]func(http.ResponseWriter, []string){fails(2, "invalid")}, []string{"a D-a", "b D-b", "x failed", "x failed"}, 1},
		"in the middle": {[]func(http.ResponseWriter, []string){func(w http.ResponseWriter, lines []string) {
			fmt.Fprintln(w, `{"id":"a","error":{"code":"internal","message":"failed"}}`)
			stores(w, lines[1:])
		}}, []string{"a failed", "b D-b", "c ", "d D-d"}, 1},
		"a line is torn": {[]func(http.ResponseWriter, []string){func(w http.ResponseWriter, lines []string) {
			stores(w, lines[:1])
			_, _ = io.WriteString(w, `{"id":"b","docum`)
		}, whole}, all, 2},
		"erased before": {[]func(http.ResponseWriter, []string){part(2), func(w http.ResponseWriter, lines []string) {
			fmt.Fprintln(w, `{"id":"c","error":{"code":"not_found","message":"not found"}}`)
			stores(w, lines[1:])
		}}, all, 2},
	} {
		t.Run(name, func(t *testing.T) {
			client, requests := script(t, c.replies...)
			if got := told(t, client); !slices.Equal(got, c.want) || requests() != c.requests {
				t.Errorf("%d requests: %q; want %d: %q", requests(), got, c.requests, c.want)
			}
		})
	}
}

// TestPutBatchAfterAsLongAsAsked is sent again when the server says.
func TestPutBatchAfterAsLongAsAsked(t *testing.T) {
	var at []time.Time
	note := func(then func(http.ResponseWriter, []string)) func(http.ResponseWriter, []string) {
		return func(w http.ResponseWriter, lines []string) {
			at = append(at, time.Now())
			w.Header().Set("Retry-After", "1")
			then(w, lines)
		}
	}
	c, _ := script(t, note(busy), note(func(w http.ResponseWriter, lines []string) { stores(w, lines) }))
	if got := told(t, c); len(got) != 4 || len(at) != 2 || at[1].Sub(at[0]) < time.Second {
		t.Errorf("%q at %v", got, at)
	}
}

func TestPutBatchWithoutServer(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	c.again = schedule{first: time.Hour, longest: time.Hour, attempts: 5}
	if got := told(t, c); len(got) != 1 || !strings.Contains(got[0], "CAIRN_URL") {
		t.Errorf("%q", got)
	}
}
