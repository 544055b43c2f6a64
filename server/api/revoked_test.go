package api

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/audit"
)

// promise is how long what was taken from somebody may go on.
const promise = 5 * time.Second

// revoke ends the token of an actor.
func (w *world) revoke(who actor) {
	w.Helper()
	if err := w.m.RevokeToken(w.Context(), "", w.m.AllTokens(who.account.ID)[0].ID, time.Now()); err != nil {
		w.Fatal(err)
	}
}

// endless is a store whose audit log never ends.
type endless struct{ *memory }

func (endless) AuditRows(context.Context, AuditFilter) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		for yield(audit.Row{Event: audit.Event{At: time.Now()}}, nil) {
			time.Sleep(time.Millisecond)
		}
	}
}

// An export ends with the token of its reader, and does not pass for a whole one.
func TestA11_13_ExportEndsWithTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.api.Store = endless{w.m}
	res := w.open(t.Context(), w.root, "GET", "/audit/export", "", "")
	if _, err := io.ReadFull(res.Body, make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	w.revoke(w.root)
	revoked := time.Now()
	_, err := io.Copy(io.Discard, res.Body)
	if took := time.Since(revoked); took > promise || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the export went on for %v and ended with %v; want an end that shows", took, err)
	}
}

// slowly is a Pusher that takes its time for each document.
type slowly struct{ pusher }

func (p slowly) Batch(ctx context.Context, id cairn.SourceID, edits []ingest.Edit) iter.Seq2[ingest.Outcome, error] {
	return func(yield func(ingest.Outcome, error) bool) {
		for o, err := range p.pusher.Batch(ctx, id, edits) {
			if !yield(o, err) {
				return
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				yield(ingest.Outcome{}, ctx.Err())
				return
			}
		}
	}
}

// A batch ends for who may no longer push: what was stored stays, the rest is not.
func TestA11_13_BatchEndsForWhoMayNotPush(t *testing.T) {
	for name, lose := range map[string]func(w *world){
		"the token is revoked": func(w *world) { w.revoke(w.ann) },
		"the account is disabled": func(w *world) {
			a := w.ann.account
			a.Disabled = true
			w.m.Add(a)
		},
		"no writer of the source any more": func(w *world) {
			_, err := w.m.UpdateSource(context.Background(), "s3", func(s *cairn.Source) error { s.Settings["writers"] = ""; return nil })
			if err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api.Push = slowly{pusher{w.m}}
			var lines []string
			for i := range 150 {
				lines = append(lines, `{"id":"`+strconv.Itoa(i)+`","title":"T","text":"Text."}`)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "POST", w.http.URL+inbox+"/batch", strings.NewReader(strings.Join(lines, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+w.ann.token)
			req.Header.Set("Content-Type", "application/x-ndjson")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			lose(w)
			lost := time.Now()
			_, err = io.Copy(io.Discard, res.Body)
			if took := time.Since(lost); took > promise || err == nil {
				t.Errorf("the batch went on for %v and ended with %v; want an end that shows", took, err)
			}
			time.Sleep(200 * time.Millisecond)
			if n := len(w.stored("inbox")); n < 2 || n > 70 {
				t.Errorf("%d of 150 documents were stored; want what came before the loss", n)
			}
			pushes := slices.DeleteFunc(w.events(), func(e audit.Row) bool { return e.Action != audit.DocumentPush })
			if len(pushes) != 1 || pushes[0].Account != w.ann.account.ID || pushes[0].Outcome == audit.OK {
				t.Errorf("the log tells of %+v", pushes)
			}
		})
	}
}

// betweenTwo is a Pusher for whose caller everything ends between two outcomes.
type betweenTwo struct {
	pusher
	lose func()
}

func (p betweenTwo) Batch(ctx context.Context, id cairn.SourceID, edits []ingest.Edit) iter.Seq2[ingest.Outcome, error] {
	return func(yield func(ingest.Outcome, error) bool) {
		n := 0
		for o, err := range p.pusher.Batch(context.WithoutCancel(ctx), id, edits) {
			if n++; n == 2 {
				p.lose()
				<-ctx.Done()
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// The results of a batch that ends between two of them do not pass for all.
func TestA11_13_PartOfABatchDoesNotPassForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.api.Push = betweenTwo{pusher{w.m}, func() { w.revoke(w.ann) }}
	line := func(id string) string { return `{"id":"` + id + `","title":"T","text":"Text."}` + "\n" }
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.http.URL+inbox+"/batch", strings.NewReader(line("1")+line("2")+line("3")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.ann.token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
	}
	if err == nil {
		t.Error("the batch ends as if it were whole")
	}
	pushes := slices.DeleteFunc(w.events(), func(e audit.Row) bool { return e.Action != audit.DocumentPush })
	if len(pushes) != 1 || pushes[0].Outcome == audit.OK {
		t.Errorf("the log tells of %+v", pushes)
	}
}

// stored returns the documents of a source.
func (w *world) stored(source string) []StoredDocument {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.m.documents), func(d StoredDocument) bool { return d.SourceName != source })
}

// An upload that had to wait for room is that of who may still push when there is some.
func TestA11_13_UploadThatWaitedIsOfWhoMayStill(t *testing.T) {
	t.Parallel()
	for _, route := range []struct{ method, path, body, mediaType string }{
		{"PUT", inbox + "?id=late", `{"title":"Late","text":"Late."}`, "application/json"},
		{"POST", inbox + "/batch", `{"id":"late","title":"Late","text":"Late."}`, "application/x-ndjson"},
	} {
		t.Run(route.method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if !w.api.uploads.room.TryAcquire(largestAtOnce * maxUpload) {
				t.Fatal("there is no room")
			}
			waiting := make(chan replied, 1)
			go func() {
				waiting <- w.call(w.ann, route.method, route.path, route.body, "Content-Type", route.mediaType)
			}()
			time.Sleep(200 * time.Millisecond)
			w.revoke(w.ann)
			time.Sleep(time.Second)
			w.api.uploads.room.Release(largestAtOnce * maxUpload)
			if got := <-waiting; got.status != http.StatusUnauthorized || len(w.stored("inbox")) != 0 {
				t.Errorf("%d %s; stored: %+v", got.status, got.body, w.stored("inbox"))
			}
		})
	}
}

// A stream whose events lie ready gives none of them to who may not have them any more:
// the verdict comes first. Its reader pauses in the midst of an event that is larger than what the
// connection keeps, so that both are due when she goes on.
func TestA11_13_VerdictComesBeforeEvents(t *testing.T) {
	t.Parallel()
	for range 8 { // in half of them chance would give the event
		w := newWorld(t)
		w.api.recheck = 50 * time.Millisecond
		s, err := w.asker.Start(t.Context(), ask(w.ann))
		if err != nil {
			t.Fatal(err)
		}
		w.asker.add(s.Message, answer.Event{Type: answer.EventDelta, Text: strings.Repeat("long ", 4<<20)})
		res := w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "")
		if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		w.revoke(w.ann)
		w.asker.add(s.Message, answer.Event{Type: answer.EventDelta, Text: "secret"})
		time.Sleep(200 * time.Millisecond)
		rest, err := io.ReadAll(res.Body)
		if err != nil || strings.Contains(string(rest), "secret") || !strings.Contains(string(rest), "event: error") {
			t.Fatalf("%v; the end of the stream is %q", err, rest[max(0, len(rest)-500):])
		}
	}
}

// What is shown to who holds grants is in the log before it is shown, and is not shown
// when the log cannot be written.
func TestUsesOfGrantsAreLoggedFirst(t *testing.T) {
	for name, get := range map[string]func(w *world) replied{
		"a document": func(w *world) replied { return w.call(w.ann, "GET", "/api/v1/documents/salaries", "") },
		"a search":   func(w *world) replied { return w.call(w.ann, "POST", "/api/v1/search", `{"query":"Meals"}`) },
		"an answer": func(w *world) replied {
			w.asker.script = answered
			return w.call(w.ann, "POST", "/api/v1/ask", `{"question":"How much?"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.m.SetGrants(w.ann.account.ID, "g1")
			got := get(w)
			w.m.mu.Lock()
			rows := slices.Clone(w.m.audited) // without waiting for what is written later
			w.m.mu.Unlock()
			if got.status != 200 || len(rows) != 1 || len(rows[0].Documents) == 0 || len(rows[0].Grants) != 1 {
				t.Errorf("%d; the log has %+v", got.status, rows)
			}
			w.m.mu.Lock()
			w.m.unlogged = errors.New("the disk is full")
			w.m.mu.Unlock()
			if got := get(w); got.status != 500 || strings.Contains(string(got.body), "EUR") || strings.Contains(string(got.body), "salary") {
				t.Errorf("without a log: %d %s", got.status, got.body)
			}
			w.m.mu.Lock()
			w.m.unlogged = nil // else the rest is tried again and again
			w.m.mu.Unlock()
		})
	}
}
