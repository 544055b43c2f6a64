// Package place finds folders of the server that a source is said to be in, as far as
// the operator allows them to be read.
package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Place is where the folder of a source is said to be. What is really there may
// change between two runs, so it is found and checked anew by every run.
type Place struct {
	Setting string // name of the setting, for messages
	Path    string // absolute and clean, as configured
	Env     connectors.Environment
}

// Absolute returns the clean form of the path in a setting; "~" is the home folder of
// whoever runs the server. Errors are ErrInvalid.
func Absolute(setting, p string) (string, error) {
	if strings.ContainsRune(p, 0) {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: there is a NUL character in it", setting)
	}
	if p == "~" || strings.HasPrefix(p, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", cairn.Errorf(cairn.ErrInvalid, "%s: the server has no home folder; give an absolute path instead of ~", setting)
		}
		p = filepath.Join(home, strings.TrimPrefix(p, "~"))
	}
	if !filepath.IsAbs(p) {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: %q is not absolute: give it from the root, such as /srv/documents", setting, p)
	}
	return filepath.Clean(p), nil
}

// Resolved is a folder that may be read.
type Resolved struct {
	Path   string // without symbolic links
	Within string // the allowed root that it is in; "" where every folder is allowed
}

// Resolve finds the folder. Errors are ErrInvalid; a path that may not be read
// gives the same one whether it exists or not.
func (p Place) Resolve() (Resolved, error) {
	real, err := filepath.EvalSymlinks(p.Path)
	within, allowed := p.allowed(real, err)
	switch {
	case !allowed:
		return Resolved{}, p.notAllowed()
	case errors.Is(err, fs.ErrNotExist):
		return Resolved{}, cairn.Errorf(cairn.ErrInvalid, "%s: there is no folder %s on the server", p.Setting, p.Path)
	case err != nil:
		return Resolved{}, cairn.Errorf(cairn.ErrInvalid, "%s: the server cannot read %s: %s", p.Setting, p.Path, Reason(err))
	}
	info, err := os.Stat(real)
	if err != nil {
		return Resolved{}, cairn.Errorf(cairn.ErrInvalid, "%s: the server cannot read %s: %s", p.Setting, p.Path, Reason(err))
	}
	if !info.IsDir() {
		return Resolved{}, cairn.Errorf(cairn.ErrInvalid, "%s: %s is not a folder", p.Setting, p.Path)
	}
	return Resolved{Path: real, Within: within}, nil
}

// allowed says whether the folder lies in an allowed root and outside all
// forbidden ones. When it does not exist (err), its path as given decides.
func (p Place) allowed(real string, err error) (within string, ok bool) {
	if err != nil {
		real = p.Path
	}
	for _, root := range p.Env.ForbiddenRoots {
		if Inside(evaluated(root), real) || Inside(root, real) {
			return "", false
		}
	}
	if p.Env.FilesRoots == nil {
		return "", true
	}
	for _, root := range p.Env.FilesRoots {
		if r := evaluated(root); Inside(r, real) || err != nil && Inside(root, real) {
			return r, true
		}
	}
	return "", false
}

func (p Place) notAllowed() error {
	roots := "none"
	if p.Env.FilesRoots == nil {
		roots = "any but Cairn's own data"
	} else if len(p.Env.FilesRoots) > 0 {
		roots = strings.Join(p.Env.FilesRoots, ", ")
	}
	return cairn.Errorf(cairn.ErrInvalid, "%s: %s is not in a folder that this server may read (%s); whoever runs it can allow more with CAIRN_FILES_ROOTS", p.Setting, p.Path, roots)
}

// evaluated returns a root without symbolic links; one that does not exist stays.
func evaluated(root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		return real
	}
	return filepath.Clean(root)
}

// Inside reports whether p is root or lies in it; both are absolute and clean.
func Inside(root, p string) bool {
	rel, err := filepath.Rel(root, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// Open opens the folder after checking it.
func (p Place) Open() (*os.Root, Resolved, error) {
	r, err := p.Resolve()
	if err != nil {
		return nil, r, err
	}
	root, err := r.Open()
	if err != nil {
		return nil, r, cairn.Errorf(cairn.ErrInvalid, "%s: the server cannot read %s: %s", p.Setting, p.Path, Reason(err))
	}
	return root, r, nil
}

// Open goes through a handle of the allowed root, so that a link that was
// swapped in since the check cannot lead out of it.
func (r Resolved) Open() (*os.Root, error) {
	if r.Within == "" {
		return os.OpenRoot(r.Path)
	}
	allowed, err := os.OpenRoot(r.Within)
	if err != nil {
		return nil, err
	}
	defer allowed.Close()
	rel, err := filepath.Rel(r.Within, r.Path)
	if err != nil {
		return nil, err
	}
	return allowed.OpenRoot(rel)
}

// Forbidden returns the folders that may never be read, as they are now.
func (p Place) Forbidden() []fs.FileInfo {
	var out []fs.FileInfo
	for _, root := range p.Env.ForbiddenRoots {
		if info, err := os.Stat(root); err == nil {
			out = append(out, info)
		}
	}
	return out
}

// Reason says in a few words why the system refused.
func Reason(err error) string {
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
