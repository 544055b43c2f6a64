package password

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/cairnhq/cairn"
)

// The bounds of a password: characters of the prepared text, and bytes as it was
// typed.
const (
	MinCharacters = 12
	MaxBytes      = 1024
)

// mustRemain is how many characters a password must have beside what everybody
// tries.
const mustRemain = 8

// common are words and runs that everybody tries, one a line.
//
//go:embed common.txt
var common string

// Check returns nil for a password that an account with the address may have, else
// an ErrInvalid that says what to do.
func Check(text, address string) error {
	if len(text) > MaxBytes {
		return cairn.Errorf(cairn.ErrInvalid, "the password is longer than %d bytes; choose a shorter one", MaxBytes)
	}
	prepared, err := prepare(text)
	if err != nil && text != "" {
		return cairn.Errorf(cairn.ErrInvalid, "the password holds a character that cannot be typed everywhere, such as a tab; leave it out")
	}
	if utf8.RuneCountInString(prepared) < MinCharacters {
		return cairn.Errorf(cairn.ErrInvalid, "the password is shorter than %d characters; several words make a good one", MinCharacters)
	}
	if guessable(prepared, address) {
		return cairn.Errorf(cairn.ErrInvalid, "the password is one that others try first: it repeats itself, or is hardly more than a common word, "+
			"a row of keys or your own address; choose another")
	}
	return nil
}

// prepare returns a text in the form in which it is hashed: NFC, with one kind of
// blank, as RFC 8265 says. Nothing is cut off and no case is changed. It refuses
// control characters, those that Unicode does not have yet, and what is no UTF-8.
func prepare(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", errors.New("not UTF-8")
	}
	return precis.OpaqueString.String(text)
}

// guessable reports whether a password repeats itself, or what it has beside
// common words and the own address is short.
func guessable(text, address string) bool {
	text = strings.ToLower(text)
	if strings.Contains((text + text)[1:2*len(text)-1], text) {
		return true // it is several times the same
	}
	rest := strings.Map(visible, text)
	for _, word := range tried(strings.ToLower(address)) {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return utf8.RuneCountInString(rest) < mustRemain
}

// visible drops blanks: they make "p a s s w o r d" no better.
func visible(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

// tried returns what is tried first for an address, the longest first.
func tried(address string) []string {
	words := append(strings.Fields(common), address)
	words = append(words, strings.FieldsFunc(address, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < 3 })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}
