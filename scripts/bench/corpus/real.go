package corpus

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// Real is a corpus of files that are on every machine with Go: its sources and
// the documentation in the module cache. A folder is a class of permissions.
type Real struct {
	files       []file
	classOf     []int
	permissions *Permissions
}

type file struct {
	path string
	size int64
}

// maxRealFile bounds the size of a file: larger ones are mostly tables.
const maxRealFile = 256 << 10

// NewReal returns a corpus of at most so many files.
func NewReal(ctx context.Context, docs int) (*Real, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("ask Go for its folders: %w", err)
	}
	goroot, cache, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	c := &Real{}
	if err := c.gather(filepath.Join(goroot, "src"), ".go", ".md", ".s"); err != nil {
		return nil, err
	}
	if err := c.gather(cache, ".md"); err != nil {
		return nil, err
	}
	// A selection that does not depend on the order of folders, then in order.
	slices.SortFunc(c.files, func(a, b file) int {
		return cmp.Or(cmp.Compare(hashOf(a.path), hashOf(b.path)), cmp.Compare(a.path, b.path))
	})
	c.files = c.files[:min(docs, len(c.files))]
	slices.SortFunc(c.files, func(a, b file) int { return cmp.Compare(a.path, b.path) })
	classes := map[string]int{}
	var chunks []int
	for _, f := range c.files {
		dir := filepath.Dir(f.path)
		class, ok := classes[dir]
		if !ok {
			class = len(chunks)
			classes[dir] = class
			chunks = append(chunks, 0)
		}
		c.classOf = append(c.classOf, class)
		chunks[class] += 1 + int(f.size)/1200
	}
	c.permissions = newPermissions(chunks)
	return c, nil
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func (c *Real) gather(root string, extensions ...string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path == root && os.IsNotExist(err) {
				return fs.SkipAll // no module cache
			}
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path == filepath.Join(root, "cache")) {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || !slices.Contains(extensions, filepath.Ext(path)) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > 0 && info.Size() <= maxRealFile {
			c.files = append(c.files, file{path, info.Size()})
		}
		return nil
	})
}

// Settings implements Corpus.
func (c *Real) Settings() any {
	h := fnv.New128a()
	for _, f := range c.files {
		fmt.Fprintln(h, f.path, f.size)
	}
	return []any{"real", 1, len(c.files), h.Sum(nil)}
}

// Sources implements Corpus.
func (c *Real) Sources() []string { return []string{"go"} }

// ClassOf implements Corpus.
func (c *Real) ClassOf() []int { return c.classOf }

// Permissions implements Corpus.
func (c *Real) Permissions() *Permissions { return c.permissions }

// Documents implements Corpus. A file that is no text any more has an empty body.
func (c *Real) Documents() iter.Seq[Doc] {
	return func(yield func(Doc) bool) {
		for n, f := range c.files {
			body, err := os.ReadFile(f.path)
			if err != nil || !utf8.Valid(body) {
				body = nil
			}
			kind := cairn.KindCode
			if filepath.Ext(f.path) == ".md" {
				kind = cairn.KindPage
			}
			d := Doc{Number: n, Class: c.classOf[n], Topic: c.classOf[n], Source: "go", Document: cairn.Document{
				ID: ID(n), External: fmt.Sprint(n), Version: cairn.VersionOf(body), Kind: kind, Title: filepath.Base(f.path),
				Body: body, Language: "en", ACL: c.permissions.ACL(c.classOf[n]),
			}}
			if !yield(d) {
				return
			}
		}
	}
}
