package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the part of docs/cli.md that is made from the commands")

// reference is the heading of that part.
const reference = "## Every command\n"

// TestReference holds docs/cli.md to the commands: everything below its last heading is
// made from them. go test ./cmd/cairn -run TestReference -update writes it.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	guide, _, found := strings.Cut(string(b), reference)
	if !found {
		t.Fatalf("%s has no heading %q", path, reference)
	}
	want := guide + reference + referenceText()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a page that everybody reads
			t.Fatal(err)
		}
	}
	if want != string(b) && !*update {
		t.Errorf("%s is not made from the commands as they are: go test ./cmd/cairn -run TestReference -update", path)
	}
}

func referenceText() string {
	root := rootCommand(&environment{})
	var out strings.Builder
	fmt.Fprintf(&out, "\nAs `cairn COMMAND --help` says it. Flags of all commands:\n\n%s", flagTable(root.PersistentFlags()))
	all := commands(root)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := all[name]
		fmt.Fprintf(&out, "\n### cairn %s\n\n%s.\n\n```text\n%s", name, c.Short, c.UseLine())
		if c.Long != "" && c.Long != c.Short {
			out.WriteString("\n\n" + c.Long)
		}
		out.WriteString("\n```\n")
		if c.HasAvailableLocalFlags() {
			out.WriteString("\n" + flagTable(c.NonInheritedFlags()))
		}
	}
	return out.String()
}

func flagTable(flags *pflag.FlagSet) string {
	var rows strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + kind)
		if d := f.DefValue; d != "" && d != "[]" && d != "false" && d != "0" && !strings.Contains(usage, "default") {
			usage += " (default `" + d + "`)"
		}
		fmt.Fprintf(&rows, "| `%s` | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
	if rows.Len() == 0 {
		return ""
	}
	return "| Flag | |\n| --- | --- |\n" + rows.String()
}

func TestManualPages(t *testing.T) {
	s := newShell(t)
	s.expect(exitDone, "The manual pages are in man1.\n", "", "man", "man1")
	for name, c := range commands(rootCommand(&environment{})) {
		b, err := os.ReadFile(filepath.Join("man1", "cairn-"+strings.ReplaceAll(name, " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		if page := string(b); !strings.HasPrefix(page, ".nh\n.TH") || !strings.Contains(page, ".SH SYNOPSIS") || !strings.Contains(page, `\fB--json\fP`) {
			t.Errorf("the page of %s (%s):\n%s", name, c.Short, page)
		}
	}
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect(exitFailed, "", "manual pages", "man", "file")
}

// The scripts of shells are right, and ask the program for what can follow.
func TestCompletion(t *testing.T) {
	s := newShell(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, stderr := s.run("completion", shell)
		if code != exitDone || !strings.Contains(script, "__complete") {
			t.Errorf("%s: exit code %d, %.200s%s", shell, code, script, stderr)
		}
		program, err := exec.LookPath(shell)
		if err != nil {
			continue // not on every machine
		}
		check := exec.Command(program, "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, out)
		}
	}
	for line, want := range map[string][]string{
		"sou": {"source"}, "source ": {"add", "list", "rm"}, "search x --mode ": {"lexical", "dense", "hybrid"}, "user add x --role ": {"admin", "auditor", "member"},
	} {
		_, out, _ := s.run(append([]string{cobra.ShellCompRequestCmd}, strings.Split(line, " ")...)...)
		for _, w := range want {
			if !strings.Contains("\n"+out, "\n"+w) {
				t.Errorf("%q is completed by %q; want %q in it", line, out, w)
			}
		}
	}
}
