package selection

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// DefaultSkipped are folders of other people's code and of caches. The second
// list has names that mean this only beside certain files.
const DefaultSkipped = "node_modules,bower_components,vendor,site-packages,__pycache__,__MACOSX"

// outputBeside are folders of build output, by the files that stand beside them
// then; a folder "target" without any of them is somebody's documents.
var outputBeside = map[string][]string{
	"target": {"Cargo.toml", "pom.xml", "build.sbt"},
	"dist":   {"package.json", "pyproject.toml", "setup.py"},
	"build":  {"package.json", "pyproject.toml", "setup.py", "build.gradle", "build.gradle.kts", "CMakeLists.txt"},
	"venv":   {"requirements.txt", "pyproject.toml", "setup.py"},
}

// IsOutput reports whether a folder of that name holds build output, given what lies
// beside it.
func IsOutput(name string, beside func(file string) bool) bool {
	return slices.ContainsFunc(outputBeside[name], beside)
}

// Readable returns a path as it is when it is UTF-8; else every byte that is
// not becomes U+FFFD and its number, so that different paths stay different.
func Readable(p string) string {
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
