package cairn

import (
	"errors"
	"fmt"
)

// The kinds of failure that callers can tell apart with errors.Is. The server
// maps each to one HTTP status. What a viewer may not read is ErrNotFound,
// exactly as what does not exist.
var (
	ErrInvalid         = errors.New("invalid request")
	ErrUnauthenticated = errors.New("sign in first")
	ErrDenied          = errors.New("not allowed")
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("conflict")
	ErrTooLarge        = errors.New("too large")
	ErrRateLimited     = errors.New("too many requests")
	ErrBudget          = errors.New("budget spent")
	ErrUnavailable     = errors.New("unavailable")
)

// Error is a failure whose message may be shown to whoever caused it. Any other
// error is shown as its kind alone, or as an internal error.
type Error struct {
	Kind    error // one of the sentinels above
	Message string
}

// Errorf returns an Error of a kind with a message for people: what is wrong
// and what to do about it.
func Errorf(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }
