package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// CodeTTL is how long a one-time code can be used.
const CodeTTL = 24 * time.Hour

// NewCode makes a one-time code with which account signs in, and returns it and
// until when it can be used. The empty account stands for the first administrator of an
// installation without users.
func (a *Authenticator) NewCode(ctx context.Context, account cairn.AccountID) (code string, expires time.Time, err error) {
	code, expires = newCode(), a.now().Add(CodeTTL)
	return code, expires, a.store.CreateCode(ctx, hashOfCode(code), account, expires)
}

// SignIn redeems a one-time code and signs the browser in. Email is the address
// of the first administrator, empty when unknown or for the code of an account
// that exists. Wrong codes are ErrUnauthenticated, too many of them a *Limited. A right
// one signs in however many wrong ones there were: nobody guesses 80 random bits.
func (a *Authenticator) SignIn(w http.ResponseWriter, r *http.Request, code, email string) (Identity, error) {
	ctx := r.Context()
	if limited := a.logins.allow(networkOf(a.ClientAddr(r))); limited != nil {
		right, err := a.store.HasCode(ctx, hashOfCode(code), a.now())
		if err != nil {
			return Identity{}, err
		}
		if !right {
			return Identity{}, limited
		}
	}
	account, err := a.store.RedeemCode(ctx, hashOfCode(code), email, a.now())
	if err != nil {
		return Identity{}, notFoundAs(err, "the code is wrong, was used before or has expired; make another")
	}
	secret := newSessionSecret()
	if err := a.startWith(w, r, Session{Account: account, ByCode: true, By: Proof{Code: hashOfCode(code)}}, secret); err != nil {
		return Identity{}, err
	}
	return a.bySession(ctx, secret)
}
