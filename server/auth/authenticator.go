package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth/password"
)

// Config is what an Authenticator works with.
type Config struct {
	Store Store
	Log   *slog.Logger
	// Secure says that browsers reach the server over https: cookies are then
	// sent over nothing else.
	Secure bool
	// PublicOrigin is the scheme and host under which browsers reach the server,
	// or empty when it is that of the requests.
	PublicOrigin string
	// Local is the token of local mode; nil outside of it.
	Local *Local
	// OIDC is the issuer at which people sign in; nil: with one-time codes alone.
	OIDC *OIDC
	// Passwords hashes those with which people sign in; nil: there are none.
	Passwords *password.Hasher
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// SessionMax is how long a browser stays signed in (0: 30 days), SessionIdle
	// how long without a request (0: 7 days).
	SessionMax, SessionIdle time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Authenticator says who makes a request. It may be used by several goroutines
// at once.
type Authenticator struct {
	store     Store
	log       *slog.Logger
	secure    bool
	local     *Local
	oidc      *OIDC
	passwords *password.Hasher
	proxies   []netip.Prefix
	origin    string        // scheme and host under which browsers reach the server; empty: not known
	max       time.Duration // of a session
	idle      time.Duration
	now       func() time.Time
	cross     *http.CrossOriginProtection

	logins    *limiter                   // one-time codes, by address
	malformed *limiter                   // requests to sign in that try nothing, by address
	guesses   *limiter                   // passwords, by address
	callbacks *limiter                   // returns from the issuer, by address
	accounts  *limiter                   // sign-ins at the issuer, by account
	tokens    *limiter                   // bearer tokens that are not valid, by address
	devices   *limiter                   // programs that ask to be let in, by address
	polls     *limiter                   // their questions that are wrong or too soon, by address
	hooks     *limiter                   // deliveries of webhooks, by address and source
	senders   *limiter                   // the same, by address
	shown     *lru.Cache[Hash, struct{}] // tokens that were valid
}

// New returns an Authenticator. It fails when PublicOrigin is malformed.
func New(cfg Config) (*Authenticator, error) {
	a := &Authenticator{
		store: cfg.Store, log: cfg.Log, secure: cfg.Secure, local: cfg.Local, oidc: cfg.OIDC, passwords: cfg.Passwords,
		proxies: cfg.Proxies, now: cfg.Now, origin: cfg.PublicOrigin,
		max: cmp.Or(cfg.SessionMax, sessionMax), idle: cmp.Or(cfg.SessionIdle, sessionIdle),
		cross: http.NewCrossOriginProtection(),
	}
	if a.now == nil {
		a.now = time.Now
	}
	var err error
	if a.shown, err = lru.New[Hash, struct{}](maxKnown); err != nil {
		return nil, err
	}
	a.logins = newLimiter(a.now, burst{5, 12 * time.Second}, burst{60, time.Second})
	a.malformed = newLimiter(a.now, burst{5, 12 * time.Second}, burst{60, time.Second})
	a.guesses = newLimiter(a.now, burst{20, time.Second}, burst{200, 50 * time.Millisecond})
	a.callbacks = newLimiter(a.now, burst{20, time.Second}, burst{200, 50 * time.Millisecond})
	a.accounts = newLimiter(a.now, burst{20, time.Minute}, burst{1000, time.Millisecond})
	a.tokens = newLimiter(a.now, burst{60, time.Second}, burst{1000, time.Millisecond})
	a.devices = newLimiter(a.now, burst{10, 30 * time.Second}, burst{100, 2 * time.Second})
	a.polls = newLimiter(a.now, burst{60, time.Second}, burst{1000, time.Millisecond})
	a.hooks = newLimiter(a.now, burst{200, 50 * time.Millisecond}, burst{2000, time.Millisecond})
	a.senders = newLimiter(a.now, burst{400, 20 * time.Millisecond}, burst{2000, time.Millisecond})
	if cfg.PublicOrigin != "" {
		if err := a.cross.AddTrustedOrigin(cfg.PublicOrigin); err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "the public URL %q has no origin that browsers could send: %v", cfg.PublicOrigin, err)
		}
	}
	return a, nil
}

// Identify says who makes the request: by its Authorization header when there
// is one, else by its session cookie. There is no other way. It asks the store
// each time, so that revoking, disabling and changes of groups and role hold from the
// next request on. Errors are ErrUnauthenticated, except failures of the store, and
// a *Limited where too many tokens that are not valid came from the address.
func (a *Authenticator) Identify(r *http.Request) (Identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "send the token as \"Authorization: Bearer <token>\"")
		}
		return a.byBearer(r, strings.TrimSpace(secret))
	}
	cookie, err := r.Cookie(a.cookieName())
	if err != nil {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "sign in, or send a token")
	}
	return a.bySession(r.Context(), cookie.Value)
}

// CheckOrigin refuses requests that a page of another site made a browser send
// (cross-site request forgery). A request with an Authorization header passes:
// no browser adds that by itself.
func (a *Authenticator) CheckOrigin(r *http.Request) error {
	if r.Header.Get("Authorization") != "" {
		return nil
	}
	if err := a.cross.Check(r); err != nil {
		return cairn.Errorf(cairn.ErrDenied, "the request comes from a page of another site")
	}
	return nil
}

// byBearer says who holds a token. Whoever tries many that are not valid is made to
// wait, and with it everybody at the address whose token was not valid here before.
func (a *Authenticator) byBearer(r *http.Request, secret string) (Identity, error) {
	hash, network := HashOf(secret), networkOf(a.ClientAddr(r))
	if !a.shown.Contains(hash) {
		if err := a.tokens.exhausted(network); err != nil {
			return Identity{}, err
		}
	}
	id, err := a.byToken(r.Context(), secret)
	switch {
	case err == nil:
		a.shown.Add(hash, struct{}{})
	case errors.Is(err, cairn.ErrUnauthenticated):
		a.shown.Remove(hash)
		_ = a.tokens.allow(network) // this one was tried; the next is refused
	}
	return id, err
}

func (a *Authenticator) byToken(ctx context.Context, secret string) (Identity, error) {
	if a.local != nil && a.local.matches(secret) {
		h, err := a.store.LocalAccount(ctx)
		if err != nil {
			return Identity{}, err
		}
		return a.identity(h, allScopes(), ViaLocal)
	}
	if path := resourceOf(ctx); path != "" && isJWT(secret) {
		return a.byAccessToken(ctx, secret, path)
	}
	if !WellFormed(secret) {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "that is not a token of this server; check that it was copied whole")
	}
	token, holder, err := a.store.TokenByHash(ctx, HashOf(secret))
	if err != nil {
		return Identity{}, notFoundAs(err, "the token is not valid")
	}
	now := a.now()
	if !token.Revoked.IsZero() || token.Orphaned {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "the token is not valid")
	}
	if !now.Before(token.Expires) {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "the token has expired; make another")
	}
	if now.Sub(token.LastUsed) >= time.Minute {
		if err := a.store.TouchToken(ctx, token.ID, now); err != nil {
			a.log.WarnContext(ctx, "token use not noted", slog.String("token", token.ID), slog.Any("error", err))
		}
	}
	id, err := a.identity(holder, token.Scopes, ViaToken)
	id.Token = token.ID
	return id, err
}

func (a *Authenticator) bySession(ctx context.Context, secret string) (Identity, error) {
	session, holder, err := a.store.SessionByHash(ctx, HashOf(secret))
	if err != nil {
		return Identity{}, notFoundAs(err, "the session has ended; sign in again")
	}
	now := a.now()
	if !now.Before(a.sessionEnd(session)) {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "the session has ended; sign in again")
	}
	if now.Sub(session.Used) >= time.Minute {
		if err := a.store.TouchSession(ctx, HashOf(secret), now); err != nil {
			a.log.WarnContext(ctx, "session use not noted", slog.Any("error", err))
		}
	}
	return a.identity(holder, allScopes(), ViaSession)
}

func (a *Authenticator) identity(h Holder, scopes []cairn.Scope, via Via) (Identity, error) {
	if h.Account.Disabled {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "the account is disabled; ask an administrator")
	}
	return Identity{Account: h.Account, Viewer: ViewerOf(h), Scopes: scopes, Via: via}, nil
}

// notFoundAs turns the store's ErrNotFound into an ErrUnauthenticated and leaves
// other failures as they are.
func notFoundAs(err error, message string) error {
	if errors.Is(err, cairn.ErrNotFound) {
		return cairn.Errorf(cairn.ErrUnauthenticated, "%s", message)
	}
	return err
}
