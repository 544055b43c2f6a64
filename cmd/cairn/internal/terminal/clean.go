// Package terminal prints text that others wrote - documents, names, answers -
// so that it cannot command the terminal, and lays it out.
package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s without anything that a terminal takes for a command or that
// makes text look other than it is: control characters are replaced by the
// pictures of Unicode (␛ for escape), C1 controls and bytes that are no UTF-8 by
// U+FFFD; marks that turn the direction of text and invisible characters are left
// out. Line ends become \n; tabs stay.
func Clean(s string) string {
	if harmless(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(cleanRune, strings.ToValidUTF8(s, "\uFFFD"))
}

// Line is Clean for one line: every run of white space becomes a blank.
func Line(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// harmless is the common case.
func harmless(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || cleanRune(r) != r {
			return false
		}
	}
	return true
}

func cleanRune(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r == '\u2028' || r == '\u2029': // line and paragraph separator
		return '\n'
	case r < 0x20:
		return 0x2400 + r
	case r == 0x7f:
		return '\u2421'
	case r >= 0x80 && r < 0xa0: // C1: some terminals take them for escape sequences
		return utf8.RuneError
	case hidden(r):
		return -1
	}
	return r
}

// hidden reports whether r is invisible or turns text round. The joiners U+200C
// and U+200D are not among them: scripts and emoji need them.
func hidden(r rune) bool {
	switch {
	case r == 0x61c, r == 0x200b, r == 0x200e, r == 0x200f, r == 0x2060, r == 0xfeff, r == 0xad,
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x206f, // bidi
		r >= 0xe0000 && r <= 0xe007f, // tags: text that only machines read
		r >= 0xfff9 && r <= 0xfffb:   // annotations
		return true
	}
	return false
}

// JSON returns a JSON document with every character that Clean would change
// escaped as \uXXXX: the same document, harmless to print.
func JSON(b []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			out.WriteString(`\ufffd`)
		case r == '\n' || r == '\t' || r == '\r' || r == utf8.RuneError || cleanRune(r) == r:
			out.Write(b[:n])
		case r > 0xffff:
			high, low := surrogates(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out.Bytes()
}

func surrogates(r rune) (high, low rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

// letter reports whether r is part of a word.
func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
