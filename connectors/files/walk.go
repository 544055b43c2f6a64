package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// defaultSkipped are folders of other people's code and of caches. The second
// list has names that mean this only beside certain files.
const defaultSkipped = "node_modules,bower_components,vendor,site-packages,__pycache__,__MACOSX"

// outputBeside are folders of build output, by the files that stand beside them
// then; a folder "target" without any of them is somebody's documents.
var outputBeside = map[string][]string{
	"target": {"Cargo.toml", "pom.xml", "build.sbt"},
	"dist":   {"package.json", "pyproject.toml", "setup.py"},
	"build":  {"package.json", "pyproject.toml", "setup.py", "build.gradle", "build.gradle.kts", "CMakeLists.txt"},
	"venv":   {"requirements.txt", "pyproject.toml", "setup.py"},
}

// deepest is how many folders may lie in one another. Each costs an open file,
// and nobody's documents lie deeper.
const deepest = 128

// entry is something that the walk found: a file, or what could not be read.
type entry struct {
	path     string // from the folder
	external string // path, or a readable form of it where it is not UTF-8
	base     string // absolute path of the folder
	info     fs.FileInfo
	failed   error // a *connectors.DocumentError; info is then nil
	missing  bool  // with failed: files may be missing from the walk
}

// walk yields the files in a fixed order. At most the names of the folders
// between the root and the current file are in memory. An error ends it.
func (f *Folder) walk(ctx context.Context) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		root, at, err := f.place.open()
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer root.Close()
		w := &walker{ctx: ctx, f: f, yield: yield, base: at.path, forbidden: f.place.forbidden()}
		names, err := readFolder(root)
		if err != nil {
			yield(entry{}, cairn.Errorf(cairn.ErrUnavailable, "path: the server cannot read %s: %s", f.place.path, reason(err)))
			return
		}
		w.folder(root, "", names, nil)
	}
}

type walker struct {
	ctx       context.Context
	f         *Folder
	yield     func(entry, error) bool
	base      string
	forbidden []fs.FileInfo
}

// found yields an entry.
func (w *walker) found(rel string, e entry) bool {
	e.path, e.external, e.base = rel, readable(rel), w.base
	return w.yield(e, nil)
}

// failed yields something that could not be read; missing says that there may
// be files which the walk did not see.
func (w *walker) failed(rel string, missing bool, code, format string, args ...any) bool {
	return w.found(rel, entry{missing: missing, failed: &connectors.DocumentError{Code: code, Reason: fmt.Sprintf(format, args...)}})
}

// folder walks an open folder and reports whether to go on.
func (w *walker) folder(dir *os.Root, rel string, names []fs.DirEntry, ignored ignores) bool {
	if has(names, ignoreName) {
		more, err := readIgnores(dir, rel)
		if err != nil {
			return w.failed(rel+ignoreName, true, "unreadable",
				"%s in this folder cannot be read, so nothing in the folder is: %s.", ignoreName, reason(err))
		}
		ignored = append(slices.Clip(ignored), more)
	}
	for _, d := range names {
		if err := w.ctx.Err(); err != nil {
			w.yield(entry{}, context.Cause(w.ctx))
			return false
		}
		if w.skip(d, rel+d.Name(), names, ignored) {
			continue
		}
		if !w.entry(dir, d, rel+d.Name(), ignored) {
			return false
		}
	}
	return true
}

// skip reports whether an entry is left out on purpose.
func (w *walker) skip(d fs.DirEntry, rel string, beside []fs.DirEntry, ignored ignores) bool {
	name := d.Name()
	if strings.HasPrefix(name, ".") || w.f.exclude.match(rel) || ignored.match(rel, d.IsDir()) {
		return true
	}
	if d.IsDir() {
		output := func(mark string) bool { return has(beside, mark) }
		return w.f.skip[name] || slices.ContainsFunc(outputBeside[name], output)
	}
	return len(w.f.include) > 0 && !w.f.include.match(rel)
}

// entry yields a file, or walks a folder.
func (w *walker) entry(dir *os.Root, d fs.DirEntry, rel string, ignored ignores) bool {
	info, err := dir.Lstat(d.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // removed since the folder was read
	case err != nil:
		return w.failed(rel, true, "unreadable", "It cannot be looked at: %s.", reason(err))
	case info.IsDir():
		return w.enter(dir, info, rel, ignored)
	case info.Mode()&fs.ModeSymlink != 0:
		return w.link(dir, d.Name(), rel)
	case !info.Mode().IsRegular():
		return true // devices, sockets, pipes: no documents
	}
	return w.found(rel, entry{info: info})
}

// enter walks a folder of the folder.
func (w *walker) enter(parent *os.Root, info fs.FileInfo, rel string, ignored ignores) bool {
	if slices.ContainsFunc(w.forbidden, func(f fs.FileInfo) bool { return os.SameFile(f, info) }) {
		return true
	}
	if strings.Count(rel, "/") >= deepest {
		return w.failed(rel+"/", false, "too_deep", "More than %d folders lie in one another here; what is deeper is not read.", deepest)
	}
	dir, err := openFolder(parent, path.Base(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	var names []fs.DirEntry
	if err == nil {
		defer dir.Close()
		names, err = readFolder(dir)
	}
	if err != nil {
		return w.failed(rel+"/", true, "unreadable", "The folder cannot be read: %s.", reason(err))
	}
	return w.folder(dir, rel+"/", names, ignored)
}

// link reports a symbolic link unless it leads to something in the folder.
func (w *walker) link(dir *os.Root, name, rel string) bool {
	code, about := followed(w.base, rel)
	if code == "" {
		return true
	}
	target, err := dir.Readlink(name)
	if err != nil {
		return true // no longer a link: the next sync sees what it is
	}
	return w.failed(rel, false, code, "The link to %s %s.", readable(target), about)
}

// readFolder returns the entries of a folder by name.
func readFolder(dir *os.Root) ([]fs.DirEntry, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return names, nil
}

func has(names []fs.DirEntry, name string) bool {
	_, ok := slices.BinarySearchFunc(names, name, func(d fs.DirEntry, name string) int { return strings.Compare(d.Name(), name) })
	return ok
}

// readable returns a path as it is when it is UTF-8; else every byte that is
// not becomes U+FFFD and its number, so that different paths stay different.
func readable(p string) string {
	if utf8.ValidString(p) {
		return p
	}
	var b strings.Builder
	for len(p) > 0 {
		r, n := utf8.DecodeRuneInString(p)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "%c%02X", utf8.RuneError, p[0])
		} else {
			b.WriteString(p[:n])
		}
		p = p[n:]
	}
	return b.String()
}
