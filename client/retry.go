package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reports whether a request that failed with err may succeed when it is sent
// again (the server is busy, restarts, or cannot be reached), and how long to wait at
// least: what the server has asked for, else 0, so that the caller chooses.
func RetryAfter(err error) (least time.Duration, again bool) {
	var d *delayed
	if errors.As(err, &d) {
		least = d.after
	}
	return least, temporary(err) || errors.Is(err, errInternal)
}

// errInternal is a failure of the server that its log tells of, such as of the database.
var errInternal = errors.New("internal error of the server")

// delayed is a failure with how long the server asks to wait.
type delayed struct {
	error
	after time.Duration
}

// Unwrap returns the failure.
func (d *delayed) Unwrap() error { return d.error }

// longestAfter bounds how long a server may make a caller wait.
const longestAfter = 10 * time.Minute

// withDelay adds what the header Retry-After says, in seconds or as a date.
func withDelay(err error, header http.Header) error {
	value := header.Get("Retry-After")
	seconds, notANumber := strconv.Atoi(value)
	after := time.Duration(min(seconds, int(longestAfter/time.Second))) * time.Second
	if at, isNoDate := http.ParseTime(value); notANumber != nil && isNoDate == nil {
		after = min(time.Until(at), longestAfter)
	}
	if after <= 0 {
		return err
	}
	return &delayed{err, after}
}

// pushSchedule lasts for about two minutes beside what the server asks for.
var pushSchedule = schedule{first: time.Second, longest: 30 * time.Second, attempts: 8}

// attempts counts the failures of one request.
type attempts struct {
	schedule
	failures int
	pause    time.Duration
}

func (s schedule) begin() attempts { return attempts{schedule: s, pause: s.first} }

// wait waits until a request that failed with err should be sent again: as long as the
// server asks for, and at least a random part of a pause that grows. It returns err when
// that does not help, or too often did not.
func (a *attempts) wait(ctx context.Context, err error) error {
	least, again := RetryAfter(err)
	if a.failures++; !again || a.failures > a.attempts {
		return err
	}
	pause := a.pause/2 + rand.N(a.pause/2+1)
	a.pause = min(2*a.pause, a.longest)
	return sleep(ctx, max(pause, least))
}
