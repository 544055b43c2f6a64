// Package connectors is the contract between Cairn and the places that a
// company's documents lie in. A connector knows external ids and opens byte
// streams; it never extracts text and never sees Cairn's own ids. Each kind of
// source is one sub-package; package connectortest has the test that all of
// them must pass.
package connectors

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// Connector reads one configured source.
type Connector interface {
	// Changes yields what changed since a cursor, in an order that may be cut
	// anywhere: the caller stores changes together with the newest Cursor that
	// came with one of them, and begins there the next time. The empty cursor
	// means everything. A connector may yield documents that did not change
	// when the source gives it no better way; Metadata.Revision then lets the
	// caller skip them. A failure of one document is a Change with Err set; an
	// error in the second position ends the sequence, and what was yielded
	// before it stands. A Connector is used by one goroutine at a time.
	Changes(ctx context.Context, since Cursor) iter.Seq2[Change, error]
}

// Lister is implemented by connectors that can list all documents. The caller
// compares the list with what it has and deletes the rest, but only when the
// sequence ended without an error.
type Lister interface {
	// Externals yields the external id of every document that the source has
	// now. An error means that the list is incomplete; it comes after everything
	// that can be listed.
	Externals(ctx context.Context) iter.Seq2[string, error]
}

// Rereader is implemented by connectors that can read parts of a source by themselves, as
// News.Part names them: of a source that is large, when webhooks tell of one part.
type Rereader interface {
	// Reread yields what changed in the parts, as Changes does, since a cursor of Changes.
	// The caller drops the cursors that come with it: Changes will yield the same again.
	// Parts that the source does not have, or that Changes has not read yet, are left to it.
	Reread(ctx context.Context, since Cursor, parts []string) iter.Seq2[Change, error]
}

// Permissions is implemented by connectors that can tell who may read each document
// without reading the document: often, and cheaply.
type Permissions interface {
	// Permissions yields every document that the source has now, each once, in any
	// order, also those that cannot be read: what is not yielded has vanished. No
	// document is opened. An error means that the list is incomplete, and comes after
	// everything that can be told, so that one part of a source that cannot be read
	// keeps no other part open. What was yielded before it stands; the caller keeps
	// what it knows of the others.
	Permissions(ctx context.Context) iter.Seq2[Permission, error]
}

// Permission is who may read one document.
type Permission struct {
	External string
	ACL      *cairn.ACL // as in Change
	// Err, when not nil, says why it could not be told: the document keeps the ACL
	// that was told before, and is readable by nobody when none was. A *DocumentError
	// has the reason that people are shown; with the code PermissionsNotUnderstood the
	// document is readable by nobody.
	Err error
	// Tentative says that the ACL is the document's unless its last reading could not
	// tell one: a document that has the error PermissionsUnknown or
	// PermissionsNotUnderstood is readable by nobody, and has the error, until it is read
	// again.
	Tentative bool
}

// Parts is what Permissions is for connectors of sources that consist of parts, such as
// channels or repositories, where all documents of a part have one ACL.
type Parts interface {
	// Parts yields every part that the source has now, each once, in any order. No
	// document is listed or opened: what vanished within a part is left to Changes and
	// Externals. Documents of a part that is not yielded can be read by nobody until it
	// is yielded again. Errors are as in Permissions.
	Parts(ctx context.Context) iter.Seq2[Part, error]
}

// Part is who may read the documents of one part of a source.
type Part struct {
	// Prefix is what the external ids of the part's documents begin with, and those of
	// no others.
	Prefix string
	ACL    *cairn.ACL // as in Change
	Err    error      // as in Permission
}

// CanTellPermissions reports whether a connector can tell who may read documents without
// reading them.
func CanTellPermissions(c Connector) bool {
	_, documents := c.(Permissions)
	_, parts := c.(Parts)
	return documents || parts
}

// The codes of a DocumentError that says that who may read a document is not known. In a
// Change the text that was told before stays; a new document is not stored.
const (
	// PermissionsUnknown says that the source failed to tell. The ACL of before holds.
	PermissionsUnknown = "permissions_unknown"
	// PermissionsNotUnderstood says that the source told something that is not understood,
	// which may keep people out: nobody may read the document.
	PermissionsNotUnderstood = "permissions_not_understood"
)

// Directory is implemented by connectors of sites that have groups of their own.
type Directory interface {
	// Members yields every membership of the site's groups, in any order. Groups
	// may be nested and form circles. An error means that the list is incomplete:
	// the caller then keeps what it had. What the site failed to tell never looks like
	// a group without members.
	Members(ctx context.Context) iter.Seq2[Member, error]
}

// Member is one member of a group: a person, a group of the same site, or nobody,
// for a group that is to be known although it is empty.
type Member struct {
	Group    string // name of the group at the site: one line
	Email    string // address of a person that the site has verified
	Subgroup string // name of a group whose members belong to Group, too
	// Untold says that the site failed to tell who is in Group at the moment: the caller
	// keeps what it had of it. A group that is gone is not named at all.
	Untold bool
}

// SiteGroup returns the key that stands, in the ACLs that a connector yields, for a
// group of its own site. It is no valid principal before InDirectory: forgotten, it
// admits nobody.
func SiteGroup(name string) cairn.PrincipalKey { return cairn.GroupKey("", name) }

// InDirectory returns the ACL with the groups of the site, as SiteGroup names them,
// as groups of a directory. The same name at two sites is two groups.
func InDirectory(acl cairn.ACL, directory string) cairn.ACL {
	qualified := func(keys []cairn.PrincipalKey) []cairn.PrincipalKey {
		if keys == nil {
			return nil
		}
		out := make([]cairn.PrincipalKey, len(keys))
		for i, k := range keys {
			out[i] = k
			if name, ok := strings.CutPrefix(string(k), string(SiteGroup(""))); ok {
				out[i] = cairn.GroupKey(directory, name)
			}
		}
		return out
	}
	out := cairn.ACL{Deny: qualified(acl.Deny)}
	for _, clause := range acl.Allow {
		out.Allow = append(out.Allow, qualified(clause))
	}
	return out
}

// Tester is implemented by connectors that can say more of a source than that its first
// change can be read: whether the credential holds, and reaches as far as it must.
type Tester interface {
	// Test reaches out to the source and reads a first page. It returns a sentence on
	// what it found, such as who the credential belongs to and how much it reaches; an
	// error says what to fix.
	Test(ctx context.Context) (string, error)
}

// Cursor is a position in a source's history: opaque to everybody but the
// connector that made it. The zero Cursor is the beginning.
type Cursor string

// Op says what happened to a document.
type Op int

// The operations.
const (
	Upsert     Op = iota // new or changed: everything in the Change is current
	Delete               // gone from the source
	SetACL               // only the ACL changed
	Checkpoint           // nothing happened; carries a Cursor
)

// String returns the name of the operation.
func (o Op) String() string {
	switch o {
	case Upsert:
		return "upsert"
	case Delete:
		return "delete"
	case SetACL:
		return "acl"
	case Checkpoint:
		return "checkpoint"
	}
	return fmt.Sprintf("Op(%d)", int(o))
}

// Change is one thing that happened in a source.
type Change struct {
	Op       Op
	External string // the source's id of the document; empty for Checkpoint
	// From is the id that the document had when it was last told, and has no longer, when
	// the source says so: it stays the same document, whatever else has changed. Only an
	// Upsert has one. Empty: the id has not changed, or nobody can tell. A former id that
	// the source lists, or the caller does not know, counts for nothing.
	From     string
	Metadata Metadata
	// ACL is who may read the document at the source; nil when the source does
	// not tell, in which case the source's own ACL stands. A pointer to the zero
	// ACL admits nobody. When the source should have told and failed to, the
	// document has failed: Err, with the code PermissionsUnknown; when it told something that
	// is not understood, with the code PermissionsNotUnderstood.
	ACL *cairn.ACL
	// Open returns the document's bytes; nil unless Op is Upsert. It may be
	// called later than the next Change, from another goroutine, and more than
	// once; the caller closes what it returns.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Err, when not nil, says why this document could not be read. The other fields but
	// External and Cursor are then unset. A *DocumentError carries a code.
	Err error
	// Cursor is a position after this change; empty when the connector cannot
	// resume here.
	Cursor Cursor
}

// Metadata is what a source says of a document beside its bytes. All fields
// are optional.
type Metadata struct {
	Title string
	URL   string // http, https or file
	// Lines is how the source addresses lines of the document: a reference relative to
	// URL with {first}, {last} and {next}, the line behind the last, as in
	// "#lines-{first}:{last}". Empty: "#L{first}-L{last}".
	Lines      string
	Author     string
	Kind       cairn.Kind
	MediaType  string // as the source declares it; extraction trusts the bytes more
	Filename   string
	Size       int64 // bytes; 0 when unknown
	Created    time.Time
	Modified   time.Time
	Attributes map[string]string
	Parent     string // external id of the document that this one is attached to
	// Revision changes whenever the document does (an ETag, a modification time
	// with size). A document whose revision is the stored one is not opened.
	Revision string
}

// DocumentError is a failure of one document that a person can act upon.
type DocumentError struct {
	Code   string // stable, snake_case: "unreadable", "too_large", …
	Reason string // a sentence
	Err    error  // may be nil
}

// Error returns the reason.
func (e *DocumentError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *DocumentError) Unwrap() error { return e.Err }
