package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairnhq/cairn/client/clienttest"
)

// promised is what the contract says of one command.
type promised struct {
	command string // its name and arguments that are right
	stdin   string
	wrong   string            // arguments that are wrong, beside an unknown flag
	replies map[string]string // by route; "201 …" where the status is not 200, "204" without a body
	exit    int               // with these replies
	// offline: it asks no server, or has its own words for one that refuses; then
	// replies are not used.
	offline bool
	alone   bool // with offline: it needs nothing else, and keeps all promises at once
}

const (
	theReceipt = `{"id":"E1","kind":"document","subject":"D1","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"documents":1},"cleaned_at":null,"kept_out":false}`
	theGrant   = `{"id":"G1","user":` + theUser + `,"source":"hr","document_id":null,"reason":"incident 7","by":"U2","created_at":"2999-10-02T09:30:00Z","expires_at":"2999-10-02T11:00:00Z","revoked_at":null,"lives":true}`
	theBinding = `{"id":"B1","user":` + theUser + `,"issuer":"https://id.example","subject":"s","name":"Ann","first_at":"2026-10-02T09:30:00Z","last_at":"2026-10-02T09:30:00Z","attempts":2}`
	theSlacker = `{"workspace":"T0123ABCD","email":"ann@example.com","user":` + theUser + `,"approved_by":"U2","approved_at":"2026-10-02T09:30:00Z"}`
	theCode    = `201 {"code":"XK4T-9QWM","expires_at":"2026-10-03T09:30:00Z"}`
	theRow     = `{"seq":1,"at":"2026-10-02T09:30:00Z","action":"login","outcome":"ok","account_id":"A1","via":"token","token_id":"","address":"","request_id":"","object":{"kind":"","id":""},"detail":"","documents":[],"previous":"","hash":""}`
	theAccess  = `{"allowed":true,"reason":"ann may.","user":{"id":"U1","email":"ann@example.com","role":"member","disabled":false},"document_id":"D1","source":"handbook","viewer_keys":["everyone"],"keys":[{"key":"everyone","from":"everyone"}],"acl":{"allow":[["everyone"]],"deny":[]},"deciding":{"kind":"clauses","keys":["everyone"],"held":[["everyone"]]},"permissions":{"mode":"source","own":true,"synced_at":"2026-10-02T09:30:00Z","degraded":false,"problem":""}}`
	theText    = `{"id":"D1","version":"v1","state":"current","source":"wiki","external_id":"a/1","kind":"page","title":"A","url":"","author":"","language":"en","text":"A","sections":[],"updated_at":null,"attributes":{}}`
	aToken     = `201 {"id":"T1","secret":"cairn_secret","account_id":"U1","name":"","scopes":["search"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2026-11-02T09:30:00Z"}`
	noCode     = `{"results":[],"more":false,"incomplete":false,"took_ms":7}`
	noResults  = `{"results":[],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`
	results    = `{"results":[` + thePassage + `],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`
)

// promises has a row for each command. A new command needs one.
func promises() []promised {
	events := func(done string) string { return "events " + done }
	return []promised{
		{command: "ask why", wrong: "ask", replies: map[string]string{"POST /api/v1/ask": events(theAnswer)}},
		{command: "ask why not", wrong: "ask x --source a,", replies: map[string]string{"POST /api/v1/ask": events(answerJSON("not_found", "Nothing.", "", "", "", ""))}, exit: exitNotFound},
		{command: "chat", wrong: "chat x", stdin: "why\n", replies: map[string]string{"POST /api/v1/ask": events(theAnswer)}},
		{command: "chat --source wiki", wrong: "chat --source a,", stdin: "why\n\nnot\n", replies: map[string]string{"POST /api/v1/ask": events(answerJSON("not_found", "Nothing.", "", "", "", ""))}, exit: exitNotFound},
		{command: "search hotel", wrong: "search", replies: map[string]string{"POST /api/v1/search": results}},
		{command: "code Decode", wrong: "code", replies: map[string]string{"POST /api/v1/code/search": noCode}, exit: exitNotFound},
		{command: "search xyzzy", wrong: "search x --limit 0", replies: map[string]string{"POST /api/v1/search": noResults}, exit: exitNotFound},

		{command: "source list", wrong: "source list x", replies: map[string]string{"GET /api/v1/sources": `{"sources":[` + theSource + `],"next_cursor":null}`}},
		{command: "source show handbook", wrong: "source show", replies: map[string]string{"GET /api/v1/sources/{name}": theSource}},
		{command: "source add files --name handbook --acl everyone", wrong: "source add files", replies: map[string]string{"POST /api/v1/sources": "201 " + theSource}},
		{command: "source set handbook --set include=*.md --yes", wrong: "source set handbook", replies: map[string]string{"PATCH /api/v1/sources/{name}": theSource}},
		{command: "source test handbook", wrong: "source test", replies: map[string]string{"POST /api/v1/sources/{name}/test": `{"ok":true,"message":"it can be read"}`}},
		{command: "source errors handbook", wrong: "source errors", replies: map[string]string{"GET /api/v1/sources/{name}/errors": `{"errors":[],"next_cursor":null}`}},
		{command: "source rm handbook --yes", wrong: "source rm", replies: map[string]string{"DELETE /api/v1/sources/{name}": theReceipt}},
		{command: "sync handbook", wrong: "sync", replies: map[string]string{"POST /api/v1/sources/{name}/sync": "202 " + runJSON("queued", "", false)}},
		{command: "secret rotate", wrong: "secret rotate x", replies: map[string]string{"POST /api/v1/secrets/rotate": `{"key":"0123456789abcdef","sealed":4,"lost":0}`}},

		{command: "doc get D1", wrong: "doc get", replies: map[string]string{"GET /api/v1/documents/{id}": theText}},
		{command: "doc put --source wiki --id 1 note.md", wrong: "doc put note.md", replies: map[string]string{"PUT /api/v1/sources/{name}/documents": `201 {"id":"D1","version":"v1"}`}},
		{command: "doc rm D1", wrong: "doc rm", replies: map[string]string{"GET /api/v1/documents/{id}": theText, "DELETE /api/v1/documents/{id}": theReceipt}},

		{command: "user add ann@example.com", wrong: "user add", replies: map[string]string{"POST /api/v1/users": "201 " + theUser, "POST /api/v1/users/{id}/code": theCode}},
		{command: "user list", wrong: "user list x", replies: map[string]string{"GET /api/v1/users": `{"users":[` + theUser + `],"next_cursor":null}`}},
		{command: "user code ann@example.com", wrong: "user code", replies: map[string]string{"POST /api/v1/users/{id}/code": theCode}},
		{command: "user reset ann@example.com", wrong: "user reset", replies: map[string]string{"DELETE /api/v1/users/{id}/password": "204", "POST /api/v1/users/{id}/code": theCode}},
		{command: "user disable ann@example.com", wrong: "user disable", replies: map[string]string{"PATCH /api/v1/users/{id}": theUser}},
		{command: "user enable ann@example.com", wrong: "user enable", replies: map[string]string{"PATCH /api/v1/users/{id}": theUser}},
		{command: "user erase ann@example.com --yes", wrong: "user erase", replies: map[string]string{"DELETE /api/v1/users/{id}": theReceipt}},
		{command: "user bindings", wrong: "user bindings x", replies: map[string]string{"GET /api/v1/users/bindings": `{"bindings":[` + theBinding + `],"next_cursor":null}`}},
		{command: "user confirm B1", wrong: "user confirm", replies: map[string]string{"POST /api/v1/users/bindings/{id}/confirm": theUser}},
		{command: "user dismiss B1", wrong: "user dismiss", replies: map[string]string{"DELETE /api/v1/users/bindings/{id}": "204"}},
		{command: "group add finance", wrong: "group add", replies: map[string]string{"POST /api/v1/groups": "201 " + theGroup}},
		{command: "group set finance ann@example.com", wrong: "group set", replies: map[string]string{"PUT /api/v1/groups/{name}": theGroup}},
		{command: "group list", wrong: "group list x", replies: map[string]string{"GET /api/v1/groups": `{"groups":[` + theGroup + `],"next_cursor":null}`}},
		{command: "group rm finance", wrong: "group rm", replies: map[string]string{"DELETE /api/v1/groups/{name}": "204"}},
		{command: "slack list", wrong: "slack list x", replies: map[string]string{"GET /api/v1/slack/people": `{"people":[` + theSlacker + `],"next_cursor":null}`}},
		{command: "slack approve ann@example.com --workspace T0123ABCD", wrong: "slack approve ann@example.com", replies: map[string]string{"PUT /api/v1/slack/people/{workspace}/{email}": theSlacker}},
		{command: "slack remove ann@example.com --workspace T0123ABCD", wrong: "slack remove ann@example.com", replies: map[string]string{"DELETE /api/v1/slack/people/{workspace}/{email}": "204"}},
		{command: "token create", wrong: "token create --scope all", replies: map[string]string{"POST /api/v1/tokens": aToken}},
		{command: "token list", wrong: "token list x", replies: map[string]string{"GET /api/v1/tokens": `{"tokens":[` + theToken + `],"next_cursor":null}`}},
		{command: "token revoke T1", wrong: "token revoke", replies: map[string]string{"DELETE /api/v1/tokens/{id}": "204"}},
		{command: "models list", wrong: "models list x", replies: map[string]string{"GET /api/v1/models": `{"models":[{"name":"extractive","default":true}]}`}},
		{command: "models test extractive", wrong: "models test", replies: map[string]string{"POST /api/v1/search": results, "POST /api/v1/ask": events(theAnswer)}},
		{command: "access explain --document D1", wrong: "access explain", replies: map[string]string{"POST /api/v1/access/explain": theAccess}},
		{command: "grant add --source hr --reason x", wrong: "grant add --reason x", replies: map[string]string{"POST /api/v1/grants": "201 " + theGrant}},
		{command: "grant list", wrong: "grant list x", replies: map[string]string{"GET /api/v1/grants": `{"grants":[` + theGrant + `],"next_cursor":null}`}},
		{command: "grant rm G1", wrong: "grant rm", replies: map[string]string{"DELETE /api/v1/grants/{id}": "204"}},
		{command: "audit list", wrong: "audit list x", replies: map[string]string{"GET /api/v1/audit": `{"events":[` + theRow + `],"next_cursor":null}`}},
		{command: "audit export", wrong: "audit export x", replies: map[string]string{"GET /api/v1/audit/export": "lines " + theRow}},
		{command: "audit verify", wrong: "audit verify x", replies: map[string]string{"POST /api/v1/audit/verify": `{"intact":true,"rows":1,"first":1,"mark":"m"}`}},
		{command: "report oversharing", wrong: "report oversharing --more-than -1", replies: map[string]string{"GET /api/v1/reports/oversharing": theReport}},
		{command: "erasures list", wrong: "erasures list x", replies: map[string]string{"GET /api/v1/erasures": `{"erasures":[` + theReceipt + `],"next_cursor":null}`}},
		{command: "erasures lift E1", wrong: "erasures lift", replies: map[string]string{"POST /api/v1/erasures/{id}/lift": theReceipt}},
		{command: "erasures clean", wrong: "erasures clean x", replies: map[string]string{"POST /api/v1/erasures/clean": "204"}},

		{command: "version", wrong: "version x", offline: true, alone: true},
		{command: "login", wrong: "login x", offline: true},
		{command: "logout", wrong: "logout x", offline: true, alone: true},
		{command: "password", wrong: "password x", offline: true},
		{command: "doctor", wrong: "doctor x", offline: true},
		{command: "serve", wrong: "serve x", offline: true},
		{command: "migrate", wrong: "migrate x", offline: true},
		{command: "index verify", wrong: "index verify x", offline: true},
		{command: "index rebuild", wrong: "index rebuild x", offline: true},
		{command: "eval run", wrong: "eval run", offline: true},
		{command: "eval answers", wrong: "eval answers", offline: true},
		{command: "eval compare", wrong: "eval compare", offline: true},
		{command: "eval make", wrong: "eval make", offline: true},
		{command: "man folder", wrong: "man", offline: true, alone: true},
		{command: "mcp", wrong: "mcp x", offline: true},
		{command: "mcp install cursor", wrong: "mcp install emacs", offline: true, alone: true},
	}
}

// commands returns the commands that do something and are not hidden, by their
// names without "cairn".
func commands(c *cobra.Command, path ...string) map[string]*cobra.Command {
	found := make(map[string]*cobra.Command)
	if _, helps := c.Annotations[onlyHelps]; len(path) > 0 && c.Runnable() && !helps {
		found[strings.Join(path, " ")] = c
	}
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		for name, command := range commands(sub, append(slices.Clone(path), sub.Name())...) {
			found[name] = command
		}
	}
	return found
}

// commandOf returns the name of the command that a command line runs.
func commandOf(all map[string]*cobra.Command, line string) string {
	for name := line; name != ""; {
		if all[name] != nil {
			return name
		}
		cut := strings.LastIndexByte(name, ' ')
		if cut < 0 {
			break
		}
		name = name[:cut]
	}
	return ""
}

// TestContractOfCommands checks of every command what the contract promises of all:
// exit codes, one JSON document on standard output and nothing else there, and help.
func TestContractOfCommands(t *testing.T) {
	all := commands(rootCommand(&environment{}))
	tested := make(map[string]bool)
	for _, p := range promises() {
		name := commandOf(all, p.command)
		tested[name] = true
		t.Run(p.command, func(t *testing.T) {
			s := newShell(t)
			if err := os.WriteFile("note.md", []byte("# Hi"), 0o600); err != nil {
				t.Fatal(err)
			}
			s.stdin = p.stdin
			s.helps(name, all[name])
			s.refusesUsage(name, p.wrong)
			if p.alone {
				s.promises(p)
			}
			if p.offline {
				return
			}
			s.replies(p.replies)
			s.promises(p)
			s.fails(strings.Fields(p.command))
		})
	}
	for name := range all {
		if !tested[name] {
			t.Errorf("cairn %s has no row in promises", name)
		}
	}
}

// helps checks --help, of which nothing goes to standard error.
func (s *shell) helps(name string, c *cobra.Command) {
	s.t.Helper()
	if c == nil {
		s.t.Fatal("there is no such command")
	}
	code, out, stderr := s.run(append(strings.Fields(name), "--help")...)
	if code != exitDone || stderr != "" || !strings.Contains(out, "cairn "+name) || !strings.Contains(out, "Usage:") || !strings.Contains(out, "--json") {
		s.t.Errorf("cairn %s --help: exit code %d\n%s%s", name, code, out, stderr)
	}
	if c.Short == "" || strings.HasSuffix(c.Short, ".") {
		s.t.Errorf("cairn %s: the short help %q is no line of a list", name, c.Short)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			s.t.Errorf("cairn %s: --%s has no help", name, f.Name)
		}
	})
}

func (s *shell) refusesUsage(name, wrong string) {
	s.t.Helper()
	for _, line := range []string{wrong, name + " --no-such-flag", wrong + " --json"} {
		code, out, stderr := s.run(strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.HasPrefix(stderr, "cairn: ") {
			s.t.Errorf("cairn %s: exit code %d, want 2 and a reason on standard error alone\n%q %q", line, code, out, stderr)
		}
	}
}

func (s *shell) replies(byRoute map[string]string) {
	for route, reply := range byRoute {
		kind, body, _ := strings.Cut(reply, " ")
		switch kind {
		case "events":
			s.answers(append(answerEvents[:3:3], event{"done", body}))
		case "lines":
			s.Handle(route, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-ndjson")
				_, _ = io.WriteString(w, body+"\n")
			})
		case "201":
			s.Reply(route, http.StatusCreated, body)
		case "202":
			s.Reply(route, http.StatusAccepted, body)
		case "204":
			s.Reply(route, http.StatusNoContent, "")
		default:
			s.Reply(route, http.StatusOK, reply)
		}
	}
}

// promises checks that a command does what it is to do, for people and for programs.
func (s *shell) promises(p promised) {
	s.t.Helper()
	args := strings.Fields(p.command)
	if code, out, stderr := s.run(args...); code != p.exit || out == "" {
		s.t.Errorf("exit code %d, want %d; standard output %q\n%s", code, p.exit, out, stderr)
	}
	code, out, stderr := s.run(append(args, "--json")...)
	if code != p.exit || !json.Valid([]byte(out)) || !strings.HasSuffix(out, "\n") {
		s.t.Errorf("--json: exit code %d, want %d and one document: %q\n%s", code, p.exit, out, stderr)
	}
}

// fails checks a command with servers that refuse it, or are not there.
func (s *shell) fails(args []string) {
	s.t.Helper()
	for _, c := range []struct {
		status int
		code   string
		exit   int
	}{
		{http.StatusUnauthorized, "unauthenticated", exitDenied}, {http.StatusForbidden, "denied", exitDenied},
		{http.StatusNotFound, "not_found", exitFailed}, {http.StatusBadRequest, "invalid", exitFailed},
		{http.StatusServiceUnavailable, "unavailable", exitFailed}, {0, "", exitFailed},
	} {
		refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			clienttest.Write(w, c.status, `{"error":{"code":"`+c.code+`","message":"no \u001b[2J"}}`)
		}))
		if c.status == 0 {
			refusing.Close()
		}
		s.t.Setenv("CAIRN_URL", refusing.URL)
		for _, args := range [][]string{args, append(slices.Clone(args), "--json")} {
			code, out, stderr := s.run(args...)
			if code != c.exit || out != "" || !strings.HasPrefix(stderr, "cairn: ") || strings.Contains(stderr, "\x1b") {
				s.t.Errorf("%q, status %d: exit code %d, want %d and a reason on standard error alone\n%q %q", args, c.status, code, c.exit, out, stderr)
			}
		}
		refusing.Close()
	}
}
