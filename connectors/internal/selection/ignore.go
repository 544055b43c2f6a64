package selection

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// IgnoreName is the name of files that say what of a folder is left out, in the
// format of .gitignore.
const IgnoreName = ".cairnignore"

// LargestIgnore bounds the reading of such a file, in bytes.
const LargestIgnore = 1 << 20

// Ignores are the ignore files that hold at a place, the outermost first.
type Ignores []IgnoreFile

// IgnoreFile is one of them.
type IgnoreFile struct {
	folder   string // that it lies in; "" or with a slash at its end
	patterns []ignorePattern
}

// ignorePattern is one line.
type ignorePattern struct {
	glob    string // of the path from the folder
	negated bool
	folders bool // matches folders only
}

// ParseIgnores reads the format that gitignore(5) describes. folder is where the file lies:
// "", or a path with a slash at its end.
func ParseIgnores(folder, text string) IgnoreFile {
	file := IgnoreFile{folder: folder}
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		if p, ok := parseIgnore(strings.TrimSuffix(line, "\r")); ok {
			file.patterns = append(file.patterns, p)
		}
	}
	return file
}

// parseIgnore reads one line; blank lines, comments and patterns that cannot
// match anything give none.
func parseIgnore(line string) (p ignorePattern, ok bool) {
	line = trimSpaces(line)
	if line == "" || line[0] == '#' {
		return p, false
	}
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.folders = strings.CutSuffix(line, "/")
	if !strings.Contains(line, "/") {
		line = "**/" + line
	}
	line = strings.TrimPrefix(line, "/")
	if strings.HasSuffix(line, "/**") {
		line += "/*" // what is in the folder, not the folder itself
	}
	// Braces are letters in this format.
	p.glob = strings.NewReplacer(`\{`, `\{`, `\}`, `\}`, `\\`, `\\`, "{", `\{`, "}", `\}`).Replace(line)
	return p, line != "" && doublestar.ValidatePattern(p.glob)
}

// trimSpaces drops spaces at the end unless a backslash keeps one.
func trimSpaces(line string) string {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	return line
}

// Match reports whether a path is left out: the innermost file that has an
// opinion decides, in it the last line that matches. Folders that the path lies
// in are not considered; walks do not enter those that are left out.
func (is Ignores) Match(path string, folder bool) bool {
	for i := len(is) - 1; i >= 0; i-- {
		rel := strings.TrimPrefix(path, is[i].folder)
		for j := len(is[i].patterns) - 1; j >= 0; j-- {
			p := is[i].patterns[j]
			if (folder || !p.folders) && doublestar.MatchUnvalidated(p.glob, rel) {
				return !p.negated
			}
		}
	}
	return false
}
