// Package answer turns a question and the passages found for it into an answer
// in which every sentence was checked against the passages before it is shown.
//
// A model writes the answer when there is one; its text runs through a scanner
// (marks, links, HTML and invisible characters out; one piece a sentence), a
// verifier (numbers, dates, names, negation, wording) and becomes events. When
// there is no model, or it fails, or most of what it says is not in the
// passages, the extractive answerer picks the sentences that answer word for
// word: it cannot invent.
package answer

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Question is what a person asks, made self-contained by the caller.
type Question struct {
	Text     string
	Context  string // what the person gave with it: helps to understand it, supports nothing
	History  []Turn // what was said before, oldest first; may be empty
	Language string // ISO 639-1 code of the answer; empty: that of the question's text
	// Style is how a program wants the answer worded: tone, form, length. Models are told
	// of it apart from the passages, and what they say is checked all the same.
	Style string
	// MaxTokens bounds a model's reply below the answerer's own bound; 0: no further.
	MaxTokens int
}

// Turn is an earlier question of the conversation with its answer.
type Turn struct {
	Question string
	Answer   string // without citation marks
}

// Config says what an Answerer works with. The zero value gives extractive
// answers judged by words alone.
type Config struct {
	LLM      llm.LLM      // writes answers; nil: answers are extractive
	Embedder llm.Embedder // compares words and sentences, many a second: the built-in one; nil: words alone
	Log      *slog.Logger // nil: nothing is logged

	Context    int           // bytes of passages that answers are made from; 0: 24,000, about 6,000 tokens
	MaxTokens  int           // of a model's reply; 0: 1024
	FirstToken time.Duration // how long a model may take to begin; 0: 30 s
	Stall      time.Duration // how long it may pause after that; 0: 30 s
	Total      time.Duration // how long it may take in all; 0: 180 s
}

// Answerer answers questions. It may be used by several goroutines at once.
type Answerer struct {
	cfg Config
}

// New returns an Answerer; unset times and sizes of cfg get their defaults.
func New(cfg Config) *Answerer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxTokens == 0 {
		cfg.MaxTokens = 1024
	}
	if cfg.Context == 0 {
		cfg.Context = 24_000
	}
	cfg.FirstToken = orDuration(cfg.FirstToken, 30*time.Second)
	cfg.Stall = orDuration(cfg.Stall, 30*time.Second)
	cfg.Total = orDuration(cfg.Total, 180*time.Second)
	return &Answerer{cfg: cfg}
}

// Context returns how many bytes of passages the answerer makes use of.
func (a *Answerer) Context() int { return a.cfg.Context }

func orDuration(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Answer yields status, delta, citation and reset events and at last exactly
// one done event with the whole answer, unless the caller leaves the loop.
// Passages are numbered 1..n in their order, whatever their Number says, and
// must all be readable by whoever asks. A failing model is never an error: it
// gives another answer or a notice. The only error is ErrInvalid, for a
// question without text.
//
// When ctx ends, what was checked so far is the answer, in state stopped.
func (a *Answerer) Answer(ctx context.Context, q Question, passages []cairn.Passage) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if strings.TrimSpace(q.Text) == "" {
			yield(Event{}, cairn.Errorf(cairn.ErrInvalid, "the question is empty: write what you want to know"))
			return
		}
		newRun(a.cfg, q, yield).answer(ctx, passages)
	}
}
