package client

import (
	"context"
	"net/http"
)

// Login redeems a one-time code and returns who is signed in now. The session
// is in a cookie, so that Config.HTTPClient needs a jar. The email is the address of
// the first administrator; for the code of an account that exists it says nothing.
func (c *Client) Login(ctx context.Context, code, email string) (Me, error) {
	return fetch[Me](ctx, c, http.MethodPost, api("login"), struct {
		Code  string `json:"code"`
		Email string `json:"email,omitempty"`
	}{code, email})
}

// Logout ends the session.
func (c *Client) Logout(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, api("logout"), nil, nil)
}

// LoginWithPassword signs in with an address and a password, as Login does with a code.
func (c *Client) LoginWithPassword(ctx context.Context, email, password string) (Me, error) {
	return fetch[Me](ctx, c, http.MethodPost, api("login"), struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}{email, password})
}

// SetPassword sets the password of the account that is signed in, in a session of
// Login or LoginWithPassword. Current is the password until now; it may be empty a few
// minutes after Login. The account's other sessions end.
func (c *Client) SetPassword(ctx context.Context, current, password string) error {
	return c.call(ctx, http.MethodPost, api("me", "password"), struct {
		Password string `json:"password"`
		Current  string `json:"current,omitempty"`
	}{password, current}, nil)
}
