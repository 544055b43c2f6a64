package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// isolated are settings of git that hold for every command, before those of any file:
// nothing of what is fetched is run, followed or checked out.
var isolated = map[string]string{
	"core.hooksPath": "/dev/null", "core.fsmonitor": "false", "core.askPass": "", "core.attributesFile": "/dev/null",
	"core.quotePath": "false", "credential.helper": "", "http.followRedirects": "false", "http.emptyAuth": "false",
	"fetch.recurseSubmodules": "false", "submodule.recurse": "false", "transfer.bundleURI": "false", "fetch.uriProtocols": "",
	"gc.auto": "0", "maintenance.auto": "false", "fetch.writeCommitGraph": "false", "protocol.version": "2",
	"log.showSignature": "false", "log.mailmap": "false", "log.showRoot": "true", "diff.renames": "false",
	"i18n.logOutputEncoding": "UTF-8", "advice.fetchShowForcedUpdates": "false", "fetch.showForcedUpdates": "false",
}

// Command is one call of the git program: without hooks, filters, helpers, prompts and
// the configuration of the machine or a user, and with a protocol only where Env allows
// one.
type Command struct {
	Home   string // a folder with nothing in it
	Args   []string
	Config map[string]string // beside what holds for every command
	Env    []string          // beside the usual
	Stdin  io.Reader
	dir    string // the repository; "" for none
}

// Check reports, as an ErrUnavailable that says what to install, that this machine has no
// program git, or one that is too old. dir is a folder of the source's own.
func Check(ctx context.Context, dir string) error {
	if err := os.MkdirAll(Home(dir), 0o700); err != nil {
		return fmt.Errorf("make a folder for the source: %w", err)
	}
	return checkVersion(ctx, Home(dir))
}

// program returns where git is.
func program() (string, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return "", &connectors.Error{Kind: connectors.ErrUnavailable, Message: "the program git is not installed on the server, or is not in its PATH: install git 2.36 or later"}
	}
	return path, nil
}

var versionOf = regexp.MustCompile(`^git version (\d+)\.(\d+)`)

// checkVersion checks that git knows all that it is asked for.
func checkVersion(ctx context.Context, home string) error {
	out, err := Command{Home: home, Args: []string{"version"}}.output(ctx)
	if err != nil {
		return err
	}
	m := versionOf.FindSubmatch(out)
	if m == nil {
		return &connectors.Error{Kind: connectors.ErrUnavailable, Message: "the program git on the server does not tell its version: install git 2.36 or later"}
	}
	major, _ := strconv.Atoi(string(m[1]))
	if minor, _ := strconv.Atoi(string(m[2])); major < 2 || major == 2 && minor < 36 {
		return &connectors.Error{Kind: connectors.ErrUnavailable, Message: fmt.Sprintf("git on the server is of version %d.%d: install 2.36 or later", major, minor)}
	}
	return nil
}

// Cmd returns the process of the command, which is not started yet, with an environment
// of its own: nothing of the server's, no configuration of the system or a user, no
// prompt, no protocol. It ends with ctx. ErrUnavailable when there is no git.
func (c Command) Cmd(ctx context.Context) (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, c.Args...)
	cmd.Dir, cmd.Stdin = c.Home, c.Stdin
	cmd.Env = append([]string{
		"PATH=" + strings.Join([]string{filepath.Dir(path), "/usr/local/bin", "/usr/bin", "/bin"}, string(os.PathListSeparator)),
		"HOME=" + c.Home, "XDG_CONFIG_HOME=" + c.Home, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=false", "SSH_ASKPASS=false", "GIT_SSH_COMMAND=false", "GIT_PROTOCOL_FROM_USER=0",
		"GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0",
		"GIT_ALLOW_PROTOCOL=none",
	}, c.Env...)
	if c.dir != "" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+c.dir)
	}
	n := 0
	for _, config := range []map[string]string{isolated, c.Config} {
		for name, value := range config {
			cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, value))
			n++
		}
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT="+strconv.Itoa(n))
	isolate(cmd)
	return cmd, nil
}

// errFailed is the error of a command that ended with another status than 0.
type errFailed struct {
	what   string
	stderr string // may name documents
}

// Error does not tell what git wrote: it may name documents.
func (e *errFailed) Error() string { return "git " + e.what + " failed" }

// output runs a command and returns what it wrote.
func (c Command) output(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	err := c.run(ctx, &out)
	return out.Bytes(), err
}

// run runs a command.
func (c Command) run(ctx context.Context, stdout io.Writer) error {
	cmd, err := c.Cmd(ctx)
	if err != nil {
		return err
	}
	var stderr tail
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	return c.ended(ctx, cmd.Run(), &stderr)
}

// ended says what it means that a process ended with err.
func (c Command) ended(ctx context.Context, err error, stderr *tail) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit):
		return &errFailed{c.Args[0], string(stderr.text)}
	case err != nil:
		return fmt.Errorf("run git %s: %w", c.Args[0], err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - 8<<10; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}
