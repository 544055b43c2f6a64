package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/place"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// opener returns the Open of a file.
func (f *Folder) opener(rel string) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		root, _, err := f.place.Open()
		if err != nil {
			return nil, err
		}
		defer root.Close()
		file, err := openAt(root, rel)
		if err != nil {
			return nil, openError(err)
		}
		return &contextFile{ctx, file}, nil
	}
}

func openError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &connectors.DocumentError{Code: "vanished", Reason: "The file was removed before it could be read.", Err: err}
	case errors.Is(err, errSwapped):
		return &connectors.DocumentError{Code: "not_a_file", Reason: "Something else took the place of the file before it could be read.", Err: err}
	}
	return &connectors.DocumentError{Code: "unreadable", Reason: "The file cannot be read: " + place.Reason(err) + ".", Err: err}
}

// errSwapped is the error of a path of which a part is not what it was, or is a
// symbolic link.
var errSwapped = errors.New("not the same file or folder")

// openAt opens a regular file below root. No part of the path may be a symbolic
// link, also not one that was put there between looking and opening: os.Root
// keeps the file inside the root, and comparing what was seen with what was
// opened keeps it at its own place inside, where the rules of access know it.
func openAt(root *os.Root, rel string) (*os.File, error) {
	dir, name := root, rel
	for {
		folder, rest, ok := strings.Cut(name, "/")
		if !ok {
			break
		}
		next, err := openFolder(dir, folder)
		if err != nil {
			return nil, err
		}
		defer next.Close()
		dir, name = next, rest
	}
	seen, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.Mode().IsRegular() {
		return nil, errSwapped
	}
	// O_NONBLOCK: to open a pipe that was swapped in would wait for a writer.
	file, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !os.SameFile(seen, info) {
		_ = file.Close()
		return nil, errors.Join(errSwapped, err)
	}
	return file, nil
}

// openFolder opens a folder in parent that is not a symbolic link.
func openFolder(parent *os.Root, name string) (*os.Root, error) {
	seen, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, errSwapped
	}
	dir, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if info, err := dir.Stat("."); err != nil || !os.SameFile(seen, info) {
		_ = dir.Close()
		return nil, errors.Join(errSwapped, err)
	}
	return dir, nil
}

// contextFile is a file whose reading ends with a context.
type contextFile struct {
	ctx context.Context
	*os.File
}

// Read implements io.Reader.
func (f *contextFile) Read(p []byte) (int, error) {
	if f.ctx.Err() != nil {
		return 0, fmt.Errorf("read %s: %w", f.Name(), context.Cause(f.ctx))
	}
	return f.File.Read(p)
}

// WriteTo would pass the context by.
func (f *contextFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{f})
}

// followed says where the symbolic link rel of the folder base leads: the code
// and the description of a problem, or nothing when it stays in the folder.
func followed(base, rel string) (code, about string) {
	target, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(rel)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "broken_link", "leads nowhere"
	case errors.Is(err, fs.ErrPermission):
		return "unreadable", "leads to where the account that runs Cairn has no permission"
	case err != nil: // ELOOP, or too many links by the library's own count
		return "link_cycle", "leads in a circle"
	case !place.Inside(base, target):
		return "outside", "leads out of the folder of this source, and such links are not followed; add what it leads to as a source of its own"
	}
	return "", ""
}

// readIgnores reads the ignore file of a folder.
func readIgnores(dir *os.Root, rel string) (selection.IgnoreFile, error) {
	f, err := openAt(dir, selection.IgnoreName)
	if err != nil {
		return selection.IgnoreFile{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, selection.LargestIgnore))
	return selection.ParseIgnores(rel, string(text)), err
}
