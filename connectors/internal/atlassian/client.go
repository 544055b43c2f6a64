package atlassian

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// tokenURL gives out access tokens for apps of Atlassian Cloud.
const tokenURL = "https://auth.atlassian.com/oauth/token"

// NewClient returns the client of one run.
func (p Product) NewClient(env connectors.Environment, s Settings) (*remote.Client, error) {
	c := remote.Config{
		URL: s.API, Token: remote.Secret(env, "token"), Judge: p.judge,
		Rate: connectors.Rate{Every: 100 * time.Millisecond, Burst: 10},
	}
	switch {
	case s.ClientID != "":
		c.Token = remote.OAuth{
			TokenURL: tokenURL, ClientID: s.ClientID, ClientSecret: "client_secret", RefreshToken: "refresh_token",
			Advice: "The app must ask for offline_access, too",
		}.Token(env)
		c.Account = "app " + s.ClientID
	case s.Cloud:
		c.Sign, c.Account = remote.Basic(s.Email), s.Email
		c.Advice = "API tokens are made at id.atlassian.com/manage-profile/security/api-tokens"
	default:
		c.Advice = "Personal access tokens are made in the profile of the account, under Settings where there is that"
		c.Follow = staysAt(s.API)
	}
	return remote.New(env, c)
}

// staysAt returns a Config.Follow that follows redirects within a site, but for those that
// lead to where people sign in: their page would pass for what was asked for.
func staysAt(site string) func(to *url.URL) bool {
	base, err := url.Parse(site)
	return func(to *url.URL) bool {
		return err == nil && to.Host == base.Host && !strings.HasSuffix(to.Path, "/login.jsp") && !strings.HasSuffix(to.Path, "/login.action")
	}
}

// judge tells a missing scope from a wrong credential: Atlassian answers both with 401.
// And a reply to nobody in particular, which a site gives that is open to anybody when it
// does not know the credential, from one to the account.
func (p Product) judge(res *remote.Response) error {
	if res.Status == http.StatusUnauthorized && bytes.Contains(res.Body, []byte("scope does not match")) {
		return &connectors.Error{
			Kind: connectors.ErrForbidden, Status: res.Status,
			Message: "the credential lacks a scope that the connector needs: docs/connectors/" + strings.ToLower(p.Name) + ".md lists them",
		}
	}
	if reason := res.Header.Get("X-Seraph-LoginReason"); res.Status < 300 && (reason == "AUTHENTICATED_FAILED" || reason == "AUTHENTICATION_DENIED") {
		return &connectors.Error{Kind: connectors.ErrUnauthorized, Status: res.Status}
	}
	if res.Status > 300 && res.Status < 400 && res.Status != http.StatusNotModified {
		return &connectors.Error{Kind: connectors.ErrForbidden, Status: res.Status} // to where people sign in
	}
	return nil
}

// ConcernsOne reports whether an error concerns what was asked for and not the site.
func ConcernsOne(err error) bool {
	for _, kind := range []error{connectors.ErrForbidden, connectors.ErrNotFound, connectors.ErrUnexpected, connectors.ErrTooLarge} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// PermissionsError is the failure of a document of which err says why it is not known who
// may read it. What the site refuses to tell is unknown; every other answer was not
// understood.
func PermissionsError(reason string, err error) error {
	code := connectors.PermissionsNotUnderstood
	if errors.Is(err, connectors.ErrForbidden) || errors.Is(err, connectors.ErrNotFound) {
		code = connectors.PermissionsUnknown
	}
	return &connectors.DocumentError{Code: code, Reason: reason, Err: err}
}

// OfDocument makes a failure that concerns one document that of the document.
func (p Product) OfDocument(err error) error {
	for _, known := range []struct {
		kind         error
		code, reason string
	}{
		{connectors.ErrNotFound, "vanished", "The " + p.Document + " was removed before it could be read."},
		{connectors.ErrForbidden, "unreadable", "The site does not let the account read this " + p.Document + "."},
		{connectors.ErrTooLarge, "too_large", "The " + p.Document + " is larger than what is read of one."},
		{connectors.ErrUnexpected, "unreadable", "The site answered something unexpected when asked for this " + p.Document + "."},
	} {
		if errors.Is(err, known.kind) {
			return &connectors.DocumentError{Code: known.code, Reason: known.reason, Err: err}
		}
	}
	return err
}
