package clientconfig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tailscale/hujson"
)

var entry = Entry{Name: "cairn", Command: `/opt/ca "irn"/cairn`, Args: []string{"mcp"}, Env: map[string]string{"CAIRN_URL": "https://cairn.example"}, Token: true}

// Every client's file keeps what it has, gets the entry once, and no second time.
func TestEditKeepsTheRest(t *testing.T) {
	for name, files := range map[string]map[string][]string{ // the file → what must be in it after
		"claude": {
			"":   {`"mcpServers": {`, `"type": "stdio"`, `"CAIRN_TOKEN": "${CAIRN_TOKEN}"`},
			"{}": {`"cairn": {`},
			`{"numStartups": 12345678901234567890, "mcpServers": {"other": {"command": "x"}}, "z": 1}`: {"12345678901234567890", `"other": {"command": "x"}`, `"z": 1`, `"cairn": {`},
			"{\n\t\"mcpServers\": {\n\t\t\"cairn\": {\"command\": \"old\"},\n\t\t\"b\": {}\n\t}\n}\n":  {"\t\t\"b\": {}\n", `/opt/ca \"irn\"/cairn`},
			`{"projects": {"/x": {"mcpServers": {"cairn": {"command": "theirs"}}}}}`:                   {`"command": "theirs"`},
		},
		"cursor": {"{\"mcpServers\": {}}": {`"CAIRN_TOKEN": "${env:CAIRN_TOKEN}"`}},
		"vscode": {
			"": {`"servers": {`, `"inputs": [`, `"CAIRN_TOKEN": "${input:cairn-token}"`, `"password": true`},
			"{\n  // mine\n  \"servers\": {\n    \"a\": {\"command\": \"x\"}, // first\n  },\n  \"inputs\": [{\"id\": \"key\", \"type\": \"promptString\"}]\n}": {"// mine", "// first", `"id": "key"`, `"cairn-token"`},
		},
		"claude-desktop": {`{"mcpServers": {"fs": {"command": "npx"}}}`: {`"fs": {"command": "npx"}`}},
		"codex": {
			"": {"[mcp_servers.cairn]\n", `command = "/opt/ca \"irn\"/cairn"`, `env_vars = ["CAIRN_TOKEN"]`, `env = { CAIRN_URL = "https://cairn.example" }`},
			"[mcp_servers.cairn]\ncommand = \"old\"\n# ours\nargs = []\n\n# about z\n[mcp_servers.z]\ncommand = \"z\"\n\n[mcp_servers.cairn.env]\nA = \"b\"\n# the end\n":                     {"\n# about z\n[mcp_servers.z]\n", "# the end\n"},
			"model = \"o\" # mine\n\n[mcp_servers.cairn]\ncommand = \"old\"\n[mcp_servers.cairn.env]\nA = \"b\"\n[mcp_servers.z]\ncommand = \"z\"\nargs = [\n  \"[mcp_servers.cairn]\",\n]\n": {"model = \"o\" # mine\n", "[mcp_servers.z]\ncommand = \"z\"\nargs = [\n  \"[mcp_servers.cairn]\",\n]\n"},
		},
	} {
		c, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for old, wanted := range files {
			text, err := c.Edit([]byte(old), entry)
			if err != nil {
				t.Errorf("%s: %q: %v", name, old, err)
				continue
			}
			for _, want := range wanted {
				if !strings.Contains(string(text), want) {
					t.Errorf("%s: %q lacks %q", name, text, want)
				}
			}
			if strings.Contains(string(text), `"old"`) {
				t.Errorf("%s: the old entry is left: %s", name, text)
			}
			again, err := c.Edit(text, entry)
			if err != nil || string(again) != string(text) {
				t.Errorf("%s: a second time: %v\n%s\n%s", name, err, text, again)
			}
			if name == "claude" || name == "vscode" {
				plain, err := hujson.Standardize(text)
				if err != nil || !json.Valid(plain) {
					t.Errorf("%s: %v\n%s", name, err, text)
				}
			}
		}
	}
}

// What cannot be understood stays as it is.
func TestEditRefuses(t *testing.T) {
	for name, files := range map[string][]string{
		"claude": {"{", "[]", `{"mcpServers": []}`, `{"mcpServers": "x"}`},
		"vscode": {`{"inputs": {}}`},
		"codex":  {"a = ", "[mcp_servers]\ncairn = { command = \"x\" }\n", "mcp_servers = 1\n"},
	} {
		c, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range files {
			path := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Install(path, entry); err == nil {
				t.Errorf("%s: %q was edited", name, old)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != old {
				t.Errorf("%s: %q is %q now, %v", name, old, now, err)
			}
		}
	}
}

func TestInstall(t *testing.T) {
	c, err := Find("claude")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real", "config.json"), filepath.Join(dir, "link.json")
	if changed, backup, err := c.Install(path, entry); err != nil || !changed || backup != "" {
		t.Fatalf("new: %t, %q, %v", changed, backup, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if changed, backup, err := c.Install(path, entry); err != nil || changed || backup != "" {
		t.Errorf("again: %t, %q, %v", changed, backup, err)
	}
	const old = `{"mine": true}`
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	changed, backup, err := c.Install(link, entry)
	if err != nil || !changed {
		t.Fatalf("%t, %v", changed, err)
	}
	if kept, err := os.ReadFile(backup); err != nil || string(kept) != old {
		t.Errorf("kept is %q, %v", kept, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "real", ".cairn-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

func TestByURL(t *testing.T) {
	e := Entry{Name: "cairn", URL: "https://cairn.example/mcp"}
	for name, want := range map[string]string{"claude": `"type": "http"`, "cursor": `"url": "https://cairn.example/mcp"`, "vscode": `"type": "http"`, "codex": `url = "https://cairn.example/mcp"`} {
		c, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Edit(nil, e)
		if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "command") || strings.Contains(string(text), "TOKEN") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
	if _, err := Find("emacs"); err == nil || !strings.Contains(err.Error(), "vscode") {
		t.Errorf("unknown: %v", err)
	}
}
