package answer

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// reply is how a model's call ended.
type reply struct {
	stop     llm.StopReason
	err      error
	notFound bool // the model said that the passages do not answer, alone or beside an answer
}

// generate lets the model answer. What becomes of a failure:
//
//   - nothing supported was shown: the extractive answer, complete, with a notice;
//   - something supported was shown: it stays, the message is failed and the
//     outcome partial, with a notice, so that nothing incomplete passes for whole;
//   - more than half of the claims are unsupported: a reset and the extractive
//     answer with a notice, whatever the model thought of it.
func (r *run) generate(ctx context.Context) {
	r.out.Model = r.cfg.LLM.Model()
	end := r.stream(ctx)
	if r.left {
		return
	}
	supported, unsupported := r.tally()
	switch {
	case ctx.Err() != nil:
		r.out.Outcome = cairn.OutcomePartial
	case end.err != nil:
		r.cfg.Log.WarnContext(ctx, "model failed", "model", r.out.Model, "error", end.err)
		if supported == 0 {
			r.fallBack(ctx, NoticeModelUnavailable)
			return
		}
		r.out.State, r.out.Outcome = cairn.MessageFailed, cairn.OutcomePartial
		r.notice(NoticeInterrupted, r.say(textInterrupted))
	case supported == 0 && unsupported == 0 && end.notFound:
		r.reset()
		r.sayNotFound()
	case r.out.Text == "": // it said nothing
		r.fallBack(ctx, NoticeModelUnavailable)
	case supported == 0 || unsupported > supported:
		r.fallBack(ctx, NoticeUnsupported)
	default:
		r.conclude(end, unsupported)
	}
}

// conclude settles the outcome of an answer that stands.
func (r *run) conclude(end reply, unsupported int) {
	r.out.Outcome = cairn.OutcomeAnswered
	if r.disagree() {
		r.out.Outcome = cairn.OutcomeConflict
		r.notice(NoticeConflict, r.say(textConflict))
	}
	if unsupported > 0 || end.notFound {
		r.out.Outcome = cairn.OutcomePartial
	}
	if end.stop != llm.StopEnd {
		r.out.Outcome = cairn.OutcomePartial
		r.notice(NoticeTruncated, r.say(textTruncated))
	}
}

// tally counts the claims so far; one that is borne out in part counts as supported.
func (r *run) tally() (supported, unsupported int) {
	for _, c := range r.claims {
		if c.support == cairn.Unsupported {
			unsupported++
		} else {
			supported++
		}
	}
	return supported, unsupported
}

// fallBack replaces what the model said by the extractive answer.
func (r *run) fallBack(ctx context.Context, code string) {
	r.reset()
	message := textUnavailable
	if code == NoticeUnsupported {
		message = textUnsupported
	}
	r.notice(code, r.say(message))
	r.extract(ctx)
}

// stream reads the model's reply and shows its pieces as they are checked.
func (r *run) stream(parent context.Context) reply {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	// A model that is slow ends like one that fails.
	total := time.AfterFunc(r.cfg.Total, func() { cancel(errSlow) })
	defer total.Stop()
	stall := time.AfterFunc(r.cfg.FirstToken, func() { cancel(errSlow) })
	defer stall.Stop()

	s := newScanner(len(r.evidence.passages), r.language)
	var end reply
	req := buildPrompt(r.question, r.passages(), rand.Text()[:12], r.maxTokens())
	for e, err := range r.cfg.LLM.Generate(ctx, req) {
		stall.Reset(r.cfg.Stall)
		if err != nil {
			end.err = err
			break
		}
		if e.Usage != nil {
			r.out.Usage = r.out.Usage.Add(*e.Usage)
		}
		for _, p := range s.Write(e.Text) {
			r.piece(parent, p, &end)
		}
		end.stop = e.Stop
		if r.stopped(parent) || e.Stop != "" {
			break
		}
		if s.Full() {
			end.stop = llm.StopLength
			break
		}
	}
	if end.err == nil && end.stop == "" {
		end.err = errors.New("the reply ended without a stop reason")
		if cause := context.Cause(ctx); cause != nil {
			end.err = cause
		}
	}
	if end.err == nil && end.stop == llm.StopEnd && !r.stopped(parent) { // else the last piece is incomplete
		for _, p := range s.Close() {
			r.piece(parent, p, &end)
		}
	}
	return end
}

// maxTokens returns how long the model's reply may be.
func (r *run) maxTokens() int {
	if r.question.MaxTokens > 0 {
		return min(r.question.MaxTokens, r.cfg.MaxTokens)
	}
	return r.cfg.MaxTokens
}

var errSlow = errors.New("the model took too long")

// passages returns the passages as the prompt numbers them.
func (r *run) passages() []cairn.Passage {
	out := make([]cairn.Passage, len(r.evidence.passages))
	for i, p := range r.evidence.passages {
		out[i] = p.Passage
	}
	return out
}

// piece checks and shows one piece of the model's text.
func (r *run) piece(ctx context.Context, p scanned, end *reply) {
	if r.stopped(ctx) {
		return
	}
	words := p.Text[p.Start:p.End]
	if strings.Contains(words, notFound) {
		end.notFound = true
		words = strings.ReplaceAll(words, notFound, "")
		if strings.Trim(words, " .*_`\"'") == "" {
			return
		}
		p.Text = p.Text[:p.Start] + strings.TrimSpace(words)
		p.End = len(p.Text)
		words = p.Text[p.Start:]
	}
	f := r.check(p.Kind, words, p.Cites)
	end.notFound = end.notFound || f.lacks
	r.show(p, f)
}

// check verifies a piece. Headings and lines that only draw claim nothing; the
// head of a table neither, but nobody can know that it is one before the rule
// below it comes, and a head is borne out or harmless.
func (r *run) check(kind segment.Kind, words string, cites []int) finding {
	if kind == segment.Heading || kind == segment.Rule {
		return finding{support: cairn.SupportNone}
	}
	return r.verifier.check(words, cites)
}
