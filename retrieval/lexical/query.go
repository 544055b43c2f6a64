package lexical

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Bounds of the analysis of a query.
const (
	MaxQueryTerms     = 64
	maxQueryLanguages = 4
)

// Factors of scores, chosen by hand; docs/evaluation.md, "What is fitted, and on
// what", checks them.
const (
	exactBonus  = 0.2 // how much more a match of the word itself counts than one of its stem
	wholeWeight = 0.5 // of an identifier as a whole; its words count beside it
)

// QueryTerm is one term to look for. Terms of one group are alternatives of one
// word (its stems in several languages, the word itself): a chunk gets the best
// of their scores, never their sum, and all of them are weighed by the document
// frequency of the most frequent one.
type QueryTerm struct {
	Hash   uint64
	Group  int     // from 0, ascending without gaps
	Weight float32 // factor of the score, above 0
	Text   string  // the term itself, for explanations
}

// QueryTerms analyses a question in up to four languages (ISO 639-1 codes; none
// means English). It returns at most MaxQueryTerms terms with distinct hashes;
// of a longer question the longest words are kept. It may be called by several
// goroutines at once.
func QueryTerms(text string, languages []string) []QueryTerm {
	q := newQuery(languages)
	var tokens []token
	var words []string
	scan(text, func(t token) {
		tokens = append(tokens, t)
		if t.kind == kindWord {
			words = append(words, t.text)
		}
	})
	function := functionWords()[functionLanguage(words, q.languages)]
	for _, t := range tokens {
		switch {
		case t.kind == kindWord && function[t.text]:
			q.word(t.text, functionWeight)
		case t.kind == kindWord:
			q.word(t.text, 1)
		case t.kind == kindWhole:
			q.group(QueryTerm{Weight: wholeWeight, Text: fold(t.text)})
		case t.kind == kindGram:
			q.group(QueryTerm{Weight: 1, Text: fold(t.text)})
		}
	}
	return q.terms()
}

// query collects groups of alternatives.
type query struct {
	languages []string
	groupOf   map[string]int // of every term so far
	groups    [][]QueryTerm
	counts    []int // occurrences of each group
}

func newQuery(languages []string) *query {
	q := &query{groupOf: map[string]int{}}
	for _, l := range languages {
		if l = PrimaryLanguage(l); len(q.languages) < maxQueryLanguages && !slices.Contains(q.languages, l) {
			q.languages = append(q.languages, l)
		}
	}
	if len(q.languages) == 0 {
		q.languages = []string{"en"}
	}
	return q
}

// word adds a group for the alternatives of a word.
func (q *query) word(s string, weight float32) {
	exact := fold(s)
	var group []QueryTerm
	exactWeight := weight
	for _, l := range q.languages {
		t := stem(s, l)
		if t == exact || slices.ContainsFunc(group, func(o QueryTerm) bool { return o.Text == t }) {
			continue
		}
		group = append(group, QueryTerm{Weight: weight, Text: t})
		exactWeight = weight * (1 + exactBonus)
	}
	q.group(append(group, QueryTerm{Weight: exactWeight, Text: exact})...)
}

// group adds alternatives as a group, or to the group that holds one of them
// already: a chunk that holds one form of a word is not better for each form that
// was asked for. What is asked for repeatedly weighs accordingly.
func (q *query) group(terms ...QueryTerm) {
	g := len(q.groups)
	for _, t := range terms {
		if old, ok := q.groupOf[t.Text]; ok {
			g = old
			break
		}
	}
	if g == len(q.groups) {
		q.groups = append(q.groups, nil)
		q.counts = append(q.counts, 0)
	}
	q.counts[g]++
	for _, t := range terms {
		if old, ok := q.groupOf[t.Text]; ok {
			q.raise(old, t)
			continue
		}
		q.groupOf[t.Text] = g
		t.Hash = Hash(t.Text)
		q.groups[g] = append(q.groups[g], t)
	}
}

// raise gives a term of a group the weight of its other occurrence, if that is larger.
func (q *query) raise(group int, t QueryTerm) {
	for i := range q.groups[group] {
		if o := &q.groups[group][i]; o.Text == t.Text {
			o.Weight = max(o.Weight, t.Weight)
		}
	}
}

// terms returns the groups in order, or as many of the longest words as fit.
func (q *query) terms() []QueryTerm {
	order := make([]int, len(q.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(q.size(b), q.size(a)) })
	kept, n := make([]bool, len(q.groups)), 0
	for _, g := range order {
		if n+len(q.groups[g]) <= MaxQueryTerms {
			kept[g] = true
			n += len(q.groups[g])
		}
	}
	terms := make([]QueryTerm, 0, n)
	number := 0
	for g, group := range q.groups {
		if !kept[g] {
			continue
		}
		for _, t := range group {
			t.Group = number
			t.Weight *= float32(q.counts[g])
			terms = append(terms, t)
		}
		number++
	}
	return terms
}

// size returns the number of characters of the longest term of a group.
func (q *query) size(group int) int {
	size := 0
	for _, t := range q.groups[group] {
		size = max(size, utf8.RuneCountInString(t.Text))
	}
	return size
}
