package lexical

import (
	"slices"
	"unicode/utf8"
)

// Checker compares texts with the phrases of a query, reading each text once. It may
// be used by several goroutines at once.
type Checker struct {
	phrases, not []pattern
}

// Checker returns what compares texts with the phrases of the query.
func (p Parsed) Checker() Checker {
	var c Checker
	for _, phrase := range p.Phrases {
		c.phrases = append(c.phrases, patternOf(phrase))
	}
	for _, not := range p.Not {
		if n := patternOf(not); len(n.units) > 1 {
			c.not = append(c.not, n)
		}
	}
	return c
}

// Admits reports whether every phrase is in one of the texts of a chunk (its
// title, a heading, its body), and no excluded phrase is. Single words that are
// excluded are left to the Constraint.
func (c Checker) Admits(texts ...string) bool {
	read := make([][]string, len(texts))
	for i, text := range texts {
		read[i] = units(text)
	}
	held := func(p pattern) bool { return slices.ContainsFunc(read, p.in) }
	return !slices.ContainsFunc(c.phrases, func(p pattern) bool { return !held(p) }) && !slices.ContainsFunc(c.not, held)
}

// Holds reports whether text holds the phrase: its words one after another, with
// nothing but punctuation and white space between them. Case and accents do not
// count, and an identifier is the words that it is made of. Words match as a whole;
// in scripts without spaces, characters do. A phrase without words is everywhere.
func Holds(text, phrase string) bool { return patternOf(phrase).in(units(text)) }

// pattern is a phrase to look for (Knuth, Morris and Pratt, SIAM J. Comput. 1977).
type pattern struct {
	units []string
	back  []int // for every length, the longest proper prefix that ends there too
}

func patternOf(phrase string) pattern {
	want := units(phrase)
	return pattern{want, borders(want)}
}

// in reports whether the units hold the pattern.
func (p pattern) in(text []string) bool {
	if len(p.units) == 0 {
		return true
	}
	matched := 0
	for _, u := range text {
		for matched > 0 && p.units[matched] != u {
			matched = p.back[matched-1]
		}
		if p.units[matched] == u {
			matched++
		}
		if matched == len(p.units) {
			return true
		}
	}
	return false
}

// borders returns, for every length, the longest proper prefix of the units that
// ends there too.
func borders(want []string) []int {
	back := make([]int, len(want))
	for i, k := 1, 0; i < len(want); i++ {
		for k > 0 && want[k] != want[i] {
			k = back[k-1]
		}
		if want[k] == want[i] {
			k++
		}
		back[i] = k
	}
	return back
}

func units(text string) (all []string) {
	eachUnit(text, func(u string) { all = append(all, u) })
	return all
}

// eachUnit yields the words of a text and the characters of scripts without
// spaces, folded, in order. Each is a term of a chunk with that text.
func eachUnit(text string, yield func(string)) {
	scan(text, func(t token) {
		one := t.kind == kindWord || t.kind == kindChar || t.kind == kindGram && utf8.RuneCountInString(t.text) == 1
		if !one {
			return
		}
		if u := fold(t.text); u != "" {
			yield(u)
		}
	})
}
