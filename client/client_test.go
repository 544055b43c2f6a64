package client

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client/clienttest"
)

func newClient(t *testing.T, url string) *Client {
	t.Helper()
	c, err := New(Config{URL: url + "/", Token: clienttest.Token})
	if err != nil {
		t.Fatal(err)
	}
	c.retry = schedule{first: time.Millisecond, longest: 4 * time.Millisecond, attempts: 5, silence: 5 * time.Second}
	c.again = c.retry
	return c
}

const (
	aPassage = `{"document_id":"D1","version":"v1","source":"handbook","kind":"page","title":"Travel","url":"","author":"","heading":["Travel","Hotels"],"snippet":"Oslo €180","start":3,"end":13,"score":0.5,"updated_at":null}`
	aReceipt = `{"id":"E1","kind":"source","subject":"S1","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"documents":3},"cleaned_at":null,"kept_out":false}`
	aSource  = `{"id":"S1","name":"handbook","kind":"files","settings":{"path":"/srv"},"acl_mode":"declared","acl":{"allow":[["everyone"]],"deny":[]},"paused":false,"created_at":"2026-10-02T09:30:00Z","documents":3,"errors":1}`
	aRun     = `{"id":"R1","state":"queued","full":true,"dry_run":false,"permissions_only":false,"parts_only":false,"scheduled":false,"phase":"","rate":0,"remaining_s":null,"reason":"","created_at":"2026-10-02T09:30:00Z","started_at":null,"finished_at":null,"total":0,"scanned":0,"added":0,"modified":0,"deleted":0,"failed":0,"unchanged":0}`
	aUser    = `{"id":"U1","email":"ann@example.com","name":"Ann","role":"member","disabled":false,"created_at":"2026-10-02T09:30:00Z"}`
	aGroup   = `{"name":"finance","principal":"group:cairn:finance","members":[` + aUser + `],"groups":[]}`
	aToken   = `{"id":"T1","account_id":"U1","name":"","scopes":["read"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2026-11-02T09:30:00Z","last_used_at":null,"revoked_at":null}`
	aGrant   = `{"id":"G1","user":` + aUser + `,"source":"hr","document_id":null,"reason":"incident","by":"U2","created_at":"2026-10-02T09:30:00Z","expires_at":"2026-10-02T11:30:00Z","revoked_at":null,"lives":true}`
)

// replied is what the tests look at of a reply that has one.
type replied interface{ raw() json.RawMessage }

func (r Reply) raw() json.RawMessage { return r.JSON }

// The requests and replies are checked against openapi.yaml by the fake; here,
// that each method sends what it was given and gives what it got.
func TestMethods(t *testing.T) {
	for _, tt := range []struct {
		name    string
		route   string
		status  int
		reply   string
		call    func(context.Context, *Client) (any, error)
		request string // method, path, body
		want    func(any) bool
	}{
		{
			"search", "POST /api/v1/search", 200,
			`{"results":[` + aPassage + `],"facets":{"kind":{"page":1}},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.Search(ctx, SearchRequest{Query: "hotel", Limit: 3, Sources: []string{"handbook"}, Mode: cairn.ModeLexical, Explain: true})
			},
			`POST /api/v1/search {"query":"hotel","limit":3,"sources":["handbook"],"mode":"lexical","explain":true}`,
			func(v any) bool { return v.(SearchResponse).Results[0].Snippet == "Oslo €180" },
		},
		{
			"code", "POST /api/v1/code/search", 200,
			`{"results":[{"document_id":"D1","version":"v1","source":"tools","repo":"acme/tools","path":"a.go","commit":"","lang":"Go","start_line":3,"end_line":3,"lines":["func f() {}"],"matches":[{"line":3,"start":5,"end":6}],"symbol":"f","symbol_kind":"func","url":""}],"more":false,"incomplete":false,"took_ms":7}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.SearchCode(ctx, CodeRequest{Query: "f", Repo: "tools", Path: "*.go", Lang: "go", Kind: "symbol", Limit: 3})
			},
			`POST /api/v1/code/search {"query":"f","repo":"tools","path":"*.go","lang":"go","kind":"symbol","limit":3}`,
			func(v any) bool { return v.(CodeResponse).Results[0].Matches[0].Start == 5 },
		},
		{
			"document", "GET /api/v1/documents/{id}", 200,
			`{"id":"D1","version":"v1","state":"current","source":"handbook","external_id":"a.md","kind":"page","title":"A","url":"","author":"","language":"en","text":"x","sections":[],"updated_at":null,"attributes":{}}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Document(ctx, "D1", "v1") },
			`GET /api/v1/documents/D1?version=v1`,
			func(v any) bool { return v.(Document).ExternalID == "a.md" },
		},
		{
			"put", "PUT /api/v1/sources/{name}/documents", 201, `{"id":"D1","version":"v1"}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.PutDocument(ctx, "wiki", "a b/1?", Push{Title: "A", Content: []byte("x"), MediaType: "application/pdf", ACL: &cairn.ACL{Allow: [][]cairn.PrincipalKey{{"everyone"}}}})
			},
			`PUT /api/v1/sources/wiki/documents?id=a+b%2F1%3F {"title":"A","content_base64":"eA==","media_type":"application/pdf","acl":{"allow":[["everyone"]]}}`,
			func(v any) bool { return v.(Pushed).ID == "D1" },
		},
		{
			"delete", "DELETE /api/v1/sources/{name}/documents", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteDocument(ctx, "wiki", "a") },
			`DELETE /api/v1/sources/wiki/documents?id=a`, nil,
		},
		{
			"add source", "POST /api/v1/sources", 201, aSource,
			func(ctx context.Context, c *Client) (any, error) {
				return c.AddSource(ctx, SourceRequest{Name: "handbook", Kind: "files", Settings: map[string]string{"path": "/srv"}, ACL: json.RawMessage(`"everyone"`)})
			},
			`POST /api/v1/sources {"name":"handbook","kind":"files","settings":{"path":"/srv"},"acl":"everyone"}`,
			func(v any) bool { return v.(Source).ACL.Allow[0][0] == cairn.Everyone },
		},
		{
			"update source", "PATCH /api/v1/sources/{name}", 200, aSource,
			func(ctx context.Context, c *Client) (any, error) {
				return c.UpdateSource(ctx, "handbook", SourcePatch{Settings: map[string]*string{"exclude": nil}, ACL: json.RawMessage(`"everyone"`)})
			},
			`PATCH /api/v1/sources/handbook {"settings":{"exclude":null},"acl":"everyone"}`,
			func(v any) bool { return v.(Source).ID == "S1" },
		},
		{
			"preview of an acl", "POST /api/v1/sources/{name}/acl/preview", 200,
			`{"documents":3,"next_sync":true,"lose":{"accounts":1,"first":[{"id":"U1","email":"ann@example.com","documents":2}]},"gain":{"accounts":0,"first":[]}}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.PreviewACL(ctx, "handbook", SourcePatch{ACL: json.RawMessage(`"private"`)})
			},
			`POST /api/v1/sources/handbook/acl/preview {"acl":"private"}`,
			func(v any) bool {
				p := v.(AccessPreview)
				return p.NextSync && p.Lose.First[0].Documents == 2 && p.Gain.Accounts == 0
			},
		},
		{
			"oversharing", "GET /api/v1/reports/oversharing", 200,
			`{"accounts":4,"more_than":2,"scanned_at":null,"pending":1,"sources":[],"days":[],"documents":[{"document_id":"D1","source":"wiki","kinds":{"iban":2},"readers":{"everyone":true,"accounts":4}}],"next_cursor":null}`,
			func(ctx context.Context, c *Client) (any, error) {
				zero := 0
				return c.Oversharing(ctx, OversharingRequest{MoreThan: &zero, Limit: 9})
			},
			`GET /api/v1/reports/oversharing?limit=9&more_than=0`,
			func(v any) bool {
				d := v.(Oversharing).Documents[0]
				return d.Kinds["iban"] == 2 && d.Readers.Everyone
			},
		},
		{
			"scan", "POST /api/v1/reports/oversharing/scan", 202, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.ScanOversharing(ctx) },
			`POST /api/v1/reports/oversharing/scan`, nil,
		},
		{
			"delete source", "DELETE /api/v1/sources/{name}", 200, aReceipt,
			func(ctx context.Context, c *Client) (any, error) { return c.DeleteSource(ctx, "wiki") },
			`DELETE /api/v1/sources/wiki`,
			func(v any) bool { return v.(Erasure).Counts["documents"] == 3 },
		},
		{
			"erase document", "DELETE /api/v1/documents/{id}", 200, aReceipt,
			func(ctx context.Context, c *Client) (any, error) { return c.EraseDocument(ctx, "D1") },
			`DELETE /api/v1/documents/D1`,
			func(v any) bool { return v.(Erasure).ID == "E1" },
		},
		{
			"erase user", "DELETE /api/v1/users/{id}", 200, aReceipt,
			func(ctx context.Context, c *Client) (any, error) { return c.EraseUser(ctx, "A2") },
			`DELETE /api/v1/users/A2`,
			func(v any) bool { return v.(Erasure).ID == "E1" },
		},
		{
			"lift erasure", "POST /api/v1/erasures/{id}/lift", 200, aReceipt,
			func(ctx context.Context, c *Client) (any, error) { return c.LiftErasure(ctx, "E1") },
			`POST /api/v1/erasures/E1/lift`,
			func(v any) bool { return v.(Erasure).ID == "E1" },
		},
		{
			"clean erasures", "POST /api/v1/erasures/clean", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.CleanErasures(ctx) },
			`POST /api/v1/erasures/clean`, nil,
		},
		{
			"test source", "POST /api/v1/sources/{name}/test", 200, `{"ok":false,"message":"no folder"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.TestSource(ctx, "wiki") },
			`POST /api/v1/sources/wiki/test`,
			func(v any) bool { return v.(TestResult).Message == "no folder" },
		},
		{
			"sync", "POST /api/v1/sources/{name}/sync", 202, aRun,
			func(ctx context.Context, c *Client) (any, error) {
				return c.Sync(ctx, "wiki", SyncRequest{Full: true, Confirm: true, PermissionsOnly: true})
			},
			`POST /api/v1/sources/wiki/sync {"full":true,"confirm":true,"permissions_only":true}`,
			func(v any) bool { return v.(Run).State == cairn.RunQueued },
		},
		{
			"runs", "GET /api/v1/sources/{name}/runs", 200, `{"runs":[` + aRun + `],"next_cursor":null}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Runs(ctx, "wiki", 1) },
			`GET /api/v1/sources/wiki/runs?limit=1`,
			func(v any) bool { r := v.(List[Run]); return r.Items[0].ID == "R1" && string(r.Items[0].JSON) == aRun },
		},
		{
			"errors", "GET /api/v1/sources/{name}/errors", 200, `{"errors":[{"external_id":"a","url":"","reason":"broken","code":"damaged","attempts":2,"at":"2026-10-02T09:30:00Z"}],"next_cursor":"next"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.DocumentErrors(ctx, "wiki", 1) },
			`GET /api/v1/sources/wiki/errors?limit=1`,
			func(v any) bool { l := v.(List[DocumentError]); return l.Items[0].Reason == "broken" && l.More },
		},
		{
			"pushed documents", "GET /api/v1/sources/{name}/documents", 200, `{"documents":[{"external_id":"wiki/42","document_id":"D1"}],"next_cursor":"next"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.PushedDocuments(ctx, "wiki", 1) },
			`GET /api/v1/sources/wiki/documents?limit=1`,
			func(v any) bool {
				l := v.(List[PushedDocument])
				return l.Items[0] == PushedDocument{"wiki/42", "D1"} && l.More
			},
		},
		{
			"me", "GET /api/v1/me", 200, `{"id":"U1","email":"","name":"local","role":"admin","via":"local","scopes":["read"],"principals":["everyone"],"password":"off"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			`GET /api/v1/me`,
			func(v any) bool { return v.(Me).Via == "local" && v.(Me).Password == "off" },
		},
		{
			"add user", "POST /api/v1/users", 201, aUser,
			func(ctx context.Context, c *Client) (any, error) {
				return c.AddUser(ctx, UserRequest{Email: "ann@example.com", Role: cairn.RoleAuditor})
			},
			`POST /api/v1/users {"email":"ann@example.com","role":"auditor"}`,
			func(v any) bool { return v.(User).ID == "U1" },
		},
		{
			"disable user", "PATCH /api/v1/users/{id}", 200, aUser,
			func(ctx context.Context, c *Client) (any, error) { return c.DisableUser(ctx, "ann@example.com", true) },
			`PATCH /api/v1/users/ann@example.com {"disabled":true}`,
			func(v any) bool { return v.(User).ID == "U1" },
		},
		{
			"code", "POST /api/v1/users/{id}/code", 201, `{"code":"XK4T","expires_at":"2026-10-02T09:30:00Z"}`,
			func(ctx context.Context, c *Client) (any, error) { return c.SignInCode(ctx, "U1") },
			`POST /api/v1/users/U1/code`,
			func(v any) bool { return v.(SignInCode).Code == "XK4T" },
		},
		{
			"reset password", "DELETE /api/v1/users/{id}/password", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.ResetPassword(ctx, "ann@example.com") },
			`DELETE /api/v1/users/ann@example.com/password`, nil,
		},
		{
			"set password", "POST /api/v1/me/password", 204, "",
			func(ctx context.Context, c *Client) (any, error) {
				return nil, c.SetPassword(ctx, "", "a <green> kettle")
			},
			`POST /api/v1/me/password {"password":"a \u003cgreen\u003e kettle"}`, nil,
		},
		{
			"add group", "POST /api/v1/groups", 201, aGroup,
			func(ctx context.Context, c *Client) (any, error) { return c.AddGroup(ctx, "finance") },
			`POST /api/v1/groups {"name":"finance"}`,
			func(v any) bool { return v.(Group).Principal == "group:cairn:finance" },
		},
		{
			"empty group", "PUT /api/v1/groups/{name}", 200, aGroup,
			func(ctx context.Context, c *Client) (any, error) { return c.SetGroup(ctx, "finance", nil) },
			`PUT /api/v1/groups/finance {"members":[]}`,
			func(v any) bool { return v.(Group).Members[0].Email == "ann@example.com" },
		},
		{
			"delete group", "DELETE /api/v1/groups/{name}", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteGroup(ctx, "finance") },
			`DELETE /api/v1/groups/finance`, nil,
		},
		{
			"add token", "POST /api/v1/tokens", 201, `{"id":"T1","secret":"cairn_x","account_id":"U1","name":"n","scopes":["write"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2026-10-02T09:30:00Z"}`,
			func(ctx context.Context, c *Client) (any, error) {
				return c.AddToken(ctx, TokenRequest{User: "ann@example.com", Name: "n", Scopes: []cairn.Scope{"write"}, TTL: "1h"})
			},
			`POST /api/v1/tokens {"user":"ann@example.com","name":"n","scopes":["write"],"ttl":"1h"}`,
			func(v any) bool { n := v.(NewToken); return n.Secret == "cairn_x" && n.ID == "T1" },
		},
		{
			"revoke token", "DELETE /api/v1/tokens/{id}", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.RevokeToken(ctx, "T1") },
			`DELETE /api/v1/tokens/T1`, nil,
		},
		{
			"tokens", "GET /api/v1/tokens", 200, `{"tokens":[` + aToken + `],"next_cursor":null}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Tokens(ctx, true) },
			`GET /api/v1/tokens?all=true&limit=200`,
			func(v any) bool { return v.(List[Token]).Items[0].AccountID == "U1" },
		},
		{
			"add grant", "POST /api/v1/grants", 201, aGrant,
			func(ctx context.Context, c *Client) (any, error) {
				return c.AddGrant(ctx, GrantRequest{User: "ann@example.com", Source: "hr", Reason: "incident", TTL: "2h"})
			},
			`POST /api/v1/grants {"user":"ann@example.com","source":"hr","reason":"incident","ttl":"2h"}`,
			func(v any) bool {
				g := v.(Grant)
				return g.ID == "G1" && g.Source == "hr" && g.DocumentID == "" && g.Lives
			},
		},
		{
			"grants", "GET /api/v1/grants", 200, `{"grants":[` + aGrant + `],"next_cursor":null}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Grants(ctx, true) },
			`GET /api/v1/grants?all=true&limit=200`,
			func(v any) bool { return v.(List[Grant]).Items[0].Reason == "incident" },
		},
		{
			"revoke grant", "DELETE /api/v1/grants/{id}", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.RevokeGrant(ctx, "G1") },
			`DELETE /api/v1/grants/G1`, nil,
		},
		{
			"models", "GET /api/v1/models", 200, `{"models":[{"name":"extractive","default":true}]}`,
			func(ctx context.Context, c *Client) (any, error) { return c.Models(ctx) },
			`GET /api/v1/models`,
			func(v any) bool { return v.(Models).Models[0].Default },
		},
		{
			"stop", "DELETE /api/v1/messages/{id}/stream", 204, "",
			func(ctx context.Context, c *Client) (any, error) { return nil, c.StopAnswer(ctx, "M1") },
			`DELETE /api/v1/messages/M1/stream`, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := clienttest.New(t)
			fake.Reply(tt.route, tt.status, tt.reply)
			got, err := tt.call(t.Context(), newClient(t, fake.URL))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tt.request}, fake.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if tt.want != nil && !tt.want(got) {
				t.Errorf("got %+v", got)
			}
			if r, ok := got.(replied); ok && !sameJSON(t, r.raw(), tt.reply) {
				t.Errorf("raw reply: %s\nwant %s", r.raw(), tt.reply)
			}
		})
	}
}

func sameJSON(t *testing.T, a json.RawMessage, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	return cmp.Equal(x, y)
}

func TestListJoinsPages(t *testing.T) {
	fake := clienttest.New(t)
	pages := map[string]string{"": `["a","b"],"p2"`, "p2": `["c"],"p3"`, "p3": `[],null`}
	fake.Handle("GET /api/v1/users", func(w http.ResponseWriter, r *http.Request) {
		names, next, _ := strings.Cut(pages[r.URL.Query().Get("cursor")], "],")
		var users []string
		for _, n := range strings.FieldsFunc(names, func(r rune) bool { return strings.ContainsRune(`[",`, r) }) {
			users = append(users, strings.ReplaceAll(aUser, "ann", n))
		}
		clienttest.Write(w, 200, `{"users":[`+strings.Join(users, ",")+`],"next_cursor":`+next+`}`)
	})
	l, err := newClient(t, fake.URL).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range l.Items {
		got = append(got, u.Email)
	}
	if want := []string{"a@example.com", "b@example.com", "c@example.com"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := strings.Count(string(l.JSON), "@example.com"); n != 3 || !strings.Contains(string(l.JSON), `"next_cursor":null`) {
		t.Errorf("as JSON: %s", l.JSON)
	}
}

func TestListNotices(t *testing.T) {
	fake := clienttest.New(t)
	fake.Reply("GET /api/v1/users", 200, `{"users":[],"next_cursor":"again"}`)
	if _, err := newClient(t, fake.URL).Users(t.Context()); err == nil || !strings.Contains(err.Error(), "repeats") {
		t.Errorf("a list that never ends: %v", err)
	}
	other := clienttest.New(t)
	other.Reply("GET /api/v1/groups", 200, `{"groups":[],"next_cursor":null}`)
	l, err := newClient(t, other.URL).Groups(t.Context(), "")
	if err != nil || string(l.JSON) != `{"groups":[],"next_cursor":null}` {
		t.Errorf("an empty list: %s, %v", l.JSON, err)
	}
}

func TestErrorsAreMapped(t *testing.T) {
	for code, want := range kinds {
		fake := clienttest.New(t)
		fake.Reply("GET /api/v1/me", 418, `{"error":{"code":"`+code+`","message":"say so"}}`)
		_, err := newClient(t, fake.URL).Me(t.Context())
		if !errors.Is(err, want) || err.Error() != "say so" {
			t.Errorf("%s: %v", code, err)
		}
		for other, kind := range kinds {
			if other != code && errors.Is(err, kind) {
				t.Errorf("%s is %s, too", code, other)
			}
		}
	}
	fake := clienttest.New(t)
	fake.Reply("GET /api/v1/me", 500, `{"error":{"code":"internal","message":"see the log"}}`)
	if _, err := newClient(t, fake.URL).Me(t.Context()); err == nil || err.Error() != "see the log" || errors.Is(err, cairn.ErrUnavailable) {
		t.Errorf("internal: %v", err)
	}
}

func TestWhatIsNotCairn(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	page := func(status int, header ...string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>nginx</html>"))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	hung, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	go func() {
		for {
			conn, err := hung.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	for name, tt := range map[string]struct{ url, message string }{
		"nobody":     {closed.URL, "start it with cairn serve, or set CAIRN_URL"},
		"hangs up":   {"http://" + hung.Addr().String(), "start it with cairn serve, or set CAIRN_URL"},
		"other site": {page(404), "not as Cairn does"},
		"a page":     {page(200), "cannot be read"},
		"gateway":    {page(502), "stands before Cairn"},
		"redirect":   {page(302, "Location", "https://login.example/"), "https://login.example/"},
	} {
		_, err := newClient(t, tt.url).Me(t.Context())
		if !errors.Is(err, cairn.ErrUnavailable) || !strings.Contains(err.Error(), tt.message) || !strings.Contains(err.Error(), tt.url) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A redirect must not carry the token to another server.
func TestNoRedirectIsFollowed(t *testing.T) {
	reached := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer thief.Close()
	first := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	if _, err := newClient(t, first.URL).Me(t.Context()); err == nil || reached {
		t.Errorf("error %v, the other server was reached: %v", err, reached)
	}
}

func TestCancelledRequest(t *testing.T) {
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer stuck.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := newClient(t, stuck.URL).Me(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{
		{URL: ""}, {URL: "localhost:8080"}, {URL: "ftp://x"}, {URL: "http://"}, {URL: "http://x/?a=b"}, {URL: "http://x", Token: "a\nb"},
	} {
		if _, err := New(cfg); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// An empty name must not turn into another route: DELETE /sources/ is not
// DELETE /sources/{name}.
func TestEmptyPartsOfPaths(t *testing.T) {
	fake := clienttest.New(t)
	c := newClient(t, fake.URL)
	for _, bad := range []string{"", ".", ".."} {
		_, source := c.DeleteSource(t.Context(), bad)
		_, document := c.EraseDocument(t.Context(), bad)
		_, person := c.EraseUser(t.Context(), bad)
		_, update := c.UpdateSource(t.Context(), bad, SourcePatch{})
		_, preview := c.PreviewACL(t.Context(), bad, SourcePatch{})
		for name, err := range map[string]error{
			"update": update, "preview": preview, "source": source, "document": document, "person": person, "group": c.DeleteGroup(t.Context(), bad), "token": c.RevokeToken(t.Context(), bad),
		} {
			if !errors.Is(err, cairn.ErrInvalid) {
				t.Errorf("%s %q: %v", name, bad, err)
			}
		}
	}
	if got := fake.Requests(); len(got) != 0 {
		t.Errorf("sent %q", got)
	}
}

func TestHealthTellsTheTime(t *testing.T) {
	fake := clienttest.New(t)
	fake.Handle("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Date", "Mon, 23 Nov 2026 16:00:00 GMT")
		_, _ = w.Write([]byte("ok\n"))
	})
	got, err := newClient(t, fake.URL).Health(t.Context())
	if want := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("got %v, %v", got, err)
	}
}
