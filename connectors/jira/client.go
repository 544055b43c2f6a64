package jira

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

// newClient returns the client of one run.
func newClient(env connectors.Environment, cfg settings) (*remote.Client, error) {
	c := remote.Config{
		URL: cfg.api, Token: remote.Secret(env, "token"), Judge: judge,
		Rate: connectors.Rate{Every: 100 * time.Millisecond, Burst: 10},
	}
	switch {
	case cfg.clientID != "":
		c.Token = remote.OAuth{
			TokenURL: tokenURL, ClientID: cfg.clientID, ClientSecret: "client_secret", RefreshToken: "refresh_token",
			Advice: "The app must ask for offline_access, too",
		}.Token(env)
		c.Account = "app " + cfg.clientID
	case cfg.cloud:
		c.Sign, c.Account = remote.Basic(cfg.email), cfg.email
		c.Advice = "API tokens are made at id.atlassian.com/manage-profile/security/api-tokens"
	default:
		c.Advice = "Personal access tokens are made in the profile of the account"
		c.Follow = staysAt(cfg.api)
	}
	return remote.New(env, c)
}

// staysAt returns a Config.Follow that follows redirects within a site, but for those that
// lead to where people sign in: their page would pass for what was asked for.
func staysAt(site string) func(to *url.URL) bool {
	base, err := url.Parse(site)
	return func(to *url.URL) bool {
		return err == nil && to.Host == base.Host && !strings.HasSuffix(to.Path, "/login.jsp")
	}
}

// judge tells a missing scope from a wrong credential: Atlassian answers both with 401.
// And a reply to nobody in particular, which Jira gives when it does not know the
// credential and the site is open to anybody, from one to the account.
func judge(res *remote.Response) error {
	if res.Status == http.StatusUnauthorized && bytes.Contains(res.Body, []byte("scope does not match")) {
		return &connectors.Error{
			Kind: connectors.ErrForbidden, Status: res.Status,
			Message: "the credential lacks a scope that the connector needs: docs/connectors/jira.md lists them",
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

// concernsOne reports whether an error concerns what was asked for and not the site.
func concernsOne(err error) bool {
	for _, kind := range []error{connectors.ErrForbidden, connectors.ErrNotFound, connectors.ErrUnexpected, connectors.ErrTooLarge} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
