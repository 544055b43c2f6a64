package verifytest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// generate returns the mutants of all cases under one seed.
func generate(t *testing.T, seed uint64) []Mutant {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, seed))
	var out []Mutant
	for _, c := range load(t) {
		out = append(out, Mutations(c, rng)...)
	}
	return out
}

func sentences(ms []Mutant) []string {
	var s []string
	for _, m := range ms {
		s = append(s, m.Case.ID+" "+string(m.Kind)+" "+m.Sentence)
	}
	return s
}

func TestMutationsAreDeterministic(t *testing.T) {
	a, b := sentences(generate(t, 1)), sentences(generate(t, 1))
	if !slices.Equal(a, b) {
		t.Error("the same seed gave different mutants")
	}
}

func TestSeedsDiffer(t *testing.T) {
	first := make(map[string]bool)
	for _, s := range sentences(generate(t, 1)) {
		first[s] = true
	}
	perKind, same := make(map[Kind]int), make(map[Kind]int)
	for _, m := range generate(t, 2) {
		perKind[m.Kind]++
		if first[sentences([]Mutant{m})[0]] {
			same[m.Kind]++
		}
	}
	for _, k := range Kinds() {
		if 2*same[k] > perKind[k] && k != KindNegation || same[k] == perKind[k] {
			t.Errorf("%s: %d of %d mutants are the same under both seeds", k, same[k], perKind[k])
		}
	}
}

func TestEveryKindHasFortyCases(t *testing.T) {
	for seed := range uint64(4) {
		cases := make(map[Kind]map[string]bool)
		for _, k := range Kinds() {
			cases[k] = make(map[string]bool)
		}
		for _, m := range generate(t, seed) {
			if cases[m.Kind][m.Case.ID] {
				t.Errorf("seed %d: two %s mutants of %s", seed, m.Kind, m.Case.ID)
			}
			cases[m.Kind][m.Case.ID] = true
		}
		for k, ids := range cases {
			if len(ids) < 40 {
				t.Errorf("seed %d: %s mutants of %d cases, want at least 40", seed, k, len(ids))
			}
		}
	}
}

// TestMutantsAreNew checks with means other than the generator's own that what
// was put in is nowhere in the passages. The edges of the text count as
// separators, a digit beside a digit does not.
func TestMutantsAreNew(t *testing.T) {
	for seed := range uint64(5) {
		for _, m := range generate(t, seed) {
			if m.Sentence == m.Case.Sentence {
				t.Errorf("%s %s: mutant equals the sentence", m.Case.ID, m.Kind)
			}
			if m.Kind == KindNegation {
				continue
			}
			if m.From == m.To || m.To == "" {
				t.Errorf("%s %s: %q became %q", m.Case.ID, m.Kind, m.From, m.To)
			}
			for _, p := range m.Case.Passages {
				if holds(p, m.To) {
					t.Errorf("%s %s: %q is in the passages", m.Case.ID, m.Kind, m.To)
				}
			}
		}
	}
}

// holds reports whether the words of part follow one another in text.
func holds(text, part string) bool {
	return strings.Contains(" "+strings.Join(words(text), " ")+" ", " "+strings.Join(words(part), " ")+" ")
}

// TestNumberValuesAreNew gives passages that say a number in another form than
// the sentence and expects that no mutant lands on it.
func TestNumberValuesAreNew(t *testing.T) {
	tests := []struct {
		lang, sentence, passage string
		forbidden               []string
	}{
		{"en", "It takes 3 days.", "two, four, five, 6 or seven", []string{"2", "4", "5", "6", "7"}},
		{"en", "It costs 1,500 euros.", "1600 or 1.400 or 3 thousand", []string{"1,600", "1,400", "3,000"}},
		{"en", "It takes two hundred days.", "300 or four hundred", []string{"three", "four"}},
		{"de", "Es kostet 20 Euro.", "zehn, dreißig", []string{"10", "30"}},
		{"fr", "Il faut deux jours.", "quatre, 3", []string{"quatre", "trois"}},
	}
	for _, tt := range tests {
		c := Case{Lang: tt.lang, Sentence: tt.sentence, Passages: []string{tt.passage}}
		rng := rand.New(rand.NewPCG(7, 7))
		made := false
		for range 200 {
			e, ok := mutateNumber(c, rng)
			made = made || ok
			if ok && slices.Contains(tt.forbidden, e.to) {
				t.Fatalf("%q became %q, which is in %q", tt.sentence, e.to, tt.passage)
			}
		}
		if !made {
			t.Errorf("no mutant of %q", tt.sentence)
		}
	}
}

// TestDatePartsAreNew does the same for dates.
func TestDatePartsAreNew(t *testing.T) {
	tests := []struct {
		lang, sentence, passage string
		forbidden               []string
	}{
		{"en", "It ends on 2026-03-04.", "05.06.2025, 7 Aug, Sept. and October", []string{"-05-", "-06-", "-08-", "-09-", "-10-", "-05.", "-06.", "-07.", "2025"}},
		{"en", "It ends on a Monday.", "Tuesdays, mercredi, Thu", []string{"Tuesday", "Wednesday", "Thursday"}},
		{"en", "It ends on March 4.", "2026-05-11, juin", []string{"May", "June", " 5.", "11"}},
		{"de", "Am 4. März.", "5 April; mayo", []string{"April", "Mai", " 5."}},
	}
	for _, tt := range tests {
		c := Case{Lang: tt.lang, Sentence: tt.sentence, Passages: []string{tt.passage}}
		rng := rand.New(rand.NewPCG(7, 7))
		for range 300 {
			e, ok := mutateDate(c, rng)
			if !ok {
				t.Fatalf("no mutant of %q", tt.sentence)
			}
			got := tt.sentence[:e.start] + e.to + tt.sentence[e.end:]
			for _, f := range tt.forbidden {
				if strings.Contains(got, f) {
					t.Fatalf("%q became %q, a part of which is in %q", tt.sentence, got, tt.passage)
				}
			}
		}
	}
}

// TestNamesAreNew expects that no word of a new name is in the passages.
func TestNamesAreNew(t *testing.T) {
	pool := namePool["plan"]
	c := Case{
		Sentence: "Gold costs more.",
		Passages: []string{"Gold, " + strings.ToUpper(strings.Join(pool[1:], " "))},
		Names:    []Name{{Kind: "plan", Text: "Gold"}},
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		if e, ok := mutateName(c, rng); !ok || e.to != pool[0] {
			t.Fatalf("got %q, want %q, the only one not in the passages", e.to, pool[0])
		}
	}
}

// TestDatesExist expects no 31st of a month that has none.
func TestDatesExist(t *testing.T) {
	c := Case{Lang: "en", Sentence: "It ends on 31 March 2026."}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		e, _ := mutateDate(c, rng)
		if slices.Contains([]string{"February", "April", "June", "September", "November"}, e.to) {
			t.Fatalf("31 %s", e.to)
		}
	}
}

// TestBounds expects limits to move only where the sentence becomes false.
func TestBounds(t *testing.T) {
	c := Case{
		Lang: "en", Sentence: "Up to 8 people may come by 14 June.",
		Passages: []string{"Guests: 8, until 14 June"},
		Bounds:   map[string]string{"8": "more", "14": "less", "June": "fixed"},
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		for _, m := range Mutations(c, rng) {
			n, err := strconv.Atoi(m.To)
			if m.Kind == KindNumber && (err != nil || n <= 8) || m.Kind == KindDate && (err != nil || n >= 14) {
				t.Fatalf("%s: %q", m.Kind, m.Sentence)
			}
		}
	}
}

// TestFoundParts fixes what counts as a number and as a date.
func TestFoundParts(t *testing.T) {
	tests := []struct{ lang, sentence, numbers, dates string }{
		{"en", "Until 3rd of March 2026 at 09:30 the 12 users of v2.3.1 and INC-44 pay $2,500.50.", "12 2,500.50", "3rd March 2026"},
		{"en", "On 2026-03-04, a Monday, thirty-one of the two-hour slots in May were free.", "thirty-one two", "2026 03 04 Monday May"},
		{"en", "It may march on; 412 of 1000 in 2025.", "412 1000", "2025"},
		{"de", "Am 13.03.2026 kosten 1.200,50 kg vierzig Euro.", "1.200,50 vierzig", "13 03 2026"},
		{"fr", "Le 1er avril, 350 000 euros.", "350 000", "1er avril"},
		{"es", "El 3 de junio de 2025, doce.", "doce", "3 junio 2025"},
	}
	for _, tt := range tests {
		c := Case{Lang: tt.lang, Sentence: tt.sentence}
		var numbers, dates []string
		for _, n := range findNumbers(c) {
			numbers = append(numbers, tt.sentence[n.start:n.end])
		}
		parts, _ := findDates(tt.sentence, tt.lang)
		slices.SortFunc(parts, func(a, b datePart) int { return a.start - b.start })
		for _, p := range parts {
			dates = append(dates, p.text)
		}
		if got := strings.Join(numbers, " "); got != tt.numbers {
			t.Errorf("numbers of %q: %q, want %q", tt.sentence, got, tt.numbers)
		}
		if got := strings.Join(dates, " "); got != tt.dates {
			t.Errorf("dates of %q: %q, want %q", tt.sentence, got, tt.dates)
		}
	}
}

func TestNegation(t *testing.T) {
	tests := []struct{ lang, sentence, want string }{
		{"en", "Logs are kept.", "Logs are not kept."},
		{"en", "Logs are not kept.", "Logs are kept."},
		{"en", "It cannot wait.", "It can wait."},
		{"de", "Der Zutritt ist erlaubt.", "Der Zutritt ist nicht erlaubt."},
		{"de", "Das gilt nicht.", "Das gilt."},
		{"fr", "L'accès est libre.", "L'accès n'est pas libre."},
		{"fr", "Il ne doit pas partir.", "Il doit partir."},
		{"es", "El acceso está abierto.", "El acceso no está abierto."},
		{"es", "Esto no vale.", "Esto vale."},
	}
	for _, tt := range tests {
		e, ok := mutateNegation(Case{Lang: tt.lang, Sentence: tt.sentence}, rand.New(rand.NewPCG(1, 1)))
		if got := tt.sentence[:e.start] + e.to + tt.sentence[e.end:]; !ok || got != tt.want {
			t.Errorf("%q became %q, want %q", tt.sentence, got, tt.want)
		}
	}
}

// TestPrint writes the mutants of one seed for a person to read, when
// VERIFYTEST_PRINT is set.
func TestPrint(t *testing.T) {
	if os.Getenv("VERIFYTEST_PRINT") == "" {
		t.Skip("set VERIFYTEST_PRINT=1 and -v to read the mutants of one seed")
	}
	for _, m := range generate(t, 1) {
		fmt.Printf("%s %s\n  - %s\n  + %s\n", m.Case.ID, m.Kind, m.Case.Sentence, m.Sentence)
	}
}
