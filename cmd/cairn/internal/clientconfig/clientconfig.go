// Package clientconfig edits the configuration files of programs that use MCP servers. What
// else such a file holds, comments and order included, stays as it is.
package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Entry is a server as a client is to start or to reach it.
type Entry struct {
	Name    string
	Command string // an absolute path; empty for a server that is reached by URL
	Args    []string
	Env     map[string]string
	// Token says that the client is to hand the variable CAIRN_TOKEN of its own
	// environment on, or to ask for it: its value is not written.
	Token bool
	URL   string
}

// Client is a program that uses MCP servers.
type Client struct {
	Name  string // on the command line
	Label string // for people
	path  func(home, config string) string
	edit  func(old []byte, e Entry) ([]byte, error)
	// Hands says whether it can hand on a token; others start servers without it.
	Hands bool
}

// clients are all that are known.
var clients = []Client{
	{"claude", "Claude Code", func(home, _ string) string { return filepath.Join(home, ".claude.json") }, jsonEditor("mcpServers", claudeEntry), true},
	{"claude-desktop", "Claude Desktop", desktopPath, jsonEditor("mcpServers", desktopEntry), false},
	{"cursor", "Cursor", func(home, _ string) string { return filepath.Join(home, ".cursor", "mcp.json") }, jsonEditor("mcpServers", cursorEntry), true},
	{"vscode", "Visual Studio Code", vscodePath, editVSCode, true},
	{"codex", "Codex", func(home, _ string) string { return filepath.Join(home, ".codex", "config.toml") }, editTOML, true},
}

func desktopPath(_, config string) string {
	return filepath.Join(config, "Claude", "claude_desktop_config.json")
}

func vscodePath(_, config string) string {
	return filepath.Join(config, "Code", "User", "mcp.json")
}

// Names returns what clients are called on the command line.
func Names() []string {
	var names []string
	for _, c := range clients {
		names = append(names, c.Name)
	}
	return names
}

// Find returns the client that is called so.
func Find(name string) (Client, error) {
	i := slices.IndexFunc(clients, func(c Client) bool { return c.Name == name })
	if i < 0 {
		return Client{}, fmt.Errorf("%q is no client that is known; use one of %s", name, strings.Join(Names(), ", "))
	}
	return clients[i], nil
}

// Path returns where the client has its configuration for this user.
func (c Client) Path() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home folder (%w); set HOME, or name the file with --file", err)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for configuration (%w); set HOME, or name the file with --file", err)
	}
	return c.path(home, config), nil
}

// Edit returns a configuration with the entry in it, in place of one of its name. It fails
// rather than lose anything: when the old one cannot be read, or something else would be
// another after it.
func (c Client) Edit(old []byte, e Entry) ([]byte, error) {
	return c.edit(old, e)
}

// Install writes the entry into the file, which is made when there is none, and returns
// where the file of before is kept; empty when there was none, or nothing had to change.
func (c Client) Install(path string, e Entry) (changed bool, backup string, err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	}
	old, err := os.ReadFile(path)
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		return false, "", err
	}
	text, err := c.Edit(old, e)
	if err != nil {
		return false, "", fmt.Errorf("%s is left as it is: %w", path, err)
	}
	if bytes.Equal(old, text) {
		return false, "", nil
	}
	mode := os.FileMode(0o600)
	if missing {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	} else {
		mode, backup, err = keep(path, old)
	}
	if err != nil {
		return false, "", err
	}
	return true, backup, replace(path, text, mode)
}

// keep copies a file beside itself, and returns its mode.
func keep(path string, old []byte) (os.FileMode, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, "", err
	}
	backup := path + ".before-cairn"
	return info.Mode().Perm(), backup, replace(backup, old, info.Mode().Perm())
}

// replace writes a file at once: whoever reads it sees the old text or the new one.
func replace(path string, text []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".cairn-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if runtime.GOOS != "windows" {
		err = errors.Join(err, f.Chmod(mode))
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is told
	}
	return err
}
