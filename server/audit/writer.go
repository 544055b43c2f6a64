package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Log stores events.
type Log interface {
	// AppendAudit appends events in their order: all of them or, with an error, none.
	AppendAudit(ctx context.Context, events []Event) error
}

// The bounds of a Writer.
const (
	batchSize  = 256                    // events in one transaction
	batchAfter = 100 * time.Millisecond // how long an event waits for others
	mostWait   = 4096                   // events in memory; who would add another one waits
	retryAfter = time.Second            // after a failure of the log
	appendTime = 30 * time.Second       // for one transaction
)

// Writer writes events, at once or in batches. When a server is killed, what
// was added within the last tenth of a second and the batch that was being
// written are lost; when the database fails, events are kept until it is back, and
// when too many wait, who would add one waits, too. A Writer may be used by several
// goroutines at once. A nil Writer drops everything.
type Writer struct {
	log  Log
	lg   *slog.Logger
	wake chan struct{} // holds one when there is something to write
	stop chan struct{} // closed by Close
	over chan struct{} // closed when what waits is given up
	done chan struct{} // closed at the end of run

	mu      sync.Mutex
	changed *sync.Cond // of what follows
	waiting []Event
	added   int // events in all
	settled int // events in all that were written, or lost
	closed  bool
}

// NewWriter returns a Writer. Close it to write what it still has.
func NewWriter(log Log, lg *slog.Logger) *Writer {
	w := &Writer{
		log: log, lg: lg, wake: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{}),
	}
	w.changed = sync.NewCond(&w.mu)
	go w.run()
	return w
}

// Write appends an event before it returns.
func (w *Writer) Write(ctx context.Context, e Event) error {
	if w == nil {
		return nil
	}
	// Who asks may be gone: what was done stays to be told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTime)
	defer cancel()
	return w.log.AppendAudit(ctx, []Event{e})
}

// Add appends an event soon. It waits only while there is no room.
func (w *Writer) Add(ctx context.Context, e Event) {
	if w == nil || w.enter(e) {
		return
	}
	if err := w.Write(ctx, e); err != nil {
		w.lg.Error("an event of the audit log is lost", "action", string(e.Action), "request_id", e.Request, "error", err)
	}
}

// enter puts an event among those that wait; not when the writer is closed.
func (w *Writer) enter(e Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) >= mostWait && !w.closed {
		w.changed.Wait()
	}
	if w.closed {
		return false
	}
	w.waiting = append(w.waiting, e)
	w.added++
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// Settle waits until what was added before is written, for as long as ctx.
func (w *Writer) Settle(ctx context.Context) {
	if w == nil {
		return
	}
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock() // so that no wait begins between the check of ctx and this
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for target := w.added; w.settled < target && ctx.Err() == nil; {
		w.changed.Wait()
	}
}

// Close writes what was added, for as long as ctx; what is left then is lost,
// and the log of the server says how much.
func (w *Writer) Close(ctx context.Context) {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.changed.Broadcast()
	w.mu.Unlock()
	if first {
		close(w.stop)
		defer context.AfterFunc(ctx, func() { close(w.over) })()
	}
	<-w.done
}

func (w *Writer) run() {
	defer close(w.done)
	for closing := false; !closing; {
		select {
		case <-w.wake:
			select { // for others to come
			case <-time.After(batchAfter):
			case <-w.stop:
			}
		case <-w.stop:
			closing = true
		}
		for batch := w.next(); len(batch) > 0; batch = w.next() {
			w.append(batch)
			w.mu.Lock()
			w.settled += len(batch)
			w.changed.Broadcast()
			w.mu.Unlock()
		}
	}
}

// next takes the events that wait longest.
func (w *Writer) next() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), batchSize)
	batch := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	return batch
}

// append stores a batch, again and again until it is stored or given up.
func (w *Writer) append(batch []Event) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), appendTime)
		err := w.log.AppendAudit(ctx, batch)
		cancel()
		if err == nil {
			return
		}
		w.lg.Error("the audit log cannot be written; it is tried again", "events", len(batch), "error", err)
		select {
		case <-time.After(retryAfter):
		case <-w.over:
			w.lg.Error("events of the audit log are lost", "events", len(batch))
			return
		}
	}
}
