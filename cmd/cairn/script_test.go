package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/postgres/postgrestest"
)

// TestScripts runs testdata/script: a person at a command line, with the program
// itself, a server and a PostgreSQL. Beside testscript's own commands there are
// exits, for exit codes, field, which takes a value out of a reply, and rate, the
// thumbs of the web UI.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	bin := t.TempDir()
	if err := os.Symlink(theProgram(t), filepath.Join(bin, "cairn")); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file, bin) })
	}
}

// runScript runs a script against a server of its own, with the program in the
// folder bin.
func runScript(t *testing.T, file, bin string) {
	data := t.TempDir()
	url := serveApart(t, data, printedAddress)[0]
	testscript.Run(t, testscript.Params{
		Files: []string{file}, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"PATH": bin + string(os.PathListSeparator) + env.Getenv("PATH"), asCairn: "1", "HOME": env.WorkDir,
				"CAIRN_URL": url, "CAIRN_DATA_DIR": data,
				"TMPDIR": os.TempDir(), // as root, PostgreSQL runs as another user, who may not enter the script's folder
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "field": field, "rate": rate},
	})
}

// exits CODE PROGRAM [ARG…] runs a program that ends with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// field NAME PATH sets a variable to a part of the JSON on the last standard
// output. The steps of the path are parted by dots.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME PATH")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, step := range strings.Split(args[1], ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				ts.Fatalf("there is no %s in %v", step, node)
			}
			v = node[i]
		}
	}
	if v == nil {
		ts.Fatalf("there is no %s", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// rate MESSAGE RATING rates an answer as the owner of CAIRN_TOKEN.
func rate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rate MESSAGE RATING")
	}
	c, err := client.New(client.Config{URL: ts.Getenv("CAIRN_URL"), Token: ts.Getenv("CAIRN_TOKEN")})
	ts.Check(err)
	ts.Check(c.GiveFeedback(context.Background(), args[0], client.Feedback{Rating: args[1]}))
}

var printedAddress = regexp.MustCompile(`http://[^/\s]+`)

// serveUntil runs `cairn serve` until the test ends, and returns the first match
// of each pattern in what it prints.
func serveUntil(t *testing.T, data string, wanted ...*regexp.Regexp) []string {
	t.Helper()
	setServer(t, data)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	printed, stdout := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, strings.NewReader(""), stdout, io.Discard)
		stdout.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitDone {
			t.Errorf("the server ended with exit code %d", code)
		}
	})
	return firstMatches(t, printed, wanted)
}

// serveApart is serveUntil with a process of its own, for what takes long under the race
// detector.
func serveApart(t *testing.T, data string, wanted ...*regexp.Regexp) []string {
	t.Helper()
	setServer(t, data)
	cmd := exec.Command(theProgram(t), "serve")
	cmd.Env = append(os.Environ(), asCairn+"=1")
	printed, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server did not stop cleanly: %v", err)
		}
	})
	return firstMatches(t, printed, wanted)
}

// setServer sets what a server for the test needs.
func setServer(t *testing.T, data string) {
	t.Helper()
	for name, value := range map[string]string{
		"CAIRN_DATABASE_URL": postgrestest.New(t).URL, "CAIRN_DATA_DIR": data,
		"CAIRN_ADDR":   cmp.Or(os.Getenv("CAIRN_ADDR"), "127.0.0.1:0"),
		"CAIRN_SAMPLE": "", "CAIRN_LLM_MODEL": "", "CAIRN_LLM_URL": "",
	} {
		t.Setenv(name, value)
	}
}

// firstMatches returns the first match of each pattern in what a server prints.
func firstMatches(t *testing.T, printed io.Reader, wanted []*regexp.Regexp) []string {
	t.Helper()
	var found []string
	lines := bufio.NewScanner(printed)
	for len(found) < len(wanted) && lines.Scan() {
		if match := wanted[len(found)].FindString(lines.Text()); match != "" {
			found = append(found, match)
		}
	}
	if len(found) < len(wanted) {
		t.Fatalf("the server printed %q and no %s", found, wanted[len(found)])
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	return found
}
