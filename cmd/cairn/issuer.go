package main

import (
	"context"
	"log/slog"

	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/oidc"
)

// openIssuer returns the issuer at which people sign in, or nil when none is set.
// It begins to look for it, so that the log tells soon when it cannot be reached;
// nobody waits.
func openIssuer(s server.Settings, log *slog.Logger) *auth.OIDC {
	if s.OIDC.Issuer == "" {
		return nil
	}
	provider := newProvider(s, log)
	go func() {
		if err := provider.Ready(context.Background()); err != nil {
			log.Warn("nobody can sign in at the issuer yet; it is tried again when somebody wants to", "issuer", s.OIDC.Issuer, "error", err)
		}
	}()
	return &auth.OIDC{
		Provider: provider, Label: s.OIDC.Name(),
		Joining: auth.Joining{SignUp: s.OIDC.SignUp, Domains: s.OIDC.Domains, Trusted: s.OIDC.TrustedDomains},
	}
}

func newProvider(s server.Settings, log *slog.Logger) *oidc.Provider {
	return oidc.New(oidc.Config{
		Issuer: s.OIDC.Issuer, ClientID: s.OIDC.ClientID, ClientSecret: s.OIDC.ClientSecret.Reveal(),
		RedirectURL: s.PublicOrigin() + server.OIDCCallback, Scopes: s.OIDC.Scopes, GroupsClaim: s.OIDC.GroupsClaim,
		Client: outbound.NewClient(outbound.Config{Allowed: s.AllowedNetworks}), Log: log,
	})
}

// identityProvider checks that the issuer can be reached and is the one that it is
// said to be.
func identityProvider(ctx context.Context, s server.Settings) finding {
	const name = "issuer"
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	if err := newProvider(s, nil).Ready(ctx); err != nil {
		return fail(name, "%s: %v; until then people sign in with one-time codes", s.OIDC.Issuer, err)
	}
	return ok(name, "%s answers; at it, the redirect URI of this server is %s", s.OIDC.Issuer, s.PublicOrigin()+server.OIDCCallback)
}
