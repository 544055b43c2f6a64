package auth

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth/oidc"
)

// Resource is a part of the server for which the issuer makes access tokens (RFC 8707).
type Resource struct {
	Address  string // what tokens must name as their audience
	Metadata string // where the resource describes itself (RFC 9728)
	Issuer   string
}

// MetadataPath is the path below which resources describe themselves.
const MetadataPath = "/.well-known/oauth-protected-resource"

// Resource returns the resource at a path; false when there is no issuer.
func (a *Authenticator) Resource(path string) (Resource, bool) {
	if a.oidc == nil || a.origin == "" {
		return Resource{}, false
	}
	return Resource{Address: a.origin + path, Metadata: a.origin + MetadataPath + path, Issuer: a.oidc.Provider.Issuer()}, true
}

type resourceKey struct{}

// ForResource returns a request as one to the resource at a path: access tokens of the
// issuer that were made for it show who sends the request. Elsewhere none does.
func ForResource(r *http.Request, path string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), resourceKey{}, path))
}

func resourceOf(ctx context.Context) string {
	path, _ := ctx.Value(resourceKey{}).(string)
	return path
}

// Challenge returns what WWW-Authenticate tells a caller of the resource at a path who is
// not known: where it says which issuer makes tokens for it, if one does.
func (a *Authenticator) Challenge(r *http.Request, path string) string {
	if r.Header.Get("Authorization") != "" {
		return a.challenge(path, `error="invalid_token"`)
	}
	return a.challenge(path)
}

// ChallengeScope returns what WWW-Authenticate tells a caller whose token lacks a scope.
func (a *Authenticator) ChallengeScope(path string, scope cairn.Scope) string {
	return a.challenge(path, `error="insufficient_scope"`, `scope="`+string(scope)+`"`)
}

func (a *Authenticator) challenge(path string, parameters ...string) string {
	if resource, ok := a.Resource(path); ok {
		parameters = append(parameters, `resource_metadata="`+resource.Metadata+`"`)
	}
	return strings.TrimSpace("Bearer " + strings.Join(parameters, ", "))
}

// isJWT reports whether a secret has the form of a signed JWT.
func isJWT(secret string) bool {
	return strings.HasPrefix(secret, "ey") && strings.Count(secret, ".") == 2
}

// byAccessToken says whom an access token of the issuer is of that was made for the
// resource at a path: who has signed in before with the identity that it names. Nobody
// gets an account or an identity by it.
func (a *Authenticator) byAccessToken(ctx context.Context, token, path string) (Identity, error) {
	resource, ok := a.Resource(path)
	if !ok {
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated, "there is no identity provider whose tokens count here; send a token of this server")
	}
	access, err := a.oidc.Provider.Accept(ctx, token, resource.Address)
	if errors.Is(err, oidc.ErrUnreachable) {
		return Identity{}, RefusedDown
	}
	if err != nil {
		a.log.InfoContext(ctx, "access token refused", slog.Any("cause", err))
		return Identity{}, cairn.Errorf(cairn.ErrUnauthenticated,
			"the access token is not accepted: it must be made by %s for %s and not have expired", resource.Issuer, resource.Address)
	}
	holder, err := a.store.HolderOf(ctx, Subject{access.Issuer, access.Subject})
	if err != nil {
		return Identity{}, notFoundAs(err, "no account belongs to the identity of the access token; sign in to Cairn in a browser once")
	}
	return a.identity(holder, accessScopes(access.Scopes), ViaIssuer)
}

// accessScopes returns the scopes of an access token: those that it names, or all
// that only read where it names none of them. No other can come by it.
func accessScopes(named []string) []cairn.Scope {
	reading := []cairn.Scope{cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead}
	held := slices.DeleteFunc(slices.Clone(reading), func(s cairn.Scope) bool { return !slices.Contains(named, string(s)) })
	if len(held) == 0 {
		return reading
	}
	return held
}

// CheckHost refuses requests that name another host than this server, and those that
// come from a page of another site, with or without a token: a page can make a name of
// its own resolve to this server (DNS rebinding), but cannot change these two headers. An
// address that is no name cannot be made to be another's.
func (a *Authenticator) CheckHost(r *http.Request) error {
	if !a.ownHost(r.Host) {
		return cairn.Errorf(cairn.ErrDenied, "this is not an address of the server; use the one in CAIRN_PUBLIC_URL")
	}
	origin := r.Header.Get("Origin")
	if origin == "" || a.ownOrigin(origin, r.Host) {
		return nil
	}
	return cairn.Errorf(cairn.ErrDenied, "the request comes from a page of another site")
}

func (a *Authenticator) ownHost(host string) bool {
	name := hostname(host)
	public, err := url.Parse(a.origin)
	return LoopbackHost(host) || isAddress(name) || err == nil && name != "" && strings.EqualFold(name, public.Hostname())
}

// ownOrigin reports whether pages of an origin are this server's, or this machine's.
func (a *Authenticator) ownOrigin(origin, host string) bool {
	if a.origin != "" && strings.EqualFold(origin, a.origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return LoopbackHost(u.Host) && LoopbackHost(host) || isAddress(u.Hostname()) && u.Host == host
}

// hostname returns a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
