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
	// Grants are those of the account that live now, in ascending order.
	Grants []cairn.GrantID
}

// Session is a signed-in browser.
type Session struct {
	Account cairn.AccountID
	ByCode  bool // a one-time code made it
	Created time.Time
	Expires time.Time
	Used    time.Time // when a request was last noted
	By      Proof     // is not kept
}

// Proof is what a sign-in rests on and what must still hold when its session is made: a
// reset or a rebinding ends the sign-ins that are under way. At most one of its fields is
// set.
type Proof struct {
	Code     Hash   // of a code that was redeemed
	Password string // the hash that the password was compared with
	Person   Subject
}

// Subject is the name that an issuer has for a person.
type Subject struct{ Issuer, Subject string }

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
	// CreateSession stores a session under the hash of its cookie, and uses up the code
	// that it rests on. It is ErrUnauthenticated when the account is disabled or gone, or
	// what the session rests on no longer holds.
	CreateSession(ctx context.Context, hash Hash, s Session) error
	// SessionByHash returns a session, expired ones too, and who holds it,
	// disabled accounts too. ErrNotFound when there is none.
	SessionByHash(ctx context.Context, hash Hash) (Session, Holder, error)
	// TouchSession notes when a session was last used.
	TouchSession(ctx context.Context, hash Hash, at time.Time) error
	// DeleteSession ends a session; one that does not exist is no error.
	DeleteSession(ctx context.Context, hash Hash) error
}

// Codes keeps one-time sign-in codes.
type Codes interface {
	// CreateCode stores a code that signs in account until expires, and drops
	// the older codes of that account. The empty account stands for the first
	// administrator, who does not exist yet.
	CreateCode(ctx context.Context, hash Hash, account cairn.AccountID, expires time.Time) error
	// HasCode reports whether there is a code that was not redeemed and has not expired at now.
	HasCode(ctx context.Context, hash Hash, now time.Time) (bool, error)
	// RedeemCode uses a code that has not expired at now and returns whose it is: it is
	// of use to nobody else, and can be the proof of one session. For the empty account it makes an administrator with the e-mail (which
	// may be empty) in the same transaction, unless an administrator exists: then,
	// and for a code that does not exist, was redeemed or has expired, it returns ErrNotFound. The
	// account of local mode becomes that administrator, with all that it made; what
	// signed it in before ends.
	RedeemCode(ctx context.Context, hash Hash, email string, now time.Time) (cairn.AccountID, error)
}

// Passwords keeps the hashes of passwords. An account that an identity provider
// brought, by a sign-in or by SCIM, has none: it would lead around the provider.
type Passwords interface {
	// PasswordByEmail returns the account with an address and the hash of its
	// password. ErrNotFound when there is no such account, or it is disabled, an
	// identity provider's, or without a password.
	PasswordByEmail(ctx context.Context, email string) (cairn.AccountID, string, error)
	// PasswordOf returns the hash of an account's password, empty when it has none.
	// ErrDenied for an account of an identity provider.
	PasswordOf(ctx context.Context, account cairn.AccountID) (string, error)
	// SetPassword replaces the hash, if it still is old, and ends the account's
	// sessions but for keep, and its one-time codes. ErrConflict when it is another
	// one by now, ErrDenied for an account of an identity provider.
	SetPassword(ctx context.Context, account cairn.AccountID, old, hash string, keep Hash) error
	// RehashPassword stores another hash of the same password, if it still is old.
	RehashPassword(ctx context.Context, account cairn.AccountID, old, hash string) error
	// RemovePassword removes the password, if there is one, and ends the account's
	// sessions and one-time codes. ErrNotFound when there is no such account.
	RemovePassword(ctx context.Context, account cairn.AccountID) error
}

// Limit is how many attempts of something are allowed: so many at once, then one
// every so often.
type Limit struct {
	Key   Hash // of what is counted
	Size  int
	Every time.Duration
}

// Attempts counts attempts to guess a password, for all servers together.
type Attempts interface {
	// Attempt counts an attempt in each of the limits and returns 0 or, when one of
	// them is exhausted, counts it in none and returns when to try again. Callers give
	// limits of several kinds in the same order of kinds.
	Attempt(ctx context.Context, now time.Time, limits ...Limit) (time.Duration, error)
	// Remember keeps a key until a time, or for longer when it was kept for longer.
	Remember(ctx context.Context, key Hash, until time.Time) error
	// Remembers reports whether a key is kept at a time.
	Remembers(ctx context.Context, key Hash, now time.Time) (bool, error)
}

// Locals gives local mode its administrator.
type Locals interface {
	// LocalAccount returns the administrator named "local" without an e-mail,
	// created on the first call, with its groups.
	LocalAccount(ctx context.Context) (Holder, error)
}

// Person is somebody for whom an issuer vouches.
type Person struct {
	Issuer  string
	Subject string // never another's at this issuer
	// Email is an address in lower case that is known to be the person's; else
	// empty.
	Email string
	Name  string
	// Groups are those of Directory that the issuer says the person is in.
	Groups []string
	// MayJoin says that a person without an account gets one, as a member.
	MayJoin bool
	// Once is the hash of what was made for this sign-in alone, of use until Until.
	Once  Hash
	Until time.Time
}

// PendingBinding is a subject that came with the address of an account that is
// another subject's. Until an administrator confirms it, it is refused.
type PendingBinding struct {
	ID       string
	Account  cairn.Account // whose address it came with
	Issuer   string
	Subject  string
	Name     string // as the issuer says
	First    time.Time
	Last     time.Time // attempt
	Attempts int
}

// Bindings says whose account a person of an issuer has.
type Bindings interface {
	// SignInPerson returns the account of a person and replaces its groups of
	// cairn.OIDCDirectory. It is the account that issuer and subject are bound to. Else the
	// account with the address, if no subject is bound to it, is bound to this one, and
	// what signed in as it before has ended, tokens of others than administrators
	// included; a new one is made when there is none and the person may join. Errors are
	// RefusedStale when Once was used before, RefusedUnverified without an address,
	// RefusedUnknown, RefusedDisabled, and RefusedPending when another subject has
	// the account: this one is then noted as a PendingBinding, unless an
	// administrator dismissed it.
	SignInPerson(ctx context.Context, p Person, now time.Time) (cairn.AccountID, error)
	// HolderOf returns who has the account that a person of an issuer has signed in to
	// before, disabled accounts too. It binds nobody: ErrNotFound when there is none.
	HolderOf(ctx context.Context, person Subject) (Holder, error)
}

// Store is everything that an Authenticator reads and writes.
type Store interface {
	Tokens
	Sessions
	Codes
	Passwords
	Attempts
	Locals
	Bindings
	Devices
}
