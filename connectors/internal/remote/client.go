// Package remote is the HTTP client of connectors. It goes through the network that the
// operator allows, keeps to a pace that all replicas share, tries again what may be
// tried again, and tells failures of a source apart in texts that hold no secrets.
//
// A connector makes one Client in Kind.Open, for one run:
//
//	c, err := remote.New(env, remote.Config{
//		URL: settings["url"], Token: remote.Secret(env, "token"), Rate: connectors.Rate{Every: 100 * time.Millisecond, Burst: 10},
//	})
//
// and asks with Get, Pages and Client.Open.
package remote

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Config describes a source, as far as requests go. URL alone is needed.
type Config struct {
	// URL is the address that paths of requests are relative to: that of an API, or of a
	// site. The credential goes to its origin and to no other but those in Origins.
	URL     string
	Origins []string // such as https://files.example.com

	// Token returns the credential; nil sends none. It is asked when there is none, before
	// one expires, and when the source has refused it: see Secret and OAuth.
	Token func(ctx context.Context) (Token, error)
	// CredentialOf, when not nil, is a client whose credential this one uses in the place of
	// Token: what one of them gets or renews, both have.
	CredentialOf *Client
	// Sign puts the credential on a request; nil: as a bearer token. See Basic.
	Sign func(r *http.Request, secret string)
	// Advice is a sentence for administrators on where a new credential comes from.
	Advice string

	// Account names whose requests the source counts, among those at its host: sources
	// with the same credential then share one pace. Empty: this source is counted alone.
	Account string
	Rate    connectors.Rate // zero: 10 a second, 20 at once
	// MaxWait is how long one request waits when the source asks for it. When it asks for
	// more, the run ends, and the next one goes on; 0: 5 minutes.
	MaxWait time.Duration
	// Budget is how many requests this client sends in all, repeated ones included; 0: as
	// many as it takes, while not too many of them fail.
	Budget int

	// Judge is asked first what a reply means, for sources that tell it in their own way;
	// nil is what the status means. An error of kind ErrUnauthorized asks for another
	// credential, ErrRateLimited and ErrUnavailable for another try after its Wait; one
	// without a message gets one.
	Judge func(*Response) error
	// Follow reports whether a redirect may be followed; nil: any may be that the network
	// reaches. What is not followed is the reply.
	Follow func(to *url.URL) bool
}

// Client sends requests to one source. It may be used by several goroutines at once.
type Client struct {
	cfg     Config
	env     connectors.Environment
	base    *url.URL
	origins map[string]bool // that get the credential
	http    *http.Client
	token   *held // nil: none
	limiter connectors.Limiter
	account string
	sent    atomic.Int64
	limited atomic.Int64 // nanoseconds that the source asked to wait
	repeats repeats
}

// New returns a client for one run. Errors are ErrInvalid and say which setting to fix.
// It does not yet reach out to the source.
func New(env connectors.Environment, cfg Config) (*Client, error) {
	base, err := ParseURL("url", cfg.URL)
	if err != nil {
		return nil, err
	}
	if env.Network == nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "this server reaches no other machines")
	}
	c := &Client{
		cfg: cfg, env: env, base: base, origins: map[string]bool{origin(base): true}, limiter: env.Limiter,
		http: &http.Client{
			Transport:     env.Network,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		account: base.Host + " " + cmp.Or(cfg.Account, "source "+string(env.Source)),
	}
	for _, o := range cfg.Origins {
		u, err := ParseURL("url", o)
		if err != nil {
			return nil, err
		}
		c.origins[origin(u)] = true
	}
	c.cfg.Rate.Every = cmp.Or(cfg.Rate.Every, 100*time.Millisecond)
	c.cfg.Rate.Burst = max(cmp.Or(cfg.Rate.Burst, 20), 1)
	c.cfg.MaxWait = cmp.Or(cfg.MaxWait, 5*time.Minute)
	c.env.Timeout = cmp.Or(env.Timeout, 30*time.Second)
	if c.env.Now == nil {
		c.env.Now = time.Now
	}
	if c.env.Sleep == nil {
		c.env.Sleep = Sleep
	}
	if c.limiter == nil {
		c.limiter = NewLimiter(c.env.Now)
	}
	switch {
	case cfg.CredentialOf != nil:
		c.token = cfg.CredentialOf.token
	case cfg.Token != nil:
		c.token = newHeld(cfg.Token, c.env.Now)
	}
	return c, nil
}

// Host is what the source is called in messages: the host of its address.
func (c *Client) Host() string { return c.base.Host }

// Sent returns how many requests were sent, repeated ones and redirects included.
func (c *Client) Sent() int { return int(c.sent.Load()) }

// Sleep waits for d, or until ctx ends, whose cause it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
