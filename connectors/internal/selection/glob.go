// Package selection says which documents of a tree of folders are read: globs, ignore
// files in the format of .gitignore, and folders that hold nobody's own text.
package selection

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cairnhq/cairn"
)

// Globs are patterns of one setting. A pattern without a slash matches names at
// any depth, one with a slash paths from the folder; ** stands for any number
// of folders, {a,b} for alternatives. A folder that matches means all that is
// in it.
type Globs []string

// ParseGlobs reads the patterns of a setting, separated by commas or lines. Errors are
// ErrInvalid and name the setting.
func ParseGlobs(setting, text string) (Globs, error) {
	var out Globs
	for _, p := range Split(text, ",") {
		p, err := ParseGlob(setting, p)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// ParseGlob reads one pattern of a setting. Errors are ErrInvalid.
func ParseGlob(setting, p string) (string, error) {
	clean := strings.TrimPrefix(strings.TrimSuffix(p, "/"), "./")
	if clean == "" || !doublestar.ValidatePattern(clean) {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: %q is not a glob such as *.md or guides/**", setting, p)
	}
	if anchored, ok := strings.CutPrefix(clean, "/"); ok {
		return anchored, nil
	}
	if !strings.Contains(clean, "/") {
		return "**/" + clean, nil
	}
	return clean, nil
}

// Match reports whether the path, or a folder that it is in, matches.
func (g Globs) Match(path string) bool {
	for _, p := range g {
		if Matches(p, path) {
			return true
		}
	}
	return false
}

// Matches reports whether a pattern that ParseGlob returned matches the path, or a folder
// that it is in.
func Matches(pattern, path string) bool {
	return doublestar.MatchUnvalidated(pattern, path) || doublestar.MatchUnvalidated(pattern+"/**", path)
}
