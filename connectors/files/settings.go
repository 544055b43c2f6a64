package files

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// parse reads the settings without touching the folder. Errors are ErrInvalid.
func parse(env connectors.Environment, settings map[string]string) (*Folder, error) {
	f := &Folder{place: place{env: env}, skip: map[string]bool{}}
	var err error
	if f.place.path, err = absolute(settings["path"]); err != nil {
		return nil, err
	}
	if f.include, err = parseGlobs("include", settings["include"]); err != nil {
		return nil, err
	}
	if f.exclude, err = parseGlobs("exclude", settings["exclude"]); err != nil {
		return nil, err
	}
	if f.rules, err = parseRules(settings["acl_rules"]); err != nil {
		return nil, err
	}
	if f.maxSize, err = parseSize(settings["max_size"]); err != nil {
		return nil, err
	}
	skipped, ok := settings["skip_folders"]
	if !ok {
		skipped = defaultSkipped
	}
	for _, name := range split(skipped, ",\n") {
		if strings.ContainsRune(name, '/') {
			return nil, cairn.Errorf(cairn.ErrInvalid, "skip_folders: %q is a path; give names of folders, or put the path into exclude", name)
		}
		f.skip[name] = true
	}
	return f, nil
}

// absolute returns the clean form of a path; "~" is the home folder of whoever
// runs the server.
func absolute(p string) (string, error) {
	if strings.ContainsRune(p, 0) {
		return "", cairn.Errorf(cairn.ErrInvalid, "path: there is a NUL character in it")
	}
	if p == "~" || strings.HasPrefix(p, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", cairn.Errorf(cairn.ErrInvalid, "path: the server has no home folder; give an absolute path instead of ~")
		}
		p = filepath.Join(home, strings.TrimPrefix(p, "~"))
	}
	if !filepath.IsAbs(p) {
		return "", cairn.Errorf(cairn.ErrInvalid, "path: %q is not absolute: give it from the root, such as /srv/documents", p)
	}
	return filepath.Clean(p), nil
}

// parseSize reads a number of bytes with an optional unit (k, M, G; a B may
// follow), of 1024.
func parseSize(text string) (int64, error) {
	digits := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "b")
	if digits == "" && text == "" {
		return 0, nil
	}
	shift := 0
	for i, unit := range []string{"k", "m", "g"} {
		if rest, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, cairn.Errorf(cairn.ErrInvalid, "max_size: %q is not a size such as 500kB, 50MB or 2GB", text)
	}
	return n << shift, nil
}

// split returns the parts of text between any of the separators, without white
// space around them and without empty ones. Separators inside {} and [] do not
// count, since globs have commas there.
func split(text, separators string) []string {
	var parts []string
	depth, from := 0, 0
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	for i, r := range text {
		switch {
		case r == '{' || r == '[':
			depth++
		case r == '}' || r == ']':
			depth = max(0, depth-1)
		case r == '\n', depth == 0 && strings.ContainsRune(separators, r):
			add(text[from:i])
			depth, from = 0, i+1
		}
	}
	add(text[from:])
	return parts
}
