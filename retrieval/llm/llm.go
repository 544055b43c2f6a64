// Package llm says what Cairn expects of language models and embedders. It
// names no provider: package langchain speaks to those, package builtin is the
// embedder that needs nothing, package llmtest has the fakes.
package llm

import (
	"context"
	"iter"
	"time"

	"github.com/cairnhq/cairn"
)

// Embedder turns texts into vectors of one space. It may be used by several
// goroutines at once.
type Embedder interface {
	// Model names the vector space: vectors of different models are never compared.
	Model() string
	// Dim returns the length of every vector.
	Dim() int
	// Embed returns one vector for each text, in order, each of length 1 or,
	// for a text without any known word, all zero. It returns no vectors when
	// it returns an error.
	Embed(ctx context.Context, role Role, texts []string) ([][]float32, error)
}

// WeightedEmbedder is an Embedder whose queries can be told how much each word
// says among the documents that are searched.
type WeightedEmbedder interface {
	Embedder
	// EmbedQuery returns the vector of a query as Embed does for RoleQuery. weight
	// gives the weight, above 0 and up to 1, of a word: a run of letters and digits
	// in lower case without accents; it reports false for a word that it knows
	// nothing of, which then weighs what the model holds for it.
	EmbedQuery(ctx context.Context, text string, weight func(word string) (float64, bool)) ([]float32, error)
}

// Role says which side of a comparison a text is on; asymmetric models and
// query-side weights need to know.
type Role int

// The sides.
const (
	RoleDocument Role = iota
	RoleQuery
)

// LLM writes text. It may be used by several goroutines at once.
type LLM interface {
	// Model returns the name under which answers and usage appear.
	Model() string
	// Generate yields pieces of text as they come and at last one Event with a
	// Stop reason and the usage. A sequence that ends without such an event, or
	// with an error, is not a complete answer; errors are *Error. Leaving the
	// loop early ends the call to the provider.
	Generate(ctx context.Context, req Request) iter.Seq2[Event, error]
}

// Request is one call of a model.
type Request struct {
	System    string // fixed instructions; providers cache them
	Messages  []Message
	MaxTokens int // of the reply; 0 leaves it to the model
}

// Message is one turn of a conversation with a model.
type Message struct {
	Assistant bool // said by the model; else by the user
	Text      string
}

// Event is a piece of a reply.
type Event struct {
	Text  string       // may be empty
	Stop  StopReason   // set on the last event only
	Usage *cairn.Usage // set on the last event, when the provider tells
}

// StopReason says why a model stopped.
type StopReason string

// The reasons that providers' own are mapped to.
const (
	StopEnd    StopReason = "end"    // it had said everything
	StopLength StopReason = "length" // MaxTokens was reached
	StopFilter StopReason = "filter" // the provider withheld the rest
)

// ErrorKind says what a caller can do about a failed call.
type ErrorKind string

// The kinds of failure of a model call.
const (
	ErrRateLimited ErrorKind = "rate_limited" // try later
	ErrUnavailable ErrorKind = "unavailable"  // not reached, 5xx, timed out before the first token
	ErrInterrupted ErrorKind = "interrupted"  // broke off or stalled after the first token
	ErrRejected    ErrorKind = "rejected"     // the request is wrong: model name, key, size
)

// Error is a failed call of a model. It holds neither a key nor a prompt, nor what the
// provider says of it in words, which may quote one.
type Error struct {
	Kind       ErrorKind
	Status     int           // of HTTP; 0 when there was none
	RetryAfter time.Duration // as the provider asked; 0 when it did not
	Err        error
}

// Error returns the kind and the cause.
func (e *Error) Error() string { return "model " + string(e.Kind) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
