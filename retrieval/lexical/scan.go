package lexical

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// kind says how a token becomes terms.
type kind uint8

const (
	kindWord  kind = iota // is stemmed; counts towards the length
	kindWhole             // an identifier as a whole; its words are tokens too
	kindGram              // two neighbouring characters of a script without spaces
	kindChar              // one such character; only documents keep it
)

// token is a normalised piece of text: lower case, compatibility forms composed.
type token struct {
	text string
	kind kind
}

// runeClass says what part of a token a rune can be.
type runeClass uint8

const (
	runeOther runeClass = iota
	runeWord
	runeMark   // continues a word, never begins one
	runeDense  // of a script that is written without spaces
	runeLinker // joins two words to one identifier when it stands between them
)

// scan yields the tokens of a text in order. It is a function of the text alone.
func scan(text string, yield func(token)) {
	for i := 0; i < len(text); {
		switch class, size := classAt(text, i); class {
		case runeWord:
			end := compoundEnd(text, i)
			compound(text[i:end], yield)
			i = skipPossessive(text, end)
		case runeDense:
			end := runEnd(text, i, runeDense)
			grams(text[i:end], yield)
			i = end
		default:
			i += size
		}
	}
}

// classAt returns the class and the size in bytes of the rune at text[i:].
func classAt(text string, i int) (runeClass, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return asciiClass(c), 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	switch {
	case isDense(r):
		return runeDense, size
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		return runeWord, size
	case unicode.IsMark(r):
		return runeMark, size
	}
	return runeOther, size
}

func asciiClass(c byte) runeClass {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return runeWord
	case c == '_', c == '-', c == '.', c == '@', c == ',':
		return runeLinker
	}
	return runeOther
}

// isDense reports whether r belongs to a script whose words are not separated,
// or, as in Korean, are separated but inflected by appended syllables.
func isDense(r rune) bool {
	if r < 0x0e00 {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) || r == 'ー' || r == 'ｰ'
}

// runEnd returns where the run of one class that begins at i ends; marks belong
// to the run.
func runEnd(text string, i int, want runeClass) int {
	for i < len(text) {
		class, size := classAt(text, i)
		if class != want && class != runeMark {
			break
		}
		i += size
	}
	return i
}

// compoundEnd returns where the words that begin at i and are joined by single
// linkers end. Underscores may stand in a row; a comma joins digits only.
func compoundEnd(text string, i int) int {
	end := runEnd(text, i, runeWord)
	for {
		next := end
		for next < len(text) && text[next] == '_' {
			next++
		}
		if next == end && next < len(text) && asciiClass(text[next]) == runeLinker {
			next++
		}
		if next == end || next == len(text) {
			break
		}
		if class, _ := classAt(text, next); class != runeWord {
			break
		}
		if text[next-1] == ',' && (!isDigit(text[end-1]) || !isDigit(text[next])) {
			break
		}
		end = runEnd(text, next, runeWord)
	}
	return suffixEnd(text, i, end)
}

// suffixEnd takes the signs of names such as C++ and C# into the word.
func suffixEnd(text string, start, end int) int {
	if end-start > 2 || end == len(text) {
		return end
	}
	switch {
	case text[end] == '#':
		return end + 1
	case end+1 < len(text) && text[end:end+2] == "++":
		return end + 2
	}
	return end
}

// skipPossessive passes over an 's that ends a word.
func skipPossessive(text string, i int) int {
	rest := text[i:]
	quote := 0
	switch {
	case len(rest) > 0 && rest[0] == '\'':
		quote = 1
	case len(rest) > 2 && rest[:3] == "’":
		quote = 3
	}
	if quote == 0 || len(rest) == quote || rest[quote]|0x20 != 's' {
		return i
	}
	after := i + quote + 1
	if after < len(text) {
		if class, _ := classAt(text, after); class == runeWord || class == runeMark {
			return i
		}
	}
	return after
}

// grams yields each pair of neighbouring characters of a dense run, and each
// character; a run of one character is a word of its own.
func grams(run string, yield func(token)) {
	run = norm.NFKC.String(run)
	_, first := utf8.DecodeRuneInString(run)
	if first == len(run) {
		yield(token{run, kindGram})
		return
	}
	prev := 0
	for i, r := range run {
		size := utf8.RuneLen(r)
		yield(token{run[i : i+size], kindChar})
		if i > 0 {
			yield(token{run[prev : i+size], kindGram})
		}
		prev = i
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
