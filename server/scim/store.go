package scim

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
)

// User is an account as identity providers see it.
type User struct {
	ID         cairn.AccountID
	UserName   string // unique, whatever the case
	Named      bool   // the provider has given the user name; else it is the address
	ExternalID string
	Address    string // verified, in lower case; unique
	Display    string
	Profile    Profile
	Active     bool
	Created    time.Time
	Changed    time.Time
	Revision   int64 // another one after every change
}

// Profile is what a provider says of a person and Cairn only gives back.
type Profile struct {
	Formatted  string  `json:"formatted,omitempty"`
	GivenName  string  `json:"given,omitempty"`
	FamilyName string  `json:"family,omitempty"`
	Emails     []Email `json:"emails,omitempty"` // as they were sent; empty: none but the address
}

// Email is one address of a user.
type Email struct {
	Value   string `json:"value"`
	Type    string `json:"type,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

// Query says which users or groups are asked for; nil asks for any. Id, ExternalID
// and Member are compared exactly, the others without regard to case.
type Query struct {
	ID, ExternalID, UserName, Email, Display, Member *string
	Active                                           *bool
	None                                             bool // no resource can match
	Offset, Limit                                    int
	Members                                          bool // groups are wanted with their members
}

// Users keeps the accounts. The account of local mode and accounts with neither
// address nor user name are left out.
type Users interface {
	// ListUsers returns those that match, in a stable order, and how many there are.
	ListUsers(ctx context.Context, q Query) (users []User, total int, err error)
	// CreateUser stores an account with the role member. ErrConflict when its user
	// name or address is taken, ErrInvalid when something cannot be stored.
	CreateUser(ctx context.Context, u User) (User, error)
	// UpdateUser stores what edit makes of an account; nobody else changes it
	// meanwhile. Sessions of one that becomes inactive end. ErrNotFound when there is
	// no such account, ErrConflict and ErrInvalid as CreateUser, ErrDenied when no
	// administrator would remain, or one would have another address or lose her
	// password to the provider; edit's error as it is.
	UpdateUser(ctx context.Context, id cairn.AccountID, edit func(*User) error) (User, error)
	// DeleteUser erases a person for the account by, as api.Accounts does, if check
	// allows it. Errors as UpdateUser.
	DeleteUser(ctx context.Context, id, by cairn.AccountID, check func(User) error) error
}

// Group is a group of the directory "scim".
type Group struct {
	ID         string
	Display    string // its name in principals
	ExternalID string
	Members    []Member // unless they were not asked for
	Created    time.Time
	Changed    time.Time
	Revision   int64
}

// Member is one member of a group.
type Member struct {
	ID      string // of an account or a group
	Display string
	Group   bool
}

// GroupEdit is one step of a change of a group. Its parts happen in the order of the
// fields.
type GroupEdit struct {
	Display    *string
	ExternalID *string
	Clear      bool     // all members leave that Add does not name
	Remove     []string // ids that are no members do not matter
	Add        []string // ids of accounts and groups
}

// Groups keeps the groups of the directory "scim".
type Groups interface {
	// ListGroups returns those that match, in a stable order, and how many there are.
	ListGroups(ctx context.Context, q Query) (groups []Group, total int, err error)
	// CreateGroup stores a group. ErrConflict when its name is taken, ErrInvalid when a
	// member does not exist.
	CreateGroup(ctx context.Context, g Group) (Group, error)
	// UpdateGroup does the steps that plan returns, all or none; plan gets the group
	// without members, and nobody else changes it meanwhile. It returns the group
	// without members. Errors as CreateGroup; ErrNotFound when there is no such group.
	UpdateGroup(ctx context.Context, id string, plan func(Group) ([]GroupEdit, error)) (Group, error)
	// DeleteGroup removes a group, if check allows it. Errors as UpdateGroup.
	DeleteGroup(ctx context.Context, id string, check func(Group) error) error
}

// Store is everything that the package reads and writes.
type Store interface {
	Users
	Groups
}
