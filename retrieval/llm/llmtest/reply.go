// Package llmtest has fakes of models and embedders for the tests of others,
// fake endpoints that speak the wire formats of OpenAI and Anthropic, and the
// conformance tests that every implementation of llm.LLM and llm.Embedder runs.
//
// The fakes are honest: they stream, count tokens, break off and refuse as the
// real things do, and a request that a real provider would reject is rejected.
package llmtest

import (
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Reply is what a fake model answers to one request.
type Reply struct {
	// Pieces are the texts in the order in which they are streamed. Script also
	// takes pieces that split a rune; the endpoints speak JSON and do not.
	Pieces []string
	Stop   llm.StopReason // empty: llm.StopEnd
	Usage  *cairn.Usage   // nil: counted in words; CostUSD is not sent
	Fault  Fault          // what goes wrong after the pieces

	// Thinking is streamed before the pieces as what a reasoning model thinks.
	Thinking []string
	// Whole makes an endpoint answer with one JSON object although a stream
	// was asked for, as some proxies do.
	Whole bool

	// RetryAfter is the header that goes with RateLimited and Failed.
	RetryAfter string
	// First and Between are waits before the first piece and before every other.
	First, Between time.Duration
	// Before is called before piece i is sent, which it may hold back; nil does nothing.
	Before func(i int)
}

// hold waits as long as Before holds piece i back.
func (r Reply) hold(i int) {
	if r.Before != nil {
		r.Before(i)
	}
}

// Fault is something that goes wrong after the pieces of a Reply.
type Fault int

// The faults.
const (
	None        Fault = iota
	Cut               // the connection breaks
	Truncated         // the reply ends properly at the transport, but nothing says that the model had finished
	ErrorEvent        // an error is reported inside the stream
	Stall             // nothing more comes, and the connection stays open
	RateLimited       // 429 instead of a stream; there are no pieces
	Failed            // 500 instead of a stream; there are no pieces
	Overloaded        // the provider's own way to say that it is too busy, instead of a stream
	Refused           // 401 instead of a stream; there are no pieces
)

// String returns the name of the fault.
func (f Fault) String() string {
	return [...]string{"none", "cut", "truncated", "error event", "stall", "rate limited", "failed", "overloaded", "refused"}[f]
}

// Text returns a reply that streams text word by word.
func Text(text string) Reply { return Reply{Pieces: strings.SplitAfter(text, " ")} }

// Cuts returns text cut at byte positions in ascending order, for Reply.Pieces.
func Cuts(text string, at ...int) []string {
	pieces := make([]string, 0, len(at)+1)
	from := 0
	for _, p := range at {
		pieces = append(pieces, text[from:p])
		from = p
	}
	return append(pieces, text[from:])
}

// stop returns the stop reason with its default.
func (r Reply) stop() llm.StopReason {
	if r.Stop == "" {
		return llm.StopEnd
	}
	return r.Stop
}

// usage returns the usage with its default: a word is a token.
func (r Reply) usage(req llm.Request) cairn.Usage {
	if r.Usage != nil {
		return *r.Usage
	}
	u := cairn.Usage{
		InputTokens:  len(strings.Fields(req.System)),
		OutputTokens: len(strings.Fields(strings.Join(r.Pieces, ""))),
	}
	for _, m := range req.Messages {
		u.InputTokens += len(strings.Fields(m.Text))
	}
	return u
}
