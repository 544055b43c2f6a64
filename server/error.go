package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// Failure is what a caller is told of an error.
type Failure struct {
	Status  int    // of HTTP
	Code    string // stable, for programs
	Message string // for people
}

// Error returns the message, so that a Failure can stand for the error itself.
func (f Failure) Error() string { return f.Message }

// Busy is refused because too much else is going on.
type Busy struct {
	After   time.Duration // when to try again
	Message string        // for people
}

// Error returns the message.
func (b *Busy) Error() string { return b.Message }

// Unwrap returns an error of kind ErrUnavailable with the message.
func (b *Busy) Unwrap() error { return cairn.Errorf(cairn.ErrUnavailable, "%s", b.Message) }

// failures is the only place where kinds of error become codes and statuses.
// Beneath it, handlers return errors and know nothing of HTTP.
var failures = []struct {
	kind   error
	status int
	code   string
}{
	{cairn.ErrInvalid, http.StatusBadRequest, "invalid"},
	{cairn.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated"},
	{cairn.ErrBudget, http.StatusPaymentRequired, "budget"},
	{cairn.ErrDenied, http.StatusForbidden, "denied"},
	{cairn.ErrNotFound, http.StatusNotFound, "not_found"},
	{cairn.ErrConflict, http.StatusConflict, "conflict"},
	{cairn.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{cairn.ErrRateLimited, http.StatusTooManyRequests, "rate_limited"},
	{cairn.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable"},
}

// FailureOf says what to tell a caller of err. The message is that of the
// *cairn.Error in err, else that of its kind; causes are never shown. Whatever
// is not found has one message, so that what exists but may not be read cannot
// be told from what does not exist. An error of no known kind is "internal".
func FailureOf(err error) Failure {
	for _, f := range failures {
		if errors.Is(err, f.kind) {
			return Failure{f.status, f.code, messageOf(err, f.kind)}
		}
	}
	return Failure{http.StatusInternalServerError, "internal", "something went wrong here; the server's log says what"}
}

func messageOf(err, kind error) string {
	switch kind {
	case cairn.ErrNotFound: //nolint:errorlint // kinds are the sentinels themselves
		return kind.Error()
	case context.DeadlineExceeded, context.Canceled:
		return "it took too long; try again"
	}
	var shown *cairn.Error
	if errors.As(err, &shown) && shown.Kind == kind { //nolint:errorlint // as above
		return shown.Message
	}
	return kind.Error()
}
