package claim

import (
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/spanish"
)

// Stem returns the stem of a word in lower case, by the Snowball rules of the
// language; words of other languages stay as they are.
func Stem(lower, language string) string {
	var stem func(*snowballstem.Env) bool
	switch language {
	case "en", "":
		stem = english.Stem
	case "de":
		stem = german.Stem
	case "fr":
		stem = french.Stem
	case "es":
		stem = spanish.Stem
	default:
		return lower
	}
	if len(lower) < 3 {
		return lower
	}
	env := snowballstem.NewEnv(lower)
	stem(env)
	return env.Current()
}

// Language returns the language among English, German, French and Spanish whose
// function words are most frequent in text, "" when none is found.
func Language(text string) string {
	counts := map[string]int{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !isWordRune(c) }) {
		for _, l := range tellingWords[w] {
			counts[l]++
		}
	}
	best := ""
	for _, l := range []string{"en", "de", "fr", "es"} {
		if counts[l] > counts[best] {
			best = l
		}
	}
	return best
}
