package auth

import (
	"context"
	"slices"

	"github.com/cairnhq/cairn"
)

// Via says how a caller showed who it is.
type Via string

// The ways.
const (
	ViaSession Via = "session" // a cookie
	ViaToken   Via = "token"   // a bearer token of an account
	ViaIssuer  Via = "issuer"  // an access token of the issuer
	ViaLocal   Via = "local"   // the token of local mode
)

// Identity is who is calling.
type Identity struct {
	Account cairn.Account
	Viewer  cairn.Viewer
	Scopes  []cairn.Scope
	Via     Via
	Token   string // id of the token; empty without one
}

// Has reports whether the identity may act within a scope. The scope "admin"
// holds the others; the empty scope is held by everybody.
func (i Identity) Has(s cairn.Scope) bool {
	return s == "" || slices.Contains(i.Scopes, s) || slices.Contains(i.Scopes, cairn.ScopeAdmin)
}

// Permit returns nil when the identity has the scope and, unless role is empty,
// the role; what auditors may do, administrators may do as well. Otherwise it
// returns an ErrDenied that says which is missing.
func (i Identity) Permit(scope cairn.Scope, role cairn.Role) error {
	if !i.acts(role) {
		switch role {
		case cairn.RoleAdmin:
			return cairn.Errorf(cairn.ErrDenied, "only administrators may do this")
		case cairn.RoleAuditor:
			return cairn.Errorf(cairn.ErrDenied, "only administrators and auditors may do this")
		}
		return cairn.Errorf(cairn.ErrDenied, "this needs the role %s", role)
	}
	if !i.Has(scope) {
		return cairn.Errorf(cairn.ErrDenied, "the token lacks the scope %s; make one with it", scope)
	}
	return nil
}

// ViewerOf makes the viewer of an account: the only place where one is made.
// Its keys are the account's own, that of its verified address, those of its
// groups, and everyone; its grants are the account's. A disabled account gets the
// zero Viewer.
func ViewerOf(h Holder) cairn.Viewer {
	if h.Account.Disabled || h.Account.ID == "" {
		return cairn.Viewer{}
	}
	keys := append(make([]cairn.PrincipalKey, 0, len(h.Groups)+3), cairn.AccountKey(h.Account.ID))
	if h.Account.Email != "" {
		keys = append(keys, cairn.UserKey(h.Account.Email))
	}
	return cairn.Viewer{Account: h.Account.ID, Keys: append(append(keys, h.Groups...), cairn.Everyone), Grants: h.Grants}
}

// acts reports whether the account has the role, or one that holds it.
func (i Identity) acts(role cairn.Role) bool {
	held := i.Account.Role
	return role == "" || held == role || role == cairn.RoleAuditor && held == cairn.RoleAdmin
}

func allScopes() []cairn.Scope {
	return []cairn.Scope{cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead, cairn.ScopeWrite, cairn.ScopeSCIM, cairn.ScopeAdmin}
}

type identityKey struct{}

// NewContext returns a context that carries an identity.
func NewContext(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, i)
}

// FromContext returns the identity of a request, or the zero Identity, which
// may do and read nothing.
func FromContext(ctx context.Context) Identity {
	i, _ := ctx.Value(identityKey{}).(Identity)
	return i
}
