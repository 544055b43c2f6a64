package lexical

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Longer identifiers are not looked up as a whole, and longer words are data
// rather than language: digests, keys, encoded bytes.
const (
	maxWhole = 128
	maxWord  = 64
)

// compound yields the tokens of words that are joined by linkers: the whole, each
// part between dots, and the words that those are made of.
func compound(s string, yield func(token)) {
	if !ascii(s) {
		s = norm.NFKC.String(s)
	}
	if plain(s) {
		word(strings.ToLower(s), yield)
		return
	}
	if w := whole(s); w != "" {
		yield(token{w, kindWhole})
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '@' || r == ',' })
	for _, part := range parts {
		if len(parts) > 1 && !plain(part) {
			if w := whole(part); w != "" {
				yield(token{w, kindWhole})
			}
		}
		for piece := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '_' || r == '-' }) {
			words(piece, yield)
		}
	}
}

// plain reports whether s is one word: letters whose case does not change after
// the first, or digits.
func plain(s string) bool {
	var lower, upper, digit, inner bool
	for i, r := range s {
		switch {
		case unicode.IsNumber(r):
			digit = true
		case unicode.IsUpper(r):
			upper = true
			inner = inner || i > 0
		case unicode.IsLetter(r):
			lower = true
		case unicode.IsMark(r):
		default:
			return false
		}
	}
	mixed := digit && (lower || upper) || inner && lower
	return !mixed
}

// whole returns the form under which an identifier is looked up as a whole, or ""
// when there is none. Hyphens and underscores are left out, so that getUserById,
// get_user_by_id and get-user-by-id are one term, but not between digits: dates
// and numbers keep them. Commas are left out between groups of three digits, and
// any other comma separates.
func whole(s string) string {
	if len(s) > maxWhole {
		return ""
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '_', '-':
			if isDigit(s[i-1]) && i+1 < len(s) && isDigit(s[i+1]) {
				b = append(b, '-')
			}
		case ',':
			if !thousands(s[i+1:]) {
				return ""
			}
		default:
			b = append(b, c)
		}
	}
	return strings.ToLower(string(b))
}

// thousands reports whether s begins with exactly three digits.
func thousands(s string) bool {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n == 3
}

// words yields the words of an identifier without linkers, split where lower
// case turns to upper, before the last capital of several, and between digits
// and letters. What has digits and falls into crumbs is no identifier but a
// digest or a key: it is one word.
func words(s string, yield func(token)) {
	if plain(s) {
		word(strings.ToLower(s), yield)
		return
	}
	cuts := boundaries(s)
	if n := len(cuts) + 1; n > 4 && len(s) < 3*n && strings.ContainsAny(s, "0123456789") {
		word(strings.ToLower(s), yield)
		return
	}
	start := 0
	for _, cut := range append(cuts, len(s)) {
		word(strings.ToLower(s[start:cut]), yield)
		start = cut
	}
}

// boundaries returns the offsets at which words cuts.
func boundaries(s string) []int {
	var cuts []int
	before, last := 'x', 'x' // shapes of the two runes before
	prev := 0
	for i, r := range s {
		now := shape(r, last)
		switch {
		case i == 0:
		case now == 'A' && last != 'A', now == '0' != (last == '0'):
			cuts = append(cuts, i)
		case now == 'a' && last == 'A' && before == 'A':
			cuts = append(cuts, prev)
		}
		if i == 0 {
			before = now
		} else {
			before = last
		}
		if n := len(cuts); n > 0 && cuts[n-1] == i {
			before = 'x'
		}
		last, prev = now, i
	}
	return cuts
}

// shape returns 'A' for a capital, '0' for a digit, 'a' for any other letter; a
// mark or sign is of the shape of what it follows.
func shape(r, last rune) rune {
	switch {
	case unicode.IsNumber(r):
		return '0'
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLetter(r):
		return 'a'
	}
	return last
}

func word(s string, yield func(token)) {
	if s != "" {
		yield(token{s, kindWord})
	}
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
