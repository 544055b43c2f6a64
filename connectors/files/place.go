package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// place is where the folder of a source is said to be. What is really there may
// change between two runs, so it is found and checked anew by every run.
type place struct {
	path string // absolute and clean, as configured
	env  connectors.Environment
}

// resolved is a folder that may be read.
type resolved struct {
	path   string // without symbolic links
	within string // the allowed root that it is in; "" where every folder is allowed
}

// resolve finds the folder. Errors are ErrInvalid; a path that may not be read
// gives the same one whether it exists or not.
func (p place) resolve() (resolved, error) {
	real, err := filepath.EvalSymlinks(p.path)
	within, allowed := p.allowed(real, err)
	switch {
	case !allowed:
		return resolved{}, p.notAllowed()
	case errors.Is(err, fs.ErrNotExist):
		return resolved{}, cairn.Errorf(cairn.ErrInvalid, "path: there is no folder %s on the server", p.path)
	case err != nil:
		return resolved{}, cairn.Errorf(cairn.ErrInvalid, "path: the server cannot read %s: %s", p.path, reason(err))
	}
	info, err := os.Stat(real)
	if err != nil {
		return resolved{}, cairn.Errorf(cairn.ErrInvalid, "path: the server cannot read %s: %s", p.path, reason(err))
	}
	if !info.IsDir() {
		return resolved{}, cairn.Errorf(cairn.ErrInvalid, "path: %s is not a folder", p.path)
	}
	return resolved{path: real, within: within}, nil
}

// allowed says whether the folder lies in an allowed root and outside all
// forbidden ones. When it does not exist (err), its path as given decides.
func (p place) allowed(real string, err error) (within string, ok bool) {
	if err != nil {
		real = p.path
	}
	for _, root := range p.env.ForbiddenRoots {
		if inside(evaluated(root), real) || inside(root, real) {
			return "", false
		}
	}
	if p.env.FilesRoots == nil {
		return "", true
	}
	for _, root := range p.env.FilesRoots {
		if r := evaluated(root); inside(r, real) || err != nil && inside(root, real) {
			return r, true
		}
	}
	return "", false
}

func (p place) notAllowed() error {
	roots := "none"
	if p.env.FilesRoots == nil {
		roots = "any but Cairn's own data"
	} else if len(p.env.FilesRoots) > 0 {
		roots = strings.Join(p.env.FilesRoots, ", ")
	}
	return cairn.Errorf(cairn.ErrInvalid, "path: %s is not in a folder that this server may read (%s); whoever runs it can allow more with CAIRN_FILES_ROOTS", p.path, roots)
}

// evaluated returns a root without symbolic links; one that does not exist stays.
func evaluated(root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		return real
	}
	return filepath.Clean(root)
}

// inside reports whether p is root or lies in it; both are absolute and clean.
func inside(root, p string) bool {
	rel, err := filepath.Rel(root, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// open opens the folder after checking it.
func (p place) open() (*os.Root, resolved, error) {
	r, err := p.resolve()
	if err != nil {
		return nil, r, err
	}
	root, err := r.open()
	if err != nil {
		return nil, r, cairn.Errorf(cairn.ErrInvalid, "path: the server cannot read %s: %s", p.path, reason(err))
	}
	return root, r, nil
}

// open goes through a handle of the allowed root, so that a link that was
// swapped in since the check cannot lead out of it.
func (r resolved) open() (*os.Root, error) {
	if r.within == "" {
		return os.OpenRoot(r.path)
	}
	allowed, err := os.OpenRoot(r.within)
	if err != nil {
		return nil, err
	}
	defer allowed.Close()
	rel, err := filepath.Rel(r.within, r.path)
	if err != nil {
		return nil, err
	}
	return allowed.OpenRoot(rel)
}

// forbidden returns the folders that may never be read, as they are now.
func (p place) forbidden() []fs.FileInfo {
	var out []fs.FileInfo
	for _, root := range p.env.ForbiddenRoots {
		if info, err := os.Stat(root); err == nil {
			out = append(out, info)
		}
	}
	return out
}

// reason says in a few words why the system refused.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "the account that runs Cairn has no permission"
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
