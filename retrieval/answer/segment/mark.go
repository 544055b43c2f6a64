package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMark  = 80 // bytes of a mark
	maxRange = 20 // numbers of "[1-20]"
)

// sourceWords may stand before the number inside a mark, in lower case.
var sourceWords = wordSet("passage passages source sources doc document documents ref reference quelle quellen extrait fuente cite citation")

// MarkAt reads a citation mark that begins at i: [1], [1, 2], [1-3], [^1], 【1】,
// 【1†source】, [Passage 1]. It returns the numbers as written and the end of
// the mark. known is false when more text may make it a mark; final says that
// nothing follows.
func MarkAt(text string, i int, final bool) (numbers []int, end int, is, known bool) {
	c, size := utf8.DecodeRuneInString(text[i:])
	if c != '[' && c != '【' {
		return nil, 0, false, true
	}
	inner := text[i+size:]
	if len(inner) > maxMark {
		inner = inner[:maxMark]
		final = true
	}
	stop := strings.IndexAny(inner, "]】[【\n")
	if stop < 0 {
		return nil, 0, false, final
	}
	c, width := utf8.DecodeRuneInString(inner[stop:])
	if c != ']' && c != '】' {
		return nil, 0, false, true
	}
	numbers, is = markNumbers(inner[:stop])
	return numbers, i + size + stop + width, is, true
}

// markNumbers parses what stands between the brackets of a mark.
func markNumbers(s string) ([]int, bool) {
	if n := strings.Index(s, "†"); n >= 0 {
		s = s[:n]
	}
	var numbers []int
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ';' || c == '&' || c == '，' || c == '、' }) {
		part = strings.TrimSpace(part)
		if word, rest, ok := strings.Cut(part, " "); ok && sourceWords[strings.ToLower(word)] {
			part = strings.TrimSpace(rest)
		}
		if len(numbers) > 0 && isPage(part) {
			continue
		}
		from, to, ok := markRange(strings.TrimLeft(part, "^#"))
		if !ok {
			return nil, false
		}
		for n := from; n <= to; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers, len(numbers) > 0
}

func markRange(s string) (from, to int, ok bool) {
	a, b, isRange := strings.Cut(s, "-")
	if !isRange {
		a, b, isRange = strings.Cut(s, "–")
	}
	if from, ok = markNumber(a); !ok {
		return 0, 0, false
	}
	if !isRange {
		return from, from, true
	}
	to, ok = markNumber(strings.TrimLeft(strings.TrimSpace(b), "^#"))
	return from, to, ok && to >= from && to-from < maxRange
}

func markNumber(s string) (int, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 4 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// isPage tells "p. 4" of "[1, p. 4]".
func isPage(s string) bool {
	word := strings.TrimRightFunc(s, func(c rune) bool { return unicode.IsDigit(c) || c == '.' || c == ' ' || c == '-' })
	return word != s && (word == "p" || word == "pp" || word == "page" || word == "S")
}
