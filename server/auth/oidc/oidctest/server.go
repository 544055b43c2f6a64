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
	"time"
)

// issuer is an issuer as it runs in its process.
type issuer struct {
	url    string
	server *httptest.Server

	mu       sync.Mutex
	settings settings
	keys     []key
	codes    map[string]*grant
	access   map[string]map[string]any // what userinfo says, by access token
	problems []string                  // what clients did wrong
	asked    map[string]int            // requests, by path
}

// settings is what the issuer is told.
type settings struct {
	ClientID, ClientSecret, RedirectURL string
	Behaviour                           Behaviour
}

// grant is what a code stands for.
type grant struct {
	challenge, nonce, redirect string
	person                     map[string]any
	until                      time.Time
	used                       bool
}

// newIssuer returns an issuer that listens. Until it gets others, issuers of one
// process have the same key.
func newIssuer() (*issuer, error) {
	k, err := firstKey()
	if err != nil {
		return nil, err
	}
	i := &issuer{keys: []key{k}, codes: map[string]*grant{}, access: map[string]map[string]any{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.serveKeys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", i.userInfo)
	i.server = httptest.NewServer(i.watch(mux))
	i.url = i.server.URL
	return i, nil
}

// now returns the time by the issuer's clock.
func (i *issuer) now() time.Time {
	if at := i.settings.Behaviour.Now; !at.IsZero() {
		return at
	}
	return time.Now()
}

// watch counts requests and lets one at a time through.
func (i *issuer) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked[r.URL.Path]++
		if i.settings.Behaviour.Down {
			http.Error(w, "maintenance", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	method := i.settings.Behaviour.Method
	if method == "" {
		method = "client_secret_basic"
	}
	document := map[string]any{
		"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256", "HS256", "none"},
		"token_endpoint_auth_methods_supported":          []string{method},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if i.settings.Behaviour.UserInfo != nil {
		document["userinfo_endpoint"] = i.url + "/userinfo"
	}
	i.settings.Behaviour.Document.edit(document)
	sendJSON(w, http.StatusOK, document)
}

// authorize is the page at which a person would sign in. It sends the browser back
// at once, unless the request is not to be trusted: then it must not.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name, values := range q {
		if len(values) > 1 {
			i.refusePage(w, name+" is given twice")
			return
		}
	}
	challenge := q.Get("code_challenge")
	switch {
	case q.Get("client_id") != i.settings.ClientID:
		i.refusePage(w, "unknown client_id")
	case q.Get("redirect_uri") != i.settings.RedirectURL:
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

func (i *issuer) refusePage(w http.ResponseWriter, problem string) {
	i.problems = append(i.problems, problem)
	http.Error(w, problem, http.StatusBadRequest)
}

func (i *issuer) sendBack(w http.ResponseWriter, r *http.Request, q url.Values, challenge string) {
	back := url.Values{"state": {q.Get("state")}, "session_state": {"whatever"}}
	if !i.settings.Behaviour.NoIss {
		back.Set("iss", i.url)
	}
	if i.settings.Behaviour.Person == nil {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		i.codes[code] = &grant{
			challenge: challenge, nonce: q.Get("nonce"), redirect: q.Get("redirect_uri"),
			person: maps.Clone(i.settings.Behaviour.Person), until: i.now().Add(time.Minute),
		}
		back.Set("code", code)
	}
	http.Redirect(w, r, i.settings.RedirectURL+"?"+back.Encode(), http.StatusFound)
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
