package files_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/files"
)

func open(t *testing.T, env connectors.Environment, settings map[string]string) connectors.Connector {
	t.Helper()
	kind := files.Kind()
	if err := kind.Validate(env, settings); err != nil {
		t.Fatal(err)
	}
	c, err := kind.Open(env, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write makes files below dir; a text "→target" makes a symbolic link, a name
// with a slash at its end a folder.
func write(t *testing.T, dir string, tree map[string]string) {
	t.Helper()
	for name, text := range tree {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "→"); ok {
			err = os.Symlink(target, p)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(p, 0o755)
		} else {
			err = os.WriteFile(p, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// found are the changes of a full read, by external id.
func found(t *testing.T, c connectors.Connector) map[string]connectors.Change {
	t.Helper()
	out := map[string]connectors.Change{}
	for change, err := range c.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := out[change.External]; ok {
			t.Errorf("%s came twice", change.External)
		}
		out[change.External] = change
	}
	return out
}

// summary has one line for each change: its external id, and its code if it failed.
func summary(changes map[string]connectors.Change) []string {
	lines := []string{}
	for external, c := range changes {
		if c.Err != nil {
			external += " " + code(c.Err)
		}
		lines = append(lines, external)
	}
	slices.Sort(lines)
	return lines
}

func code(err error) string {
	var e *connectors.DocumentError
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprintf("%T", err)
}

func read(t *testing.T, c connectors.Change) (string, error) {
	t.Helper()
	r, err := c.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestConformance(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		dir := t.TempDir()
		path := func(name string) string { return filepath.Join(dir, name[:1], name+".txt") }
		return connectortest.Source{
			Connect: func(t *testing.T) connectors.Connector {
				return open(t, connectors.Environment{}, map[string]string{"path": dir})
			},
			Put: func(t *testing.T, name, text string) {
				write(t, dir, map[string]string{name[:1] + "/" + name + ".txt": text})
			},
			Remove: func(t *testing.T, name string) {
				if err := os.Remove(path(name)); err != nil {
					t.Fatal(err)
				}
			},
			Break: func(t *testing.T, name string) {
				if err := os.Remove(path(name)); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(name+".txt", path(name)); err != nil { // to itself
					t.Fatal(err)
				}
			},
			External: func(name string) string { return name[:1] + "/" + name + ".txt" },
		}
	})
}

func TestWhatIsRead(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string]string{"secret.txt": "secret", "more/x.txt": "x"})
	tree := map[string]string{
		"a.md": "a", "b/c.txt": "c", "b/d/e.pdf": "e", "ünï côdé.md": "u", "with space & %41.md": "s", "line\nbreak.md": "n",
		".hidden.md": "h", ".git/config": "g", "b/.cache/x.md": "x", "empty/": "",
		"node_modules/left-pad/README.md": "n", "code/vendor/x.go": "v", "b/__pycache__/x.txt": "p",
		"code/Cargo.toml": "t", "code/target/out.txt": "o", "target/customers.md": "t", "dist/letters.md": "d", "web/package.json": "{}", "web/dist/app.js": "j",
		"link-inside.md": "→a.md", "folder-inside": "→b", "link-outside.md": "→" + outside + "/secret.txt", "folder-outside": "→" + outside,
		"link-up.md": "→../secret.txt", "circle1": "→circle2", "circle2": "→circle1", "self": "→.", "nowhere": "→gone.md",
	}
	for name, tt := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"everything": {nil, []string{
			"a.md", "b/c.txt", "b/d/e.pdf", "circle1 link_cycle", "circle2 link_cycle", "code/Cargo.toml", "dist/letters.md",
			"folder-outside outside", "line\nbreak.md", "link-outside.md outside", "link-up.md outside", "nowhere broken_link",
			"target/customers.md", "web/package.json", "with space & %41.md", "ünï côdé.md",
		}},
		"include":          {map[string]string{"include": "*.{pdf,txt}, /a.md"}, []string{"a.md", "b/c.txt", "b/d/e.pdf"}},
		"include a folder": {map[string]string{"include": "b/d"}, []string{"b/d/e.pdf"}},
		"exclude":          {map[string]string{"include": "*.md\n*.txt", "exclude": "b,*outside*,with*,line*,link-*,dist/**"}, []string{"a.md", "target/customers.md", "ünï côdé.md"}},
		"other folders":    {map[string]string{"include": "*.go,*.md", "exclude": "*-*,*.md", "skip_folders": "b"}, []string{"code/vendor/x.go"}},
		"size":             {map[string]string{"include": "web/*", "max_size": "1"}, []string{"web/package.json too_large"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "root")
			write(t, dir, tree)
			write(t, dir, map[string]string{"../secret.txt": "secret"})
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o644); err != nil {
				t.Fatal(err)
			}
			settings := map[string]string{"path": dir}
			for k, v := range tt.settings {
				settings[k] = v
			}
			if diff := cmp.Diff(tt.want, summary(found(t, open(t, connectors.Environment{}, settings)))); diff != "" {
				t.Errorf("other files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"b/50% & more #1?.md": "text"})
	at := time.Date(2025, 3, 4, 5, 6, 7, 89, time.UTC)
	p := filepath.Join(dir, "b", "50% & more #1?.md")
	if err := os.Chtimes(p, at, at); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		t.Fatal(err)
	}
	c := found(t, open(t, connectors.Environment{}, map[string]string{"path": dir}))["b/50% & more #1?.md"]
	m := c.Metadata
	if m.Filename != "50% & more #1?.md" || m.Size != 4 || !m.Modified.Equal(at) || m.Title != "" || c.ACL != nil {
		t.Errorf("got %+v", m)
	}
	u, err := url.Parse(m.URL)
	if err != nil || u.Scheme != "file" || u.Path != real || strings.ContainsAny(m.URL, " #?") {
		t.Errorf("the URL is %q (%v)", m.URL, err)
	}
}

// A change that keeps size and time of the content still changes the revision.
func TestRevisionSeesSetBackTimes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.md": "one"})
	p := filepath.Join(dir, "a.md")
	c := open(t, connectors.Environment{}, map[string]string{"path": dir})
	before := found(t, c)["a.md"].Metadata
	time.Sleep(20 * time.Millisecond) // clocks of file systems are coarse
	write(t, dir, map[string]string{"a.md": "two"})
	if err := os.Chtimes(p, before.Modified, before.Modified); err != nil {
		t.Fatal(err)
	}
	after := found(t, c)["a.md"].Metadata
	if !before.Modified.Equal(after.Modified) || before.Revision == after.Revision {
		t.Errorf("the revision went from %q to %q", before.Revision, after.Revision)
	}
}

func TestNamesThatAreNotUTF8(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"caf\xe9.md": "one", "caf\xe8.md": "two", "hr/\xff.md": "three"})
	c := open(t, connectors.Environment{}, map[string]string{"path": dir, "acl_rules": "hr/**=group:cairn:hr"})
	got := map[string]string{}
	for external, change := range found(t, c) {
		text, err := read(t, change)
		if err != nil {
			t.Error(err)
		}
		got[external] = text
		if strings.HasPrefix(external, "hr/") && change.ACL == nil {
			t.Errorf("the rule does not hold for %q", external)
		}
	}
	if diff := cmp.Diff(map[string]string{"caf\uFFFDE9.md": "one", "caf\uFFFDE8.md": "two", "hr/\uFFFDFF.md": "three"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDeepFoldersEnd(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{strings.Repeat("d/", 140) + "deep.md": "x", "z.md": "z"})
	c := open(t, connectors.Environment{}, map[string]string{"path": dir})
	got := summary(found(t, c))
	if len(got) != 2 || !strings.HasSuffix(got[0], " too_deep") || got[1] != "z.md" {
		t.Errorf("got %.300q", got)
	}
	for _, err := range c.(connectors.Lister).Externals(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestACLRules(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a.md": "", "hr/b.md": "", "hr/public/c.md": "", "hr/public/d.pdf": "", "x/salaries.xlsx": "", "hr/public/salaries.xlsx": "", "legal/e.md": "",
	})
	settings := map[string]string{"path": dir, "acl_rules": `
		hr/**=group:cairn:hr; hr/public = everyone
		salaries.xlsx=user:cfo@acme.com
		/legal/*.md=group:cairn:legal, user:ann@acme.com`}
	own, err := files.Kind().Rules(settings)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, connectors.Environment{}, settings)
	got := map[string]string{}
	for external, change := range found(t, c) {
		if diff := cmp.Diff(change.ACL, own(external)); diff != "" {
			t.Errorf("%s: the rules say something else than the walk (-walk +rules):\n%s", external, diff)
		}
		got[external] = "source"
		if change.ACL != nil {
			got[external] = fmt.Sprint(change.ACL.Allow)
		}
	}
	want := map[string]string{
		"a.md": "source", "hr/b.md": "[[group:cairn:hr]]", "hr/public/c.md": "[[everyone]]", "hr/public/d.pdf": "[[everyone]]",
		"x/salaries.xlsx": "[[user:cfo@acme.com]]", "hr/public/salaries.xlsx": "[[everyone]]",
		"legal/e.md": "[[group:cairn:legal user:ann@acme.com]]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other permissions (-want +got):\n%s", diff)
	}
	clear(got)
	for p, err := range c.(connectors.Permissions).Permissions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[p.External] = "source"
		if p.ACL != nil {
			got[p.External] = fmt.Sprint(p.ACL.Allow)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told alone, other permissions (-want +got):\n%s", diff)
	}
}

func TestSettingErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"file.md": ""})
	for name, settings := range map[string]map[string]string{
		"no path":    {},
		"relative":   {"path": "docs"},
		"nowhere":    {"path": filepath.Join(dir, "none")},
		"a file":     {"path": filepath.Join(dir, "file.md")},
		"misspelt":   {"path": dir, "includes": "*"},
		"include":    {"path": dir, "include": "[a"},
		"exclude":    {"path": dir, "exclude": "/"},
		"size":       {"path": dir, "max_size": "big"},
		"size 0":     {"path": dir, "max_size": "0"},
		"huge":       {"path": dir, "max_size": "9999999999999GB"},
		"skip":       {"path": dir, "skip_folders": "a/b"},
		"no =":       {"path": dir, "acl_rules": "hr/**"},
		"nobody":     {"path": dir, "acl_rules": "hr/**="},
		"principal":  {"path": dir, "acl_rules": "hr/**=hr"},
		"upper case": {"path": dir, "acl_rules": "hr/**=user:Ann@acme.com"},
		"twice":      {"path": dir, "acl_rules": "hr/**=everyone;hr/**=group:cairn:hr"},
		"glob":       {"path": dir, "acl_rules": "[=everyone"},
	} {
		err := files.Kind().Validate(connectors.Environment{}, settings)
		if !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
