package scim_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// world is a server over a real database, with the API beside SCIM.
type world struct {
	*testing.T
	db    *postgres.DB
	http  *httptest.Server
	admin cairn.Account
	token string // of admin, with the scope scim alone
	// erased is called after erasures; it may be nil.
	erased func(context.Context)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t}
	log := slog.New(slog.DiscardHandler)
	made := postgrestest.New(t)
	var err error
	if w.db, err = postgres.Open(t.Context(), made.URL, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	a, err := auth.New(auth.Config{Store: w.db, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	surface := api.New(api.Config{Store: w.db, Auth: a, Log: log})
	provisioning := scim.New(scim.Config{Store: postgres.NewSCIM(w.db), BaseURL: "https://cairn.test", Erased: func(ctx context.Context) {
		if w.erased != nil {
			w.erased(ctx)
		}
	}})
	s, err := server.New(server.Config{
		Auth: a, Routes: append(surface.Routes(), provisioning.Routes()...), Log: log, Ready: func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(s.Handler())
	t.Cleanup(w.http.Close)
	w.admin = w.account("root@acme.test", cairn.RoleAdmin)
	w.token = w.newToken(w.admin.ID, cairn.ScopeSCIM)
	return w
}

func (w *world) account(email string, role cairn.Role) cairn.Account {
	w.Helper()
	a, err := w.db.CreateAccount(w.Context(), cairn.Account{Email: email, Role: role})
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) newToken(account cairn.AccountID, scopes ...cairn.Scope) string {
	w.Helper()
	secret := auth.NewToken()
	_, err := w.db.CreateToken(w.Context(), auth.HashOf(secret), cairn.Token{Account: account, Scopes: scopes, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		w.Fatal(err)
	}
	return secret
}

// replied is what came back.
type replied struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// call sends a request below /scim/v2 with the provider's token.
func (w *world) call(method, path, body string, header ...string) replied {
	w.Helper()
	return w.as(w.token, method, "/scim/v2"+path, body, header...)
}

func (w *world) as(token, method, path, body string, header ...string) replied {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	out := replied{res.StatusCode, res.Header, nil, string(b)}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &out.body); err != nil {
			w.Fatalf("%s %s: %q: %v", method, path, b, err)
		}
	}
	return out
}

// want sends a request and ends the test unless it is answered with the status.
func (w *world) want(status int, method, path, body string, header ...string) replied {
	w.Helper()
	r := w.call(method, path, body, header...)
	if r.status != status {
		w.Fatalf("%s %s %s: %d %s, want %d", method, path, body, r.status, r.raw, status)
	}
	return r
}

func (r replied) id() string {
	id, _ := r.body["id"].(string)
	return id
}

// user makes a user and returns its id.
func (w *world) user(email string) string {
	w.Helper()
	return w.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+email+`"}`).id()
}

// principals returns the keys of a user, as a token of hers gets them.
func (w *world) principals(token string) string {
	w.Helper()
	r := w.as(token, "GET", "/api/v1/me", "")
	if r.status != 200 {
		w.Fatalf("me: %d %s", r.status, r.raw)
	}
	b, _ := json.Marshal(r.body["principals"])
	return string(b)
}

func patch(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}
