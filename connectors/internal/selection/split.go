package selection

import (
	"math"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
)

// ParseSize reads the setting of a number of bytes with an optional unit (k, M, G; a B may
// follow), of 1024; empty is 0. Errors are ErrInvalid.
func ParseSize(setting, text string) (int64, error) {
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
		return 0, cairn.Errorf(cairn.ErrInvalid, "%s: %q is not a size such as 500kB, 50MB or 2GB", setting, text)
	}
	return n << shift, nil
}

// Split returns the parts of text between any of the separators, without white
// space around them and without empty ones. Separators inside {} and [] do not
// count, since globs have commas there.
func Split(text, separators string) []string {
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
