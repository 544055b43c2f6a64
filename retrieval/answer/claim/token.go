package claim

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind int

const (
	tokWord   tokenKind = iota
	tokFigure           // begins with a digit, a sign or a currency
	tokCode             // an identifier, path, address or version
	tokPunct
)

// token is a part of a sentence that is never split further.
type token struct {
	kind       tokenKind
	text       string
	lower      string
	start, end int
	glued      bool // no white space before it
	quoted     bool // inside a code span
}

const (
	openers  = "([{\"'“„«‚‘’¿¡*_#|>~`"
	trailers = ".,;:!?)]}\"'”’»…*_`|"
)

// tokens splits text at white space, then takes punctuation off both ends of
// each part and splits what is left where words meet.
func tokens(text string) []token {
	var out []token
	inCode := false
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(c) {
			i += size
			continue
		}
		end := i
		for end < len(text) {
			c, size := utf8.DecodeRuneInString(text[end:])
			if unicode.IsSpace(c) {
				break
			}
			end += size
		}
		l := lexer{text: text, quoted: inCode, out: out}
		l.part(i, end)
		out, inCode = l.out, l.quoted
		i = end
	}
	return out
}

type lexer struct {
	text   string
	quoted bool
	out    []token
	first  int // start of the part
}

func (l *lexer) add(kind tokenKind, start, end int) {
	text := l.text[start:end]
	l.out = append(l.out, token{kind: kind, text: text, lower: strings.ToLower(text), start: start, end: end, glued: start > l.first, quoted: l.quoted})
}

// part reads what stands between white space.
func (l *lexer) part(start, end int) {
	l.first = start
	for start < end {
		c, size := utf8.DecodeRuneInString(l.text[start:end])
		if !strings.ContainsRune(openers, c) {
			break
		}
		if c == '`' {
			l.quoted = !l.quoted
		}
		l.add(tokPunct, start, start+size)
		start += size
	}
	tail := end
	for tail > start {
		c, size := utf8.DecodeLastRuneInString(l.text[start:tail])
		if !strings.ContainsRune(trailers, c) || c == ')' && strings.Contains(l.text[start:tail], "(") {
			break
		}
		tail -= size
	}
	if tail > start {
		l.core(start, tail)
	}
	for tail < end {
		c, size := utf8.DecodeRuneInString(l.text[tail:end])
		if c == '`' {
			l.quoted = !l.quoted
		}
		l.add(tokPunct, tail, tail+size)
		tail += size
	}
}

// core reads a part without its surrounding punctuation.
func (l *lexer) core(start, end int) {
	core := l.text[start:end]
	switch {
	case beginsFigure(core):
		l.figure(start, end)
	case strings.Contains(core, ".") && dottedInitials(core):
		l.add(tokWord, start, end)
	case isCode(core):
		l.add(tokCode, start, end)
	default:
		l.words(start, end)
	}
}

// figure keeps "90-day" apart as "90" and "day", and takes ranges apart.
func (l *lexer) figure(start, end int) {
	core := l.text[start:end]
	if _, ok := dateFigure(core, ""); ok || strings.Contains(core, "://") {
		l.add(tokFigure, start, end)
		return
	}
	for i, c := range core {
		if i == 0 || !strings.ContainsRune("-–—/", c) {
			continue
		}
		size := utf8.RuneLen(c)
		next := core[i+size:]
		first, _ := utf8.DecodeRuneInString(next)
		switch {
		case beginsFigure(next) && c != '/':
			l.add(tokFigure, start, start+i)
			l.add(tokPunct, start+i, start+i+size)
			l.figure(start+i+size, end)
			return
		case unicode.IsLetter(first) && !strings.ContainsAny(next, "0123456789"):
			l.add(tokFigure, start, start+i)
			l.words(start+i+size, end)
			return
		}
	}
	l.add(tokFigure, start, end)
}

// words splits a part that is neither figure nor code into words.
func (l *lexer) words(start, end int) {
	at := start
	flush := func(to int) {
		if to > at {
			l.add(tokWord, at, to)
		}
	}
	for i := start; i < end; {
		c, size := utf8.DecodeRuneInString(l.text[i:end])
		switch {
		case c == '\'' || c == '’':
			rest := l.text[i+size : end]
			if strings.EqualFold(rest, "s") { // possessive
				flush(i)
				return
			}
			if strings.EqualFold(rest, "t") && i > at { // don't, can't
				i += size
				continue
			}
			flush(i)
			at = i + size
		case isCJK(c):
			flush(i)
			l.add(tokWord, i, i+size)
			at = i + size
		case !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c):
			flush(i)
			l.add(tokPunct, i, i+size)
			at = i + size
		}
		i += size
	}
	flush(end)
}

func isCJK(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// beginsFigure reports whether s is a number, perhaps with sign or currency.
func beginsFigure(s string) bool {
	s = strings.TrimLeft(s, "+-−±~≈<>≤≥$€£¥")
	c, _ := utf8.DecodeRuneInString(s)
	return c >= '0' && c <= '9' || strings.ContainsRune("½¼¾", c)
}

// isCode tells identifiers, paths, addresses and versions from words.
func isCode(s string) bool {
	if strings.HasPrefix(s, "--") || strings.Contains(s, "_") || strings.Contains(s, "://") || strings.Contains(s, "::") || strings.Contains(s, "()") {
		return true
	}
	var digit, letter, inner bool
	upper, lower := 0, false
	prev := rune(0)
	for i, c := range s {
		switch {
		case unicode.IsDigit(c):
			digit = true
		case unicode.IsUpper(c):
			upper++
			if i > 0 && unicode.IsLower(prev) {
				inner = true // camelCase
			}
			letter = true
		case unicode.IsLetter(c):
			lower, letter = true, true
		case (c == '.' || c == '@' || c == '\\') && i > 0 && i+1 < len(s) && prev != '.':
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(c):])
			if unicode.IsLetter(next) || unicode.IsDigit(next) {
				if c != '.' || !dottedInitials(s) {
					inner = true
				}
			}
		case c == '/' && i == 0 && len(s) > 1:
			inner = true // a path
		}
		prev = c
	}
	return letter && (inner || digit) || upper >= 2 && !lower && upper <= 6 && !strings.ContainsAny(s, "'’")
}

// dottedInitials tells "e.g", "z.B" and "U.S" from "main.go".
func dottedInitials(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if utf8.RuneCountInString(part) > 1 {
			return false
		}
	}
	return true
}
