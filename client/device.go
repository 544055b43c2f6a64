package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cairnhq/cairn"
)

// clientID is what this program is called where OAuth 2.0 asks for it.
const clientID = "cairn"

// DeviceRequest is a token that is asked for of whoever is signed in in a browser.
type DeviceRequest struct {
	Name   string        // what the person is shown
	Scopes []cairn.Scope // none: the default ones
	TTL    string        // how long it is valid, as in 720h; empty: 90 days
}

// Device is a program that waits to be let in.
type Device struct {
	URL     string // where the person types the code
	Code    string
	Expires time.Time

	asked *oauth2.DeviceAuthResponse
}

// BeginDevice asks to be let in (RFC 8628).
func (c *Client) BeginDevice(ctx context.Context, req DeviceRequest) (Device, error) {
	scopes := make([]string, len(req.Scopes))
	for i, s := range req.Scopes {
		scopes[i] = string(s)
	}
	parameters := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("device_name", req.Name)}
	if req.TTL != "" {
		parameters = append(parameters, oauth2.SetAuthURLParam("ttl", req.TTL))
	}
	asked, err := c.deviceGrant(scopes...).DeviceAuth(c.withClient(ctx), parameters...)
	if err != nil {
		return Device{}, c.deviceFailure(ctx, err)
	}
	return Device{URL: asked.VerificationURI, Code: asked.UserCode, Expires: asked.Expiry, asked: asked}, nil
}

// AwaitDevice waits until the program is let in, and returns its token. Errors are of kind
// ErrUnauthenticated when it was refused, nobody decided in time, or the code is not known. A server that does not answer for
// a while is asked again.
func (c *Client) AwaitDevice(ctx context.Context, d Device) (NewToken, error) {
	for {
		t, err := c.deviceGrant().DeviceAccessToken(c.withClient(ctx), d.asked)
		if err == nil {
			return newToken(t), nil
		}
		if ctx.Err() != nil {
			return NewToken{}, ctx.Err()
		}
		var refused *oauth2.RetrieveError
		switch answered := errors.As(err, &refused); {
		case !time.Now().Before(d.Expires), answered && refused.ErrorCode == "expired_token":
			return NewToken{}, cairn.Errorf(cairn.ErrUnauthenticated, "nobody entered the code in time")
		case answered && refused.ErrorCode == "access_denied":
			return NewToken{}, cairn.Errorf(cairn.ErrUnauthenticated, "it was refused in the browser")
		case answered && refused.ErrorCode == "invalid_grant":
			return NewToken{}, cairn.Errorf(cairn.ErrUnauthenticated, "the server knows the code no more, or its answer was lost on the way")
		case answered && refused.Response.StatusCode < http.StatusInternalServerError:
			return NewToken{}, c.deviceFailure(ctx, err)
		}
	}
}

func newToken(t *oauth2.Token) NewToken {
	var made NewToken
	made.Secret, made.ExpiresAt = t.AccessToken, t.Expiry
	made.ID, _ = t.Extra("token_id").(string)
	scopes, _ := t.Extra("scope").(string)
	for _, s := range strings.Fields(scopes) {
		made.Scopes = append(made.Scopes, cairn.Scope(s))
	}
	return made
}

func (c *Client) deviceGrant(scopes ...string) *oauth2.Config {
	return &oauth2.Config{ClientID: clientID, Scopes: scopes, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: c.base + "/oauth/device_authorization", TokenURL: c.base + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams,
	}}
}

// withClient makes the library use this client's connections.
func (c *Client) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.http)
}

// deviceFailure says what went wrong, of the kinds of this package.
func (c *Client) deviceFailure(ctx context.Context, err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return c.unreachable(ctx, err)
	}
	var said struct {
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(refused.Body, &said)
	switch status := refused.Response.StatusCode; {
	case said.Description == "":
		return cairn.Errorf(cairn.ErrUnavailable, "%s does not let programs in by a code (status %d); is it of another version?", c.base, status)
	case status == http.StatusTooManyRequests:
		return cairn.Errorf(cairn.ErrRateLimited, "%s", said.Description)
	case status >= http.StatusInternalServerError:
		return cairn.Errorf(cairn.ErrUnavailable, "%s", said.Description)
	}
	return cairn.Errorf(cairn.ErrInvalid, "%s", said.Description)
}
