package builtin

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words and parts that are longer, in characters, are no words.
const maxPart = 64

// tokenizer cuts text into the tokens of the model's vocabulary: runs of letters
// and digits, in lower case, accents removed. A word that the vocabulary lacks is
// cut at inner capitals and digits, and its parts by greedy longest match, as
// WordPiece does (Wu et al., 2016). A part that cannot be matched to its end is
// left out. The rules must be those by which the model was trained.
type tokenizer struct {
	first   map[string]uint32 // tokens that begin a word
	rest    map[string]uint32 // tokens that continue one, without their "##"
	longest int               // characters of the longest token of the vocabulary
}

func newTokenizer(vocabulary []string) *tokenizer {
	t := &tokenizer{first: make(map[string]uint32, len(vocabulary)), rest: map[string]uint32{}}
	for id, token := range vocabulary {
		t.longest = max(t.longest, utf8.RuneCountInString(token))
		if tail, ok := strings.CutPrefix(token, "##"); ok && tail != "" {
			t.rest[tail] = uint32(id)
		} else {
			t.first[token] = uint32(id)
		}
	}
	return t
}

// appendTokens appends the tokens of text, in order, to ids.
func (t *tokenizer) appendTokens(ids []uint32, text string) []uint32 {
	for start := 0; start < len(text); {
		end := wordEnd(text, start)
		if end == start {
			_, size := utf8.DecodeRuneInString(text[start:])
			start += size
			continue
		}
		ids = t.appendWord(ids, text[start:end])
		start = end
	}
	return ids
}

// wordEnd returns the end of the run of letters and digits at start.
func wordEnd(text string, start int) int {
	for i := start; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if !isASCIILetter(c) && (c < '0' || c > '9') {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return i
		}
		i += size
	}
	return len(text)
}

func (t *tokenizer) appendWord(ids []uint32, word string) []uint32 {
	if id, ok := t.first[fold(word)]; ok {
		return append(ids, id)
	}
	if !splits(word) {
		return t.appendPieces(ids, fold(word))
	}
	for len(word) > 0 {
		n := partEnd(word)
		ids = t.appendPieces(ids, fold(word[:n]))
		word = word[n:]
	}
	return ids
}

// appendPieces appends the tokens that make up a folded part, or nothing if some
// of it is left over.
func (t *tokenizer) appendPieces(ids []uint32, part string) []uint32 {
	if utf8.RuneCountInString(part) > maxPart {
		return ids
	}
	mark := len(ids)
	vocabulary, longest := t.first, t.longest
	for len(part) > 0 {
		id, size, ok := longestMatch(vocabulary, part, longest)
		if !ok {
			return ids[:mark]
		}
		ids = append(ids, id)
		part = part[size:]
		vocabulary = t.rest
	}
	return ids
}

// longestMatch returns the longest prefix of part that the vocabulary holds, of
// at most limit characters.
func longestMatch(vocabulary map[string]uint32, part string, limit int) (id uint32, size int, ok bool) {
	end := 0
	for n := 0; n < limit && end < len(part); n++ {
		_, size := utf8.DecodeRuneInString(part[end:])
		end += size
	}
	for end > 0 {
		if id, ok := vocabulary[part[:end]]; ok {
			return id, end, true
		}
		_, size := utf8.DecodeLastRuneInString(part[:end])
		end -= size
	}
	return 0, 0, false
}

// splits reports whether an unknown word is cut into parts: when it is neither
// all lower nor all upper case, or has a digit. Title case letters are neither.
func splits(word string) bool {
	var lower, upper bool
	for _, r := range word {
		switch {
		case isDigit(r) || unicode.IsTitle(r):
			return true
		case unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r):
			lower = true
		case unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r):
			upper = true
		}
	}
	return lower == upper
}

// partEnd returns where the first part of a word ends: capitals up to the last
// before a small letter, a capital or none with small letters, digits, or a run
// of anything that is not ASCII. Only ASCII letters have case here.
func partEnd(word string) int {
	capitals := run(word, func(c byte) bool { return 'A' <= c && c <= 'Z' })
	small := run(word[capitals:], func(c byte) bool { return 'a' <= c && c <= 'z' })
	switch {
	case small > 0 && capitals <= 1:
		return capitals + small
	case small > 0:
		return capitals - 1
	case capitals > 0:
		return capitals
	}
	if digits := run(word, func(c byte) bool { return '0' <= c && c <= '9' }); digits > 0 {
		return digits
	}
	return run(word, func(c byte) bool { return c >= utf8.RuneSelf })
}

// run returns how many of the first bytes of s are of a class.
func run(s string, class func(byte) bool) int {
	n := 0
	for n < len(s) && class(s[n]) {
		n++
	}
	return n
}

// fold returns s in lower case without accents.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(lower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lower is strings.ToLower with the Greek rule that a sigma which ends a word is ς.
func lower(s string) string {
	low := strings.ToLower(s)
	if !strings.ContainsRune(s, 'Σ') {
		return low
	}
	runes, original := []rune(low), []rune(s)
	for i := range original {
		after := string(original[i+1:])
		if i > 0 && original[i] == 'Σ' && unicode.IsLetter(original[i-1]) && !strings.ContainsFunc(after, unicode.IsLetter) {
			runes[i] = 'ς'
		}
	}
	return string(runes)
}

// isDigit reports whether r is a decimal digit of any script, or stands for one
// raised, lowered, in a circle, in brackets or with a full stop.
func isDigit(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return unicode.IsDigit(r) || unicode.Is(digitForms, r)
}

// digitForms are the characters of Unicode's numeric type Digit.
var digitForms = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xb2, 0xb3, 1}, {0xb9, 0xb9, 1}, {0x1369, 0x1371, 1}, {0x19da, 0x19da, 1}, {0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1}, {0x2080, 0x2089, 1}, {0x2460, 0x2468, 1}, {0x2474, 0x247c, 1}, {0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1}, {0x24f5, 0x24fd, 1}, {0x24ff, 0x24ff, 1}, {0x2776, 0x277e, 1}, {0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32:         []unicode.Range32{{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1}},
	LatinOffset: 2,
}

func isASCIILetter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isASCII(s string) bool {
	return run(s, func(c byte) bool { return c < utf8.RuneSelf }) == len(s)
}
