package connectors

import (
	"errors"
	"time"
)

// The kinds of failure of a source that callers can tell apart with errors.Is. They
// concern the source; that of one document is a DocumentError.
var (
	ErrUnauthorized = errors.New("the credential was refused")                     // nothing can be read before it is replaced
	ErrForbidden    = errors.New("the credential does not reach as far")           // a scope or a permission is missing
	ErrNotFound     = errors.New("the source has nothing there")                   //
	ErrRateLimited  = errors.New("the source asks to wait")                        // longer than it was waited for
	ErrUnavailable  = errors.New("the source does not answer")                     // as it should: try again later
	ErrUnexpected   = errors.New("the source answered something unexpected")       // trying again does not help
	ErrTooLarge     = errors.New("the source answered more than is taken from it") // trying again does not help
)

// Error is a failure of a source that may be shown to administrators and logged. It
// holds no secret, nothing of a query and no name of a document.
type Error struct {
	Kind    error         // one of the above
	Message string        // what is wrong and what to do
	Status  int           // of the reply; 0: there was none
	Wait    time.Duration // what the source asks to wait before the next request; 0: it does not say
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }
