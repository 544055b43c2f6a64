package auth

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
)

// Hash is the SHA-256 of a secret. Secrets have 256 random bits, so that no
// slow hash is needed; the secret itself is never stored.
type Hash [32]byte

// Holder is an account with what its viewer's keys are made of.
type Holder struct {
	Account cairn.Account
	// Groups are the keys of the groups that it belongs to, in whatever directory
	// and through whatever other groups. They are shared: nobody changes them.
	Groups []cairn.PrincipalKey
}

// Session is a signed-in browser.
type Session struct {
	Account cairn.AccountID
	Created time.Time
	Expires time.Time
}

// Tokens finds bearer tokens.
type Tokens interface {
	// TokenByHash returns a token, revoked and expired ones too, and who holds
	// it, disabled accounts too: the caller decides. ErrNotFound when there is none.
	TokenByHash(ctx context.Context, hash Hash) (cairn.Token, Holder, error)
	// TouchToken notes when a token was last used.
	TouchToken(ctx context.Context, id string, at time.Time) error
}

// Sessions keeps signed-in browsers.
type Sessions interface {
	// CreateSession stores a session under the hash of its cookie.
	CreateSession(ctx context.Context, hash Hash, s Session) error
	// SessionByHash returns a session, expired ones too, and who holds it,
	// disabled accounts too. ErrNotFound when there is none.
	SessionByHash(ctx context.Context, hash Hash) (Session, Holder, error)
	// DeleteSession ends a session; one that does not exist is no error.
	DeleteSession(ctx context.Context, hash Hash) error
}

// Codes keeps one-time sign-in codes.
type Codes interface {
	// CreateCode stores a code that signs in account until expires, and drops
	// the older codes of that account. The empty account stands for the first
	// administrator, who does not exist yet.
	CreateCode(ctx context.Context, hash Hash, account cairn.AccountID, expires time.Time) error
	// RedeemCode deletes a code that has not expired at now and returns whose it
	// was. For the empty account it creates an administrator with the e-mail
	// (which may be empty) in the same transaction, unless an administrator
	// exists: then, and for a code that does not exist or has expired, it
	// returns ErrNotFound.
	RedeemCode(ctx context.Context, hash Hash, email string, now time.Time) (cairn.AccountID, error)
}

// Locals gives local mode its administrator.
type Locals interface {
	// LocalAccount returns the administrator named "local" without an e-mail,
	// created on the first call, with its groups.
	LocalAccount(ctx context.Context) (Holder, error)
}

// Store is everything that an Authenticator reads and writes.
type Store interface {
	Tokens
	Sessions
	Codes
	Locals
}
