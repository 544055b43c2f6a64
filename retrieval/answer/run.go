package answer

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
)

// run is one answer being made.
type run struct {
	ctx      context.Context
	cfg      Config
	question Question
	passages []cairn.Passage
	yield    func(Event, error) bool
	gone     bool // the caller left the loop
	began    time.Time
	answered cairn.Answer
}

func newRun(ctx context.Context, cfg Config, q Question, passages []cairn.Passage, yield func(Event, error) bool) *run {
	return &run{ctx: ctx, cfg: cfg, question: q, passages: passages, yield: yield, began: time.Now()}
}

func (r *run) emit(e Event) {
	if !r.gone && !r.yield(e, nil) {
		r.gone = true
	}
}

func (r *run) answer() {
	r.answered.State = cairn.MessageComplete
	r.answered.Outcome = cairn.OutcomeNotFound
	r.answered.Model = cairn.ExtractiveModel
	r.answered.Took = time.Since(r.began)
	r.emit(Event{Type: EventDone, Answer: &r.answered})
}
