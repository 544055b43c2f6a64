package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/client/clienttest"
)

// bridged is cairn mcp as a client has started it, before a server that answers as the
// method of a message says.
type bridged struct {
	t         *testing.T
	in        *io.PipeWriter
	lines     chan string
	url       string
	hanging   chan struct{} // closed when the request "hang" has come
	cancelled chan struct{} // closed when it has ended
	ended     chan int
}

func newBridged(t *testing.T) *bridged {
	t.Helper()
	b := &bridged{t: t, lines: make(chan string, 10), hanging: make(chan struct{}), cancelled: make(chan struct{}), ended: make(chan int, 1)}
	server := httptest.NewServer(http.HandlerFunc(b.answer))
	t.Cleanup(server.Close)
	b.url = server.URL
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{"CAIRN_URL": server.URL, "CAIRN_TOKEN": clienttest.Token, "HOME": t.TempDir(), "XDG_CONFIG_HOME": ""} {
		t.Setenv(name, value)
	}
	in, inner := io.Pipe()
	outer, out := io.Pipe()
	b.in = inner
	go func() {
		b.ended <- run(t.Context(), []string{"mcp"}, in, out, io.Discard)
		_ = out.Close()
	}()
	go func() {
		for scanner := bufio.NewScanner(outer); scanner.Scan(); {
			b.lines <- scanner.Text()
		}
	}()
	return b
}

// answer plays the server.
func (b *bridged) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	version, name := r.Header.Get("MCP-Protocol-Version"), r.Header.Get("Mcp-Method")+r.Header.Get("Mcp-Name")
	has := func(method string) bool { return strings.Contains(string(body), `"method":"`+method+`"`) }
	reply := func(status int, mediaType, text string) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer "+clienttest.Token || r.URL.Path != "/mcp":
		reply(401, "application/json", `{"error":{"code":"unauthenticated","message":"who?"}}`)
	case has("initialize"):
		reply(200, "application/json", `{"jsonrpc":"2.0","id":0,`+"\n"+`"result":{"protocolVersion":"2025-11-25"}}`)
	case has("notifications/initialized"):
		w.WriteHeader(http.StatusAccepted)
	case has("notifications/hang"):
		<-r.Context().Done()
	case has("events"):
		reply(200, "text/event-stream", "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n: still\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"version\":\""+version+"\"}}\n\n")
	case has("torn"):
		reply(200, "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\ndata: {\"jsonrpc\":")
	case has("denied"):
		reply(403, "application/json", `{"error":{"code":"denied","message":"the token lacks the scope ask"}}`)
	case has("unknown"):
		reply(404, "application/json", `{"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"no such method"}}`)
	case has("plain"):
		reply(400, "text/plain", "it is wrong\n")
	case has("proxy"):
		reply(502, "text/html", "<html>")
	case has("hang"):
		close(b.hanging)
		<-r.Context().Done()
		close(b.cancelled)
	default:
		reply(200, "application/json", fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"result":{"said":%q}}`, version+" "+name))
	}
}

// send writes a message.
func (b *bridged) send(line string) {
	b.t.Helper()
	if _, err := io.WriteString(b.in, line+"\n"); err != nil {
		b.t.Fatal(err)
	}
}

// gets waits for a line that holds the text.
func (b *bridged) gets(text string) {
	b.t.Helper()
	select {
	case line := <-b.lines:
		if !strings.Contains(line, text) {
			b.t.Errorf("got %s; want %s in it", line, text)
		}
	case <-time.After(20 * time.Second):
		b.t.Fatalf("nothing comes; want %s", text)
	}
}

// TestMCPBridge hands messages on, whatever the server says to them.
func TestMCPBridge(t *testing.T) {
	b := newBridged(t)
	b.send(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`)
	b.gets(`{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}`)
	b.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for _, tt := range [][]string{
		{`{"jsonrpc":"2.0","id":1,"method":"events"}`, "notifications/progress", `"version":"2025-11-25"`},
		{`{"jsonrpc":"2.0","id":2,"method":"torn"}`, "notifications/progress", `"id":2`},
		{`{"jsonrpc":"2.0","id":3,"method":"denied"}`, `the token lacks the scope ask`},
		{`{"jsonrpc":"2.0","id":4,"method":"unknown"}`, `{"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"no such method"}}`},
		{`{"jsonrpc":"2.0","id":5,"method":"plain"}`, `it is wrong`},
		{`{"jsonrpc":"2.0","id":"six","method":"proxy"}`, `"id":"six"`},
		{`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"ask","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, `"said":"2026-07-28 tools/callask"`},
		{`{"jsonrpc":`, `-32700`},
		{`{"jsonrpc":"2.0","id":"ten","method":"other","params":{"name":7}}`, `"id":"ten"`},
		{``},
	} {
		b.send(tt[0])
		for _, text := range tt[1:] {
			b.gets(text)
		}
	}
	b.send(`{"jsonrpc":"2.0","method":"notifications/hang"}`) // nothing waits for it
	b.send(`{"jsonrpc":"2.0","id":8,"method":"hang"}`)
	b.send(`{"jsonrpc":"2.0","id":9,"method":"other"}`) // does not wait for it
	b.gets(`"said"`)
	<-b.hanging
	b.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8}}`)
	select {
	case <-b.cancelled:
	case <-time.After(20 * time.Second):
		t.Fatal("the request goes on after it was cancelled")
	}
	if err := b.in.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-b.ended; code != exitDone {
		t.Errorf("exit %d", code)
	}
}

// TestMCPBridgeInAFolderOfOthers starts the bridge where a client has opened what somebody
// else has written: a cairn.yaml there must not lead the token to a server of theirs.
func TestMCPBridgeInAFolderOfOthers(t *testing.T) {
	b := newBridged(t)
	if err := os.WriteFile("cairn.yaml", []byte("url: "+b.url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CAIRN_URL", "")
	t.Setenv("CAIRN_ADDR", "127.0.0.1:1") // where nothing answers
	b.send(`{"jsonrpc":"2.0","id":1,"method":"other"}`)
	b.gets("no Cairn answers at http://127.0.0.1:1")
	if err := b.in.Close(); err != nil {
		t.Fatal(err)
	}
	<-b.ended
}

func TestMCPInstall(t *testing.T) {
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "mcp.json")
	const old = "{\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" } // mine\n  }\n}\n"
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := s.run("mcp", "install", "cursor", "--file", file)
	text, err := os.ReadFile(file)
	if err != nil || code != exitDone || !strings.Contains(out, "Cursor knows Cairn now") || !strings.Contains(stderr, "hands CAIRN_TOKEN on") {
		t.Fatalf("exit %d, %s, %s, %v", code, out, stderr, err)
	}
	for _, want := range []string{`"other": { "command": "x" }, // mine`, `"CAIRN_TOKEN": "${env:CAIRN_TOKEN}"`, `"CAIRN_URL": "` + s.URL + `"`, `"mcp"`} {
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), clienttest.Token) {
		t.Error("the token is in the file")
	}
	if kept, err := os.ReadFile(file + ".before-cairn"); err != nil || string(kept) != old {
		t.Errorf("kept is %q, %v", kept, err)
	}
	s.expect(exitDone, "Cursor knows Cairn already ("+file+").\n", "", "mcp", "install", "cursor", "--file", file)

	code, out, _ = s.run("mcp", "install", "codex", "--print", "--http", "--name", "work")
	want := "[mcp_servers.work]\nurl = \"" + s.URL + "/mcp\"\n"
	if code != exitDone || out != want {
		t.Errorf("exit %d, %q; want %q", code, out, want)
	}
	t.Setenv("CAIRN_URL", s.URL+"/")
	s.expect(exitDone, want, "", "mcp", "install", "codex", "--print", "--http", "--name", "work")
	if code, _, stderr := s.run("mcp", "install", "claude"); code != exitDone {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".claude.json")); err != nil {
		t.Error(err)
	}
	s.expect(exitUsage, "", "is no client that is known", "mcp", "install", "emacs")
	s.expect(exitUsage, "", "", "mcp", "install")
	s.expect(exitUsage, "", "letters, digits", "mcp", "install", "codex", "--name", "a.b", "--print")
}
