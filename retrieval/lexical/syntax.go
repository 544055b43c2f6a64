package lexical

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parsed is a query text taken apart. A word of the text is in Text or in Not.
type Parsed struct {
	Text    string   // what is searched for and embedded: without operators and what is excluded, with the words of phrases
	Phrases []string // between quotation marks: must occur
	Not     []string // words or phrases after a minus sign: must not occur
}

// Constraint says which terms a chunk must and must not hold, by Hash. Each inner
// list has alternatives of one word: of Must a chunk holds at least one, of Not
// none. It is necessary and not sufficient: see NeedsText.
type Constraint struct {
	Must [][]uint64
	Not  [][]uint64
}

// MaxOperators is how many phrases and exclusions a query may have: each phrase is
// looked for in each text.
const MaxOperators = 32

// maxMust bounds the terms of all phrases that are looked up; the text of what
// they leave is compared with the whole phrases.
const maxMust = MaxQueryTerms

// Parse takes the operators out of a query text: phrases between quotation marks,
// and a minus sign at the start of the text or after white space, directly before
// a letter, a digit or a phrase, which excludes. Every other sign is plain text:
// a quotation mark that is not closed or encloses no word or follows a letter or
// digit, a minus sign inside a word. Literal text has no operators. What is asked
// for twice is in Phrases or Not once; they may be more than MaxOperators.
func Parse(text string, literal bool) Parsed {
	if literal {
		return Parsed{Text: text}
	}
	var p Parsed
	var kept strings.Builder
	known := make(map[string]bool) // operators, as they are written
	add := func(to *[]string, operator string, sign string) {
		if !known[sign+operator] {
			known[sign+operator] = true
			*to = append(*to, operator)
		}
	}
	for i := 0; i < len(text); {
		word, phrase, end := operatorAt(text, i)
		switch {
		case word != "":
			add(&p.Not, word, "-")
			kept.WriteByte(' ')
		case phrase != "":
			add(&p.Phrases, phrase, "+")
			kept.WriteString(" " + phrase + " ")
		default:
			kept.WriteString(text[i:end])
		}
		i = end
	}
	p.Text = text
	if p.Operators() > 0 {
		p.Text = strings.Join(strings.Fields(kept.String()), " ")
	}
	return p
}

// operatorAt returns what is excluded at text[i:], or the phrase that begins
// there, or neither, and where it ends.
func operatorAt(text string, i int) (excluded, phrase string, end int) {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	if text[i] == '-' && i+1 < len(text) && (i == 0 || unicode.IsSpace(before)) {
		if excluded, end = quoted(text, i+1); excluded != "" {
			return excluded, "", end
		}
		if class, _ := classAt(text, i+1); class == runeWord || class == runeDense {
			end = len(text)
			if n := strings.IndexFunc(text[i:], unicode.IsSpace); n >= 0 {
				end = i + n
			}
			return text[i+1 : end], "", end
		}
	}
	if !unicode.IsLetter(before) && !unicode.IsNumber(before) || isDense(before) { // else an inch, or a quotation mark that closes
		if phrase, end = quoted(text, i); phrase != "" {
			return "", phrase, end
		}
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return "", "", i + size
}

// quoted returns the phrase in quotation marks at text[i:] and where they end; ""
// when there is none.
func quoted(text string, i int) (phrase string, end int) {
	open, size := utf8.DecodeRuneInString(text[i:])
	closing := ""
	switch open {
	case '"':
		closing = `"`
	case '“', '”':
		closing = "”"
	case '„':
		closing = "“”"
	case '«':
		closing = "»"
	default:
		return "", 0
	}
	n := strings.IndexAny(text[i+size:], closing)
	if n < 0 {
		return "", 0
	}
	phrase = strings.TrimSpace(text[i+size : i+size+n])
	if !hasWords(phrase) {
		return "", 0
	}
	_, last := utf8.DecodeRuneInString(text[i+size+n:])
	return phrase, i + size + n + last
}

func hasWords(text string) bool {
	found := false
	scan(text, func(token) { found = true })
	return found
}

// Operators returns the number of phrases and exclusions.
func (p Parsed) Operators() int { return len(p.Phrases) + len(p.Not) }

// OnlyExcludes reports whether the query says what not to find and nothing to find.
func (p Parsed) OnlyExcludes() bool { return len(p.Not) > 0 && !hasWords(p.Text) }

// Constraint returns the terms that chunks must and must not hold. Words of
// phrases are meant as they are written; excluded words are so in all forms that
// they have in up to four languages (ISO 639-1 codes; none means English).
func (p Parsed) Constraint(languages []string) Constraint {
	var c Constraint
	for _, phrase := range p.Phrases {
		scan(phrase, func(t token) {
			text := fold(t.text)
			if text == "" || t.kind != kindWord && t.kind != kindGram {
				return
			}
			must := Hash(text)
			known := slices.ContainsFunc(c.Must, func(m []uint64) bool { return m[0] == must })
			if !known && len(c.Must) < maxMust {
				c.Must = append(c.Must, []uint64{must})
			}
		})
	}
	languages = newQuery(languages).languages
	for _, not := range p.Not {
		if forms := forms(not, languages); forms != nil {
			c.Not = append(c.Not, forms)
		}
	}
	return c
}

// forms returns the terms of a word: its stems and the word itself, or of an
// identifier the whole. Several words have none: see Checker.
func forms(text string, languages []string) []uint64 {
	class, _ := classAt(text, 0)
	if class == runeWord && hasWords(text[compoundEnd(text, 0):]) {
		return nil
	}
	var first token
	scan(text, func(t token) {
		if first.text == "" {
			first = t
		}
	})
	terms := []string{fold(first.text)}
	switch several := len(units(text)) > 1; {
	case several && first.kind != kindWhole, terms[0] == "":
		return nil
	case first.kind == kindWord:
		for _, l := range languages {
			terms = append(terms, stem(first.text, l))
		}
	}
	hashes := make([]uint64, len(terms))
	for i, t := range terms {
		hashes[i] = Hash(t)
	}
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

// NeedsText reports whether a chunk that fulfils the Constraint must also be
// compared by its text: see Checker.
func (p Parsed) NeedsText() bool {
	return len(p.Phrases) > 0 || slices.ContainsFunc(p.Not, func(not string) bool { return len(units(not)) > 1 })
}
