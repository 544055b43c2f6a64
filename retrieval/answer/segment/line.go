package segment

import (
	"strings"
	"unicode/utf8"
)

// bullets are the characters that begin a list item when a space follows.
const bullets = "-*+•–◦‣·"

// classify says what the line that begins at i is and where its words begin.
// It reports false when more text may change that.
func (r *reader) classify(i int) (kind Kind, body int, known bool) {
	if r.open(i) {
		return 0, 0, false
	}
	rest := r.text[i:]
	c, size := utf8.DecodeRuneInString(rest)
	switch {
	case c == '`' || c == '~':
		n := runLength(rest, 0)
		if n >= 3 {
			return Code, i, true
		}
		return Text, i, !r.open(i + n)
	case c == '#':
		return r.classifyHeading(i)
	case c == '|':
		return Row, i, true
	case c == '>':
		after := r.skipBlanks(i + 1)
		if r.open(after) {
			return 0, 0, false
		}
		if after == len(r.text) || r.text[after] == '\n' {
			return Rule, i, true
		}
		kind, body, known = r.classify(after)
		if kind == Code { // a fence inside a quotation is shown as text
			return Text, after, known
		}
		return kind, body, known
	case c >= '0' && c <= '9':
		return r.classifyNumber(i)
	case strings.ContainsRune("-*_=", c):
		if rule, known := r.rule(i); !known || rule {
			return Rule, i, known
		}
	}
	if strings.ContainsRune(bullets, c) {
		if r.open(i + size) {
			return 0, 0, false
		}
		if body := r.skipBlanks(i + size); body > i+size {
			return Item, body, true
		}
	}
	return Text, i, true
}

func (r *reader) classifyHeading(i int) (Kind, int, bool) {
	n := runLength(r.text, i)
	if r.open(i + n) {
		return 0, 0, false
	}
	if n <= 6 && (i+n == len(r.text) || strings.IndexByte(" \t\n", r.text[i+n]) >= 0) {
		return Heading, r.skipBlanks(i + n), true
	}
	return Text, i, true
}

// classifyNumber tells "3. Restart" and "3) Restart" from "3.5 million".
func (r *reader) classifyNumber(i int) (Kind, int, bool) {
	j := i
	for j < len(r.text) && r.text[j] >= '0' && r.text[j] <= '9' {
		j++
	}
	if j-i > 3 {
		return Text, i, true
	}
	if r.open(j) || r.open(j+1) {
		return 0, 0, false
	}
	if j+1 >= len(r.text) || (r.text[j] != '.' && r.text[j] != ')') {
		return Text, i, true
	}
	body := r.skipBlanks(j + 1)
	if body == j+1 {
		return Text, i, true
	}
	if r.text[j] == '.' {
		word, known := r.word(body)
		if !known {
			return 0, 0, false
		}
		if isMonth(word) { // "3. März 2026 …" begins with a date
			return Text, i, true
		}
	}
	return Item, body, true
}

// rule reports whether the line at i only draws: three or more of one character.
func (r *reader) rule(i int) (rule, known bool) {
	n := 0
	for j := i; ; j++ {
		if r.open(j) {
			return false, false
		}
		if j == len(r.text) || r.text[j] == '\n' {
			return n >= 3, true
		}
		switch r.text[j] {
		case r.text[i]:
			n++
		case ' ', '\t':
		default:
			return false, true
		}
	}
}

func (r *reader) skipBlanks(i int) int {
	for i < len(r.text) && (r.text[i] == ' ' || r.text[i] == '\t') {
		i++
	}
	return i
}
