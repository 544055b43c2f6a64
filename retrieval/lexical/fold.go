package lexical

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold removes what people leave out when they type: accents, Arabic and Hebrew
// vowel points, and letters that are accented only by a stroke or ligature. Signs
// that are letters in their own right, as in Thai or Devanagari, stay. It expects
// lower case.
func fold(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	changed := false
	for _, r := range norm.NFD.String(s) {
		switch {
		case isAccent(r):
			changed = true
			continue
		case r < utf8.RuneSelf:
			b.WriteRune(r)
			continue
		}
		if plain := unstroked(r); plain != "" {
			b.WriteString(plain)
			changed = true
		} else {
			b.WriteRune(r)
		}
	}
	if !changed {
		return s
	}
	return norm.NFC.String(b.String())
}

// isAccent reports whether r is a combining mark that folding drops.
func isAccent(r rune) bool {
	switch {
	case 0x0300 <= r && r <= 0x036f, 0x1ab0 <= r && r <= 0x1aff, 0x1dc0 <= r && r <= 0x1dff, 0x20d0 <= r && r <= 0x20ff:
		return true // combining diacritical marks
	case 0x0591 <= r && r <= 0x05bd, 0x05bf <= r && r <= 0x05c7:
		return true // Hebrew
	case 0x064b <= r && r <= 0x065f, r == 0x0670, r == 0x0640:
		return true // Arabic, with the letter-stretching tatweel
	}
	return false
}

// unstroked returns the plain letters for a letter that does not decompose.
func unstroked(r rune) string {
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ø':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	case 'ħ':
		return "h"
	}
	return ""
}
