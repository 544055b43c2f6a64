package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// Me is who is calling.
type Me struct {
	ID     string        `json:"id"`
	Email  string        `json:"email"`
	Name   string        `json:"name"`
	Role   cairn.Role    `json:"role"`
	Via    string        `json:"via"` // "session", "token" or "local"
	Scopes []cairn.Scope `json:"scopes"`
	// Password says whether the account has a password: "set", "none", or "off" when
	// it cannot have one.
	Password string `json:"password"`
	Reply
}

// Me returns who the server takes the caller for.
func (c *Client) Me(ctx context.Context) (Me, error) {
	return fetch[Me](ctx, c, http.MethodGet, api("me"), nil)
}

// User is an account.
type User struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	Name      string     `json:"name"`
	Role      cairn.Role `json:"role"`
	Disabled  bool       `json:"disabled"`
	CreatedAt time.Time  `json:"created_at"`
	Reply
}

// UserRequest is an account to add. Only Email is required.
type UserRequest struct {
	Email string     `json:"email"`
	Name  string     `json:"name,omitempty"`
	Role  cairn.Role `json:"role,omitempty"` // empty: member
}

// Users lists all accounts.
func (c *Client) Users(ctx context.Context) (List[User], error) {
	return list[User](ctx, c, api("users"), "users", 0)
}

// AddUser adds an account. Its address counts as verified.
func (c *Client) AddUser(ctx context.Context, req UserRequest) (User, error) {
	return fetch[User](ctx, c, http.MethodPost, api("users"), req)
}

// DisableUser disables an account, or enables it again. The user is an id or an
// e-mail address.
func (c *Client) DisableUser(ctx context.Context, user string, disabled bool) (User, error) {
	if err := required("account", user); err != nil {
		return User{}, err
	}
	return fetch[User](ctx, c, http.MethodPatch, api("users", user), map[string]bool{"disabled": disabled})
}

// SignInCode is a code with which an account signs in once.
type SignInCode struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
	Reply
}

// SignInCode makes a code for an account; an older one becomes invalid.
func (c *Client) SignInCode(ctx context.Context, user string) (SignInCode, error) {
	if err := required("account", user); err != nil {
		return SignInCode{}, err
	}
	return fetch[SignInCode](ctx, c, http.MethodPost, api("users", user, "code"), nil)
}

// ResetPassword removes the password of an account and ends its sessions and codes.
func (c *Client) ResetPassword(ctx context.Context, user string) error {
	if err := required("account", user); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("users", user, "password"), nil, nil)
}

// Binding is an identity of the issuer that came with the address of an account
// which another identity has. It is refused until it is confirmed.
type Binding struct {
	ID       string    `json:"id"`
	User     User      `json:"user"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Name     string    `json:"name"` // as the issuer says
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
	Attempts int       `json:"attempts"`
}

// Bindings lists the identities that wait for confirmation.
func (c *Client) Bindings(ctx context.Context) (List[Binding], error) {
	return list[Binding](ctx, c, api("users", "bindings"), "bindings", 0)
}

// ConfirmBinding gives the account to the identity and returns the account.
func (c *Client) ConfirmBinding(ctx context.Context, id string) (User, error) {
	if err := required("id of a binding", id); err != nil {
		return User{}, err
	}
	return fetch[User](ctx, c, http.MethodPost, api("users", "bindings", id, "confirm"), nil)
}

// DismissBinding refuses the identity for good.
func (c *Client) DismissBinding(ctx context.Context, id string) error {
	if err := required("id of a binding", id); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("users", "bindings", id), nil, nil)
}

// SlackPerson is somebody in a workspace of Slack whom an administrator has given an account.
type SlackPerson struct {
	Workspace  string    `json:"workspace"`
	Email      string    `json:"email"` // that Slack has confirmed
	User       User      `json:"user"`
	ApprovedBy string    `json:"approved_by"` // id of an account
	ApprovedAt time.Time `json:"approved_at"`
	Reply
}

// SlackPeople lists who was approved in Slack.
func (c *Client) SlackPeople(ctx context.Context) (List[SlackPerson], error) {
	return list[SlackPerson](ctx, c, api("slack", "people"), "people", 0)
}

// ApproveSlackPerson gives the account of a user, an id or an address, to an address in a
// workspace.
func (c *Client) ApproveSlackPerson(ctx context.Context, workspace, email, user string) (SlackPerson, error) {
	if err := errors.Join(required("workspace", workspace), required("address", email)); err != nil {
		return SlackPerson{}, err
	}
	return fetch[SlackPerson](ctx, c, http.MethodPut, api("slack", "people", workspace, email), map[string]string{"user": user})
}

// RemoveSlackPerson takes the account from an address in a workspace.
func (c *Client) RemoveSlackPerson(ctx context.Context, workspace, email string) error {
	if err := errors.Join(required("workspace", workspace), required("address", email)); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("slack", "people", workspace, email), nil, nil)
}

// Group is a group of a directory.
type Group struct {
	Name      string   `json:"name"`
	Principal string   `json:"principal"` // its name in ACLs
	Members   []User   `json:"members"`
	Groups    []string `json:"groups"` // principals of groups whose members belong to it, too
	Reply
}

// Groups lists the groups of a directory; empty: those that the server keeps itself.
func (c *Client) Groups(ctx context.Context, directory string) (List[Group], error) {
	if directory == "" {
		return list[Group](ctx, c, api("groups"), "groups", 0)
	}
	return list[Group](ctx, c, api("groups"), "groups", 0, "directory", directory)
}

// AddGroup adds a group without members.
func (c *Client) AddGroup(ctx context.Context, name string) (Group, error) {
	return fetch[Group](ctx, c, http.MethodPost, api("groups"), map[string]string{"name": name})
}

// SetGroup says who belongs to a group: e-mail addresses, ids, or groups by their
// principals.
func (c *Client) SetGroup(ctx context.Context, name string, members []string) (Group, error) {
	if err := required("group", name); err != nil {
		return Group{}, err
	}
	if members == nil {
		members = []string{}
	}
	return fetch[Group](ctx, c, http.MethodPut, api("groups", name), map[string][]string{"members": members})
}

// DeleteGroup removes a group, and with it what it let its members read.
func (c *Client) DeleteGroup(ctx context.Context, name string) error {
	if err := required("group", name); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("groups", name), nil, nil)
}

// Token describes a bearer token without its secret.
type Token struct {
	ID         string        `json:"id"`
	AccountID  string        `json:"account_id"`
	Name       string        `json:"name"`
	Scopes     []cairn.Scope `json:"scopes"`
	CreatedAt  time.Time     `json:"created_at"`
	ExpiresAt  time.Time     `json:"expires_at"`
	LastUsedAt *time.Time    `json:"last_used_at"`
	RevokedAt  *time.Time    `json:"revoked_at"`
}

// NewToken is a token with its secret, which the server shows this once.
type NewToken struct {
	Secret string `json:"secret"`
	Token
	Reply
}

// TokenRequest is a token to make. The zero value is one for the caller, with
// the default scopes, for 90 days.
type TokenRequest struct {
	User   string        `json:"user,omitempty"` // e-mail address or id
	Name   string        `json:"name,omitempty"`
	Scopes []cairn.Scope `json:"scopes,omitempty"`
	TTL    string        `json:"ttl,omitempty"` // as in 720h
}

// Tokens lists the caller's tokens, or those of everybody.
func (c *Client) Tokens(ctx context.Context, everybody bool) (List[Token], error) {
	if everybody {
		return list[Token](ctx, c, api("tokens"), "tokens", 0, "all", "true")
	}
	return list[Token](ctx, c, api("tokens"), "tokens", 0)
}

// AddToken makes a token.
func (c *Client) AddToken(ctx context.Context, req TokenRequest) (NewToken, error) {
	return fetch[NewToken](ctx, c, http.MethodPost, api("tokens"), req)
}

// RevokeToken revokes a token by its id.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	if err := required("id of a token", id); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("tokens", id), nil, nil)
}
