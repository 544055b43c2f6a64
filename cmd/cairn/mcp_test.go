package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

const mcpExamples = "../../examples/mcp"

// TestMCPPageHasTheExamples holds docs/mcp.md against the programs that it shows.
func TestMCPPageHasTheExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, language := range map[string]string{"tools.py": "python", "tools.mjs": "js"} {
		program, err := os.ReadFile(filepath.Join(mcpExamples, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```"+language+"\n"+string(program)+"```\n") {
			t.Errorf("docs/mcp.md does not show %s as it is", name)
		}
	}
}

// needExample skips a test, or fails it where all tests are to run, when what an example
// needs is not there.
func needExample(t *testing.T, program, folder string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err == nil {
		_, err = os.Stat(filepath.Join(mcpExamples, folder))
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%v; run scripts/setup clients", err)
	}
	t.Skipf("%v; run scripts/setup clients", err)
}

// TestMCPClients has the official clients list and call every tool, over HTTP and over
// standard input and output.
func TestMCPClients(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ann := s.person(cairn.RoleMember)
	_, token := s.newToken(ann.Account, time.Hour, cairn.ScopeSearch, cairn.ScopeAsk, cairn.ScopeRead)
	commit := s.valves()
	clients := map[string]struct {
		folder  string
		command []string
	}{
		"node":    {"node_modules", []string{mcpExamples + "/tools.mjs"}},
		"python3": {".python", []string{mcpExamples + "/tools.py"}},
	}
	for program, c := range clients {
		for transport, at := range map[string]string{"http": "http://" + s.addr + "/mcp", "stdio": theProgram(t) + " mcp"} {
			t.Run(program+" "+transport, func(t *testing.T) {
				t.Parallel()
				needExample(t, program, c.folder)
				cmd := exec.CommandContext(t.Context(), program, append(c.command, at, "What opens the coolant valve?")...)
				cmd.Env = append(os.Environ(), asCairn+"=1", "CAIRN_URL=http://"+s.addr, "CAIRN_TOKEN="+token, "PYTHONPATH="+mcpExamples+"/.python")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s%s", err, out, &stderr)
				}
				checkTools(t, out, commit)
			})
		}
	}
}

// valves gives everybody a document, and a repository at a commit, which it returns.
func (s *site) valves() (commit string) {
	s.t.Helper()
	s.must(s.admin, "POST", `/api/v1/sources {"name":"plant","kind":"push","acl":"everyone","settings":{"writers":"`+s.admin.Email+`"}}`, nil)
	s.must(s.admin, "PUT", `/api/v1/sources/plant/documents?id=valve {"title":"Valves","url":"https://wiki.acme.test/valves","text":"The shift leader opens the coolant valve by hand before each shift."}`, nil)
	repository := filepath.Join(s.folder, "pump.git")
	s.check(os.MkdirAll(filepath.Join(repository, "valve"), 0o755))
	s.check(os.WriteFile(filepath.Join(repository, "valve", "open.go"), []byte("package valve\n\n// Open opens the coolant valve of the pump.\nfunc Open() error {\n\treturn turn(coolant)\n}\n"), 0o644))
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "user.name=Ann", "-c", "user.email=ann@acme.test", "commit", "-q", "-m", "Open valves"},
	} {
		execute(s.t, "git", append([]string{"-C", repository}, args...)...)
	}
	out, err := exec.CommandContext(s.t.Context(), "git", "-C", repository, "rev-parse", "HEAD").Output()
	s.check(err)
	s.must(s.admin, "POST", `/api/v1/sources {"name":"pump","kind":"git","acl":"everyone","settings":{"url":"`+repository+`"}}`, nil)
	s.must(s.admin, "POST", `/api/v1/sources/pump/sync`, nil)
	s.until("the repository is read", func() bool {
		got := s.send("POST", `/api/v1/search {"query":"coolant valve","filters":{"kind":"code"}}`, bearer(s.admin.token)...)
		return strings.Contains(got.body, "open.go")
	})
	return strings.TrimSpace(string(out))
}

// toolCall is what a client prints of a call.
type toolCall struct {
	Tools  []string
	Tool   string
	Result struct {
		IsError    bool `json:"isError"`
		Content    []struct{ Type, Text string }
		Structured json.RawMessage `json:"structuredContent"`
	}
}

// into decodes the structured content.
func (c toolCall) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(c.Result.Structured, v); err != nil {
		t.Errorf("%s: %v", c.Tool, err)
	}
}

// only holds a tool to exactly one item: the structured content as JSON.
func (c toolCall) only(t *testing.T) {
	t.Helper()
	if len(c.Result.Content) != 1 || c.Result.Content[0].Type != "text" {
		t.Errorf("%s has %d items: %+v", c.Tool, len(c.Result.Content), c.Result.Content)
		return
	}
	var text, structured any
	if err := json.Unmarshal([]byte(c.Result.Content[0].Text), &text); err != nil {
		t.Errorf("%s: %v", c.Tool, err)
	}
	c.into(t, &structured)
	if diff := cmp.Diff(structured, text); diff != "" {
		t.Errorf("%s: the text is not the structured content: %s", c.Tool, diff)
	}
}

func checkTools(t *testing.T, out []byte, commit string) {
	t.Helper()
	calls := map[string]toolCall{}
	for line := range bytes.Lines(out) {
		var c toolCall
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if c.Result.IsError {
			t.Errorf("%s failed: %+v", c.Tool, c.Result.Content)
		}
		calls[c.Tool] = c
	}
	if want := []string{"ask", "fetch", "list_sources", "read_file", "search", "search_code"}; !slices.Equal(calls[""].Tools, want) || len(calls) != 1+len(want) {
		t.Fatalf("tools %q, %d calls\n%s", calls[""].Tools, len(calls), out)
	}
	checkSearchAndFetch(t, calls["search"], calls["fetch"])
	checkCode(t, calls["search_code"], calls["read_file"], commit)

	var answer struct {
		Outcome, Text, URL string
		Citations          []struct{ ID, Title, URL, Quote string }
	}
	calls["ask"].into(t, &answer)
	if answer.Outcome != "answered" || !strings.Contains(answer.Text, "[1]") || len(answer.Citations) == 0 || !strings.Contains(answer.Citations[0].Quote, "coolant valve") ||
		answer.Citations[0].ID == "" || !strings.HasPrefix(answer.Citations[0].URL, "http") || !strings.Contains(answer.URL, "/c/") {
		t.Errorf("ask: %s", calls["ask"].Result.Structured)
	}
	if text := calls["ask"].Result.Content[0].Text; !strings.Contains(text, answer.Text) || !strings.Contains(text, answer.Citations[0].URL) {
		t.Errorf("ask says: %s", text)
	}
	if got := string(calls["list_sources"].Result.Structured); strings.ReplaceAll(got, " ", "") != `{"sources":[{"name":"plant"},{"name":"pump"}]}` {
		t.Errorf("sources: %s", got)
	}
}

func checkSearchAndFetch(t *testing.T, search, fetch toolCall) {
	t.Helper()
	search.only(t)
	fetch.only(t)
	var found struct{ Results []map[string]string }
	search.into(t, &found)
	for _, r := range found.Results {
		if len(r) != 3 || r["id"] == "" || r["title"] == "" || !strings.HasPrefix(r["url"], "http") {
			t.Errorf("a result is %v", r)
		}
	}
	var document struct {
		ID, Title, Text, URL string
		Metadata             map[string]string
	}
	fetch.into(t, &document)
	if len(found.Results) != 2 || document.ID != found.Results[0]["id"] || document.Title == "" || document.URL == "" || document.Metadata["source"] == "" ||
		!strings.Contains(document.Text, "coolant valve") {
		t.Errorf("found %v, fetched %+v", found.Results, document)
	}
}

var codePlace = regexp.MustCompile(`^(.+)/valve/open\.go:L(\d+)-L(\d+)@([0-9a-f]{40})$`)

func checkCode(t *testing.T, search, read toolCall, commit string) {
	t.Helper()
	var found struct {
		Results []struct{ Location, Repo, Path, Commit, Text string }
	}
	search.into(t, &found)
	if len(found.Results) != 1 {
		t.Fatalf("search_code: %s", search.Result.Structured)
	}
	c := found.Results[0]
	if m := codePlace.FindStringSubmatch(c.Location); m == nil || m[1] != c.Repo || m[4] != commit || c.Commit != commit || !strings.Contains(c.Text, "func Open") ||
		!strings.Contains(search.Result.Content[0].Text, c.Location) {
		t.Errorf("search_code: %+v", c)
	}
	var file struct {
		Text  string
		Start int `json:"start_line"`
		End   int `json:"end_line"`
		Lines int
	}
	read.into(t, &file)
	if !strings.HasPrefix(file.Text, "package valve\n") || file.Start != 1 || file.End != 6 || file.Lines != 6 ||
		!strings.Contains(read.Result.Content[0].Text, "4\tfunc Open() error {") {
		t.Errorf("read_file: %s", read.Result.Structured)
	}
}

// rpc returns a message that calls a tool.
func rpc(tool, arguments string) string {
	return fmt.Sprintf(`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

// TestA11_15_A12_43_MCPRefusals sends to /mcp what is made for others, or comes from pages of
// others.
func TestA11_15_A12_43_MCPRefusals(t *testing.T) {
	t.Parallel()
	const public = "https://cairn.example"
	issuer := oidctest.New(t, public+"/api/v1/login/oidc/callback")
	s := newSite(t, "CAIRN_SIGN_IN=auto", "CAIRN_PUBLIC_URL="+public, "CAIRN_OIDC_ISSUER="+issuer.URL, "CAIRN_OIDC_CLIENT_ID="+issuer.ClientID,
		"CAIRN_OIDC_CLIENT_SECRET="+issuer.ClientSecret, "CAIRN_ALLOWED_NETWORKS=127.0.0.0/8")
	account, err := s.db.SignInPerson(t.Context(), auth.Person{
		Issuer: issuer.URL, Subject: "ann", Email: "ann@acme.test", MayJoin: true, Once: auth.HashOf("once"), Until: time.Now().Add(time.Minute),
	}, time.Now())
	s.check(err)
	token := func(a oidctest.Access) []string {
		if a.Subject == "" {
			a.Subject = "ann"
		}
		return bearer(issuer.AccessToken(a))
	}
	good := token(oidctest.Access{Audience: public + "/mcp"})
	session := []string{"Cookie", "__Host-" + s.session(s.admin.Account)[1]}
	if got := s.send("GET", "/api/v1/me", session...); got.status != 200 {
		t.Fatalf("the session is none: %d %s", got.status, got.body)
	}
	const metadata = `resource_metadata="` + public + `/.well-known/oauth-protected-resource/mcp"`
	list, search := `/mcp {"jsonrpc":"2.0","id":1,"method":"tools/list"}`, rpc("search", `{"query":"x"}`)
	for name, tt := range map[string]struct {
		method, request string
		header          []string
		status          int
		challenge       string
	}{
		"the issuer's token":          {"POST", search, good, 200, ""},
		"a token of the server":       {"POST", search, bearer(s.admin.token), 200, ""},
		"nobody":                      {"POST", list, nil, 401, "Bearer " + metadata},
		"a browser's session":         {"POST", list, session, 401, "Bearer " + metadata},
		"a session of a page of this": {"POST", list, append([]string{"Origin", public, "Host", "cairn.example"}, session...), 401, "Bearer " + metadata},
		"nobody, GET":                 {"GET", "/mcp", nil, 401, "Bearer " + metadata},
		"a made-up token":             {"POST", list, bearer("cairn_x"), 401, `Bearer error="invalid_token", ` + metadata},
		"the client's audience":       {"POST", list, token(oidctest.Access{Audience: issuer.ClientID}), 401, `Bearer error="invalid_token", ` + metadata},
		"the API's audience":          {"POST", list, token(oidctest.Access{Audience: public + "/api/v1"}), 401, `Bearer error="invalid_token", ` + metadata},
		"forged":                      {"POST", list, token(oidctest.Access{Audience: public + "/mcp", Forged: true}), 401, `Bearer error="invalid_token", ` + metadata},
		"somebody unknown":            {"POST", list, token(oidctest.Access{Subject: "bob", Audience: public + "/mcp"}), 401, `Bearer error="invalid_token", ` + metadata},
		"another tool's scope":        {"POST", search, token(oidctest.Access{Audience: public + "/mcp", Scope: "ask"}), 403, `Bearer error="insufficient_scope", scope="search", ` + metadata},
		"the API":                     {"GET", "/api/v1/me", good, 401, "Bearer"},
		"GET":                         {"GET", "/mcp", good, 405, ""},
		"another host":                {"POST", list, append([]string{"Host", "evil.example"}, good...), 403, ""},
		"another host, nobody":        {"POST", list, []string{"Host", "evil.example"}, 403, ""},
		"a page of another site":      {"POST", list, append([]string{"Origin", "https://evil.example"}, good...), 403, ""},
		"a page of no site":           {"POST", list, append([]string{"Origin", "null"}, good...), 403, ""},
		"a page of this site":         {"POST", list, append([]string{"Origin", public, "Host", "cairn.example"}, good...), 200, ""},
		"several messages at once":    {"POST", `/mcp [{"jsonrpc":"2.0","id":1,"method":"tools/list"}]`, good, 400, ""},
		"no message":                  {"POST", `/mcp {`, good, 400, ""},
		"another type of the body":    {"POST", list, append([]string{"Content-Type", "text/plain"}, good...), 415, ""},
		"a version that nobody knows": {"POST", list, append([]string{"MCP-Protocol-Version", "1999-01-01"}, good...), 400, ""},
	} {
		req := s.request(t.Context(), tt.method, tt.request, tt.header...)
		req.Host = req.Header.Get("Host")
		if req.Header.Del("Host"); req.Host == "" {
			req.Host = s.addr
		}
		res, err := browser.Do(req)
		s.check(err)
		res.Body.Close()
		if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != tt.status || got != tt.challenge {
			t.Errorf("%s: %d, %q; want %d, %q", name, res.StatusCode, got, tt.status, tt.challenge)
		}
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		got := s.send("GET", path)
		if want := fmt.Sprintf(`{"resource":"%s/mcp","resource_name":"Cairn","authorization_servers":["%s"],"bearer_methods_supported":["header"]}`, public, issuer.URL); strings.TrimSpace(got.body) != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	_, err = s.db.UpdateAccount(t.Context(), account, func(a *cairn.Account) error { a.Disabled = true; return nil })
	s.check(err)
	if got := s.send("POST", list, good...); got.status != 401 {
		t.Errorf("a disabled account: %d %s", got.status, got.body)
	}
}

// What a tool is given is checked, and its failures are told as results.
func TestMCPArguments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.valves()
	for request, says := range map[string]string{
		rpc("search", `{"query":" "}`):                                            `\"query\" is empty`,
		rpc("search", `{"query":"a\u0000b"}`):                                     "NUL",
		rpc("search", `{}`):                                                       "query",
		rpc("search", `{"query":"x","limit":3}`):                                  "limit",
		rpc("search", `{"query":"`+strings.Repeat("x", 4001)+`"}`):                "4000 are allowed",
		rpc("fetch", `{"id":"nothing"}`):                                          "not found",
		rpc("fetch", `{"id":"a:b"}`):                                              "is no id",
		rpc("ask", `{"question":"x","conversation_id":"nothing"}`):                "not found",
		rpc("search_code", `{"query":"x","limit":51}`):                            "1 to 50",
		rpc("search_code", `{"query":"x","cursor":"x"}`):                          "does not belong",
		rpc("read_file", `{"repo":"pump","path":"valve/none.go"}`):                "not found",
		rpc("read_file", `{"repo":"pump","path":"valve/open.go","start_line":9}`): "has 6 lines",
		rpc("read_file", `{"repo":"pump","path":"valve/open.go","ref":"0000"}`):   "indexed at commit",
		rpc("list_sources", `{"cursor":"x"}`):                                     "cursor",
	} {
		got := s.send("POST", request, bearer(s.admin.token)...)
		if got.status != 200 || !strings.Contains(got.body, `"isError":true`) || !strings.Contains(got.body, says) {
			t.Errorf("%.120s: %d %s; want an error that says %s", request, got.status, got.body, says)
		}
	}
	// A tool goes by what it is called as, however a message is spelt.
	_, searching := s.newToken(s.admin.Account, time.Hour, cairn.ScopeSearch)
	twice := `/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"x"}},"Params":{"name":"search"}}`
	if got := s.send("POST", twice, bearer(searching)...); !strings.Contains(got.body, "lacks the scope ask") {
		t.Errorf("two tools in one message: %d %s", got.status, got.body)
	}
	for request, says := range map[string]string{
		rpc("read_file", `{"repo":"pump","path":"valve/open.go","start_line":4,"end_line":4}`): `"text":"func Open() error {\n"`,
		rpc("search_code", `{"query":"coolant valve","path":"valve/"}`):                        "func Open",
		rpc("search_code", `{"query":"coolant valve","path":"other/"}`):                        `"results":[]`,
		rpc("search_code", `{"query":"coolant valve","repo":"other"}`):                         `"results":[]`,
	} {
		got := s.send("POST", request, bearer(s.admin.token)...)
		if got.status != 200 || strings.Contains(got.body, `"isError":true`) || !strings.Contains(got.body, says) {
			t.Errorf("%.120s: %d %s; want %s", request, got.status, got.body, says)
		}
	}
}

// TestMCPIsAudited: each call is in the audit log as its route is, with what it has shown.
func TestMCPIsAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	th := s.things(s.person(cairn.RoleMember))
	bob := s.person(cairn.RoleMember)
	_, asking := s.newToken(th.owner.Account, time.Hour, cairn.ScopeAsk)
	document := th.fill("$document")
	for _, tt := range []struct {
		request, token, action, outcome string
		shown                           bool
	}{
		{rpc("search", `{"query":"safe"}`), th.owner.token, "search", "ok", true},
		{rpc("fetch", `{"id":"$document"}`), th.owner.token, "document.read", "ok", true},
		{rpc("ask", `{"question":"What does the safe open with?"}`), th.owner.token, "ask", "ok", true},
		{rpc("read_file", `{"repo":"$source","path":"a.go"}`), th.owner.token, "document.read", "ok", true},
		{rpc("search_code", `{"query":"safe"}`), th.owner.token, "search", "ok", true},
		{rpc("search_code", `{"query":"safe","kind":"literal"}`), th.owner.token, "search", "ok", true},
		{rpc("search_code", `{"query":"safe","kind":"literal"}`), bob.token, "search", "ok", false},
		{rpc("search_code", `{"query":"(","kind":"regex"}`), th.owner.token, "search", "invalid", false},
		{rpc("fetch", `{"id":"$document"}`), bob.token, "document.read", "not_found", false},
		{rpc("read_file", `{"repo":"$source","path":"a.go"}`), bob.token, "document.read", "not_found", false},
		{rpc("search", `{"query":"safe"}`), bob.token, "search", "ok", false},
		{rpc("search", `{"query":""}`), bob.token, "search", "invalid", false},
		{rpc("search", `{"query":"safe"}`), asking, "search", "denied", false},
	} {
		request := s.send("POST", th.fill(tt.request), bearer(tt.token)...).header.Get("X-Request-Id")
		var row struct {
			Action, Outcome, Detail string
			Request                 string   `json:"request_id"`
			Documents               []string `json:"documents"`
		}
		s.until("the event of "+tt.request, func() bool {
			got := s.send("GET", "/api/v1/audit?limit=20", bearer(s.admin.token)...)
			var list struct{ Events []json.RawMessage }
			s.check(json.Unmarshal([]byte(got.body), &list))
			for _, e := range list.Events {
				if strings.Contains(string(e), request) {
					s.check(json.Unmarshal(e, &row))
					return true
				}
			}
			return false
		})
		if row.Action != tt.action || row.Outcome != tt.outcome || row.Detail != "mcp" || slices.Contains(row.Documents, document) != tt.shown {
			t.Errorf("%s: %+v; want %s, %s, shown %t", tt.request, row, tt.action, tt.outcome, tt.shown)
		}
	}
}

// A long document comes in parts, each with the id of the next.
func TestMCPFetchInParts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text := strings.Repeat("The long report goes on and on.\n", 5000)
	s.must(s.admin, "POST", `/api/v1/sources {"name":"reports","kind":"push","acl":"everyone"}`, nil)
	body, err := json.Marshal(map[string]string{"title": "Report", "text": text})
	s.check(err)
	var pushed struct{ ID string }
	s.must(s.admin, "PUT", "/api/v1/sources/reports/documents?id=1 "+string(body), &pushed)
	var got strings.Builder
	for id := pushed.ID; id != ""; {
		var reply struct {
			Result struct {
				Structured struct {
					Text     string
					Metadata map[string]string
				} `json:"structuredContent"`
			}
		}
		s.must(s.admin, "POST", rpc("fetch", `{"id":"`+id+`"}`), &reply)
		part := reply.Result.Structured
		if len(part.Text) == 0 || len(part.Text) > 64<<10 {
			t.Fatalf("a part has %d bytes", len(part.Text))
		}
		got.WriteString(part.Text)
		id = part.Metadata["next_id"]
	}
	if got.String() != text && got.String() != strings.TrimRight(text, "\n") {
		t.Errorf("the parts have %d bytes; want %d", got.Len(), len(text))
	}
}
