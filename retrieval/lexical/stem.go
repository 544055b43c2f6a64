package lexical

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
)

// stemmer cuts the word in env to its stem; the result says nothing of use.
type stemmer func(env *snowballstem.Env) bool

// stemmerOf returns the Snowball stemmer of a language, nil when there is none.
func stemmerOf(language string) stemmer {
	switch language {
	case "ar":
		return arabic.Stem
	case "da":
		return danish.Stem
	case "de":
		return german.Stem
	case "en":
		return english.Stem
	case "es":
		return spanish.Stem
	case "fi":
		return finnish.Stem
	case "fr":
		return french.Stem
	case "ga":
		return irish.Stem
	case "hu":
		return hungarian.Stem
	case "it":
		return italian.Stem
	case "nl":
		return dutch.Stem
	case "nb", "nn", "no":
		return norwegian.Stem
	case "pt":
		return portuguese.Stem
	case "ro":
		return romanian.Stem
	case "ru":
		return russian.Stem
	case "sv":
		return swedish.Stem
	case "ta":
		return tamil.Stem
	case "tr":
		return turkish.Stem
	}
	return nil
}

// Knows reports whether texts and questions in a language, by its primary tag, are
// analysed otherwise than those in any that is not known: by a stemmer, or by a list of
// function words.
func Knows(language string) bool {
	return stemmerOf(language) != nil || functionWords()[language] != nil
}

// languageOf returns the language in which a word of a text is stemmed: that of
// the text, unless the word's script shows that it cannot be. English words
// abound in texts of every script, so they are stemmed as English there; so are
// Latin words of a text of unknown language.
func languageOf(word, language string) string {
	r, _ := utf8.DecodeRuneInString(word)
	script := ""
	switch {
	case r < utf8.RuneSelf || unicode.Is(unicode.Latin, r):
		script = "en"
	case unicode.Is(unicode.Cyrillic, r):
		script = "ru"
	case unicode.Is(unicode.Arabic, r):
		script = "ar"
	case unicode.Is(unicode.Tamil, r):
		script = "ta"
	default:
		return ""
	}
	if language == "" || scriptOf(language) != scriptOf(script) {
		return script
	}
	return language
}

// scriptOf returns which script a language is written in: 'L'atin or another.
func scriptOf(language string) byte {
	switch language {
	case "ru", "uk", "be", "bg", "sr", "mk", "kk", "mn":
		return 'C'
	case "ar", "fa", "ur":
		return 'A'
	case "ta":
		return 'T'
	case "el", "he", "hi", "bn", "mr", "ne", "te", "kn", "ml", "gu", "pa", "th", "lo", "km", "my", "ka", "hy", "am", "zh", "ja", "ko":
		return 'O'
	}
	return 'L'
}

// PrimaryLanguage returns the primary tag in lower case: "en" for "en-US".
func PrimaryLanguage(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}

// stem returns the folded stem of a word of a text in the given language.
func stem(word, language string) string {
	if len(word) > maxWord || isNumeric(word) {
		return fold(word)
	}
	cut := stemmerOf(languageOf(word, language))
	if cut == nil {
		return fold(word)
	}
	env := snowballstem.NewEnv(word)
	cut(env)
	if env.Current() == "" {
		return fold(word)
	}
	return fold(env.Current())
}

func isNumeric(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || !isDigit(s[i]) {
			return false
		}
	}
	return true
}
