package oidc

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// asymmetric are the algorithms of signatures that are accepted. The others need
// a secret that the issuer shares with this server, or none.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// endpoints is what the issuer says of itself.
type endpoints struct {
	provider    *oidc.Provider
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	namesItself bool // in replies to browsers, by the parameter iss
}

// metadata are the fields of the discovery document that the library does not
// look at.
type metadata struct {
	Auth        string   `json:"authorization_endpoint"`
	Token       string   `json:"token_endpoint"`
	Keys        string   `json:"jwks_uri"`
	UserInfo    string   `json:"userinfo_endpoint"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	Methods     []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself bool     `json:"authorization_response_iss_parameter_supported"`
}

// fetch reads the discovery document. Its issuer must be the configured one.
func (p *Provider) fetch(ctx context.Context) (*endpoints, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.cfg.Client), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, brief{err})
	}
	var m metadata
	if err := provider.Claims(&m); err != nil {
		return nil, fmt.Errorf("%w: its discovery document: %w", ErrUnreachable, brief{err})
	}
	if err := p.checkAddresses(m); err != nil {
		return nil, err
	}
	algorithms := slices.DeleteFunc(slices.Clone(m.Algorithms), func(a string) bool { return !slices.Contains(asymmetric, a) })
	if len(algorithms) == 0 {
		algorithms = []string{oidc.RS256} // which every issuer must know
	}
	return &endpoints{
		provider: provider, namesItself: m.NamesItself,
		verifier: provider.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, Now: p.now}),
		oauth: oauth2.Config{
			ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: p.cfg.RedirectURL,
			Endpoint: oauth2.Endpoint{AuthURL: m.Auth, TokenURL: m.Token, AuthStyle: p.authStyle(m.Methods)},
			Scopes:   append([]string{oidc.ScopeOpenID}, without(p.cfg.Scopes, oidc.ScopeOpenID)...),
		},
	}, nil
}

// checkAddresses refuses endpoints that are less protected than the issuer.
func (p *Provider) checkAddresses(m metadata) error {
	secure := strings.HasPrefix(p.cfg.Issuer, "https://")
	for name, address := range map[string]string{
		"authorization_endpoint": m.Auth, "token_endpoint": m.Token, "jwks_uri": m.Keys, "userinfo_endpoint": m.UserInfo,
	} {
		if address == "" && name == "userinfo_endpoint" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || (u.Scheme != "https" && (secure || u.Scheme != "http")) {
			return fmt.Errorf("%w: the %s of its discovery document cannot be used", ErrUnreachable, name)
		}
	}
	return nil
}

// authStyle returns how the server shows the issuer who it is. To try one way
// after the other would send the code twice.
func (p *Provider) authStyle(methods []string) oauth2.AuthStyle {
	basic := len(methods) == 0 || slices.Contains(methods, "client_secret_basic")
	if p.cfg.ClientSecret != "" && basic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// brief is an error whose text, which may quote what a server sent, is one line
// of bounded length.
type brief struct{ error }

// Error returns the text.
func (b brief) Error() string { return Line(b.error.Error()) }

// Unwrap returns the error.
func (b brief) Unwrap() error { return b.error }

// Line makes one printable line of at most 300 characters of text from elsewhere.
func Line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
