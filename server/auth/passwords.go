package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth/password"
)

// freshCode is how long after signing in with a one-time code the password can be
// set without the one before.
const freshCode = 15 * time.Minute

// busyFor is when to try again while too many passwords are being checked.
const busyFor = 2 * time.Second

// HasPasswords reports whether people sign in with passwords.
func (a *Authenticator) HasPasswords() bool { return a.passwords != nil }

// SignInWithPassword signs the browser in as the account with the address in lower
// case. An address without an account, a wrong password, and an account that has none
// or is disabled get the same ErrUnauthenticated after the same work; too many attempts
// are a *Limited. Where there are no passwords it is ErrInvalid.
func (a *Authenticator) SignInWithPassword(w http.ResponseWriter, r *http.Request, email, text string) (Identity, error) {
	if a.passwords == nil {
		return Identity{}, cairn.Errorf(cairn.ErrInvalid, "nobody signs in with a password here; use a one-time code")
	}
	ctx, network := r.Context(), networkOf(a.ClientAddr(r))
	account, hash, err := a.store.PasswordByEmail(ctx, email)
	who := string(account)
	if errors.Is(err, cairn.ErrNotFound) {
		who, err = email, nil
	}
	if err != nil {
		return Identity{}, err
	}
	browser, err := a.knownBrowser(r, who)
	if err != nil {
		return Identity{}, err
	}
	if browser == "" {
		if err := a.guesses.allow(network); err != nil {
			return Identity{}, err
		}
	}
	entry := audit.FromContext(ctx)
	entry.Detail("password")
	if hash != "" {
		entry.About(audit.KindAccount, who)
	}
	if browser != "" {
		err = a.allowKnown(ctx, account, browser)
	} else {
		err = a.allowGuess(ctx, email, network)
	}
	if err != nil {
		return Identity{}, err
	}
	match, err := a.matches(ctx, hash, text)
	if err != nil {
		return Identity{}, err
	}
	if !match {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated,
			"the address or the password is wrong, or the account has no password; a one-time code of an administrator signs you in as well")
	}
	secret := newSessionSecret()
	if err := a.startWith(w, r, Session{Account: account, By: Proof{Password: hash}}, secret); err != nil {
		return Identity{}, err
	}
	a.renewHash(ctx, account, hash, text)
	return a.bySession(ctx, secret)
}

// renewHash replaces a hash that costs something else than new ones do. The
// sign-in does not depend on it.
func (a *Authenticator) renewHash(ctx context.Context, account cairn.AccountID, old, text string) {
	if !a.passwords.Outdated(old) {
		return
	}
	hash, err := a.passwords.Hash(ctx, text)
	if err == nil {
		err = a.store.RehashPassword(ctx, account, old, hash)
	}
	if err != nil {
		a.log.WarnContext(ctx, "a password was not hashed anew", slog.String("account", string(account)), slog.Any("error", err))
	}
}

// SetPassword sets the password of the caller, who has signed in with a one-time
// code a moment ago or knows the current one, and ends the account's other sessions.
// Errors are ErrNotFound where there are no passwords, ErrInvalid for one that nobody
// should have, ErrDenied, *Limited, and ErrConflict when it was changed meanwhile.
func (a *Authenticator) SetPassword(r *http.Request, id Identity, current, text string) error {
	if a.passwords == nil {
		return cairn.ErrNotFound
	}
	if id.Via != ViaSession {
		return cairn.Errorf(cairn.ErrDenied, "a token cannot set a password; sign in in a browser, or use cairn password")
	}
	if id.Account.Email == "" {
		return cairn.Errorf(cairn.ErrInvalid, "your account has no e-mail address to sign in with; an administrator gives it one")
	}
	if err := password.Check(text, id.Account.Email); err != nil {
		return err
	}
	cookie, err := r.Cookie(a.cookieName())
	if err != nil {
		return cairn.Errorf(cairn.ErrUnauthenticated, "sign in first")
	}
	ctx, session := r.Context(), HashOf(cookie.Value)
	old, err := a.store.PasswordOf(ctx, id.Account.ID)
	if err != nil {
		return err
	}
	if err := a.mayReplace(ctx, id.Account.ID, session, old, current); err != nil {
		return err
	}
	hash, err := a.passwords.Hash(ctx, text)
	if err != nil {
		return busy(err)
	}
	return a.store.SetPassword(ctx, id.Account.ID, old, hash, session)
}

// mayReplace returns nil when whoever has a session may replace the password whose
// hash is old.
func (a *Authenticator) mayReplace(ctx context.Context, account cairn.AccountID, session Hash, old, current string) error {
	s, _, err := a.store.SessionByHash(ctx, session)
	if err != nil {
		return notFoundAs(err, "the session has ended; sign in again")
	}
	switch {
	case s.ByCode && a.now().Sub(s.Created) < freshCode:
		return nil
	case old == "" || current == "":
		return cairn.Errorf(cairn.ErrDenied, "give the current password or, when there is none or it is lost, sign in with a new one-time code of an administrator and set it within %d minutes", int(freshCode.Minutes()))
	}
	if err := a.attempt(ctx, burst{5, time.Minute}.limit("within", string(account))); err != nil {
		return err
	}
	match, err := a.matches(ctx, old, current)
	if err == nil && !match {
		return cairn.Errorf(cairn.ErrDenied, "the current password is wrong")
	}
	return err
}

// ResetPassword removes the password of an account and ends its sessions, for an
// administrator. Errors are ErrNotFound and failures of the store.
func (a *Authenticator) ResetPassword(ctx context.Context, account cairn.AccountID) error {
	return a.store.RemovePassword(ctx, account)
}

// PasswordState says whether an account has a password.
type PasswordState string

// The states.
const (
	PasswordOff  PasswordState = "off" // it cannot have one
	PasswordNone PasswordState = "none"
	PasswordSet  PasswordState = "set"
)

// PasswordState returns whether an account has a password.
func (a *Authenticator) PasswordState(ctx context.Context, account cairn.Account) (PasswordState, error) {
	if a.passwords == nil || account.Email == "" {
		return PasswordOff, nil
	}
	hash, err := a.store.PasswordOf(ctx, account.ID)
	switch {
	case errors.Is(err, cairn.ErrDenied):
		return PasswordOff, nil
	case err != nil:
		return "", err
	case hash == "":
		return PasswordNone, nil
	}
	return PasswordSet, nil
}

// matches is Hasher.Matches with an error for people.
func (a *Authenticator) matches(ctx context.Context, hash, text string) (bool, error) {
	match, err := a.passwords.Matches(ctx, hash, text)
	return match, busy(err)
}

// busy returns ErrBusy as a *Limited, other errors as they are.
func busy(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return &Limited{After: busyFor}
	}
	return err
}
