package ingest

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// newest is what was told last of permissions alone, between two batches of a run that
// reads documents. What the connector of the run tells may be older, since it may keep
// what it was told when the run began, or newer. The zero newest knows nothing.
type newest struct {
	documents map[string]*cairn.ACL // nil: the source's
	parts     map[string]*cairn.ACL // by prefix
	untold    []string              // prefixes of parts that are there, of which nobody can tell
	whole     bool                  // there are no other parts
	same      map[[32]byte]*cairn.ACL
}

// nobody returns an ACL that admits nobody.
func nobody() *cairn.ACL { return &cairn.ACL{} }

// note notes what was told of a document or a part. What could not be told stays.
func (n *newest) note(in *map[string]*cairn.ACL, name string, acl *cairn.ACL, err error) {
	if *in == nil {
		*in = make(map[string]*cairn.ACL)
	}
	switch {
	case permissionsCode(err) == connectors.PermissionsNotUnderstood:
		acl = nobody()
	case err != nil:
		return
	}
	(*in)[name] = n.shared(acl)
}

// shared returns one ACL for all that are equal.
func (n *newest) shared(acl *cairn.ACL) *cairn.ACL {
	if acl == nil {
		return nil
	}
	if n.same == nil {
		n.same = make(map[[32]byte]*cairn.ACL)
	}
	h := acl.Hash()
	if n.same[h] == nil {
		n.same[h] = acl
	}
	return n.same[h]
}

// of returns what was told of a document, or of the part that it is in. What is in none
// of all parts is nobody's.
func (n *newest) of(external string) (acl *cairn.ACL, known bool) {
	if acl, known = n.documents[external]; known {
		return acl, true
	}
	for prefix, acl := range n.parts {
		if strings.HasPrefix(external, prefix) {
			return acl, true
		}
	}
	untold := slices.ContainsFunc(n.untold, func(prefix string) bool { return strings.HasPrefix(external, prefix) })
	return nobody(), n.whole && !untold
}

// narrow lets a document that is told by the connector of the run be read by those alone
// whom both this and what was told last of permissions alone let in: nobody knows which of
// the two is newer. The next run of permissions tells it exactly.
func (r *syncRun) narrow(c connectors.Change) connectors.Change {
	if r.IgnoreACLs || c.Err != nil || c.Op != connectors.Upsert && c.Op != connectors.SetACL {
		return c
	}
	told, known := r.newest.of(c.External)
	if !known {
		return c
	}
	now, then := r.effective(c.ACL), r.effective(told)
	if now.Hash() == then.Hash() {
		return c
	}
	both := cairn.ACL{}
	if len(now.Allow) > 0 && len(then.Allow) > 0 {
		both = cairn.ACL{Allow: slices.Concat(now.Allow, then.Allow), Deny: slices.Concat(now.Deny, then.Deny)}.Canonical()
	}
	c.ACL = &both
	return c
}

// effective returns an ACL as it holds when nothing else is told.
func (r *syncRun) effective(told *cairn.ACL) cairn.ACL {
	acl, _ := r.aclOf(told)
	return acl.Canonical()
}
