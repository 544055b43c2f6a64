package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/slack-go/slack"
)

const (
	callTries  = 12
	longestLag = time.Minute // that Slack may ask for
)

// call calls a method of Slack. It waits as Slack asks for, and tries again what failed at
// Slack's side.
func (b *Bot) call(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		var limited *slack.RateLimitedError
		var status slack.StatusCodeError
		wait := time.Duration(0)
		switch {
		case errors.As(err, &limited):
			wait = min(max(limited.RetryAfter, 100*time.Millisecond), longestLag)
		case errors.As(err, &status) && status.Code >= http.StatusInternalServerError, hasCode(err, "internal_error", "fatal_error", "service_unavailable", "ratelimited"):
			wait = min(time.Duration(try)*time.Second, 10*time.Second)
		default:
			return err
		}
		if try == callTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// hasCode reports whether Slack has refused with one of the codes.
func hasCode(err error, codes ...string) bool {
	var refused slack.SlackErrorResponse
	return errors.As(err, &refused) && slices.Contains(codes, refused.Err)
}

// hopeless reports whether a failure will be the same in a minute: where it was to be said
// nothing can be said.
func hopeless(err error) bool {
	var status slack.StatusCodeError // of a response_url that is too old or was used up
	return errors.As(err, &status) && !status.Retryable() ||
		hasCode(err, "channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "restricted_action", "message_not_found")
}

// problem says what failed, without the address of the request: one for answers is a
// secret.
func problem(method string, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("slack: %s: %w", method, err)
}
