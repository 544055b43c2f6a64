package cairn

import (
	"strings"
	"time"
	"unicode"
)

// AccountID names an account: opaque, URL-safe, never reused.
type AccountID string

// Role is what an account may do beside reading what its keys admit it to.
type Role string

// The roles. An administrator does not read documents by being one.
const (
	RoleAdmin   Role = "admin"   // sources, accounts, settings
	RoleAuditor Role = "auditor" // reads the audit log and access explanations
	RoleMember  Role = "member"  // searches and asks
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r == RoleAdmin || r == RoleAuditor || r == RoleMember }

// Account is a person or a program that can sign in.
type Account struct {
	ID       AccountID
	Email    string // verified address in lower case; empty for the account "local"
	Name     string
	Role     Role
	Disabled bool
	Created  time.Time
}

// maxAddress is how many bytes an address has at most.
const maxAddress = 320

// FoldAddress returns an e-mail address as addresses are stored and compared
// everywhere: without blanks around it, in lower case. It refuses what is no address, and
// those in which a letter beyond ASCII has one of ASCII as its small form (the Kelvin
// sign, the dotted capital I): they would become somebody else's address.
func FoldAddress(s string) (folded string, ok bool) {
	s = strings.TrimSpace(s)
	local, domain, _ := strings.Cut(s, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") || len(s) > maxAddress {
		return "", false
	}
	for _, r := range s {
		if r == unicode.ReplacementChar || unicode.IsSpace(r) || unicode.IsControl(r) || (r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII) {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// Scope is what a bearer token may be used for.
type Scope string

// The scopes of tokens. A session of the browser holds all that the role allows.
const (
	ScopeSearch Scope = "search" // search, suggestions
	ScopeAsk    Scope = "ask"    // questions and conversations
	ScopeRead   Scope = "read"   // documents, lists
	ScopeWrite  Scope = "write"  // push documents
	ScopeSCIM   Scope = "scim"   // provision accounts and groups, as an administrator's
	ScopeAdmin  Scope = "admin"  // everything the account's role allows
)

// Valid reports whether s is one of the scopes.
func (s Scope) Valid() bool {
	switch s {
	case ScopeSearch, ScopeAsk, ScopeRead, ScopeWrite, ScopeSCIM, ScopeAdmin:
		return true
	}
	return false
}

// DefaultScopes returns the scopes of a token for which none were named.
func DefaultScopes() []Scope { return []Scope{ScopeSearch, ScopeAsk, ScopeRead} }

// Token describes a bearer token; the secret itself is shown once and stored
// only as a hash.
type Token struct {
	ID       string
	Account  AccountID
	Name     string
	Scopes   []Scope
	Created  time.Time
	Expires  time.Time
	LastUsed time.Time // zero: never
	Revoked  time.Time // zero: valid
	Parent   string    // id of the token by which it was made, and with which it ends; empty: none
	Orphaned bool      // who made it so could not make it now
}
