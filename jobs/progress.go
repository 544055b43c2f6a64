package jobs

import (
	"sync"
	"time"

	"github.com/cairnhq/cairn/retrieval/ingest"
)

// Progress is how far a run is, beside what it has counted.
type Progress struct {
	Phase string  // what is being done: of ingest, or PhaseWaiting
	Rate  float64 // documents a second, over the last minute
}

// PhaseWaiting is the phase of a run that is begun and has left its worker to others.
const PhaseWaiting = "waiting"

// rateOver is the time that a rate is told of.
const rateOver = time.Minute

// tracker follows one run. It may be used by several goroutines at once.
type tracker struct {
	changed chan struct{} // has one element when the phase is another one

	mu      sync.Mutex
	phase   ingest.Phase
	waiting bool
	marks   []mark // of the last minute, and the one before them
}

// mark is how many documents a run had counted at a time.
type mark struct {
	at      time.Time
	scanned int
}

func newTracker() *tracker {
	return &tracker{changed: make(chan struct{}, 1), marks: []mark{{at: time.Now()}}}
}

// reached notes how far a run is.
func (t *tracker) reached(phase ingest.Phase, scanned int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if phase != t.phase {
		t.tell()
	}
	t.phase = phase
	if scanned != t.marks[len(t.marks)-1].scanned {
		t.marks = append(t.marks, mark{time.Now(), scanned})
		t.forget()
	}
}

// wait notes that a run waits for its turn, or no longer does.
func (t *tracker) wait(waiting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if waiting != t.waiting {
		t.tell()
	}
	t.waiting = waiting
}

// tell lets whoever listens on changed know. t.mu is held.
func (t *tracker) tell() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// forget drops the marks from before the last minute, but for the newest. t.mu is held.
func (t *tracker) forget() {
	for len(t.marks) > 1 && time.Since(t.marks[1].at) >= rateOver {
		t.marks = t.marks[1:]
	}
}

// now returns how far the run is.
func (t *tracker) now() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	p := Progress{Phase: string(t.phase)}
	if t.waiting {
		p.Phase = PhaseWaiting
	}
	first, last := t.marks[0], t.marks[len(t.marks)-1]
	if over := min(time.Since(first.at), rateOver); over > 0 {
		p.Rate = float64(last.scanned-first.scanned) / over.Seconds()
	}
	return p
}
