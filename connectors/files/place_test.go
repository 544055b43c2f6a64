package files_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/files"
)

func TestAllowedRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"docs/a.md": "", "docs-private/b.md": "", "other/c.md": "", "data/d.md": "", "docs/link": "→../other",
		"linked": "→docs", "docs/deep/er/e.md": "",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	docs := connectors.Environment{FilesRoots: []string{in("docs")}, ForbiddenRoots: []string{in("data")}}
	for name, tt := range map[string]struct {
		env  connectors.Environment
		path string
		ok   bool
	}{
		"the root":                {docs, "docs", true},
		"with dots":               {docs, "other/../docs/", true},
		"below":                   {docs, "docs/deep/er", true},
		"a sibling":               {docs, "docs-private", false},
		"above":                   {docs, ".", false},
		"a link into it":          {docs, "linked", true},
		"a link out of it":        {docs, "docs/link", false},
		"absent, outside":         {docs, "secret", false},
		"no root at all":          {connectors.Environment{FilesRoots: []string{}}, "docs", false},
		"a root that is a link":   {connectors.Environment{FilesRoots: []string{in("linked")}}, "docs/deep", true},
		"any":                     {connectors.Environment{ForbiddenRoots: []string{in("data")}}, "other", true},
		"forbidden":               {connectors.Environment{ForbiddenRoots: []string{in("data")}}, "data", false},
		"in what is forbidden":    {connectors.Environment{ForbiddenRoots: []string{dir}}, "docs", false},
		"above what is forbidden": {connectors.Environment{ForbiddenRoots: []string{in("data")}}, ".", true},
	} {
		t.Run(name, func(t *testing.T) {
			err := files.Kind().Validate(tt.env, map[string]string{"path": dir + "/" + tt.path})
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, cairn.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	// Nobody learns what exists outside the allowed roots.
	exists := files.Kind().Validate(docs, map[string]string{"path": in("other")})
	absent := files.Kind().Validate(docs, map[string]string{"path": in("absent")})
	if strings.ReplaceAll(exists.Error(), "other", "X") != strings.ReplaceAll(absent.Error(), "absent", "X") {
		t.Errorf("the errors differ: %v and %v", exists, absent)
	}
}

func TestForbiddenFolderInside(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.md": "", "cairn/secret.key": "", "cairn2/b.md": ""})
	env := connectors.Environment{ForbiddenRoots: []string{filepath.Join(dir, "cairn")}}
	got := summary(found(t, open(t, env, map[string]string{"path": dir})))
	if diff := cmp.Diff([]string{"a.md", "cairn2/b.md"}, got); diff != "" {
		t.Error(diff)
	}
}

// The folder may become a link to elsewhere after the source was added.
func TestRootIsCheckedByEveryRun(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"docs/team/a.md": "fine", "other/a.md": "secret"})
	env := connectors.Environment{FilesRoots: []string{filepath.Join(dir, "docs")}}
	root := filepath.Join(dir, "docs", "team")
	c := open(t, env, map[string]string{"path": root})
	a := found(t, c)["a.md"]
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"docs/team": "→../other"})
	for _, err := range c.Changes(t.Context(), "") {
		if !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("Changes: %v", err)
		}
	}
	for _, err := range c.(connectors.Lister).Externals(t.Context()) {
		if err == nil {
			t.Error("Externals: the list passes for complete")
		}
	}
	if text, err := read(t, a); err == nil {
		t.Errorf("Open: read %q", text)
	}
}

func TestRootThatVanished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "docs")
	write(t, dir, map[string]string{"a.md": ""})
	c := open(t, connectors.Environment{}, map[string]string{"path": dir})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	n := 0
	for external, err := range c.(connectors.Lister).Externals(t.Context()) {
		if n++; err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("got %q, %v", external, err)
		}
	}
	if n != 1 {
		t.Errorf("%d results", n)
	}
}

// What takes the place of a file or folder between the walk and the opening
// must not be read, neither outside the folder nor elsewhere inside, where
// another rule may hold.
func TestSwappedPlaces(t *testing.T) {
	for name, swap := range map[string]struct {
		remove string
		put    map[string]string
		code   string
	}{
		"file by a link outside":   {"pub/sub/a.md", map[string]string{"pub/sub/a.md": "→../../../outside/a.md"}, "not_a_file"},
		"file by a link inside":    {"pub/sub/a.md", map[string]string{"pub/sub/a.md": "→../../hr/sub/a.md"}, "not_a_file"},
		"folder by a link outside": {"pub/sub", map[string]string{"pub/sub": "→../../outside"}, "not_a_file"},
		"folder by a link inside":  {"pub", map[string]string{"pub": "→hr"}, "not_a_file"},
		"file by a folder":         {"pub/sub/a.md", map[string]string{"pub/sub/a.md/": ""}, "not_a_file"},
		"nothing":                  {"pub/sub", nil, "vanished"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "root")
			write(t, parent, map[string]string{"outside/a.md": "secret"})
			write(t, dir, map[string]string{"pub/sub/a.md": "public", "hr/sub/a.md": "secret"})
			a := found(t, open(t, connectors.Environment{}, map[string]string{"path": dir}))["pub/sub/a.md"]
			if err := os.RemoveAll(filepath.Join(dir, swap.remove)); err != nil {
				t.Fatal(err)
			}
			write(t, dir, swap.put)
			text, err := read(t, a)
			if err == nil {
				t.Fatalf("read %q", text)
			}
			if got := code(err); got != swap.code {
				t.Errorf("the code is %q, want %q: %v", got, swap.code, err)
			}
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.md": "text"})
	a := found(t, open(t, connectors.Environment{}, map[string]string{"path": dir}))["a.md"]
	ctx, cancel := context.WithCancel(t.Context())
	r, err := a.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if b, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("read %q, %v", b, err)
	}
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("copied %d bytes, %v", n, err)
	}
}
