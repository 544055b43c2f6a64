package audit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
)

// Entry is the event of one request while it is served. The server begins and
// concludes it; who serves the request says what it is about. All methods of a nil
// Entry do nothing: work without a request is not recorded. An Entry may be used by
// several goroutines at once.
type Entry struct {
	writer *Writer

	mu      sync.Mutex
	event   Event
	told    int  // how many of the documents are in an event that was handed on
	written bool // an event with the outcome OK was handed on
	changed bool // a change was committed
}

// Begin returns the entry of a request. What e lacks is filled in later.
func Begin(w *Writer, e Event) *Entry { return &Entry{writer: w, event: e} }

type entryKey struct{}

// NewContext returns a context that carries an entry.
func NewContext(ctx context.Context, e *Entry) context.Context {
	return context.WithValue(ctx, entryKey{}, e)
}

// FromContext returns the entry of a request, nil when there is none.
func FromContext(ctx context.Context) *Entry {
	e, _ := ctx.Value(entryKey{}).(*Entry)
	return e
}

// By says who makes the request.
func (e *Entry) By(account cairn.AccountID, via, token string) {
	e.edit(func(ev *Event) { ev.Account, ev.Via, ev.Token = account, via, token })
}

// Under says which grants the caller holds, beside those that were told of before.
func (e *Entry) Under(grants []cairn.GrantID) {
	e.edit(func(ev *Event) {
		for _, id := range grants {
			if !slices.Contains(ev.Grants, id) {
				ev.Grants = append(slices.Clip(ev.Grants), id)
			}
		}
	})
}

// About says what the request is about.
func (e *Entry) About(kind Kind, id string) {
	e.edit(func(ev *Event) { ev.Object = Object{kind, id} })
}

// Detail says more, in words of the program.
func (e *Entry) Detail(detail string) { e.edit(func(ev *Event) { ev.Detail = detail }) }

// Shown notes documents of which something is shown: for the log, where there is an
// action, and for the server, which ends a reply that shows what may not be read any more.
func (e *Entry) Shown(ids ...cairn.DocumentID) {
	e.edit(func(ev *Event) {
		for _, id := range ids {
			if id != "" && !slices.Contains(ev.Documents, id) {
				ev.Documents = append(ev.Documents, id)
			}
		}
	})
}

// Documents returns the documents of which something is shown so far.
func (e *Entry) Documents() []cairn.DocumentID {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.event.Documents)
}

// As says what the request does, where that shows only while it is served.
func (e *Entry) As(action Action) { e.edit(func(ev *Event) { ev.Action = action }) }

// Drop says that the request tried nothing that the log should tell of. What it
// changes is still told of.
func (e *Entry) Drop() { e.edit(func(ev *Event) { ev.Action = "" }) }

func (e *Entry) edit(change func(*Event)) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.event)
}

// Change returns the event of a change, to be written in its transaction, and
// what must be called when that is committed: when the change is what the request
// was for, it needs no other event. Somebody who is not known yet, such as one who
// signs in, is taken from by. ok is false when there is no request.
func (e *Entry) Change(action Action, object Object, by cairn.AccountID) (ev Event, committed func(), ok bool) {
	if e == nil {
		return Event{}, nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ev = e.event
	ev.Action, ev.Object, ev.Outcome, ev.At, ev.Documents = action, object, OK, now(), nil
	if ev.Account == "" {
		ev.Account = by
	}
	return ev, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.changed = true
		// A request may change more than what its route is for.
		e.written = e.written || action == e.event.Action
	}, true
}

// Changed reports whether the request has changed something.
func (e *Entry) Changed() bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

// Vouch writes the event now when the caller holds grants and documents were noted that
// no event has told of yet: what may be shown under a grant alone is not shown unrecorded.
func (e *Entry) Vouch(ctx context.Context) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	due := e.event.Action != "" && len(e.event.Grants) > 0 && e.told < len(e.event.Documents)
	e.mu.Unlock()
	if !due {
		return nil
	}
	return e.Write(ctx)
}

// Write writes the event now: before something is answered that must not be
// answered unrecorded.
func (e *Entry) Write(ctx context.Context) error {
	if e == nil {
		return nil
	}
	ev, upTo := e.take(OK)
	if err := e.writer.Write(ctx, ev); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.written, e.told = true, max(e.told, upTo)
	return nil
}

// Tell hands on what is known so far, to be written soon: for streams, which
// show documents long before they end.
func (e *Entry) Tell(ctx context.Context) {
	if e == nil {
		return
	}
	ev, upTo := e.take(OK)
	e.writer.Add(ctx, ev)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.written, e.told = true, max(e.told, upTo)
}

// take returns the event, with the documents that no event has told of yet, and up to
// which of them all it tells.
func (e *Entry) take(outcome Outcome) (ev Event, upTo int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ev = e.event
	ev.Outcome, ev.At = outcome, now()
	ev.Documents = slices.Clone(ev.Documents[e.told:])
	return ev, len(e.event.Documents)
}

// Conclude ends the entry. What was done and is not written yet is written soon;
// what failed is written soon too or, with atOnce, before Conclude returns.
func (e *Entry) Conclude(ctx context.Context, outcome Outcome, atOnce bool) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	nothing := e.event.Action == "" || outcome == OK && e.written && e.told == len(e.event.Documents)
	e.mu.Unlock()
	if nothing {
		return nil
	}
	ev, _ := e.take(outcome)
	if atOnce {
		return e.writer.Write(ctx, ev)
	}
	e.writer.Add(ctx, ev)
	return nil
}

// now returns the time as the log keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Settle waits until what other requests have shown before is in the log, for
// those who read it.
func (e *Entry) Settle(ctx context.Context) {
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	e.writer.Settle(ctx)
}

// settleTime bounds Settle: when the log cannot be written, what is there is
// still read.
const settleTime = 2 * time.Second
