package lexical

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// proximityOf returns the measure for a query whose words are all equally rare.
func proximityOf(query string) *Proximity {
	terms := QueryTerms(query, []string{"en"})
	frequencies := make([]int, len(terms))
	for i := range frequencies {
		frequencies[i] = 5
	}
	return NewProximity(terms, Stats{Chunks: 1000, Length: 1e5, Frequencies: frequencies})
}

func TestProximityOrders(t *testing.T) {
	p := proximityOf("expense reports deadline")
	texts := []string{ // nearest first
		"The expense reports deadline is in May.",
		"The deadline for an expense report is in May.",
		"An expense is no report, and it knows of no deadline.",
		"expense " + strings.Repeat("and so on ", 9) + " report " + strings.Repeat("and so on ", 9) + " deadline",
	}
	previous := 1.0
	for _, text := range texts {
		got := p.Of(text, "en")
		if got >= previous {
			t.Errorf("%.40q: %.3f, not below %.3f", text, got, previous)
		}
		previous = got
	}
	if previous != 0 {
		t.Errorf("words that are far from each other count %.3f", previous)
	}
}

func TestProximityIgnoresOrderAndForm(t *testing.T) {
	p := proximityOf("parse header")
	if a, b := p.Of("parse header", "en"), p.Of("headers parsed", "en"); a != b || a == 0 {
		t.Errorf("%.3f and %.3f", a, b)
	}
	if got := p.Of("the function parseHeader reads", "en"); got == 0 {
		t.Error("the words of an identifier are not near")
	}
}

func TestProximityOfOneWord(t *testing.T) {
	if got := proximityOf("deadline").Of("deadline deadline", "en"); got != 0 {
		t.Errorf("%.3f", got)
	}
}

func TestProximityIsBounded(t *testing.T) {
	word := rapid.SampledFrom([]string{"travel", "travels", "the", "of", "parseHeader", "出張費", "C++", "v1.2"})
	rapid.Check(t, func(t *rapid.T) {
		query := strings.Join(rapid.SliceOfN(word, 0, 8).Draw(t, "query"), " ")
		text := strings.Join(rapid.SliceOfN(word, 0, 30).Draw(t, "text"), " ")
		if got := proximityOf(query).Of(text, "en"); got < 0 || got >= 1 {
			t.Fatalf("%v", got)
		}
	})
}

func TestCeilingIsNeverExceeded(t *testing.T) {
	word := rapid.SampledFrom([]string{"travel", "travels", "travelled", "the", "parseHeader", "budget"})
	rapid.Check(t, func(t *rapid.T) {
		f, stats := NewFresh(), Stats{}
		for i, words := range rapid.SliceOfN(rapid.SliceOfN(word, 1, 40), 1, 8).Draw(t, "texts") {
			terms, n := Terms(Fields{Body: strings.Join(words, " "), Language: "en"})
			if _, err := f.Add(int64(i), n, EncodeTerms(terms)); err != nil {
				t.Fatal(err)
			}
			stats.Chunks++
			stats.Length += int64(n)
		}
		terms := QueryTerms(strings.Join(rapid.SliceOfN(word, 1, 6).Draw(t, "query"), " "), []string{"en"})
		m := f.Match(terms, make([]uint32, stats.Chunks), []uint8{1})
		stats.Frequencies = m.Frequencies()
		ceiling := stats.Ceiling(terms)
		for _, h := range m.Top(stats, nil, 10) {
			if h.Score >= ceiling {
				t.Fatalf("score %v, ceiling %v", h.Score, ceiling)
			}
		}
	})
}

// Fifty chunks of 1,400 bytes, as a search reads them.
func BenchmarkProximity(b *testing.B) {
	data, err := os.ReadFile("query.go")
	if err != nil {
		b.Fatal(err)
	}
	p := proximityOf("how are the longest words of a question kept in groups")
	for b.Loop() {
		for i := range 50 {
			at := i * 60
			p.Of(string(data[at:at+1400]), "en")
		}
	}
}
