package selection

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIgnores(t *testing.T) {
	for name, tt := range map[string]struct {
		lines, path string
		folder      bool
		want        bool
	}{
		"name":                {"*.tmp", "a/b.tmp", false, true},
		"anchored":            {"/a.md", "b/a.md", false, false},
		"anchored by slash":   {"b/a.md", "x/b/a.md", false, false},
		"folder only":         {"build/", "build", false, false},
		"folder":              {"build/", "x/build", true, true},
		"negated":             {"*.md\n!keep.md", "keep.md", false, false},
		"negated then again":  {"*.md\n!keep.md\nkeep*", "keep.md", false, true},
		"comment":             {"#a.md", "#a.md", false, false},
		"escaped comment":     {`\#a.md`, "#a.md", false, true},
		"escaped exclamation": {`\!a.md`, "!a.md", false, true},
		"braces are letters":  {"{a,b}.md", "a.md", false, false},
		"braces":              {"{a,b}.md", "{a,b}.md", false, true},
		"spaces at the end":   {"a.md  ", "a.md", false, true},
		"kept space":          {`a\ `, "a ", false, true},
		"carriage return":     {"a.md\r\nb.md", "a.md", false, true},
		"all below":           {"a/**", "a", true, false},
		"below":               {"a/**", "a/b/c", false, true},
		"between":             {"a/**/z", "a/z", false, true},
		"in front":            {"**/z/q", "a/b/z/q", false, true},
		"class":               {"[!a]*.md", "b1.md", false, true},
		"not in class":        {"[!a]*.md", "a1.md", false, false},
		"question":            {"a?.md", "ab.md", false, true},
		"byte order mark":     {"\ufeffa.md", "a.md", false, true},
	} {
		is := Ignores{ParseIgnores("", tt.lines)}
		if got := is.Match(tt.path, tt.folder); got != tt.want {
			t.Errorf("%s: %q ignores %q: %v", name, tt.lines, tt.path, got)
		}
	}
	inner := Ignores{ParseIgnores("", "*.log\n/top"), ParseIgnores("sub/", "!keep.log\n/top")}
	for path, want := range map[string]bool{"a.log": true, "sub/keep.log": false, "sub/a.log": true, "sub/top": true, "sub/x/top": false} {
		if got := inner.Match(path, false); got != want {
			t.Errorf("%q is left out: %v", path, got)
		}
	}
}

// Git is asked what it makes of the same lines and paths.
func TestIgnoresLikeGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to compare with")
	}
	dir := t.TempDir()
	git := func(stdin string, args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "core.excludesFile=/dev/null"}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) { //nolint:errorlint // exec returns it bare
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("", "init", "-q")
	paths := []string{"a", "b", "ab", "a.b", "x/a", "x/ab", "x/y/a", "x/y/b", "x/y/z/a.b", "y/x/a"}
	for _, p := range paths {
		full := filepath.Join(dir, p+"/file")
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	part := rapid.SampledFrom([]string{"a", "b", "ab", "x", "y", "z", "*", "?", "**", "a*", "*b", "*.b", "[ab]", "[!a]"})
	rapid.Check(t, func(rt *rapid.T) {
		line := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(rt, "parts"), "/")
		line = rapid.SampledFrom([]string{"", "/", "**/"}).Draw(rt, "start") + line + rapid.SampledFrom([]string{"", "/"}).Draw(rt, "end")
		lines := line
		if rapid.Bool().Draw(rt, "two lines") {
			lines += "\n!" + rapid.SampledFrom([]string{"a", "x/a", "*b", "/x/y"}).Draw(rt, "second")
		}
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(lines), 0o600); err != nil {
			rt.Fatal(err)
		}
		ignored := map[string]bool{}
		for p := range strings.SplitSeq(git(strings.Join(paths, "\n"), "check-ignore", "--no-index", "--stdin"), "\n") {
			ignored[p] = true
		}
		is := Ignores{ParseIgnores("", lines)}
		for _, p := range paths {
			if got := leftOut(is, p); got != ignored[p] {
				rt.Fatalf("%q leaves out %s: %v, git says %v", lines, p, got, ignored[p])
			}
		}
	})
}

// leftOut is what the walk makes of a folder: it is left out itself, or one
// that it lies in is.
func leftOut(is Ignores, p string) bool {
	for i := range p + "/" {
		if i == len(p) || p[i] == '/' {
			if is.Match(p[:i], true) {
				return true
			}
		}
	}
	return false
}

func FuzzIgnores(f *testing.F) {
	f.Add("*.md\n!a/**/b\n[", "a/b.md")
	f.Fuzz(func(_ *testing.T, lines, path string) {
		Ignores{ParseIgnores("x/", lines)}.Match(path, false)
	})
}
