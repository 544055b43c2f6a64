package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn/server/audit"
)

// log keeps what is appended, unless it fails.
type log struct {
	mu     sync.Mutex
	events []audit.Event
	sizes  []int // of appended batches
	fail   error
	slow   time.Duration
}

func (l *log) AppendAudit(_ context.Context, events []audit.Event) error {
	time.Sleep(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.events, l.sizes = append(l.events, events...), append(l.sizes, len(events))
	return nil
}

func (l *log) setFail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

func (l *log) requests() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, e := range l.events {
		ids = append(ids, e.Request)
	}
	return strings.Join(ids, " ")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestWriterWritesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		w := audit.NewWriter(l, quiet())
		began := time.Now()
		for i := range 3 {
			w.Add(t.Context(), audit.Event{Request: fmt.Sprint(i)})
		}
		if time.Since(began) != 0 || l.requests() != "" {
			t.Errorf("adding waits for the log: %s, %q", time.Since(began), l.requests())
		}
		w.Settle(t.Context())
		if took := time.Since(began); l.requests() != "0 1 2" || len(l.sizes) != 1 || took > 150*time.Millisecond {
			t.Errorf("%q in batches of %v after %s", l.requests(), l.sizes, took)
		}
		if err := w.Write(t.Context(), audit.Event{Request: "now"}); err != nil || !strings.HasSuffix(l.requests(), "now") {
			t.Errorf("%v, %q", err, l.requests())
		}
		w.Close(t.Context())
		w.Add(t.Context(), audit.Event{Request: "late"}) // of a request that outlives the server
		if !strings.HasSuffix(l.requests(), "late") {
			t.Errorf("%q", l.requests())
		}
	})
}

func TestWriterKeepsEventsWhileTheLogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{fail: errors.New("connection refused")}
		w := audit.NewWriter(l, quiet())
		var adding sync.WaitGroup
		const n = 10_000 // more than there is room for
		adding.Go(func() {
			for i := range n {
				w.Add(t.Context(), audit.Event{Request: fmt.Sprint(i)})
			}
		})
		time.Sleep(time.Minute)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.Settle(short) // ends with its context
		l.setFail(nil)
		adding.Wait()
		w.Close(t.Context())
		if got := strings.Fields(l.requests()); len(got) != n || got[0] != "0" || got[n-1] != fmt.Sprint(n-1) {
			t.Errorf("%d events", len(got))
		}
	})
}

func TestWriterGivesUpWhenItIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told strings.Builder
		l := &log{fail: errors.New("connection refused")}
		w := audit.NewWriter(l, slog.New(slog.NewTextHandler(&told, nil)))
		for range 300 {
			w.Add(t.Context(), audit.Event{Action: audit.Search})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		w.Close(ctx)
		if !strings.Contains(told.String(), "events of the audit log are lost") || !strings.Contains(told.String(), "events=44") {
			t.Errorf("the server's log says %s", told.String())
		}
	})
}

func TestNothingIsDoneWithoutARequest(t *testing.T) {
	ctx := t.Context()
	e := audit.FromContext(ctx)
	e.By("a", "token", "t")
	e.About(audit.KindSource, "s")
	e.Detail("x")
	e.Shown("d")
	e.Tell(ctx)
	e.Settle(ctx)
	if err := errors.Join(e.Write(ctx), e.Conclude(ctx, audit.OK, true)); err != nil {
		t.Error(err)
	}
	if _, _, ok := e.Change(audit.GroupCreate, audit.Object{}, ""); ok {
		t.Error("a change without a request is to be recorded")
	}
	var w *audit.Writer
	w.Add(ctx, audit.Event{})
	w.Settle(ctx)
}
