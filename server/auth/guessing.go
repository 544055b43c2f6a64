package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// remembered is how long an account knows a browser after a sign-in.
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

// allowGuess counts an attempt to guess the password that belongs to an address, with a
// browser that is not known, and returns a *Limited when there were too many: for the
// address from the network, from the network, or for the address in all. It does not
// depend on whether there is an account, so that nobody learns it.
//
// This is counted in the database, so that neither a restart nor a second server
// begins anew. Codes and tokens are too long to be guessed: what limits those is there
// for the load, and each server has its own.
func (a *Authenticator) allowGuess(ctx context.Context, email, network string) error {
	return a.attempt(ctx,
		burst{10, time.Minute}.limit("pair", email, network),
		burst{20, 12 * time.Second}.limit("network", network),
		burst{20, 3 * time.Minute}.limit("account", email))
}

// allowKnown counts an attempt with a browser that the account knows: by itself, so that
// strangers cannot lock it out.
func (a *Authenticator) allowKnown(ctx context.Context, account cairn.AccountID, browser string) error {
	return a.attempt(ctx, burst{10, time.Minute}.limit("browser", string(account), browser))
}

// knownBrowser returns the secret by which an account knows the browser of a request;
// empty when it does not. The account may be the address of nobody, which knows none.
func (a *Authenticator) knownBrowser(r *http.Request, account string) (string, error) {
	cookie, err := r.Cookie(a.browserCookie())
	if err != nil || cookie.Value == "" {
		return "", nil //nolint:nilerr // nobody has signed in with it
	}
	known, err := a.store.Remembers(r.Context(), keyOf("known", account, cookie.Value), a.now())
	if err != nil || !known {
		return "", err
	}
	return cookie.Value, nil
}

// rememberBrowser makes the browser of a request, which has just signed in as an
// account, one that the account knows, and returns its cookie; nil where there are no
// passwords. The cookie of a browser that the account did not know is not kept: somebody
// else may know it.
func (a *Authenticator) rememberBrowser(r *http.Request, account cairn.AccountID) (*http.Cookie, error) {
	if a.passwords == nil {
		return nil, nil
	}
	secret, err := a.knownBrowser(r, string(account))
	if err != nil {
		return nil, err
	}
	if secret == "" {
		secret = newSessionSecret()
	}
	if err := a.store.Remember(r.Context(), keyOf("known", string(account), secret), a.now().Add(remembered)); err != nil {
		return nil, err
	}
	return a.cookie(a.browserCookie(), secret, remembered), nil
}

func (a *Authenticator) browserCookie() string { return a.named("cairn_browser") }

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
