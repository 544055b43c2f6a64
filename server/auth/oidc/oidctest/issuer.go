// Package oidctest has an OpenID Connect issuer for tests: a server of its own,
// written from OpenID Connect Core 1.0, Discovery 1.0, RFC 6749, 7636 and 9207. It is
// strict about what a client sends, and can be told to lie in what it sends back.
package oidctest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Issuer is the server. Its exported fields are set before the first request, those
// of Behaviour at any time by Be.
type Issuer struct {
	URL          string
	ClientID     string
	ClientSecret string // empty: a public client
	RedirectURL  string
	Now          func() time.Time

	server *httptest.Server

	mu        sync.Mutex
	behaviour Behaviour
	keys      []key
	signer    *key // of the next token, instead of the last of keys
	codes     map[string]*grant
	access    map[string]map[string]any // what userinfo says, by access token
	problems  []string                  // what clients did wrong
	asked     map[string]int            // requests, by path
}

// Behaviour is what the issuer does.
type Behaviour struct {
	// Person holds the claims about who is signed in at the issuer; sub is
	// required. Nil: nobody, and clients are told that access is denied.
	Person map[string]any
	// UserInfo holds claims that only the userinfo endpoint tells; nil: there is no
	// such endpoint.
	UserInfo map[string]any
	// Edit changes header and claims of an ID token before it is signed.
	Edit func(header, claims map[string]any)
	// Discovery changes the discovery document.
	Discovery func(document map[string]any)
	Method    string // of client authentication: client_secret_basic (or empty), client_secret_post
	NoIss     bool   // the reply to browsers does not name the issuer
	Down      bool   // every request is answered with 503
	Forgetful bool   // codes can be used again, against the rules
}

// grant is what a code stands for.
type grant struct {
	challenge, nonce, redirect string
	person                     map[string]any
	until                      time.Time
	used                       bool
}

// New returns an issuer that ends with the test. Until Rotate or UseEC, issuers of
// one process have the same key.
func New(t testing.TB, redirectURL string) *Issuer {
	t.Helper()
	i := &Issuer{
		ClientID: "cairn", ClientSecret: "s3cret/+ &=%" + rand.Text(), RedirectURL: redirectURL, Now: time.Now,
		codes: map[string]*grant{}, access: map[string]map[string]any{}, asked: map[string]int{},
	}
	k, err := firstKey()
	if err != nil {
		t.Fatal(err)
	}
	i.keys = []key{k}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.serveKeys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", i.userInfo)
	i.server = httptest.NewServer(i.watch(mux))
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL
	return i
}

// Be changes what the issuer does.
func (i *Issuer) Be(change func(*Behaviour)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.behaviour)
}

// Problems returns what clients did wrong so far.
func (i *Issuer) Problems() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.problems)
}

// Asked returns how often a path was asked for.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// watch counts requests and lets one at a time through.
func (i *Issuer) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked[r.URL.Path]++
		if i.behaviour.Down {
			http.Error(w, "maintenance", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	method := i.behaviour.Method
	if method == "" {
		method = "client_secret_basic"
	}
	document := map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256", "HS256", "none"},
		"token_endpoint_auth_methods_supported":          []string{method},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if i.behaviour.UserInfo != nil {
		document["userinfo_endpoint"] = i.URL + "/userinfo"
	}
	if i.behaviour.Discovery != nil {
		i.behaviour.Discovery(document)
	}
	sendJSON(w, http.StatusOK, document)
}

// authorize is the page at which a person would sign in. It sends the browser back
// at once, unless the request is not to be trusted: then it must not.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name, values := range q {
		if len(values) > 1 {
			i.refusePage(w, name+" is given twice")
			return
		}
	}
	challenge := q.Get("code_challenge")
	switch {
	case q.Get("client_id") != i.ClientID:
		i.refusePage(w, "unknown client_id")
	case q.Get("redirect_uri") != i.RedirectURL:
		i.refusePage(w, "redirect_uri is not registered: "+q.Get("redirect_uri"))
	case q.Get("response_type") != "code":
		i.refusePage(w, "response_type is not code")
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		i.refusePage(w, "scope lacks openid")
	case q.Get("code_challenge_method") != "S256" || len(challenge) != 43:
		i.refusePage(w, "no code_challenge of S256")
	case len(q.Get("state")) < 32 || len(q.Get("nonce")) < 32:
		i.refusePage(w, "state or nonce can be guessed")
	default:
		i.sendBack(w, r, q, challenge)
	}
}

func (i *Issuer) refusePage(w http.ResponseWriter, problem string) {
	i.problems = append(i.problems, problem)
	http.Error(w, problem, http.StatusBadRequest)
}

func (i *Issuer) sendBack(w http.ResponseWriter, r *http.Request, q url.Values, challenge string) {
	back := url.Values{"state": {q.Get("state")}, "session_state": {"whatever"}}
	if !i.behaviour.NoIss {
		back.Set("iss", i.URL)
	}
	if i.behaviour.Person == nil {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		i.codes[code] = &grant{
			challenge: challenge, nonce: q.Get("nonce"), redirect: q.Get("redirect_uri"),
			person: maps.Clone(i.behaviour.Person), until: i.Now().Add(time.Minute),
		}
		back.Set("code", code)
	}
	http.Redirect(w, r, i.RedirectURL+"?"+back.Encode(), http.StatusFound)
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
