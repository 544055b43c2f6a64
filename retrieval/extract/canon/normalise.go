package canon

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normalise returns s as canonical text: invalid bytes become U+FFFD, line
// ends "\n", every kind of space " "; control characters other than "\n" and
// "\t" and characters that nobody sees (the tags block, zero-width characters,
// bidirectional overrides, fillers) are removed; the rest is brought into
// normal form C. Zero-width joiners stay between letters of scripts that need
// them and inside emoji. Normalising twice changes nothing.
func Normalise(s []byte) []byte {
	if clean(s) {
		return s
	}
	for range 4 { // composition can bring together what another pass removes; it settles at once
		out := norm.NFC.Bytes(strip(s))
		if bytes.Equal(out, s) {
			break
		}
		s = out
	}
	return s
}

// NormaliseString is Normalise for strings.
func NormaliseString(s string) string { return string(Normalise([]byte(s))) }

// Inline returns s normalised, on one line, with single spaces, trimmed.
func Inline(s string) string {
	return strings.Join(strings.Fields(NormaliseString(s)), " ")
}

// clean reports whether s is ASCII that needs no change.
func clean(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf || c == 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func strip(s []byte) []byte {
	out := make([]byte, 0, len(s))
	prev := rune(0) // the last rune that was kept
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf && c >= ' ' && c != 0x7f {
			out = append(out, c)
			prev = rune(c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		i += size
		switch {
		case r == '\r':
			if i < len(s) && s[i] == '\n' {
				i++
			}
			r = '\n'
		case r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			r = '\n'
		case r == '\n' || r == '\t':
		case unicode.Is(unicode.Zs, r):
			r = ' '
		case r == zwnj || r == zwj:
			if !joins(r, prev, s[i:]) {
				continue
			}
		case isSelector(r):
			if prev <= ' ' || isSelector(prev) || prev == zwj || prev == zwnj || hasOneLook(prev) {
				continue
			}
		case hidden(r):
			continue
		}
		out = utf8.AppendRune(out, r)
		prev = r
	}
	return out
}

const (
	zwnj = 0x200c
	zwj  = 0x200d
)

// hidden reports whether r shows nothing, or changes how other text shows.
func hidden(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r <= 0x9f: // controls
		return true
	case r == 0xad, r == 0x61c, r == 0x180e, r == 0xfeff, r == 0x3164, r == 0xffa0:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfff9 && r <= 0xfffb, r >= 0x1d173 && r <= 0x1d17a:
		return true
	case r >= 0xe0000 && r <= 0xe0fff: // tags, supplementary variation selectors
		return true
	case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // no characters
		return true
	}
	return false
}

// isSelector reports whether r is one of the sixteen variation selectors; one
// after a character chooses its look, a row of them carries hidden data.
func isSelector(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f }

// hasOneLook reports whether r belongs to a script of which no letter has another
// look to choose.
func hasOneLook(r rune) bool { return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic) }

// joins reports whether a joiner between prev and rest does something that a
// reader sees.
func joins(joiner, prev rune, rest []byte) bool {
	next, _ := utf8.DecodeRune(rest)
	if shaped(prev) && shaped(next) {
		return true
	}
	return joiner == zwj && (emoji(prev) || isSelector(prev)) && emoji(next)
}

// shaped reports whether r belongs to a script in which joiners change the
// shape of letters.
func shaped(r rune) bool {
	return r >= 0x600 && unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil,
		unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar,
		unicode.Tibetan)
}

func emoji(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || r >= 0x2600 && r <= 0x27bf || r == 0x2b1b || r == 0x2194 || r == 0x2195
}
