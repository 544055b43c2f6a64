package lexical

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	t.Parallel()
	type list = []string
	for _, tt := range []struct {
		text string
		want Parsed
	}{
		{"hotel limit", Parsed{Text: "hotel limit"}},
		{"  as  it is\n", Parsed{Text: "  as  it is\n"}},
		{`"annual report" 2026`, Parsed{Text: "annual report 2026", Phrases: list{"annual report"}}},
		{`the "annual report"2026`, Parsed{Text: "the annual report 2026", Phrases: list{"annual report"}}},
		{`title:"annual report"`, Parsed{Text: "title: annual report", Phrases: list{"annual report"}}},
		{`“one two” „drei vier“ „fünf”  « six sept »`, Parsed{Text: "one two drei vier fünf six sept", Phrases: list{"one two", "drei vier", "fünf", "six sept"}}},
		{`東京"大学"`, Parsed{Text: "東京 大学", Phrases: list{"大学"}}},
		{`"not closed`, Parsed{Text: `"not closed`}},
		{`“not closed"`, Parsed{Text: `“not closed"`}},
		{`a 5" or 7" disk`, Parsed{Text: `a 5" or 7" disk`}},
		{`"" "!" x`, Parsed{Text: `"" "!" x`}},
		{`"a" "b`, Parsed{Text: `a "b`, Phrases: list{"a"}}},
		{"report -draft", Parsed{Text: "report", Not: list{"draft"}}},
		{"-draft report\t-old,worn", Parsed{Text: "report", Not: list{"draft", "old,worn"}}},
		{"room -5", Parsed{Text: "room", Not: list{"5"}}},
		{`report -"first draft"x`, Parsed{Text: "report x", Not: list{"first draft"}}},
		{"東京 -大阪", Parsed{Text: "東京", Not: list{"大阪"}}},
		{"a - b -", Parsed{Text: "a - b -"}},
		{"cairn serve --dev", Parsed{Text: "cairn serve --dev"}},
		{"well-known a--b (-x) -.5 -\"", Parsed{Text: "well-known a--b (-x) -.5 -\""}},
		{`-"not closed`, Parsed{Text: `-"not closed`}},
		{`say "-draft"`, Parsed{Text: "say -draft", Phrases: list{"-draft"}}},
		{"-draft", Parsed{Not: list{"draft"}}},
		{`"a" "b" "a" -c -c -"a"`, Parsed{Text: "a b a", Phrases: list{"a", "b"}, Not: list{"c", "a"}}},
	} {
		if diff := cmp.Diff(tt.want, Parse(tt.text, false)); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
		if diff := cmp.Diff(Parsed{Text: tt.text}, Parse(tt.text, true)); diff != "" {
			t.Errorf("literally, %q: %s", tt.text, diff)
		}
	}
}

func TestOnlyExcludes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"-draft": true, `- -"a b" !`: true, "x -draft": false, `"x" -draft`: false, "!": false, "": false} {
		if Parse(text, false).OnlyExcludes() != want {
			t.Errorf("%q only excludes: %v", text, !want)
		}
	}
}

// checkParse fails unless every word of a text is in what is searched for or in
// what is excluded, no other is, and every phrase is searched for and can be found.
func checkParse(t rapid.TB, text string) {
	t.Helper()
	all := func(texts ...string) (tokens []string) {
		for _, text := range texts {
			scan(text, func(k token) { tokens = append(tokens, k.text) })
		}
		slices.Sort(tokens)
		return tokens
	}
	p := Parse(text, false)
	if diff := cmp.Diff(slices.Compact(all(text)), slices.Compact(all(append(p.Not, p.Text)...))); diff != "" {
		t.Fatalf("%q becomes %+v: %s", text, p, diff)
	}
	for _, phrase := range p.Phrases {
		if !Holds(p.Text, phrase) || !hasWords(phrase) {
			t.Fatalf("%q: the text %q does not hold the phrase %q", text, p.Text, phrase)
		}
	}
	for _, not := range p.Not {
		if !hasWords(not) {
			t.Fatalf("%q excludes %q, in which there is no word", text, not)
		}
	}
	p.Constraint([]string{"en", "de"})
}

var queryPieces = []string{" ", " ", "-", `"`, "“", "”", "„", "«", "»", "a", "Draft", "9", "getUser", "é", "東", "京", "'s", ".", ",", "_", "\t", "+", "#", "\u0301", "\xff"}

func TestParseLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkParse(t, strings.Join(rapid.SliceOf(rapid.SampledFrom(queryPieces)).Draw(t, "pieces"), ""))
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`"annual report" -draft`, `„a“ «b» -"c d"`, `5" -x-y --z - "`, "東京“大学”-x", "-a\xff\"b\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParse(t, text) })
}

func TestHolds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, phrase string
		want         bool
	}{
		{"The Annual, report", "annual report", true},
		{"The annual financial report", "annual report", false},
		{"biannual report", "annual report", false},
		{"annual reports", "annual report", false},
		{"Report annual", "annual report", false},
		{"one one two", "one two", true},
		{"a a b a a a b", "a a a b", true},
		{"a b a b a c", "a b a c", true},
		{"La organización nueva", "organizacion nueva", true},
		{"the company's name", "company name", true},
		{"call getUserById now", "user by id", true},
		{"get_user_by_id", "getUserById", true},
		{"well known", "well-known", true},
		{"wellknown", "well-known", false},
		{"version 1.15.2", "1.15", true},
		{"version 11.5", "1.15", false},
		{"C++ and C", "c++ and", true},
		{"東京都庁", "京都", true}, // it is how the script is: no words
		{"東京大学に行く", "東京大学", true},
		{"東京の大学", "東京大学", false},
		{"Straße", "STRASSE", true},
		{"anything", " !", true},
		{"", "x", false},
	} {
		if got := Holds(tt.text, tt.phrase); got != tt.want {
			t.Errorf("%q holds %q: %v", tt.text, tt.phrase, got)
		}
	}
}

// TestHoldsEqualsReference compares with a search in lists of words, and with the
// terms that are looked up beforehand: they must not shut out what holds a phrase.
func TestHoldsEqualsReference(t *testing.T) {
	t.Parallel()
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "running", "run", "Übung", "x1"}), 1, 12)
	plain := map[string]string{"Übung": "ubung", "x1": "x 1"}
	gaps := rapid.SampledFrom([]string{" ", ", ", " - ", "\n"})
	rapid.Check(t, func(t *rapid.T) {
		text, phrase := words.Draw(t, "text"), words.Draw(t, "phrase")
		if rapid.Bool().Draw(t, "inside") {
			phrase = text[rapid.IntRange(0, len(text)-1).Draw(t, "from"):]
		}
		naive := func(list []string) string {
			out := slices.Clone(list)
			for i, w := range out {
				if p := plain[w]; p != "" {
					out[i] = p
				}
			}
			return " " + strings.Join(out, " ") + " "
		}
		joined := strings.Join(text, gaps.Draw(t, "gap"))
		want := strings.Contains(naive(text), naive(phrase))
		p := Parsed{Phrases: []string{strings.Join(phrase, " ")}}
		if got := Holds(joined, p.Phrases[0]); got != want {
			t.Fatalf("%q holds %q: %v", joined, p.Phrases[0], got)
		}
		if want && !fulfils(Fields{Body: joined, Language: "en"}, p.Constraint(nil)) {
			t.Fatalf("%q holds %q and does not fulfil its constraint", joined, p.Phrases[0])
		}
	})
}

// fulfils reports whether the terms of a chunk fulfil a constraint.
func fulfils(f Fields, c Constraint) bool {
	terms, _ := Terms(f)
	holds := func(alternatives []uint64) bool {
		return slices.ContainsFunc(terms, func(t Term) bool { return slices.Contains(alternatives, t.Hash) })
	}
	for _, must := range c.Must {
		if !holds(must) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Not, holds)
}

func TestConstraint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query, body string
		want        bool // what the terms say
		admits      bool // what the text says
	}{
		{`"annual report"`, "The annual report.", true, true},
		{`"annual report"`, "Annual; the report.", true, false},
		{`"annual report"`, "Annual reports.", true, false}, // a stem that looks like the word
		{`"reports"`, "A report.", false, false},            // the word itself, not its stem
		{`"run"`, "She is running.", true, false},
		{`"foo-bar"`, "foo bar", true, true},
		{"x -report", "Reports", false, true}, // any form, by its terms alone
		{"x -reports", "A report", false, true},
		{"x -Verträge", "Der Vertrag", false, true},
		{"x -getUserById", "call get_user_by_id", false, false},
		{"x -getUserById", "the user id", true, true},
		{`x -"annual report"`, "The annual report", true, false},
		{`x -"annual report"`, "annual and report", true, true},
		{"x -東京都", "東京都", true, false},
		{"x -水", "飲料水です", false, true},
		{`"東京都"`, "東京都庁", true, true},
		{`"京都大学"`, "東京都と大学", false, false},
	} {
		p := Parse(tt.query, false)
		language := "en"
		if strings.Contains(tt.query, "ä") {
			language = "de"
		}
		if got := fulfils(Fields{Body: tt.body, Language: language}, p.Constraint([]string{"en", "de"})); got != tt.want {
			t.Errorf("%s: the terms of %q fulfil it: %v", tt.query, tt.body, got)
		}
		if got := p.Checker().Admits("Title", tt.body); got != tt.admits {
			t.Errorf("%s: the text %q is admitted: %v", tt.query, tt.body, got)
		}
		if !tt.admits && !p.NeedsText() {
			t.Errorf("%s: the text is not asked for", tt.query)
		}
	}
	if p := Parse("plain -draft", false); p.NeedsText() {
		t.Error("a word that is excluded needs no text")
	}
	long := Parse(`"`+strings.Join(strings.Split(strings.Repeat("abcdefghi", 30), ""), " x")+`" "`+strings.Join(numbers(200), " ")+`"`, false)
	if n := len(long.Constraint(nil).Must); n > maxMust {
		t.Errorf("%d terms are looked up", n)
	}
}

// A phrase is found in a title, a heading or a body, not across them.
func TestAdmitsFieldByField(t *testing.T) {
	t.Parallel()
	p := Parse(`"annual report" "hotel limit"`, false)
	if !p.Checker().Admits("Annual report", "Travel", "The hotel limit is 180.") {
		t.Error("phrases in different fields are not found")
	}
	if p.Checker().Admits("The annual", "report", "The hotel limit is 180.") {
		t.Error("a phrase is found across fields")
	}
}

func numbers(n int) (out []string) {
	for i := range n {
		out = append(out, strings.Repeat("z", i+1))
	}
	return out
}
