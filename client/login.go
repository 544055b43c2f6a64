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
