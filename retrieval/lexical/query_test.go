package lexical

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// finds reports whether a question finds a document.
func finds(t *testing.T, question string, languages []string, doc Fields) bool {
	t.Helper()
	terms, _ := Terms(doc)
	for _, q := range QueryTerms(question, languages) {
		if slices.ContainsFunc(terms, func(d Term) bool { return d.Hash == q.Hash }) {
			return true
		}
	}
	return false
}

func TestQueryFinds(t *testing.T) {
	tests := []struct {
		name, question string
		languages      []string
		text, language string
		want           bool
	}{
		{"inflection", "claiming", nil, "All claims are claimed.", "en", true},
		{"identifier by its words", "user", nil, "x.getUserById(3)", "", true},
		{"identifier in another spelling", "get-user-by-id", nil, "getUserById", "", true},
		{"hyphen left out", "twofactor", nil, "two-factor login", "en", true},
		{"error code", "err_4031", nil, "Fails with ERR-4031.", "en", true},
		{"file name", "pricing.xlsx", nil, "See Pricing.xlsx", "en", true},
		{"accents left out", "organizacion", []string{"es"}, "La organización", "es", true},
		{"umlaut left out", "kundigung", []string{"de"}, "Die Kündigungen", "de", true},
		{"German inflection", "Verträge", []string{"de"}, "Der Vertrag gilt.", "de", true},
		{"German inflection in English only", "Verträgen", []string{"en"}, "Der Vertrag gilt.", "de", false},
		{"second language", "Verträge", []string{"en", "de"}, "Der Vertrag gilt.", "de", true},
		{"region tag", "Verträge", []string{"de-AT"}, "Der Vertrag gilt.", "de_CH", true},
		{"name in a language without a stemmer", "Kaupunki", []string{"en"}, "Kaupunki", "vi", true},
		{"English word in a Russian text", "server", []string{"en"}, "Новые servers готовы", "ru", true},
		{"Russian", "договоры", []string{"en", "ru"}, "Этот договор", "ru", true},
		{"Japanese", "京都", nil, "東京都庁", "ja", true},
		{"single character", "水", nil, "飲料水です", "ja", true},
		{"other word", "cat", nil, "A dog.", "en", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := finds(t, tt.question, tt.languages, Fields{Body: tt.text, Language: tt.language}); got != tt.want {
				t.Errorf("question %q finds %q: %v, want %v", tt.question, tt.text, got, tt.want)
			}
		})
	}
}

// texts returns the terms of a query as text, groups separated by bars.
func texts(terms []QueryTerm) string {
	var b strings.Builder
	for i, t := range terms {
		switch {
		case i == 0:
		case t.Group != terms[i-1].Group:
			b.WriteString(" | ")
		default:
			b.WriteString(" ")
		}
		b.WriteString(t.Text)
	}
	return b.String()
}

func TestQueryGroups(t *testing.T) {
	tests := []struct {
		question  string
		languages []string
		want      string
	}{
		{"running houses", []string{"en"}, "run running | hous houses"},
		{"houses", []string{"en", "de"}, "hous houses"},
		{"run running", []string{"en"}, "run running"},
		{"e-mail email", []string{"en"}, "email | e | mail"},
		{"日本語", nil, "日本 | 本語"},
		{"?!", nil, ""},
	}
	for _, tt := range tests {
		if got := texts(QueryTerms(tt.question, tt.languages)); got != tt.want {
			t.Errorf("QueryTerms(%q, %v) = %s, want %s", tt.question, tt.languages, got, tt.want)
		}
	}
}

func TestFunctionWordsCountLess(t *testing.T) {
	weight := func(word, question string, languages ...string) float32 {
		for _, q := range QueryTerms(question, languages) {
			if q.Text == word {
				return q.Weight
			}
		}
		t.Fatalf("QueryTerms(%q) lacks %q", question, word)
		return 0
	}
	if w := weight("how", "how does the battery die", "en", "de"); w != functionWeight {
		t.Errorf("how weighs %v, want %v", w, functionWeight)
	}
	if w := weight("die", "how does the battery die", "en", "de"); w != 1 {
		t.Errorf("die weighs %v in an English question, want 1", w)
	}
	if w := weight("die", "wie lang ist die Frist", "en", "de"); w != functionWeight {
		t.Errorf("die weighs %v in a German question, want %v", w, functionWeight)
	}
	for _, norwegian := range []string{"no", "nb", "nn"} { // as documents say and detectors find
		if w := weight("hvordan", "hvordan søker jeg om ferie", "en", norwegian); w != functionWeight {
			t.Errorf("%s: hvordan weighs %v, want %v", norwegian, w, functionWeight)
		}
	}
}

func TestRepeatedWordsWeighMore(t *testing.T) {
	terms := QueryTerms("alpha beta alpha", nil)
	if len(terms) != 2 || terms[0].Weight != 2*terms[1].Weight {
		t.Errorf("got %+v", terms)
	}
}

// The word itself outweighs the identifier that it is spelt like.
func TestWordRaisesIdentifier(t *testing.T) {
	if terms := QueryTerms("e-mail email", nil); terms[0].Text != "email" || terms[0].Weight != 2 {
		t.Errorf("got %+v, want email of weight 2", terms)
	}
}

func TestQueryTermsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`[a-zA-Z]{1,9}([_.-][a-z0-9]{1,5})?`), rapid.String()), 0, 200).Draw(t, "words")
		languages := rapid.SliceOfN(rapid.SampledFrom([]string{"en", "de", "fr", "ru", "tr", "xx", ""}), 0, 6).Draw(t, "languages")
		terms := QueryTerms(strings.Join(words, " "), languages)
		if len(terms) > MaxQueryTerms {
			t.Fatalf("%d terms", len(terms))
		}
		seen := map[uint64]bool{}
		for i, q := range terms {
			if seen[q.Hash] || q.Hash != Hash(q.Text) || q.Weight <= 0 {
				t.Fatalf("term %d is repeated or wrong: %+v", i, q)
			}
			seen[q.Hash] = true
			if last := terms[max(i-1, 0)].Group; i == 0 && q.Group != 0 || q.Group < last || q.Group > last+1 {
				t.Fatalf("group %d follows %d", q.Group, last)
			}
		}
	})
}

func TestLongQueryKeepsLongWords(t *testing.T) {
	question := strings.Repeat("of in at to ", 5) + "reimbursement"
	for c := 'a'; c <= 'z'; c++ {
		for d := 'b'; d <= 'e'; d++ {
			question += " " + string([]rune{c, d})
		}
	}
	if terms := QueryTerms(question, nil); !slices.ContainsFunc(terms, func(q QueryTerm) bool { return q.Text == "reimbursement" }) {
		t.Errorf("the longest word is missing of %s", texts(terms))
	}
}
