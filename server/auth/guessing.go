package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// remembered is how long a network counts as one that an account signs in from.
const remembered = 90 * 24 * time.Hour

// limit returns the limit b of what the parts name.
func (b burst) limit(parts ...string) Limit {
	return Limit{Key: keyOf(parts...), Size: b.size, Every: b.every}
}

// keyOf returns what an attempt is counted by. The parts hold no NUL.
func keyOf(parts ...string) Hash {
	text := "sign-in"
	for _, p := range parts {
		text += "\x00" + p
	}
	return HashOf(text)
}

// allowGuess counts an attempt to guess the password of an account, which may be the
// address of nobody, and returns a *Limited when there were too many: of the account
// from the network, from the network, or of the account from all networks that it has
// not signed in from. So nobody is locked out by others: who holds a session goes on,
// who comes from a known network is not counted together with strangers, and a
// one-time code always signs in.
//
// This is counted in the database, so that neither a restart nor a second server
// begins anew. Codes and tokens are too long to be guessed: what limits those is there
// for the load, and each server has its own.
func (a *Authenticator) allowGuess(ctx context.Context, account, network string) error {
	limits := []Limit{
		burst{10, time.Minute}.limit("pair", account, network),
		burst{20, 12 * time.Second}.limit("network", network),
	}
	known, err := a.store.Remembers(ctx, keyOf("known", account, network), a.now())
	if err != nil {
		return err
	}
	if !known {
		limits = append(limits, burst{20, 3 * time.Minute}.limit("account", account))
	}
	return a.attempt(ctx, limits...)
}

// rememberNetwork notes that an account has signed in from a network.
func (a *Authenticator) rememberNetwork(ctx context.Context, account cairn.AccountID, network string) error {
	return a.store.Remember(ctx, keyOf("known", string(account), network), a.now().Add(remembered))
}

func (a *Authenticator) attempt(ctx context.Context, limits ...Limit) error {
	wait, err := a.store.Attempt(ctx, a.now(), limits...)
	if err == nil && wait > 0 {
		return &Limited{After: wait}
	}
	return err
}

// AllowMalformed counts a request to sign in that is refused because it could not
// be tried, and returns a *Limited when there were too many from its address to tell
// the audit log of each.
func (a *Authenticator) AllowMalformed(r *http.Request) error {
	return a.malformed.allow(networkOf(a.ClientAddr(r)))
}
