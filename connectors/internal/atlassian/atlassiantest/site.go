// Package atlassiantest has what the fakes of Confluence and Jira share: the credentials
// that a site knows, and how it takes requests apart.
//
// The authorisation of apps is written from "OAuth 2.0 (3LO) apps" at developer.atlassian.com:
// POST /oauth/token with the grant refresh_token, refresh tokens that rotate, and the gateway
// api.atlassian.com/ex/PRODUCT/CLOUDID. That a missing scope is status 401 with "scope does
// not match", is what the gateway answers.
package atlassiantest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// The credentials and the place of a fake site.
const (
	cloudID      = "11223344-a1b2-3b33-c444-def123456789"
	email        = "bot@example.com"
	token        = "api-token"
	clientID     = "client"
	clientSecret = "client-secret"
)

// Site is the part of a fake site that answers for its credentials. It takes an API token
// (Cloud) or a personal access token (Data Center), or, after OAuth, access tokens of an
// app.
type Site struct {
	T       testing.TB
	Cloud   bool
	Product string              // "confluence"
	Scopes  []string            // all that the connector needs
	Bounds  map[string][2]int   // the least and the most that parameters may be
	Values  map[string][]string // all that parameters may be
	Handler http.Handler        // the whole site

	Mu       sync.Mutex // held while a request is answered
	fake     *connectortest.Fake
	oauth    *oauth           // nil: API token or personal access token
	server   *httptest.Server // serves the site where Settings was asked
	requests map[string]int   // by pattern
}

// oauth is the authorisation of an app (3LO). Refresh tokens rotate: each is good once.
type oauth struct {
	n       int
	access  string
	refresh string
	scopes  []string
}

// Serve makes the routes what the site answers.
func (s *Site) Serve(routes ...connectortest.Route) {
	s.requests = map[string]int{}
	s.fake = connectortest.NewFake(s.T, s.known, routes...)
}

// ServeHTTP answers what is asked of Atlassian: at the site, through the gateway, and where
// access tokens are given out.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch prefix := "/ex/" + s.Product + "/" + cloudID; {
	case r.Host == "auth.atlassian.com":
		s.serveToken(w, r)
	case r.Host == "api.atlassian.com" && strings.HasPrefix(r.URL.Path, prefix):
		http.StripPrefix(prefix, s.fake).ServeHTTP(w, r)
	default:
		s.fake.ServeHTTP(w, r)
	}
}

// known reports whether a request has a credential.
func (s *Site) known(r *http.Request) bool {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	switch {
	case s.oauth != nil:
		return r.Host == "api.atlassian.com" && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-")
	case s.Cloud:
		name, password, ok := r.BasicAuth()
		return ok && name == email && password == token
	}
	return r.Header.Get("Authorization") == "Bearer "+token
}

// Base returns the address at which Settings has the site served; empty before.
func (s *Site) Base() string {
	if s.server == nil {
		return ""
	}
	return s.server.URL
}

// Settings returns the settings of a source that reads the site, which it serves from
// now on until the test ends.
func (s *Site) Settings() map[string]string {
	if s.server == nil {
		s.server = httptest.NewServer(s.Handler)
		s.T.Cleanup(s.server.Close)
	}
	return s.SettingsAt(s.server.URL)
}

// SettingsAt is Settings for a site that somebody else serves.
func (s *Site) SettingsAt(url string) map[string]string {
	switch {
	case s.oauth != nil:
		return map[string]string{"url": url, "edition": "cloud", "cloud_id": cloudID, "client_id": clientID}
	case s.Cloud:
		return map[string]string{"url": url, "edition": "cloud", "email": email}
	}
	return map[string]string{"url": url + "/" + s.Product, "edition": "datacenter"}
}

// Secrets returns the secret settings.
func (s *Site) Secrets() map[string]string {
	if s.oauth != nil {
		return map[string]string{"client_secret": clientSecret, "refresh_token": s.oauth.refresh}
	}
	return map[string]string{"token": token}
}

// OAuth makes the site one that an app reads, through api.atlassian.com and
// auth.atlassian.com, with all scopes but some.
func (s *Site) OAuth(without ...string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	granted := slices.DeleteFunc(slices.Clone(s.Scopes), func(scope string) bool { return slices.Contains(without, scope) })
	s.oauth = &oauth{refresh: "refresh-0", scopes: granted}
}

// IsApp reports whether an app reads the site.
func (s *Site) IsApp() bool { return s.oauth != nil }

// Expire ends the access token.
func (s *Site) Expire() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.oauth.access = ""
}

// serveToken gives out an access token for a refresh token, and another refresh token.
func (s *Site) serveToken(w http.ResponseWriter, r *http.Request) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.oauth == nil || r.Method != http.MethodPost || r.URL.Path != "/oauth/token" || r.ParseForm() != nil {
		s.Reject(w, r, "nothing answers at this address")
		return
	}
	if r.PostForm.Get("client_id") != clientID || r.PostForm.Get("client_secret") != clientSecret || r.PostForm.Get("grant_type") != "refresh_token" {
		s.T.Errorf("an access token is asked for with %v", r.PostForm)
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
	Reply(w, map[string]any{"access_token": s.oauth.access, "refresh_token": s.oauth.refresh, "expires_in": 3600, "token_type": "Bearer"})
}

// permits answers a request whose access token has expired or lacks one of the scopes, and reports
// whether it may go on. It is called with the lock held.
func (s *Site) permits(w http.ResponseWriter, r *http.Request, scopes string) bool {
	if s.oauth == nil {
		return true
	}
	message := ""
	if r.Header.Get("Authorization") != "Bearer "+s.oauth.access {
		message = `{"code":401,"message":"Unauthorized"}`
	} else if slices.ContainsFunc(strings.Fields(scopes), func(scope string) bool { return !slices.Contains(s.oauth.scopes, scope) }) {
		message = `{"code":401,"message":"Unauthorized; scope does not match"}`
	}
	if message != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(message))
	}
	return message == ""
}

// Route makes a route whose handler has the lock. scopes and query are the names of what an
// app needs, and of the parameters that there are. What is no REST resource is a file.
func (s *Site) Route(pattern, scopes, query string, handle http.HandlerFunc) connectortest.Route {
	route := connectortest.Route{Pattern: pattern, Query: strings.Fields(query), Accept: "application/json"}
	if strings.HasPrefix(pattern, "POST") {
		route.Body = "application/json"
	}
	if strings.HasSuffix(pattern, "/download") || strings.Contains(pattern, "/attachment/content/") || !strings.Contains(pattern, "/rest/") && !strings.Contains(pattern, "/api/") {
		route.Accept = ""
	}
	route.Handle = func(w http.ResponseWriter, r *http.Request) {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		s.requests[pattern]++
		if s.permits(w, r, scopes) && s.bounded(w, r) {
			handle(w, r)
		}
	}
	return route
}

// bounded checks parameters that are alike on all routes.
func (s *Site) bounded(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	for name, bounds := range s.Bounds {
		if n, err := strconv.Atoi(q.Get(name)); q.Has(name) && (err != nil || n < bounds[0] || n > bounds[1]) {
			return s.Reject(w, r, "the parameter "+name+" is out of bounds")
		}
	}
	for name, values := range s.Values {
		if !s.Only(w, r, name, values...) {
			return false
		}
	}
	return true
}

// Reject answers a request that the site would refuse, which fails the test.
func (s *Site) Reject(w http.ResponseWriter, r *http.Request, wrong string) bool {
	s.T.Errorf("the fake site refuses a request: %s\n%s %s", wrong, r.Method, r.URL)
	http.Error(w, wrong, http.StatusBadRequest)
	return false
}

// Only checks that a parameter has one of some values, or is not there.
func (s *Site) Only(w http.ResponseWriter, r *http.Request, name string, values ...string) bool {
	got := r.URL.Query().Get(name)
	return got == "" || slices.Contains(values, got) || s.Reject(w, r, fmt.Sprintf("the parameter %s is %q", name, got))
}

// Requests returns how often the route of a pattern was asked, and forgets it.
func (s *Site) Requests(pattern string) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	n := s.requests[pattern]
	s.requests[pattern] = 0
	return n
}

// Reply answers with JSON.
func Reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
