package files

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cairnhq/cairn"
)

// globs are patterns of one setting. A pattern without a slash matches names at
// any depth, one with a slash paths from the folder; ** stands for any number
// of folders, {a,b} for alternatives. A folder that matches means all that is
// in it.
type globs []string

// parseGlobs reads patterns separated by commas or lines.
func parseGlobs(setting, text string) (globs, error) {
	var out globs
	for _, p := range split(text, ",") {
		p, err := parseGlob(setting, p)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func parseGlob(setting, p string) (string, error) {
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

// match reports whether the path, or a folder that it is in, matches.
func (g globs) match(path string) bool {
	for _, p := range g {
		if matches(p, path) {
			return true
		}
	}
	return false
}

func matches(pattern, path string) bool {
	return doublestar.MatchUnvalidated(pattern, path) || doublestar.MatchUnvalidated(pattern+"/**", path)
}
