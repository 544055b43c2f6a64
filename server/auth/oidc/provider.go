// Package oidc speaks OpenID Connect with one issuer, as its client: the
// authorization code flow with PKCE. It says who the issuer vouches for, and
// nothing of whom the server lets in.
package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Config names an issuer and what the server is to it.
type Config struct {
	Issuer       string // exactly as the issuer writes it
	ClientID     string
	ClientSecret string // empty: a public client
	RedirectURL  string // where the issuer sends people back to
	Scopes       []string
	GroupsClaim  string       // holds the names of groups; empty: none is read
	Client       *http.Client // with which the issuer is reached
	Log          *slog.Logger // nil: nothing is logged
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// The kinds of failure.
var (
	ErrUnreachable = errors.New("the issuer cannot be reached") // or what it says of itself cannot be used
	ErrCode        = errors.New("the issuer does not accept the code")
	ErrRejected    = errors.New("the issuer refuses this server")
	ErrInvalid     = errors.New("what the issuer sent cannot be trusted")
)

// Attempt is what one sign-in is recognised by. All of it is secret until it
// comes back.
type Attempt struct {
	State    string `json:"s"` // comes back with the code
	Nonce    string `json:"n"` // comes back in the ID token
	Verifier string `json:"v"` // of PKCE: shows that the code was meant for this server
}

// NewAttempt returns an attempt of 256 random bits each.
func NewAttempt() Attempt {
	return Attempt{State: rand.Text() + rand.Text(), Nonce: rand.Text() + rand.Text(), Verifier: oauth2.GenerateVerifier()}
}

// Provider is an issuer. What it says of itself is fetched when it is first
// needed and, while it cannot be reached, again every few seconds. It may be used
// by several goroutines at once.
type Provider struct {
	cfg Config
	now func() time.Time

	mu      sync.Mutex
	found   *endpoints
	err     error         // of the last look; nil before the first
	retryAt time.Time     // not before
	looking chan struct{} // closed when the look has ended; nil when there is none
}

// How long a look may take, and how long a failure stands.
const (
	lookPatience = 10 * time.Second
	lookPause    = 5 * time.Second
)

// New returns a Provider. It asks nothing of the issuer yet.
func New(cfg Config) *Provider {
	p := &Provider{cfg: cfg, now: cfg.Now}
	if p.now == nil {
		p.now = time.Now
	}
	if p.cfg.Log == nil {
		p.cfg.Log = slog.New(slog.DiscardHandler)
	}
	return p
}

// Issuer returns the issuer's name for itself.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// Ready returns nil when the issuer has been reached once, else an ErrUnreachable
// that says why it has not. It tries, for as long as ctx lasts.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

// AuthURL returns the issuer's address to which a browser is to be sent.
// Errors are ErrUnreachable.
func (p *Provider) AuthURL(ctx context.Context, a Attempt) (string, error) {
	e, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return e.oauth.AuthCodeURL(a.State, oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("nonce", a.Nonce)), nil
}

// CheckIssuer returns an ErrInvalid when the parameter iss with which a browser
// came back names another issuer, or is missing although this one promises it
// (RFC 9207): the code is then another's, who may want to learn it.
func (p *Provider) CheckIssuer(ctx context.Context, iss string) error {
	e, err := p.discover(ctx)
	switch {
	case err != nil:
		return err
	case iss == "" && e.namesItself:
		return fmt.Errorf("%w: the reply does not name its issuer", ErrInvalid)
	case iss != "" && iss != p.cfg.Issuer:
		return fmt.Errorf("%w: the reply names another issuer", ErrInvalid)
	}
	return nil
}

// discover returns the endpoints of the issuer. One look goes on at a time, and
// all who need it wait for the same.
func (p *Provider) discover(ctx context.Context) (*endpoints, error) {
	p.mu.Lock()
	if p.found != nil || (p.looking == nil && p.err != nil && p.now().Before(p.retryAt)) {
		defer p.mu.Unlock()
		return p.found, p.err
	}
	if p.looking == nil {
		p.looking = make(chan struct{})
		go p.look(context.WithoutCancel(ctx))
	}
	looking := p.looking
	p.mu.Unlock()
	select {
	case <-looking:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: it has not answered yet", ErrUnreachable)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found, p.err
}

func (p *Provider) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	found, err := p.fetch(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found, p.err, p.retryAt = found, err, p.now().Add(lookPause)
	close(p.looking)
	p.looking = nil
}
