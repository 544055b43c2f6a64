package api

import (
	"encoding/json"
	"errors"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// wireACL is an ACL as it is sent.
type wireACL struct {
	Allow [][]cairn.PrincipalKey `json:"allow"`
	Deny  []cairn.PrincipalKey   `json:"deny"`
}

// UnmarshalJSON reads an object without unknown fields. Errors are ErrInvalid.
func (w *wireACL) UnmarshalJSON(b []byte) error {
	type plain wireACL
	err := decodeStrictly(b, (*plain)(w))
	if shape := (*json.UnmarshalTypeError)(nil); errors.As(err, &shape) {
		return cairn.Errorf(cairn.ErrInvalid, `an "acl" is written as in {"allow": [["group:cairn:hr", "user:ann@example.com"]], "deny": ["user:bob@example.com"]}; `+
			`"allow" is a list of lists, of each of which a reader must hold one`)
	}
	return invalidJSON(err)
}

func wireACLOf(a cairn.ACL) *wireACL {
	out := &wireACL{Allow: [][]cairn.PrincipalKey{}, Deny: list(a.Deny)}
	for _, clause := range a.Allow {
		out.Allow = append(out.Allow, list(clause))
	}
	return out
}

const (
	maxClauses    = 100
	maxPrincipals = 10_000 // in all
)

// checked returns the ACL, or an ErrInvalid that says what is wrong with it.
func (w wireACL) checked() (cairn.ACL, error) {
	n := len(w.Deny)
	for _, clause := range w.Allow {
		n += len(clause)
	}
	if len(w.Allow) > maxClauses || n > maxPrincipals {
		return cairn.ACL{}, cairn.Errorf(cairn.ErrInvalid, "an acl may have %d clauses and %d principals", maxClauses, maxPrincipals)
	}
	if w.Allow == nil {
		return cairn.ACL{}, cairn.Errorf(cairn.ErrInvalid, "\"acl\" needs \"allow\"; an empty list admits nobody")
	}
	acl := cairn.ACL{Allow: w.Allow, Deny: w.Deny}
	return acl, acl.Validate()
}

// aclChoice is what a request may say about the permissions of a source: a word
// or a whole ACL. The zero value says nothing.
type aclChoice struct {
	word string
	acl  *wireACL
}

// UnmarshalJSON reads a string or an object without unknown fields.
func (c *aclChoice) UnmarshalJSON(b []byte) error {
	*c = aclChoice{}
	switch {
	case string(b) == "null":
		return nil
	case len(b) > 0 && b[0] == '"':
		if err := json.Unmarshal(b, &c.word); err != nil {
			return err
		}
		if c.word == "" {
			return cairn.Errorf(cairn.ErrInvalid, "\"acl\" is empty; leave it out, or say source, private, everyone or a principal")
		}
		return nil
	}
	c.acl = &wireACL{}
	return unmarshal(b, c.acl)
}

func (c aclChoice) given() bool { return c.word != "" || c.acl != nil }

// apply sets the permissions of a source of a kind, whose private documents are
// owner's.
func (c aclChoice) apply(s *cairn.Source, kind connectors.Kind, owner cairn.AccountID) error {
	s.ACLMode = cairn.ACLDeclared
	word := c.word
	if !c.given() {
		word = "private"
		if kind.ReadsACL {
			word = "source"
		}
	}
	switch {
	case c.acl != nil:
		acl, err := c.acl.checked()
		s.ACL = acl
		return err
	case word == "source":
		if !kind.ReadsACL {
			return cairn.Errorf(cairn.ErrInvalid, "sources of kind %s do not tell who may read; say private, everyone or group:cairn:NAME", kind.Name)
		}
		s.ACLMode, s.ACL = cairn.ACLFromSource, cairn.ACL{}
	case word == "private":
		s.ACL = cairn.Allow(cairn.AccountKey(owner))
	case cairn.PrincipalKey(word).Valid():
		s.ACL = cairn.Allow(cairn.PrincipalKey(word))
	default:
		return cairn.Errorf(cairn.ErrInvalid, "%q is no acl; say source, private, everyone, group:cairn:NAME or user:E-MAIL", word)
	}
	return nil
}
