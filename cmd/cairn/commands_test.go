package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/client/clienttest"
)

// shell is a person at a command line who works with a fake Cairn.
type shell struct {
	*clienttest.Server
	t     *testing.T
	stdin string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{Server: clienttest.New(t), t: t}
	t.Chdir(t.TempDir()) // no cairn.yaml
	for name, value := range map[string]string{
		"CAIRN_URL": s.URL, "CAIRN_TOKEN": clienttest.Token, "CAIRN_DATA_DIR": t.TempDir(), "CAIRN_ADDR": "",
		"HOME": t.TempDir(), "XDG_CONFIG_HOME": "", // no token of cairn login
		"CAIRN_DATABASE_URL": "", "CAIRN_LLM_URL": "", "CAIRN_LLM_MODEL": "", "CAIRN_EMBED_URL": "", "CAIRN_EMBED_MODEL": "",
	} {
		t.Setenv(name, value)
	}
	return s
}

// run runs a command line.
func (s *shell) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, err bytes.Buffer
	code = run(s.t.Context(), args, strings.NewReader(s.stdin), &out, &err)
	return code, out.String(), err.String()
}

// expect runs a command line and compares all that it does. An empty stderr is
// not compared.
func (s *shell) expect(code int, stdout, stderr string, args ...string) {
	s.t.Helper()
	gotCode, gotOut, gotErr := s.run(args...)
	if gotCode != code {
		s.t.Errorf("cairn %s: exit code %d, want %d\n%s", strings.Join(args, " "), gotCode, code, gotErr)
	}
	if diff := cmp.Diff(strings.TrimPrefix(stdout, "\n"), gotOut); diff != "" {
		s.t.Errorf("cairn %s: standard output (-want +got):\n%s", strings.Join(args, " "), diff)
	}
	if stderr != "" && !strings.Contains(gotErr, stderr) {
		s.t.Errorf("cairn %s: standard error %q, want %q in it", strings.Join(args, " "), gotErr, stderr)
	}
}

// expectJSON checks that --json prints one document, the reply, and nothing else.
func (s *shell) expectJSON(code int, reply string, args ...string) {
	s.t.Helper()
	gotCode, out, stderr := s.run(append(args, "--json")...)
	if gotCode != code {
		s.t.Errorf("cairn %s --json: exit code %d, want %d\n%s", strings.Join(args, " "), gotCode, code, stderr)
	}
	var want, got any
	if err := json.Unmarshal([]byte(reply), &want); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		s.t.Errorf("cairn %s --json: %v in %q", strings.Join(args, " "), err, out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("cairn %s --json (-want +got):\n%s", strings.Join(args, " "), diff)
	}
}

// asked checks the last request.
func (s *shell) asked(want string) {
	s.t.Helper()
	all := s.Requests()
	if len(all) == 0 || all[len(all)-1] != want {
		s.t.Errorf("last request of %q, want %q", all, want)
	}
}

const (
	thePassage = `{"document_id":"D1","version":"v1","source":"handbook","kind":"page","title":"Travel","url":"","author":"","heading":["Travel","Hotels"],"snippet":"# Hotels\n\nOslo \u001b[2J €180","start":3,"end":13,"score":0.5,"updated_at":"2026-10-02T09:30:00Z","also_in":[{"document_id":"D2","title":"Trips","source":"wiki","url":"","updated_at":null,"older":true}],"explain":{"lexical_rank":1,"dense_rank":0,"lexical_score":8.5,"dense_score":0,"lexical":0.5,"dense":0,"lexical_share":0.7,"reasons":["names"],"proximity":0.25,"title":0.03,"freshness":0,"authority":0}}`
	theSource  = `{"id":"S1","name":"handbook","kind":"files","settings":{"path":"/srv"},"acl_mode":"declared","acl":{"allow":[["everyone"]],"deny":[]},"paused":false,"created_at":"2026-10-02T09:30:00Z","documents":3,"errors":1,"last_run":{"id":"R1","state":"partial","full":false,"dry_run":false,"permissions_only":false,"parts_only":false,"scheduled":false,"phase":"","rate":0,"remaining_s":null,"reason":"","created_at":"2026-10-02T09:30:00Z","started_at":null,"finished_at":"2026-10-02T09:31:00Z","total":0,"scanned":4,"added":3,"modified":0,"deleted":0,"failed":1,"unchanged":0}}`
	theUser    = `{"id":"U1","email":"ann@example.com","name":"Ann","role":"member","disabled":false,"created_at":"2026-10-02T09:30:00Z"}`
	theGroup   = `{"name":"finance","principal":"group:cairn:finance","members":[` + theUser + `],"groups":[]}`
	theToken   = `{"id":"T1","account_id":"U1","name":"nightly","scopes":["read","search"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2999-11-02T09:30:00Z","last_used_at":null,"revoked_at":null}`
)

func TestSearchCommand(t *testing.T) {
	s := newShell(t)
	reply := `{"results":[` + thePassage + `],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`
	s.Reply("POST /api/v1/search", 200, reply)
	s.expect(exitDone, `
 1. Travel › Hotels
    handbook · page · 2026-10-02
    Hotels: Oslo ␛[2J €180
    cairn doc get D1
    Older version: Trips (wiki)
`, "", "search", "hotel", "limit")
	s.asked(`POST /api/v1/search {"query":"hotel limit","limit":10}`)
	s.expectJSON(exitDone, reply, "search", "hotel", "--limit", "3", "--source", "a,b", "--source", "c", "--mode", "dense", "--explain")
	s.asked(`POST /api/v1/search {"query":"hotel","limit":3,"sources":["a","b","c"],"mode":"dense","explain":true}`)
	_, out, _ := s.run("search", "hotel", "--explain")
	if !strings.Contains(out, `
    score 0.500: 70 % by words (names), 30 % by meaning
      words    0.500  rank 1, BM25 8.500
      meaning  not found
      words together 0.25, title +3.0 %
`) {
		t.Error(out)
	}
	for _, wrong := range [][]string{{"search"}, {"search", "x", "--limit", "0"}, {"search", "x", "--limit", "101"}, {"search", "x", "--mode", "magic"}, {"search", "x", "--lmit", "3"}} {
		s.expect(exitUsage, "", "cairn COMMAND --help", wrong...)
	}
	s.expect(exitUsage, "", "put -- before words that begin with a minus sign", "search", "-hotel")
	s.expect(exitUsage, "", "--limit is \"abc\"; it is a whole number", "search", "x", "--limit", "abc")
	s.expect(exitUsage, "", "the query is empty", "search", " ")
	s.expect(exitUsage, "", "the question is empty", "ask", "")
}

// An empty list is not none: without the filter everything would be searched, and a
// token would have the scopes that it has by default.
func TestEmptyListsAreRefused(t *testing.T) {
	s := newShell(t)
	for _, empty := range []string{"", " ", "a,"} {
		s.expect(exitUsage, "", "--source is empty", "search", "hotel", "--source", empty)
		s.expect(exitUsage, "", "--source is empty", "ask", "hotel?", "--source", empty)
	}
	s.expect(exitUsage, "", "--scope is empty", "token", "create", "--scope", "")
	s.expect(exitUsage, "", "--known is empty", "audit", "verify", "--known", "")
	if asked := s.Requests(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
}

// Notices go to standard error, so that results can be read by a program.
func TestNoticesOfASearch(t *testing.T) {
	s := newShell(t)
	reply := `{"results":[` + thePassage + `],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[{"code":"phrase_truncated","message":"Not all\u001b[2J were checked."}],"took_ms":7}`
	s.Reply("POST /api/v1/search", 200, reply)
	_, out, errors := s.run("search", `"hotel limit" -draft`)
	if errors != "Not all␛[2J were checked.\n" || strings.Contains(out, "checked") {
		t.Errorf("standard error has %q, output %q", errors, out)
	}
	s.asked(`POST /api/v1/search {"query":"\"hotel limit\" -draft","limit":10}`)
	s.expectJSON(exitDone, reply, "search", "x")
}

func TestSearchFindsNothing(t *testing.T) {
	s := newShell(t)
	reply := `{"results":[],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[],"took_ms":7}`
	s.Reply("POST /api/v1/search", 200, reply)
	s.expect(exitNotFound, "Nothing that you may read matches: xyzzy\n", "", "search", "xyzzy")
	s.expect(exitNotFound, "Nothing that you may read in nowhere, wiki matches: \"hotel limit\"\n", "", "search", `"hotel limit"`, "--source", "nowhere", "--source", "wiki")
	s.expectJSON(exitNotFound, reply, "search", "xyzzy")
}

func TestSourceCommands(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/sources", 200, `{"sources":[`+theSource+`,{"name":"wiki"}],"next_cursor":null}`)
	receipt := `{"id":"E1","kind":"source","subject":"S1","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"documents":3},"cleaned_at":null,"kept_out":false}`
	s.Reply("DELETE /api/v1/sources/{name}", 200, receipt)
	s.Reply("GET /api/v1/sources/{name}/errors", 200, `{"errors":[{"external_id":"a.pdf","url":"","reason":"It is encrypted.","code":"encrypted","attempts":2,"at":"2026-10-02T09:30:00Z"}],"next_cursor":null}`)
	s.expect(exitDone, `
NAME      KIND   DOCUMENTS  ERRORS  LAST SYNC                 NEXT SYNC  ACL
handbook  files  3          1       partial 2026-10-02 09:31  -          everyone
wiki      -      -          -       -                         -          -
`, "", "source", "list")
	s.expectJSON(exitDone, `{"sources":[`+theSource+`,{"name":"wiki"}],"next_cursor":null}`, "source", "list")
	s.expect(exitDone, `
DOCUMENT  CODE       ATTEMPTS  LAST              REASON
a.pdf     encrypted  2         2026-10-02 09:30  It is encrypted.
`, "", "source", "errors", "handbook")
	s.expect(exitDone, "handbook is removed.\n", "", "source", "rm", "handbook") // nobody sits at a terminal
	s.asked("DELETE /api/v1/sources/handbook")
	s.expectJSON(exitDone, `{"name":"handbook","deleted":true,"erasure":`+receipt+`}`, "source", "rm", "handbook", "--yes")
	s.expect(exitUsage, "", `unknown command "remove"`, "source", "remove", "handbook")
}

func TestSourcesShowTheirSchedule(t *testing.T) {
	s := newShell(t)
	failing := strings.Replace(theSource, `"errors":1`, `"errors":1,"schedule":"15m","next_run_at":"2126-10-02T09:46:00Z","failures":3`, 1)
	late := strings.Replace(theSource, `"errors":1`, `"errors":1,"schedule":"15m","next_run_at":"2026-10-02T09:46:00Z","failures":0`, 1)
	s.Reply("GET /api/v1/sources", 200, `{"sources":[`+failing+`,`+late+`],"next_cursor":null}`)
	s.expect(exitDone, `
NAME      KIND   DOCUMENTS  ERRORS  LAST SYNC                             NEXT SYNC         ACL
handbook  files  3          1       partial 2026-10-02 09:31, 3 failures  2126-10-02 09:46  everyone
handbook  files  3          1       partial 2026-10-02 09:31              now               everyone
`, "", "source", "list")
	s.Reply("GET /api/v1/sources/{name}", 200, failing)
	s.expect(exitDone, `
handbook (files)
  path = /srv
  acl: everyone (who is signed in)
  documents: 3
  errors: 1
  schedule: 15m
  last sync: partial 2026-10-02 09:31, 3 failures
  next sync: 2126-10-02 09:46
`, "", "source", "show", "handbook")
	s.expectJSON(exitDone, failing, "source", "show", "handbook")
}

func TestDegradedSourcesAreMarked(t *testing.T) {
	s := newShell(t)
	degraded := strings.Replace(theSource, `"errors":1`, `"errors":1,"permissions_synced_at":"2026-10-02T09:30:00Z","degraded":{"since":"2026-10-02T09:36:00Z","reason":"It is away."}`, 1)
	s.Reply("GET /api/v1/sources", 200, `{"sources":[`+degraded+`],"next_cursor":null}`)
	s.expect(exitDone, `
NAME      KIND   DOCUMENTS  ERRORS  LAST SYNC                                                              NEXT SYNC  ACL
handbook  files  3          1       partial 2026-10-02 09:31, permissions degraded since 2026-10-02 09:36  -          everyone
`, "", "source", "list")
	s.Reply("POST /api/v1/access/explain", 200, `{"allowed":true,"reason":"ann may.","user":{"id":"U1","email":"ann@example.com","role":"member","disabled":false},
		"document_id":"D1","source":"handbook","viewer_keys":["everyone"],"keys":[{"key":"everyone","from":"everyone"}],"acl":{"allow":[["everyone"]],"deny":[]},
		"deciding":{"kind":"clauses","keys":["everyone"],"held":[["everyone"]]},"permissions":{"mode":"source","own":true,"synced_at":"2026-10-02T09:30:00Z",
		"degraded":true,"degraded_since":"2026-10-02T09:36:00Z","problem":"It is away."}}`)
	_, out, _ := s.run("access", "explain", "--document", "D1")
	if want := "read at the source, last at 2026-10-02 09:30; they could not be brought up to date since 2026-10-02 09:36: It is away.\n"; !strings.Contains(out, want) {
		t.Errorf("%s\nwant in it: %s", out, want)
	}
}

func TestSourceTest(t *testing.T) {
	s := newShell(t)
	s.Handle("POST /api/v1/sources/{name}/test", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("name") == "good" {
			clienttest.Write(w, 200, `{"ok":true,"message":"the source can be read"}`)
			return
		}
		clienttest.Write(w, 200, `{"ok":false,"message":"the folder is gone"}`)
	})
	s.expect(exitDone, "the source can be read\n", "", "source", "test", "good")
	s.expect(exitFailed, "", "cairn: the folder is gone", "source", "test", "bad")
	s.expectJSON(exitFailed, `{"ok":false,"message":"the folder is gone"}`, "source", "test", "bad")
}

func TestSourceAdd(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/sources", 201, theSource)
	s.expect(exitDone, `
handbook (files) is added.
  path = /srv
  acl: everyone (who is signed in)

Read it with: cairn sync handbook --wait
`, "", "source", "add", "files", "--name", "handbook", "--set", "path=/srv", "--set", "include=*.md,*.txt", "--acl", "everyone")
	s.asked(`POST /api/v1/sources {"name":"handbook","kind":"files","settings":{"include":"*.md,*.txt","path":"/srv"},"acl":"everyone"}`)
	s.expectJSON(exitDone, theSource, "source", "add", "files", "--name", "handbook", "--acl", `{"allow":[["group:cairn:x"]]}`)
	s.asked(`POST /api/v1/sources {"name":"handbook","kind":"files","acl":{"allow":[["group:cairn:x"]]}}`)
	const schedule = "The server reads it by itself (schedule 15m), first at 2026-10-02 09:45.\n"
	added := ""
	other := newShell(t)
	other.Handle("POST /api/v1/sources", func(w http.ResponseWriter, _ *http.Request) { clienttest.Write(w, 201, added) })
	for _, c := range []struct{ kind, more, says string }{
		{"files", `"schedule":"15m","next_run_at":"2026-10-02T09:45:10Z",`, "Read it with: cairn sync x --wait\n" + schedule},
		{"push", "", "Programs bring them with a token of scope write: docs/push.md\n"},
	} {
		added = `{` + c.more + strings.Replace(strings.Replace(theSource[1:], `"files"`, `"`+c.kind+`"`, 1), `"handbook"`, `"x"`, 1)
		if code, out, _ := other.run("source", "add", c.kind, "--name", "x"); code != exitDone || !strings.HasSuffix(out, c.says) {
			t.Errorf("%s: exit %d, %s; want at its end %s", c.kind, code, out, c.says)
		}
	}
	for _, wrong := range [][]string{
		{"source", "add", "files"}, {"source", "add", "--name", "x"}, {"source", "add", "files", "--name", "x", "--set", "path"},
		{"source", "add", "files", "--name", "x", "--set", "a=1", "--set", "a=2"}, {"source", "add", "files", "--name", "x", "--acl", "{bad"},
	} {
		s.expect(exitUsage, "", "", wrong...)
	}
}

// The server has another working directory, and no home of the person's.
func TestSourceAddResolvesPaths(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", "/home/ann")
	for _, tt := range []struct{ kind, key, value, want string }{
		{"files", "path", "docs", filepath.Join(here, "docs")},
		{"files", "path", "../x", filepath.Join(filepath.Dir(here), "x")},
		{"files", "path", "/srv/docs", "/srv/docs"},
		{"files", "path", "~/docs", "/home/ann/docs"},
		{"files", "path", "~", "/home/ann"},
		{"files", "path", "~other/docs", filepath.Join(here, "~other/docs")},
		{"git", "url", ".", here},
		{"git", "url", "../repo", filepath.Join(filepath.Dir(here), "repo")},
		{"git", "url", "git@example.com:a/b.git", "git@example.com:a/b.git"},
		{"git", "url", "https://example.com/a.git", "https://example.com/a.git"},
		{"web", "url", "./x", "./x"},
	} {
		settings := map[string]string{tt.key: tt.value}
		if err := resolvePaths(tt.kind, settings); err != nil || settings[tt.key] != tt.want {
			t.Errorf("%s %s: %q, %v, want %q", tt.kind, tt.value, settings[tt.key], err, tt.want)
		}
	}
}

func TestDocCommands(t *testing.T) {
	s := newShell(t)
	document := `{"id":"D1","version":"v1","state":"current","source":"wiki","external_id":"a/1","kind":"page","title":"A","url":"","author":"","language":"en","text":"# A\r\nexact \u001b[2J","sections":[],"updated_at":null,"attributes":{}}`
	s.Reply("GET /api/v1/documents/{id}", 200, document)
	s.Reply("PUT /api/v1/sources/{name}/documents", 201, `{"id":"D1","version":"v1"}`)
	receipt := `{"id":"E1","kind":"document","subject":"D1","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"documents":1},"cleaned_at":null,"kept_out":false}`
	s.Reply("DELETE /api/v1/documents/{id}", 200, receipt)
	s.expect(exitDone, "# A\r\nexact \x1b[2J\n", "", "doc", "get", "D1", "--version", "v1") // a file gets the text itself
	s.asked("GET /api/v1/documents/D1?version=v1")
	s.expectJSON(exitDone, document, "doc", "get", "D1")

	for name, text := range map[string]string{"note.md": "# Hi", "scan.pdf": "%PDF", "page.html": "<p>x", "LICENSE": "MIT", "bin": "\xff\x00", "empty": ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.expect(exitDone, "Stored as D1, version v1.\n", "", "doc", "put", "--source", "wiki", "--id", "a/1", "note.md")
	s.asked(`PUT /api/v1/sources/wiki/documents?id=a%2F1 {"title":"note","text":"# Hi","media_type":"text/markdown"}`)
	s.expectJSON(exitDone, `{"id":"D1","version":"v1"}`, "doc", "put", "--source", "wiki", "--id", "2", "scan.pdf", "--title", "Scan", "--url", "https://x.example/", "--acl", "everyone, user:ann@example.com")
	s.asked(`PUT /api/v1/sources/wiki/documents?id=2 {"title":"Scan","url":"https://x.example/","content_base64":"JVBERg==","media_type":"application/pdf","acl":{"allow":[["everyone","user:ann@example.com"]]}}`)
	s.expect(exitDone, "Stored as D1, version v1.\n", "", "doc", "put", "--source", "wiki", "--id", "3", "page.html", "--acl", `{"allow":[["everyone"]],"deny":["user:bob@example.com"]}`)
	s.asked(`PUT /api/v1/sources/wiki/documents?id=3 {"title":"page","content_base64":"PHA+eA==","media_type":"text/html","acl":{"allow":[["everyone"]],"deny":["user:bob@example.com"]}}`)
	s.expect(exitDone, "Stored as D1, version v1.\n", "", "doc", "put", "--source", "wiki", "--id", "4", "LICENSE")
	s.asked(`PUT /api/v1/sources/wiki/documents?id=4 {"title":"LICENSE","text":"MIT"}`)
	s.stdin = "from a pipe"
	s.expect(exitDone, "Stored as D1, version v1.\n", "", "doc", "put", "--source", "wiki", "--id", "5", "-")
	s.asked(`PUT /api/v1/sources/wiki/documents?id=5 {"title":"5","text":"from a pipe"}`)

	s.expect(exitUsage, "", "--media-type", "doc", "put", "--source", "wiki", "--id", "6", "bin")
	s.expect(exitUsage, "", "--source is missing", "doc", "put", "--id", "6", "note.md")
	s.expect(exitUsage, "", "--id is missing", "doc", "put", "--source", "wiki", "note.md")
	s.expect(exitUsage, "", "no principal", "doc", "put", "--source", "wiki", "--id", "6", "note.md", "--acl", "ann")
	s.expect(exitFailed, "", "empty", "doc", "put", "--source", "wiki", "--id", "6", "empty")
	s.expect(exitFailed, "", "nowhere", "doc", "put", "--source", "wiki", "--id", "6", "nowhere")

	s.expect(exitDone, "A is removed.\n", "", "doc", "rm", "D1")
	s.asked("DELETE /api/v1/documents/D1")
	s.expectJSON(exitDone, `{"id":"D1","deleted":true,"erasure":`+receipt+`}`, "doc", "rm", "D1")
}

// An administrator erases what he may not read.
func TestDocRemoveUnread(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/documents/{id}", 404, `{"error":{"code":"not_found","message":"not found"}}`)
	s.Reply("DELETE /api/v1/documents/{id}", 200, `{"id":"E1","kind":"document","subject":"D1","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"documents":1},"cleaned_at":null,"kept_out":true}`)
	s.expect(exitDone, "The document is removed.\n", "It stays away when its source is read again, until: cairn erasures lift E1", "doc", "rm", "D1")
}

func TestErasureCommands(t *testing.T) {
	s := newShell(t)
	receipt := `{"id":"E1","kind":"account","subject":"A2","by":"A1","at":"2026-10-02T09:30:00Z","counts":{"accounts":1,"messages":4},"cleaned_at":null,"kept_out":false}`
	s.Reply("DELETE /api/v1/users/{id}", 200, receipt)
	s.expect(exitDone, "Erased: accounts 1, messages 4.\nReceipt E1\n", "", "user", "erase", "ann@example.com", "--yes")
	s.asked("DELETE /api/v1/users/ann@example.com")
	s.expectJSON(exitDone, receipt, "user", "erase", "ann@example.com", "--yes")

	kept := `{"id":"E2","kind":"document","subject":"D1","by":"A1","at":"2026-10-02T09:31:00Z","counts":{"documents":1},"cleaned_at":"2026-10-02T09:32:00Z","kept_out":true}`
	s.Reply("GET /api/v1/erasures", 200, `{"erasures":[`+kept+`,`+receipt+`],"next_cursor":null}`)
	s.expect(exitDone, `
ID  WHAT                OF  WHEN              BY  CLEANED           ROWS
E2  document, kept out  D1  2026-10-02 09:31  A1  2026-10-02 09:32  documents 1
E1  account             A2  2026-10-02 09:30  A1  -                 accounts 1, messages 4
`, "", "erasures", "list")
	s.Reply("POST /api/v1/erasures/{id}/lift", 200, kept)
	s.expectJSON(exitDone, kept, "erasures", "lift", "E2")
	s.asked("POST /api/v1/erasures/E2/lift")
	s.Reply("POST /api/v1/erasures/clean", 204, "")
	s.expectJSON(exitDone, `{"cleaned":true}`, "erasures", "clean")
}

func TestDocPutBatch(t *testing.T) {
	s := newShell(t)
	status := 200
	s.Handle("POST /api/v1/sources/{name}/documents/batch", func(w http.ResponseWriter, _ *http.Request) {
		if status != 200 {
			clienttest.Write(w, status, `{"error":{"code":"not_found","message":"not found"}}`)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, `{"id":"a","document_id":"D1"}`+"\n"+`{"id":"b"}`+"\n"+`{"id":"c\u001b","error":{"code":"invalid","message":"\"title\" is missing"}}`+"\n")
	})
	s.stdin = `{"id":"a","title":"A","text":"x"}` + "\n\n" + `{"id":"b","delete":true}` + "\n" + `{"id":"c\u001b"}`
	s.expect(exitFailed, "1 stored, 1 removed, 1 failed.\n", "c␛: \"title\" is missing\n", "doc", "put", "--source", "wiki", "--batch", "-")
	s.asked("POST /api/v1/sources/wiki/documents/batch " + strings.ReplaceAll(s.stdin, "\n\n", "\n"))
	if err := os.WriteFile("all.ndjson", []byte(s.stdin), 0o600); err != nil {
		t.Fatal(err)
	}
	s.expectJSON(exitFailed, `{"results":[{"id":"a","document_id":"D1"},{"id":"b"},{"id":"c\u001b","error":{"code":"invalid","message":"\"title\" is missing"}}],"stored":1,"removed":1,"failed":1}`,
		"doc", "put", "--source", "wiki", "--batch", "all.ndjson")
	s.expect(exitUsage, "", "leave --id and FILE out", "doc", "put", "--source", "wiki", "--batch", "-", "--id", "x")
	s.expect(exitUsage, "", "leave --id and FILE out", "doc", "put", "--source", "wiki", "--batch", "-", "x")
	s.expect(exitUsage, "", "--source is missing", "doc", "put", "--batch", "-")
	s.expect(exitUsage, "", "or --batch", "doc", "put", "--source", "wiki", "--id", "x")
	s.expect(exitFailed, "", "nowhere", "doc", "put", "--source", "wiki", "--batch", "nowhere")
	status = 404
	s.expect(exitFailed, "", "wiki", "doc", "put", "--source", "wiki", "--batch", "all.ndjson")
	status = 200
	s.Handle("POST /api/v1/sources/numbers/documents/batch", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, `{"id":"a"}`+"\n"+`{"id":"","error":{"code":"invalid","message":"line 2: no JSON"}}`+"\n")
	})
	s.stdin = "\n{\"id\":\"a\",\"delete\":true}\n\nbad\n"
	s.expect(exitFailed, "0 stored, 1 removed, 1 failed.\n", "line 4: no JSON\n", "doc", "put", "--source", "numbers", "--batch", "-")
	s.stdin = "\n"
	s.expect(exitDone, "0 stored, 0 removed, 0 failed.\n", "", "doc", "put", "--source", "wiki", "--batch", "-")
}

func TestPeopleCommands(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/users", 201, theUser)
	s.Reply("POST /api/v1/users/{id}/code", 201, `{"code":"XK4T-9QWM","expires_at":"2026-10-03T09:30:00Z"}`)
	s.Reply("GET /api/v1/users", 200, `{"users":[`+theUser+`],"next_cursor":null}`)
	s.Reply("PATCH /api/v1/users/{id}", 200, theUser)
	s.Reply("POST /api/v1/groups", 201, theGroup)
	s.Reply("PUT /api/v1/groups/{name}", 200, theGroup)
	s.Reply("GET /api/v1/groups", 200, `{"groups":[`+theGroup+`],"next_cursor":null}`)
	s.Reply("DELETE /api/v1/groups/{name}", 204, "")
	signIn := "Sign in at " + s.URL + "/login with the code\n\n  XK4T-9QWM\n\n(once, until 2026-10-03 09:30 UTC).\n"
	s.expect(exitDone, "ann@example.com is added (member).\n"+signIn, "", "user", "add", "ann@example.com", "--role", "auditor", "--name", "Ann")
	if got := s.Requests()[0]; got != `POST /api/v1/users {"email":"ann@example.com","name":"Ann","role":"auditor"}` {
		t.Error(got)
	}
	s.expectJSON(exitDone, strings.TrimSuffix(theUser, "}")+`,"code":"XK4T-9QWM","expires_at":"2026-10-03T09:30:00Z"}`, "user", "add", "ann@example.com")
	s.expect(exitDone, signIn, "", "user", "code", "ann@example.com")
	s.expect(exitUsage, "", "admin, auditor, member", "user", "add", "ann@example.com", "--role", "king")
	s.expect(exitDone, `
EMAIL            NAME  ROLE    STATE   SINCE       ID
ann@example.com  Ann   member  active  2026-10-02  U1
`, "", "user", "list")
	s.expect(exitDone, "ann@example.com is disabled.\n", "", "user", "disable", "ann@example.com")
	s.asked(`PATCH /api/v1/users/ann@example.com {"disabled":true}`)
	s.expectJSON(exitDone, theUser, "user", "enable", "ann@example.com")
	s.asked(`PATCH /api/v1/users/ann@example.com {"disabled":false}`)

	members := "finance has 1 members. In an ACL it is group:cairn:finance\n"
	s.expect(exitDone, members, "", "group", "add", "finance")
	s.expect(exitDone, members, "", "group", "set", "finance", "ann@example.com", "bob@example.com")
	s.asked(`PUT /api/v1/groups/finance {"members":["ann@example.com","bob@example.com"]}`)
	s.expect(exitDone, members, "", "group", "set", "finance", "ann@example.com", "group:scim:All Staff")
	s.asked(`PUT /api/v1/groups/finance {"members":["ann@example.com","group:scim:All Staff"]}`)
	s.expectJSON(exitDone, theGroup, "group", "set", "finance")
	s.expect(exitDone, `
NAME     PRINCIPAL            MEMBERS
finance  group:cairn:finance  ann@example.com
`, "", "group", "list")
	s.expect(exitDone, "finance is removed.\n", "", "group", "rm", "finance")
}

func TestGroupsOfADirectory(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/groups", 200, `{"groups":[{"name":"all","principal":"group:scim:all","members":[`+theUser+`],"groups":["group:scim:eng"]}],"next_cursor":null}`)
	s.expect(exitDone, `
NAME  PRINCIPAL       MEMBERS
all   group:scim:all  group:scim:eng, ann@example.com
`, "", "group", "list", "--directory", "scim")
}

func TestTokenCommands(t *testing.T) {
	s := newShell(t)
	created := `{"id":"T1","secret":"cairn_secret","account_id":"U1","name":"","scopes":["search"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2026-11-02T09:30:00Z"}`
	s.Reply("POST /api/v1/tokens", 201, created)
	s.Reply("GET /api/v1/tokens", 200, `{"tokens":[`+theToken+`],"next_cursor":null}`)
	s.Reply("DELETE /api/v1/tokens/{id}", 204, "")
	s.expect(exitDone, "cairn_secret\n", "shown this once", "token", "create", "--user", "ann@example.com", "--scope", "search,ask", "--scope", "write", "--ttl", "720h")
	s.asked(`POST /api/v1/tokens {"user":"ann@example.com","scopes":["search","ask","write"],"ttl":"720h"}`)
	s.expectJSON(exitDone, created, "token", "create")
	s.expect(exitUsage, "", "search, ask, read", "token", "create", "--scope", "all")
	s.expect(exitUsage, "", "720h", "token", "create", "--ttl", "30d")
	s.expect(exitDone, `
ID  NAME     SCOPES        STATE             LAST USED  ACCOUNT
T1  nightly  read, search  until 2999-11-02  -          U1
`, "", "token", "list", "--all")
	s.expect(exitDone, "T1 is revoked.\n", "", "token", "revoke", "T1")
	s.asked("DELETE /api/v1/tokens/T1")
}

func TestGrantCommands(t *testing.T) {
	s := newShell(t)
	made := `{"id":"G1","user":` + theUser + `,"source":"hr","document_id":null,"reason":"incident 7","by":"U2","created_at":"2999-10-02T09:30:00Z","expires_at":"2999-10-02T11:00:00Z","revoked_at":null,"lives":true}`
	ended := `{"id":"G0","user":` + theUser + `,"source":null,"document_id":"D1","reason":"incident 6","by":"U2","created_at":"2026-10-02T09:30:00Z","expires_at":"2026-10-02T10:30:00Z","revoked_at":null,"lives":false}`
	s.Reply("POST /api/v1/grants", 201, made)
	s.Reply("GET /api/v1/grants", 200, `{"grants":[`+made+`,`+ended+`],"next_cursor":null}`)
	s.Reply("DELETE /api/v1/grants/{id}", 204, "")
	s.expect(exitDone, "ann@example.com may read source hr until 2999-10-02 11:00.\nGrant G1; to end it before: cairn grant rm G1\n", "",
		"grant", "add", "--user", "ann@example.com", "--source", "hr", "--reason", "incident 7", "--ttl", "90m")
	s.asked(`POST /api/v1/grants {"user":"ann@example.com","source":"hr","reason":"incident 7","ttl":"90m"}`)
	s.expectJSON(exitDone, made, "grant", "add", "--document", "D1", "--reason", "incident 6")
	s.asked(`POST /api/v1/grants {"document_id":"D1","reason":"incident 6"}`)
	s.expect(exitUsage, "", "--source or --document", "grant", "add", "--reason", "x")
	s.expect(exitUsage, "", "--source or --document", "grant", "add", "--reason", "x", "--source", "hr", "--document", "D1")
	s.expect(exitUsage, "", "--reason", "grant", "add", "--source", "hr")
	s.expect(exitUsage, "", "90m", "grant", "add", "--source", "hr", "--reason", "x", "--ttl", "1d")
	s.expect(exitDone, `
ID  USER             WHAT         STATE                     BY  REASON
G1  ann@example.com  source hr    until 2999-10-02 11:00    U2  incident 7
G0  ann@example.com  document D1  expired 2026-10-02 10:30  U2  incident 6
`, "", "grant", "list", "--all")
	s.asked("GET /api/v1/grants?all=true&limit=200")
	s.expect(exitDone, "G1 is revoked.\n", "", "grant", "rm", "G1")
	s.asked("DELETE /api/v1/grants/G1")
}

func TestEmptyLists(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/sources", 200, `{"sources":[],"next_cursor":null}`)
	s.expect(exitDone, "There are no sources. Add one with: cairn source add KIND --name NAME\n", "", "source", "list")
	s.expectJSON(exitDone, `{"sources":[],"next_cursor":null}`, "source", "list")
}

func TestErrorsOfCommands(t *testing.T) {
	s := newShell(t)
	status, code := 403, "denied"
	s.Handle("GET /api/v1/users", func(w http.ResponseWriter, _ *http.Request) {
		clienttest.Write(w, status, `{"error":{"code":"`+code+`","message":"administrators only \u001b[2J"}}`)
	})
	s.expect(exitDenied, "", "cairn: administrators only ␛[2J. Ask an administrator", "user", "list")
	s.expect(exitDenied, "", "cairn: administrators only", "user", "list", "--json")
	status, code = 404, "not_found"
	s.expect(exitFailed, "", "cairn: administrators only", "user", "list")

	t.Setenv("CAIRN_TOKEN", "wrong")
	s.expect(exitDenied, "", "The token in CAIRN_TOKEN was sent", "user", "list")
	t.Setenv("CAIRN_TOKEN", "")
	s.expect(exitDenied, "", "set CAIRN_DATA_DIR to the server's data directory", "user", "list")
	t.Setenv("CAIRN_URL", "http://127.0.0.1:1")
	s.expect(exitFailed, "", "no Cairn answers at http://127.0.0.1:1: start it with cairn serve, or set CAIRN_URL", "user", "list")
	t.Setenv("CAIRN_URL", "nonsense")
	s.expect(exitFailed, "", "CAIRN_URL", "user", "list")
}
