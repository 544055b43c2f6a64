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

// exactBonus is how much more a match of the word itself counts than one of its stem.
const exactBonus = 0.1

// QueryTerm is one term to look for. Terms of one group are alternatives of one
// word (its stems in several languages, the word itself): a chunk gets the best
// of their scores, never their sum, and all of them are weighed by the document
// frequency of the most frequent one.
type QueryTerm struct {
	Hash   uint64
	Group  int     // from 0, ascending without gaps
	Weight float32 // factor of the score
	Text   string  // the term itself, for explanations
}

// QueryTerms analyses a question in up to four languages (ISO 639-1 codes; none
// means English). It returns at most MaxQueryTerms terms with distinct hashes;
// of a longer question the longest words are kept. It may be called by several
// goroutines at once.
func QueryTerms(text string, languages []string) []QueryTerm {
	if len(languages) == 0 {
		languages = []string{"en"}
	}
	languages = languages[:min(len(languages), maxQueryLanguages)]
	q := query{groupOf: map[string]int{}}
	scan(text, func(t token) {
		switch t.kind {
		case kindWord:
			q.word(t.text, languages)
		case kindWhole, kindGram:
			q.group(QueryTerm{Weight: 1, Text: fold(t.text)})
		}
	})
	return q.terms()
}

// query collects groups of alternatives.
type query struct {
	groupOf map[string]int // of every term so far
	groups  [][]QueryTerm
}

// word adds a group for the alternatives of a word.
func (q *query) word(s string, languages []string) {
	exact := fold(s)
	var group []QueryTerm
	weight := float32(1)
	for _, l := range languages {
		t := stem(s, normalLanguage(l))
		if t == exact || slices.ContainsFunc(group, func(o QueryTerm) bool { return o.Text == t }) {
			continue
		}
		group = append(group, QueryTerm{Weight: 1, Text: t})
		weight = 1 + exactBonus
	}
	q.group(append(group, QueryTerm{Weight: weight, Text: exact})...)
}

// group adds alternatives as a group, or to the group that holds one of them
// already: forms of one word count once.
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
	}
	for _, t := range terms {
		if _, ok := q.groupOf[t.Text]; ok {
			continue
		}
		q.groupOf[t.Text] = g
		t.Hash = Hash(t.Text)
		q.groups[g] = append(q.groups[g], t)
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
