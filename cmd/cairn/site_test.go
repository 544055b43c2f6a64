package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server/auth"
)

// site is a running server with all its surfaces, and a way into its database for
// what no route does: tokens that have expired, sessions by the dozen.
type site struct {
	*program
	db     *postgres.DB
	admin  person
	folder string // that sources may read
	// database is its address.
	database string
}

// person is an account with a token of every scope.
type person struct {
	cairn.Account
	token string
}

var everyScope = []cairn.Scope{cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead, cairn.ScopeWrite, cairn.ScopeSCIM, cairn.ScopeAdmin}

func newSite(t *testing.T, env ...string) *site {
	t.Helper()
	return openSite(t, false, env...)
}

// openSite starts a site whose server is watched, or not: see program.
func openSite(t *testing.T, watched bool, env ...string) *site {
	t.Helper()
	made, folder := postgrestest.New(t), openTempDir(t)
	env = append([]string{"CAIRN_SIGN_IN=required", "CAIRN_TRUSTED_PROXIES=127.0.0.0/8", "CAIRN_FILES_ROOTS=" + folder, "CAIRN_LLM_URL=", "CAIRN_LLM_MODEL=", "CAIRN_SAMPLE="}, env...)
	p := &program{t: t, data: openTempDir(t), addr: freeAddr(t), env: append(env, "CAIRN_DATABASE_URL="+made.URL), watched: watched}
	s := &site{program: p, folder: folder, database: made.URL}
	s.start()
	db, err := postgres.Open(t.Context(), made.URL, slog.New(slog.DiscardHandler))
	s.check(err)
	t.Cleanup(db.Close)
	s.db = db
	s.admin = s.person(cairn.RoleAdmin)
	return s
}

// with returns the site for a subtest.
func (s *site) with(t *testing.T) *site {
	p := *s.program
	p.t = t
	return &site{&p, s.db, s.admin, s.folder, s.database}
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) person(role cairn.Role) person {
	s.t.Helper()
	return s.personAt(strings.ToLower(cairn.NewID())+"@acme.test", role)
}

func (s *site) personAt(address string, role cairn.Role) person {
	s.t.Helper()
	a, err := s.db.CreateAccount(s.t.Context(), cairn.Account{Email: address, Role: role})
	s.check(err)
	_, secret := s.newToken(a, time.Hour, everyScope...)
	return person{a, secret}
}

// newToken makes a token that ends after a time, which may be past.
func (s *site) newToken(a cairn.Account, valid time.Duration, scopes ...cairn.Scope) (id, secret string) {
	s.t.Helper()
	secret = auth.NewToken()
	made, err := s.db.CreateToken(s.t.Context(), auth.HashOf(secret), cairn.Token{Account: a.ID, Scopes: scopes, Expires: time.Now().Add(valid)})
	s.check(err)
	return made.ID, secret
}

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

func cookie(secret string) []string { return []string{"Cookie", "cairn_session=" + secret} }

// session signs a browser in and returns its cookie.
func (s *site) session(a cairn.Account) []string {
	s.t.Helper()
	secret, now := cairn.NewID()+cairn.NewID(), time.Now()
	s.check(s.db.CreateSession(s.t.Context(), auth.HashOf(secret), auth.Session{Account: a.ID, Created: now, Expires: now.Add(time.Hour), Used: now}))
	return cookie(secret)
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   string
}

// browser follows no redirect.
var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// request returns a request: the path, and the body after a blank.
func (s *site) request(ctx context.Context, method, request string, header ...string) *http.Request {
	s.t.Helper()
	path, body, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.addr+path, strings.NewReader(body))
	s.check(err)
	switch {
	case strings.HasPrefix(path, "/scim/"):
		req.Header.Set("Content-Type", "application/scim+json")
	case strings.HasPrefix(path, "/oauth/"):
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case strings.HasSuffix(path, "/batch"):
		req.Header.Set("Content-Type", "application/x-ndjson")
	default:
		req.Header.Set("Content-Type", "application/json")
	}
	// Each comes from another machine: tokens that are not valid are limited by address.
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", rand.IntN(256), rand.IntN(256)))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// open sends a request and returns the response with its body still to be read.
func (s *site) open(ctx context.Context, method, request string, header ...string) *http.Response {
	s.t.Helper()
	res, err := browser.Do(s.request(ctx, method, request, header...))
	s.check(err)
	return res
}

func (s *site) send(method, request string, header ...string) response {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	res := s.open(ctx, method, request, header...)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	s.check(err)
	return response{res.StatusCode, res.Header, string(b)}
}

// must sends a request that succeeds, and decodes the reply unless into is nil.
func (s *site) must(who person, method, request string, into any) {
	s.t.Helper()
	got := s.send(method, request, bearer(who.token)...)
	if got.status >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, request, got.status, got.body)
	}
	if into != nil {
		s.check(json.Unmarshal([]byte(got.body), into))
	}
}
