package cairn

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// PrincipalKey names who may be let in, by exact comparison. There are no
// wildcards. The forms are
//
//	account:<id>               one account; what private ACLs use
//	user:<e-mail, lower case>  the account whose verified address this is
//	group:<directory>:<name>   a group of one directory ("cairn": kept here)
//	everyone                   every signed-in member
type PrincipalKey string

// Everyone is the key that every signed-in viewer holds.
const Everyone PrincipalKey = "everyone"

// The directories that are no source. Groups of a source have the source's name for
// a directory, so that no source has one of these names.
const (
	OwnDirectory  = "cairn" // kept here
	SCIMDirectory = "scim"  // provisioned by an identity provider
	OIDCDirectory = "oidc"  // from the claims of a sign-in
)

// CheckSourceName returns ErrInvalid for a name that a source cannot have because it is that of
// a directory: the groups that the source tells of would be those of that directory.
func CheckSourceName(name string) error {
	switch name {
	case OwnDirectory, SCIMDirectory, OIDCDirectory:
		return Errorf(ErrInvalid, "a source cannot be called %s, which is the name of a directory of groups: add it under another name", name)
	}
	return nil
}

// AccountKey returns the key that only the account id holds.
func AccountKey(id AccountID) PrincipalKey { return PrincipalKey("account:" + string(id)) }

// UserKey returns the key of a verified address; case does not matter. That of what
// FoldAddress refuses is not Valid, and nobody holds it.
func UserKey(email string) PrincipalKey {
	if folded, ok := FoldAddress(email); ok {
		email = folded
	}
	return PrincipalKey("user:" + email)
}

// GroupKey returns the key of group name in the directory ("cairn", "okta", …).
func GroupKey(directory, name string) PrincipalKey {
	return PrincipalKey("group:" + directory + ":" + name)
}

// Valid reports whether k has one of the forms of PrincipalKey.
func (k PrincipalKey) Valid() bool {
	if k == Everyone {
		return true
	}
	kind, rest, ok := strings.Cut(string(k), ":")
	if !ok || rest == "" || strings.ContainsAny(rest, "\x00\n") {
		return false
	}
	switch kind {
	case "account":
		return true
	case "user":
		folded, ok := FoldAddress(rest)
		return ok && folded == rest
	case "group":
		directory, name, ok := strings.Cut(rest, ":")
		return ok && directory != "" && name != ""
	}
	return false
}

// ACL says who may read a document. The zero ACL admits nobody.
type ACL struct {
	// Allow is a conjunction of clauses; a clause is met by any one of its
	// keys. A page restriction inside a space is two clauses. An empty clause
	// is met by nobody.
	Allow [][]PrincipalKey `json:"allow"`
	// Deny wins over Allow: a viewer who holds one of these keys is not admitted.
	Deny []PrincipalKey `json:"deny,omitempty"`
}

// Allow returns the ACL of one clause: it admits whoever holds any of the keys.
func Allow(keys ...PrincipalKey) ACL { return ACL{Allow: [][]PrincipalKey{keys}} }

// Viewer is who asks. It is resolved by the server from a session, a token or
// a verified identity of another system, never taken from a request. The zero
// Viewer holds no key and is admitted nowhere.
type Viewer struct {
	Account AccountID
	Keys    []PrincipalKey
	// Grants are those of the account that lived when the viewer was resolved, in
	// ascending order. The database decides whether they still do.
	Grants []GrantID
	// Also are the keys of others who see what the viewer is shown: only what admits each
	// of them as well is admitted. An empty set of keys is admitted nowhere.
	Also [][]PrincipalKey
}

// Among returns a viewer who has the account of v, and is admitted only where v and all of
// the others are: by their keys alone, since nobody's grant covers somebody else.
func (v Viewer) Among(others ...Viewer) Viewer {
	out := Viewer{Account: v.Account, Keys: v.Keys, Also: slices.Clone(v.Also)}
	for _, o := range others {
		out.Also = append(append(out.Also, o.Keys), o.Also...)
	}
	return out
}

// Admits reports whether v may read what carries the ACL.
func (a ACL) Admits(v Viewer) bool {
	return a.admits(v.Keys) && !slices.ContainsFunc(v.Also, func(held []PrincipalKey) bool { return !a.admits(held) })
}

func (a ACL) admits(held []PrincipalKey) bool {
	if len(a.Allow) == 0 || holdsAny(held, a.Deny) {
		return false
	}
	for _, clause := range a.Allow {
		if !holdsAny(held, clause) {
			return false
		}
	}
	return true
}

func holdsAny(held, keys []PrincipalKey) bool {
	return slices.ContainsFunc(keys, func(k PrincipalKey) bool { return slices.Contains(held, k) })
}

// Canonical returns an ACL that admits the same viewers, with keys and clauses
// sorted and repetitions dropped, so that equal rules are equal values.
func (a ACL) Canonical() ACL {
	var out ACL
	for _, clause := range a.Allow {
		out.Allow = append(out.Allow, canonicalKeys(clause))
	}
	slices.SortFunc(out.Allow, slices.Compare[[]PrincipalKey])
	out.Allow = slices.CompactFunc(out.Allow, slices.Equal[[]PrincipalKey])
	out.Deny = canonicalKeys(a.Deny)
	return out
}

func canonicalKeys(keys []PrincipalKey) []PrincipalKey {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// Hash returns a fingerprint of the canonical form: ACLs with equal hashes
// admit the same viewers.
func (a ACL) Hash() [32]byte {
	c := a.Canonical()
	h := sha256.New()
	write := func(tag string, keys []PrincipalKey) {
		h.Write([]byte(tag))
		for _, k := range keys {
			h.Write([]byte{0})
			h.Write([]byte(k))
		}
		h.Write([]byte{0, 0})
	}
	for _, clause := range c.Allow {
		write("allow", clause)
	}
	write("deny", c.Deny)
	return [32]byte(h.Sum(nil))
}

// Validate returns an ErrInvalid error that names the first malformed key, or nil.
func (a ACL) Validate() error {
	check := func(keys []PrincipalKey) error {
		for _, k := range keys {
			if !k.Valid() {
				return Errorf(ErrInvalid, "%q is not a principal: use account:<id>, user:<e-mail in lower case>, group:<directory>:<name> or everyone", string(k))
			}
		}
		return nil
	}
	for _, clause := range a.Allow {
		if err := check(clause); err != nil {
			return err
		}
	}
	return check(a.Deny)
}
