package answer

import (
	"cmp"
	"context"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

// The phases that an answer reports.
const (
	phaseReading   = "reading"
	phaseAnswering = "answering"
)

// The codes of the notices that an answer may carry.
const (
	NoticeModelUnavailable = "model_unavailable" // no model answered: the answer is extractive
	NoticeUnsupported      = "model_unsupported" // the model said what the passages do not: the answer is extractive
	NoticeInterrupted      = "model_interrupted" // the model broke off: what had been checked is the answer
	NoticeTruncated        = "truncated"         // the answer reached its largest length
	NoticeConflict         = "conflict"          // the sources disagree
	NoticeSuperseded       = "superseded"        // an older document says otherwise
)

// run is one answer being made. It is used by one goroutine.
type run struct {
	cfg      Config
	question Question
	language string // of the answer
	evidence *evidence
	verifier *verifier
	yield    func(Event, error) bool
	left     bool // the caller left the loop
	began    time.Time

	out    cairn.Answer
	claims []checked // of the text so far
	quotes map[quoteKey]int
}

// checked is a claim that was shown.
type checked struct {
	support cairn.Support
	windows []window
}

// quoteKey tells whether two citations are the same.
type quoteKey struct {
	document   cairn.DocumentID
	version    cairn.Version
	start, end int
}

func newRun(cfg Config, q Question, yield func(Event, error) bool) *run {
	r := &run{cfg: cfg, question: q, yield: yield, began: time.Now(), quotes: map[quoteKey]int{}}
	r.language = cmp.Or(q.Language, claim.Language(q.Text), "en")
	r.out.State = cairn.MessageComplete
	return r
}

// emit yields an event unless the caller has left.
func (r *run) emit(e Event) {
	if !r.left && !r.yield(e, nil) {
		r.left = true
	}
}

// stopped reports whether nobody wants more of the answer.
func (r *run) stopped(ctx context.Context) bool { return r.left || ctx.Err() != nil }

// answer makes the whole answer.
func (r *run) answer(ctx context.Context, passages []cairn.Passage) {
	r.emit(Event{Type: EventStatus, Phase: phaseReading})
	if r.stopped(ctx) {
		r.finish(ctx)
		return
	}
	// Reading is short and local; a person who stops the answer must not leave
	// it half read.
	r.evidence = readEvidence(context.WithoutCancel(ctx), passages, r.cfg.Embedder)
	r.verifier = &verifier{evidence: r.evidence, language: r.language}
	if r.cfg.LLM == nil || len(passages) == 0 {
		r.extract(ctx)
	} else {
		r.emit(Event{Type: EventStatus, Phase: phaseAnswering})
		r.generate(ctx)
	}
	r.finish(ctx)
}

// finish yields the done event.
func (r *run) finish(ctx context.Context) {
	if ctx.Err() != nil {
		r.out.State = cairn.MessageStopped
	}
	if r.out.Outcome == "" {
		r.out.Outcome = cairn.OutcomeNotFound
		if len(r.claims) > 0 {
			r.out.Outcome = cairn.OutcomePartial
		}
	}
	r.out.Took = time.Since(r.began)
	out := r.out
	r.emit(Event{Type: EventDone, Answer: &out})
}

// reset takes back what was shown.
func (r *run) reset() {
	if r.out.Text != "" {
		r.emit(Event{Type: EventReset})
	}
	r.out.Text, r.out.Sentences, r.out.Citations, r.claims = "", nil, nil, nil
	clear(r.quotes)
}

func (r *run) notice(code, message string) {
	r.out.Notices = append(r.out.Notices, cairn.Notice{Code: code, Message: message})
}

// show appends a checked piece with what bears it out.
func (r *run) show(p scanned, f finding) {
	base := len(r.out.Text)
	s := cairn.Sentence{Start: base + p.Start, End: base + p.End, Support: f.support}
	r.out.Text += p.Text
	r.out.Sentences = append(r.out.Sentences, s)
	if f.support != cairn.SupportNone {
		r.claims = append(r.claims, checked{f.support, f.windows})
	}
	r.emit(Event{Type: EventDelta, Text: p.Text, Sentence: s, Model: r.out.Model})
	for _, w := range f.windows {
		r.cite(s, w, f.support)
	}
}

// cite ties a sentence to a part of a passage. The same part keeps its number.
func (r *run) cite(s cairn.Sentence, w window, support cairn.Support) {
	c := r.evidence.citation(w)
	key := quoteKey{c.Document, c.Version, c.Start, c.End}
	if r.quotes[key] == 0 {
		r.quotes[key] = len(r.quotes) + 1
	}
	c.Number, c.AnswerStart, c.AnswerEnd, c.Support = r.quotes[key], s.Start, s.End, support
	r.out.Citations = append(r.out.Citations, c)
	shown := c
	r.emit(Event{Type: EventCitation, Citation: &shown})
}
