package remote

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Token is a credential, and until when it can be used; the zero time: until it is
// refused.
type Token struct {
	Value   cairn.Secret
	Expires time.Time
}

// Secret returns a Config.Token that is the secret setting called name. It is read
// again when the source refuses it: another may have been set meanwhile.
func Secret(env connectors.Environment, name string) func(context.Context) (Token, error) {
	return func(ctx context.Context) (Token, error) {
		value, err := secret(ctx, env, name)
		return Token{Value: value}, err
	}
}

// secret returns a secret setting that must be there.
func secret(ctx context.Context, env connectors.Environment, name string) (cairn.Secret, error) {
	var value cairn.Secret
	if env.Secrets != nil {
		var err error
		if value, err = env.Secrets.Secret(ctx, name); err != nil {
			return cairn.Secret{}, err
		}
	}
	if !value.Set() {
		return cairn.Secret{}, &connectors.Error{
			Kind: connectors.ErrUnauthorized, Message: fmt.Sprintf("the source has no %s: give it one with cairn source set NAME --secret %s=FILE", name, name),
		}
	}
	return value, nil
}

// Basic returns a Config.Sign for HTTP basic authentication of a user.
func Basic(user string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) { r.SetBasicAuth(user, secret) }
}

// Header returns a Config.Sign that puts the secret, behind a prefix that may be empty,
// into a header.
func Header(name, prefix string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) { r.Header.Set(name, prefix+secret) }
}

// early is how long before its end a token is replaced; a short-lived one, when three
// quarters of its life are over.
const early = time.Minute

// held keeps a token until it expires or is refused.
type held struct {
	fetch func(ctx context.Context) (Token, error)
	now   func() time.Time
	lock  chan struct{} // one may hold it: a lock that waits no longer than a context
	token Token
	there bool
	until time.Time // when it is to be replaced; zero: never
}

func newHeld(fetch func(ctx context.Context) (Token, error), now func() time.Time) *held {
	return &held{fetch: fetch, now: now, lock: make(chan struct{}, 1)}
}

// get returns the token, and fetches it when there is none that lasts.
func (h *held) get(ctx context.Context) (Token, error) {
	return h.with(ctx, func() bool { return h.there && (h.until.IsZero() || h.now().Before(h.until)) })
}

// renew fetches a token in the place of one that was refused, unless somebody else has.
func (h *held) renew(ctx context.Context, refused Token) (Token, error) {
	return h.with(ctx, func() bool { return h.there && h.token.Value != refused.Value })
}

// with returns the token when it is good, else one that it fetches.
func (h *held) with(ctx context.Context, good func() bool) (Token, error) {
	select {
	case <-ctx.Done():
		return Token{}, context.Cause(ctx)
	case h.lock <- struct{}{}:
	}
	defer func() { <-h.lock }()
	if good() {
		return h.token, nil
	}
	begin := h.now()
	token, err := h.fetch(ctx)
	h.token, h.there, h.until = token, err == nil, token.Expires
	if !h.until.IsZero() {
		h.until = h.until.Add(-min(early, max(h.until.Sub(begin)/4, 0)))
	}
	return token, err
}
