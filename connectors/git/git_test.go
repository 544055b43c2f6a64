package git_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git"
	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// served is a site behind faults, and a source that reads it.
type served struct {
	*gittest.Site
	remote   *connectortest.Remote
	settings map[string]string
}

func serve(t testing.TB, more ...string) *served {
	t.Helper()
	out := &served{Site: gittest.NewHandler(t)}
	out.remote = connectortest.NewRemote(t, out.Site, out.Secrets())
	out.URL = out.remote.URL
	out.settings = out.Settings()
	for i := 0; i < len(more); i += 2 {
		out.settings[more[i]] = more[i+1]
	}
	return out
}

func (s *served) connect(t testing.TB) connectors.Connector {
	t.Helper()
	return connectortest.Open(t, git.Kind(), s.remote.Env, s.settings)
}

// afresh is connect without the copy of the repository, as on another replica.
func (s *served) afresh(t testing.TB) connectors.Connector {
	t.Helper()
	env := s.remote.Env
	env.WorkDir = t.TempDir()
	return connectortest.Open(t, git.Kind(), env, s.settings)
}

func TestConformance(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		s := serve(t)
		moved := map[string]int{}
		path := func(name string) string { return fmt.Sprintf("%c/%d/%s.md", name[0], moved[name], name) }
		texts := map[string]string{}
		return connectortest.Source{
			Cases:   30,
			Remote:  s.remote,
			Connect: func(t *testing.T) connectors.Connector { return s.connect(t) },
			Put: func(t *testing.T, name, text string) {
				texts[name] = text
				s.Write(t, map[string]string{path(name): text})
			},
			Remove: func(t *testing.T, name string) { s.Write(t, map[string]string{path(name): ""}) },
			Break: func(t *testing.T, name string) {
				s.Write(t, map[string]string{path(name): "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"})
			},
			External: path,
			Follows:  true,
			Move: func(t *testing.T, name string) {
				from := path(name)
				moved[name]++
				s.Write(t, map[string]string{from: "", path(name): texts[name]})
			},
		}
	})
}

// read takes all changes after a cursor, and returns them by external id with the last
// cursor.
func read(t testing.TB, c connectors.Connector, since connectors.Cursor) (map[string]connectors.Change, connectors.Cursor) {
	t.Helper()
	out := map[string]connectors.Change{}
	for change, err := range c.Changes(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Cursor != "" {
			since = change.Cursor
		}
		if change.Op != connectors.Checkpoint {
			out[change.External] = change
		}
	}
	return out, since
}

// content opens a document.
func content(t testing.TB, c connectors.Change) (string, error) {
	t.Helper()
	if c.Err != nil {
		return "", c.Err
	}
	r, err := c.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// summary has one line for each change: its external id, and its code if it failed.
func summary(t testing.TB, changes map[string]connectors.Change) []string {
	t.Helper()
	lines := []string{}
	for external, c := range changes {
		if _, err := content(t, c); err != nil {
			external += " " + code(err)
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
	return strings.ReplaceAll(fmt.Sprintf("%T", err), " ", "")
}

// readSome takes at most limit changes into known, by external id, and returns the last
// cursor.
func readSome(t *testing.T, c connectors.Connector, since connectors.Cursor, limit int, known map[string]string) connectors.Cursor {
	t.Helper()
	for change, err := range c.Changes(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Cursor != "" {
			since = change.Cursor
		}
		if change.Op == connectors.Checkpoint {
			continue
		}
		text, err := content(t, change)
		if err != nil {
			t.Fatal(err)
		}
		known[change.External] = text
		if limit--; limit == 0 {
			return since
		}
	}
	there := map[string]bool{}
	for _, external := range connectortest.List(t, c) {
		there[external] = true
	}
	maps.DeleteFunc(known, func(external, _ string) bool { return !there[external] })
	return since
}

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}

// sizeOf is how many bytes the files in a folder have.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info fs.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// packs is how many packs the copies in a folder have.
func packs(t *testing.T, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "clone-*", "objects", "pack", "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
