package jiratest

import (
	"net/http"
	"slices"
	"strconv"
)

const (
	clientID     = "client"
	clientSecret = "client-secret"
)

// oauth is the authorisation of an app (3LO). Refresh tokens rotate: each is good once.
type oauth struct {
	n       int
	access  string
	refresh string
	scopes  []string
}

// scopes are all that the connector needs.
var scopes = []string{"read:jira-work", "read:jira-user", "manage:jira-configuration"}

// OAuth makes the site one that an app reads, through api.atlassian.com and
// auth.atlassian.com, with all scopes but some.
func (s *Site) OAuth(without ...string) {
	s.edit(func() {
		granted := slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return slices.Contains(without, scope) })
		s.oauth = &oauth{refresh: "refresh-0", scopes: granted}
	})
}

// Expire ends the access token.
func (s *Site) Expire() { s.edit(func() { s.oauth.access = "" }) }

// serveToken gives out an access token for a refresh token, and another refresh token.
func (s *Site) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.oauth == nil || r.Method != http.MethodPost || r.URL.Path != "/oauth/token" || r.ParseForm() != nil {
		s.t.Errorf("nothing answers at %s %s", r.Method, r.URL)
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	if r.PostForm.Get("client_id") != clientID || r.PostForm.Get("client_secret") != clientSecret || r.PostForm.Get("grant_type") != "refresh_token" {
		s.t.Errorf("an access token is asked for with %v", r.PostForm)
	}
	if r.PostForm.Get("refresh_token") != s.oauth.refresh {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}`))
		return
	}
	s.oauth.n++
	n := strconv.Itoa(s.oauth.n)
	s.oauth.access, s.oauth.refresh = "access-"+n, "refresh-"+n
	reply(w, map[string]any{"access_token": s.oauth.access, "refresh_token": s.oauth.refresh, "expires_in": 3600, "token_type": "Bearer"})
}

// permits answers a request whose access token has expired or lacks a scope, and reports
// whether it may go on. It is called with the lock held.
func (s *Site) permits(w http.ResponseWriter, r *http.Request, scope string) bool {
	if s.oauth == nil {
		return true
	}
	message := ""
	if r.Header.Get("Authorization") != "Bearer "+s.oauth.access {
		message = `{"code":401,"message":"Unauthorized"}`
	} else if !slices.Contains(s.oauth.scopes, scope) {
		message = `{"code":401,"message":"Unauthorized; scope does not match"}`
	}
	if message != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(message))
	}
	return message == ""
}
