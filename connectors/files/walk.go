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

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/place"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

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
		root, at, err := f.place.Open()
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer root.Close()
		w := &walker{ctx: ctx, f: f, yield: yield, base: at.Path, forbidden: f.place.Forbidden()}
		names, err := readFolder(root)
		if err != nil {
			yield(entry{}, cairn.Errorf(cairn.ErrUnavailable, "path: the server cannot read %s: %s", f.place.Path, place.Reason(err)))
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
	e.path, e.external, e.base = rel, selection.Readable(rel), w.base
	return w.yield(e, nil)
}

// failed yields something that could not be read; missing says that there may
// be files which the walk did not see.
func (w *walker) failed(rel string, missing bool, code, format string, args ...any) bool {
	return w.found(rel, entry{missing: missing, failed: &connectors.DocumentError{Code: code, Reason: fmt.Sprintf(format, args...)}})
}

// folder walks an open folder and reports whether to go on.
func (w *walker) folder(dir *os.Root, rel string, names []fs.DirEntry, ignored selection.Ignores) bool {
	if has(names, selection.IgnoreName) {
		more, err := readIgnores(dir, rel)
		if err != nil {
			return w.failed(rel+selection.IgnoreName, true, "unreadable",
				"%s in this folder cannot be read, so nothing in the folder is: %s.", selection.IgnoreName, place.Reason(err))
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
func (w *walker) skip(d fs.DirEntry, rel string, beside []fs.DirEntry, ignored selection.Ignores) bool {
	name := d.Name()
	if strings.HasPrefix(name, ".") || w.f.exclude.Match(rel) || ignored.Match(rel, d.IsDir()) {
		return true
	}
	if d.IsDir() {
		return w.f.skip[name] || selection.IsOutput(name, func(mark string) bool { return has(beside, mark) })
	}
	return len(w.f.include) > 0 && !w.f.include.Match(rel)
}

// entry yields a file, or walks a folder.
func (w *walker) entry(dir *os.Root, d fs.DirEntry, rel string, ignored selection.Ignores) bool {
	info, err := dir.Lstat(d.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // removed since the folder was read
	case err != nil:
		return w.failed(rel, true, "unreadable", "It cannot be looked at: %s.", place.Reason(err))
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
func (w *walker) enter(parent *os.Root, info fs.FileInfo, rel string, ignored selection.Ignores) bool {
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
		return w.failed(rel+"/", true, "unreadable", "The folder cannot be read: %s.", place.Reason(err))
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
	return w.failed(rel, false, code, "The link to %s %s.", selection.Readable(target), about)
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
