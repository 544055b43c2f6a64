package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestUploadsWaitForRoom holds back the bodies of as many uploads as may be
// under way, and sends others meanwhile.
func TestUploadsWaitForRoom(t *testing.T) {
	w := newWorld(t)
	w.api.uploads.patience = 50 * time.Millisecond
	const document = `{"title":"Slow","text":"Slowly."}`
	ended := make(chan int, largestAtOnce)
	var bodies []*io.PipeWriter
	for range largestAtOnce {
		r, body := io.Pipe() // of unknown size: counts as one of the largest
		bodies = append(bodies, body)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.http.URL+inbox+"?id=slow", r)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.ann.token)
		req.Header.Set("Content-Type", "application/json")
		go func() {
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				ended <- 0
				return
			}
			res.Body.Close()
			ended <- res.StatusCode
		}()
		if _, err := body.Write([]byte(document[:1])); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); w.api.uploads.room.TryAcquire(1); {
		w.api.uploads.room.Release(1)
		if time.Now().After(deadline) {
			t.Fatal("there is still room")
		}
		time.Sleep(time.Millisecond)
	}
	got := w.call(w.ann, "PUT", inbox+"?id=late", document)
	if got.status != 503 || got.code(t) != "unavailable" || got.header.Get("Retry-After") != "10" {
		t.Errorf("an upload without room: %d %v %s", got.status, got.header, got.body)
	}
	got = w.call(w.ann, "POST", inbox+"/batch", `{"id":"a","title":"A","text":"Alpha."}`, "Content-Type", "application/x-ndjson")
	if got.status != 503 {
		t.Errorf("a batch without room: %d %s", got.status, got.body)
	}
	for _, body := range bodies {
		if _, err := body.Write([]byte(document[1:])); err != nil {
			t.Fatal(err)
		}
		body.Close()
	}
	for range bodies {
		if status := <-ended; status != 200 && status != 201 {
			t.Errorf("a slow upload: %d", status)
		}
	}
	if got := w.call(w.ann, "PUT", inbox+"?id=late", document); got.status != 201 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// TestContentIsWhatWasEncoded compares with encoding/json, escaped or not.
func TestContentIsWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		text := base64.StdEncoding.EncodeToString(want)
		if rapid.Bool().Draw(t, "escaped") {
			text = strings.ReplaceAll(text, "/", `\/`)
		}
		var got struct{ C content }
		if err := json.Unmarshal([]byte(`{"c":"`+text+`"}`), &got); err != nil || !bytes.Equal(got.C, want) || got.C == nil {
			t.Fatalf("%q: %q, %v; want %q", text, got.C, err, want)
		}
	})
}
